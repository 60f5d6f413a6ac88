"""Loan cases with known figures from other systems: what passes, and that nothing passes unread."""

import json
from collections.abc import Iterator
from copy import deepcopy
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from counterfoil.lending.conventions.settings import NotCovered
from counterfoil.simulator.golden.case_file import Case, UnreadableCaseFile, read_cases
from counterfoil.simulator.golden.figures import asserted, compare
from counterfoil.simulator.golden.runner import Result, family_of, run, run_case

CASES = read_cases(Path(__file__).with_name("cases.json"))
BY_ID = {case.id: case for case in CASES}


def is_question(path: tuple[Any, ...]) -> bool:
    """Say whether a scalar is what a case asks about, rather than a figure it asserts."""
    if path[-1] == "nr":
        return bool({"rows_rounded_to_unit", "after_3", "after"} & set(path))
    return path[-1] in {"for_due_date", "on"} or (
        path[-1] == "paid" and str(path[0]).startswith("base_remaining_")
    )


def leaves(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], Any]]:
    """Yield every scalar of a JSON value with its path."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from leaves(inner, (*path, key))
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from leaves(inner, (*path, number))
    else:
        yield path, value


def changed(value: Any, path: tuple[Any, ...], other: Any) -> Any:
    """Return a copy of a JSON value with one scalar replaced."""
    copied = deepcopy(value)
    inner = copied
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] = other
    return copied


def is_amount(value: Any) -> bool:
    """Say whether a scalar is an amount: a decimal in a string."""
    return isinstance(value, str) and value.replace(".", "", 1).replace("-", "", 1).isdigit()


def one_cent_more(value: str) -> str:
    """Return an amount one unit of its last place higher."""
    exact = Decimal(value)
    return str(exact + Decimal(1).scaleb(int(exact.as_tuple().exponent)))


def with_expected(case: Case, expected: Any) -> Case:
    """Return the case with other expectations."""
    return Case(id=case.id, inputs=case.inputs, expected=expected, conventions=case.conventions)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_the_figures_of_another_system_come_out(case: Case) -> None:
    outcome = run_case(case)
    assert outcome.result is Result.PASSED, outcome.reason
    assert outcome.compared


def test_every_case_passes() -> None:
    assert {outcome.result for outcome in run(CASES)} == {Result.PASSED}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_one_cent_more_in_any_asserted_amount_is_noticed(case: Case) -> None:
    actual = family_of(case)(case)
    noticed = 0
    for path, value in leaves(case.expected):
        if not is_amount(value) or path[-1] == "glaccountcode" or is_question(path):
            continue
        altered = changed(case.expected, path, one_cent_more(value))
        assert any(not one.agrees for one in compare(altered, actual)), path
        noticed += 1
    assert noticed or not any(is_amount(value) for _, value in leaves(case.expected))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_every_asserted_figure_is_compared(case: Case) -> None:
    compared = list(compare(case.expected, family_of(case)(case)))
    figures = [value for _, value in asserted(case.expected) if value != "..."]
    questions = sum(is_question(path) for path, _ in leaves(case.expected))
    assert len(compared) == len(figures) - questions


@pytest.mark.parametrize("identifier", ["FIN-EMI-01", "FIN-RCL-08", "FRP-SCH-03", "COL-02"])
def test_a_case_with_one_cent_altered_turns_to_failed(identifier: str) -> None:
    case = BY_ID[identifier]
    path, value = [one for one in leaves(case.expected) if is_amount(one[1])][-1]
    altered = with_expected(case, changed(case.expected, path, one_cent_more(value)))
    outcome = run_case(altered)
    assert outcome.result is Result.FAILED
    assert [one for one in outcome.compared if not one.agrees]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_expected_figures_never_reach_the_engine(case: Case) -> None:
    """Other expectations of the same shape leave every computed figure as it was."""
    expected: Any = deepcopy(dict(case.expected))
    for path, value in leaves(case.expected):
        if is_amount(value) and not is_question(path):
            expected = changed(expected, path, one_cent_more(value))
    before, after = run_case(case), run_case(with_expected(case, expected))
    assert [one.actual for one in before.compared] == [one.actual for one in after.compared]


@pytest.mark.parametrize(
    ("identifier", "inputs", "named"),
    [
        ("FIN-EMI-04", {"rounding_mode": "UP"}, "rounding_mode"),
        ("FIN-EMI-04", {"day_count": "business/252"}, "business/252"),
        ("FIN-EMI-04", {"frequency": "1 FORTNIGHTS"}, "FORTNIGHTS"),
        ("FIN-EMI-04", {"amortization": "BALLOON"}, "BALLOON"),
        ("FIN-EMI-04", {"annual_rate": "twelve"}, "twelve"),
        ("FIN-SCH-03", {"product": "LP1_INTEREST_CAPITALIZED"}, "CAPITALIZED"),
        ("FIN-SCH-03", {"interest_calculation": "HOURLY"}, "HOURLY"),
        (
            "FIN-RCL-02",
            {"product": "LP1_DAILY_RECALCULATION_COMPOUNDING_DAILY"},
            "overdue interest",
        ),
        ("FIN-SCH-03", {"product": "LP1_COMPOUNDING_MONTHLY"}, "overdue interest"),
        ("FIN-RCL-01", {"frequency": "2 MONTHS"}, "overdue interest"),
        ("OCB-PREPAY-02", {"as_of": "2006-02-15"}, "no due date"),
        ("OCB-PREPAY-02", {"schedule": "interest 30 in the first"}, "schedule"),
        ("FIN-EMI-04", {"principal": "-100.00"}, "less than nothing"),
        ("FIN-EMI-04", {"annual_rate": "-12"}, "annual_rate = -12"),
        ("FIN-EMI-04", {"principal": "1e4"}, "no number"),
        ("FIN-EMI-04", {"periods": "６"}, "no number"),
        ("FIN-EMI-04", {"events": {"type": "disbursement"}}, "no list"),
        ("FIN-SCH-03", {"day_count": "actual/360"}, "contradicts"),
        ("FIN-SCH-08", {"annual_rate": "5"}, "contradicts"),
        ("FRP-SCH-01", {"frequency": "2 MONTHS"}, "monthly"),
        ("FRP-SCH-01", {"moratorium_months": 2}, "moratorium_months"),
        ("OCB-SCH-02", {"rounding": "tens"}, "tens"),
    ],
)
def test_an_input_that_is_not_understood_makes_the_case_unsupported(
    identifier: str, inputs: dict[str, Any], named: str
) -> None:
    case = BY_ID[identifier]
    altered = Case(
        id=case.id,
        inputs={**case.inputs, **inputs},
        expected=case.expected,
        conventions=case.conventions,
    )
    outcome = run_case(altered)
    assert outcome.result is Result.UNSUPPORTED
    assert named in outcome.reason


def test_an_unknown_event_or_event_key_makes_the_case_unsupported() -> None:
    case = BY_ID["FIN-EMI-04"]
    for extra, named in (
        ({"date": "2024-02-01", "type": "moratorium"}, "moratorium"),
        ({"date": "2024-02-01", "type": "repayment", "amount": "1", "memo": "x"}, "memo"),
        ("not an event", "holds no object"),
    ):
        inputs = {**case.inputs, "events": [*case.inputs["events"], extra]}
        altered = Case(id="x", inputs=inputs, expected=case.expected, conventions=case.conventions)
        outcome = run_case(altered)
        assert (outcome.result, named in outcome.reason) == (Result.UNSUPPORTED, True)


def test_an_asserted_figure_that_is_not_given_makes_the_case_unsupported() -> None:
    case = BY_ID["FIN-EMI-04"]
    expected = {**case.expected, "effective_rate": "12.68"}
    outcome = run_case(with_expected(case, expected))
    assert (outcome.result, "effective_rate" in outcome.reason) == (Result.UNSUPPORTED, True)


def test_a_case_that_asserts_nothing_does_not_pass() -> None:
    outcome = run_case(with_expected(BY_ID["FRP-SCH-05"], {}))
    assert outcome.result is Result.UNSUPPORTED


def test_a_row_too_many_is_a_difference() -> None:
    case = BY_ID["FIN-EMI-04"]
    expected: Any = deepcopy(dict(case.expected))
    expected["checkpoints"][0]["schedule"].pop()
    assert run_case(with_expected(case, expected)).result is Result.FAILED


def test_conventions_nobody_knows_are_named() -> None:
    case = BY_ID["FIN-EMI-04"]
    other = Case(id="x", inputs=case.inputs, expected=case.expected, conventions=["klingon"])
    with pytest.raises(NotCovered, match="klingon"):
        family_of(other)


def test_amounts_are_shared_among_funders_by_category() -> None:
    """Own arithmetic; the named residual funder is the first."""
    case = Case(
        id="own-split",
        conventions=["co_lending"],
        inputs={
            "weights": ["0.55", "0.30", "0.15"],
            "residual_funder": 1,
            "amounts": {
                "principal": "129.47",
                "interest": "7.85",
                "fee": "0.28",
                "penalty": "0.53",
            },
        },
        expected={
            "shares": {"fee": ["0.16", "0.08", "0.04"], "interest": ["4.32", "2.35", "1.18"]},
            "totals": ["75.98", "41.43", "20.72"],
        },
    )
    assert run_case(case).result is Result.PASSED


#: Own arithmetic: conventions, inputs and figures.
OWN: dict[str, tuple[str, dict[str, Any], dict[str, Any]]] = {
    "one row with a first period of its own length": (
        "frappe_lending",
        {
            "principal": "36500",
            "annual_rate": "10",
            "day_count": "actual/365",
            "start_date": "2025-01-05",
            "first_due": "2025-02-20",
            "periods": 1,
        },
        {"schedule": [{"nr": 1, "date": "2025-02-20", "principal": "36500", "interest": "460"}]},
    ),
    "a fee for early repayment of half a percent": (
        "opencbs",
        {
            "principal": "600.00",
            "rate_per_period": "1% flat",
            "periods": 4,
            "grace_on_principal_periods": 1,
            "start_date": "2025-01-06",
            "frequency": "1 MONTHS",
            "early_repayment_fee": "0.5%",
            "as_of": "2025-02-06",
        },
        {
            "base_remaining_balance": {"paid": "100.00", "fee": "3.00", "left": "97.00"},
            "base_remaining_interest": {"paid": "100.00", "fee": "0.09", "left": "99.91"},
        },
    ),
    "a fixed amount runs until the loan is cleared": (
        "frappe_lending",
        {
            "principal": "1000",
            "annual_rate": "0",
            "start_date": "2025-01-05",
            "fixed_amount": "300",
        },
        {"rows": 4, "total_payment": "1000.00"},
    ),
    "a blended rate from two lists": (
        "arithmetic",
        {"shares": ["0.7", "0.3"], "rates": ["9", "15"]},
        {"blended_rate": "10.8"},
    ),
    "a blended rate from pairs, the last share being the rest": (
        "arithmetic",
        {"bank_share": "0.7", "bank_rate": "9", "servicer_rate": "15"},
        {"blended_rate": "10.80"},
    ),
    "flat interest with a first row free of principal": (
        "opencbs",
        {
            "principal": "900.00",
            "rate_per_period": "2% flat",
            "periods": 4,
            "grace_on_principal_periods": 1,
            "start_date": "2025-01-06",
            "frequency": "1 MONTHS",
        },
        {
            "schedule": [
                {"date": "2025-02-06", "principal": "0.00", "interest": "18.00"},
                {"date": "2025-03-06", "principal": "300.00", "interest": "18.00"},
                {"date": "2025-04-07", "principal": "300.00", "interest": "18.00"},
                {"date": "2025-05-06", "principal": "300.00", "interest": "18.00"},
            ]
        },
    ),
}


@pytest.mark.parametrize("title", OWN)
def test_own_cases_come_out(title: str) -> None:
    conventions, inputs, expected = OWN[title]
    case = Case(id=title, inputs=inputs, expected=expected, conventions=[conventions])
    outcome = run_case(case)
    assert outcome.result is Result.PASSED, outcome.reason


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        '{"cases": []}',
        '{"cases": [1]}',
        '{"cases": [{"id": "a"}]}',
        '{"cases": [{"inputs": {}, "expected": {}}]}',
        '{"cases": [{"id": "a", "inputs": {}, "expected": {}, "conventions": "x"}]}',
        "[" * 100_000,
        "9" * 5_000,
        '{"cases": [{"id": "\\ud800", "inputs": {}, "expected": {}}]}',
    ],
)
def test_a_file_without_cases_is_unreadable(tmp_path: Path, text: str) -> None:
    path = tmp_path / "cases.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UnreadableCaseFile, match=r"cases\.json"):
        read_cases(path)


def test_the_case_file_names_the_source_and_licence_of_every_case() -> None:
    document = json.loads(Path(__file__).with_name("cases.json").read_text(encoding="utf-8"))
    assert all(entry["source"]["licence"] for entry in document["cases"])
    assert all(
        entry["source"].get("repo") or entry["source"]["path"] for entry in document["cases"]
    )
