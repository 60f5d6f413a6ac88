"""Finding a record or a person from one field; what is typed is posted and never in an address.

A record's number leads to the record, also by its beginning. An identity number or a phone number
is looked up by its blind index, of merged records the one that goes on is found; who looked for a
person is logged without what was typed.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from starlette.responses import Response

from counterfoil.console import words
from counterfoil.console.access import Permission
from counterfoil.console.frame import BASE
from counterfoil.console.page import Page
from counterfoil.console.reading import READING
from counterfoil.console.visit import Visit
from counterfoil.console.words import refusal_text
from counterfoil.customers.identity import check_id_number, check_phone
from counterfoil.journeys.knowing.link_records import find_people
from counterfoil.kernel import ids
from counterfoil.kernel.errors import RefusedError
from counterfoil.platform.telemetry import logger
from counterfoil.platform.web.forms import FormReader, plain_number
from counterfoil.platform.web.parts import Form
from counterfoil.privacy.blind_index import IndexKind

_LOG: Final = logger("counterfoil.console.search")

FOUND_MAX: Final = 50
FIND_LENGTH_MAX: Final = 60
#: Shorter beginnings of a number stand for too many records to be worth listing.
PREFIX_LENGTH_MIN: Final = 4

_NUMBER_LENGTH: Final = 13
_KINDS: Final = {
    ids.CUSTOMER: "customers_in_range",
    ids.APPLICATION: "applications_in_range",
    ids.LINE: "lines_in_range",
    ids.LOAN: "loans_in_range",
    ids.PAYMENT: "payments_in_range",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One record that was found."""

    kind: str
    record: str
    href: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchView:
    """The form and what it found; None before anything was asked."""

    form: Form
    found: Sequence[Found] | None
    #: What may be typed.
    hint: str


async def show(visit: Visit) -> Response:
    """Show the form."""
    return _page(visit, visit.form(f"{BASE}/search"), None)


async def submit(visit: Visit) -> Response:
    """Look for what was typed; a single record is opened at once."""
    reader = FormReader(visit.values)
    asked = reader.text("find", length_max=FIND_LENGTH_MAX)
    found: list[Found] = []
    if asked:
        found = await _find(visit, reader, asked)
    if len(found) == 1:
        return visit.go(found[0].href)
    return _page(visit, visit.form(f"{BASE}/search", reader), found if reader.is_valid else None)


def hint_of(visit: Visit) -> str:
    """Return what may be typed into the search, by somebody's role."""
    if visit.aliases is not None:
        return visit.t("search.hint_own")
    return visit.t("search.hint" if visit.may(Permission.FIND_PERSON) else "search.hint_records")


def number_range(text: str) -> tuple[str, int, int] | None:
    """Return the kind of a record's number and the range that its beginning stands for."""
    prefix, _, body = text.lower().partition("_")
    if prefix not in _KINDS or not PREFIX_LENGTH_MIN <= len(body) <= _NUMBER_LENGTH:
        return None
    if any(letter not in ids.ALPHABET for letter in body):
        return None
    try:
        low = ids.from_text(prefix, f"{prefix}_{body.ljust(_NUMBER_LENGTH, ids.ALPHABET[0])}")
    except ids.InvalidIdError:
        return None
    return prefix, low, low + 32 ** (_NUMBER_LENGTH - len(body)) - 1


async def _find(visit: Visit, reader: FormReader, asked: str) -> list[Found]:
    span = number_range(asked)
    if span is not None:
        return await _records(visit, *span)
    if not any(letter.isdigit() for letter in asked):
        reader.refuse("find", "search.not_understood")
        return []
    if not visit.may(Permission.FIND_PERSON):
        reader.refuse("find", "search.person_not_allowed")
        return []
    return await _persons(visit, reader, plain_number(asked))


async def _records(visit: Visit, prefix: str, low: int, high: int) -> list[Found]:
    async with visit.reading() as connection:
        rows = await READING[_KINDS[prefix]].fetch(connection, low=low, high=high, page=FOUND_MAX)
    return [_found(visit, prefix, row["customer_id"], row["number"]) for row in rows]


async def _persons(visit: Visit, reader: FormReader, asked: str) -> list[Found]:
    house = visit.desk.house
    today = house.clock.now().date()
    id_number, phone = check_id_number(asked, today), check_phone(asked)
    if isinstance(id_number, str):
        kind, value = IndexKind.ID_NUMBER, id_number
    elif isinstance(phone, str):
        kind, value = IndexKind.PHONE, phone
    else:
        reader.refuse("find", "search.not_understood")
        return []
    try:
        numbers = await find_people(house, kind, value)
    except RefusedError as error:
        _LOG.warning("person search refused", code=error.refused.code)
        reader.refuse("find", "search.away", text=refusal_text(visit, error.refused))
        return []
    _LOG.info("person looked for", operator=visit.operator, kind=kind.value, found=len(numbers))
    return [_found(visit, ids.CUSTOMER, number, number) for number in numbers[:FOUND_MAX]]


def _found(visit: Visit, prefix: str, customer_id: int, number: int) -> Found:
    hrefs = {
        ids.CUSTOMER: lambda: words.customer_href(customer_id),
        ids.APPLICATION: lambda: words.application_href(customer_id, number),
        ids.LINE: lambda: words.line_href(customer_id, number),
        ids.LOAN: lambda: words.loan_href(customer_id, number),
        ids.PAYMENT: lambda: words.payment_href(customer_id, number),
    }
    return Found(
        kind=visit.catalogue.label("record", prefix),
        record=ids.to_text(prefix, number),
        href=hrefs[prefix](),
    )


def _page(visit: Visit, form: Form, found: Sequence[Found] | None) -> Response:
    view = SearchView(form=form, found=found, hint=hint_of(visit))
    return visit.page(
        "search/search.html",
        visit.t("search.title"),
        view,
        status=422 if form.errors else 200,
        journey="console.reading.*_in_range",
    )


PAGES: Final = (Page(path="/search", show=show, submit=submit),)
