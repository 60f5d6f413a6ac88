"""The rules of scenes, in every version: those of the program, and an installation's own.

Which       On a date an installation's own version that began last holds; where it has none that
            holds yet, the program's. A purchase keeps the version under which it was recorded, so
            the program's versions stay known beside an installation's own.
Invariant   The versions are loaded whole or refused whole, with every fault of every file. One that
            is effective is locked by the hash of its content: changed, missing or sent back to a
            draft, it refuses them all.
"""

import hashlib
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from functools import lru_cache
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, Final

import orjson

from counterfoil.kernel.toml import parse_toml
from counterfoil.lending.product_file import Problem
from counterfoil.lending.scene import Scene
from counterfoil.lending.scene_file import EFFECTIVE, SceneVersion, read_scenes

LOCK_FILE: Final = "effective.lock"


class ScenesError(Exception):
    """Files of scenes are refused; the message lists every fault, a line each."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        """Keep the faults for whoever shows them."""
        super().__init__("\n".join(map(str, problems)))
        self.problems = tuple(problems)


class Scenes:
    """Scenes by version; drafts are read and checked, and hold for nothing."""

    __slots__ = ("_own", "_shipped")

    def __init__(self, shipped: Iterable[SceneVersion], own: Iterable[SceneVersion] = ()) -> None:
        """Take the program's versions and an installation's own."""
        self._shipped, self._own = _ordered(shipped), _ordered(own)

    def current(self, on: date) -> Mapping[str, Scene]:
        """Return the scenes that hold for what is new on a date, by code."""
        for versions in (self._own, self._shipped):
            holding = [one for one in versions if one.effective_from <= on]
            if holding:
                return holding[-1].scenes
        return {}

    def as_of(self, version: str, code: str) -> Scene:
        """Return a scene as it stood when a purchase was recorded; KeyError where it never did."""
        return {one.version: one for one in self.versions()}[version].scenes[code]

    def last(self, code: str) -> Scene | None:
        """Return a scene as the last version knows it that has it; None where none has."""
        found = [one.scenes[code] for one in self.versions() if code in one.scenes]
        return found[-1] if found else None

    def versions(self) -> tuple[SceneVersion, ...]:
        """Return every version that holds or held, the program's first, each kind by its day."""
        return (*self._shipped, *self._own)


def load_scenes(directory: Path | None = None) -> Scenes:
    """Return the program's scenes, and with a directory those of its files as well.

    Raises ScenesError with all faults of all files.
    """
    shipped = _shipped()
    if directory is None or not directory.is_dir():
        return Scenes(version for version, _ in shipped.values())
    found, problems = _read(directory)
    locked, faults = _locked(directory)
    problems += faults + _unlocked(found, locked) + _twice(found.values())
    for version, (one, digest) in found.items():
        if version in shipped and shipped[version][1] != digest:
            reason = f"{version} comes with the program and says otherwise; name yours differently"
            problems.append(Problem(one.file, "meta.version", reason))
    if problems:
        raise ScenesError(sorted(set(problems)))
    # A copy of what comes with the program is no version of one's own.
    return Scenes(
        (version for version, _ in shipped.values()),
        (one for version, (one, _) in found.items() if version not in shipped),
    )


def lock_scenes(directory: Path) -> list[str]:
    """Add the effective versions that are not locked yet; return their names.

    A version that is locked already keeps its hash: a change of it stays a fault.
    """
    found, problems = _read(directory)
    locked, faults = _locked(directory)
    if problems := problems + faults:
        raise ScenesError(sorted(problems))
    added = {
        version: digest
        for version, (one, digest) in found.items()
        if one.state == EFFECTIVE and version not in locked
    }
    lines = [f"{name} {digest}\n" for name, digest in sorted((locked | added).items())]
    (directory / LOCK_FILE).write_text("".join(lines), encoding="utf-8")
    return [f"scenes {name}" for name in sorted(added)]


# ----------------------------------------------------------------------------------- reading

#: Versions by name, each with the hash of its content.
_Found = dict[str, tuple[SceneVersion, str]]


@lru_cache(maxsize=1)
def _shipped() -> _Found:
    folder = resources.files("counterfoil.lending") / "scenes"
    found, problems = _read(folder)
    locked, faults = _locked(folder)
    problems += faults + _unlocked(found, locked)
    if problems:
        raise ScenesError(sorted(problems))
    return found


def _read(folder: Traversable) -> tuple[_Found, list[Problem]]:
    found: _Found = {}
    problems: list[Problem] = []
    for entry in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if not entry.name.endswith(".toml"):
            continue
        try:
            document = parse_toml(entry.read_text(encoding="utf-8"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            problems.append(Problem(entry.name, "file", f"is not TOML: {error}"))
            continue
        outcome = read_scenes(entry.name, document)
        if isinstance(outcome, list):
            problems += outcome
        elif outcome.version in found:
            reason = f"{outcome.version} stands in {found[outcome.version][0].file}, too"
            problems.append(Problem(entry.name, "meta.version", reason))
        else:
            found[outcome.version] = (outcome, _content_hash(document))
    return found, problems


def _content_hash(document: Mapping[str, Any]) -> str:
    """Return the SHA-256 of what a version promises: all keys but its state."""
    meta = {key: value for key, value in document["meta"].items() if key != "state"}
    canonical = orjson.dumps({**document, "meta": meta}, option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(canonical).hexdigest()


def _ordered(versions: Iterable[SceneVersion]) -> tuple[SceneVersion, ...]:
    effective = [one for one in versions if one.state == EFFECTIVE]
    return tuple(sorted(effective, key=lambda one: (one.effective_from, one.version)))


def _twice(found: Iterable[tuple[SceneVersion, str]]) -> list[Problem]:
    """Refuse two versions that begin on one day."""
    seen: dict[date, str] = {}
    problems = []
    for one in (one for one, _ in found if one.state == EFFECTIVE):
        other = seen.setdefault(one.effective_from, one.version)
        if other != one.version:
            reason = f"is that of version {other}, too"
            problems.append(Problem(one.file, "meta.effective_from", reason))
    return problems


def _unlocked(found: _Found, locked: Mapping[str, str]) -> list[Problem]:
    """Refuse effective versions that changed, that nobody locked, or that are gone."""
    problems = []
    for version, (one, _) in found.items():
        if one.state == EFFECTIVE and version not in locked:
            reason = f"{version} is effective but not in {LOCK_FILE}"
            problems.append(Problem(one.file, "meta.state", reason))
    for version, digest in locked.items():
        if version not in found:
            reason = "is locked, but no file that can be read holds it"
            problems.append(Problem(LOCK_FILE, version, reason))
            continue
        one, content = found[version]
        if one.state != EFFECTIVE:
            reason = f"{version} was effective and cannot be {one.state} again"
            problems.append(Problem(one.file, "meta.state", reason))
        elif content != digest:
            reason = f"{version} is effective and was changed; make a new version instead"
            problems.append(Problem(one.file, "meta.version", reason))
    return problems


def _locked(folder: Traversable) -> tuple[dict[str, str], list[Problem]]:
    """Return the locked hashes by version."""
    source = folder / LOCK_FILE
    locked: dict[str, str] = {}
    problems: list[Problem] = []
    lines = source.read_text(encoding="utf-8").splitlines() if source.is_file() else []
    for number, line in enumerate(lines, start=1):
        version, _, digest = line.rpartition(" ")
        if not version or len(digest) != hashlib.sha256().digest_size * 2 or version in locked:
            problems.append(
                Problem(LOCK_FILE, f"line {number}", "is not `version sha256`, or stands twice")
            )
        locked[version] = digest
    return locked, problems
