"""Quotes: the token speaks for one drawdown on one day, and nobody else can make one."""

import base64
import hmac
import itertools
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterfoil.kernel.errors import Refused
from counterfoil.kernel.ids import IdSource
from counterfoil.lending.account import Setting
from counterfoil.lending.catalogue import load_catalogue
from counterfoil.lending.commands import Draw
from counterfoil.lending.line import Line
from counterfoil.lending.loan import disburse, plan
from counterfoil.lending.quote import (
    Note,
    Priced,
    Quote,
    QuoteClaims,
    agreement_of,
    matches,
    open_quote,
    price_drawdown,
    quote_drawdown,
    quote_payoff,
    sign_quote,
)
from counterfoil.lending.terms import Method

KEY = bytes(range(32))
ON = date(2026, 3, 1)
TERMS = load_catalogue().terms("cash-line-open", 1)
CLAIMS = QuoteClaims(
    customer_id=2**62 + 1,
    line_id=2**62 + 2,
    amount_minor=1_200_000,
    currency="CNY",
    tenor_months=12,
    method=Method.LEVEL_INSTALMENT,
    rate_daily_e8=35_000,
    repayment_day=15,
    product_code="cash-line-open",
    product_version=1,
    contract_id=2**62 + 3,
    note_ref="loan-note/1/zh",
    business_date=ON,
    sheet_hash=bytes(range(32)),
    note_hash=bytes(range(1, 33)),
    shown_ms=1_772_323_200_000,
    reading_ms=5_000,
)


def a_line() -> Line:
    return Line(
        customer_id=CLAIMS.customer_id,
        line_id=CLAIMS.line_id,
        application_id=9,
        product_code=TERMS.code,
        product_version=TERMS.version,
        lender_id=TERMS.lender_id,
        currency="CNY",
        status="active",
        limit_minor=2_000_000,
        rate_daily_e8=35_000,
        repayment_day=15,
        opened_on=date(2026, 1, 1),
        valid_to=date(2027, 1, 1),
        contract_id=CLAIMS.contract_id,
        agreement_sha256=bytes(32),
    )


def a_note(_: Priced) -> Note:
    return Note(CLAIMS.note_ref, "A note.", CLAIMS.note_hash)


DRAW = Draw(
    customer_id=CLAIMS.customer_id,
    line_id=CLAIMS.line_id,
    amount_minor=1_200_000,
    currency="CNY",
    tenor_months=12,
    method=Method.LEVEL_INSTALMENT,
    purpose="travel",
    payee_ref="",
    cost_sheet_hash=b"",
)


def setting(on: date = ON) -> Setting:
    ticks = itertools.count(1_800_000_000_000)
    return Setting(TERMS, on, datetime(2026, 3, 1, tzinfo=UTC), IdSource(lambda: next(ticks), 0))


def quoted(command: Draw = DRAW, on: date = ON) -> Quote:
    outcome = quote_drawdown(a_line(), command, setting(on), key=KEY, write_note=a_note)
    assert isinstance(outcome, Quote)
    return outcome


# --------------------------------------------------------------------------------------- token


def test_a_token_opens_to_the_claims_it_was_signed_with() -> None:
    assert open_quote(KEY, sign_quote(KEY, CLAIMS)) == CLAIMS


CLAIMED = st.builds(
    QuoteClaims,
    customer_id=st.integers(1, 2**63 - 1),
    line_id=st.integers(1, 2**63 - 1),
    amount_minor=st.integers(1, 10**13),
    currency=st.sampled_from(["CNY", "TWD", "JPY"]),
    tenor_months=st.integers(1, 60),
    method=st.sampled_from(list(Method)),
    rate_daily_e8=st.integers(0, 100_000_000),
    repayment_day=st.integers(1, 28),
    product_code=st.from_regex(r"[a-z][a-z0-9]{0,20}(-[a-z0-9]{1,9}){0,2}", fullmatch=True),
    product_version=st.integers(1, 9_999),
    contract_id=st.integers(1, 2**63 - 1),
    note_ref=st.from_regex(r"[a-z][a-z0-9-]{0,39}/[1-9][0-9]{0,3}/(zh|en)", fullmatch=True),
    business_date=st.dates(date(2020, 1, 1), date(2100, 1, 1)),
    sheet_hash=st.binary(min_size=32, max_size=32),
    note_hash=st.binary(min_size=32, max_size=32),
    shown_ms=st.integers(0, 2**43),
    reading_ms=st.integers(0, 600_000),
)


@given(CLAIMED)
def test_any_claims_survive_the_token(claims: QuoteClaims) -> None:
    token = sign_quote(KEY, claims)
    assert open_quote(KEY, token) == claims
    assert open_quote(bytes(32), token) is None
    assert token.startswith("q2.")
    assert token.isascii()


@given(st.integers(0, 10_000), st.sampled_from("AaBb01-_.=é "))
def test_a_token_with_another_sign_anywhere_is_not_opened(place: int, sign: str) -> None:
    token = sign_quote(KEY, CLAIMS)
    place %= len(token)
    changed = token[:place] + sign + token[place + 1 :]
    assert changed == token or open_quote(KEY, changed) is None


@pytest.mark.parametrize(
    "spoil",
    [
        lambda _: "",
        lambda _: ".",
        lambda _: "q2..",
        lambda token: token[:-1],
        lambda token: token + "A",
        lambda token: token + "=",
        lambda token: " " + token,
        lambda token: token + "\n",
        lambda token: token.replace("q2.", "q1."),
        lambda token: token.replace("q2.", ""),
        lambda token: token.rpartition(".")[0] + ".",
        lambda token: token + "." + token,
        lambda _: "q2." + "A" * 100_000 + ".A",
        lambda _: "q2." + "é" * 20 + ".é",
    ],
)
def test_what_is_not_a_token_is_not_opened(spoil: Callable[[str], str]) -> None:
    assert open_quote(KEY, spoil(sign_quote(KEY, CLAIMS))) is None


def test_the_signature_is_hmac_sha_256_over_prefix_and_payload() -> None:
    signed, _, signature = sign_quote(KEY, CLAIMS).rpartition(".")
    digest = hmac.new(KEY, signed.encode(), "sha256").digest()
    assert signature == base64.urlsafe_b64encode(digest).decode().rstrip("=")


@pytest.mark.parametrize("payload", [b"", b"1:2:3", b"\xff\xfe", b":" * 11, b"x:" * 11 + b"x"])
def test_a_payload_that_is_no_quote_opens_to_nothing_even_if_signed(payload: bytes) -> None:
    signed = "q2." + base64.urlsafe_b64encode(payload).decode().rstrip("=")
    digest = hmac.digest(KEY, signed.encode(), "sha256")
    token = f"{signed}.{base64.urlsafe_b64encode(digest).decode().rstrip('=')}"
    assert open_quote(KEY, token) is None


def test_a_short_key_signs_nothing() -> None:
    with pytest.raises(AssertionError):
        sign_quote(b"short", CLAIMS)


@pytest.mark.parametrize(
    "other",
    [
        replace(DRAW, customer_id=1),
        replace(DRAW, line_id=1),
        replace(DRAW, amount_minor=1_200_100),
        replace(DRAW, currency="TWD"),
        replace(DRAW, tenor_months=9),
        replace(DRAW, method=Method.BULLET),
    ],
)
def test_a_token_does_not_match_another_drawdown(other: Draw) -> None:
    assert matches(CLAIMS, DRAW) is None
    refused = matches(CLAIMS, other)
    assert refused is not None
    assert refused.code == "quote_invalid"


def test_the_agreement_is_price_day_version_date_contract_note_and_reading() -> None:
    assert tuple(agreement_of(CLAIMS)) == (
        *(35_000, 15, 1, ON, CLAIMS.contract_id),
        *("loan-note/1/zh", CLAIMS.note_hash, CLAIMS.shown_ms, CLAIMS.reading_ms),
    )


# --------------------------------------------------------------------------------------- quote


def test_a_quote_has_the_plan_the_sheet_and_a_token_for_both() -> None:
    quote = quoted()
    claims = open_quote(KEY, quote.token)
    assert claims is not None
    assert claims.sheet_hash == quote.sheet.sheet_hash
    assert claims._replace(sheet_hash=CLAIMS.sheet_hash) == CLAIMS
    assert matches(claims, DRAW) is None
    assert [row.due_date for row in quote.rows] == [row.due_date for row in quote.sheet.rows]
    assert sum(row.principal_minor for row in quote.rows) == 1_200_000
    document = quote.document()
    assert document["cost_sheet_hash"] == quote.sheet.sheet_hash.hex()
    assert document["cost_sheet"] == quote.sheet.document()
    assert document["valid_on"] == "2026-03-01"


def test_the_same_question_has_the_same_answer_and_another_day_another_one() -> None:
    assert quoted() == quoted()
    assert quoted(on=date(2026, 3, 2)).token != quoted().token


def test_a_quote_changes_nothing() -> None:
    line = a_line()
    quote_drawdown(line, DRAW, setting(), key=KEY, write_note=a_note)
    assert line == a_line()


def test_a_quote_is_a_trial_whatever_the_line_allows_at_the_moment() -> None:
    line = replace(a_line(), status="frozen", principal_minor=1_999_999)
    assert isinstance(quote_drawdown(line, DRAW, setting(), key=KEY, write_note=a_note), Quote)


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        (replace(DRAW, amount_minor=0), "amount_not_positive"),
        (replace(DRAW, amount_minor=-100), "amount_not_positive"),
        (replace(DRAW, amount_minor=10**14), "amount_too_large"),
        (replace(DRAW, amount_minor=9_900), "amount_below_minimum"),
        (replace(DRAW, amount_minor=20_000_100), "amount_above_maximum"),
        (replace(DRAW, amount_minor=1_200_001), "amount_off_step"),
        (replace(DRAW, currency="TWD"), "currency_mismatch"),
        (replace(DRAW, tenor_months=5), "tenor_not_offered"),
        (replace(DRAW, purpose="securities"), "purpose_banned"),
    ],
)
def test_what_the_product_does_not_lend_is_refused(asked: Draw, code: str) -> None:
    refused = quote_drawdown(a_line(), asked, setting(), key=KEY, write_note=a_note)
    assert isinstance(refused, Refused)
    assert refused.code == code


def test_a_price_above_the_cap_has_no_quote() -> None:
    dear = replace(a_line(), rate_daily_e8=65_000)
    refused = quote_drawdown(dear, DRAW, setting(), key=KEY, write_note=a_note)
    assert isinstance(refused, Refused)
    assert refused.code == "cost_above_cap"


# -------------------------------------------------------------------------------------- payoff


def test_a_payoff_on_the_first_day_is_the_principal_alone() -> None:
    priced = price_drawdown(a_line(), DRAW, setting())
    assert not isinstance(priced, Refused)
    payoff = quote_payoff(priced.loan, ON)
    assert (payoff.principal_minor, payoff.interest_minor) == (1_200_000, 0)
    assert payoff.interest_saved_minor == sum(row.interest_minor for row in priced.rows)


def test_a_payoff_has_no_interest_after_its_day() -> None:
    priced = price_drawdown(a_line(), DRAW, setting())
    assert not isinstance(priced, Refused)
    payoff = quote_payoff(priced.loan, ON + timedelta(days=10))
    # 12,000.00 at 0.035 % a day for ten days.
    assert (payoff.interest_minor, payoff.penalty_minor) == (4_200, 0)
    assert payoff.amount_minor == 1_204_200
    assert payoff.document()["on"] == "2026-03-11"
    assert priced.loan.accrued_interest_e8 == 0


def test_a_late_payoff_has_the_surcharge_and_saves_nothing_more() -> None:
    bullet = replace(DRAW, method=Method.BULLET, tenor_months=3)
    priced = price_drawdown(a_line(), bullet, setting())
    assert not isinstance(priced, Refused)
    due = plan(priced.loan)[0].due_date
    payoff = quote_payoff(priced.loan, due + timedelta(days=20))
    days = (due - ON).days + 20
    assert payoff.interest_minor == 1_200_000 * 35 * days // 100_000
    assert payoff.penalty_minor == 1_200_000 * 175 * 20 // 1_000_000
    assert payoff.interest_saved_minor == 0


def test_a_pending_loan_has_no_payoff() -> None:
    priced = price_drawdown(a_line(), DRAW, setting())
    assert not isinstance(priced, Refused)
    pending = replace(priced.loan, status="pending", dues=[])
    with pytest.raises(AssertionError):
        quote_payoff(pending, ON)
    disburse(pending, ON, TERMS)
    assert quote_payoff(pending, ON).principal_minor == 1_200_000
