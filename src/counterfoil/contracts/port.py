"""The ways to outside parties: who carries one-time codes, and who holds the lenders' seals."""

from collections.abc import Mapping
from typing import NamedTuple, Protocol

from counterfoil.contracts.refusals import CODE_SERVICE_UNAVAILABLE
from counterfoil.kernel.errors import RefusedError, refuse


class OneTimeCodes(Protocol):
    """Carries a code to the customer by a channel of its own."""

    async def deliver(self, *, customer_id: int, contract_id: int, code: str) -> str | None:
        """Send a code; return it where it may be shown in the answer, else None.

        `contract_id` is the contract or, at a sign-in, the code's own number. Nobody may be told
        whether a customer exists: where there is none nothing is sent, and the answer is the same.
        """
        ...


class SandboxCodes:
    """Shows codes in the answer: a sandbox has no phones."""

    # The port's shape; nothing but the code matters here.
    async def deliver(self, *, customer_id: int, contract_id: int, code: str) -> str | None:  # noqa: ARG002
        """Return the code."""
        return code


class NoCodes:
    """Stands where no service is connected."""

    async def deliver(self, *, customer_id: int, contract_id: int, code: str) -> str | None:  # noqa: ARG002
        """Refuse: nobody could confirm anything."""
        raise RefusedError(refuse(CODE_SERVICE_UNAVAILABLE))


class Lender(NamedTuple):
    """A lender of record, as its seal and its files name it."""

    lender_id: str
    name_en: str
    name_zh: str


class LenderSeal(Protocol):
    """Signs files for one lender: a key in a file, a PKCS#12 container, a sealing service."""

    def seal(self, pdf: bytes, attachments: Mapping[str, bytes], *, reason: str) -> bytes:
        """Return the file with its attachments and the lender's signature over all of it."""
        ...

    def certificate(self) -> bytes:
        """Return the certificate of the seal, DER."""
        ...


class LenderSeals(Protocol):
    """Knows the seal of each lender of record; none of them signs for another."""

    def of(self, lender: Lender) -> LenderSeal:
        """Return the seal of a lender."""
        ...
