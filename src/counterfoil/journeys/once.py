"""Work on a customer that is done once under a key: a repetition gets the first answer."""

from counterfoil.journeys.house import House
from counterfoil.kernel.errors import Refusal, Refused, RefusedError, refuse
from counterfoil.platform import idempotency
from counterfoil.platform.batches import Answer


async def once_for(
    house: House,
    customer_id: int,
    kind: str,
    key: str,
    request: dict[str, object],
    work: idempotency.Work,
    *,
    twin: Refusal | None = None,
) -> Answer | Refused:
    """Do some work once; what it raises as refused is refused.

    `twin` is answered where another request wrote first what the database has only once; None
    where that cannot be: it raises TwinError.
    """
    try:
        return await idempotency.once(
            house.database,
            scope_id=customer_id,
            key=key,
            request=idempotency.request_hash(kind, request),
            kind=kind,
            at=house.clock.now(),
            work=work,
        )
    except RefusedError as error:
        return error.refused
    except idempotency.TwinError:
        if twin is None:
            raise
        return refuse(twin)
