"""Many offers taken at once: looked at once more, accepted in sets, then their lines are opened.

The same checks and the same rows as the single way of `apply.py`, in a handful of statements for
thousands of customers. Errors are data: a refusal leaves the others untouched.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from counterfoil.customers.verification_policy import Act
from counterfoil.decisioning import application as transitions
from counterfoil.decisioning import store as decisions
from counterfoil.decisioning.application import Application, Status
from counterfoil.decisioning.refusals import APPLICATION_NOT_FOUND
from counterfoil.journeys.applying.recheck_offers import recheck_offers
from counterfoil.journeys.contracting.contract import SignedAgreement, require_signed
from counterfoil.journeys.deciding.decide import is_without_line, open_line_command
from counterfoil.journeys.house import House
from counterfoil.journeys.serving.identity import refuse_acts
from counterfoil.kernel.errors import Refused, refuse
from counterfoil.platform.batches import Answer

#: Large enough that statements cost nothing a person, small enough that none runs long.
OFFERS_AT_ONCE: Final = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Acceptance:
    """A customer's wish to take an offer."""

    customer_id: int
    application_id: int
    repayment_day: int
    idempotency_key: str


#: An accepted application with the agreement behind its line.
_Accepted = tuple[Application, SignedAgreement]


async def accept_offers(house: House, wishes: Sequence[Acceptance]) -> list[Answer | Refused]:
    """Take many offers: applications are accepted in sets, then their lines are opened."""
    answers: list[Answer | Refused] = []
    for start in range(0, len(wishes), OFFERS_AT_ONCE):
        answers.extend(await _accept_chunk(house, wishes[start : start + OFFERS_AT_ONCE]))
    return answers


async def _accept_chunk(house: House, wishes: Sequence[Acceptance]) -> list[Answer | Refused]:
    keys = [(wish.customer_id, wish.application_id) for wish in wishes]
    refused = await recheck_offers(house, keys)
    moved = await _accept_applications(house, wishes, refused)
    answers = await asyncio.gather(
        *(_open_line(house, wish, moved[place]) for place, wish in enumerate(wishes))
    )
    await _reopen(
        house,
        [
            item[0]
            for item, answer in zip(moved, answers, strict=True)
            if not isinstance(item, Refused) and is_without_line(answer)
        ],
    )
    return list(answers)


async def _accept_applications(
    house: House, wishes: Sequence[Acceptance], refused: Mapping[tuple[int, int], Refused]
) -> list[_Accepted | Refused]:
    """Accept what has a signed agreement and still holds."""
    on, now = await house.business_date(), house.clock.now()
    keys = [(wish.customer_id, wish.application_id) for wish in wishes]
    async with house.database.transaction() as connection:
        found = await decisions.lock_applications(connection, keys)
        agreements = await require_signed(connection, list(found.values()))
        waiting = await refuse_acts(house, connection, Act.OPENING, [key[0] for key in found])
        moved: list[_Accepted | Refused] = []
        for key in keys:
            application = found.pop(key, None)
            if key in refused:
                moved.append(refused[key])
                continue
            if application is None:
                moved.append(refuse(APPLICATION_NOT_FOUND))
                continue
            after = transitions.accept(application, line_id=key[1], on=on, at=now)
            agreement = agreements[key]
            if isinstance(after, Refused):
                moved.append(after)
            elif key[0] in waiting:
                moved.append(waiting[key[0]])
            elif isinstance(agreement, Refused):
                moved.append(agreement)
            else:
                moved.append((after, agreement))
        accepted = [item[0] for item in moved if not isinstance(item, Refused)]
        await decisions.change_applications(connection, accepted)
    return moved


async def _open_line(
    house: House, wish: Acceptance, accepted: _Accepted | Refused
) -> Answer | Refused:
    if isinstance(accepted, Refused):
        return accepted
    application, agreement = accepted
    return await house.counter.submit(
        open_line_command(application, wish.repayment_day, agreement),
        idempotency_key=wish.idempotency_key,
    )


async def _reopen(house: House, applications: Sequence[Application]) -> None:
    """Take acceptances back of which no line came."""
    if not applications:
        return
    keys = [(item.customer_id, item.application_id) for item in applications]
    async with house.database.transaction() as connection:
        found = await decisions.lock_applications(connection, keys)
        still = [item for item in found.values() if item.status is Status.ACCEPTED]
        await decisions.change_applications(connection, list(map(transitions.reopen, still)))
