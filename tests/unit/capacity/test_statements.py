"""Statements are read from both forms alike, and what was edited is refused with its line."""

from datetime import date

import pytest
from tests.unit.capacity.paper import ACCOUNT, HEADING, HOLDER, as_camt, as_csv, lines_of

from counterfoil.capacity.category import BY_HOLDER, UNCATEGORISED, categorise
from counterfoil.capacity.statement import Statement, check_statement
from counterfoil.capacity.statement_camt import read_camt
from counterfoil.capacity.statement_csv import CsvColumns, read_csv
from counterfoil.kernel.errors import Refused, RefusedError

FIRST, LAST = date(2026, 1, 1), date(2026, 3, 31)
TODAY = date(2026, 4, 10)
LINES = lines_of(FIRST, 3)


def csv(text: str, columns: CsvColumns | None = None) -> Statement:
    return read_csv(text.encode(), columns or CsvColumns(), "CNY")


def camt(text: str) -> Statement:
    return read_camt(text.encode(), "CNY")


def judged(statement: Statement, holder: str = HOLDER) -> Refused | None:
    return check_statement(statement, holder=holder, currency="CNY", on=TODAY)


def fault(statement: Statement, holder: str = HOLDER) -> tuple[str, object]:
    refused = judged(statement, holder)
    assert refused is not None
    return refused.code, refused.detail["line"]


def unread(text: str, *, form: str = "csv") -> tuple[str, object]:
    with pytest.raises(RefusedError) as raised:
        (csv if form == "csv" else camt)(text)
    return raised.value.refused.code, raised.value.refused.detail.get("line")


def edited(text: str, line: int, old: str, new: str) -> str:
    """Return a file in which one line was changed; lines count from 1."""
    rows = text.split("\n")
    assert old in rows[line - 1], rows[line - 1]
    rows[line - 1] = rows[line - 1].replace(old, new, 1)
    return "\n".join(rows)


def test_both_forms_say_the_same() -> None:
    one, other = csv(as_csv(LINES)), camt(as_camt(LINES, (FIRST, LAST)))
    assert judged(one) is None
    assert judged(other) is None
    assert [line.amount_minor for line in one.lines] == [line.amount_minor for line in other.lines]
    assert [line.text for line in one.lines] == [line.text for line in other.lines]
    assert (one.opening_minor, one.closing_minor) == (other.opening_minor, other.closing_minor)
    assert (one.holder, one.account) == (other.holder, other.account) == (HOLDER, ACCOUNT)


def test_a_file_newest_first_and_in_gb_18030_is_read_as_well() -> None:
    head, *rows = as_csv(LINES).strip().split("\n")
    turned = "\n".join([head, *reversed(rows)]).encode("gb18030")
    statement = read_csv(turned, CsvColumns(), "CNY")
    assert judged(statement) is None
    assert statement.lines[0].date == FIRST


def test_two_columns_of_amounts_and_other_headings_are_declared() -> None:
    text = '日期,户名,账号,收入,支出,余额,摘要\n20260101,王 小明,1,"1,000.00",,1500.00,工资\n'
    text += "2026/01/02,王小明,1,,200.00,1300.00,还贷\n"
    columns = CsvColumns(
        date="日期", holder="户名", account="账号", amount="", paid_in="收入", paid_out="支出",
        balance="余额", text="摘要",
    )  # fmt: skip
    statement = csv(text, columns)
    assert [line.amount_minor for line in statement.lines] == [100_000, -20_000]
    assert judged(statement) is None


def test_another_persons_statement_is_refused() -> None:
    assert fault(csv(as_csv(LINES)), "李四") == ("statement_of_another", 2)
    assert fault(camt(as_camt(LINES, (FIRST, LAST))), "李四") == ("statement_of_another", 6)
    mixed = edited(as_csv(LINES), 5, HOLDER, "李四")
    assert unread(mixed) == ("statement_of_another", 5)


def test_an_edited_amount_breaks_the_chain_at_its_line() -> None:
    changed = edited(as_csv(LINES), 6, "10000.00", "20000.00")
    assert fault(csv(changed)) == ("statement_balances_broken", 6)
    camt_changed = edited(as_camt(LINES, (FIRST, LAST)), 10, "10000.00", "20000.00")
    assert fault(camt(camt_changed)) == ("statement_balances_broken", 8)


def test_a_line_taken_out_breaks_the_chain_at_the_next() -> None:
    rows = as_csv(LINES).split("\n")
    assert fault(csv("\n".join(rows[:4] + rows[5:]))) == ("statement_balances_broken", 5)


def test_dates_out_of_order_outside_the_span_or_to_come_are_refused() -> None:
    # Two swapped days: each balance still follows, but time goes back.
    back = edited(as_csv(LINES), 4, "2026-01-15", "2026-02-15")
    assert fault(csv(back)) == ("statement_dates_disordered", 5)
    outside = as_camt(LINES, (FIRST, date(2026, 3, 15)))
    assert fault(camt(outside)) == ("statement_dates_disordered", 21)
    to_come = check_statement(
        csv(as_csv(LINES)), holder=HOLDER, currency="CNY", on=date(2026, 3, 1)
    )
    assert to_come is not None
    assert to_come.code == "statement_dates_disordered"


def test_totals_that_do_not_add_up_are_refused() -> None:
    changed = edited(as_camt(LINES, (FIRST, LAST)), 9, "<Sum>30000.00", "<Sum>40000.00")
    assert fault(camt(changed)) == ("statement_totals_differ", 9)


def test_a_line_that_stands_twice_is_refused() -> None:
    rows = as_camt(LINES, (FIRST, LAST)).split("\n")
    twice = "\n".join([*rows[:12], rows[11], *rows[12:]])
    assert fault(camt(twice)) == ("statement_duplicate", 13)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", 1),
        (HEADING, 1),
        ("date,holder\n", 1),
        (f"{HEADING}\n2026-01-01,{HOLDER},1,ten,1,x,y\n", 2),
        (f"{HEADING}\n2026-13-01,{HOLDER},1,1,1,x,y\n", 2),
        (f"{HEADING}\n2026-01-01,{HOLDER}\n", 2),
        (f"{HEADING}\n2026-01-01,{HOLDER},1,1,1,x,y\n2026-01-02,{HOLDER},2,1,2,x,y\n", 3),
        (f'{HEADING}\n2026-01-01,"{HOLDER},1,1,1,x,y\n', 2),
        (f"{HEADING}\n2026-01-01,{HOLDER},1,{'9' * 30},1,x,y\n", 2),
        (f"{HEADING}\n2026-01-01,{HOLDER},1,0.001,1,x,y\n", 2),
    ],
)
def test_what_is_no_csv_like_that_names_its_line(text: str, line: int) -> None:
    code, number = unread(text)
    assert code == "statement_unreadable"
    assert number in {line, line + 1}


def test_xml_that_could_fetch_or_repeat_something_is_refused() -> None:
    whole = as_camt(LINES, (FIRST, LAST))
    bomb = whole.replace(
        "<Document", '<!DOCTYPE d [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]>\n<Document', 1
    )
    assert unread(bomb, form="camt") == ("statement_unreadable", 2)
    outside = whole.replace("<Document", '<?xml-stylesheet href="http://x/"?>\n<Document', 1)
    assert unread(outside, form="camt") == ("statement_unreadable", 2)
    assert unread("<Document/>", form="camt") == ("statement_unreadable", 1)
    deep = '<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.02">' + "<a>" * 50
    assert unread(deep, form="camt")[0] == "statement_too_large"
    assert unread(whole[:-20], form="camt")[0] == "statement_unreadable"


def test_what_is_too_large_is_not_read() -> None:
    assert unread("x" * (4 * 1024 * 1024 + 1))[0] == "statement_too_large"


def test_every_line_has_a_category_and_why() -> None:
    text = as_csv(LINES)
    found = categorise(csv(text))
    first = [(item.category, item.because) for item in found[:4]]
    assert first == [
        ("salary", "工资"), ("loan_repayment", "贷款还款"), ("living", "超市"),
        (UNCATEGORISED, ""),
    ]  # fmt: skip
    own = categorise(csv(edited(text, 5, "某人", HOLDER)))
    assert (own[3].category, own[3].because) == ("own_transfer", BY_HOLDER)


def test_latin_words_are_whole_words_and_loans_are_no_income() -> None:
    text = (
        f"{HEADING}\n2026-01-01,{HOLDER},1,-5.00,95.00,coffee on current street,\n"
        f"2026-01-02,{HOLDER},1,100.00,195.00,Loan disbursement salary advance,\n"
    )
    assert [item.category for item in categorise(csv(text))] == [UNCATEGORISED, "loan_paid_out"]
