"""A lender's electronic signature on a file: PAdES with a key from a PKCS#12 container.

Whose       Each lender of record has a container of its own. An installation of before, with one
            container for all, goes on with it until it names a directory of containers.
Invariant   One certificate never speaks for two lenders in that directory.

Form        The canonical text and the evidence of the customer's act are attached to the file as
            they were hashed, then one signature covers all of it.
Follows     ETSI EN 319 142-1 (PAdES), level B-B: no time-stamping service is asked; when it was
            signed at the latest is what the evidence log says.
"""

import io
from collections.abc import Mapping
from datetime import datetime, timedelta
from hashlib import sha256
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

from counterfoil.contracts.port import Lender, LenderSeal
from counterfoil.contracts.seal_places import CERTIFICATE, CERTIFICATES, SealPlaces
from counterfoil.platform.files import write_once

SUFFIX: Final = ".p12"
FIELD: Final = "Lender"
#: A certificate of our own making outlives the claims from contracts signed with it.
_VALID_FOR: Final = timedelta(days=3_650)
#: Of a certificate's hash, in the name of its file.
_HASH_LETTERS: Final = 16
#: Of a name in a certificate; RFC 5280, appendix A.1.
_NAME_LETTERS_MAX: Final = 64


class ContainerRejectedError(Exception):
    """The PKCS#12 container cannot be used: not there, wrong password, no key, another lender's."""


class FileSeal:
    """Signs with a key that lies in a container on disk."""

    def __init__(self, container: bytes, password: bytes | None, lender: Lender) -> None:
        """Open the container of a lender, whose name stands on what is sealed."""
        self._lender = lender
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
            name=self._lender.name_en,
            reason=reason,
        )
        output = io.BytesIO()
        signers.PdfSigner(metadata, self._signer).sign_pdf(writer, output=output)
        return output.getvalue()

    def certificate(self) -> bytes:
        """Return the certificate of the seal, DER."""
        certificate: bytes = self._signer.signing_cert.dump()
        return certificate


def seal_of(places: SealPlaces, lender: Lender, *, now: datetime) -> LenderSeal:
    """Return the seal of a lender; where nobody brought one, it is made at first use.

    Raises ContainerRejectedError where it cannot be used.
    """
    container = _container(places, lender, now)
    # What is made here has no password: the directory is the owner's alone.
    made_here = places.folder is None and places.container is None
    password = None if made_here else places.password
    try:
        content = container.read_bytes()
    except OSError as error:
        raise ContainerRejectedError(f"{container} cannot be read") from error
    seal = FileSeal(content, None if password is None else password.encode(), lender)
    certificate = x509.load_der_x509_certificate(seal.certificate())
    pem = certificate.public_bytes(Encoding.PEM)
    if places.folder is None and places.container is not None:
        write_once(places.keys / CERTIFICATE, pem)
    else:
        _publish(places.keys / CERTIFICATES, lender, pem)
    return seal


def _container(places: SealPlaces, lender: Lender, now: datetime) -> Path:
    if places.folder is not None:
        return places.folder / f"{lender.lender_id}{SUFFIX}"
    if places.container is not None:
        return places.container
    made = places.keys / CERTIFICATES / f"{lender.lender_id}{SUFFIX}"
    if not made.exists():
        made.parent.mkdir(mode=0o700, exist_ok=True)
        write_once(made, _new_container(lender, now))
    return made


def _publish(folder: Path, lender: Lender, pem: bytes) -> None:
    """Leave a certificate for whoever verifies; those of before stay beside it."""
    folder.mkdir(mode=0o700, exist_ok=True)
    digest = sha256(pem).hexdigest()[:_HASH_LETTERS]
    for other in folder.glob(f"*.{digest}.pem"):
        if other.name.split(".")[0] != lender.lender_id:
            raise ContainerRejectedError(f"the container of {lender.lender_id} is {other.stem}'s")
    write_once(folder / f"{lender.lender_id}.{digest}.pem", pem)


def _new_container(lender: Lender, now: datetime) -> bytes:
    """Return a new key with a certificate that vouches for itself: for sandboxes."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name(
        [
            x509.NameAttribute(NameOID.COMMON_NAME, lender.name_en[:_NAME_LETTERS_MAX]),
            x509.NameAttribute(NameOID.ORGANIZATION_IDENTIFIER, lender.lender_id),
        ]
    )
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
