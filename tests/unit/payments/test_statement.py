"""The statement file: written by the simulated bank, read by payments, refused when damaged."""

import hashlib
from datetime import date, timedelta

import pytest

from counterfoil.payments.statement import InvalidStatementError, LineKind, read_statement
from counterfoil.simulator.bank.bank import Bank, Order
from counterfoil.simulator.bank.faults import Fault, FaultPlan
from counterfoil.simulator.bank.receipts import ReceiptFault
from counterfoil.simulator.bank.statement_file import write_statement

DAY = date(2026, 3, 1)


def make_text(*faults: Fault, day: date = DAY, count: int = 3) -> str:
    bank = Bank(plan=FaultPlan(upcoming=list(faults)))
    for number in range(count):
        order = Order(
            reference=f"pm_{number:013d}",
            amount_minor=100 + number,
            currency="CNY",
            payee="pa",
            requested_on=DAY,
        )
        bank.order(order)
    write_statement(bank, DAY)
    return write_statement(bank, day)


def test_what_the_bank_writes_is_what_we_read() -> None:
    statement = read_statement(make_text(), business_date=DAY)
    assert [(line.reference, line.kind, line.amount_minor) for line in statement.lines] == [
        ("pm_0000000000000", LineKind.PAID, 100),
        ("pm_0000000000001", LineKind.PAID, 101),
        ("pm_0000000000002", LineKind.PAID, 102),
    ]
    assert {line.value_date for line in statement.lines} == {DAY}
    assert {line.currency for line in statement.lines} == {"CNY"}


def test_a_day_without_movements_is_a_statement_too() -> None:
    assert read_statement(make_text(count=0), business_date=DAY).lines == []


def test_a_returned_payout_is_a_line_of_the_next_day() -> None:
    later = DAY + timedelta(days=1)
    text = make_text(Fault.LATE_REVERSAL, day=later)
    (line,) = read_statement(text, business_date=later).lines
    assert (line.kind, line.amount_minor, line.value_date) == (LineKind.RETURNED, 100, later)


def test_a_refused_payout_is_on_no_statement() -> None:
    assert len(read_statement(make_text(Fault.REFUSES), business_date=DAY).lines) == 2


def test_every_cut_and_every_changed_character_is_noticed() -> None:
    text = make_text()
    for length in range(len(text) - 1):
        with pytest.raises(InvalidStatementError):
            read_statement(text[:length], business_date=DAY)
    for position in range(len(text) - 1):
        changed = text[:position] + ("7" if text[position] != "7" else "8") + text[position + 1 :]
        with pytest.raises(InvalidStatementError):
            read_statement(changed, business_date=DAY)


@pytest.mark.parametrize(
    "row",
    [
        "pm_1,paid,0,CNY,2026-03-01,B1",
        "pm_1,paid,-5,CNY,2026-03-01,B1",
        "pm_1,paid,1.5,CNY,2026-03-01,B1",
        "pm_1,paid,5,cny,2026-03-01,B1",
        "pm_1,paid,5,CNY,2026-02-30,B1",
        "pm_1,lost,5,CNY,2026-03-01,B1",
        ",paid,5,CNY,2026-03-01,B1",
        "pm_1,paid,5,CNY,2026-03-01,",
        "pm_1,paid,5,CNY,2026-03-01",
    ],
)
def test_a_well_sealed_file_with_a_senseless_line_is_refused(row: str) -> None:
    body = f"reference,kind,amount_minor,currency,value_date,rail_reference\n{row}\n"
    text = f"{body}#end,1,{hashlib.sha256(body.encode()).hexdigest()}\n"
    with pytest.raises(InvalidStatementError, match="line 1"):
        read_statement(text, business_date=DAY)


def test_accounts_and_payers_are_read_where_a_rail_says_them() -> None:
    """Of a name no more than its digest goes on; a line of money taken back names what it was."""
    bank = Bank()
    sent = {"account": "6200 01", "payer_name": "Wang Min", "fault": ReceiptFault.RECALLED}
    bank.receive("hello world", 500, "CNY", on=DAY, **sent)  # type: ignore[arg-type]
    names: list[str] = []

    def digest_of(name: str) -> bytes:
        names.append(name)
        return b"digest"

    text = write_statement(bank, DAY)
    [line] = read_statement(text, business_date=DAY, digest_of=digest_of).lines
    assert (line.reference, line.account, line.payer_digest) == ("-", "620001", b"digest")
    assert names == ["Wang Min"]
    [unread] = read_statement(text, business_date=DAY).lines
    assert unread.payer_digest is None
    after = DAY + timedelta(days=1)
    [recall] = read_statement(write_statement(bank, after), business_date=after).lines
    assert (recall.kind, recall.reference) == (LineKind.RECALLED, line.rail_reference)
    assert (recall.amount_minor, recall.account, recall.payer_digest) == (500, "620001", None)
