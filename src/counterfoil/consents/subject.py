"""Who gave a consent: a commitment to the identity that only its opening ties to a person.

subject_ref   SHA-256("counterfoil/subject/v1" || salt || JCS{"id_number", "id_type", "name"})
salt          HMAC-SHA256(key, "counterfoil/subject-salt/v1" || id of the record), 32 bytes: one
              for each consent, so that two recipients who put their records side by side cannot
              see that they are about the same person.
Privacy       The key is the customer's data key of the purpose `subject`, kept wrapped in the
              vault. The opening (salt and identity) goes to the recipient alone; when the key is
              destroyed, nobody can tie the commitment to a person any more.
Follows       RFC 8785 (JCS), RFC 2104 (HMAC). Identity numbers can be enumerated: without the salt
              the commitment would give the number away.
"""

import hashlib
import hmac
from dataclasses import dataclass
from typing import Final

import rfc8785

_DOMAIN: Final = b"counterfoil/subject/v1"
_SALT_DOMAIN: Final = b"counterfoil/subject-salt/v1"
#: Resident identity card, as the credit database numbers documents.
RESIDENT_IDENTITY_CARD: Final = "10"


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Identity:
    """Who somebody is, in the normal form; never shown in a log."""

    name: str
    id_number: str
    id_type: str = RESIDENT_IDENTITY_CARD


def salt_of(key: bytes, record_id: bytes) -> bytes:
    """Return the salt of one record under the customer's key."""
    return hmac.digest(key, _SALT_DOMAIN + record_id, "sha256")


def subject_ref(salt: bytes, identity: Identity) -> bytes:
    """Return the commitment; the recipient computes the same from the opening."""
    document = {
        "id_number": identity.id_number,
        "id_type": identity.id_type,
        "name": identity.name,
    }
    return hashlib.sha256(_DOMAIN + salt + rfc8785.dumps(document)).digest()
