"""The adapter to a service that carries messages over HTTP: SMS, e-mail, app notes and letters.

Calls       `PUT /messages/{reference}/{channel}` sends, with a bearer token; the reference and the
            channel are the service's idempotency key. `GET` of the same asks what became of it.
Answer      JSON with the `reference` asked about and a `status`: `accepted`, `delivered`, `bounced`
            or `refused`, the last two with a `code`.
Bounds      Ten seconds, 64 kB of answer; nobody is followed elsewhere.
Invariant   Nothing is ever raised for what the network or the service did: whatever is unclear is
            failed, and the same reference is sent again later.
"""

import base64
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import httpx
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from counterfoil.customers.message_port import Carried, Outcome, Parcel
from counterfoil.customers.setting import Channel
from counterfoil.platform.http_service import HttpService, Silence

ANSWER_WITHIN_S: Final = 10.0
ANSWER_BYTES_MAX: Final = 64 * 1024
_OUTCOMES: Final = {
    "accepted": Outcome.SENT,
    "delivered": Outcome.DELIVERED,
    "bounced": Outcome.BOUNCED,
    "refused": Outcome.REFUSED,
}
#: Statuses under which the service's own word stands in the body.
_SPOKEN: Final = frozenset({httpx.codes.OK, httpx.codes.ACCEPTED, httpx.codes.UNPROCESSABLE_ENTITY})


class _Answer(BaseModel):
    model_config = ConfigDict(strict=True, extra="ignore", frozen=True)

    reference: str
    status: Literal["accepted", "delivered", "bounced", "refused"]
    code: Annotated[str, Field(pattern=r"^[a-z0-9_.-]{1,64}$")] | None = None


class HttpCarrier(HttpService):
    """One service that carries messages."""

    gives_receipts = True

    def __init__(
        self,
        base_url: str,
        *,
        token_file: Path | None = None,
        answer_seconds: float = ANSWER_WITHIN_S,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        """Take the service's address; the token is read for each call, so it may be renewed."""
        super().__init__(
            base_url,
            answer_seconds=answer_seconds,
            answer_bytes_max=ANSWER_BYTES_MAX,
            token_file=token_file,
            transport=transport,
        )

    async def send(self, parcel: Parcel) -> Carried:
        """Send a parcel; sent again under its reference it goes out once."""
        body: dict[str, Any] = {
            "to": parcel.address,
            "name": parcel.name,
            "subject": parcel.subject,
            "text": parcel.body,
        }
        if parcel.attachment is not None:
            body["attachment"] = {
                "name": parcel.attachment.name,
                "media_type": parcel.attachment.media_type,
                "content": base64.b64encode(parcel.attachment.content).decode(),
            }
        return await self._carried("PUT", parcel.reference, parcel.channel, body)

    async def ask(self, reference: str, channel: Channel) -> Carried:
        """Ask what became of a parcel."""
        return await self._carried("GET", reference, channel, None)

    async def _carried(
        self, method: str, reference: str, channel: Channel, body: dict[str, Any] | None
    ) -> Carried:
        reply = await self.call(method, f"/messages/{reference}/{channel.value}", body)
        if isinstance(reply, Silence):
            return Carried(Outcome.FAILED, "timeout" if reply.is_timeout else "unreachable")
        if reply.status not in _SPOKEN:
            return Carried(Outcome.FAILED, f"status_{reply.status}")
        return _meaning(reply.body or b"", reference)


def _meaning(content: bytes, reference: str) -> Carried:
    try:
        answer = _Answer.model_validate_json(content)
    except ValidationError:
        return Carried(Outcome.FAILED, "malformed_answer")
    if answer.reference != reference:
        return Carried(Outcome.FAILED, "answer_about_another")
    return Carried(_OUTCOMES[answer.status], answer.code)
