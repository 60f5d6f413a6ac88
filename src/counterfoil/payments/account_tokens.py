"""Tokens that stand for account numbers: made by whoever pays, so that nobody here keeps a number.

Calls       `POST /account-tokens` with the number, a bearer token; the answer has the `token`.
Bounds      Five seconds, 4 kB of answer; nobody is followed elsewhere.
Invariant   A number is held for the length of one call, and is in no log, no row and no answer. The
            same number has the same token. Nothing is ever raised for what the network did.
"""

import hmac
import re
from pathlib import Path
from typing import Annotated, Final, Protocol

import httpx
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from counterfoil.platform.http_service import HttpService, Silence

ANSWER_WITHIN_S: Final = 5.0
ANSWER_BYTES_MAX: Final = 4_096
_LENGTH_MIN: Final = 8
_LENGTH_MAX: Final = 30
_BETWEEN: Final = re.compile(r"[ \-\u00a0]")
_HEX: Final = 24


class AccountTokens(Protocol):
    """Makes tokens of account numbers."""

    async def token_of(self, number: str) -> str | None:
        """Return the token of a number in its normal form; None where nobody could say."""
        ...


class SandboxTokens:
    """Makes tokens by a keyed hash; its accounts are invented."""

    def __init__(self, key: bytes) -> None:
        """Take the key of the installation."""
        self._key = key

    async def token_of(self, number: str) -> str | None:
        """Return the token of a number."""
        message = b"counterfoil/account-token/v1\0" + number.encode()
        return f"acct-{hmac.digest(self._key, message, 'sha256').hex()[:_HEX]}"


class _Answer(BaseModel):
    model_config = ConfigDict(strict=True, extra="ignore", frozen=True)

    token: Annotated[str, Field(pattern=r"^[!-~]{1,80}$")]


class HttpTokens(HttpService):
    """The bank that makes tokens over HTTP."""

    def __init__(
        self,
        base_url: str,
        *,
        token_file: Path | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        """Take the bank's address; the bearer token is read for each call."""
        super().__init__(
            base_url,
            answer_seconds=ANSWER_WITHIN_S,
            answer_bytes_max=ANSWER_BYTES_MAX,
            token_file=token_file,
            transport=transport,
        )

    async def token_of(self, number: str) -> str | None:
        """Return the token of a number; whatever is unclear is None."""
        reply = await self.call("POST", "/account-tokens", {"number": number})
        if isinstance(reply, Silence) or reply.status != httpx.codes.OK:
            return None
        try:
            token = _Answer.model_validate_json(reply.body or b"").token
        except ValidationError:
            return None
        # A bank that answers with the number itself has made no token.
        return None if normal_number(token) is not None else token


def normal_number(text: str) -> str | None:
    """Return an account number without what people write between its digits, or None."""
    digits = _BETWEEN.sub("", text.strip())
    is_number = digits.isascii() and digits.isdigit()
    return digits if is_number and _LENGTH_MIN <= len(digits) <= _LENGTH_MAX else None
