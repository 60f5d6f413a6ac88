"""One file of scenes: its keys, what each may say, and the scenes it comes to.

Invariant   A file is read whole or not at all; every fault is named with its key and its reason,
            all of them at once. A key that nobody reads is a fault. What holds has two names under
            it, of two persons.
Units       Minor units of the file's currency; shares in parts per million.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from difflib import get_close_matches
from typing import Any, Final

from counterfoil.kernel.money import AMOUNT_MINOR_MAX, EXPONENTS
from counterfoil.lending.product_file import Problem
from counterfoil.lending.product_values import (
    WORD,
    FaultError,
    Parse,
    matching,
    one_of,
    read_day,
    read_flag,
    read_tenors,
    read_text,
    some,
    whole,
)
from counterfoil.lending.scene import CASH, Scene

DRAFT: Final = "draft"
EFFECTIVE: Final = "effective"
#: More kinds of papers nobody brings for one purchase.
PAPERS_MAX: Final = 10

_VERSION: Final = re.compile(r"[a-z0-9][a-z0-9.-]{0,31}")
_DAYS_MAX: Final = 365
_LOANS_MAX: Final = 1_000_000
_ONE_PPM: Final = 1_000_000

#: What a file says of itself.
META: Final[Mapping[str, Parse]] = {
    "version": matching(_VERSION, "2026-02"),
    "state": one_of((DRAFT, EFFECTIVE)),
    "author": read_text,
    "approver": read_text,
    "effective_from": read_day,
    "currency": one_of(EXPONENTS),
}
#: What it says of each scene.
KEYS: Final[Mapping[str, Parse]] = {
    "name_zh": read_text,
    "name_en": read_text,
    "purposes": some(matching(WORD, "travel")),
    "limit_minor": whole(1, AMOUNT_MINOR_MAX),
    "tenors_months": read_tenors,
    "late_days": whole(1, _DAYS_MAX),
    "late_ppm_max": whole(0, _ONE_PPM),
    "loans_min": whole(1, _LOANS_MAX),
    "documents": some(matching(WORD, "booking")),
    "ahead_ppm": whole(1, _ONE_PPM),
    "needs_licence": read_flag,
    "cooling_off_days": whole(0, _DAYS_MAX),
    "protects_students": read_flag,
    "cancelled_refund_ppm": whole(0, _ONE_PPM),
    "refund_days": whole(0, _DAYS_MAX),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SceneVersion:
    """One version of the rules of all scenes."""

    version: str
    state: str
    effective_from: date
    scenes: Mapping[str, Scene]
    file: str


def read_scenes(file: str, document: Mapping[str, Any]) -> SceneVersion | list[Problem]:
    """Return the version of a parsed file, or everything that is wrong with it."""
    problems: list[Problem] = []
    meta = _values(file, "meta", document.get("meta"), META, problems)
    tables = document.get("scenes")
    if not isinstance(tables, dict) or not tables:
        problems.append(Problem(file, "scenes", "names no scene"))
        tables = {}
    problems += [
        Problem(file, key, "is neither meta nor scenes")
        for key in document
        if key not in {"meta", "scenes"}
    ]
    values = {
        code: _values(file, f"scenes.{code}", item, KEYS, problems) for code, item in tables.items()
    }
    problems += [Problem(file, key, reason) for key, reason in _contradictions(meta, values)]
    if problems:
        return sorted(problems)
    return SceneVersion(
        version=meta["version"],
        state=meta["state"],
        effective_from=meta["effective_from"],
        scenes={
            code: Scene(code=code, version=meta["version"], currency=meta["currency"], **item)
            for code, item in values.items()
        },
        file=file,
    )


def _values(
    file: str, place: str, table: Any, keys: Mapping[str, Parse], problems: list[Problem]
) -> dict[str, Any]:
    """Return what a table says by key; what is wrong with it goes to the problems."""
    if not isinstance(table, dict):
        problems.append(Problem(file, place, "is no table"))
        return {}
    found: dict[str, Any] = {}
    problems += [
        Problem(file, f"{place}.{key}", _unknown(key, keys)) for key in table.keys() - keys
    ]
    for key, parse in keys.items():
        # A draft waits for its second person.
        if key == "approver" and key not in table and table.get("state") == DRAFT:
            continue
        try:
            found[key] = _value(table, key, parse)
        except FaultError as fault:
            problems.append(Problem(file, f"{place}.{key}", str(fault)))
    return found


def _value(table: Mapping[str, Any], key: str, parse: Parse) -> Any:
    if key not in table:
        raise FaultError("is missing")
    return parse(table[key], "")


def _unknown(key: str, keys: Mapping[str, Parse]) -> str:
    near = get_close_matches(key, keys, n=1)
    return f"is not a key; did you mean {near[0]}?" if near else "is not a key of a scene"


def _contradictions(
    meta: Mapping[str, Any], scenes: Mapping[str, Mapping[str, Any]]
) -> Iterable[tuple[str, str]]:
    """Return key and reason of what does not go together."""
    author, approver = (str(meta.get(name, name)).strip() for name in ("author", "approver"))
    if author.casefold() == approver.casefold():
        yield "meta.approver", "has to be somebody else than meta.author"
    seen: dict[str, str] = {}
    for code, item in scenes.items():
        if code == CASH:
            yield f"scenes.{code}", "is what has no rules of its own"
        elif not WORD.fullmatch(code):
            yield f"scenes.{code}", "is not written like 'home_goods'"
        if len(item.get("documents", ())) > PAPERS_MAX:
            yield f"scenes.{code}.documents", f"has to be a list of at most {PAPERS_MAX}"
        for purpose in item.get("purposes", ()):
            if purpose in seen:
                yield f"scenes.{code}.purposes", f"{purpose} is of {seen[purpose]} already"
            seen.setdefault(purpose, code)
