"""Terms, lines and settings that property tests share; nothing here is a product on sale."""

import itertools
from datetime import UTC, date, datetime

from counterfoil.kernel.ids import IdSource
from counterfoil.lending.account import Accepted, Account, Setting
from counterfoil.lending.catalogue import load_catalogue
from counterfoil.lending.commands import Agreement, ConfirmPayout, Draw
from counterfoil.lending.decide import decide
from counterfoil.lending.line import Line
from counterfoil.lending.terms import Method, Terms

START = date(2026, 1, 5)
NOW = datetime(2026, 1, 5, 9, tzinfo=UTC)


def terms() -> Terms:
    """Return the open cash line's terms."""
    return load_catalogue().current("cash-line-open", START)


def a_line(*, limit_minor: int = 20_000_000, repayment_day: int = 15, rate: int = 35_000) -> Line:
    """Return an active line on which nothing was drawn."""
    product = terms()
    return Line(
        customer_id=7,
        line_id=11,
        application_id=11,
        product_code=product.code,
        product_version=product.version,
        lender_id=product.lender_id,
        currency=product.currency,
        status="active",
        limit_minor=limit_minor,
        rate_daily_e8=rate,
        repayment_day=repayment_day,
        opened_on=START,
        valid_to=date(2030, 1, 1),
        contract_id=11,
        agreement_sha256=bytes(32),
    )


class Bench:
    """One account on which commands are decided one after another, with a business date."""

    def __init__(self, line: Line | None = None) -> None:
        """Start on a line of its own."""
        ticks = itertools.count(1_800_000_000_000)
        self.ids = IdSource(lambda: next(ticks), 0)
        self.account = Account(line or a_line(), stored_version=1)
        self.terms = terms()
        self.on = START

    def decide(self, command: object) -> object:
        """Decide a command on the present business date."""
        setting = Setting(self.terms, self.on, NOW, self.ids)
        return decide(self.account, command, setting)  # type: ignore[arg-type]

    def draw(
        self, amount_minor: int, *, months: int = 6, method: Method = Method.LEVEL_INSTALMENT
    ) -> int:
        """Draw and have the money arrive on the same day; return the loan."""
        line = self.account.line
        assert line is not None
        before = set(self.account.loans)
        drawn = self.decide(
            Draw(
                customer_id=line.customer_id,
                line_id=line.line_id,
                amount_minor=amount_minor,
                currency=line.currency,
                tenor_months=months,
                method=method,
                purpose="travel",
                payee_ref="account-token",
                cost_sheet_hash=bytes(32),
                agreement=Agreement(
                    line.rate_daily_e8,
                    line.repayment_day,
                    line.product_version,
                    self.on,
                    line.line_id,
                    "loan-note/1/zh",
                    bytes(32),
                ),
            )
        )
        assert isinstance(drawn, Accepted), drawn
        (loan_id,) = set(self.account.loans) - before
        self.account.history.setdefault(loan_id, [])
        self.account.stored_instalments.setdefault(loan_id, set())
        confirmed = self.decide(
            ConfirmPayout(
                customer_id=line.customer_id,
                line_id=line.line_id,
                loan_id=loan_id,
                payment_id=loan_id,
                value_date=self.on,
                rail_reference="r1",
            )
        )
        assert isinstance(confirmed, Accepted), confirmed
        return loan_id
