"""A bureau's own list of a member's inquiries, for reconciliation: one JSON object a line.

The first line says whose list it is and which instants it covers; each further line is one
inquiry that the bureau answered. Bytes are hexadecimal, instants POSIX seconds.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

_HEADER: Final = {"bureau": str, "issuer": str, "since": int, "through": int}
_LINE: Final = {
    "at": int,
    "consent": str,
    "consent_sha256": str,
    "jti": str,
    "price_minor": int,
    "purpose": str,
    "reason": str,
    "reference": str,
    "sealed_sha256": str,
    "use_no": int,
}


class ListInvalidError(ValueError):
    """The text is no list of a bureau."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedInquiry:
    """One inquiry as the bureau has it."""

    at: int
    jti: str
    consent: str
    consent_sha256: bytes
    use_no: int
    purpose: str
    reason: str
    reference: str
    sealed_sha256: bytes
    price_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BureauList:
    """A bureau's list of one member."""

    bureau: str
    issuer: str
    #: Instants that it covers, both inclusive.
    since: int
    through: int
    inquiries: tuple[ListedInquiry, ...]


def write_list(found: BureauList) -> str:
    """Return the text of a list."""
    header = {name: getattr(found, name) for name in _HEADER}
    lines = [header, *(_line(item) for item in found.inquiries)]
    return "".join(json.dumps(line, sort_keys=True) + "\n" for line in lines)


def read_list(text: str) -> BureauList:
    """Return the list of a text; raise ListInvalidError where it is none."""
    lines = text.splitlines()
    if not lines:
        raise ListInvalidError("empty")
    header = _object(lines[0], _HEADER, 1)
    return BureauList(**header, inquiries=tuple(_listed(lines[1:])))


def _listed(lines: Iterable[str]) -> Iterable[ListedInquiry]:
    for number, line in enumerate(lines, start=2):
        fields = _object(line, _LINE, number)
        try:
            hashes = {
                name: bytes.fromhex(fields[name]) for name in ("consent_sha256", "sealed_sha256")
            }
        except ValueError as error:
            raise ListInvalidError(f"line {number}: a hash is not hexadecimal") from error
        yield ListedInquiry(**{**fields, **hashes})


def _object(line: str, kinds: dict[str, type], number: int) -> dict[str, Any]:
    try:
        value = json.loads(line)
    except ValueError as error:
        raise ListInvalidError(f"line {number} is not JSON") from error
    if not isinstance(value, dict) or value.keys() != kinds.keys():
        raise ListInvalidError(f"line {number} has other fields")
    for name, kind in kinds.items():
        if type(value[name]) is not kind:
            raise ListInvalidError(f"line {number}: {name} is no {kind.__name__}")
    return value


def _line(item: ListedInquiry) -> dict[str, object]:
    return {
        **{name: getattr(item, name) for name in _LINE},
        "consent_sha256": item.consent_sha256.hex(),
        "sealed_sha256": item.sealed_sha256.hex(),
    }
