"""Whether a file is the contract that it says it is: offline, from the file and certificates.

What holds  Exactly one signature, by one of the certificates given, over every byte of the file but
            the signature itself; nothing was added afterwards; the padding of it is blank;
            the attached text has the hash that the attached evidence confirms. With a leaf's body
            from a receipt: the leaf speaks of this text, or of this very file.
Whose       The lender whose certificate sealed it is the one that the file names.
Errors      Every reason that speaks against the file, by a stable code; none means that it holds.
"""

import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final, NamedTuple

import orjson
from asn1crypto import cms, pem
from asn1crypto import x509 as asn1_x509
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.diff_analysis import ModificationLevel
from pyhanko.sign.validation import validate_pdf_signature
from pyhanko.sign.validation.status import PdfSignatureStatus, SignatureCoverageLevel
from pyhanko_certvalidator import ValidationContext

from counterfoil.contracts.paper import EVIDENCE_FILE, LENDER_FILE, TEXT_FILE

_GAP: Final = re.compile(rb"<((?:[0-9A-F]{2})+)>")
_BYTE_RANGE: Final = re.compile(rb"/ByteRange\s*\[\s*(\d+)\s+(\d+)\s+(\d+)\s+(\d+)\s*\]")


class KnownSeal(NamedTuple):
    """A certificate that whoever verifies trusts, PEM or DER."""

    #: Whose it is; None where one seals for every lender of an installation.
    lender_id: str | None
    certificate: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What was found about a file."""

    #: Codes and sentences of what speaks against it.
    faults: tuple[tuple[str, str], ...]
    pdf_sha256: str
    #: Hash of the attached text; empty where there is none.
    document_sha256: str = ""
    #: The attached evidence of the customer's act.
    evidence: Mapping[str, Any] | None = None
    #: Whose certificate sealed the file; None where that does not tell.
    sealed_by: str | None = None
    #: The lender of record that the file names; files of before name none.
    lender: Mapping[str, Any] | None = None

    @property
    def accepted(self) -> bool:
        """Return whether nothing speaks against the file."""
        return not self.faults


def verify_contract(
    pdf: bytes, seals: Sequence[KnownSeal], *, body: Mapping[str, Any] | None = None
) -> Verdict:
    """Return whether a file is an unaltered contract under one of the lenders' certificates.

    `body` is the body of a leaf of type 9 about it, from a receipt that was verified.
    """
    digest = sha256(pdf).hexdigest()
    faults: list[tuple[str, str]] = []
    text: bytes | None = None
    evidence: Mapping[str, Any] | None = None
    lender: Mapping[str, Any] | None = None
    sealed_by: str | None = None
    try:
        reader = PdfFileReader(io.BytesIO(pdf))
        candidates = _candidates(reader, seals)
        faults += _faults_of_signature(pdf, reader, candidates)
        sealed_by = _sealed_by(candidates)
        attached = _attachments(reader)
        text = attached.get(TEXT_FILE)
        evidence = _object(attached.get(EVIDENCE_FILE))
        lender = _object(attached.get(LENDER_FILE))
    except Exception as error:  # noqa: BLE001 - whatever a forged file breaks on speaks against it
        faults.append(("file_unreadable", f"the file cannot be read: {type(error).__name__}"))
    faults += _faults_of_text(text, evidence)
    faults += _faults_of_lender(sealed_by, lender)
    document = "" if text is None else sha256(text).hexdigest()
    if body is not None:
        faults += _faults_of_leaf(body, digest, document)
        faults += _faults_of_leaf_lender(body, sealed_by, lender)
    return Verdict(
        faults=tuple(faults),
        pdf_sha256=digest,
        document_sha256=document,
        evidence=evidence,
        sealed_by=sealed_by,
        lender=lender,
    )


def _candidates(reader: PdfFileReader, seals: Sequence[KnownSeal]) -> Sequence[KnownSeal]:
    """Return the seal whose certificate signed; all where it is none of them, but one's issuer."""
    signed = [one.signer_cert.dump() for one in reader.embedded_signatures]
    exact = [one for one in seals if _certificate(one.certificate).dump() in signed]
    return exact or seals


def _sealed_by(candidates: Sequence[KnownSeal]) -> str | None:
    found = {one.lender_id for one in candidates}
    return found.pop() if len(found) == 1 else None


def _faults_of_signature(
    pdf: bytes, reader: PdfFileReader, seals: Sequence[KnownSeal]
) -> list[tuple[str, str]]:
    found = reader.embedded_signatures
    if len(found) != 1:
        return [("signature_count", f"the file has {len(found)} signatures, not one")]
    signature = found[0]
    roots = [_certificate(one.certificate) for one in seals]
    status = validate_pdf_signature(
        signature, ValidationContext(trust_roots=roots, allow_fetching=False)
    )
    faults = _faults_of_status(status)
    if not _is_padding_blank(pdf):
        faults.append(("signature_padded", "something stands behind the signature's end"))
    return faults


def _faults_of_status(status: PdfSignatureStatus) -> list[tuple[str, str]]:
    checks = (
        (status.intact, "altered", "the file is not what was signed"),
        (status.valid, "signature_invalid", "the signature does not hold"),
        # Of what was altered nobody can say under which certificate it was signed.
        (
            status.trusted or not status.intact,
            "certificate_unknown",
            "it was signed under another certificate",
        ),
        (
            status.coverage is SignatureCoverageLevel.ENTIRE_FILE,
            "not_covered",
            "the signature does not cover the whole file",
        ),
        (
            status.modification_level in (None, ModificationLevel.NONE),
            "changed_afterwards",
            "something was changed after the signature",
        ),
    )
    return [(code, told) for holds, code, told in checks if not holds]


def _is_padding_blank(pdf: bytes) -> bool:
    """Tell whether the gap that no signature covers holds the signature, and zeros behind it.

    In capitals and without blanks, the only way in which it is written here.
    """
    found = _BYTE_RANGE.search(pdf)
    if found is None:
        return False
    begin, end = int(found[1]) + int(found[2]), int(found[3])
    found = _GAP.fullmatch(pdf[begin:end])
    if found is None:
        return False
    content = bytes.fromhex(found[1].decode())
    signed = cms.ContentInfo.load(content).dump()
    return not content[len(signed) :].strip(b"\0")


def _attachments(reader: PdfFileReader) -> dict[str, bytes]:
    names = reader.root["/Names"]["/EmbeddedFiles"]["/Names"]
    return {
        str(names[place]): names[place + 1]["/EF"]["/F"].data for place in range(0, len(names), 2)
    }


def _object(content: bytes | None) -> Mapping[str, Any] | None:
    if content is None:
        return None
    found = orjson.loads(content)
    return found if isinstance(found, dict) else None


def _faults_of_text(
    text: bytes | None, evidence: Mapping[str, Any] | None
) -> list[tuple[str, str]]:
    if text is None or evidence is None:
        return [("attachment_missing", "the text or the evidence of its signature is missing")]
    if evidence.get("document_sha256") != sha256(text).hexdigest():
        return [("text_not_confirmed", "the customer confirmed another text")]
    return []


def _faults_of_lender(
    sealed_by: str | None, lender: Mapping[str, Any] | None
) -> list[tuple[str, str]]:
    if sealed_by is None or lender is None or lender.get("lender_id") == sealed_by:
        return []
    return [("lender_differs", f"the file is {lender.get('lender_id')}'s, sealed by {sealed_by}")]


def _faults_of_leaf_lender(
    body: Mapping[str, Any], sealed_by: str | None, lender: Mapping[str, Any] | None
) -> list[tuple[str, str]]:
    told, named = body.get("lender"), None if lender is None else lender.get("lender_id")
    known = {one for one in (sealed_by, named) if one is not None}
    if told is None or known <= {told}:
        return []
    return [("log_differs", "the log speaks of another lender")]


def _faults_of_leaf(
    body: Mapping[str, Any], pdf_sha256: str, document_sha256: str
) -> list[tuple[str, str]]:
    if body.get("event") == "issued":
        holds = body.get("pdf_sha256") == pdf_sha256
        told = "the log speaks of another file"
    elif body.get("event") == "limit_amended":
        signed = body.get("customer_signature")
        holds = isinstance(signed, dict) and signed.get("document_sha256") == document_sha256
        told = "the log speaks of another amendment"
    else:
        holds = body.get("contract_sha256") == document_sha256
        told = "the log speaks of another text"
    return [] if holds else [("log_differs", told)]


def _certificate(content: bytes) -> asn1_x509.Certificate:
    if pem.detect(content):
        _, _, content = pem.unarmor(content)
    return asn1_x509.Certificate.load(content)
