"""The packs and the calendar that come with the program, read once.

Invariant   A pack that was locked does not change: its hash stands in `packs.lock`, and one that
            differs, is missing or stands in two files refuses all of them.
"""

import tomllib
from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Final

from counterfoil.kernel.calendar import WorkingDays
from counterfoil.rules.pack import PackError, RulePack, pack_in_force, read_pack, rule

#: The pack of an installation that names no other.
HOUSE_PACK: Final = "cn-2026-01"
LOCK_FILE: Final = "packs.lock"
_CALENDAR: Final = "working_days_cn.toml"


def load_packs(directory: Path | None = None) -> dict[str, RulePack]:
    """Return the packs of the program, and with a directory those of its folder as well, by id.

    Raises PackError with all faults of all files.
    """
    packs = dict(_shipped())
    if directory is not None and directory.is_dir():
        for found in _read(directory).values():
            known = packs.setdefault(found.pack_id, found)
            if known.sha256 != found.sha256:
                raise PackError(f"{found.pack_id} comes with the program and was changed")
    return packs


def pack_on(on: date) -> RulePack:
    """Return the house's pack in force on a date."""
    found = pack_in_force(_shipped(), HOUSE_PACK, on)
    assert found is not None, "the house's pack comes with the program"
    return found


def days_asked(name: str, *, on: date, licence: str = "*") -> int:
    """Return a number of days that the house's pack asks for, whatever the licence.

    Raises LookupError where the pack does not answer: a clock without a length does not run.
    """
    found = rule(pack_on(on), name, on=on, licence=licence)
    if found is None:
        raise LookupError(f"{pack_on(on).reference} does not say {name} on {on}")
    return found.value


@cache
def working_days() -> WorkingDays:
    """Return the public holidays and the weekends that were declared working, with their years."""
    source = resources.files("counterfoil.rules") / _CALENDAR
    document = tomllib.loads(source.read_text(encoding="utf-8"))
    closed: set[date] = set()
    working: set[date] = set()
    years = document["years"]
    for year in years:
        for span in year["closed"]:
            closed.update(_days_of(span["from"], span["to"]))
        working.update(year["working"])
    return WorkingDays(
        closed=frozenset(closed),
        working=frozenset(working),
        years=frozenset(year["year"] for year in years),
    )


def _days_of(first: date, last: date) -> Iterable[date]:
    return (first + timedelta(days=number) for number in range((last - first).days + 1))


@cache
def _shipped() -> Mapping[str, RulePack]:
    folder = resources.files("counterfoil.rules")
    packs = _read(folder)
    locked = dict(
        line.split(" ") for line in (folder / LOCK_FILE).read_text(encoding="utf-8").splitlines()
    )
    if locked != {pack_id: pack.sha256 for pack_id, pack in packs.items()}:
        raise PackError(f"{LOCK_FILE} does not name the packs as they are; make a new pack instead")
    return packs


def _read(folder: Traversable) -> dict[str, RulePack]:
    packs: dict[str, RulePack] = {}
    faults = []
    for entry in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if not entry.name.endswith(".toml") or entry.name == _CALENDAR:
            continue
        try:
            found = read_pack(entry.read_text(encoding="utf-8"))
        except PackError as error:
            faults += [f"{entry.name}: {line}" for line in str(error).splitlines()]
            continue
        if found.pack_id in packs:
            faults.append(f"{entry.name}: pack.id: {found.pack_id} stands in two files")
        packs[found.pack_id] = found
    if faults:
        raise PackError("\n".join(faults))
    return packs
