"""Problem documents: how every no looks over HTTP, whoever says it.

Invariant   Every answer that is not a success has the same members, also where the framework or
            a wrong address is the reason; none shows a value that was sent, or a trace.
Follows     RFC 9457 (problem details), RFC 6901 (JSON pointers, as URI fragments), RFC 9110.
"""

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Any, Final, NamedTuple

import orjson

from counterfoil.api import refusals
from counterfoil.kernel.errors import Kind, Refused, refuse

Headers = list[tuple[bytes, bytes]]

STATUS: Final[Mapping[Kind, int]] = {
    Kind.INVALID: 422,
    Kind.UNAUTHENTICATED: 401,
    Kind.FORBIDDEN: 403,
    Kind.NOT_FOUND: 404,
    Kind.CONFLICT: 409,
    Kind.GONE: 410,
    Kind.IN_FLIGHT: 409,
    Kind.MISMATCH: 422,
    Kind.TOO_LARGE: 413,
    Kind.UNSUPPORTED: 415,
    Kind.MISSING: 400,
    Kind.BUSY: 429,
    Kind.UNAVAILABLE: 503,
}
#: Statuses that HTTP itself has a word for and no kind of refusal stands for.
_STATUS_OF_CODE: Final[Mapping[str, int]] = {
    refusals.METHOD_NOT_ALLOWED.code: 405,
    refusals.HEAD_TOO_LARGE.code: 431,
    refusals.JSON_MALFORMED.code: 400,
    refusals.INTERNAL_ERROR.code: 500,
    # The request is understood; it is the product that nobody decides about.
    "product_not_decided": 409,
}
_RETRY: Final = frozenset({Kind.BUSY, Kind.UNAVAILABLE, Kind.IN_FLIGHT})
#: Seconds after which it is worth trying again.
_RETRY_SECONDS: Final = b"1"

#: The member of a request that a refusal is about, where it is always the same.
_POINTERS: Final[Mapping[str, str]] = {
    "amount_not_positive": "#/amount_minor",
    "amount_too_large": "#/amount_minor",
    "amount_below_minimum": "#/amount_minor",
    "amount_above_maximum": "#/amount_minor",
    "amount_off_step": "#/amount_minor",
    "insufficient_limit": "#/amount_minor",
    "currency_mismatch": "#/currency",
    "tenor_not_offered": "#/tenor_months",
    "method_not_offered": "#/method",
    "purpose_banned": "#/purpose",
    "quote_invalid": "#/quote_token",
    "quote_expired": "#/quote_token",
    "value_date_in_future": "#/value_date",
    "value_date_before_drawdown": "#/value_date",
    "prepayment_not_offered": "#/mode",
    "requested_out_of_range": "#/requested_minor",
    "product_not_offered": "#/product_code",
    "product_not_decided": "#/product_code",
    "fact_not_declared": "#/facts",
    "fact_out_of_range": "#/facts",
    "name_invalid": "#/name",
    "id_number_invalid": "#/id_number",
    "phone_invalid": "#/phone",
    "notice_outdated": "#/notice_version",
    "notice_text_mismatch": "#/display/text_sha256",
    "consent_bundled": "#/display/screen_sha256",
    "consent_dwell_too_short": "#/display/dwell_ms",
    "consent_authentication_weak": "#/authentication/level",
    "consent_authentication_stale": "#/authentication/authenticated_at",
    "consent_in_the_past": "#/valid_from",
    "consent_too_long": "#/valid_to",
    "cap_out_of_range": "#/cap_minor",
    "limit_out_of_range": "#/limit_minor",
    "limit_not_agreed": "#/limit_minor",
    "limit_unchanged": "#/limit_minor",
    "repayment_day_out_of_range": "#/repayment_day",
    "freeze_date_past": "#/until",
    "business_date_backwards": "#/to",
    "cursors_both": "query/before",
    "days_too_many": "#/to",
    "idempotency_key_missing": "header/Idempotency-Key",
    "idempotency_key_invalid": "header/Idempotency-Key",
    "idempotency_key_reused": "header/Idempotency-Key",
}

#: What is wrong with one member, by the validator's word for it.
FIELD_CODES: Final[Mapping[str, str]] = {
    "missing": "field_missing",
    "extra_forbidden": "field_unknown",
    "int_type": "not_an_integer",
    "int_from_float": "not_an_integer",
    "int_parsing": "not_an_integer",
    "int_parsing_size": "out_of_range",
    "finite_number": "not_an_integer",
    "greater_than": "out_of_range",
    "greater_than_equal": "out_of_range",
    "less_than": "out_of_range",
    "less_than_equal": "out_of_range",
    "bool_type": "not_a_boolean",
    "string_type": "not_a_text",
    "string_too_short": "length_out_of_range",
    "string_too_long": "length_out_of_range",
    "too_short": "length_out_of_range",
    "too_long": "length_out_of_range",
    "string_pattern_mismatch": "characters_not_allowed",
    "enum": "not_one_of",
    "literal_error": "not_one_of",
    "union_tag_invalid": "not_one_of",
    "union_tag_not_found": "field_missing",
    "date_type": "not_a_date",
    "date_parsing": "not_a_date",
    "date_from_datetime_parsing": "not_a_date",
    "date_from_datetime_inexact": "not_a_date",
    "model_type": "not_an_object",
    "model_attributes_type": "not_an_object",
    "dict_type": "not_an_object",
    "list_type": "not_a_list",
    "not_a_date": "not_a_date",
    "id_malformed": "id_malformed",
    "cursor_malformed": "cursor_malformed",
}
_OTHER_FAULT: Final = "not_allowed_here"
#: What a field code means, for the reference.
FIELD_TEXTS: Final[Mapping[str, str]] = {
    "field_missing": "The member is required.",
    "field_unknown": "There is no member or parameter of this name.",
    "not_an_integer": "An integer is expected: no fraction, no text, no boolean.",
    "out_of_range": "The integer is smaller or larger than allowed.",
    "not_a_boolean": "`true` or `false` is expected.",
    "not_a_text": "A text is expected.",
    "length_out_of_range": "The text or list is shorter or longer than allowed.",
    "characters_not_allowed": "The text has characters that are not allowed here.",
    "not_one_of": "The value is not one of those listed in the reference.",
    "not_a_date": "A date such as `2026-01-31` is expected.",
    "not_an_object": "A JSON object is expected.",
    "not_a_list": "A JSON array is expected.",
    "id_malformed": "The text is not an identifier of the kind expected.",
    "cursor_malformed": "The cursor is not one that a list gave as `next` or `prev`.",
    _OTHER_FAULT: "The value cannot stand here.",
}
#: Faults named in one answer; more would help nobody.
_FAULTS_MAX: Final = 20
_FAULTS_IN_TEXT: Final = 3

PROBLEM_TYPE: Final = b"application/problem+json"
#: Where the meaning of a code is explained; an address on the same host.
TYPE_BASE: Final = "/docs/errors#"


class FieldFault(NamedTuple):
    """What is wrong with one member of a request."""

    #: `#/…` in the body; `query/…`, `path/…` or `header/…` elsewhere.
    pointer: str
    code: str


class Reply(NamedTuple):
    """A whole answer."""

    status: int
    headers: Headers
    body: bytes


@dataclass(frozen=True, slots=True)
class Texts:
    """The refusals' texts in Chinese; English stands beside each code in its catalogue."""

    chinese: Mapping[str, Mapping[str, str]]

    def of(self, refused: Refused, language: str) -> tuple[str, str, str]:
        """Return title, detail and next step of a refusal."""
        words = self.chinese.get(refused.code) if language == "zh" else None
        if words is None:
            return title_of(refused.code), refused.message, refused.next_step
        return words["title"], _fill(words["message"], refused), _fill(words["next_step"], refused)


def load_texts() -> Texts:
    """Return the texts that come with the program."""
    source = resources.files("counterfoil.api").joinpath("locale", "zh-CN.toml")
    return Texts(tomllib.loads(source.read_text(encoding="utf-8")))


def title_of(code: str) -> str:
    """Return the English title of a code: the code, read aloud."""
    return code.replace("_", " ").capitalize()


def status_of(refused: Refused) -> int:
    """Return the HTTP status of a refusal."""
    return _STATUS_OF_CODE.get(refused.code) or STATUS[refused.kind]


def language_of(accept_language: bytes | None) -> str:
    """Return `zh` where that is the first language asked for that there is, else `en`."""
    for part in (accept_language or b"").lower().split(b",")[:10]:
        primary = part.strip()[:2]
        if primary in (b"zh", b"en"):
            return primary.decode()
    return "en"


def document(
    refused: Refused,
    *,
    texts: Texts,
    language: str,
    request_id: str,
    faults: Sequence[FieldFault] = (),
) -> dict[str, object]:
    """Return the problem document of a refusal."""
    title, detail, next_step = texts.of(refused, language)
    if not faults and (pointer := _POINTERS.get(refused.code)):
        faults = (FieldFault(pointer, refused.code),)
    return {
        "type": TYPE_BASE + refused.code,
        "title": title,
        "status": status_of(refused),
        "detail": detail,
        "code": refused.code,
        "next_step": next_step,
        "request_id": request_id,
        "errors": [fault._asdict() for fault in faults],
    }


def reply(problem: Mapping[str, object], kind: Kind, language: str) -> Reply:
    """Return the answer that carries a problem document."""
    body = orjson.dumps(problem)
    headers = [
        (b"content-type", PROBLEM_TYPE),
        (b"content-length", b"%d" % len(body)),
        (b"content-language", b"zh-CN" if language == "zh" else b"en"),
        (b"cache-control", b"no-store"),
        (b"x-content-type-options", b"nosniff"),
    ]
    if kind in _RETRY:
        headers.append((b"retry-after", _RETRY_SECONDS))
    if kind is Kind.UNAUTHENTICATED:
        headers.append((b"www-authenticate", b'Bearer realm="counterfoil"'))
    status = problem["status"]
    assert isinstance(status, int)
    return Reply(status, headers, body)


def invalid(errors: Iterable[Mapping[str, Any]]) -> tuple[Refused, list[FieldFault]]:
    """Return the refusal of a malformed request, with a pointer to each fault."""
    faults = []
    for error in errors:
        if error["type"] == "json_invalid":
            return refuse(refusals.JSON_MALFORMED), [FieldFault("#", "json_malformed")]
        code = FIELD_CODES.get(error["type"], _OTHER_FAULT)
        faults.append(FieldFault(pointer_of(error["loc"]), code))
        if len(faults) == _FAULTS_MAX:
            break
    named = ", ".join(f"{fault.pointer} {fault.code}" for fault in faults[:_FAULTS_IN_TEXT])
    return refuse(refusals.REQUEST_INVALID, faults=named), faults


def pointer_of(location: Sequence[object]) -> str:
    """Return where a fault is: a JSON pointer into the body, or the parameter's place and name."""
    if location and location[0] in ("query", "path", "header"):
        return "/".join(map(str, location[:2]))[:_POINTER_LENGTH_MAX]
    parts = [str(part).replace("~", "~0").replace("/", "~1") for part in location]
    return "/".join(["#", *parts])[:_POINTER_LENGTH_MAX]


#: A pointer repeats names that were sent; longer ones are cut.
_POINTER_LENGTH_MAX: Final = 200


def _fill(text: str, refused: Refused) -> str:
    return text.format_map(dict.fromkeys(_names(text), "…") | dict(refused.detail))


def _names(text: str) -> Iterable[str]:
    return [part.partition("}")[0] for part in text.split("{")[1:]]
