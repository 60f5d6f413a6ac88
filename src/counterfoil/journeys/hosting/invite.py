"""Inviting customers to apply: from an approved campaign to invitations, on what is known already.

The story   Somebody asks for a campaign: product, rule or list, quota, words. Somebody else
            approves exactly that. The same call then looks at customers, leaves out whoever does
            not want to be invited, and writes campaign and invitations with their leaf.
Data        The lender's own record of a customer's lines. No inquiry, no score, no reservation of
            any limit: nothing of a customer changes but that there is an invitation.
Consent     Only with a living consent to offers and news, of which each invitation is one use. A
            withdrawal, or opting out of invitations, ends what there is. Whoever has the processing
            of their data restricted is invited to nothing.
"""

from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import asdict
from datetime import date
from hashlib import sha256
from itertools import islice
from typing import Any, Final

import orjson
import rfc8785

from counterfoil.consents.refusals import NOTICE_NOT_FOUND
from counterfoil.customers import store as customers
from counterfoil.customers.customer import CustomerStatus
from counterfoil.customers.link_store import read_people
from counterfoil.decisioning.evaluate import Features, Verdict, verdict_function
from counterfoil.decisioning.rule_text import MalformedRuleError, parse_rule
from counterfoil.decisioning.rule_types import BOOLEAN, RuleTypeError, Shape, ValueType, check_rule
from counterfoil.decisioning.wishes import Choice
from counterfoil.evidence.leaf import LeafType
from counterfoil.evidence.staging import HOUSE
from counterfoil.evidence.store import QUERIES as EVIDENCE
from counterfoil.hosts import campaign_store as store
from counterfoil.hosts import store as host_store
from counterfoil.hosts.campaign import CampaignTerms, check_campaign
from counterfoil.hosts.campaign_store import Campaign, Shown
from counterfoil.hosts.host import refuse_product
from counterfoil.hosts.refusals import (
    CAMPAIGN_CODE_TAKEN,
    CAMPAIGN_FORM_INVALID,
    CAMPAIGN_NOT_FOUND,
    HOST_NOT_ALLOWED,
    HOST_NOT_FOUND,
    INVITATION_NEEDED,
)
from counterfoil.journeys.approve import ask_approval, list_approvals
from counterfoil.journeys.consenting.consent import usable_consents, use_consent
from counterfoil.journeys.deciding.choose import chosen_by
from counterfoil.journeys.hosting.hosts import may_look_after
from counterfoil.journeys.house import House
from counterfoil.journeys.trail import Act, note, note_refusal
from counterfoil.kernel import ids
from counterfoil.kernel.errors import Refused, RefusedError, refuse
from counterfoil.lending import review_store
from counterfoil.lending import store as lending
from counterfoil.lending.review_facts import review_facts
from counterfoil.platform.access_matrix import Actor
from counterfoil.platform.approvals import (
    APPROVAL_MISSING,
    Approval,
    Value,
    payload_hash,
    require_approval,
)
from counterfoil.platform.database import Connection
from counterfoil.platform.idempotency import TwinError, unless_twin
from counterfoil.privacy.correction_store import restricted_among

APPROVAL: Final = "campaign"
#: The notice under which customers agree to hear of offers.
NOTICE: Final = "marketing"
#: Lines that are looked at together, and in all: a campaign is no run over the whole book.
LINES_AT_ONCE: Final = 500
LINES_MAX: Final = 100_000
_OPEN_REQUESTS: Final = 200
_COUNT_MAX: Final = 10**6
_AMOUNT_MAX: Final = 10**15

_COUNT: Final = Shape(type=ValueType.INTEGER, lowest=0, highest=_COUNT_MAX)
_AMOUNT: Final = Shape(type=ValueType.INTEGER, lowest=0, highest=_AMOUNT_MAX)
#: What a rule may read: the record of one line of the customer's, as reviews read it.
FACTS: Final[Mapping[str, Shape]] = {
    "own_limit_minor": _AMOUNT,
    "own_months": _COUNT,
    "own_used_ppm": _COUNT,
    "own_instalments_paid": _COUNT,
    "own_loans_repaid": _COUNT,
    "own_days_late_worst": _COUNT,
    "own_days_past_due": _COUNT,
    "own_on_time_streak": _COUNT,
    "own_late_months_6": _COUNT,
    "own_clean_statements": _COUNT,
    "own_cap_below_limit": BOOLEAN,
}


async def start_campaign(
    house: House, actor: Actor, terms: CampaignTerms, *, reason: str
) -> Campaign | Approval | Refused:
    """Start a campaign if somebody else has approved exactly this; else ask for that, once."""
    act = Act(name=APPROVAL, subject=terms.code, reason=reason)
    refused = check_campaign(terms, on=await house.business_date())
    refused = refused or await _refuse_subject(house, terms)
    if refused is not None:
        return await note_refusal(house, actor, act, refused)
    payload = payload_of(terms)
    try:
        return await _start(house, actor, terms, payload, act)
    except RefusedError as error:
        if error.refused.refusal is not APPROVAL_MISSING:
            return await note_refusal(house, actor, act, error.refused)
    for approval in await list_approvals(house, only_open=True, page=_OPEN_REQUESTS):
        if approval.kind == APPROVAL and approval.payload_hash == payload_hash(payload):
            return approval
    how = f"rule {terms.rule}" if terms.rule else f"a list of {len(terms.customer_ids)}"
    summary = (
        f"invite at most {terms.quota} to {terms.product_code} until {terms.expires_on}, by {how}:"
        f" {terms.zh.title} / {terms.en.title}"
    )
    return await ask_approval(house, actor, APPROVAL, payload, summary=summary, reason=reason)


async def end_campaign(
    house: House, actor: Actor, *, campaign_id: int, reason: str
) -> store.Listed | Refused:
    """End every invitation of a campaign at once; one person may."""
    act = Act(name="campaign_end", subject=ids.to_text(ids.CAMPAIGN, campaign_id), reason=reason)
    if not may_look_after(actor):
        return await note_refusal(house, actor, act, refuse(HOST_NOT_ALLOWED))
    async with house.database.transaction() as connection:
        if not await store.read_campaigns(connection, campaign_id=campaign_id):
            return refuse(CAMPAIGN_NOT_FOUND)
        await store.QUERIES.end_campaign.execute(
            connection, campaign_id=campaign_id, at=house.clock.now(), by=actor.name
        )
        await note(house, connection, actor, act)
        [ended] = await store.read_campaigns(connection, campaign_id=campaign_id)
    return ended


async def list_campaigns(
    house: House,
    *,
    page: int = store.CAMPAIGNS_MAX,
    before: int = store.NEWEST,
    is_back: bool = False,
) -> list[store.Listed]:
    """Return a page of campaigns, newest first."""
    async with house.database.connection() as connection:
        return await store.read_campaigns(connection, page=page, before=before, is_back=is_back)


async def invitations_of(
    house: House, customer_id: int, *, host_id: int = store.NO_HOST
) -> list[Shown]:
    """Return what a customer is invited to by a host, or by the lender's own channels."""
    on = await house.business_date()
    async with house.database.connection() as connection:
        found = await store.invitations_of(connection, customer_id, on=on)
    return [item for item in found if item.host_id == host_id]


async def refuse_uninvited(
    house: House, customer_id: int, product_code: str, *, on: date
) -> Refused | None:
    """Return why somebody does not apply for a product that is for invited customers only."""
    terms = [item for item in house.catalogue.all() if item.code == product_code]
    if not any(item.invited_only for item in terms):
        return None
    async with house.database.connection() as connection:
        found = await store.invitations_of(connection, customer_id, on=on)
    if any(item.invitation.product_code == product_code for item in found):
        return None
    return refuse(INVITATION_NEEDED, product=product_code)


def payload_of(terms: CampaignTerms) -> dict[str, Value]:
    """Return exactly what is approved; a list stands in it by its hash."""
    return {
        "code": terms.code,
        "product": terms.product_code,
        "host": terms.host_id and str(terms.host_id),
        "rule": terms.rule,
        "list_sha256": _list_sha256(terms),
        "quota": terms.quota,
        "expires_on": terms.expires_on.isoformat(),
        "zh": {**asdict(terms.zh)},
        "en": {**asdict(terms.en)},
    }


async def _refuse_subject(house: House, terms: CampaignTerms) -> Refused | None:
    """Refuse a product that is not there or not the host's, and a rule that cannot be read."""
    if terms.product_code not in {item.code for item in house.catalogue.all()}:
        return refuse(CAMPAIGN_FORM_INVALID, member="product_code", fault="is not there")
    if terms.host_id is not None:
        async with house.database.connection() as connection:
            host = await host_store.read_host(connection, terms.host_id)
        if host is None:
            return refuse(HOST_NOT_FOUND)
        if refused := refuse_product(host, terms.product_code):
            return refused
    if not terms.rule:
        return None
    try:
        check_rule(parse_rule(terms.rule), FACTS)
    except (MalformedRuleError, RuleTypeError) as error:
        return refuse(CAMPAIGN_FORM_INVALID, member="rule", fault=f"cannot be read: {error}")
    return None


async def _start(
    house: House, actor: Actor, terms: CampaignTerms, payload: dict[str, Value], act: Act
) -> Campaign:
    made = list[Campaign]()

    async def write(connection: Connection) -> None:
        now = house.clock.now()
        approval = await require_approval(
            connection, APPROVAL, payload_hash(payload), used_by=actor.name, now=now
        )
        if isinstance(approval, Refused):
            raise RefusedError(approval)
        assert approval.decided_by is not None, "an approval was decided by somebody"
        counts = Counter[str]()
        chosen = await _choose(house, connection, terms, counts)
        campaign = Campaign(
            campaign_id=house.ids.next(),
            code=terms.code,
            product_code=terms.product_code,
            host_id=terms.host_id or store.NO_HOST,
            rule=terms.rule,
            list_sha256=_list_sha256(terms),
            quota=terms.quota,
            expires_on=terms.expires_on,
            words={"zh": asdict(terms.zh), "en": asdict(terms.en)},
            asked_by=approval.requested_by,
            approved_by=approval.decided_by,
            approval_id=approval.approval_id,
            started_at=now,
            counts=dict(counts),
        )
        await store.add_campaign(connection, campaign)
        on = await house.business_date()
        await store.add_invitations(connection, campaign, chosen, on=on)
        await note(house, connection, actor, act)
        await _stage(house, connection, campaign, payload)
        made.append(campaign)

    try:
        await unless_twin(house.database, write)
    except TwinError as error:
        raise RefusedError(refuse(CAMPAIGN_CODE_TAKEN)) from error
    return made[0]


async def _choose(
    house: House, connection: Connection, terms: CampaignTerms, counts: Counter[str]
) -> list[int]:
    """Return whom a campaign invites, at most its quota, and count why others are not."""
    seen, chosen = set[int](), list[int]()
    async for customer_id, is_meant in _candidates(house, connection, terms):
        if customer_id in seen:
            continue
        if not is_meant:
            counts["not_meant"] += 1
            continue
        seen.add(customer_id)
        if len(chosen) == terms.quota:
            counts["beyond_quota"] += 1
            continue
        reason = await _left_out(house, connection, terms, customer_id)
        counts[reason or "invited"] += 1
        if reason is None:
            chosen.append(customer_id)
    return chosen


async def _candidates(
    house: House, connection: Connection, terms: CampaignTerms
) -> AsyncIterator[tuple[int, bool]]:
    """Yield customers with whether they are meant; by their list, or by each of their lines."""
    if terms.customer_ids:
        for customer_id in terms.customer_ids:
            yield customer_id, True
        return
    judge, on = verdict_function(parse_rule(terms.rule)), await house.business_date()
    after, left = (0, 0), LINES_MAX
    while left > 0:
        lines = await lending.read_lines_after(
            connection, after=after, status="active", page=min(LINES_AT_ONCE, left)
        )
        if not lines:
            return
        keys = [(line.customer_id, line.line_id) for line in lines]
        records = await review_store.read_records(connection, keys, on)
        for key in keys:
            facts: Features = review_facts(records[key], on)
            yield key[0], judge(facts) is Verdict.TRUE
        after, left = keys[-1], left - len(keys)


async def _left_out(
    house: House, connection: Connection, terms: CampaignTerms, customer_id: int
) -> str | None:
    """Return why a customer is not invited; None where the consent was used for it."""
    customer = await customers.read_customer(connection, customer_id)
    if customer is None or customer.status is not CustomerStatus.ACTIVE:
        return "not_active"
    people = await read_people(connection, [customer_id])
    if people.surviving(customer_id) != customer_id:
        return "not_active"
    if await restricted_among(connection, [customer_id]):
        return "restricted"
    if Choice.NO_INVITATIONS in (await chosen_by(connection, customer_id)).since:
        return "opted_out"
    lines = await lending.read_lines_after(connection, customer_id=customer_id, page=_OPEN_REQUESTS)
    if any(line.product_code == terms.product_code and line.status != "closed" for line in lines):
        return "has_the_product"
    if terms.host_id is not None:
        link = await host_store.lock_link(
            connection, customer_id=customer_id, host_id=terms.host_id
        )
        if link is None or link.state.value != "confirmed":
            return "not_the_hosts"
    found = await store.invitations_of(connection, customer_id, on=await house.business_date())
    if any(item.invitation.product_code == terms.product_code for item in found):
        return "invited_already"
    return None if await _use_consent(house, connection, customer_id, terms.code) else "no_consent"


async def _use_consent(house: House, connection: Connection, customer_id: int, code: str) -> bool:
    """Return whether a consent to offers allows one more, and count it as used."""
    notice = next(iter(islice(house.notices.versions(NOTICE), 1)), None)
    if notice is None:
        raise RefusedError(refuse(NOTICE_NOT_FOUND, notice=NOTICE))
    scope = notice.scope
    recipient = house.notices.party(scope.recipient).legal_id
    for found in await usable_consents(
        house, connection, customer_id, purpose=scope.purpose, recipient=recipient
    ):
        used = await use_consent(
            house,
            connection,
            customer_id=customer_id,
            consent_id=found.consent_id,
            purpose=scope.purpose,
            recipient=recipient,
            by=f"campaign {code}",
        )
        if not isinstance(used, Refused):
            return True
    return False


async def _stage(
    house: House, connection: Connection, campaign: Campaign, payload: dict[str, Any]
) -> None:
    fields: dict[str, Value] = {
        "act": APPROVAL,
        "approval": ids.to_text(ids.APPROVAL, campaign.approval_id),
        "code": campaign.code,
        "counts_sha256": _sha256(campaign.counts),
        "terms_sha256": _sha256(payload),
    }
    leaf = house.leaves.stage(
        HOUSE, house.ids.next(), LeafType.APPROVAL, campaign.campaign_id, fields
    )
    await EVIDENCE.stage_leaves.execute(connection, rows=[leaf])


def _sha256(shape: Mapping[str, Any]) -> str:
    return sha256(rfc8785.dumps(dict(shape))).hexdigest()


def _list_sha256(terms: CampaignTerms) -> str:
    if not terms.customer_ids:
        return ""
    texts: Sequence[str] = [ids.to_text(ids.CUSTOMER, number) for number in terms.customer_ids]
    return sha256(orjson.dumps(texts)).hexdigest()
