"""What a customer is told of a measure, its end, or an offer, in both languages.

Invariant   Each notice of a measure says what is done, from when, why in the policy's own words
            for customers, that debts and repayments stay as they are, and how to appeal.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Final

from counterfoil.decisioning.line_review.appeal import DAYS_TO_DECIDE, AppealStatus
from counterfoil.decisioning.line_review.measure import Kind, LineMeasure
from counterfoil.kernel.money import to_major_text


class NoticeKind(StrEnum):
    """What a notice tells of."""

    MEASURE = "measure"
    ENDED = "ended"
    OFFER = "offer"
    APPEAL_DECIDED = "appeal_decided"


@dataclass(frozen=True, slots=True, kw_only=True)
class LineNotice:
    """One notice; the order of the fields is that of the query which loads it."""

    customer_id: int
    notice_id: int
    line_id: int
    kind: NoticeKind
    measure_id: int | None
    review_id: int | None
    text_zh: str
    text_en: str
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """The same said in both languages."""

    zh: str
    en: str


_APPEAL: Final = Words(
    zh=f"已有借款及还款安排不受影响。如有异议，您可随时申诉，工作人员将在{DAYS_TO_DECIDE}个工作日内处理。",
    en=(
        "What you owe and how you repay it stay as they are. You may appeal at any time; a person"
        f" decides within {DAYS_TO_DECIDE} working days."
    ),
)


def measure_words(measure: LineMeasure, reasons: Words) -> Words:
    """Return the notice of a measure."""
    said = _said(measure)
    return Words(
        zh=f"{said.zh}原因：{reasons.zh}。{_APPEAL.zh}",
        en=f"{said.en} Reason: {reasons.en}. {_APPEAL.en}",
    )


def ended_words(measure: LineMeasure, on: date) -> Words:
    """Return the notice that a measure is over."""
    what = _NAMES[measure.kind]
    if measure.kind is Kind.CLOSE:
        # What is closed cannot be opened again; the way back is another line.
        return Words(
            zh=f"您额度的关闭决定已于{on.isoformat()}撤销。已关闭的额度不能重开，您可随时重新申请。",
            en=(
                f"The decision to close your line was taken back on {on.isoformat()}. A closed line"
                " stays closed; you may apply for another at any time."
            ),
        )
    return Words(
        zh=f"您额度的{what.zh}已于{on.isoformat()}结束。",
        en=f"The {what.en} of your line ended on {on.isoformat()}.",
    )


def words_of_dropped(measure: LineMeasure) -> Words:
    """Return the notice that what was announced does not come."""
    what = _NAMES[measure.kind]
    return Words(
        zh=f"此前通知您的额度{what.zh}没有生效，您的额度不因此改变。",
        en=f"The {what.en} that you were told of did not take effect; your line stays as it is.",
    )


def offer_words(from_minor: int, to_minor: int, currency: str, *, until: date) -> Words:
    """Return the notice of an offer: it is taken up by the customer, or not at all."""
    before, after = to_major_text(from_minor, currency), to_major_text(to_minor, currency)
    return Words(
        zh=(
            f"您可在{until.isoformat()}前申请将额度由{before}提高至{after} {currency}。"
            "须经您同意并完成审核；不申请则额度不变。"
        ),
        en=(
            f"Until {until.isoformat()} you may ask for your limit to be raised from {before} to"
            f" {after} {currency}. It needs your agreement and a final decision; if you do not ask,"
            " your limit stays as it is."
        ),
    )


def appeal_words(status: AppealStatus) -> Words:
    """Return the notice of how an appeal ended."""
    if status is AppealStatus.WITHDRAWN:
        return Words(
            zh="您的申诉已应您的意愿撤回。如非您本人意愿，可再次申诉。",
            en="Your appeal was taken back at your wish. If that was not your wish, appeal again.",
        )
    if status is not AppealStatus.REJECTED:
        return Words(
            zh="您的申诉成立，相关措施已解除。",
            en="Your appeal was upheld; the measure is lifted.",
        )
    return Words(
        zh="您的申诉已由工作人员审核，相关措施维持不变。",
        en="A member of staff has looked at your appeal; the measure stays.",
    )


def joined(zh: Sequence[str], en: Sequence[str]) -> Words:
    """Return reasons as they stand in a sentence."""
    return Words(zh="；".join(zh), en="; ".join(en))


_NAMES: Final = {
    Kind.LOWER: Words(zh="调低", en="lower limit"),
    Kind.FREEZE: Words(zh="冻结", en="freeze"),
    Kind.SUSPEND: Words(zh="暂停", en="suspension"),
    Kind.CLOSE: Words(zh="关闭", en="closing"),
}


def _said(measure: LineMeasure) -> Words:
    day = measure.effective_on.isoformat()
    match measure.kind:
        case Kind.LOWER:
            assert measure.to_minor is not None, "a decrease names its limit"
            before = to_major_text(measure.from_minor, measure.currency)
            after = to_major_text(measure.to_minor, measure.currency)
            return Words(
                zh=f"自{day}起，您的额度将由{before}调整为{after} {measure.currency}。",
                en=f"From {day} your limit will be {after} {measure.currency} instead of {before}.",
            )
        case Kind.FREEZE:
            until = measure.ends_on
            zh, en = (f"，至{until}止", f" to {until}") if until else ("", "")
            return Words(
                zh=f"自{day}起，您的额度暂停支用{zh}。",
                en=f"Nothing can be drawn on your line from {day}{en}.",
            )
        case Kind.SUSPEND:
            return Words(
                zh=f"自{day}起，您的额度已暂停使用，还清逾期款项后将按规则恢复。",
                en=(
                    f"Your line is suspended from {day}; once what is overdue is paid it comes"
                    " back by rule."
                ),
            )
        case Kind.CLOSE:
            return Words(zh=f"自{day}起，您的额度已关闭。", en=f"Your line is closed from {day}.")
