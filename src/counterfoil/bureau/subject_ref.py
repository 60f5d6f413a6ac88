"""The commitment by which a consent names its subject, recomputed from the opening.

A bureau has no other part of the lender's software than this: the definition stands in the
documentation of consents, and the tests hold the two computations against each other.
Form        SHA-256("counterfoil/subject/v1" || salt || JCS{"id_number", "id_type", "name"})
"""

from hashlib import sha256
from typing import Final

import rfc8785

from counterfoil.bureau.question import SubjectOpening

_DOMAIN: Final = b"counterfoil/subject/v1"


def subject_ref_of(subject: SubjectOpening) -> bytes:
    """Return the commitment that an opening belongs to."""
    identity = {
        "id_number": subject.id_number,
        "id_type": subject.id_type,
        "name": subject.name,
    }
    return sha256(_DOMAIN + subject.salt + rfc8785.dumps(identity)).digest()
