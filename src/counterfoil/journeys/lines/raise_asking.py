"""A wish for a higher limit, held against the line, the product and what is owed.

Shared by `raise_limit.py`'s single way and its way for many. Whoever may not ask now is refused
here, before anything is written or anybody asked; whether a wish is granted, the policy decides.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Final

from counterfoil.contracts.document import Kind
from counterfoil.contracts.refusals import TEMPLATE_NOT_FOUND
from counterfoil.contracts.shelf import UnknownTemplateError
from counterfoil.contracts.template import Template
from counterfoil.decisioning.decision import Asked
from counterfoil.decisioning.expression import Value
from counterfoil.decisioning.feature import BROUGHT_ALONG, check_facts
from counterfoil.decisioning.gathering import BUREAU_SOURCE, Gathering
from counterfoil.decisioning.limit_request import LimitRequest, Status
from counterfoil.decisioning.line_review.case_store import Standing, read_standings
from counterfoil.decisioning.line_review.signal import refuse_raise
from counterfoil.decisioning.refusals import (
    LIMIT_REQUEST_NOT_ABOVE,
    LIMIT_REQUEST_OUT_OF_RANGE,
    LIMIT_REQUEST_OVERDUE,
    PRODUCT_NOT_DECIDED,
)
from counterfoil.decisioning.wishes import Choice
from counterfoil.journeys.deciding.choose import choices_of_many, with_choices
from counterfoil.journeys.deciding.price_caps import (
    limit_minor_most,
    pack_reference,
    rate_daily_e8_most,
)
from counterfoil.journeys.house import House
from counterfoil.kernel.errors import Refused, refuse
from counterfoil.lending import refusals
from counterfoil.lending.behaviour import History, behaviour_facts
from counterfoil.lending.behaviour_store import customers_overdue, read_behaviour
from counterfoil.lending.line import Line, blocked_by
from counterfoil.lending.store import read_lines
from counterfoil.lending.terms import Terms
from counterfoil.platform import idempotency
from counterfoil.platform.database import Connection

_BLOCKED: Final = {
    "frozen": refusals.LINE_FROZEN,
    "suspended": refusals.LINE_SUSPENDED,
    "closed": refusals.LINE_CLOSED,
    "expired": refusals.LINE_EXPIRED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class RaiseWish:
    """What a customer asks for."""

    customer_id: int
    line_id: int
    #: The limit wished for, not the difference.
    requested_minor: int
    idempotency_key: str
    #: The consent to ask the bureau under; None where only a report that is there may serve.
    consent_id: int | None = None
    #: What the applicant says, such as an income; where no bureau is joined also what one said.
    facts: Mapping[str, Value | None] = field(default_factory=dict)

    @property
    def request_hash(self) -> bytes:
        """Return the hash by which the same request is known again."""
        said: dict[str, object] = {
            "line_id": self.line_id,
            "requested_minor": self.requested_minor,
            "consent_id": self.consent_id,
            "facts": dict(self.facts),
        }
        return idempotency.request_hash("request_limit", said)


async def prepare(
    house: House, connection: Connection, wishes: Sequence[RaiseWish], *, on: date, at: datetime
) -> list[LimitRequest | Refused]:
    """Return requests that may be asked, in the order given, or why one may not."""
    if not wishes:
        return []
    keys = list(dict.fromkeys((wish.customer_id, wish.line_id) for wish in wishes))
    lines = await read_lines(connection, keys)
    overdue = await customers_overdue(connection, {customer_id for customer_id, _ in lines}, on)
    histories = await read_behaviour(connection, list(lines), on)
    chosen = await choices_of_many(connection, [customer_id for customer_id, _ in lines])
    standings = await read_standings(connection, list(lines))
    made: list[LimitRequest | Refused] = []
    for wish in wishes:
        key = (wish.customer_id, wish.line_id)
        line = lines.get(key)
        known = standings.get(key, Standing())
        refused = refuse_line(line, on, is_overdue=wish.customer_id in overdue) or refuse_raise(
            known.signals, appeals_open=known.appeals_open
        )
        if refused or line is None:
            made.append(refused or refuse(refusals.LINE_NOT_FOUND))
            continue
        history = histories[line.customer_id, line.line_id]
        prepared = _prepare_one(house, wish, line, history, on=on, at=at)
        if not isinstance(prepared, Refused):
            prepared = _as_chosen(house, prepared, chosen.get(line.customer_id, frozenset()))
        made.append(prepared)
    return made


def refuse_line(line: Line | None, on: date, *, is_overdue: bool) -> Refused | None:
    """Refuse a line whose limit is not raised now: blocked, without agreement, or overdue."""
    if line is None:
        return refuse(refusals.LINE_NOT_FOUND)
    block = blocked_by(line, on)
    if block is not None:
        reason, valid_to = line.status_reason or "", line.valid_to.isoformat()
        return refuse(_BLOCKED[block], reason=reason, valid_to=valid_to)
    if line.contract_id is None or line.agreement_sha256 is None:
        return refuse(refusals.AGREEMENT_NOT_SIGNED)
    return refuse(LIMIT_REQUEST_OVERDUE) if is_overdue else None


def amendment_template(
    house: House, product_code: str, lender_id: str, on: date
) -> Template | None:
    """Return the template of amendments on a date, None where none holds."""
    try:
        return house.shelf.current(
            Kind.LIMIT_AMENDMENT, product_code=product_code, lender_id=lender_id, on=on
        )
    except UnknownTemplateError:
        return None


def _prepare_one(
    house: House, wish: RaiseWish, line: Line, history: History, *, on: date, at: datetime
) -> LimitRequest | Refused:
    terms = house.catalogue.terms(line.product_code, line.product_version)
    refused = _refuse_wish(house, wish, line, terms, on)
    if refused:
        return refused
    assert line.contract_id is not None, "a line without an agreement was refused"
    assert line.agreement_sha256 is not None, "a line without an agreement was refused"
    gathering = Gathering(
        customer_id=wish.customer_id,
        application_id=house.ids.next(),
        consent_id=wish.consent_id,
        asked=_asked(house, wish, line, terms, on),
        features={**wish.facts, **behaviour_facts(line, history, on)},
        idempotency_key=wish.idempotency_key,
        request_hash=wish.request_hash,
        began_at=at,
    )
    return LimitRequest(
        customer_id=wish.customer_id,
        request_id=gathering.application_id,
        line_id=line.line_id,
        product_code=line.product_code,
        product_version=line.product_version,
        currency=line.currency,
        present_minor=line.limit_minor,
        contract_id=line.contract_id,
        agreement_sha256=line.agreement_sha256,
        line_rate_daily_e8=line.rate_daily_e8,
        requested_minor=wish.requested_minor,
        status=Status.GATHERING,
        consent_id=wish.consent_id,
        inputs=gathering.inputs,
        idempotency_key=wish.idempotency_key,
        request_hash=gathering.request_hash,
        received_at=at,
    )


def _as_chosen(house: House, request: LimitRequest, choices: frozenset[Choice]) -> LimitRequest:
    """Return a request as the customer's choices make it: a raise is no personal offer."""
    choices &= {Choice.PERSON_DECIDES}
    if not choices:
        return request
    asked = with_choices(house.policies.limit_increase.policy, request.asked, choices)
    return replace(request, inputs=replace(request.gathering(), asked=asked).inputs)


def _refuse_wish(
    house: House, wish: RaiseWish, line: Line, terms: Terms, on: date
) -> Refused | None:
    policy = house.policies.limit_increase.policy
    if wish.requested_minor <= line.limit_minor:
        return refuse(LIMIT_REQUEST_NOT_ABOVE, limit_minor=line.limit_minor)
    most, step = limit_minor_most(house.catalogue, terms, on), terms.limit_minor_step
    if wish.requested_minor > most or wish.requested_minor % step:
        return refuse(LIMIT_REQUEST_OUT_OF_RANGE, maximum_minor=most, step_minor=step)
    if line.currency != policy.currency:
        return refuse(PRODUCT_NOT_DECIDED, currency=line.currency, policy_currency=policy.currency)
    if amendment_template(house, terms.code, terms.lender_id, on) is None:
        return refuse(TEMPLATE_NOT_FOUND, product_code=terms.code, on=on.isoformat())
    sources = BROUGHT_ALONG if house.bureau else (*BROUGHT_ALONG, BUREAU_SOURCE)
    return check_facts(policy.features, wish.facts, sources)


def _asked(house: House, wish: RaiseWish, line: Line, terms: Terms, on: date) -> Asked:
    """Return the question: a limit of at least one step above the present one."""
    return Asked(
        product_code=line.product_code,
        product_version=line.product_version,
        currency=line.currency,
        requested_minor=wish.requested_minor,
        limit_min_minor=line.limit_minor + terms.limit_minor_step,
        limit_max_minor=limit_minor_most(house.catalogue, terms, on),
        limit_step_minor=terms.limit_minor_step,
        tenors_months=terms.tenors_months,
        rate_daily_min_e8=terms.rate_daily_e8_min,
        rate_daily_max_e8=rate_daily_e8_most(house.catalogue, terms, on),
        as_of=on,
        rule_pack=pack_reference(house.catalogue, terms, on),
        feature_registry=house.registry.sha256,
    )
