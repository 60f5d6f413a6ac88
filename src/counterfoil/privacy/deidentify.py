"""De-identifying records for one recipient: pseudonyms, spans, the risk that is left, the mark.

Pure: keys, records and the plan of a data set go in, rows of text come out. Nothing random: the
same records, keys and plan give the same bytes.

Pseudonym   16 letters of HMAC-SHA256 over kind and number under the recipient's key, and 4 letters
            that only this key makes of them. Two recipients cannot join their files; one can join
            its own. The four letters tell whose key made a pseudonym, without any list.
Risk        Groups of persons whose rows, all together, have the same quasi-identifiers, in this
            export and in those that the recipient has already (k-anonymity, Sweeney 2002; GB/T
            37964-2019 calls the measure by group size as well).
Mark        The last four digits of each amount, by HMAC under the export's key. They survive
            sorting, cutting and copying, and are lost where amounts are rounded or dropped.
"""

import base64
import hmac
import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Any, Final

from counterfoil.privacy.alias import Aliases
from counterfoil.privacy.export_plan import MARK_RANGE, Column, Dataset, How
from counterfoil.privacy.masking import mask_free_text

_BODY_LENGTH: Final = 16
_TAG_LENGTH: Final = 4
_PSEUDONYM_LENGTH: Final = _BODY_LENGTH + _TAG_LENGTH
_PPM: Final = 1_000_000
#: A spreadsheet takes a cell that begins so for a formula.
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
#: Shown for what is not known.
UNKNOWN: Final = ""
#: Recipients whose aliases are kept at hand while their files are made.
_aliases: Final = lru_cache(8)(Aliases)


@dataclass(frozen=True, slots=True, kw_only=True)
class Keys:
    """The two keys of one export."""

    #: Of the recipient: the same in each of its exports.
    recipient: bytes
    #: Of this export alone.
    mark: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Risk:
    """How well somebody could be found again by the quasi-identifiers."""

    rows: int
    persons: int
    groups: int
    #: Persons in the smallest group; 0 where there is no row.
    smallest: int
    #: Groups with fewer persons than the least size, and the rows in them.
    small_groups: int
    small_rows: int
    #: Share of rows whose group is one person alone, in ppm.
    unique_ppm: int


#: Quasi-identifiers by which a recipient knows persons already, by their pseudonyms.
Known = Mapping[str, frozenset[tuple[str, ...]]]
_NOTHING: Final[Known] = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """Rows as they would leave."""

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    risk: Risk
    #: Texts in which a number was hidden.
    texts_hidden: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """How far a sample's digits are those of one export."""

    cells: int
    matched: int

    @property
    def chance_log10(self) -> float:
        """Return the power of ten of the chance that so many digits are right by accident.

        An upper bound: C(n, m) of the m cells that match among n, each right once in 10,000.
        """
        if not self.matched:
            return 0.0
        n, m = self.cells, self.matched
        ways = math.lgamma(n + 1) - math.lgamma(m + 1) - math.lgamma(n - m + 1)
        return min(0.0, ways / math.log(10) - m * math.log10(MARK_RANGE))


def pseudonym(key: bytes, kind: str, number: int) -> str:
    """Return the pseudonym of a record for the holder of a key's files."""
    body = _letters(key, f"id\0{kind}\0{number}", _BODY_LENGTH)
    return body + _letters(key, f"tag\0{body}", _TAG_LENGTH)


def is_made_by(key: bytes, text: str) -> bool:
    """Return whether a recipient's key made a pseudonym; right by chance once in a million."""
    body, tag = text[:_BODY_LENGTH], text[_BODY_LENGTH:]
    return len(text) == _PSEUDONYM_LENGTH and hmac.compare_digest(
        tag.encode(), _letters(key, f"tag\0{body}", _TAG_LENGTH).encode()
    )


def mark_of(key: bytes, column: str, person: str) -> int:
    """Return the digits that an export gives to a column of a person's rows, 0 to 9,999."""
    digest = hmac.digest(key, f"mark\0{column}\0{person}".encode(), "sha256")
    return int.from_bytes(digest[:8]) % MARK_RANGE


def prepare(dataset: Dataset, records: Iterable[Mapping[str, Any]], keys: Keys) -> Prepared:
    """Return records as rows for a recipient, in the order of their pseudonyms.

    Every record has the members that the plan names; None is unknown. The least group size is
    not applied yet: `measure` and `without_small` do.
    """
    hidden = 0
    rows = []
    for record in records:
        person = pseudonym(keys.recipient, "customer", record["customer_id"])
        row = tuple(_cell(column, record, keys, person) for column in dataset.columns)
        hidden += sum(_hides(column, record) for column in dataset.columns)
        rows.append(row)
    rows.sort()
    return Prepared(
        header=tuple(column.name for column in dataset.columns),
        rows=tuple(rows),
        risk=measure(dataset, rows, least=1),
        texts_hidden=hidden,
    )


def known_by(dataset: Dataset, rows: Iterable[tuple[str, ...]]) -> Known:
    """Return the quasi-identifiers of all rows of each person, by the person's pseudonym."""
    found: dict[str, set[tuple[str, ...]]] = defaultdict(set)
    for row in rows:
        found[row[0]].add((dataset.code, *_key(dataset, row)))
    return {person: frozenset(values) for person, values in found.items()}


def joined(*known: Known) -> Known:
    """Return what a recipient knows by several exports together."""
    persons = {person for one in known for person in one}
    return {
        person: frozenset().union(*(one.get(person, frozenset()) for one in known))
        for person in persons
    }


def measure(
    dataset: Dataset, rows: Sequence[tuple[str, ...]], *, least: int, already: Known = _NOTHING
) -> Risk:
    """Return the risk that is left in rows, by a least number of persons in a group.

    `already` is what the recipient has of earlier exports, which the pseudonyms join to these.
    """
    groups = _groups(dataset, rows, already)
    sizes = {key: len({row[0] for row in found}) for key, found in groups.items()}
    small = [key for key, size in sizes.items() if size < least]
    alone = sum(len(groups[key]) for key, size in sizes.items() if size == 1)
    return Risk(
        rows=len(rows),
        persons=len({row[0] for row in rows}),
        groups=len(groups),
        smallest=min(sizes.values(), default=0),
        small_groups=len(small),
        small_rows=sum(len(groups[key]) for key in small),
        unique_ppm=alone * _PPM // len(rows) if rows else 0,
    )


def without_small(
    dataset: Dataset, rows: Sequence[tuple[str, ...]], *, least: int, already: Known = _NOTHING
) -> list[tuple[str, ...]]:
    """Return rows without persons of groups under the least size; others stay as they were."""
    small = {
        row[0]
        for found in _groups(dataset, rows, already).values()
        if len({row[0] for row in found}) < least
        for row in found
    }
    return [row for row in rows if row[0] not in small]


def compare_mark(
    dataset: Dataset, header: Sequence[str], rows: Iterable[Sequence[str]], key: bytes
) -> Match:
    """Hold a sample's last digits against the marks of an export's key.

    Columns are found by their names; without the customer's pseudonym nothing can be compared.
    """
    places = {name: n for n, name in enumerate(header)}
    person_at = places.get(dataset.columns[0].name)
    marked = [
        (column.name, places[column.name])
        for column in dataset.columns
        if column.how is How.ABOUT and column.name in places
    ]
    cells = matched = 0
    if person_at is None:
        return Match(cells=0, matched=0)
    seen: set[tuple[str, str]] = set()
    for row in rows:
        for name, place in marked:
            # A person's rows carry the same digits: they are evidence once.
            if not row[place].isdigit() or (row[person_at], name) in seen:
                continue
            seen.add((row[person_at], name))
            cells += 1
            matched += int(row[place]) % MARK_RANGE == mark_of(key, name, row[person_at])
    return Match(cells=cells, matched=matched)


def _cell(column: Column, record: Mapping[str, Any], keys: Keys, person: str) -> str:
    value = record[column.source]
    if value is None:
        return UNKNOWN
    match column.how:
        case How.PSEUDONYM:
            return pseudonym(keys.recipient, column.name, value)
        case How.BAND:
            low = value // column.width * column.width
            return f"{low}-{low + column.width - 1}"
        case How.MONTH:
            return _month(value)
        case How.ABOUT:
            low = value // column.width * column.width
            return str(low + mark_of(keys.mark, column.name, person))
        case How.TEXT:
            # A record that is named in a text would be known by a number that everybody has.
            shown = _aliases(keys.recipient).give_out(mask_free_text(_text(value)))
            return _harmless(shown)
        case How.CODE | How.COUNT:
            return _harmless(mask_free_text(_text(value)))


def _hides(column: Column, record: Mapping[str, Any]) -> bool:
    text = _text(record[column.source])
    return column.how is How.TEXT and mask_free_text(text) != text


def _text(value: object) -> str:
    if value is None:
        return UNKNOWN
    return str(value).lower() if isinstance(value, bool) else str(value)


def _harmless(text: str) -> str:
    """Return a text that no spreadsheet takes for a formula."""
    return f"'{text}" if text.startswith(_FORMULA) else text


def _month(value: date) -> str:
    return f"{value.year:04}-{value.month:02}"


def _letters(key: bytes, text: str, length: int) -> str:
    digest = hmac.digest(key, text.encode(), "sha256")
    return base64.b32encode(digest).decode().lower()[:length]


def _key(dataset: Dataset, row: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(row[n] for n in dataset.quasi)


def _groups(
    dataset: Dataset, rows: Sequence[tuple[str, ...]], already: Known
) -> dict[frozenset[tuple[str, ...]], list[tuple[str, ...]]]:
    """Return rows by all that their persons are known by: a pseudonym joins a person's rows."""
    known = joined(known_by(dataset, rows), already)
    groups: dict[frozenset[tuple[str, ...]], list[tuple[str, ...]]] = defaultdict(list)
    for row in rows:
        groups[known[row[0]]].append(row)
    return groups
