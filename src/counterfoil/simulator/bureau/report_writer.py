"""Synthetic reports of the second generation, from what clients of a public data set did.

Deterministic  The same person, client, day and inquiries give the same bytes.
Recorded       Statuses, bills and payments of six months and the limit (`card_clients.py`), shown
               as one credit card account (R2). The months before are `#`, unknown: the set does
               not say what they were.
Repaired       The set marks a delay of one month in the latest month only, so a delay of two months
               follows a month without any. A credit database cannot show that: the month before
               is shown as 1. No fact that a policy reads depends on it.
Invented       Names, numbers, organisations, the day of the statement, and the overdue total (a
               tenth of the month's bill for each month overdue), of which the set says nothing.
Units          Amounts in whole yuan, halves up, as the credit database writes them; the annex of
               bills and payments has two decimals.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final
from xml.sax.saxutils import escape

from counterfoil.kernel.money import divide_half_up, to_major_text
from counterfoil.simulator.card_clients import CardClient, cny_minor

#: Months before the recorded ones, so that part D covers 24.
_UNKNOWN_MONTHS: Final = 18
_MONTHS_OF_HISTORY: Final = 24
_STATUS_MAX: Final = 7
_CENTS: Final = 100
_SETTLEMENT_DAY: Final = 20
#: The invented card issuer: organisation type 11 is a commercial bank.
ISSUER: Final = "X000EXAMPLE901"
_ISSUER_TYPE: Final = "11"
_MARK: Final = "A0001"

Node = tuple[str, "str | list[Node]"]


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Subject:
    """Whom a report is about, as the bureau knows the person; nobody real."""

    name: str
    id_number: str
    #: The recorded client behind the behaviour; None is a person without any account.
    client: CardClient | None
    is_disputed: bool = False
    has_fraud_warning: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PastInquiry:
    """An inquiry that appears in a report."""

    on: date
    organisation: str
    organisation_type: str
    reason_code: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Occasion:
    """The inquiry that a report answers."""

    report_number: str
    at: datetime
    inquirer: str
    reason_code: str


def write_report(subject: Subject, occasion: Occasion, past: Sequence[PastInquiry]) -> bytes:
    """Return the report of a person; `past` holds earlier inquiries in any order."""
    blocks: list[Node] = [_header(subject, occasion), _identity(subject)]
    newest_first = sorted(
        past, key=lambda item: (item.on, item.organisation, item.reason_code), reverse=True
    )
    since = _years_before(occasion.at.date(), 2)
    recent = [item for item in newest_first if item.on >= since]
    if subject.client is None:
        blocks += [_summary_of_nothing(), _inquiry_summary(recent, occasion)]
    else:
        card = _Card(subject, subject.client, occasion.at.date())
        blocks += [card.summary(), _inquiry_summary(recent, occasion), ("PDA", [card.account()])]
        if subject.is_disputed:
            blocks.append(_annotation())
        blocks.append(card.annex())
    blocks += [("POQ", [_inquiry_record(item)]) for item in recent]
    text: list[str] = ['<?xml version="1.0" encoding="UTF-8"?>\n']
    _write(("Document", blocks), text)
    return "".join(text).encode()


def _write(node: Node, text: list[str]) -> None:
    tag, content = node
    if isinstance(content, str):
        text.append(f"<{tag}>{escape(content)}</{tag}>")
        return
    text.append(f"<{tag}>")
    for child in content:
        _write(child, text)
    text.append(f"</{tag}>")


def _header(subject: Subject, occasion: Occasion) -> Node:
    parts: list[Node] = [
        ("PA01A", [("PA01AI01", occasion.report_number), ("PA01AR01", _instant(occasion.at))]),
        (
            "PA01B",
            [
                ("PA01BQ01", subject.name),
                ("PA01BD01", "10"),
                ("PA01BI01", subject.id_number),
                ("PA01BI02", occasion.inquirer),
                ("PA01BD02", occasion.reason_code),
            ],
        ),
    ]
    if subject.has_fraud_warning:
        warning: list[Node] = [("PA01DQ01", "本人声明：身份信息可能被冒用")]
        parts.append(("PA01D", [("PA01DH", warning)]))
    if subject.is_disputed:
        parts.append(("PA01E", [("PA01ES01", "1")]))
    return ("PRH", [("PA01", parts)])


def _identity(subject: Subject) -> Node:
    number = subject.id_number
    sex = "1" if int(number[16]) % 2 else "2"
    born = f"{number[6:10]}-{number[10:12]}-{number[12:14]}"
    return ("PIM", [("PB01", [("PB01A", [("PB01AD01", sex), ("PB01AR01", born)])])])


def _summary_of_nothing() -> Node:
    prompts: list[Node] = [("PC02AS01", "0"), ("PC02AS02", "0")]
    return ("PCO", [("PC02", [("PC02A", prompts)])])


def _annotation() -> Node:
    return (
        "POS",
        [
            (
                "PG01",
                [("PG010D01", "1"), ("PG010D02", _MARK), ("PG010Q01", "信息主体对该账户有异议")],
            )
        ],
    )


def _inquiry_record(item: PastInquiry) -> Node:
    return (
        "PH01",
        [
            ("PH010R01", item.on.isoformat()),
            ("PH010D01", item.organisation_type),
            ("PH010Q02", item.organisation),
            ("PH010Q03", item.reason_code),
        ],
    )


def _inquiry_summary(recent: Sequence[PastInquiry], occasion: Occasion) -> Node:
    month_ago = occasion.at.date() - timedelta(days=30)
    last_month = [item for item in recent if item.on >= month_ago]

    def organisations(reason: str) -> str:
        return str(len({i.organisation for i in last_month if i.reason_code == reason}))

    def count(items: Sequence[PastInquiry], *reasons: str) -> str:
        return str(sum(item.reason_code in reasons for item in items))

    parts: list[Node] = []
    if recent:
        last = recent[0]
        parts.append(
            (
                "PC05A",
                [
                    ("PC05AR01", last.on.isoformat()),
                    ("PC05AD01", last.organisation_type),
                    ("PC05AI01", last.organisation),
                    ("PC05AQ01", last.reason_code),
                ],
            )
        )
    parts.append(
        (
            "PC05B",
            [
                ("PC05BS01", organisations("02")),
                ("PC05BS02", organisations("03")),
                ("PC05BS03", count(last_month, "02")),
                ("PC05BS04", count(last_month, "03")),
                ("PC05BS05", count(last_month, OWN_REPORT)),
                ("PC05BS06", count(recent, "01")),
                ("PC05BS07", count(recent, "08")),
                ("PC05BS08", count(recent, "19")),
            ],
        )
    )
    return ("PQO", [("PC05", parts)])


#: How a person's inquiry about oneself is listed; it has no reason code of the table.
OWN_REPORT: Final = "own"


class _Card:
    """One recorded client as a credit card account."""

    def __init__(self, subject: Subject, client: CardClient, on: date) -> None:
        self._client = client
        self._subject = subject
        latest = _month_before(on.replace(day=1))
        #: The recorded months, latest first.
        self._months = [_months_before(latest, back) for back in range(len(client.statuses))]
        self._periods = _periods_shown(client)
        self._bills = [max(cny_minor(bill), 0) for bill in client.bills_twd]

    def summary(self) -> Node:
        opened = self._opened()
        kind: list[Node] = [
            ("PC02AD01", "21"),
            ("PC02AD02", "2"),
            ("PC02AR01", _month(opened)),
            ("PC02AS03", "1"),
        ]
        parts: list[Node] = [
            ("PC02A", [("PC02AS01", "1"), ("PC02AS02", "1"), ("PC02AH", kind)]),
        ]
        overdue = self._overdue_months()
        if overdue:
            row: list[Node] = [
                ("PC02DD01", "4"),
                ("PC02DS02", "1"),
                ("PC02DS03", str(len(overdue))),
                ("PC02DJ01", str(max(total for _, _, total in overdue))),
                ("PC02DS04", str(max(periods for _, periods, _ in overdue))),
            ]
            parts.append(("PC02D", [("PC02DS01", "1"), ("PC02DH", row)]))
        limit, used = str(self._limit()), str(self._used())
        parts.append(
            (
                "PC02H",
                [
                    ("PC02HS01", "1"),
                    ("PC02HS02", "1"),
                    ("PC02HJ01", limit),
                    ("PC02HJ02", limit),
                    ("PC02HJ03", limit),
                    ("PC02HJ04", used),
                    ("PC02HJ05", str(self._average_used())),
                ],
            )
        )
        return ("PCO", [("PC02", parts)])

    def account(self) -> Node:
        parts: list[Node] = [
            ("PD01A", self._basics()),
            ("PD01B", self._latest()),
            ("PD01C", self._latest_month()),
            ("PD01D", self._two_years()),
        ]
        overdue = self._overdue_months()
        if overdue:
            rows: list[Node] = [
                (
                    "PD01EH",
                    [
                        ("PD01ER03", _month(month)),
                        ("PD01ED01", str(min(periods, _STATUS_MAX))),
                        ("PD01EJ01", str(total)),
                    ],
                )
                for month, periods, total in overdue
            ]
            first, last = overdue[-1][0], self._months[0]
            span: list[Node] = [
                ("PD01ER01", _month(first)),
                ("PD01ER02", _month(last)),
                ("PD01ES01", str(len(overdue))),
            ]
            parts.append(("PD01E", [*span, *rows]))
        if self._subject.is_disputed:
            mark: list[Node] = [("PD01ZQ01", "信息主体对该账户有异议")]
            parts.append(("PD01Z", [("PD01ZS01", "1"), ("PD01ZH", mark)]))
        return ("PD01", parts)

    def annex(self) -> Node:
        rows: list[Node] = [
            (
                "PX010H",
                [
                    ("PX010R01", _month(month)),
                    ("PX010J01", to_major_text(cny_minor(billed), "CNY")),
                    ("PX010J02", to_major_text(cny_minor(paid), "CNY")),
                ],
            )
            for month, billed, paid in zip(
                self._months, self._client.bills_twd, self._client.payments_twd, strict=True
            )
        ]
        return ("PXA", [("PX01", [("PX010I01", _MARK), *rows])])

    def _basics(self) -> list[Node]:
        return [
            ("PD01AD01", "R2"),
            ("PD01AD02", _ISSUER_TYPE),
            ("PD01AD03", "81"),
            ("PD01AD04", "CNY"),
            ("PD01AD07", "4"),
            ("PD01AI01", f"{ISSUER}{self._client.number:06d}"),
            ("PD01AI02", ISSUER),
            ("PD01AI03", _MARK),
            ("PD01AJ02", str(self._limit())),
            ("PD01AR01", self._opened().isoformat()),
        ]

    def _latest(self) -> list[Node]:
        paid = _yuan(cny_minor(self._client.payments_twd[0]))
        return [
            ("PD01BD01", "1"),
            ("PD01BD03", _five_class(self._periods[0])),
            ("PD01BD04", self._status(0)),
            ("PD01BJ01", str(self._used())),
            ("PD01BJ02", str(paid)),
            ("PD01BR03", _settlement(self._months[0]).isoformat()),
        ]

    def _latest_month(self) -> list[Node]:
        periods = self._periods[0]
        return [
            ("PD01CR01", _month(self._months[0])),
            ("PD01CD01", "1"),
            ("PD01CD02", _five_class(periods)),
            ("PD01CJ01", str(self._used())),
            ("PD01CJ02", str(self._used())),
            ("PD01CJ03", "0"),
            ("PD01CJ05", str(_yuan(cny_minor(self._client.payments_twd[0])))),
            ("PD01CJ06", str(self._overdue_total(0) if periods else 0)),
            ("PD01CJ12", str(self._average_used())),
            ("PD01CJ14", str(max(_yuan(bill) for bill in self._bills))),
            ("PD01CR02", _settlement(self._months[0]).isoformat()),
            ("PD01CR04", _settlement(self._months[0]).isoformat()),
            ("PD01CS01", "0"),
            ("PD01CS02", str(periods)),
        ]

    def _two_years(self) -> list[Node]:
        latest = self._months[0]
        rows: list[Node] = [
            (
                "PD01DH",
                [
                    ("PD01DR03", _month(_months_before(latest, back))),
                    ("PD01DD01", self._status(back) if back < len(self._months) else "#"),
                ],
            )
            for back in range(_MONTHS_OF_HISTORY)
        ]
        first = _months_before(latest, _MONTHS_OF_HISTORY - 1)
        return [("PD01DR01", _month(first)), ("PD01DR02", _month(latest)), *rows]

    def _status(self, back: int) -> str:
        periods = self._periods[back]
        if periods:
            return str(min(periods, _STATUS_MAX))
        # -2 is a month in which the card was not used.
        return "*" if self._client.statuses[back] == -2 else "N"  # noqa: PLR2004

    def _overdue_months(self) -> list[tuple[date, int, int]]:
        """Return months overdue with periods and total in yuan, latest first."""
        return [
            (self._months[back], periods, self._overdue_total(back))
            for back, periods in enumerate(self._periods)
            if periods
        ]

    def _overdue_total(self, back: int) -> int:
        return max(_yuan(self._bills[back] * self._periods[back] // 10), 1)

    def _limit(self) -> int:
        return _yuan(cny_minor(self._client.limit_twd))

    def _used(self) -> int:
        return _yuan(self._bills[0])

    def _average_used(self) -> int:
        return divide_half_up(sum(self._bills), len(self._bills) * _CENTS)

    def _opened(self) -> date:
        """Return an invented opening: with the first month that part D covers."""
        return _months_before(self._months[0], _MONTHS_OF_HISTORY - 1)


def _periods_shown(client: CardClient) -> list[int]:
    """Return months overdue, latest first; what rises by more than one is given its step before."""
    periods = [max(status, 0) for status in client.statuses]
    for place in range(1, len(periods)):
        periods[place] = max(periods[place], periods[place - 1] - 1)
    return periods


def _five_class(periods: int) -> str:
    """Return normal, special mention, substandard, doubtful or loss by months overdue."""
    return ("1", "2", "2", "3", "3", "4", "4", "5")[min(periods, _STATUS_MAX)]


def _yuan(amount_minor: int) -> int:
    return divide_half_up(amount_minor, _CENTS)


def _settlement(month: date) -> date:
    return month.replace(day=_SETTLEMENT_DAY)


def _month(day: date) -> str:
    return f"{day:%Y-%m}"


def _month_before(first: date) -> date:
    return (first - timedelta(days=1)).replace(day=1)


def _months_before(first: date, count: int) -> date:
    months = first.year * 12 + first.month - 1 - count
    return date(months // 12, months % 12 + 1, 1)


def _years_before(day: date, years: int) -> date:
    # The 29th of February has its anniversary on the day after the 28th.
    is_leap_day = (day.month, day.day) == (2, 29)
    return day.replace(
        year=day.year - years,
        month=3 if is_leap_day else day.month,
        day=1 if is_leap_day else day.day,
    )


def _instant(at: datetime) -> str:
    return at.isoformat(timespec="seconds")
