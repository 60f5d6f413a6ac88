"""Every debt once, every figure with its source, and ceilings that nothing lifts."""

from dataclasses import replace
from datetime import date

import orjson
import pytest

from counterfoil.capacity.amounts import Range
from counterfoil.capacity.ceiling import CeilingsInvalidError, read_ceilings, shipped_ceilings
from counterfoil.capacity.exposure import Known, Searched, measure
from counterfoil.capacity.guard import (
    GuardInputs,
    GuardOutcome,
    GuardResult,
    Occasion,
    Proposal,
    inputs_of,
    run_guard,
)
from counterfoil.capacity.inventory import OURSELVES, Debt, DebtKind, count_once
from counterfoil.decisioning.customer_words import HOUSE_REASONS

TODAY = date(2026, 6, 30)
CEILINGS = shipped_ceilings()
INCOME = Range(1_000_000, 1_000_000)


def debt(ref: str = "b1", **changes: object) -> Debt:
    plain = Debt(
        kind=DebtKind.BUREAU,
        ref=ref,
        institution=f"bank {ref}",
        product="19",
        opened_on=date(2024, 1, 1),
        limit_minor=None,
        balance_minor=100_000,
        monthly_minor=10_000,
        is_open=True,
        is_disputed=False,
        as_of=TODAY,
    )
    return replace(plain, **changes)  # type: ignore[arg-type]


def own(**changes: object) -> Debt:
    mine = {"kind": DebtKind.OWN, "institution": OURSELVES, "limit_minor": 2_000_000}
    return debt("ln_1", **mine | changes)


def known(**changes: object) -> Known:
    plain = Known(
        bureau_as_of=TODAY,
        stated_all=False,
        stated_monthly_minor=None,
        stated_lenders_count=None,
        inquiries=(),
        income=INCOME,
        income_source="statements",
        as_of=TODAY,
    )
    return replace(plain, **changes)  # type: ignore[arg-type]


def proposal(amount: int = 1_000_000, **changes: int) -> Proposal:
    return Proposal(
        **{
            "amount_minor": amount,
            "limit_minor": 0,
            "owed_minor": 0,
            "rate_cap_annual_e8": 24_000_000,
            "months": 12,
        }
        | changes
    )


def judged(
    *debts: Debt,
    offer: Proposal | None = None,
    occasion: Occasion = Occasion.APPLICATION,
    licence: str = "consumer_finance",
    **more: object,
) -> GuardResult:
    inputs = GuardInputs(
        occasion=occasion,
        licence=licence,
        currency="CNY",
        debts=debts,
        known=known(**more),
        proposal=offer,
    )
    result = run_guard(inputs, CEILINGS)
    # Whatever is judged can be judged again from what is stored.
    again = run_guard(inputs_of(orjson.loads(orjson.dumps(inputs.document()))), CEILINGS)
    assert again.document() == result.document()
    return result


# Each debt once


def test_our_own_line_in_a_report_is_counted_from_our_books() -> None:
    reported = debt("b1", institution=OURSELVES, opened_on=date(2024, 1, 20))
    found = count_once([reported, own()], same_account_days=31)
    assert [item.ref for item in found.counted] == ["ln_1"]
    assert found.dropped == (("b1", "ln_1", "own_books"),)


def test_our_own_older_account_is_another_debt() -> None:
    older = debt("b1", institution=OURSELVES, opened_on=date(2022, 1, 1))
    assert len(count_once([own(), older], same_account_days=31).counted) == 2


def test_an_account_reported_twice_counts_once() -> None:
    twin = debt("b2", institution="bank b1")
    assert count_once([debt(), twin], same_account_days=31).dropped == (
        ("b2", "b1", "reported_twice"),
    )
    other = replace(twin, opened_on=date(2025, 1, 1))
    assert len(count_once([debt(), other], same_account_days=31).counted) == 2


def test_a_stated_debt_that_a_report_shows_is_not_counted_again() -> None:
    stated = debt("s1", kind=DebtKind.STATED, institution="Bank B1", product="",
                  opened_on=date(2024, 1, 15))  # fmt: skip
    assert count_once([stated, debt()], same_account_days=31).dropped == (
        ("s1", "b1", "stated_known"),
    )
    elsewhere = replace(stated, institution="")
    assert len(count_once([elsewhere, debt()], same_account_days=31).counted) == 2


# Figures


def test_without_a_report_what_is_owed_elsewhere_is_unknown() -> None:
    found = measure(count_once([own()], same_account_days=31), known(bureau_as_of=None), ("02",))
    assert (found["total_debt"].value, found["total_debt"].at_least) == (None, 100_000)
    assert found["own_exposure"].value == 2_000_000
    assert found["inquiries_3_months"].value is None


def test_a_disputed_account_does_not_speak_against_the_customer() -> None:
    found = measure(
        count_once([debt(), debt("b2", is_disputed=True)], same_account_days=31), known(), ("02",)
    )
    assert (found["total_debt"].value, found["total_debt"].at_least) == (None, 100_000)
    assert found["active_lenders"].value == 1


def test_lenders_news_and_searches_are_counted_back_from_the_day() -> None:
    debts = [debt("b1"), debt("b2", opened_on=date(2026, 6, 1)),
             debt("b3", opened_on=date(2026, 2, 1), balance_minor=0)]  # fmt: skip
    searched = tuple(
        Searched(on=on, organisation="x", reason_code=code)
        for on, code in [(date(2026, 6, 15), "02"), (date(2026, 5, 1), "03"),
                         (date(2026, 6, 20), "01")]
    )  # fmt: skip
    found = measure(
        count_once(debts, same_account_days=31),
        known(inquiries=searched),
        CEILINGS.inquiry_reasons,
    )
    assert found["active_lenders"].value == 2
    assert [found[f"new_lenders_{n}_months"].value for n in (1, 3, 6)] == [1, 1, 2]
    assert [found[f"inquiries_{n}_months"].value for n in (1, 3, 6)] == [1, 2, 2]


def test_what_the_customer_says_is_never_less_than_what_is_known() -> None:
    inventory = count_once([debt(monthly_minor=50_000)], same_account_days=31)
    said = measure(inventory, known(stated_monthly_minor=80_000), ("02",))["debt_monthly"]
    assert (said.value, said.sources) == (80_000, ("bureau", "stated"))
    less = measure(inventory, known(stated_monthly_minor=10_000), ("02",))["debt_monthly"]
    assert less.value == 50_000


# Ceilings


def test_seven_lenders_refuse_and_four_refer() -> None:
    few = judged(*(debt(f"b{n}") for n in range(4)), offer=proposal())
    assert (few.outcome, few.reasons) == (GuardOutcome.REFER, ("EXP_LENDERS",))
    many = judged(*(debt(f"b{n}") for n in range(7)), offer=proposal())
    assert (many.outcome, many.reasons) == (GuardOutcome.REFUSE, ("EXP_LENDERS",))
    assert many.help_is_due


def test_repayments_cap_the_offer_and_the_cap_is_named() -> None:
    found = judged(debt(monthly_minor=400_000), offer=proposal(5_000_000))
    # 70 % of 10,000 less 4,000 is 3,000 a month: twelve of them at 24 % a year repay 31,725.
    assert (found.outcome, found.cap_by, found.cap_minor) == (
        GuardOutcome.CAPPED, "dsr", 3_172_602,
    )  # fmt: skip
    assert found.reasons == ("CAP_DSR",)


def test_repayments_above_the_ceiling_refuse_whatever_is_asked() -> None:
    found = judged(debt(monthly_minor=700_001), offer=proposal(100_000))
    assert (found.outcome, found.reasons) == (GuardOutcome.REFUSE, ("CAP_DSR",))


def test_the_legal_ceiling_is_by_licence_and_counts_our_own_lines() -> None:
    line = own(limit_minor=19_500_000)
    found = judged(line, offer=proposal(), income=None)
    assert (found.cap_by, found.cap_minor, found.outcome) == (
        "legal_own", 500_000, GuardOutcome.CAPPED,
    )  # fmt: skip
    free = judged(line, offer=proposal(), income=None, licence="trust")
    assert free.cap_minor is None
    full = judged(own(limit_minor=20_000_000), offer=proposal(), income=None)
    assert (full.outcome, full.reasons) == (GuardOutcome.REFUSE, ("EXP_LEGAL",))


def test_a_higher_limit_takes_the_place_of_the_present_one() -> None:
    line = own(limit_minor=19_500_000, balance_minor=0, monthly_minor=0)
    raised = proposal(30_000_000, limit_minor=19_500_000)
    found = judged(line, offer=raised, occasion=Occasion.INCREASE, income=None)
    assert (found.cap_minor, found.outcome) == (20_000_000, GuardOutcome.CAPPED)
    capped = judged(
        line, offer=replace(raised, own_cap_minor=19_500_000), occasion=Occasion.INCREASE,
        income=None,
    )  # fmt: skip
    assert (capped.cap_by, capped.outcome) == ("own_cap", GuardOutcome.REFUSE)
    assert capped.reasons == ("OWN_CAP",)


def test_two_soft_ceilings_stop_an_increase_and_only_refer_an_application() -> None:
    debts = [debt(f"b{n}", monthly_minor=130_000) for n in range(4)]
    application = judged(*debts, offer=proposal())
    assert application.outcome is GuardOutcome.REFER
    assert application.reasons == ("CAP_DSR", "EXP_LENDERS")
    increase = judged(*debts, offer=proposal(), occasion=Occasion.INCREASE)
    assert increase.outcome is GuardOutcome.REFUSE


def test_a_drawdown_fits_below_a_ceiling_or_not() -> None:
    line = own(balance_minor=0, monthly_minor=0)
    fits = judged(line, offer=proposal(2_000_000), occasion=Occasion.DRAW)
    assert fits.outcome is GuardOutcome.CLEAR
    tight = judged(
        line, debt(monthly_minor=600_000), offer=proposal(2_000_000), occasion=Occasion.DRAW
    )
    assert (tight.outcome, tight.cap_by) == (GuardOutcome.REFUSE, "dsr")


def test_unknown_is_neither_a_refusal_nor_a_pass() -> None:
    found = judged(own(), offer=proposal(), income=None, bureau_as_of=None)
    assert found.outcome is GuardOutcome.UNKNOWN
    assert {hit.end for hit in found.hits} == {"unknown"}


def test_what_is_certain_passes_a_ceiling_even_where_the_rest_is_unknown() -> None:
    found = judged(own(monthly_minor=800_000), offer=proposal(), bureau_as_of=None)
    assert (found.outcome, found.reasons) == (GuardOutcome.REFUSE, ("CAP_DSR",))


# The document


def test_the_latest_ceiling_of_a_code_holds() -> None:
    later = CEILINGS.text + (
        '\n[[ceilings]]\ncode = "lenders"\nmeasure = "active_lenders"\nlicences = ["*"]\n'
        'from = 2026-06-01\nhard = 2\nrule = "house"\nmark = "J"\nreason = "EXP_LENDERS"\n'
    )
    ceilings = read_ceilings(later)
    assert ceilings.sha256 != CEILINGS.sha256
    [before] = [c for c in ceilings.of("bank", date(2026, 5, 31)) if c.code == "lenders"]
    [after] = [c for c in ceilings.of("bank", date(2026, 6, 1)) if c.code == "lenders"]
    assert (before.hard, after.hard) == (7, 2)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('reason = "INQ_MANY"', 'reason = "NOBODY"'),
        ("soft = 4", "soft = 8"),
        ("soft = 6\n", ""),
        ('"inquiries_3_months"', '"age"'),
    ],
)
def test_a_document_that_is_not_sound_is_refused(old: str, new: str) -> None:
    assert old in CEILINGS.text
    with pytest.raises(CeilingsInvalidError):
        read_ceilings(CEILINGS.text.replace(old, new, 1))


def test_customers_read_the_same_words_wherever_a_reason_is_told() -> None:
    told = {code: (words.zh, words.en) for code, words in CEILINGS.reasons.items()}
    assert told == {code: tuple(HOUSE_REASONS[code]) for code in told}


# Households


def in_household(others_minor: int | None, licence: str = "bank") -> GuardResult:
    mine = own(limit_minor=12_000_000, balance_minor=0)
    inputs = GuardInputs(
        occasion=Occasion.INCREASE,
        licence=licence,
        currency="CNY",
        debts=(mine,),
        known=known(income=Range(10_000_000, 10_000_000)),
        proposal=proposal(16_000_000, limit_minor=12_000_000, months=36),
        household_minor=others_minor,
    )
    stored = orjson.loads(orjson.dumps(inputs.document()))
    assert ("household_minor" in stored) == (others_minor is not None)
    result = run_guard(inputs, CEILINGS)
    assert run_guard(inputs_of(stored), CEILINGS).document() == result.document()
    return result


def test_a_household_is_added_up_where_the_rule_asks_and_marked() -> None:
    alone, together = in_household(None), in_household(6_000_000)
    assert (alone.basis, together.basis) == ("person", "household")
    assert "household_exposure" not in alone.measures
    assert together.measures["household_exposure"].value == 18_000_000
    # 200,000.00 for both: 20,000.00 are left above the 120,000.00 that the line has.
    assert (alone.cap_minor, together.cap_minor) == (16_000_000 + 4_000_000, 14_000_000)
    assert (together.cap_by, together.outcome) == ("legal_own", GuardOutcome.CAPPED)
    full = in_household(8_000_001)
    assert (full.outcome, full.hits[0].measure) == (GuardOutcome.REFUSE, "household_exposure")
    # Another licence's rule is about one person.
    assert in_household(8_000_001, "consumer_finance").outcome is not GuardOutcome.REFUSE


def test_nobody_alone_is_not_the_same_as_a_household_that_owes_nothing() -> None:
    assert (in_household(None).basis, in_household(0).basis) == ("person", "household")
