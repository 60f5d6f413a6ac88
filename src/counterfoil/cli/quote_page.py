"""A cost sheet and a plan as they stand on a terminal."""

from collections.abc import Sequence
from datetime import date
from typing import Any, Literal

from rich import box
from rich.console import Console, Group
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from counterfoil.kernel.calendar import days_between
from counterfoil.kernel.money import to_major_text
from counterfoil.kernel.rates import percent_text
from counterfoil.lending.cost import EFFECTIVE_METHOD, SIMPLE_METHOD, STATEMENT, CostSheet
from counterfoil.lending.cost_items import Words, exact_percent

_WORDS = {
    "title": Words("Cost sheet", "综合融资成本明示表"),
    "lender": Words("Lender", "放款机构"),
    "principal": Words("Principal", "本金"),
    "tenor": Words("Tenor", "期限"),
    "months": Words("months", "个月"),
    "start": Words("Starts on", "起息日"),
    "rate": Words("Rate a day", "日利率"),
    "cost": Words("Cost", "息费合计"),
    "total": Words("To pay in all", "还款总额"),
    "yearly": Words("All-in cost a year", "综合年化成本"),
    "plan": Words("Plan", "还款计划"),
    "no": Words("No", "期次"),
    "due": Words("Due", "到期日"),
    "days": Words("Days", "天数"),
    "interest": Words("Interest", "利息"),
    "fee": Words("Fee", "费用"),
    "instalment": Words("Instalment", "应还金额"),
    "balance": Words("Balance", "剩余本金"),
    "items": Words("What is charged", "正常履约时收取"),
    "contingent": Words("Only when late", "仅在逾期时收取"),
    "item": Words("Item", "项目"),
    "payee": Words("Paid to", "收取方"),
    "basis": Words("How", "收取方式"),
    "amount": Words("Amount", "金额"),
    "example": Words("Example", "示例"),
    "hash": Words("Sheet", "明示表哈希"),
}
_METHODS = {
    "level_instalment": Words("level instalments", "等额本息"),
    "level_principal": Words("level principal", "等额本金"),
    "interest_only": Words("interest first, principal last", "先息后本"),
    "bullet": Words("all at the end", "到期一次还本付息"),
    "any_time": Words("repay at any time", "随借随还"),
}


def print_sheet(sheet: CostSheet, days: Sequence[int], language: str) -> None:
    """Print a cost sheet with its plan."""
    page = _Page(sheet.currency, language)
    parts: list[Any] = [
        page.summary(sheet),
        page.plan(sheet, days),
        page.items(sheet),
        page.contingent(sheet),
        *(Text(f"• {page.pick(words)}") for words in (*sheet.notices, *sheet.risks)),
        Text(page.pick(STATEMENT), style="bold"),
        Text(f"{page.word('hash')} {sheet.sheet_hash.hex()}", style="dim"),
    ]
    Console().print(Group(*parts))


def print_convention(shape: dict[str, Any]) -> None:
    """Print the plan of a convention; nobody lends on it here, so there is no sheet."""
    page = _Page(shape["currency"], "en")
    Console().print(Group(page.convention_summary(shape), page.convention_plan(shape)))


class _Page:
    """The parts of a page in one language and currency."""

    def __init__(self, currency: str, language: str) -> None:
        self._currency = currency
        self._language = language

    def pick(self, words: Words) -> str:
        """Return a text in the page's language."""
        return words.zh if self._language == "zh" else words.en

    def word(self, name: str) -> str:
        """Return a label in the page's language."""
        return self.pick(_WORDS[name])

    def amount(self, amount_minor: int) -> str:
        """Return an amount in major units with groups of thousands."""
        whole, dot, fraction = to_major_text(amount_minor, self._currency).partition(".")
        return f"{int(whole):,}{dot}{fraction}"

    def summary(self, sheet: CostSheet) -> Panel:
        """Return the figures that matter most."""
        method = self.pick(_METHODS[sheet.method.value])
        facts = [
            (self.word("lender"), self.pick(sheet.lender)),
            (self.word("principal"), f"{self.amount(sheet.principal_minor)} {sheet.currency}"),
            (self.word("tenor"), f"{sheet.tenor_months} {self.word('months')}, {method}"),
            (self.word("start"), sheet.start_date.isoformat()),
            (self.word("rate"), f"{exact_percent(sheet.rate_daily_e8)} %"),
            (self.word("cost"), f"{self.amount(sheet.cost_minor)} {sheet.currency}"),
            (self.word("total"), f"{self.amount(sheet.total_minor)} {sheet.currency}"),
        ]
        rates = (sheet.rate_annual_effective_e8, sheet.rate_annual_simple_e8)
        title = f"{self.word('title')} · {self.pick(sheet.product)} v{sheet.product_version}"
        return self._panel(title, facts, rates)

    def convention_summary(self, shape: dict[str, Any]) -> Panel:
        """Return the figures of a plan under a convention."""
        currency = shape["currency"]
        facts = [
            (self.word("principal"), f"{self.amount(shape['principal_minor'])} {currency}"),
            ("Rate a year", f"{exact_percent(shape['rate_annual_e8'])} %"),
            (self.word("start"), shape["start_date"]),
            (self.word("cost"), f"{self.amount(shape['cost_minor'])} {currency}"),
            (self.word("total"), f"{self.amount(shape['total_minor'])} {currency}"),
        ]
        yearly = shape["annual_cost"]
        rates = (yearly["effective_e8"], yearly["simple_e8"])
        return self._panel(f"Plan under {shape['convention']}", facts, rates)

    def _panel(self, title: str, facts: list[tuple[str, str]], rates: tuple[int, int]) -> Panel:
        grid = Table.grid(padding=(0, 2))
        grid.add_column(style="dim")
        grid.add_column()
        for name, value in facts:
            grid.add_row(name, value)
        for words, rate in zip((EFFECTIVE_METHOD, SIMPLE_METHOD), rates, strict=True):
            figure = Text(f"{percent_text(rate)} %", style="bold")
            grid.add_row(self.word("yearly"), figure + Text(f"  {self.pick(words)}", style="dim"))
        return Panel(grid, title=title, title_align="left", expand=False)

    def plan(self, sheet: CostSheet, days: Sequence[int]) -> Table:
        """Return the plan of a sheet; fees have a column where there are any."""
        with_fees = any(row.fee_minor for row in sheet.rows)
        names = ["principal", "interest", *(["fee"] if with_fees else []), "instalment", "balance"]
        table = self._plan_table(names)
        for row, count in zip(sheet.rows, days, strict=True):
            fee = [row.fee_minor] if with_fees else []
            figures = [row.principal_minor, row.interest_minor, *fee, row.due_minor]
            table.add_row(
                str(row.instalment_no),
                row.due_date.isoformat(),
                str(count),
                *(self.amount(figure) for figure in (*figures, row.balance_minor)),
            )
        interest = sum(row.interest_minor for row in sheet.rows)
        fees = [sum(row.fee_minor for row in sheet.rows)] if with_fees else []
        paid = sum(row.due_minor for row in sheet.rows)
        span = days_between(sheet.start_date, sheet.rows[-1].due_date)
        self._foot(table, span, [sheet.principal_minor, interest, *fees, paid])
        return table

    def convention_plan(self, shape: dict[str, Any]) -> Table:
        """Return the plan of a convention."""
        table = self._plan_table(["principal", "interest", "instalment", "balance"])
        for row in shape["rows"]:
            keys = ("principal_minor", "interest_minor", "due_minor", "balance_minor")
            figures = [self.amount(row[key]) for key in keys]
            table.add_row(str(row["instalment_no"]), row["due_date"], str(row["days"]), *figures)
        start = date.fromisoformat(shape["start_date"])
        span = days_between(start, date.fromisoformat(shape["rows"][-1]["due_date"]))
        sums = [shape["principal_minor"], shape["cost_minor"], shape["total_minor"]]
        self._foot(table, span, sums)
        return table

    def _plan_table(self, names: Sequence[str]) -> Table:
        table = Table(title=self.word("plan"), title_justify="left", box=box.SIMPLE_HEAD)
        table.add_column(self.word("no"), justify="right")
        table.add_column(self.word("due"))
        table.add_column(self.word("days"), justify="right")
        for name in names:
            table.add_column(self.word(name), justify="right")
        return table

    def _foot(self, table: Table, span: int, figures: Sequence[int]) -> None:
        table.add_section()
        table.add_row("", "", str(span), *map(self.amount, figures), "", style="bold")

    def items(self, sheet: CostSheet) -> Table:
        """Return what is charged when all goes as agreed."""
        table = self._item_table("items", "amount")
        for item in sheet.items:
            amount = self.amount(item.amount_minor)
            table.add_row(
                self.pick(item.name), self.pick(item.payee), self.pick(item.basis), amount
            )
        return table

    def contingent(self, sheet: CostSheet) -> Table:
        """Return what is charged only when the customer is late."""
        table = self._item_table("contingent", "example")
        for item in sheet.contingent:
            texts = (item.name, item.payee, item.basis, item.example)
            table.add_row(*(self.pick(words) for words in texts))
        return table

    def _item_table(self, title: str, last: str) -> Table:
        table = Table(title=self.word(title), title_justify="left", box=box.SIMPLE_HEAD)
        for name in ("item", "payee", "basis"):
            table.add_column(self.word(name), overflow="fold")
        justify: Literal["left", "right"] = "right" if last == "amount" else "left"
        table.add_column(self.word(last), justify=justify, overflow="fold")
        return table
