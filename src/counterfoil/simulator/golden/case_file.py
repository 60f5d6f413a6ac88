"""The case file: a JSON object with a list of cases, each with inputs and expected figures."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

#: A JSON value whose shape depends on the family of the case.
Json = Any

#: Cases in one file; a file beyond it is not a case file.
CASES_MAX = 100_000


class UnreadableCaseFile(Exception):  # noqa: N818 - the message is for the person who named the file
    """The file cannot be read as loan cases; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One case: what went in and what is to come out."""

    id: str
    inputs: Mapping[str, Json]
    expected: Mapping[str, Json]
    #: Names of the conventions the case was recorded under.
    conventions: Sequence[str]


def read_cases(path: Path) -> list[Case]:
    """Return the cases of a file, or raise `UnreadableCaseFile`."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        # Half of a surrogate pair is no text: it could be said in no answer.
        json.dumps(document, ensure_ascii=False).encode()
    except OSError as error:
        reason = error.strerror or "the file cannot be opened"
        raise UnreadableCaseFile(f"{path}: {reason}") from error
    except (ValueError, RecursionError) as error:
        # Python's own limit on the digits of an integer is a plain `ValueError`.
        raise UnreadableCaseFile(f"{path}: not JSON ({error})") from error
    entries = document.get("cases") if isinstance(document, dict) else document
    if not isinstance(entries, list) or not entries or len(entries) > CASES_MAX:
        raise UnreadableCaseFile(f"{path}: no list of cases under the key 'cases'")
    return [_case(path, number, entry) for number, entry in enumerate(entries, start=1)]


def _case(path: Path, number: int, entry: Json) -> Case:
    """Return one entry as a case."""
    if not isinstance(entry, dict):
        raise UnreadableCaseFile(f"{path}: case {number} is not an object")
    identifier = entry.get("id")
    if not isinstance(identifier, str) or not identifier:
        raise UnreadableCaseFile(f"{path}: case {number} has no id")
    for key in ("inputs", "expected"):
        if not isinstance(entry.get(key), dict):
            raise UnreadableCaseFile(f"{path}: case {identifier} has no object {key!r}")
    conventions = entry.get("conventions", [])
    if not isinstance(conventions, list):
        raise UnreadableCaseFile(f"{path}: case {identifier} has conventions that are no list")
    return Case(
        id=identifier,
        inputs=cast("dict[str, Json]", entry["inputs"]),
        expected=cast("dict[str, Json]", entry["expected"]),
        conventions=[str(name) for name in conventions],
    )
