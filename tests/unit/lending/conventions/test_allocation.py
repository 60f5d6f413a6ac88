"""Worked allocations, the three orders side by side; what is paid is taken, cell by cell."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterfoil.lending.conventions.allocation import allocate
from counterfoil.lending.conventions.book import BookRow, Charge, Part
from counterfoil.lending.conventions.settings import AllocationOrder, NotCovered, Prepayment
from counterfoil.lending.conventions.terms import ChargeKind

START, FIRST, SECOND = date(2025, 5, 1), date(2025, 6, 1), date(2025, 7, 1)


def row(
    due: date, principal_minor: int, interest_minor: int = 0, *, penalty: int = 0, fee: int = 0
) -> BookRow:
    made = BookRow(
        start_date=START,
        due_date=due,
        principal_minor=principal_minor,
        interest_minor=interest_minor,
    )
    for kind, amount in ((ChargeKind.PENALTY, penalty), (ChargeKind.FEE, fee)):
        if amount:
            made.charges.append(Charge(kind=kind, due_date=due, amount_minor=amount))
    return made


def pay(
    rows: list[BookRow],
    amount_minor: int,
    on: date,
    order: AllocationOrder,
    excess: Prepayment = Prepayment.NEXT_INSTALMENT,
) -> dict[Part, int]:
    return allocate(rows, amount_minor, on=on, order=order, excess=excess).parts


def test_what_is_due_comes_first_and_the_rest_is_principal_of_the_next_row() -> None:
    rows = [row(FIRST, 60_00, 40_00, penalty=20_00, fee=15_00), row(SECOND, 60_00, 39_00)]
    parts = pay(rows, 150_00, FIRST, AllocationOrder.DUE_FIRST)
    assert parts == {
        Part.PENALTY: 20_00,
        Part.FEE: 15_00,
        Part.INTEREST: 40_00,
        Part.PRINCIPAL: 75_00,
    }
    assert rows[1].principal_paid_minor == 15_00
    assert rows[1].in_advance_minor == 15_00


def test_row_by_row_the_rest_pays_the_next_rows_interest() -> None:
    rows = [row(FIRST, 60_00, 40_00, penalty=20_00, fee=15_00), row(SECOND, 60_00, 39_00)]
    pay(rows, 150_00, FIRST, AllocationOrder.PENALTY_FEE_INTEREST_PRINCIPAL)
    assert rows[1].interest_paid_minor == 15_00


@pytest.mark.parametrize(
    ("excess", "paid"),
    [
        (Prepayment.NEXT_INSTALMENT, [100_00, 40_00, 0]),
        (Prepayment.LAST_INSTALMENT, [100_00, 0, 40_00]),
        (Prepayment.REAMORTISE, [100_00, 20_00, 20_00]),
    ],
)
def test_an_excess_goes_where_the_rule_sends_it(excess: Prepayment, paid: list[int]) -> None:
    rows = [row(FIRST, 100_00), row(SECOND, 100_00), row(date(2025, 8, 1), 100_00)]
    pay(rows, 140_00, FIRST, AllocationOrder.ADVANCED, excess)
    assert [one.paid_minor for one in rows] == paid


def test_part_of_an_instalment_is_refused_where_its_order_is_not_stated() -> None:
    with pytest.raises(NotCovered, match="interest or principal first"):
        pay([row(FIRST, 60_00, 40_00)], 50_00, FIRST, AllocationOrder.ADVANCED)


def test_a_charge_is_due_from_its_own_date_on() -> None:
    one = row(FIRST, 100_00)
    later = Charge(kind=ChargeKind.PENALTY, due_date=date(2025, 5, 20), amount_minor=10_00)
    one.charges.append(later)
    pay([one], 30_00, date(2025, 5, 19), AllocationOrder.DUE_FIRST)
    assert (one.principal_paid_minor, later.paid_minor) == (30_00, 0)
    pay([one], 30_00, date(2025, 5, 20), AllocationOrder.DUE_FIRST)
    assert (one.principal_paid_minor, later.paid_minor) == (50_00, 10_00)


def test_penalties_of_all_rows_come_before_the_oldest_interest() -> None:
    rows = [row(FIRST, 60_00, 40_00), row(SECOND, 60_00, 39_00, penalty=5_00)]
    pay(rows, 45_00, SECOND, AllocationOrder.COMMISSION_PENALTY_THEN_ROWS)
    assert (rows[0].interest_paid_minor, rows[1].paid_of(Part.PENALTY)) == (40_00, 5_00)


def test_a_line_pays_all_interest_before_any_principal() -> None:
    rows = [row(FIRST, 60_00, 40_00), row(SECOND, 60_00, 39_00)]
    pay(rows, 85_00, FIRST, AllocationOrder.INTEREST_FIRST_LINE)
    assert [one.interest_paid_minor for one in rows] == [40_00, 39_00]
    assert rows[0].principal_paid_minor == 6_00


cells = st.tuples(*[st.integers(0, 200_00)] * 4)


@given(
    st.lists(cells, min_size=1, max_size=5),
    st.lists(st.integers(1, 400_00), max_size=6),
    st.sampled_from([o for o in AllocationOrder if o is not AllocationOrder.ADVANCED]),
)
def test_allocations_sum_to_the_payment_and_no_cell_takes_more_than_it_owes(
    due: list[tuple[int, int, int, int]], payments: list[int], order: AllocationOrder
) -> None:
    rows = [
        row(date(2025, 6, 1 + number), principal, interest, penalty=penalty, fee=fee)
        for number, (principal, interest, penalty, fee) in enumerate(due)
    ]
    asked = sum(one.due_minor for one in rows)
    taken = 0
    for amount in payments:
        result = allocate(
            rows, amount, on=date(2025, 6, 30), order=order, excess=Prepayment.NEXT_INSTALMENT
        )
        assert sum(result.parts.values()) + result.left_minor == amount
        taken += amount - result.left_minor
    assert taken == min(asked, sum(payments))
    assert all(one.paid_of(part) <= one.due_of(part) for one in rows for part in Part)
