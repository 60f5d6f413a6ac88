"""Forms: what is understood, and from where a post is taken."""

from datetime import date
from urllib.parse import urlencode

import pytest

from counterfoil.platform.web import forms
from counterfoil.platform.web.forms import FormReader

SECRET = bytes(range(32))


def test_a_token_looks_different_each_time_and_is_known_each_time() -> None:
    tokens = {forms.masked_token(SECRET, bytes([mask]) * 32) for mask in range(8)}
    assert len(tokens) == 8
    assert all(forms.is_token_valid(SECRET, token) for token in tokens)


def test_a_token_of_another_session_is_refused() -> None:
    token = forms.masked_token(bytes(32), b"m" * 32)
    assert not forms.is_token_valid(SECRET, token)


@pytest.mark.parametrize("token", ["", "a", "!" * 88, "AAAA", "A" * 88, "é" * 88])
def test_nonsense_is_no_token(token: str) -> None:
    assert not forms.is_token_valid(SECRET, token)


@pytest.mark.parametrize(
    ("headers", "is_ours"),
    [
        ({"sec-fetch-site": "same-origin", "origin": "https://a.example"}, True),
        ({"sec-fetch-site": "same-origin"}, True),
        ({"origin": "https://a.example"}, True),
        ({"origin": "https://a.example:8443"}, False),
        ({"origin": "http://a.example"}, False),
        ({"origin": "null"}, False),
        ({"sec-fetch-site": "cross-site", "origin": "https://a.example"}, False),
        ({"sec-fetch-site": "same-site"}, False),
        ({"sec-fetch-site": "none"}, False),
        ({}, False),
    ],
)
def test_posts_come_from_our_own_origin(headers: dict[str, str], *, is_ours: bool) -> None:
    assert forms.is_same_origin(headers, scheme="https", host="a.example") is is_ours


@pytest.mark.parametrize(
    ("text", "amount_minor"),
    [
        ("1200", 120_000),
        ("1,200.5", 120_050),
        ("１，２００．５０", 120_050),
        ("¥ 1 200.00", 120_000),
        ("1200 元", 120_000),
        ("\u3000９９.９９\u3000", 9_999),
    ],
)
def test_amounts_are_understood_as_people_type_them(text: str, amount_minor: int) -> None:
    reader = FormReader({"amount": text})
    assert reader.amount_minor("amount", "CNY") == amount_minor
    assert reader.is_valid


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "form.missing"),
        ("abc", "form.not_an_amount"),
        ("1.234", "form.not_an_amount"),
        ("1.", "form.not_an_amount"),
        ("0", "form.not_positive"),
        ("-5", "form.not_positive"),
        ("−5", "form.not_positive"),
        ("9" * 20, "form.amount_too_large"),
        ("1e9", "form.not_an_amount"),
    ],
)
def test_what_is_no_amount_is_said_at_its_field(text: str, message: str) -> None:
    reader = FormReader({"amount": text})
    assert reader.amount_minor("amount", "CNY") is None
    assert [(error.field, error.message) for error in reader.errors] == [("amount", message)]


def test_zero_is_taken_where_the_form_allows_it() -> None:
    reader = FormReader({"limit": "0"})
    assert reader.amount_minor("limit", "CNY", allow_zero=True) == 0
    assert reader.is_valid


def test_dates_and_choices() -> None:
    reader = FormReader({"on": "2026-02-28", "mode": "a", "empty": ""})
    assert reader.day("on") == date(2026, 2, 28)
    assert reader.choice("mode", ["a", "b"]) == "a"
    assert reader.day("empty", required=False) is None
    assert reader.is_valid
    assert reader.choice("mode", ["b"]) is None
    assert FormReader({"on": "2026-02-30"}).day("on") is None
    assert [error.message for error in reader.errors] == ["form.not_a_choice"]


def test_a_form_of_ours_has_an_idempotency_key() -> None:
    for key in ("", "k" * 201, "a\nb"):
        reader = FormReader({"idempotency_key": key})
        assert reader.idempotency_key() is None
        assert not reader.is_valid
    assert FormReader({"idempotency_key": "console-1"}).idempotency_key() == "console-1"


def test_the_last_of_repeated_fields_counts() -> None:
    assert forms.parse_form(b"a=1&a=2&b=") == {"a": "2", "b": ""}


def test_what_is_no_text_is_replaced_and_days_at_the_ends_of_the_calendar_are_none() -> None:
    assert forms.parse_form(b"a=x%00y&b=%ff") == {"a": "x\ufffdy", "b": "\ufffd"}
    assert forms.parse_form(b"a=cafe%CC%81") == {"a": "caf\u00e9"}
    for text in ("0001-01-01", "9999-12-31"):
        reader = FormReader({"on": text})
        assert reader.day("on") is None
        assert [error.message for error in reader.errors] == ["form.not_a_date"]


def test_a_form_that_is_too_large_is_refused() -> None:
    with pytest.raises(forms.FormTooLargeError):
        forms.parse_form(b"a=" + b"x" * forms.BODY_BYTES_MAX)
    many = urlencode([(f"f{number}", "1") for number in range(forms.FIELDS_MAX + 1)])
    with pytest.raises(forms.FormTooLargeError):
        forms.parse_form(many.encode())
