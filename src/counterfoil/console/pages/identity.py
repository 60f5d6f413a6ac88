"""Identity of one customer: what each act still needs, every check, and cases for a person.

Privacy     Staff see that something is known of somebody else; of whom, nobody does here.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from starlette.responses import Response

from counterfoil.console import words
from counterfoil.console.page import Page
from counterfoil.console.pages import errors
from counterfoil.console.visit import Visit
from counterfoil.customers.verification import Check
from counterfoil.customers.verification_store import IdentityCase
from counterfoil.journeys.serving.identity import identity_of, standing_of
from counterfoil.kernel import ids
from counterfoil.kernel.errors import Refused
from counterfoil.platform.web.parts import Status

_TONES: Final = {"pass": "good", "fail": "bad"}


@dataclass(frozen=True, slots=True, kw_only=True)
class ActRow:
    """One act and what it still needs."""

    act: str
    status: Status
    wants: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckRow:
    """One answer of one source."""

    at: str
    kind: str
    source: str
    status: Status
    until: str
    document: str
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseRow:
    """One case."""

    record: str
    reason: str
    holds: str
    opened: str
    closed: str
    finding: str


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentityPage:
    """One customer."""

    customer: str
    customer_href: str
    note: str
    acts: Sequence[ActRow]
    checks: Sequence[CheckRow]
    cases: Sequence[CaseRow]


async def show(visit: Visit) -> Response:
    """Show checks, what acts need, and cases of one customer."""
    try:
        customer_id = ids.from_text(ids.CUSTOMER, visit.request.path_params["customer"])
    except ids.InvalidIdError:
        return await errors.not_found(visit)
    house = visit.desk.house
    async with visit.reading():
        found = await identity_of(house, customer_id)
        checks, cases = await standing_of(house, customer_id)
    if isinstance(found, Refused):
        return await errors.not_found(visit)
    record = found["customer_id"]
    is_required = found["is_required"]
    view = IdentityPage(
        customer=record,
        customer_href=words.customer_href(customer_id),
        note=visit.t("identity.required") if is_required else visit.t("identity.not_required"),
        acts=[_act(visit, item) for item in found["acts"]],
        checks=[_check(visit, item) for item in checks],
        cases=[_case(visit, item) for item in cases],
    )
    return visit.page(
        "customers/identity.html",
        visit.t("identity.of_customer", record=record),
        view,
        journey="journeys.serving.identity.identity_of",
        api_call=f"GET /v1/customers/{record}/identity",
    )


def _act(visit: Visit, item: dict[str, Any]) -> ActRow:
    wants = [_want(visit, want) for want in item["wants"]]
    return ActRow(
        act=words.code_label(visit, "identity_act", item["act"]),
        status=visit.status(
            "identity_state", "waits" if wants else "ready", {"ready": "good", "waits": "warn"}
        ),
        wants=", ".join(wants) or "—",
    )


def _want(visit: Visit, want: dict[str, str | None]) -> str:
    said = words.code_label(visit, "identity_want", want["want"] or "")
    if want["kind"] is None:
        return said
    return f"{words.code_label(visit, 'identity_check', want['kind'])}: {said}"


def _check(visit: Visit, check: Check) -> CheckRow:
    f = visit.formats
    source = visit.desk.house.identity_policy.sources.get(check.source)
    expires = check.document_expires_on
    return CheckRow(
        at=f.instant(check.checked_at),
        kind=words.code_label(visit, "identity_check", check.kind.value),
        source=check.source if source is None else _name(visit, source.name_zh, source.name_en),
        status=visit.status("identity_outcome", check.outcome.value, _TONES),
        until=f.day(check.valid_until),
        document="—" if expires is None else f.day(expires),
        note=visit.t("identity.of_another") if check.is_of_another else "",
    )


def _case(visit: Visit, case: IdentityCase) -> CaseRow:
    f = visit.formats
    return CaseRow(
        record=f.record(ids.IDENTITY_CASE, case.case_id),
        reason=words.code_label(visit, "identity_case", case.reason),
        holds=visit.t("identity.holds") if case.holds else visit.t("identity.holds_nothing"),
        opened=f.instant(case.opened_at),
        closed="—" if case.closed_at is None else f"{f.instant(case.closed_at)} {case.closed_by}",
        finding=case.finding or "—",
    )


def _name(visit: Visit, zh: str, en: str) -> str:
    return zh if visit.catalogue.language.startswith("zh") else en


PAGES: Final = (Page(path="/customers/{customer}/identity", show=show),)
