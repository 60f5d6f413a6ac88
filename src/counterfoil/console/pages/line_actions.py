"""Reviewing, lowering, freezing and unfreezing a line: form, preview, one journey."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from functools import partial
from typing import Final

import orjson
from starlette.responses import Response

from counterfoil.console import flow, words
from counterfoil.console.access import Permission
from counterfoil.console.flow import Action, Crumb, Field, Preview
from counterfoil.console.page import Page
from counterfoil.console.pages import errors
from counterfoil.console.pages.lines import line_key, line_status
from counterfoil.console.reading import READING
from counterfoil.console.visit import Visit
from counterfoil.decisioning.line_review.review import ReviewOutcome
from counterfoil.decisioning.line_review.store import StoredReview
from counterfoil.journeys.lines import adjust_limit
from counterfoil.journeys.lines.ask_review import ask_review
from counterfoil.journeys.lines.line_acts import FREEZE_DAYS_USUAL, is_own_wish
from counterfoil.journeys.lines.lower_limit import works_on
from counterfoil.kernel import ids
from counterfoil.platform.batches import Answer
from counterfoil.platform.queries import Row
from counterfoil.platform.web.forms import FormReader
from counterfoil.platform.web.parts import Change


async def limit(visit: Visit) -> Response:
    """Raise or lower the limit."""
    row = await _line(visit)
    most = None if row is None else await _limit_most(visit, row)
    if row is None or most is None:
        return await errors.not_found(visit)
    action = _action(visit, row, "limit", "POST /v1/lines/{record}/limit")
    fields = [
        Field(
            name="limit",
            label=visit.t(
                "line_action.new_limit", currency=visit.formats.currency(row["currency"])
            ),
            inputmode="decimal",
            hint=visit.t(
                "line_action.limit_hint", agreed=visit.formats.money(most, row["currency"])
            ),
        ),
        _reason_field(visit, hint=visit.t("line_action.limit_reason_hint")),
    ]

    async def plan(reader: FormReader) -> flow.Plan | None:
        limit_minor = reader.amount_minor("limit", row["currency"], allow_zero=True)
        reason = flow.reason_of(reader)
        if limit_minor is not None and limit_minor == row["limit_minor"]:
            reader.refuse("limit", "line_action.limit_same")
        if limit_minor is not None and limit_minor > most:
            agreed = visit.formats.money(most, row["currency"])
            reader.refuse("limit", "line_action.limit_not_agreed", agreed=agreed)
        if limit_minor is None or reason is None:
            return None
        on = await works_on(visit.desk.house, reason=reason, author=visit.operator)
        return flow.Plan(
            preview=partial(_limit_preview, visit, row, limit_minor, reason=reason, works_on=on),
            act=partial(
                adjust_limit.set_limit,
                visit.desk.house,
                customer_id=row["customer_id"],
                line_id=row["line_id"],
                limit_minor=limit_minor,
                reason=reason,
                author=visit.operator,
            ),
        )

    return await flow.run_previewed(visit, action, fields, plan, done=_limit_done)


def _limit_done(outcome: object) -> str:
    is_later = isinstance(outcome, Answer) and orjson.loads(outcome.text)["planned"]
    return "limit_planned" if is_later else "limit_changed"


async def review(visit: Visit) -> Response:
    """Have the policy look at the line now: what it offers is for the customer to agree to."""
    row = await _line(visit)
    if row is None:
        return await errors.not_found(visit)
    action = replace(
        _action(visit, row, "review", "POST /v1/lines/{record}/reviews"),
        journey="journeys.lines.ask_review.ask_review",
    )

    async def act(reader: FormReader) -> object:
        reason = flow.reason_of(reader)
        if reason is None:
            return None
        return await ask_review(
            visit.desk.house,
            visit.actor,
            customer_id=row["customer_id"],
            line_id=row["line_id"],
            reason=reason,
        )

    return await flow.run(visit, action, [_reason_field(visit)], act, done=_review_done)


def _review_done(outcome: object) -> str:
    is_offer = isinstance(outcome, StoredReview) and outcome.outcome is ReviewOutcome.OFFERED
    return "line_offered" if is_offer else "line_reviewed"


async def freeze(visit: Visit) -> Response:
    """Stop drawing, until a day or until it is lifted."""
    row = await _line(visit)
    if row is None:
        return await errors.not_found(visit)
    action = _action(visit, row, "freeze", "POST /v1/lines/{record}/freeze")
    fields = [
        Field(
            name="until",
            label=visit.t("line_action.until"),
            kind="date",
            hint=visit.t("line_action.until_hint"),
            is_required=False,
        ),
        _reason_field(visit),
    ]

    async def plan(reader: FormReader) -> flow.Plan | None:
        until, reason = reader.day("until", required=False), flow.reason_of(reader)
        if until is not None and until < row["business_date"]:
            reader.refuse("until", "line_action.until_past", day=row["business_date"])
        if reason is None:
            return None
        if until is None and not is_own_wish(author=visit.operator, reason=reason):
            until = row["business_date"] + timedelta(days=FREEZE_DAYS_USUAL - 1)
        return flow.Plan(
            preview=partial(_freeze_preview, visit, row, until, reason),
            act=partial(
                adjust_limit.freeze,
                visit.desk.house,
                customer_id=row["customer_id"],
                line_id=row["line_id"],
                until=until,
                reason=reason,
                author=visit.operator,
            ),
        )

    return await flow.run_previewed(visit, action, fields, plan, done="line_frozen")


async def unfreeze(visit: Visit) -> Response:
    """Lift a freeze."""
    row = await _line(visit)
    if row is None:
        return await errors.not_found(visit)
    action = _action(visit, row, "unfreeze", "POST /v1/lines/{record}/unfreeze")
    fields = [_reason_field(visit)]

    async def plan(reader: FormReader) -> flow.Plan | None:
        reason = flow.reason_of(reader)
        if reason is None:
            return None
        return flow.Plan(
            preview=partial(_unfreeze_preview, visit, row, reason),
            act=partial(
                adjust_limit.unfreeze,
                visit.desk.house,
                customer_id=row["customer_id"],
                line_id=row["line_id"],
                reason=reason,
                author=visit.operator,
            ),
        )

    return await flow.run_previewed(visit, action, fields, plan, done="line_unfrozen")


async def _limit_most(visit: Visit, row: Row) -> int | None:
    """Return the highest limit without a new agreement, minor units."""
    return await adjust_limit.limit_most(
        visit.desk.house, customer_id=row["customer_id"], line_id=row["line_id"]
    )


async def _line(visit: Visit) -> Row | None:
    found = line_key(visit)
    if found is None:
        return None
    async with visit.reading() as connection:
        return await READING.line.fetchrow(connection, customer_id=found[0], line_id=found[1])


def _action(visit: Visit, row: Row, name: str, api_call: str) -> Action:
    href = words.line_href(row["customer_id"], row["line_id"])
    record = ids.to_text(ids.LINE, row["line_id"])
    return Action(
        name=name,
        title=visit.t(f"line_action.{name}"),
        intro=visit.t(f"line_action.{name}_intro"),
        path=f"{href}/{name}",
        record=Crumb(label=record, href=href),
        journey=f"journeys.lines.adjust_limit.{'set_limit' if name == 'limit' else name}",
        api_call=api_call.replace("{record}", record),
    )


def _reason_field(visit: Visit, *, hint: str = "") -> Field:
    return Field(
        name=flow.REASON,
        label=visit.t("line_action.reason"),
        hint=hint or visit.t("line_action.reason_hint"),
    )


def _limit_preview(
    visit: Visit, row: Row, limit_minor: int, *, reason: str, works_on: date
) -> Preview:
    f, t, currency = visit.formats, visit.t, row["currency"]
    notes = [t("line_action.no_entries")]
    if limit_minor < row["limit_minor"]:
        notes.append(t("line_action.works_on", day=f.day(works_on)))
    taken = row["principal_minor"] + row["held_minor"]
    if limit_minor < taken:
        notes.append(t("line_action.below_used", used=f.money(taken, currency)))
    return Preview(
        changes=[
            Change(
                label=t("line.limit"),
                before=f.money(row["limit_minor"], currency),
                after=f.money(limit_minor, currency),
            ),
            Change(
                label=t("line.available"),
                before=f.money(_available(row, row["limit_minor"]), currency),
                after=f.money(_available(row, limit_minor), currency),
            ),
            Change(label=t("line_action.reason"), before="", after=reason),
        ],
        notes=notes,
        confirm=t("line_action.confirm_limit"),
        is_destructive=limit_minor < row["limit_minor"],
    )


def _freeze_preview(visit: Visit, row: Row, until: date | None, reason: str) -> Preview:
    t, label = visit.t, visit.catalogue.label
    return Preview(
        changes=[
            _status_change(visit, row, label("line_status", "frozen")),
            *_drawable(visit, row, after=0),
            Change(
                label=t("line.frozen_until"),
                before=visit.formats.day(row["frozen_until"]),
                after=visit.formats.day(until),
            ),
            Change(label=t("line_action.reason"), before="", after=reason),
        ],
        notes=[
            t("line_action.no_entries"),
            t("line_action.debts_run_on"),
            t("line_action.customer_told"),
        ],
        confirm=t("line_action.confirm_freeze"),
        is_destructive=True,
    )


def _unfreeze_preview(visit: Visit, row: Row, reason: str) -> Preview:
    t, label = visit.t, visit.catalogue.label
    return Preview(
        changes=[
            _status_change(visit, row, label("line_status", "active")),
            *_drawable(visit, row, after=row["headroom_minor"]),
            Change(label=t("line_action.reason"), before="", after=reason),
        ],
        notes=[t("line_action.no_entries")],
        confirm=t("line_action.confirm_unfreeze"),
    )


def _status_change(visit: Visit, row: Row, after: str) -> Change:
    return Change(label=visit.t("loan.status"), before=line_status(visit, row).label, after=after)


def _drawable(visit: Visit, row: Row, *, after: int) -> Sequence[Change]:
    now = 0 if row["blocked_by"] else row["headroom_minor"]
    return [
        Change(
            label=visit.t("line.available"),
            before=visit.formats.money(now, row["currency"]),
            after=visit.formats.money(after, row["currency"]),
        )
    ]


def _available(row: Row, limit_minor: int) -> int:
    """Return what could be drawn under a limit, everything else being as it is."""
    if row["blocked_by"]:
        return 0
    cap = row["own_cap_minor"]
    ceiling = limit_minor if cap is None else min(limit_minor, cap)
    left: int = ceiling - row["principal_minor"] - row["held_minor"]
    return max(0, left)


_LINE: Final = "/customers/{customer}/lines/{line}"

PAGES: Final = (
    Page(path=f"{_LINE}/review", show=review, submit=review, permission=Permission.CHANGE_LIMIT),
    Page(path=f"{_LINE}/limit", show=limit, submit=limit, permission=Permission.CHANGE_LIMIT),
    Page(path=f"{_LINE}/freeze", show=freeze, submit=freeze, permission=Permission.FREEZE),
    Page(path=f"{_LINE}/unfreeze", show=unfreeze, submit=unfreeze, permission=Permission.FREEZE),
)
