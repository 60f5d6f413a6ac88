"""What a document can say: the variables, conditions and tables that templates may use, by kind.

Invariant   A template names nothing that is not listed here, and leaves out nothing that is
            required: whoever writes one is told at once, not the customer who is to sign it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, NamedTuple

from counterfoil.kernel.language import Language


class Kind(StrEnum):
    """The documents there are."""

    #: One for each line.
    CREDIT_AGREEMENT = "credit_agreement"
    #: One for each drawdown.
    LOAN_NOTE = "loan_note"
    #: One for each limit that is raised.
    LIMIT_AMENDMENT = "limit_amendment"
    #: What is printed behind an agreement: how it was shown and signed.
    SIGNING_RECORD = "signing_record"


class Words(NamedTuple):
    """One text in both languages."""

    en: str
    zh: str

    def text(self, language: Language) -> str:
        """Return the text in a language."""
        return self.zh if language is Language.CHINESE else self.en


class Coded(NamedTuple):
    """Codes that the template has words for, in the order in which they are named."""

    family: str
    codes: tuple[str, ...]


Value = str | Words | Coded
#: Cells of one row of a table.
Row = tuple[str | Words, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Filling:
    """What a template is filled with."""

    values: Mapping[str, Value]
    flags: Mapping[str, bool] = field(default_factory=dict)
    tables: Mapping[str, tuple[Row, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """What templates of a kind may use."""

    #: Have to be used, in every language.
    required: frozenset[str]
    #: May be used, for instance under a condition.
    optional: frozenset[str] = frozenset()
    flags: frozenset[str] = frozenset()
    #: Columns of each table; all of them have to be used.
    tables: Mapping[str, int] = field(default_factory=dict)
    #: Columns of tables that may be used.
    tables_optional: Mapping[str, int] = field(default_factory=dict)

    @property
    def variables(self) -> frozenset[str]:
        """Return every variable that may be used."""
        return self.required | self.optional


_PRICE: Final = frozenset(
    {
        *("rate_daily", "rate_annual", "penalty_daily", "grace_days", "allocation", "sweep"),
        *("prepayments", "cost_annual_cap", "statement", "cost_sheet_sha256"),
        *("rate_effective", "effective_method", "rate_simple", "simple_method"),
    }
)
_PARTIES: Final = frozenset(
    {
        *("template_ref", "contract_id", "customer_id", "lender_name", "lender_id"),
        *("product_name", "product_version", "currency"),
    }
)
#: What the money of a scene pays for; a note on cash has none of them.
_PURCHASE: Final = frozenset(
    {
        *("scene_name", "purchase_id", "purchase_price", "merchant_name", "merchant_payee"),
        *("cooling_off_days", "refund_days", "ahead_percent", "cancelled_refund_percent"),
        *("course_from", "course_until"),
    }
)
#: Name, payee, basis, amount or example.
_ITEM_COLUMNS: Final = 4
#: Number, due date, principal, interest, fee, due, balance.
_SCHEDULE_COLUMNS: Final = 7
_TABLES: Final = {
    "items": _ITEM_COLUMNS,
    "contingent_items": _ITEM_COLUMNS,
    "schedule": _SCHEDULE_COLUMNS,
}

SHAPES: Final[Mapping[Kind, Shape]] = {
    Kind.CREDIT_AGREEMENT: Shape(
        required=_PARTIES
        | _PRICE
        | {
            *("licence", "borrower_name", "borrower_id_number", "prepared_on", "valid_until"),
            *("limit", "line_valid_months", "draw_least", "draw_most", "draw_step", "tenors"),
            *("methods", "rate_daily_least", "rate_daily_most", "penalty_percent"),
            *("repayment_day_changes", "cap_raise_wait_days", "purposes_banned"),
            *("example_principal", "example_tenor", "example_method", "example_start"),
            *("example_total", "example_cost"),
        },
        optional=frozenset({"late_annual_cap", "replaced_contract_id", "effective_on"}),
        flags=frozenset({"has_late_cap", "is_reported", "is_new_version"}),
        tables=_TABLES,
        # Scene, limit, tenors, days of cooling-off, days until a refund.
        tables_optional={"scenes": 5},
    ),
    Kind.LOAN_NOTE: Shape(
        required=_PARTIES
        | _PRICE
        | {
            *("line_id", "agreement_sha256", "principal", "tenor", "method", "repayment_day"),
            *("start_date", "first_due_date", "maturity_date", "total", "cost"),
        },
        optional=frozenset({"late_annual_cap", "fee_at_start"}) | _PURCHASE,
        flags=frozenset(
            {
                *("has_late_cap", "is_reported", "has_fee_at_start", "is_scene", "is_staged"),
                *("has_course", "has_cooling_off", "has_cancelled_refund"),
            }
        ),
        tables=_TABLES,
    ),
    Kind.LIMIT_AMENDMENT: Shape(
        required=_PARTIES
        | {
            *("line_id", "agreement_sha256", "limit_before", "limit_after"),
            *("rate_daily", "rate_annual", "decided_on", "valid_until"),
        },
    ),
    Kind.SIGNING_RECORD: Shape(
        required=frozenset(
            {
                *("contract_id", "document_sha256", "cost_sheet_sha256", "customer_id"),
                *("sheet_shown_at", "document_shown_at", "signed_at", "reading_seconds"),
                *("authentication_level", "channel", "lender_name"),
            }
        ),
    ),
}
