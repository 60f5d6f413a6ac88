"""What a lender holds since a bureau enrolled it: names, certificate, keys; a directory of files.

Files       `membership.json` (who, whom, where), `authority.pem`, `client.pem`, `client.key`,
            `signing.key` (requests), `answers.key` (what answers are sealed to). The keys were
            made here and never left; the bureau has their public halves.
"""

import hashlib
import json
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

MEMBERSHIP: Final = "membership.json"
AUTHORITY: Final = "authority.pem"
CLIENT: Final = "client.pem"
CLIENT_KEY: Final = "client.key"
SIGNING_KEY: Final = "signing.key"
ANSWERS_KEY: Final = "answers.key"


@dataclass(frozen=True, slots=True, kw_only=True)
class Membership:
    """One lender at one bureau."""

    #: Legal identifiers.
    bureau: str
    issuer: str
    #: The lender's organisation code; what reports name as the inquirer.
    organisation: str
    url: str
    #: What the log's policy calls the bureau's own witness; None where it runs none.
    witness: str | None
    directory: Path

    @property
    def signing_key(self) -> Path:
        """Return the file of the key that signs requests."""
        return self.directory / SIGNING_KEY

    @property
    def answers_key(self) -> Path:
        """Return the file of the key that answers are sealed to."""
        return self.directory / ANSWERS_KEY

    @property
    def certificate(self) -> Path:
        """Return the file of the client certificate."""
        return self.directory / CLIENT


def load_membership(directory: Path) -> Membership:
    """Read the membership of a directory."""
    about = json.loads((directory / MEMBERSHIP).read_text(encoding="utf-8"))
    return Membership(directory=directory, **about)


def tls_of(membership: Membership) -> ssl.SSLContext:
    """Return the client's side of the mutual TLS: 1.3, the bureau's own authority alone."""
    context = ssl.create_default_context(cafile=membership.directory / AUTHORITY)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.load_cert_chain(membership.certificate, membership.directory / CLIENT_KEY)
    return context


def certificate_sha256(path: Path) -> bytes:
    """Return the thumbprint of a certificate file (RFC 8705: over its DER form)."""
    certificate = x509.load_pem_x509_certificate(path.read_bytes())
    return hashlib.sha256(certificate.public_bytes(Encoding.DER)).digest()
