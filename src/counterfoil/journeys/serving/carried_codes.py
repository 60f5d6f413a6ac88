"""One-time codes over the carrier of messages, to the phone that is known.

Invariant   Whether a customer exists is not told, by the answer or by its time: a code is sent
            beside the request, and where there is nobody nothing is sent. A service that failed the
            last code is said to be unavailable to everybody alike.
"""

import asyncio
from typing import Final

import structlog

from counterfoil.contracts.refusals import CODE_SERVICE_UNAVAILABLE
from counterfoil.customers import store as customers
from counterfoil.customers.message import load_texts
from counterfoil.customers.message_port import MessageCarrier, Outcome, Parcel
from counterfoil.customers.setting import Channel
from counterfoil.journeys.serving.reached import reached_person
from counterfoil.kernel import ids
from counterfoil.kernel.errors import RefusedError, refuse
from counterfoil.kernel.ids import IdSource
from counterfoil.platform.access_matrix import reading
from counterfoil.platform.database import Database
from counterfoil.privacy.vault import Vault

_KIND: Final = "one_time_code"
_log = structlog.get_logger(__name__)


class CarriedCodes:
    """Sends codes as SMS; a code is never kept and never shown in an answer."""

    def __init__(
        self, carrier: MessageCarrier, database: Database, vault: Vault, numbers: IdSource
    ) -> None:
        """Take who carries, and where the phone is."""
        self._carrier = carrier
        self._database = database
        self._vault = vault
        self._numbers = numbers
        self._under_way: set[asyncio.Task[None]] = set()
        self._has_failed = False

    async def deliver(self, *, customer_id: int, contract_id: int, code: str) -> str | None:  # noqa: ARG002
        """Begin to send a code; raise RefusedError where the one before could not be sent."""
        task = asyncio.create_task(self._send(customer_id, code))
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)
        if self._has_failed:
            raise RefusedError(refuse(CODE_SERVICE_UNAVAILABLE))
        return None

    async def settle(self) -> None:
        """Wait for the codes under way."""
        if self._under_way:
            await asyncio.wait(self._under_way)

    async def _send(self, customer_id: int, code: str) -> None:
        try:
            async with self._database.connection() as connection:
                customer = await customers.read_customer(connection, customer_id)
                person = await reached_person(
                    connection, self._vault, customer_id, reading("message")
                )
            if customer is None or Channel.SMS not in person.addresses:
                return
            said = {"name": person.name, "code": code}
            text = load_texts().render_kind(_KIND, customer.language, said)
            parcel = Parcel(
                reference=ids.to_text(ids.MESSAGE, self._numbers.next()),
                channel=Channel.SMS,
                address=person.addresses[Channel.SMS],
                name=person.name,
                subject=text.subject,
                body=text.body,
            )
            carried = await self._carrier.send(parcel)
            # A number that is refused for good says nothing of the service.
            self._has_failed = carried.outcome is Outcome.FAILED
            if self._has_failed:
                _log.warning("code_not_sent", why=carried.detail)
        except RefusedError as error:
            self._has_failed = True
            _log.warning("code_not_sent", why=error.refused.code)
