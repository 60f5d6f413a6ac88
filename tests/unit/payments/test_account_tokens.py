"""Tokens for account numbers: one for each number, none where anything is unclear."""

import httpx
import pytest

from counterfoil.payments.account_tokens import HttpTokens, SandboxTokens, normal_number

NUMBER = "6222021234567890"


@pytest.mark.parametrize("typed", [NUMBER, "6222 0212 3456 7890", " 6222-0212-3456-7890 "])
def test_a_number_has_one_form(typed: str) -> None:
    assert normal_number(typed) == NUMBER


@pytest.mark.parametrize(
    "typed", ["", "1234567", "1" * 31, "acct-622202123456", "６２２２０２１２３４５６"]
)
def test_what_is_no_number(typed: str) -> None:
    assert normal_number(typed) is None


async def test_a_sandbox_makes_one_token_of_a_number() -> None:
    tokens = SandboxTokens(bytes(32))
    token = await tokens.token_of(NUMBER)
    assert token == await tokens.token_of(NUMBER)
    assert token != await tokens.token_of(NUMBER[::-1])
    assert token != await SandboxTokens(b"1" * 32).token_of(NUMBER)
    assert token is not None
    assert NUMBER not in token


@pytest.mark.parametrize(
    ("answer", "token"),
    [
        (httpx.Response(200, json={"token": "tk_7f3a"}), "tk_7f3a"),
        (httpx.Response(200, json={"token": NUMBER}), None),
        (httpx.Response(200, json={"token": ""}), None),
        (httpx.Response(200, content=b"{"), None),
        (httpx.Response(503, json={"token": "tk_7f3a"}), None),
        (httpx.Response(307, headers={"location": "http://elsewhere/"}), None),
        (httpx.Response(200, json={"token": "t" * 5_000}), None),
    ],
)
async def test_what_is_unclear_is_no_token(answer: httpx.Response, token: str | None) -> None:
    transport = httpx.MockTransport(lambda _: answer)
    async with HttpTokens("http://bank", transport=transport) as bank:
        assert await bank.token_of(NUMBER) == token


async def test_nothing_is_raised_for_what_the_network_did() -> None:
    def fail(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("nobody", request=request)

    async with HttpTokens("http://bank", transport=httpx.MockTransport(fail)) as bank:
        assert await bank.token_of(NUMBER) is None
