"""One version of a template: where and when it holds, and its two texts.

Form        Three files: `template.toml`, `zh.md` and `en.md`. As a document they are one text of
            canonical JSON, kept and approved under its SHA-256.
Invariant   A version is read whole or not at all, and every fault is named with file, place and
            reason. Both languages have the same clauses and use the same variables. Nothing in the
            files says that anybody approved them: that is a publication (`template_store.py`).
"""

import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from hashlib import sha256
from typing import Any, Final

import orjson

from counterfoil.contracts.document import SHAPES, Kind, Words
from counterfoil.contracts.text import Fault, Text, faults_of_use, headings, parse
from counterfoil.kernel.language import Language
from counterfoil.kernel.toml import parse_toml

META_FILE: Final = "template.toml"
#: The files that make a version.
FILES: Final = (META_FILE, *(f"{language}.md" for language in Language))
_CODE: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")


class Authentication(StrEnum):
    """How sure the channel is of who is there; the order is that of rising certainty."""

    LOW = "low"
    SUBSTANTIAL = "substantial"
    HIGH = "high"

    def reaches(self, least: "Authentication") -> bool:
        """Return whether this is at least as sure as another."""
        ranks = list(Authentication)
        return ranks.index(self) >= ranks.index(least)


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """What is wrong with a template, and where."""

    file: str
    place: str
    reason: str

    def __str__(self) -> str:
        """Return one line for the person who wrote the file."""
        return f"{self.file}: {self.place}: {self.reason}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """A version of a template."""

    code: str
    version: int
    kind: Kind
    effective_from: date
    #: From this day on nothing new is made from it; None while it has no end.
    retired_on: date | None
    #: The lender of record of what is made from it.
    lender_id: str
    products: tuple[str, ...]
    #: How sure the channel has to be of who signs.
    authentication_least: Authentication
    #: Days between the notice of this version and its effect on running agreements.
    notice_days: int
    #: Words for codes, by family and code.
    words: Mapping[str, Mapping[str, Words]]
    texts: Mapping[Language, Text]
    #: SHA-256 of its document, in hexadecimal digits.
    content_sha256: str

    @property
    def name(self) -> str:
        """Return code and version."""
        return f"{self.code} {self.version}"

    @property
    def ref(self) -> str:
        """Return code and version as documents name it."""
        return f"{self.code}/{self.version}"

    def holds_on(self, on: date) -> bool:
        """Return whether something new may be made from it on a date."""
        if on < self.effective_from:
            return False
        return self.retired_on is None or on < self.retired_on


def read_template(folder: str, files: Mapping[str, bytes]) -> Template | list[Problem]:
    """Return the version that a directory's files make, or everything that is wrong with them."""
    problems: list[Problem] = []
    meta_file = f"{folder}/{META_FILE}"
    meta = _meta(meta_file, files.get(META_FILE), problems)
    values = _values(meta_file, meta, problems)
    words = _words(meta_file, meta.get("words", {}), problems)
    texts = {
        language: text
        for language in Language
        if (text := _text(f"{folder}/{language}.md", files, language, problems)) is not None
    }
    kind = values.get("kind")
    if isinstance(kind, Kind) and len(texts) == len(Language):
        problems += _faults_of_texts(folder, kind, texts)
    if problems:
        return sorted(problems)
    digest = sha256(document_of(files)).hexdigest()
    return Template(**values, words=words, texts=texts, content_sha256=digest)


def document_of(files: Mapping[str, bytes]) -> bytes:
    """Return the files of a version that can be read as one document, to the byte."""
    return orjson.dumps({name: files[name].decode() for name in FILES}, option=orjson.OPT_SORT_KEYS)


def files_of(document: bytes) -> dict[str, bytes]:
    """Return the files of a document that `document_of` has made."""
    return {name: text.encode() for name, text in orjson.loads(document).items()}


def _meta(file: str, content: bytes | None, problems: list[Problem]) -> dict[str, Any]:
    if content is None:
        problems.append(Problem(file, "file", "is missing"))
        return {}
    try:
        return parse_toml(content.decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        problems.append(Problem(file, "file", f"is not TOML: {error}"))
        return {}


def _text(
    file: str, files: Mapping[str, bytes], language: Language, problems: list[Problem]
) -> Text | None:
    content = files.get(f"{language}.md")
    if content is None:
        problems.append(Problem(file, "file", "is missing"))
        return None
    try:
        parsed = parse(content.decode())
    except UnicodeDecodeError:
        problems.append(Problem(file, "file", "is not UTF-8"))
        return None
    if isinstance(parsed, Text):
        return parsed
    problems += [Problem(file, fault.place, fault.reason) for fault in parsed]
    return None


def _faults_of_texts(folder: str, kind: Kind, texts: Mapping[Language, Text]) -> list[Problem]:
    problems: list[Problem] = []
    has_record = kind is Kind.CREDIT_AGREEMENT
    for language, text in texts.items():
        file = f"{folder}/{language}.md"
        faults = faults_of_use(text.document, SHAPES[kind], "document")
        if has_record:
            faults += faults_of_use(text.record, SHAPES[Kind.SIGNING_RECORD], "signing record")
        elif text.record:
            faults.append(Fault("signing record", "only an agreement has one"))
        problems += [Problem(file, fault.place, fault.reason) for fault in faults]
    counts = {language: headings(text.document) for language, text in texts.items()}
    if len(set(counts.values())) > 1:
        told = ", ".join(f"{language} has {count}" for language, count in counts.items())
        problems.append(Problem(folder, "clauses", f"are not the same in both languages: {told}"))
    return problems


# -------------------------------------------------------------------------------------- values


class _ValueFaultError(Exception):
    """A value of the file is not what its key takes."""


def _values(file: str, meta: Mapping[str, Any], problems: list[Problem]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    given = meta.get("meta", {})
    unread = (set(meta) - {"meta", "words"}) | (set(given) - set(_KEYS))
    problems += [Problem(file, key, "nobody reads this key") for key in sorted(unread)]
    for key, read in _KEYS.items():
        try:
            found[key] = read(given.get(key))
        except _ValueFaultError as fault:
            problems.append(Problem(file, f"meta.{key}", str(fault)))
    begins, ends = found.get("effective_from"), found.get("retired_on")
    if begins is not None and ends is not None and ends <= begins:
        problems.append(Problem(file, "meta.retired_on", "is not after the day it begins"))
    return found


def _code(value: Any) -> str:
    if not isinstance(value, str) or not _CODE.fullmatch(value):
        raise _ValueFaultError("is no code of small letters, digits and hyphens")
    return value


def _codes(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not value:
        raise _ValueFaultError("is a list of at least one code")
    return tuple(_code(item) for item in value)


def _whole(least: int) -> Callable[[Any], int]:
    def read(value: Any) -> int:
        if type(value) is not int or value < least:
            raise _ValueFaultError(f"is a whole number of at least {least}")
        return value

    return read


def _day(value: Any) -> date:
    if type(value) is not date:
        raise _ValueFaultError("is a date such as 2026-01-31")
    return value


def _one_of(kinds: type[StrEnum]) -> Callable[[Any], Any]:
    def read(value: Any) -> Any:
        try:
            return kinds(value)
        except ValueError:
            raise _ValueFaultError(f"is one of {', '.join(kinds)}") from None

    return read


def _day_or_none(value: Any) -> date | None:
    return None if value is None else _day(value)


_KEYS: Final[Mapping[str, Callable[[Any], Any]]] = {
    "code": _code,
    "version": _whole(1),
    "kind": _one_of(Kind),
    "effective_from": _day,
    "retired_on": _day_or_none,
    "lender_id": _code,
    "products": _codes,
    "authentication_least": _one_of(Authentication),
    "notice_days": _whole(0),
}


def _words(
    file: str, families: Mapping[str, Any], problems: list[Problem]
) -> dict[str, dict[str, Words]]:
    found: dict[str, dict[str, Words]] = {}
    for family, entries in families.items():
        found[family] = {}
        for code, entry in entries.items() if isinstance(entries, dict) else ():
            zh, en = (entry.get("zh"), entry.get("en")) if isinstance(entry, dict) else ("", "")
            if not zh or not en or not isinstance(zh, str) or not isinstance(en, str):
                place = f"words.{family}.{code}"
                problems.append(Problem(file, place, "needs words in both languages"))
                continue
            found[family][code] = Words(en, zh)
    return found
