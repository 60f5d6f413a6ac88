"""A notice: the exact words in which one consent is asked for, and what they ask for, as data.

Invariant   The words and the scope are one version: neither changes without a new one. A text is
            known by the SHA-256 of its UTF-8 bytes in each language.
Wider       A later version is wider where its scope asks for anything more: another purpose,
            recipient or kind of data, more uses, a longer life. What was agreed to an earlier
            version holds for a later one that is not wider, and for no other.
Follows     The content that a notice has to have: who, why, what, how long, rights (rules R020,
            R022, R023, R026); restricted kinds of data only with a warning of what they may do to
            the person, banned ones never (R002); one-time inquiries within the pack's days.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Final

#: Languages in which every notice is written.
LANGUAGES: Final = ("zh", "en")
SECONDS_PER_DAY: Final = 86_400

#: Kinds of data that a notice may ask for.
DATA_KINDS: Final = frozenset(
    {"identity", "contact", "credit_report", "credit_accounts", "repayment_record"}
    | {"decision", "product_use"}
)
#: Kinds that need a warning of the adverse effect and a consent of their own.
RESTRICTED_KINDS: Final = frozenset(
    {"income", "deposits", "securities", "insurance", "real_estate", "tax", "face"}
)
#: Kinds that nobody may ask for.
BANNED_KINDS: Final = frozenset({"religion", "genes", "fingerprints", "blood_type", "illness"})

#: Headings of the parts of a text, in the order in which they are read.
_HEADINGS: Final[Mapping[str, tuple[tuple[str, str], ...]]] = {
    "zh": (
        ("what", "处理哪些信息"),
        ("why", "用途"),
        ("who", "由谁处理、提供给谁"),
        ("how_long", "期限"),
        ("adverse_effect", "可能的不利影响"),
        ("rights", "您的权利"),
        ("withdraw", "如何撤回"),
        ("refusing", "不同意的后果"),
        ("stops", "撤回后停止什么"),
        ("keeps", "撤回后依法保留什么"),
    ),
    "en": (
        ("what", "What is processed"),
        ("why", "What for"),
        ("who", "By whom, and who receives it"),
        ("how_long", "For how long"),
        ("adverse_effect", "What it may do to you"),
        ("rights", "Your rights"),
        ("withdraw", "How to withdraw"),
        ("refusing", "If you refuse"),
        ("stops", "What ends when you withdraw"),
        ("keeps", "What the law keeps when you withdraw"),
    ),
}
#: The parts of a text; only the warning may be left out.
PARTS: Final = tuple(part for part, _ in _HEADINGS["en"])
WARNING: Final = "adverse_effect"


class UseKind(StrEnum):
    """How often a consent may be used."""

    ONE_TIME = "ONE_TIME"
    PERIODIC = "PERIODIC"


class Level(StrEnum):
    """How surely the person was recognised, from the least up."""

    LOW = "low"
    SUBSTANTIAL = "substantial"
    HIGH = "high"

    @property
    def rank(self) -> int:
        """Return the level's place, 0 for the least."""
        return list(Level).index(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """What a notice asks for; two scopes can be compared."""

    #: Exactly one, such as `inquiry_origination` or `recipient:funding-bank`.
    purpose: str
    #: Codes of parties; exactly one of each.
    controller: str
    recipient: str
    data: frozenset[str]
    use: UseKind
    #: Uses in all, or in a period.
    uses_max: int
    #: None where the uses are counted once for all.
    period_days: int | None
    window_days: int
    data_life_days: int
    #: Codes of parties to whom the recipient may hand the data on.
    onward: frozenset[str]

    def covers(self, later: "Scope") -> bool:
        """Return whether what was agreed to here holds for a later scope: it asks no more."""
        return (
            later.purpose == self.purpose
            and later.controller == self.controller
            and later.recipient == self.recipient
            and later.data <= self.data
            and later.onward <= self.onward
            and later.data_life_days <= self.data_life_days
            and later.window_days <= self.window_days
            and not _asks_more_uses(self, later)
        )


def _asks_more_uses(agreed: Scope, later: Scope) -> bool:
    """Return whether a scope allows more uses in some span of time than was agreed to."""
    if agreed.use is UseKind.ONE_TIME:
        return later.use is not UseKind.ONE_TIME
    if later.use is UseKind.ONE_TIME:
        return False
    assert agreed.period_days is not None
    assert later.period_days is not None
    return later.uses_max > agreed.uses_max or later.period_days < agreed.period_days


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeText:
    """A notice in one language."""

    language: str
    title: str
    #: The purpose in a few words, for records and lists.
    purpose: str
    #: The parts by name.
    parts: Mapping[str, str]

    @property
    def text(self) -> str:
        """Return the exact text as it is shown."""
        blocks = [self.title]
        for part, heading in _HEADINGS[self.language]:
            if part in self.parts:
                blocks.append(f"{heading}\n{self.parts[part]}")
        return "\n\n".join(blocks) + "\n"

    @property
    def sha256(self) -> bytes:
        """Return the hash by which the text is known."""
        return hashlib.sha256(self.text.encode()).digest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """One version of a notice."""

    code: str
    version: int
    valid_from: date
    #: Last day on which it is shown; None while it is in force.
    valid_to: date | None
    scope: Scope
    is_optional: bool
    legal_basis: str
    #: Reason for the bureau's own list of inquiries; empty where nothing is asked there.
    reason_code: str
    reading_ms_min: int
    level_min: Level
    texts: Mapping[str, NoticeText]

    def holds_on(self, day: date) -> bool:
        """Return whether the notice may be shown on a day."""
        return self.valid_from <= day and (self.valid_to is None or day <= self.valid_to)


@dataclass(frozen=True, slots=True, kw_only=True)
class Party:
    """Somebody who takes part in a consent."""

    code: str
    #: What stands in records and requests.
    legal_id: str
    role: str
    name_zh: str
    name_en: str
    address: str
    contact: str
    #: Where a consent is withdrawn; empty for those who only receive.
    withdraw_uri: str
    #: Where its lists of withdrawals are published; empty for those who only receive.
    status_lists_uri: str
    jurisdiction: str

    def name(self, language: str) -> str:
        """Return the name in a language."""
        return self.name_zh if language == "zh" else self.name_en


class Notices:
    """Every version of every notice, and the parties that they name."""

    __slots__ = ("_by_code", "_by_legal_id", "_parties")

    def __init__(self, notices: list[Notice], parties: Mapping[str, Party]) -> None:
        """Take versions whose code and number are unique."""
        self._by_code: dict[str, dict[int, Notice]] = {}
        for notice in sorted(notices, key=lambda n: (n.code, n.version)):
            self._by_code.setdefault(notice.code, {})[notice.version] = notice
        assert sum(map(len, self._by_code.values())) == len(notices)
        self._parties = dict(parties)
        self._by_legal_id = {party.legal_id: party for party in parties.values()}

    def in_force(self, day: date) -> list[Notice]:
        """Return the notice of each code that may be shown on a day."""
        found = (self.current(code, day) for code in self._by_code)
        return [notice for notice in found if notice is not None]

    def current(self, code: str, day: date) -> Notice | None:
        """Return the version of a code that may be shown on a day."""
        holding = [n for n in self._by_code.get(code, {}).values() if n.holds_on(day)]
        return max(holding, key=lambda n: n.version, default=None)

    def version(self, code: str, version: int) -> Notice | None:
        """Return one version, in force or not."""
        return self._by_code.get(code, {}).get(version)

    def versions(self, code: str) -> list[Notice]:
        """Return every version of a code, the oldest first."""
        return list(self._by_code.get(code, {}).values())

    def asked_for(self, purpose: str, recipient_legal_id: str) -> str | None:
        """Return the code of the notice that asks for a purpose at a recipient."""
        for code, versions in self._by_code.items():
            scope = next(iter(versions.values())).scope
            found = self._parties[scope.recipient].legal_id
            if scope.purpose == purpose and found == recipient_legal_id:
                return code
        return None

    def sufficient(self, code: str, day: date) -> list[int]:
        """Return the versions under which a consent still holds on a day.

        Those whose scope covers the version in force; all of them where none is in force any
        more: what was agreed to then runs until its own end.
        """
        versions = self.versions(code)
        current = self.current(code, day)
        return [n.version for n in versions if current is None or n.scope.covers(current.scope)]

    @property
    def status_lists_uri(self) -> str:
        """Return where the lists of withdrawals are published."""
        return next(p.status_lists_uri for p in self._parties.values() if p.status_lists_uri)

    def party(self, code: str) -> Party:
        """Return a party by its code."""
        return self._parties[code]

    def party_of(self, legal_id: str) -> Party | None:
        """Return a party by its legal identifier."""
        return self._by_legal_id.get(legal_id)
