"""Notices as they are written: read strictly, complete in every language, held to their word.

Invariant   The notices are loaded whole or refused whole, with every fault of every file. A version
            that is effective is locked by the hash of its content: changed, missing or sent back
            to a draft, it refuses all. Only the last day on which it is shown may still be set.
"""

import hashlib
import re
import tomllib
import unicodedata
from collections.abc import Iterable, Mapping
from datetime import date
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, Final

import orjson

from counterfoil.consents.notice import (
    BANNED_KINDS,
    DATA_KINDS,
    LANGUAGES,
    PARTS,
    RESTRICTED_KINDS,
    WARNING,
    Level,
    Notice,
    Notices,
    NoticeText,
    Party,
    Scope,
    UseKind,
)
from counterfoil.kernel.shipped import shipped_once
from counterfoil.kernel.toml import parse_toml
from counterfoil.rules.shelf import days_asked

LOCK_FILE: Final = "effective.lock"
PARTIES_FILE: Final = "parties.toml"
_CODE: Final = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_PURPOSE: Final = re.compile(r"[a-z][a-z_]*(:[a-z][a-z0-9-]*)?")
_STATES: Final = ("draft", "effective")
#: What of an effective version may still change: that it ends.
_MAY_CHANGE: Final = ("valid_to",)
_DAYS_MAX: Final = 3_660
_READING_SECONDS_MAX: Final = 600
_TEXT_MAX: Final = 2_000
#: What only a party has whom consents are given to.
_CONTROLLER_FIELDS: Final = ("withdraw_uri", "status_lists_uri")
_MS: Final = 1_000


class NoticesError(Exception):
    """Notice files are refused; the message lists every fault, a line each."""

    def __init__(self, faults: Iterable[str]) -> None:
        """Keep the faults for whoever shows them."""
        self.faults = tuple(sorted(set(faults)))
        super().__init__("\n".join(self.faults))


class _Faults:
    """Collects what is wrong with one file, and reads its values."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.found: list[str] = []

    def add(self, place: str, reason: str) -> None:
        self.found.append(f"{self.file}: {place} {reason}")

    def table(self, document: Mapping[str, Any], key: str, known: Iterable[str]) -> dict[str, Any]:
        """Return a table; keys that nobody reads are faults."""
        found = document.get(key)
        if not isinstance(found, dict):
            self.add(key, "is not a table")
            return {}
        for name in sorted(set(found) - set(known)):
            self.add(f"{key}.{name}", "is not a key of this table")
        return found

    def text(self, table: Mapping[str, Any], place: str, *, default: str | None = None) -> str:
        """Return a text in NFC of at most so many characters, without blanks around it."""
        value = table.get(place.rpartition(".")[2], default)
        if value == "" and default == "":
            return ""
        if not isinstance(value, str) or not 0 < len(value) <= _TEXT_MAX:
            self.add(place, f"is not a text of 1 to {_TEXT_MAX} characters")
            return ""
        if value != unicodedata.normalize("NFC", value) or value != value.strip():
            self.add(place, "is not in its normal form")
        return value

    def whole(self, table: Mapping[str, Any], place: str, least: int, most: int) -> int:
        """Return a whole number in a range."""
        value = table.get(place.rpartition(".")[2])
        if type(value) is not int or not least <= value <= most:
            self.add(place, f"is not a whole number from {least} to {most}")
            return least
        return value

    def texts(self, table: Mapping[str, Any], place: str) -> frozenset[str]:
        """Return a list of different texts."""
        value = table.get(place.rpartition(".")[2])
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            self.add(place, "is not a list of texts")
            return frozenset()
        if len(set(value)) != len(value):
            self.add(place, "names something twice")
        return frozenset(value)


@shipped_once
def load_notices(directory: Path | None = None) -> Notices:
    """Return the notices of a directory, or those that come with the program.

    Raises NoticesError with all faults of all files.
    """
    folder = _folder(directory)
    documents, faults = _documents(folder)
    parties = _parties(documents.pop(PARTIES_FILE, {}), faults)
    read = _notices(documents, parties, faults)
    _check_lock(documents, read, _locked(folder, faults), faults)
    _check_purposes(read.values(), faults)
    if faults:
        raise NoticesError(faults)
    effective = [notice for notice, is_effective in read.values() if is_effective]
    return Notices(effective, parties)


def lock_notices(directory: Path) -> list[str]:
    """Add the effective versions that are not locked yet; return their names.

    A version that is locked already keeps its hash: a change of it stays a fault.
    """
    documents, faults = _documents(directory)
    parties = _parties(documents.pop(PARTIES_FILE, {}), faults)
    read = _notices(documents, parties, faults)
    locked = _locked(directory, faults)
    if faults:
        raise NoticesError(faults)
    added = {
        _name(notice): content_hash(documents[file], notice)
        for file, (notice, is_effective) in read.items()
        if is_effective and _name(notice) not in locked
    }
    lines = [f"{name} {digest}\n" for name, digest in sorted((locked | added).items())]
    (directory / LOCK_FILE).write_text("".join(lines), encoding="utf-8")
    return sorted(added)


def content_hash(document: Mapping[str, Any], notice: Notice) -> str:
    """Return the SHA-256 of what a version asks and of its exact texts in each language."""
    meta = {key: value for key, value in document["meta"].items() if key not in _MAY_CHANGE}
    texts = {language: text.sha256.hex() for language, text in notice.texts.items()}
    content = {**document, "meta": meta, "texts": texts}
    return hashlib.sha256(orjson.dumps(content, option=orjson.OPT_SORT_KEYS)).hexdigest()


# ----------------------------------------------------------------------------------- reading


def _folder(directory: Path | None) -> Traversable:
    return (
        directory
        if directory is not None
        else resources.files("counterfoil.consents") / ("notices")
    )


def _documents(folder: Traversable) -> tuple[dict[str, dict[str, Any]], list[str]]:
    """Return the parsed files of a folder by name, and what cannot be parsed."""
    documents: dict[str, dict[str, Any]] = {}
    faults: list[str] = []
    for entry in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if entry.name.endswith(".toml"):
            try:
                documents[entry.name] = parse_toml(entry.read_text(encoding="utf-8"))
            except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
                faults.append(f"{entry.name}: is not TOML: {error}")
    return documents, faults


def _parties(document: Mapping[str, Any], faults: list[str]) -> dict[str, Party]:
    reader = _Faults(PARTIES_FILE)
    fields = ("legal_id", "role", "name_zh", "name_en", "address", "contact", "jurisdiction")
    parties = {}
    for code in document:
        table = reader.table(document, code, (*fields, *_CONTROLLER_FIELDS))
        texts = {name: reader.text(table, f"{code}.{name}") for name in fields}
        more = {
            name: reader.text(table, f"{code}.{name}", default="") for name in _CONTROLLER_FIELDS
        }
        parties[code] = Party(code=code, **texts, **more)
    if len({party.legal_id for party in parties.values()}) != len(parties):
        reader.add("legal_id", "stands twice")
    faults += reader.found
    return parties


def _notices(
    documents: Mapping[str, Mapping[str, Any]], parties: Mapping[str, Party], faults: list[str]
) -> dict[str, tuple[Notice, bool]]:
    """Return the notices by file, each with whether it is effective."""
    read: dict[str, tuple[Notice, bool]] = {}
    names: set[str] = set()
    for file, document in documents.items():
        reader = _Faults(file)
        found = _notice(document, parties, reader)
        faults += reader.found
        if not reader.found:
            if _name(found[0]) in names:
                faults.append(f"{file}: {_name(found[0])} stands in more than one file")
            names.add(_name(found[0]))
            read[file] = found
    return read


def _notice(
    document: Mapping[str, Any], parties: Mapping[str, Party], reader: _Faults
) -> tuple[Notice, bool]:
    for name in sorted(set(document) - {"meta", "scope", *LANGUAGES}):
        reader.add(name, "is not a table of a notice")
    meta_keys = ("code", "version", "state", "valid_from", "valid_to", "author", "approver")
    meta = reader.table(document, "meta", meta_keys)
    state = meta.get("state")
    if state not in _STATES:
        reader.add("meta.state", f"is none of {', '.join(_STATES)}")
    code = reader.text(meta, "meta.code")
    if not _CODE.fullmatch(code):
        reader.add("meta.code", "is not written like 'inquiry-origination'")
    if reader.text(meta, "meta.author") == reader.text(meta, "meta.approver"):
        reader.add("meta.approver", "is the author; a second person approves")
    scope, more = _scope(document, parties, reader)
    notice = Notice(
        code=code,
        version=reader.whole(meta, "meta.version", 1, 32_000),
        valid_from=_day(meta.get("valid_from"), "meta.valid_from", reader) or date.max,
        valid_to=_day(meta.get("valid_to"), "meta.valid_to", reader, may_lack=True),
        scope=scope,
        is_optional=more["optional"],
        legal_basis=reader.text(more, "scope.legal_basis"),
        reason_code=reader.text(more, "scope.reason_code", default=""),
        reading_ms_min=reader.whole(more, "scope.reading_seconds_min", 0, _READING_SECONDS_MAX)
        * _MS,
        level_min=more["level_min"],
        texts={language: _text(document, language, scope, reader) for language in LANGUAGES},
    )
    return notice, state == "effective"


def _one_time_days_max(document: Mapping[str, Any]) -> int:
    """Return the longest window of a consent that is used once, on the day the notice begins."""
    meta = document.get("meta")
    begins = meta.get("valid_from") if isinstance(meta, dict) else None
    on = begins if type(begins) is date else date.max
    return days_asked("one_time_inquiry_days_most", on=on)


def _day(value: Any, place: str, reader: _Faults, *, may_lack: bool = False) -> date | None:
    if value is None and may_lack:
        return None
    if type(value) is not date:
        reader.add(place, "is not a date")
        return None
    return value


_SCOPE_KEYS: Final = (
    *("purpose", "controller", "recipient", "data", "use", "uses_max", "period_days"),
    *("window_days", "data_life_days", "onward", "optional", "legal_basis", "reason_code"),
    *("reading_seconds_min", "authentication_level_min"),
)


def _scope(
    document: Mapping[str, Any], parties: Mapping[str, Party], reader: _Faults
) -> tuple[Scope, dict[str, Any]]:
    table = reader.table(document, "scope", _SCOPE_KEYS)
    use = table.get("use")
    if use not in tuple(UseKind):
        reader.add("scope.use", f"is none of {', '.join(UseKind)}")
        use = UseKind.ONE_TIME
    is_periodic = use == UseKind.PERIODIC
    if not is_periodic and "period_days" in table:
        reader.add("scope.period_days", "has no place where a consent is used once")
    days_max = _DAYS_MAX if is_periodic else _one_time_days_max(document)
    scope = Scope(
        purpose=reader.text(table, "scope.purpose"),
        controller=reader.text(table, "scope.controller"),
        recipient=reader.text(table, "scope.recipient"),
        data=reader.texts(table, "scope.data"),
        use=UseKind(use),
        uses_max=reader.whole(table, "scope.uses_max", 1, 1_000 if is_periodic else 1),
        period_days=reader.whole(table, "scope.period_days", 1, _DAYS_MAX) if is_periodic else None,
        window_days=reader.whole(table, "scope.window_days", 1, days_max),
        data_life_days=reader.whole(table, "scope.data_life_days", 0, _DAYS_MAX),
        onward=reader.texts(table, "scope.onward"),
    )
    _check_scope(scope, parties, reader)
    if not isinstance(table.get("optional"), bool):
        reader.add("scope.optional", "is neither true nor false")
    level = table.get("authentication_level_min")
    if level not in tuple(Level):
        reader.add("scope.authentication_level_min", f"is none of {', '.join(Level)}")
        level = Level.HIGH
    more = {**table, "optional": table.get("optional") is True, "level_min": Level(level)}
    return scope, more


def _check_scope(scope: Scope, parties: Mapping[str, Party], reader: _Faults) -> None:
    if not _PURPOSE.fullmatch(scope.purpose):
        reader.add("scope.purpose", "is not one purpose")
    for name in sorted({scope.controller, scope.recipient} | scope.onward):
        if name not in parties:
            reader.add("scope", f"names the party {name}, which {PARTIES_FILE} does not have")
    controller = parties.get(scope.controller)
    if controller is not None and not (controller.withdraw_uri and controller.status_lists_uri):
        reader.add("scope.controller", "has no address where a consent is withdrawn and published")
    if not scope.data:
        reader.add("scope.data", "is empty")
    for kind in sorted(scope.data & BANNED_KINDS):
        reader.add("scope.data", f"asks for {kind}, which nobody may")
    for kind in sorted(scope.data - DATA_KINDS - RESTRICTED_KINDS - BANNED_KINDS):
        reader.add("scope.data", f"asks for the unknown kind {kind}")


def _text(document: Mapping[str, Any], language: str, scope: Scope, reader: _Faults) -> NoticeText:
    table = reader.table(document, language, ("title", "purpose", *PARTS))
    parts = {}
    for part in PARTS:
        if part != WARNING or part in table:
            parts[part] = reader.text(table, f"{language}.{part}")
    restricted = sorted(scope.data & RESTRICTED_KINDS)
    if restricted and WARNING not in parts:
        reason = f"is missing: {', '.join(restricted)} may not be asked for without the warning"
        reader.add(f"{language}.{WARNING}", reason)
    return NoticeText(
        language=language,
        title=reader.text(table, f"{language}.title"),
        purpose=reader.text(table, f"{language}.purpose"),
        parts=parts,
    )


# ---------------------------------------------------------------------------------- checking


def _check_lock(
    documents: Mapping[str, Mapping[str, Any]],
    read: Mapping[str, tuple[Notice, bool]],
    locked: Mapping[str, str],
    faults: list[str],
) -> None:
    """Refuse effective versions that changed, that nobody locked, or that are gone."""
    found = {}
    for file, (notice, is_effective) in read.items():
        name = found[file] = _name(notice)
        if name not in locked:
            if is_effective:
                faults.append(f"{file}: {name} is effective but not in {LOCK_FILE}")
        elif not is_effective:
            faults.append(f"{file}: {name} was effective and cannot be a draft again")
        elif content_hash(documents[file], notice) != locked[name]:
            faults.append(f"{file}: {name} was changed; make a new version instead")
    gone = sorted(set(locked) - set(found.values()))
    faults += [
        f"{LOCK_FILE}: {name} is locked, but no file that can be read holds it" for name in gone
    ]


def _check_purposes(read: Iterable[tuple[Notice, bool]], faults: list[str]) -> None:
    """Refuse two notices for one purpose at one recipient, and one code for two of them."""
    by_code: dict[str, tuple[str, str]] = {}
    by_purpose: dict[tuple[str, str], str] = {}
    for notice, _ in read:
        asked = (notice.scope.purpose, notice.scope.recipient)
        if by_code.setdefault(notice.code, asked) != asked:
            faults.append(f"{notice.code}: its versions ask for different purposes or recipients")
        if by_purpose.setdefault(asked, notice.code) != notice.code:
            faults.append(f"{notice.code}: {by_purpose[asked]} asks for the same purpose already")


def _locked(folder: Traversable, faults: list[str]) -> dict[str, str]:
    """Return the locked hashes by `code version`."""
    source = folder / LOCK_FILE
    locked: dict[str, str] = {}
    if not source.is_file():
        return locked
    for number, line in enumerate(source.read_text(encoding="utf-8").splitlines(), start=1):
        name, _, digest = line.rpartition(" ")
        if not name or len(digest) != hashlib.sha256().digest_size * 2 or name in locked:
            faults.append(f"{LOCK_FILE}: line {number} is not `code version sha256`, or a twin")
        locked[name] = digest
    return locked


def _name(notice: Notice) -> str:
    return f"{notice.code} {notice.version}"
