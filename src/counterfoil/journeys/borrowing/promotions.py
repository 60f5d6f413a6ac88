"""Promotions: signed by two people, taken by drawdowns, ended by themselves.

The story   Somebody asks for a promotion, somebody else approves, the same call publishes it. A
            quote gets the cheapest price that a promotion gives its customer, beside the price
            without it. Drawing with the token takes the cost of the promotion from its budget,
            orders the payout, and notes the loan; what came to nothing gives back what it took.
Invariant   A use is taken before the drawdown is asked for, so no loan is promoted without budget
            and the budget is never overspent. After a crash in between, a close of day settles what
            was taken by what became of the drawdown.
Fairness    Who is eligible is a condition over what the line's decision knew; it reads no age.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final, NamedTuple

import orjson

from counterfoil.decisioning.evaluate import Verdict, verdict_function
from counterfoil.decisioning.expression import features_read
from counterfoil.decisioning.fairness import AGE
from counterfoil.decisioning.feature_source import ORIGINATION
from counterfoil.decisioning.policy import Policy
from counterfoil.decisioning.rule_text import MalformedRuleError, parse_rule
from counterfoil.decisioning.rule_types import RuleTypeError, Shape, ValueType, check_rule
from counterfoil.decisioning.taken import Taken
from counterfoil.evidence.leaf import LeafType
from counterfoil.evidence.staging import HOUSE
from counterfoil.evidence.store import QUERIES as EVIDENCE
from counterfoil.journeys.approve import ask_approval, list_approvals
from counterfoil.journeys.deciding.publish_policy import policy_in_force
from counterfoil.journeys.house import House
from counterfoil.journeys.trail import Act, note, note_refusal, told_beside
from counterfoil.kernel import ids
from counterfoil.kernel.errors import Kind, Refused, RefusedError, refuse
from counterfoil.lending import promotion_store as store
from counterfoil.lending.line import Line
from counterfoil.lending.product_values import FaultError
from counterfoil.lending.promotion import Promotion, read_promotion
from counterfoil.lending.quote import PromotionClaim, QuoteClaims
from counterfoil.lending.refusals import (
    PROMOTION_CODE_USED,
    PROMOTION_INVALID,
    PROMOTION_OVER,
    PROMOTION_UNKNOWN,
)
from counterfoil.platform.access_matrix import Actor
from counterfoil.platform.approvals import (
    APPROVAL_MISSING,
    Approval,
    Value,
    payload_hash,
    require_approval,
)
from counterfoil.platform.batches import QUERIES as PLATFORM
from counterfoil.platform.batches import Answer
from counterfoil.platform.database import Connection
from counterfoil.privacy.masking import mask_free_text

APPROVAL: Final = "promotion"
_ROWS: Final = 100
#: A drawdown takes seconds; what is held for longer was cut off by a crash.
_HELD: Final = timedelta(minutes=15)
#: Refusals that leave open whether a drawdown was carried out.
_UNDECIDED: Final = frozenset({Kind.UNAVAILABLE, Kind.BUSY, Kind.IN_FLIGHT})
_OWN_TEXTS: Final = ("grade", "segment")


@dataclass(frozen=True, slots=True, kw_only=True)
class Promoted:
    """The promotion that a drawdown gets, and its price under it."""

    promotion_id: int
    promotion: Promotion
    rate_daily_e8: int


class Wanted(NamedTuple):
    """The drawdown for which promotions are looked at."""

    tenor_months: int
    amount_minor: int
    on: date


async def best_promotion(
    connection: Connection,
    line: Line,
    taken: list[Taken],
    wanted: Wanted,
    *,
    rate_daily_e8: int,
) -> Promoted | None:
    """Return the promotion with the lowest price for a drawdown; None where there is none.

    At a tie the earlier one. What is left of its budget is taken when the drawdown is made.
    """
    kept = [
        one
        for one in await store.read_on(connection, wanted.on)
        if one.promotion.currency == line.currency
        and one.promotion.is_for(product=line.product_code, **wanted._asdict())
        and _is_eligible(one.promotion, taken)
    ]
    if not kept:
        return None
    numbers = [one.promotion_id for one in kept]
    uses = await store.uses_of_customer(connection, line.customer_id, numbers)
    found: Promoted | None = None
    for one in kept:
        rate = one.promotion.price(rate_daily_e8)
        used, _ = uses.get(one.promotion_id, (0, 0))
        if rate is None or used >= one.promotion.uses_per_customer:
            continue
        if found is None or rate < found.rate_daily_e8:
            found = Promoted(
                promotion_id=one.promotion_id, promotion=one.promotion, rate_daily_e8=rate
            )
    return found


def _is_eligible(promotion: Promotion, taken: list[Taken]) -> bool:
    """Tell whether the condition is true of what the latest decision knew; unknown is not."""
    if promotion.eligible is None:
        return True
    if not taken:
        return False
    stored = taken[-1].stored
    result: Mapping[str, Any] = orjson.loads(stored.result)
    known: dict[str, Any] = dict(orjson.loads(stored.inputs)["features"])
    known |= {name: result.get(name) for name in _OWN_TEXTS}
    tree = parse_rule(promotion.eligible)
    values = {name: known.get(name) for name in features_read(tree)}
    return verdict_function(tree)(values) is Verdict.TRUE


# -------------------------------------------------------------------------------- in a drawdown


async def take(house: House, claims: QuoteClaims, *, key: str) -> Refused | None:
    """Take what the token's promotion costs from its budget, or say why it cannot be had.

    The same drawdown again takes nothing more.
    """
    claim = claims.promotion
    assert claim is not None, "the token names a promotion"
    use = store.Use(
        customer_id=claims.customer_id,
        key=key,
        promotion_id=claim.promotion_id,
        cost_minor=claim.cost_minor,
        rate_daily_e8=claims.rate_daily_e8,
        rate_without_daily_e8=claim.rate_without_daily_e8,
    )
    on = await house.business_date()
    act = _of_use("promotion_hold", claims, key)
    async with told_beside(house, act), house.database.transaction() as connection:
        await store.hold_customer(connection, use)
        kept = await store.read_still_on(connection, use.promotion_id, on)
        numbers = [use.promotion_id]
        uses = await store.uses_of_customer(connection, use.customer_id, numbers, key=key)
        used, under_key = uses.get(use.promotion_id, (0, 0))
        if under_key:
            return None
        if kept is None or used >= kept.promotion.uses_per_customer:
            return refuse(PROMOTION_OVER)
        if not await store.take(connection, use, at=house.clock.now()):
            return refuse(PROMOTION_OVER)
    return None


async def settle(house: House, claims: QuoteClaims, answer: Answer | Refused, *, key: str) -> None:
    """Note the loan that was drawn under a promotion, or give back what was taken for it.

    Where it is open whether the drawdown was carried out, a later close of day settles it.
    """
    if isinstance(answer, Refused) and answer.kind in _UNDECIDED:
        return
    now, is_back = house.clock.now(), isinstance(answer, Refused)
    act = _of_use("promotion_given_back" if is_back else "promotion_used", claims, key)
    async with told_beside(house, act), house.database.transaction() as connection:
        if isinstance(answer, Refused):
            await store.release(connection, claims.customer_id, key, at=now)
        else:
            loan_id = ids.from_text(ids.LOAN, orjson.loads(answer.text)["id"])
            await store.settle_used(connection, claims.customer_id, key, loan_id=loan_id, at=now)


def _of_use(name: str, claims: QuoteClaims, key: str) -> Act:
    """Return what the trail tells of a promotion's use: under which key, and what it costs."""
    assert claims.promotion is not None, "the token names a promotion"
    return Act(
        name=name,
        customer_ids=(claims.customer_id,),
        subject=ids.to_text(ids.LINE, claims.line_id),
        after=f"key={mask_free_text(key)} cost_minor={claims.promotion.cost_minor}",
    )


async def settle_promotions(house: House) -> int:
    """Settle uses by what became of their drawdowns; return how many were settled."""
    now = house.clock.now()
    settled = 0
    while True:
        async with house.database.transaction() as connection:
            open_uses = await store.read_unsettled(connection, held_before=now - _HELD)
            for customer_id, key, state in open_uses:
                seen = await PLATFORM.commands_seen.fetch(connection, keys=[(customer_id, key)])
                if state == "held" and seen:
                    loan_id = ids.from_text(ids.LOAN, orjson.loads(seen[0]["answer"])["id"])
                    await store.settle_used(connection, customer_id, key, loan_id=loan_id, at=now)
                else:
                    await store.release(connection, customer_id, key, at=now)
        settled += len(open_uses)
        if len(open_uses) < store.PAGE:
            return settled


def claim_of(promoted: Promoted, *, cost_minor: int, rate_without: int) -> PromotionClaim:
    """Return what a token says of a promotion."""
    return PromotionClaim(promoted.promotion_id, cost_minor, rate_without)


# ----------------------------------------------------------------------------------- two people


async def publish_promotion(
    house: House, actor: Actor, text: str, *, reason: str
) -> store.Kept | Approval | Refused:
    """Publish a promotion if somebody else has approved it; else ask for that, once.

    The same call after the approval does it.
    """
    act = Act(name="promotion", subject="", reason=reason)
    try:
        promotion = read_promotion(text)
    except FaultError as fault:
        return await note_refusal(house, actor, act, refuse(PROMOTION_INVALID, fault=str(fault)))
    act = Act(name="promotion", subject=promotion.code, reason=reason)
    async with house.database.connection() as connection:
        known = await store.sha256_of_code(connection, promotion.code)
        policy = await policy_in_force(connection, ORIGINATION, at=house.clock.now())
    lack = _fault(house, promotion, policy)
    refused = None if lack is None else refuse(PROMOTION_INVALID, fault=lack)
    if known is not None:
        refused = refuse(PROMOTION_CODE_USED, code=promotion.code)
    if refused is not None:
        return await note_refusal(house, actor, act, refused)
    payload: dict[str, Value] = {"act": "promotion", "sha256": promotion.sha256.hex()}
    try:
        return await _publish(house, actor, promotion, payload, act)
    except RefusedError as error:
        if error.refused.refusal is not APPROVAL_MISSING:
            return await note_refusal(house, actor, act, error.refused)
    for approval in await list_approvals(house, only_open=True, page=_ROWS):
        if approval.kind == APPROVAL and approval.payload_hash == payload_hash(payload):
            return approval
    budget = f"{promotion.budget_minor:,} minor {promotion.currency}"
    return await ask_approval(
        house,
        actor,
        APPROVAL,
        payload,
        summary=f"promotion {promotion.code}: {promotion.discount_percent} % off from"
        f" {promotion.begins_on} to {promotion.ends_on}, up to {budget} and"
        f" {promotion.uses_most:,} uses, paid by the {promotion.funder}",
        reason=reason,
    )


async def stop_promotion(house: House, actor: Actor, code: str, *, reason: str) -> Refused | None:
    """End a promotion before its day: no new drawdown gets it, loans keep their price."""
    act = Act(name="promotion_stop", subject=code, reason=reason)
    async with house.database.transaction() as connection:
        known = await store.sha256_of_code(connection, code)
        if known is not None:
            await store.stop(
                connection, known[0], by=actor.name, reason=reason, at=house.clock.now()
            )
            await note(house, connection, actor, act)
            return None
    return await note_refusal(house, actor, act, refuse(PROMOTION_UNKNOWN, code=code))


async def list_promotions(house: House) -> list[store.Standing]:
    """Return every promotion with its budget and what it cost so far, newest first."""
    async with house.database.connection() as connection:
        return await store.read_all(connection)


class FunderCost(NamedTuple):
    """What promotions cost one party in one currency, minor units."""

    funder: str
    currency: str
    promotions: int
    uses: int
    cost_minor: int
    #: Taken by drawdowns that have not been answered.
    held_minor: int
    #: What it owes by the books, as its loans have earned it; 0 for the lender itself.
    claimed_minor: int
    #: What of that it has paid.
    received_minor: int


def cost_by_funder(found: Iterable[store.Standing]) -> list[FunderCost]:
    """Return the cost of promotions by who pays for them; parties are billed from it."""
    parties: dict[tuple[str, str], list[store.Standing]] = {}
    for item in found:
        parties.setdefault((item.funder, item.currency), []).append(item)
    return [
        FunderCost(
            funder=funder,
            currency=currency,
            promotions=len(items),
            uses=sum(item.used_uses for item in items),
            cost_minor=sum(item.used_minor for item in items),
            held_minor=sum(item.held_minor for item in items),
            claimed_minor=sum(item.claimed_minor for item in items),
            received_minor=sum(item.received_minor for item in items),
        )
        for (funder, currency), items in sorted(parties.items())
    ]


def _fault(house: House, promotion: Promotion, policy: Policy | None) -> str | None:
    """Return what a promotion says that the house does not have."""
    products = {terms.code: terms for terms in house.catalogue.all()}
    for code in promotion.products:
        if code not in products:
            return f"promotion.products: there is no product {code}"
        if products[code].currency != promotion.currency:
            return f"promotion.currency: {code} is in {products[code].currency}"
    if promotion.eligible is None:
        return None
    assert policy is not None, "a policy for applications comes with the program"
    try:
        tree = parse_rule(promotion.eligible)
        shapes = {feature.name: feature.shape for feature in policy.features}
        for name, items in (("grade", policy.grades), ("segment", policy.segments)):
            codes = tuple(item.code for item in items)
            shapes[name] = Shape(type=ValueType.TEXT, values=codes)
        check_rule(tree, shapes)
    except (MalformedRuleError, RuleTypeError) as error:
        return f"promotion.eligible: {error}"
    if AGE in features_read(tree):
        return "promotion.eligible: reads the age, by which nobody is priced"
    return None


async def _publish(
    house: House, actor: Actor, promotion: Promotion, payload: dict[str, Value], act: Act
) -> store.Kept:
    now = house.clock.now()
    async with house.database.transaction() as connection:
        approval = await require_approval(
            connection, APPROVAL, payload_hash(payload), used_by=actor.name, now=now
        )
        if isinstance(approval, Refused):
            raise RefusedError(approval)
        assert approval.decided_by is not None, "an approval was decided by somebody"
        kept = store.Kept(promotion_id=house.ids.next(), promotion=promotion)
        await store.add(
            connection,
            kept,
            store.Signed(
                author=approval.requested_by,
                approver=approval.decided_by,
                approval_id=approval.approval_id,
                published_at=now,
            ),
        )
        await note(house, connection, actor, act)
        fields: dict[str, Value] = {
            "act": "promotion",
            "approval": ids.to_text(ids.APPROVAL, approval.approval_id),
            "promotion": promotion.code,
            "sha256": promotion.sha256.hex(),
        }
        leaf = house.leaves.stage(
            HOUSE, house.ids.next(), LeafType.APPROVAL, kept.promotion_id, fields
        )
        await EVIDENCE.stage_leaves.execute(connection, rows=[leaf])
    return kept
