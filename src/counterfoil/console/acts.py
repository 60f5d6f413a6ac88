"""Writing down what a member of staff did: on what, why, from where, and before and after.

Told       One line of the trail for each form that was carried out, beside what the journey itself
           writes: the address names what it is about, and where that is a line, a loan or an
           application its state stands in the line as it was before and as it is after.
Privacy    Of what was sent only fields that choose or count are kept, never a name, a number of a
           person, a secret or free text; the reason is kept with numbers hidden.
"""

from http import HTTPStatus
from typing import Any, Final

from starlette.responses import Response

from counterfoil.console.frame import BASE
from counterfoil.console.page import Page
from counterfoil.console.reading import READING
from counterfoil.console.visit import Visit
from counterfoil.journeys.trail import Act, note
from counterfoil.kernel import ids
from counterfoil.platform.access_matrix import load_matrix
from counterfoil.platform.holdings import wanted_in

#: Part of an address → what is read of the record, and the columns that acts change.
_STATES: Final[dict[str, tuple[str, str, Any, tuple[str, ...]]]] = {
    "loan": (
        ids.LOAN, "loan_id", READING.loan,
        ("status", "principal_minor", "tenor_months", "next_due_date"),
    ),
    "line": (
        ids.LINE, "line_id", READING.line,
        ("status", "limit_minor", "credit_minor", "frozen_until", "repayment_day"),
    ),
    "application": (ids.APPLICATION, "application_id", READING.application, ("status", "outcome")),
}  # fmt: skip
#: Fields that choose or count.
_KEPT: Final = (
    "what", "outcome", "decision", "ruling", "resolution", "switch", "mode", "state", "kind",
    "to", "limit", "amount", "returned", "until", "value_date", "task", "rules",
)  # fmt: skip
_VALUE_LENGTH_MAX: Final = 40


async def state_of(visit: Visit) -> str:
    """Return the state of what the address names; empty where it names nothing with one."""
    params = visit.request.path_params
    customer = ids.read(params.get("customer", ""))
    for part, (prefix, key, query, columns) in _STATES.items():
        named = ids.read(params.get(part, ""))
        if customer is None or named is None or named[0] != prefix:
            continue
        async with visit.reading() as connection:
            row = await query.fetchrow(connection, customer_id=customer[1], **{key: named[1]})
        known = {} if row is None else {name: row[name] for name in columns}
        return " ".join(f"{name}={value}" for name, value in known.items() if value is not None)
    return ""


async def note_act(visit: Visit, page: Page, response: Response, *, before: str) -> None:
    """Write down what was carried out, before its answer is sent; nothing where it was not."""
    if response.status_code != HTTPStatus.SEE_OTHER:
        return
    after = await state_of(visit)
    chosen = [
        f"{name}={visit.values[name][:_VALUE_LENGTH_MAX]}"
        for name in _KEPT
        if visit.values.get(name, "").strip()
    ]
    named = wanted_in([*visit.request.path_params.values(), *visit.values.values()])
    act = Act(
        name="submit",
        customer_ids=named.customer_ids,
        subject=visit.request.url.path.removeprefix(BASE),
        purpose=load_matrix().rights_for(visit.actor).reads_for or str(page.permission),
        ticket="" if visit.case_id is None else ids.to_text(ids.CUSTOMER_CASE, visit.case_id),
        reason=visit.values.get("reason", ""),
        before=before,
        after=" ".join(filter(None, (after, *chosen))),
    )
    house = visit.desk.house
    async with house.database.transaction() as connection:
        await note(house, connection, visit.actor, act)
