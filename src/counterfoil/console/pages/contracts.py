"""Contracts: the agreement of a line with its hashes and what proves its signature; no text.

The text names the customer and is read by the customer or with a reason, never by leafing through.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import orjson
from starlette.responses import Response

from counterfoil.console import words
from counterfoil.console.page import Page
from counterfoil.console.pages import errors
from counterfoil.console.reading import PART_ROWS, READING
from counterfoil.console.visit import Visit
from counterfoil.kernel import ids
from counterfoil.platform.queries import Row
from counterfoil.platform.web.parts import Event, Status


@dataclass(frozen=True, slots=True, kw_only=True)
class ContractRow:
    """One contract of a list."""

    href: str
    record: str
    product: str
    limit: str
    template: str
    prepared_on: str
    signed_at: str
    status: Status


@dataclass(frozen=True, slots=True, kw_only=True)
class ContractListView:
    """The contracts of one customer."""

    customer: str
    customer_href: str
    rows: Sequence[ContractRow]


@dataclass(frozen=True, slots=True, kw_only=True)
class ContractPageView:
    """One contract."""

    record: str
    customer: str
    customer_href: str
    list_href: str
    status: Status
    facts: Sequence[tuple[str, str, str]]
    #: Name and hash, in the order of importance.
    hashes: Sequence[tuple[str, str]]
    events: Sequence[Event]


async def show_of_customer(visit: Visit) -> Response:
    """Show the contracts of one customer."""
    customer_id = _number(visit, ids.CUSTOMER, "customer")
    if customer_id is None:
        return await errors.not_found(visit)
    async with visit.reading() as connection:
        if await READING.customer.fetchrow(connection, customer_id=customer_id) is None:
            return await errors.not_found(visit)
        rows = await READING.contracts_of_customer.fetch(
            connection, customer_id=customer_id, page=PART_ROWS
        )
    record = ids.to_text(ids.CUSTOMER, customer_id)
    view = ContractListView(
        customer=record,
        customer_href=words.customer_href(customer_id),
        rows=[_row(visit, row) for row in rows],
    )
    return visit.page(
        "contracts/list.html",
        visit.t("contract.list_title", record=record),
        view,
        journey="console.reading.contracts_of_customer",
        api_call=f"GET /v1/contracts?customer_id={record}",
    )


async def show_contract(visit: Visit) -> Response:
    """Show one contract with the evidence of its signature."""
    customer_id = _number(visit, ids.CUSTOMER, "customer")
    contract_id = _number(visit, ids.CONTRACT, "contract")
    if customer_id is None or contract_id is None:
        return await errors.not_found(visit)
    async with visit.reading() as connection:
        row = await READING.contract.fetchrow(
            connection, customer_id=customer_id, contract_id=contract_id
        )
    if row is None:
        return await errors.not_found(visit)
    record = ids.to_text(ids.CONTRACT, contract_id)
    evidence = orjson.loads(row["evidence"]) if row["evidence"] else None
    view = ContractPageView(
        record=record,
        customer=ids.to_text(ids.CUSTOMER, customer_id),
        customer_href=words.customer_href(customer_id),
        list_href=words.contracts_href(customer_id),
        status=_status(visit, row),
        facts=_facts(visit, row, evidence),
        hashes=_hashes(visit, row),
        events=_events(visit, row, evidence),
    )
    return visit.page(
        "contracts/contract.html",
        visit.t("contract.title", record=record),
        view,
        journey="console.reading.contract",
        api_call=f"GET /v1/contracts/{record}",
    )


def _row(visit: Visit, row: Row) -> ContractRow:
    f = visit.formats
    return ContractRow(
        href=words.contract_href(row["customer_id"], row["contract_id"]),
        record=f.record(ids.CONTRACT, row["contract_id"]),
        product=words.product_name(visit, row["product_code"]),
        limit=f.money(row["limit_minor"], row["currency"]),
        template=f"{row['template_code']} {row['template_version']}",
        prepared_on=f.day(row["prepared_on"]),
        signed_at=f.instant(row["signed_at"]),
        status=_status(visit, row),
    )


def _status(visit: Visit, row: Row) -> Status:
    return visit.status("contract_status", row["state"], words.CONTRACT_TONES)


def _facts(visit: Visit, row: Row, evidence: Any) -> list[tuple[str, str, str]]:
    f, t = visit.formats, visit.t
    customer, line, replaces = row["customer_id"], row["application_id"], row["replaces"]
    rate = row["rate_daily_e8"]
    facts = [
        (t("line.limit"), f.money(row["limit_minor"], row["currency"]), ""),
        (
            t("loan.rate_annual"),
            t("loan.rate_both", annual=f.rate_annual(rate), daily=f.rate(rate)),
            "",
        ),
        (t("loan.product"), words.product_name(visit, row["product_code"]), ""),
        (t("contract.template"), f"{row['template_code']} {row['template_version']}", ""),
        (t("contract.lender"), row["lender_id"], ""),
        (t("contract.valid_until"), f.day(row["valid_until"]), ""),
        (t("loan.customer"), f.record(ids.CUSTOMER, customer), words.customer_href(customer)),
        (
            t("line.application"),
            f.record(ids.APPLICATION, line),
            words.application_href(customer, line),
        ),
    ]
    if replaces is not None:
        text = f.record(ids.CONTRACT, replaces)
        facts.append((t("contract.replaces"), text, words.contract_href(customer, replaces)))
        facts.append((t("contract.effective_on"), f.day(row["effective_on"]), ""))
    if evidence is not None:
        level = words.code_label(visit, "authentication", evidence["authentication_level"])
        language = words.code_label(visit, "signed_language", evidence["language"])
        facts += [
            (t("contract.language"), language, ""),
            (t("contract.authentication"), level, ""),
            (t("contract.channel"), evidence["channel"], ""),
        ]
    return facts


def _hashes(visit: Visit, row: Row) -> list[tuple[str, str]]:
    known, pdf = visit.known_by_all, row["pdf_sha256"]
    return [
        (visit.t("contract.sha256_zh"), known(row["sha256_zh"].hex())),
        (visit.t("contract.sha256_en"), known(row["sha256_en"].hex())),
        (visit.t("contract.cost_sheet_sha256"), known(row["cost_sheet_sha256"].hex())),
        (visit.t("contract.pdf_sha256"), "—" if pdf is None else known(pdf.hex())),
    ]


def _events(visit: Visit, row: Row, evidence: Any) -> list[Event]:
    """Return preparation, showings and signature, in the order of time."""
    t = visit.t
    steps: list[tuple[datetime, str, str]] = [(row["prepared_at"], t("contract.prepared"), "")]
    if evidence is not None:
        shown, reading = evidence["shown_at"], evidence["reading_ms"]["cost_sheet"]
        read = t("contract.read_for", seconds=reading // 1_000)
        sheet_at = datetime.fromtimestamp(shown["cost_sheet"], UTC)
        agreement_at = datetime.fromtimestamp(shown["agreement"], UTC)
        steps += [
            (sheet_at, t("contract.sheet_shown"), read),
            (agreement_at, t("contract.shown"), ""),
            (row["signed_at"], t("contract.signed"), t("contract.by_code")),
        ]
    return [
        Event(
            at=visit.formats.instant(at),
            at_machine=at.isoformat(),
            text=text,
            note=note,
        )
        for at, text, note in steps
    ]


def _number(visit: Visit, prefix: str, name: str) -> int | None:
    try:
        return ids.from_text(prefix, visit.request.path_params[name])
    except ids.InvalidIdError:
        return None


PAGES: Final = (
    Page(path="/customers/{customer}/contracts", show=show_of_customer),
    Page(path="/customers/{customer}/contracts/{contract}", show=show_contract),
)
