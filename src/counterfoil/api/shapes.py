"""The types that requests and answers are made of.

Invariant   Nothing is converted on the way in: an integer is an integer, a member that nobody
            knows refuses the request. An answer has all of its members, always.
"""

from collections.abc import Callable
from datetime import date, datetime
from typing import Annotated, Any, Final

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainValidator,
    StringConstraints,
    WithJsonSchema,
)
from pydantic_core import PydanticCustomError

from counterfoil.kernel import ids
from counterfoil.kernel.calendar import is_countable, read_day
from counterfoil.kernel.money import AMOUNT_MINOR_MAX, EXPONENTS
from counterfoil.privacy.masking import mask_free_text

#: What PostgreSQL keeps in a bigint.
_INTEGER_MAX: Final = 2**63 - 1
_DATE_LENGTH: Final = 10


class Body(BaseModel):
    """What a request sends."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, hide_input_in_errors=True)


class View(BaseModel):
    """What an answer carries."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def id_pattern(prefix: str) -> str:
    """Return the pattern of an identifier's text."""
    return f"^{prefix}_[0-7][0-9a-hjkmnp-tv-z]{{12}}$"


def id_schema(prefix: str, what: str) -> dict[str, Any]:
    """Return how an identifier is described."""
    return {
        "type": "string",
        "pattern": id_pattern(prefix),
        "description": f"Identifier of {what}.",
        "examples": [f"{prefix}_01hv4zq3k2f00"],
    }


def _reader(prefix: str) -> Callable[[object], int]:
    def read(value: object) -> int:
        if type(value) is str:
            try:
                number = ids.from_text(prefix, value)
            except ids.InvalidIdError:
                number = 0
            if number:
                return number
        raise PydanticCustomError("id_malformed", "not an identifier of this kind")

    return read


def read_id(prefix: str, text: str) -> int | None:
    """Return the number of an identifier in a path, None where the text is none."""
    try:
        return ids.from_text(prefix, text) or None
    except ids.InvalidIdError:
        return None


CustomerId = Annotated[
    int,
    PlainValidator(_reader(ids.CUSTOMER)),
    WithJsonSchema(id_schema(ids.CUSTOMER, "a customer")),
]
LineId = Annotated[
    int,
    PlainValidator(_reader(ids.LINE)),
    WithJsonSchema(id_schema(ids.LINE, "a credit line")),
]
MeasureId = Annotated[
    int,
    PlainValidator(_reader(ids.LINE_MEASURE)),
    WithJsonSchema(id_schema(ids.LINE_MEASURE, "a measure on a line")),
]
MerchantId = Annotated[
    int,
    PlainValidator(_reader(ids.MERCHANT)),
    WithJsonSchema(id_schema(ids.MERCHANT, "a merchant of a scene")),
]
PurchaseId = Annotated[
    int,
    PlainValidator(_reader(ids.PURCHASE)),
    WithJsonSchema(id_schema(ids.PURCHASE, "a purchase of a scene")),
]
HostId = Annotated[
    int,
    PlainValidator(_reader(ids.HOST)),
    WithJsonSchema(id_schema(ids.HOST, "a host")),
]
HostedPageId = Annotated[
    int,
    PlainValidator(_reader(ids.HOSTED_PAGE)),
    WithJsonSchema(id_schema(ids.HOSTED_PAGE, "a hosted page")),
]
DeliveryId = Annotated[
    int,
    PlainValidator(_reader(ids.DELIVERY)),
    WithJsonSchema(id_schema(ids.DELIVERY, "a notice to a host")),
]
LeafId = Annotated[
    int,
    PlainValidator(_reader(ids.LEAF)),
    WithJsonSchema(id_schema(ids.LEAF, "a leaf of the evidence log")),
]
LoanId = Annotated[
    int,
    PlainValidator(_reader(ids.LOAN)),
    WithJsonSchema(id_schema(ids.LOAN, "a loan, which a drawdown becomes")),
]
ApplicationId = Annotated[
    int,
    PlainValidator(_reader(ids.APPLICATION)),
    WithJsonSchema(id_schema(ids.APPLICATION, "an application")),
]
LimitRequestId = Annotated[
    int,
    PlainValidator(_reader(ids.LIMIT_REQUEST)),
    WithJsonSchema(id_schema(ids.LIMIT_REQUEST, "a request for a higher limit")),
]
ReviewId = Annotated[
    int,
    PlainValidator(_reader(ids.REVIEW)),
    WithJsonSchema(id_schema(ids.REVIEW, "a review")),
]
ConsentId = Annotated[
    int,
    PlainValidator(_reader(ids.CONSENT)),
    WithJsonSchema(id_schema(ids.CONSENT, "a consent")),
]
ReportId = Annotated[
    int,
    PlainValidator(_reader(ids.REPORT)),
    WithJsonSchema(id_schema(ids.REPORT, "a credit report")),
]
ContractId = Annotated[
    int,
    PlainValidator(_reader(ids.CONTRACT)),
    WithJsonSchema(id_schema(ids.CONTRACT, "a contract")),
]
SettlementQuoteId = Annotated[
    int,
    PlainValidator(_reader(ids.SETTLEMENT_QUOTE)),
    WithJsonSchema(id_schema(ids.SETTLEMENT_QUOTE, "a quote of a settlement")),
]
RepaymentId = Annotated[
    int,
    PlainValidator(_reader(ids.REPAYMENT)),
    WithJsonSchema(id_schema(ids.REPAYMENT, "a repayment")),
]
CreditReturnId = Annotated[
    int,
    PlainValidator(_reader(ids.CREDIT_RETURN)),
    WithJsonSchema(id_schema(ids.CREDIT_RETURN, "a return of credit")),
]
MandateId = Annotated[
    int,
    PlainValidator(_reader(ids.MANDATE)),
    WithJsonSchema(id_schema(ids.MANDATE, "a mandate for auto-debit")),
]
JournalId = Annotated[
    int,
    PlainValidator(_reader(ids.JOURNAL)),
    WithJsonSchema(id_schema(ids.JOURNAL, "a journal")),
]

#: No control characters: neither a page nor a log nor a database column takes them well.
_PLAIN: Final = r"^[^\x00-\x1f\x7f]+$"

ShortText = Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=_PLAIN)]


def _with_no_nul(text: str) -> str:
    if "\0" in text:
        raise PydanticCustomError("string_pattern_mismatch", "no database takes a NUL for text")
    return text


#: For a text that may have several lines, and so no pattern.
NoNul = AfterValidator(_with_no_nul)
#: What somebody types freely: identity and phone numbers are hidden before anybody else sees it.
FreeText = AfterValidator(mask_free_text)
Reason = Annotated[
    str,
    StringConstraints(min_length=1, max_length=200, pattern=_PLAIN),
    FreeText,
    Field(description="Why; recorded with the change.", examples=["customer_request"]),
]
Code = Annotated[
    str, StringConstraints(min_length=1, max_length=64, pattern=r"^[a-z0-9][a-z0-9_-]*$")
]
Token = Annotated[str, StringConstraints(min_length=1, max_length=1024, pattern=r"^[!-~]+$")]
Currency = Annotated[
    str,
    StringConstraints(min_length=3, max_length=3, pattern=r"^[A-Z]{3}$"),
    Field(description=f"ISO 4217; products are kept in {', '.join(EXPONENTS)}.", examples=["CNY"]),
]
AmountMinor = Annotated[
    int,
    Field(
        ge=1,
        le=AMOUNT_MINOR_MAX,
        description="Minor units of the currency.",
        examples=[100_000],
    ),
]
NotNegativeMinor = Annotated[
    int, Field(ge=0, le=AMOUNT_MINOR_MAX, description="Minor units of the currency.")
]
Fact = Annotated[int, Field(ge=-_INTEGER_MAX, le=_INTEGER_MAX)]
TenorMonths = Annotated[int, Field(ge=1, le=600, examples=[6])]
RepaymentDay = Annotated[
    int, Field(ge=1, le=28, description="Day of the month on which instalments fall due.")
]


def _read_day(value: object) -> date:
    """Read what is written `2026-01-31`: a lenient reader would take a number of seconds."""
    wrong = PydanticCustomError("not_a_date", "not a date such as 2026-01-31")
    if type(value) is not str or len(value) != _DATE_LENGTH or not value.isascii():
        raise wrong
    try:
        return read_day(value)
    except ValueError as error:
        raise wrong from error


Day = Annotated[
    date,
    BeforeValidator(_read_day),
    WithJsonSchema(
        {
            "type": "string",
            "format": "date",
            "description": "A business date.",
            "examples": ["2026-01-31"],
        }
    ),
]


def _countable(instant: datetime) -> datetime:
    if not is_countable(instant.date()):
        raise PydanticCustomError("not_a_date", "too close to the end of the calendar")
    return instant


#: An instant that is the same in every zone, with days on both of its sides.
Instant = Annotated[AwareDatetime, AfterValidator(_countable)]


class Problem(View):
    """A no, with the reason and what to do (RFC 9457)."""

    type: str = Field(description="Address of the explanation of the code, on this host.")
    title: str
    status: int
    detail: str
    code: str = Field(description="Stable; never renamed and never reused.")
    next_step: str
    request_id: str
    errors: list["Fault"]


class Fault(View):
    """What is wrong with one member of a request."""

    pointer: str = Field(
        description="`#/…` is a JSON pointer into the body; `query/…`, `path/…` and `header/…` "
        "name what stands there."
    )
    code: str
