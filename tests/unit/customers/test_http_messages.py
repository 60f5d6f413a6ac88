"""The carrier of messages over HTTP, against a service that fails on demand."""

from collections.abc import AsyncIterator

import httpx
import pytest

from counterfoil.customers.http_messages import HttpCarrier
from counterfoil.customers.message_port import Attachment, Outcome, Parcel
from counterfoil.customers.setting import Channel
from counterfoil.simulator.messages.server import make_app
from counterfoil.simulator.messages.service import Manner, MessageService

REFERENCE = "ms_0000000000001"


def a_parcel(**other: object) -> Parcel:
    values: dict[str, object] = {
        "reference": REFERENCE,
        "channel": Channel.EMAIL,
        "address": "lin@example.org",
        "name": "林小雨",
        "subject": "Statement",
        "body": "Attached.",
        "attachment": Attachment("s.pdf", "application/pdf", b"%PDF-"),
    }
    return Parcel(**{**values, **other})  # type: ignore[arg-type]


@pytest.fixture
async def service() -> MessageService:
    return MessageService()


@pytest.fixture
async def carrier(service: MessageService) -> AsyncIterator[HttpCarrier]:
    transport = httpx.ASGITransport(app=make_app(service, slow_seconds=0))
    async with HttpCarrier("http://carrier", transport=transport) as opened:
        yield opened


async def test_a_parcel_goes_out_once_and_is_asked_about(
    service: MessageService, carrier: HttpCarrier
) -> None:
    for _ in range(2):
        assert await carrier.send(a_parcel()) == (Outcome.SENT, None)
    assert (len(service.taken), service.repeated) == (1, 1)
    [sent] = service.taken.values()
    assert (sent["to"], sent["attachment"]["name"]) == ("lin@example.org", "s.pdf")
    assert await carrier.ask(REFERENCE, Channel.EMAIL) == (Outcome.DELIVERED, None)
    assert await carrier.ask(REFERENCE, Channel.SMS) == (Outcome.FAILED, "status_404")
    other = await carrier.send(a_parcel(body="Another text."))
    assert other == (Outcome.REFUSED, "reference_taken")


@pytest.mark.parametrize(
    ("manner", "sent", "asked"),
    [
        (Manner.DOWN, (Outcome.FAILED, "status_503"), (Outcome.FAILED, "status_503")),
        (Manner.REFUSES, (Outcome.REFUSED, "address_unknown"), (Outcome.FAILED, "status_404")),
        (Manner.BOUNCES, (Outcome.SENT, None), (Outcome.BOUNCED, "mailbox_unknown")),
        (
            Manner.MALFORMED,
            (Outcome.FAILED, "malformed_answer"),
            (Outcome.FAILED, "malformed_answer"),
        ),
    ],
)
async def test_each_way_of_going_wrong_is_told_apart(
    service: MessageService,
    carrier: HttpCarrier,
    manner: Manner,
    sent: tuple[Outcome, str],
    asked: tuple[Outcome, str],
) -> None:
    service.manners["email"] = manner
    assert await carrier.send(a_parcel()) == sent
    assert await carrier.ask(REFERENCE, Channel.EMAIL) == asked


async def test_what_cannot_be_understood_or_is_about_another_is_failed() -> None:
    said = iter(
        [
            httpx.Response(200, content=b'{"reference": '),
            httpx.Response(200, json={"reference": "ms_2", "status": "delivered"}),
            httpx.Response(200, json={"reference": REFERENCE, "status": "eaten"}),
            httpx.Response(200, content=b"x" * 70_000),
            httpx.Response(307, headers={"location": "http://elsewhere/"}),
        ]
    )

    def answer(request: httpx.Request) -> httpx.Response:
        assert request.headers["host"] == "carrier"
        return next(said)

    async with HttpCarrier("http://carrier", transport=httpx.MockTransport(answer)) as carrier:
        told = [(await carrier.ask(REFERENCE, Channel.SMS)).detail for _ in range(5)]
    malformed = "malformed_answer"
    assert told == [malformed, "answer_about_another", malformed, malformed, "status_307"]


async def test_nothing_is_raised_for_what_the_network_did() -> None:
    def fail(request: httpx.Request) -> httpx.Response:
        if request.method == "PUT":
            raise httpx.ReadTimeout("late", request=request)
        raise httpx.ConnectError("nobody", request=request)

    async with HttpCarrier("http://carrier", transport=httpx.MockTransport(fail)) as carrier:
        assert await carrier.send(a_parcel()) == (Outcome.FAILED, "timeout")
        assert await carrier.ask(REFERENCE, Channel.SMS) == (Outcome.FAILED, "unreachable")
