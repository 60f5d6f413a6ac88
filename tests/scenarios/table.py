"""The table language: one line a command, its result by name, and what is true afterwards.

    title  Interest of the days of use is paid before principal
    line   L1  customer=C1  limit=20000.00  rate_daily=0.04%  repayment_day=15

    date        command                                              expect  after
    2026-01-15  lend    L1 3000.00 as=A months=3 method=any_time     ok      available=17000.00
    2026-02-01  repay   L1  406.80                                   ok      A.principal=2613.60

Blank lines and what follows `#` are left out; a line that begins with a space goes on with the
row above. Every word is known: a verb has its places and options, a result is `ok` or the code of
a refusal, what is asserted is one of the names below. Anything else is refused with file and line.
"""

import re
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Final

from counterfoil.kernel.errors import Refusal
from counterfoil.lending import refusals

#: A verb's places and its options.
VERBS: Final[dict[str, tuple[tuple[str, ...], frozenset[str]]]] = {
    "draw": (("line", "amount"), frozenset({"as", "months", "method", "currency", "purpose"})),
    "lend": (("line", "amount"), frozenset({"as", "months", "method"})),
    "arrives": (("loan",), frozenset({"on"})),
    "fails": (("loan",), frozenset()),
    "repay": (("line", "amount"), frozenset({"loan", "value", "mode", "as", "currency"})),
    "reverse": (("payment",), frozenset()),
    "limit": (("line", "amount"), frozenset()),
    "freeze": (("line",), frozenset({"until"})),
    "unfreeze": (("line",), frozenset()),
    "close": (("line",), frozenset()),
    "cap": (("line", "amount"), frozenset()),
    "day": (("line", "number"), frozenset()),
    "look": (("line",), frozenset()),
}
LINE_OPTIONS: Final = frozenset({"customer", "limit", "rate_daily", "repayment_day", "product"})
OF_LINE: Final = frozenset(
    {
        *("available", "principal", "held", "credit", "limit", "own_cap", "status", "reason"),
        *("valid_to", "blocked_by", "trial_balance"),
    }
)
OF_LOAN: Final = frozenset(
    {
        *("principal", "status", "due", "payoff", "penalty", "bucket", "days_past_due"),
        *("next_due", "instalment", "interest_paid", "penalty_paid", "closed_on", "started"),
        *("matures", "rows"),
    }
)
OF_INSTALMENT: Final = frozenset({"due", "paid", "settled"})
#: `A#2` principal/interest demanded; `A+2` the same, foreseen; `P1` or `P1@A` what was paid.
_SUBJECT: Final = re.compile(
    r"(?P<line>[a-z_]+)"
    r"|account_(?P<account>\d{4})"
    r"|(?P<loan>[A-Z]\w*)\.(?P<of_loan>[a-z_]+)"
    r"|(?P<owner>[A-Z]\w*)(?P<sign>[#+])(?P<number>\d+)(?:\.(?P<of_instalment>[a-z]+))?"
    r"|(?P<payment>[A-Z]\w*)(?:@(?P<share>[A-Z]\w*))?"
)
CODES: Final = {r.code: r for r in vars(refusals).values() if isinstance(r, Refusal)}
HEADER: Final = ["date", "command", "expect", "after"]


class TableError(Exception):
    """A scenario is not written in the language; the message begins with file and line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """A line that is opened on the scenario's first date."""

    name: str
    options: dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One command, what it has to be answered with, and what is true afterwards."""

    where: str
    on: date
    verb: str
    places: tuple[str, ...]
    options: dict[str, str]
    expect: str
    after: list[tuple[str, str]]


@dataclass(slots=True)
class Scenario:
    """A table as it was read."""

    path: Path
    title: str = ""
    lines: list[Opening] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)


def read(path: Path) -> Scenario:
    """Read a scenario, or raise TableError."""
    scenario = Scenario(path)
    has_header = False
    for number, raw in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        where = f"{path.name}:{number}"
        words = re.split(r"(?:^|\s)#\s", raw)[0].split() if not raw.startswith("#") else []
        if not words:
            continue
        if raw[0].isspace():
            if not scenario.rows:
                raise TableError(f"{where}: nothing to go on with")
            scenario.rows[-1].after.extend(_after(where, words))
        elif words[0] == "title" and not has_header:
            scenario.title = " ".join([*scenario.title.split(), *words[1:]])
        elif words[0] == "line" and not has_header:
            scenario.lines.append(_opening(where, words))
        elif words == HEADER:
            has_header = True
        elif has_header:
            scenario.rows.append(_row(where, words, scenario.rows))
        else:
            raise TableError(f"{where}: {words[0]!r} is not a word before the table")
    if not (scenario.title and scenario.lines and scenario.rows):
        raise TableError(f"{path.name}:1: a scenario has a title, a line and rows")
    return scenario


def _opening(where: str, words: list[str]) -> Opening:
    if len(words) < 2:
        raise TableError(f"{where}: a line has a name")
    options = _options(where, words[2:], LINE_OPTIONS, "a line")
    missing = {"customer", "limit", "rate_daily", "repayment_day"} - options.keys()
    if missing:
        raise TableError(f"{where}: a line needs {', '.join(sorted(missing))}")
    return Opening(name=words[1], options=options)


def _row(where: str, words: list[str], before: list[Row]) -> Row:
    try:
        on = date.fromisoformat(words[0])
    except ValueError:
        raise TableError(f"{where}: {words[0]!r} is not a date") from None
    if before and on < before[-1].on:
        raise TableError(f"{where}: {on} lies before {before[-1].on}")
    verb = words[1] if len(words) > 1 else ""
    if verb not in VERBS:
        raise TableError(f"{where}: {verb!r} is not a command")
    names, known = VERBS[verb]
    end = 2 + len(names)
    places = tuple(words[2:end])
    if len(places) < len(names) or any("=" in place for place in places):
        raise TableError(f"{where}: {verb} needs {' and '.join(names)}")
    result = next((i for i in range(end, len(words)) if "=" not in words[i]), None)
    if result is None:
        raise TableError(f"{where}: no result is expected")
    expect = words[result]
    if expect != "ok" and expect not in CODES:
        raise TableError(f"{where}: {expect!r} is neither ok nor a refusal")
    options = _options(where, words[end:result], known, verb)
    if verb in ("draw", "lend"):
        missing = {"as", "months", "method"} - options.keys()
        if missing:
            raise TableError(f"{where}: {verb} needs {', '.join(sorted(missing))}")
    return Row(
        where=where,
        on=on,
        verb=verb,
        places=places,
        options=options,
        expect=expect,
        after=_after(where, words[result + 1 :]),
    )


def _options(where: str, words: list[str], known: frozenset[str], what: str) -> dict[str, str]:
    options: dict[str, str] = {}
    for word in words:
        name, sign, value = word.partition("=")
        if not sign or not value or name not in known or name in options:
            raise TableError(f"{where}: {word!r} is not an option of {what}")
        options[name] = value
    return options


def _after(where: str, words: list[str]) -> list[tuple[str, str]]:
    found = []
    for word in words:
        name, sign, value = word.partition("=")
        subject = _SUBJECT.fullmatch(name)
        if not sign or not value or subject is None or not _is_known(subject):
            raise TableError(f"{where}: {word!r} asserts nothing that is known")
        found.append((name, value))
    return found


def _is_known(subject: re.Match[str]) -> bool:
    if subject["line"]:
        return subject["line"] in OF_LINE
    if subject["of_loan"]:
        return subject["of_loan"] in OF_LOAN
    if subject["of_instalment"]:
        return subject["sign"] == "#" and subject["of_instalment"] in OF_INSTALMENT
    return True


def subject_of(name: str) -> re.Match[str]:
    """Return the parts of an asserted name."""
    subject = _SUBJECT.fullmatch(name)
    assert subject is not None
    return subject
