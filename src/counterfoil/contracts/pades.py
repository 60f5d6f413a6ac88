"""The lender's electronic signature on a file: PAdES with a key from a PKCS#12 container.

Form        The canonical text and the evidence of the customer's act are attached to the file as
            they were hashed, then one signature covers all of it.
Follows     ETSI EN 319 142-1 (PAdES), level B-B: no time-stamping service is asked; when it was
            signed at the latest is what the evidence log says.
"""

import io
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, pkcs12
from cryptography.x509.oid import NameOID
from pyhanko.pdf_utils import embed
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign import signers
from pyhanko.sign.fields import SigSeedSubFilter

from counterfoil.contracts.paper import CERTIFICATE
from counterfoil.contracts.port import LenderSeal
from counterfoil.platform.files import write_once

CONTAINER: Final = "contract-seal.p12"
FIELD: Final = "Lender"
#: A certificate of our own making outlives the claims from contracts signed with it.
_VALID_FOR: Final = timedelta(days=3_650)


class ContainerRejectedError(Exception):
    """The PKCS#12 container cannot be read: no such file, wrong password, or no key in it."""


class FileSeal:
    """Signs with a key that lies in a container on disk."""

    def __init__(self, container: bytes, password: bytes | None) -> None:
        """Open the container."""
        try:
            signer = signers.SimpleSigner.load_pkcs12_data(container, [], passphrase=password)
        except ValueError as error:
            raise ContainerRejectedError(
                "the container does not open with this password"
            ) from error
        if signer is None or signer.signing_cert is None:
            raise ContainerRejectedError("the container holds no certificate")
        self._signer = signer

    def seal(self, pdf: bytes, attachments: Mapping[str, bytes], *, reason: str) -> bytes:
        """Return the file with its attachments and the lender's signature over all of it."""
        writer = IncrementalPdfFileWriter(io.BytesIO(pdf))
        for name, content in attachments.items():
            embedded = embed.EmbeddedFileObject.from_file_data(writer, content)
            embed.embed_file(writer, embed.FileSpec(name, embedded_data=embedded))
        metadata = signers.PdfSignatureMetadata(
            field_name=FIELD,
            md_algorithm="sha256",
            subfilter=SigSeedSubFilter.PADES,
            reason=reason,
        )
        output = io.BytesIO()
        signers.PdfSigner(metadata, self._signer).sign_pdf(writer, output=output)
        return output.getvalue()

    def certificate(self) -> bytes:
        """Return the certificate of the seal, DER."""
        certificate: bytes = self._signer.signing_cert.dump()
        return certificate


def seal_of(
    keys: Path, *, container: Path | None, password: str | None, now: datetime
) -> LenderSeal:
    """Return the seal of a container, or of one that is made in the directory at first use."""
    if container is None:
        container = keys / CONTAINER
        if not container.exists():
            write_once(container, _new_container(now))
        password = None
    try:
        content = container.read_bytes()
    except OSError as error:
        raise ContainerRejectedError(f"{container} cannot be read") from error
    seal = FileSeal(content, None if password is None else password.encode())
    certificate = x509.load_der_x509_certificate(seal.certificate())
    write_once(keys / CERTIFICATE, certificate.public_bytes(Encoding.PEM))
    return seal


def _new_container(now: datetime) -> bytes:
    """Return a new key with a certificate that vouches for itself: for sandboxes."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Counterfoil contract seal")])
    usage = x509.KeyUsage(
        digital_signature=True,
        content_commitment=True,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=False,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        # A verifier's clock may lag behind ours.
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + _VALID_FOR)
        .add_extension(usage, critical=True)
        .sign(key, hashes.SHA256())
    )
    return pkcs12.serialize_key_and_certificates(b"seal", key, certificate, None, NoEncryption())
