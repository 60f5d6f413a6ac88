"""The customer agrees to a higher limit: the text, the act that is kept, and the raise.

The text    An amendment to the line's agreement, from a template, in both languages. It is not
            stored: it follows from the request, the line's terms and the template that the request
            names, to the byte. Its SHA-256 is what the customer confirms.
Invariant   No limit is raised without the act: text, language, reading time, how sure the channel
            was of who is there, instant. It stands with the request and in a leaf of its own
            before the limit moves. The raise goes through only where the limit is still the one
            that the amendment names, nothing overdue, blocked, disputed or doubted, and once for a
            request, whatever keys it is asked under.
Repetition  A crash after the act and before the raise: accepting again raises.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final

import orjson

from counterfoil.contracts.document import Filling, Value, Words
from counterfoil.contracts.filling import document_text, text_hash
from counterfoil.contracts.refusals import (
    AMENDMENT_READ_TOO_SHORT,
    AUTHENTICATION_TOO_LOW,
    CONTRACT_SUPERSEDED,
    DOCUMENT_HASH_MISMATCH,
)
from counterfoil.contracts.template import Authentication, Template
from counterfoil.customers.verification_policy import Act as IdentityAct
from counterfoil.decisioning import limit_request as transitions
from counterfoil.decisioning import limit_request_store as store
from counterfoil.decisioning.limit_request import LimitRequest, Status
from counterfoil.decisioning.line_review.case_store import Standing, read_standings
from counterfoil.decisioning.line_review.signal import refuse_raise
from counterfoil.decisioning.refusals import LIMIT_REQUEST_NOT_FOUND, LIMIT_REQUEST_NOT_OPEN
from counterfoil.evidence.leaf import LeafType
from counterfoil.evidence.staging import StagedLeaf
from counterfoil.evidence.store import QUERIES as EVIDENCE
from counterfoil.journeys.contracting.contract_words import lender_name
from counterfoil.journeys.house import House
from counterfoil.journeys.lines.raise_asking import refuse_line
from counterfoil.journeys.lines.raise_limit import REQUESTS_AT_ONCE, policy_of, request_text
from counterfoil.journeys.serving.identity import refuse_acts
from counterfoil.kernel import ids
from counterfoil.kernel.errors import Kind, Refused, refuse
from counterfoil.kernel.language import Language
from counterfoil.kernel.money import to_major_text
from counterfoil.kernel.rates import RateDaily, annual_from_daily
from counterfoil.lending import store as lending
from counterfoil.lending.behaviour_store import customers_overdue
from counterfoil.lending.commands import RaiseLimit
from counterfoil.lending.cost_items import exact_percent
from counterfoil.lending.line import Line
from counterfoil.lending.refusals import LIMIT_CHANGED_MEANWHILE
from counterfoil.platform import idempotency
from counterfoil.platform.batches import Answer
from counterfoil.platform.database import Connection

REASON: Final = "limit_request"
AUTHOR: Final = "customer"
#: Refusals that leave open whether a command was carried out, or ask to send it again.
_TO_BE_REPEATED: Final = frozenset({Kind.UNAVAILABLE, Kind.BUSY, Kind.IN_FLIGHT})
_MILLISECONDS: Final = 1_000
_SANDBOX: Final = "sandbox"
#: What a simulated customer reads longer than is asked for.
_EXTRA_MS: Final = 2_500


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """What a customer does to agree."""

    language: Language
    #: SHA-256 of the amendment as it was shown in this language.
    document_sha256: bytes
    #: How long it was open.
    dwell_ms: int
    authentication: Authentication
    #: Through whom the customer acts, as the API knows it.
    channel: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RaiseAcceptance:
    """A customer's agreement to an offer."""

    customer_id: int
    request_id: int
    act: Act


@dataclass(frozen=True, slots=True, kw_only=True)
class Amendment:
    """The text that a customer agrees to."""

    request: LimitRequest
    language: Language
    #: Template, version and language.
    ref: str
    text: str

    @property
    def sha256(self) -> bytes:
        """Return what the customer confirms."""
        return text_hash(self.text)


async def read_amendment(
    house: House, *, customer_id: int, request_id: int, language: Language
) -> Amendment | Refused:
    """Return the text of an offer, or of one that was taken."""
    async with house.database.connection() as connection:
        found = await store.read_request(connection, customer_id=customer_id, request_id=request_id)
    if found is None:
        return refuse(LIMIT_REQUEST_NOT_FOUND)
    if found.status not in {Status.APPROVED, Status.ACCEPTED}:
        return refuse(LIMIT_REQUEST_NOT_OPEN, status=found.status.value)
    return amendment_of(house, found, language)


def amendment_of(house: House, request: LimitRequest, language: Language) -> Amendment:
    """Return the text of an offer; the same to the byte whenever it is written."""
    template = _template(house, request)
    text = document_text(template, language, _filling(house, request))
    ref = f"{request.amendment_ref}/{language}"
    return Amendment(request=request, language=language, ref=ref, text=text)


async def accept(
    house: House, acceptance: RaiseAcceptance, *, idempotency_key: str
) -> Answer | Refused:
    """Take an offer: the act is kept, then the limit is raised; the answer is the line."""
    act = acceptance.act
    customer_id, request_id = acceptance.customer_id, acceptance.request_id

    async def work(connection: Connection) -> str | Refused:
        [moved] = await _agree(house, connection, [acceptance])
        if isinstance(moved, Refused):
            return moved
        return request_text(await policy_of(house, connection, moved), moved)

    said: dict[str, object] = {
        "request_id": request_id,
        "language": act.language,
        "document_sha256": act.document_sha256.hex(),
    }
    agreed = await idempotency.once(
        house.database,
        scope_id=customer_id,
        key=idempotency_key,
        request=idempotency.request_hash("accept_limit", said),
        kind="accept_limit",
        at=house.clock.now(),
        work=work,
    )
    if isinstance(agreed, Refused):
        return agreed
    async with house.database.connection() as connection:
        found = await store.read_request(connection, customer_id=customer_id, request_id=request_id)
    assert found is not None, "it was just agreed to"
    [raised] = await _raise(house, [found])
    return raised


async def accept_many(
    house: House, acceptances: Sequence[RaiseAcceptance]
) -> list[Answer | Refused]:
    """Take many offers; answers come in the order given, each the line or why it is not raised."""
    answers: list[Answer | Refused] = []
    for start in range(0, len(acceptances), REQUESTS_AT_ONCE):
        chunk = acceptances[start : start + REQUESTS_AT_ONCE]
        async with house.database.transaction() as connection:
            moved = await _agree(house, connection, chunk)
        agreed = [item for item in moved if not isinstance(item, Refused)]
        raised = dict(zip([item.key for item in agreed], await _raise(house, agreed), strict=True))
        answers += [item if isinstance(item, Refused) else raised[item.key] for item in moved]
    return answers


def acceptance_for_sandbox(
    house: House, request: LimitRequest, *, language: Language = Language.CHINESE
) -> RaiseAcceptance:
    """Return the agreement of a simulated customer; nobody reads here, and the channel says so."""
    act = Act(
        language=language,
        document_sha256=amendment_of(house, request, language).sha256,
        dwell_ms=_least_ms(house) + _EXTRA_MS,
        authentication=Authentication.SUBSTANTIAL,
        channel=_SANDBOX,
    )
    return RaiseAcceptance(customer_id=request.customer_id, request_id=request.request_id, act=act)


async def _agree(
    house: House, connection: Connection, acceptances: Sequence[RaiseAcceptance]
) -> list[LimitRequest | Refused]:
    """Keep the acts of customers with their leaves; one that is kept already is given again."""
    on, now = await house.business_date(), house.clock.now()
    keys = [(one.customer_id, one.request_id) for one in acceptances]
    found = await store.lock_requests(connection, keys)
    lines = await lending.read_lines(
        connection, [(item.customer_id, item.line_id) for item in found.values()]
    )
    overdue = await customers_overdue(connection, {customer_id for customer_id, _ in keys}, on)
    standings = await read_standings(connection, list(lines))
    waiting = await refuse_acts(house, connection, IdentityAct.RAISING, [key[0] for key in keys])
    answers: list[LimitRequest | Refused] = []
    changed: dict[store.RequestKey, LimitRequest] = {}
    for one, key in zip(acceptances, keys, strict=True):
        request = found.get(key)
        if request is None:
            answers.append(refuse(LIMIT_REQUEST_NOT_FOUND))
            continue
        if request.status is Status.ACCEPTED:
            answers.append(request)
            continue
        line = lines.get((request.customer_id, request.line_id))
        known = standings.get((request.customer_id, request.line_id), Standing())
        refused = (
            transitions.refuse_acceptance(request, on)
            or refuse_line(line, on, is_overdue=key[0] in overdue)
            or waiting.get(key[0])
            or refuse_raise(known.signals, appeals_open=known.appeals_open)
            or _refuse_changed(line, request)
            or _refuse_act(house, one.act, request, on)
        )
        if refused:
            answers.append(refused)
            continue
        found[key] = changed[key] = transitions.accept(request, _evidence(one.act, now), at=now)
        answers.append(changed[key])
    if changed:
        await store.change_requests(connection, list(changed.values()))
        leaves = [_leaf(house, item) for item in changed.values()]
        await EVIDENCE.stage_leaves.execute(connection, rows=leaves)
    return answers


async def _raise(house: House, agreed: Sequence[LimitRequest]) -> list[Answer | Refused]:
    """Raise the limits that customers agreed to; the request's own number is the key."""
    answers = await asyncio.gather(
        *(
            house.counter.submit(_command(item), idempotency_key=f"limit-request:{item.request_id}")
            for item in agreed
        )
    )
    lost = [
        item.key
        for item, answer in zip(agreed, answers, strict=True)
        if isinstance(answer, Refused) and answer.kind not in _TO_BE_REPEATED
    ]
    if lost:
        async with house.database.transaction() as connection:
            found = await store.lock_requests(connection, lost)
            back = [item for item in found.values() if item.status is Status.ACCEPTED]
            await store.change_requests(connection, [transitions.reopen(item) for item in back])
    return list(answers)


def _command(request: LimitRequest) -> RaiseLimit:
    assert request.limit_minor, "an accepted request has a limit"
    return RaiseLimit(
        customer_id=request.customer_id,
        line_id=request.line_id,
        limit_minor=request.limit_minor,
        from_minor=request.present_minor,
        reason=REASON,
        author=AUTHOR,
    )


def _refuse_changed(line: Line | None, request: LimitRequest) -> Refused | None:
    """Refuse where the line is no longer what the amendment says of it."""
    assert line is not None, "it was just looked at"
    if (line.limit_minor, line.contract_id) == (request.present_minor, request.contract_id):
        return None
    return refuse(LIMIT_CHANGED_MEANWHILE, limit_minor=line.limit_minor)


def _refuse_act(house: House, act: Act, request: LimitRequest, on: date) -> Refused | None:
    if not _template(house, request).holds_on(on):
        return refuse(CONTRACT_SUPERSEDED)
    if act.document_sha256 != amendment_of(house, request, act.language).sha256:
        return refuse(DOCUMENT_HASH_MISMATCH)
    least = _template(house, request).authentication_least
    if not act.authentication.reaches(least):
        return refuse(AUTHENTICATION_TOO_LOW, least=least.value, given=act.authentication.value)
    if act.dwell_ms < _least_ms(house):
        return refuse(AMENDMENT_READ_TOO_SHORT, least_seconds=_least_ms(house) // _MILLISECONDS)
    return None


def _least_ms(house: House) -> int:
    """Return how long an amendment has to be open, as long as the sheet of an agreement."""
    return house.settings.cost_sheet_reading_seconds * _MILLISECONDS


def _evidence(act: Act, at: datetime) -> Mapping[str, Any]:
    """Return what proves the act; no personal data."""
    shown_at = at - timedelta(milliseconds=act.dwell_ms)
    return {
        "agreed_at": int(at.timestamp()),
        "authentication_level": act.authentication.value,
        "channel": act.channel,
        "document_sha256": act.document_sha256.hex(),
        "language": act.language.value,
        "reading_ms": act.dwell_ms,
        "shown_at": int(shown_at.timestamp()),
    }


def _leaf(house: House, request: LimitRequest) -> StagedLeaf:
    """Return the leaf that commits to the agreement: hashes and the customer's act, no names."""
    assert request.agreed is not None, "the request is accepted"
    evidence: dict[str, Any] = orjson.loads(request.agreed)
    fields: dict[str, Any] = {
        "contract_id": ids.to_text(ids.CONTRACT, request.contract_id),
        "contract_sha256": request.agreement_sha256.hex(),
        "currency": request.currency,
        "customer_signature": evidence,
        "event": "limit_amended",
        "from_minor": request.present_minor,
        "limit_minor": request.limit_minor,
        "limit_request_id": ids.to_text(ids.LIMIT_REQUEST, request.request_id),
        "line_id": ids.to_text(ids.LINE, request.line_id),
        "product": request.product_code,
        "product_version": request.product_version,
        "template": request.amendment_ref,
    }
    return house.leaves.stage(
        request.customer_id, house.ids.next(), LeafType.CONTRACT, request.request_id, fields
    )


def _template(house: House, request: LimitRequest) -> Template:
    assert request.amendment_ref is not None, "an offer names its text"
    code, version = request.amendment_ref.split("/")
    return house.shelf.template(code, int(version))


def _filling(house: House, request: LimitRequest) -> Filling:
    terms = house.catalogue.terms(request.product_code, request.product_version)
    assert request.limit_minor, "an offer has a limit"
    assert request.valid_until is not None, "an offer has an end"
    daily = request.line_rate_daily_e8
    values: dict[str, Value] = {
        "contract_id": ids.to_text(ids.CONTRACT, request.contract_id),
        "agreement_sha256": request.agreement_sha256.hex(),
        "customer_id": ids.to_text(ids.CUSTOMER, request.customer_id),
        "line_id": ids.to_text(ids.LINE, request.line_id),
        "lender_id": terms.lender_id,
        "lender_name": lender_name(terms),
        "product_name": Words(terms.name_en, terms.name_zh),
        "product_version": str(terms.version),
        "currency": terms.currency,
        "limit_before": to_major_text(request.present_minor, terms.currency),
        "limit_after": to_major_text(request.limit_minor, terms.currency),
        "rate_daily": exact_percent(daily),
        "rate_annual": exact_percent(annual_from_daily(RateDaily(daily))),
        "decided_on": _decided_on(request).isoformat(),
        "valid_until": request.valid_until.isoformat(),
    }
    return Filling(values=values)


def _decided_on(request: LimitRequest) -> date:
    """Return the business date of the question, on which the policy decided."""
    return request.asked.as_of
