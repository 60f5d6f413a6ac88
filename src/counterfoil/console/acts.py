"""Writing down what a member of staff did: on what, why, from where, and before and after.

Told       One line of the trail for each form that was carried out, beside what the journey itself
           writes, in the transaction that the journey commits first: the address names what it is
           about, and its state stands in the line as it was before and as it is after.
Privacy    Of what was sent only fields that choose or count are kept, never a name, a number of a
           person, a secret or free text; the reason is kept with numbers hidden.
"""

from http import HTTPStatus
from typing import Final

from starlette.responses import Response

from counterfoil.console.frame import BASE
from counterfoil.console.page import Page
from counterfoil.console.visit import Visit
from counterfoil.journeys.trail import Act, taken
from counterfoil.kernel import ids
from counterfoil.platform.holdings import wanted_in

#: Fields that choose or count.
_KEPT: Final = (
    "what", "outcome", "decision", "ruling", "resolution", "switch", "mode", "state", "kind",
    "to", "limit", "amount", "returned", "until", "value_date", "task", "rules",
)  # fmt: skip
_VALUE_LENGTH_MAX: Final = 40


async def carry_out(visit: Visit, page: Page) -> Response:
    """Carry out what was sent; what it commits carries its line, and a refusal has one as well.

    Where nobody need be signed in, the page says itself who came.
    """
    submit = page.submit or page.show
    if page.permission is None:
        return await submit(visit)
    named = wanted_in([*visit.request.path_params.values(), *visit.values.values()])
    chosen = [
        f"{name}={visit.values[name][:_VALUE_LENGTH_MAX]}"
        for name in _KEPT
        if visit.values.get(name, "").strip()
    ]
    act = Act(
        name="submit",
        customer_ids=named.customer_ids,
        subject=visit.request.url.path.removeprefix(BASE),
        ticket="" if visit.case_id is None else ids.to_text(ids.CUSTOMER_CASE, visit.case_id),
        reason=visit.values.get("reason", ""),
        after=" ".join(chosen),
    )
    async with taken(visit.desk.house, visit.actor, act, about=named) as one:
        response = await submit(visit)
    if response.status_code == HTTPStatus.SEE_OTHER:
        await one.done()
    elif visit.refused is not None:
        await one.refused(visit.refused)
    return response
