"""Messages: every kind in both languages, channels in their order, amounts as people write them."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from counterfoil.customers.message import Message, MessageTexts, channels_for, load_texts
from counterfoil.customers.setting import Channel, StatementForm, refuse_channels, refuse_statement
from counterfoil.kernel.language import Language

FIELDS = {
    "amount_minor": 123_456, "currency": "CNY", "due_on": "2026-03-15", "on": "2026-03-01",
    "reason": "insufficient_funds", "setting": "own_cap", "text_zh": "额度不变",
    "text_en": "the same", "effective_on": "2026-04-01", "line": "ln_1", "rate_daily": "0.03",
    "rate_annual": "10.95", "month": "2026-02", "version": 2, "closing_minor": 5, "paid_minor": 0,
    "unpaid_minor": 1, "code": "123456", "address": "letter", "record": "lo_1",
    "merchant": "x", "purchase": "x", "silence": "binding",
}  # fmt: skip


def a_message(kind: str, *, is_legal: bool = False) -> Message:
    return Message(
        customer_id=1,
        message_id=2,
        kind=kind,
        cause="x",
        is_legal=is_legal,
        fields=FIELDS,
        created_at=datetime(2026, 3, 1, tzinfo=UTC),
    )


@pytest.mark.parametrize("language", list(Language))
def test_every_kind_has_a_text_without_a_gap(language: Language) -> None:
    texts = load_texts()
    for kind in texts.kinds:
        text = texts.render(a_message(kind), language, name="石光萍")
        assert "{" not in text.subject + text.body
        assert "石光萍" in text.body
    failed = texts.render(a_message("debit_failed"), language, name="石光萍").body
    assert "1234.56" in failed.replace(",", "")
    # Codes among the figures have words: nobody is told of `own_cap` or `insufficient_funds`.
    codes = {"own_cap", "insufficient_funds", "binding"}
    said = {
        kind: texts.render(a_message(kind), language, name="石光萍").body for kind in texts.kinds
    }
    assert not any(code in text for text in said.values() for code in codes)
    notice = texts.render(a_message("line_notice"), language, name="石光萍").body
    assert FIELDS[f"text_{language}"] in notice  # type: ignore[operator]


def test_a_catalogue_without_a_language_is_refused() -> None:
    with pytest.raises(ValueError, match="no text in 'en'"):
        MessageTexts({"greeting": {"zh": {"subject": "a", "body": "b"}}}, {})


def test_a_legal_notice_goes_on_to_what_leaves_something_to_keep() -> None:
    taken = [Channel.APP, Channel.EMAIL]
    assert channels_for(a_message("debit_failed"), taken) == taken
    legal = channels_for(a_message("line_notice", is_legal=True), taken)
    assert legal == [Channel.APP, Channel.EMAIL, Channel.SMS, Channel.LETTER]


def test_a_channel_that_is_closed_is_passed_over_and_a_form_goes_alone() -> None:
    taken, legal = [Channel.SMS, Channel.EMAIL], a_message("line_notice", is_legal=True)
    assert channels_for(legal, taken, {Channel.SMS}) == [Channel.EMAIL, Channel.LETTER]
    statement = replace(a_message("statement"), fields=FIELDS | {"form": "letter"})
    assert channels_for(statement, taken) == [Channel.LETTER]
    assert channels_for(statement, taken, {Channel.LETTER}) == []


def test_bounds_of_channels_and_statements() -> None:
    assert refuse_channels([Channel.SMS]) is None
    assert refuse_channels([Channel.APP]) is not None
    assert refuse_statement(StatementForm.PORTAL, [Channel.SMS]) is None
    assert refuse_statement(StatementForm.PAPER, [Channel.SMS]) is not None
