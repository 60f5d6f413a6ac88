"""The signed file of a contract: rendered, attached, sealed, hashed into the log, kept.

The lender's signature takes tens of milliseconds, so it comes after the customer's: by the worker,
or when somebody asks for the file first. It is issued once; from then on it is the same file.
"""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

import orjson

from counterfoil.contracts import store
from counterfoil.contracts.contract import Contract
from counterfoil.contracts.document import Coded, Filling, Words
from counterfoil.contracts.filling import record_text
from counterfoil.contracts.paper import EVIDENCE_FILE, LENDER_FILE, TEXT_FILE, render
from counterfoil.contracts.port import Lender
from counterfoil.contracts.refusals import (
    CONTRACT_NOT_FOUND,
    CONTRACT_NOT_SIGNED,
    SEAL_UNAVAILABLE,
)
from counterfoil.contracts.template import Template
from counterfoil.evidence.leaf import LeafType
from counterfoil.evidence.store import QUERIES as EVIDENCE
from counterfoil.journeys.contracting.contract_making import (
    PDF,
    open_sealed,
    open_texts,
    seal_file,
)
from counterfoil.journeys.contracting.contract_words import lender_name, lender_of
from counterfoil.journeys.contracting.loan_note import LoanNote
from counterfoil.journeys.house import House
from counterfoil.kernel import ids
from counterfoil.kernel.errors import Refused, RefusedError, refuse
from counterfoil.kernel.language import Language


async def contract_file(house: House, *, customer_id: int, contract_id: int) -> bytes | Refused:
    """Return the signed file of a signed contract, issuing it where nobody has yet."""
    try:
        return await _file(house, customer_id, contract_id)
    except RefusedError as error:
        return error.refused


async def note_file(house: House, note: LoanNote) -> bytes:
    """Return the note of a loan as a file with the lender's signature; it is not kept."""
    evidence = {
        "document_sha256": note.note.sha256.hex(),
        "loan_id": ids.to_text(ids.LOAN, note.loan_id),
        "note": note.note.ref,
    }
    lender = lender_of(house.catalogue.terms(*note.product))
    reason = f"Loan note {ids.to_text(ids.LOAN, note.loan_id)}"
    return await sealed_paper(house, note.note.text, evidence, lender, reason=reason)


async def sealed_paper(
    house: House, text: str, evidence: Mapping[str, Any], lender: Lender, *, reason: str
) -> bytes:
    """Return a text as a file with the lender's signature of today; it is not kept.

    `evidence` says what the customer confirmed: the SHA-256 of the text among it.
    """
    pdf = await asyncio.to_thread(render, text, font=house.settings.contract_font)
    attachments = {
        TEXT_FILE: text.encode(),
        EVIDENCE_FILE: orjson.dumps(evidence),
        LENDER_FILE: _named(lender),
    }
    return await asyncio.to_thread(house.seals.of(lender).seal, pdf, attachments, reason=reason)


async def issue_due(house: House, *, page: int) -> int:
    """Issue files that are due; return how many. A lender without its seal holds up no other."""
    issued = 0
    without: set[str] = set()
    while issued < page:
        async with house.database.connection() as connection:
            due = await store.read_files_due(connection, page=page - issued, without=without)
        for customer_id, contract_id, lender_id in due:
            if lender_id in without:
                continue
            try:
                await _file(house, customer_id, contract_id)
            except RefusedError as error:
                if error.refused.code != SEAL_UNAVAILABLE.code:
                    raise
                without.add(lender_id)
            else:
                issued += 1
        if not due or not without:
            break
    return issued


async def _file(house: House, customer_id: int, contract_id: int) -> bytes | Refused:
    async with house.database.connection() as connection:
        contract = await store.read_contract(connection, customer_id, contract_id)
        if contract is None:
            return refuse(CONTRACT_NOT_FOUND)
        if contract.signed_at is None:
            return refuse(CONTRACT_NOT_SIGNED)
        if contract.pdf_sha256 is not None:
            return await open_sealed(connection, house, contract, PDF)
        texts = await open_texts(connection, house, contract)
    if isinstance(texts, Refused):
        return texts
    language = Language(contract.signed_language or "")
    pdf = await asyncio.to_thread(_sealed, house, contract, language, texts.of(language))
    return await _keep(house, contract, pdf)


async def _keep(house: House, contract: Contract, pdf: bytes) -> bytes | Refused:
    """Write the file with the leaf of its hash; where a twin was first, hand out the twin's."""
    customer_id, contract_id = contract.customer_id, contract.contract_id
    digest = sha256(pdf).digest()
    lender = _lender(house, contract)
    async with house.database.transaction() as connection:
        is_first = await store.issue_file(connection, contract, digest)
        if is_first:
            await seal_file(connection, house, contract, pdf)
            fields: dict[str, Any] = {
                "certificate_sha256": sha256(house.seals.of(lender).certificate()).hexdigest(),
                "contract_id": ids.to_text(ids.CONTRACT, contract_id),
                "contract_sha256": contract.signed_sha256.hex(),
                "cost_sheet_sha256": contract.cost_sheet_sha256.hex(),
                "customer_signature": orjson.loads(contract.evidence or "null"),
                "event": "issued",
                "lender": lender.lender_id,
                "pdf_sha256": digest.hex(),
                "product": contract.product_code,
                "product_version": contract.product_version,
            }
            leaf = house.leaves.stage(
                customer_id, house.ids.next(), LeafType.CONTRACT, contract_id, fields
            )
            await EVIDENCE.stage_leaves.execute(connection, rows=[leaf])
    if is_first:
        return pdf
    async with house.database.connection() as connection:
        return await open_sealed(connection, house, contract, PDF)


def _sealed(house: House, contract: Contract, language: Language, text: str) -> bytes:
    """Render and sign: the slow part, beside the event loop."""
    template = house.shelf.template(contract.template_code, contract.template_version)
    record = record_text(template, language, _record(house, contract, template))
    pdf = render(text, record, font=house.settings.contract_font)
    assert contract.evidence is not None, "the contract is signed"
    lender = _lender(house, contract)
    attachments = {
        TEXT_FILE: text.encode(),
        EVIDENCE_FILE: contract.evidence.encode(),
        LENDER_FILE: _named(lender),
    }
    reason = f"Contract {ids.to_text(ids.CONTRACT, contract.contract_id)}"
    return house.seals.of(lender).seal(pdf, attachments, reason=reason)


def _lender(house: House, contract: Contract) -> Lender:
    """Return the lender of record of a contract."""
    return lender_of(house.catalogue.terms(contract.product_code, contract.product_version))


def _named(lender: Lender) -> bytes:
    """Return who the lender is, as it is attached to what is sealed for it."""
    return orjson.dumps(lender._asdict(), option=orjson.OPT_SORT_KEYS)


def _record(house: House, contract: Contract, template: Template) -> Filling:
    assert contract.evidence is not None, "the contract is signed"
    evidence = orjson.loads(contract.evidence)
    terms = house.catalogue.terms(contract.product_code, contract.product_version)
    level = evidence["authentication_level"]
    words = template.words.get("authentication", {})
    return Filling(
        values={
            "contract_id": ids.to_text(ids.CONTRACT, contract.contract_id),
            "customer_id": ids.to_text(ids.CUSTOMER, contract.customer_id),
            "document_sha256": contract.signed_sha256.hex(),
            "cost_sheet_sha256": contract.cost_sheet_sha256.hex(),
            "sheet_shown_at": _instant(evidence["shown_at"]["cost_sheet"]),
            "document_shown_at": _instant(evidence["shown_at"]["agreement"]),
            "signed_at": _instant(evidence["signed_at"]),
            "reading_seconds": str(evidence["reading_ms"]["cost_sheet"] // 1_000),
            "authentication_level": (
                Coded("authentication", (level,)) if level in words else Words(level, level)
            ),
            "channel": evidence["channel"],
            "lender_name": lender_name(terms),
        }
    )


def _instant(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
