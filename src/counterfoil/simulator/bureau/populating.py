"""Whom the bureau knows, and what it lists: the two ends of its books."""

from collections.abc import Iterable, Iterator
from datetime import date

from counterfoil.bureau.listing import BureauList, ListedInquiry
from counterfoil.simulator import people
from counterfoil.simulator.bureau.books import Books, KnownPerson
from counterfoil.simulator.people import InventedPerson


def known_people(count: int, *, seed: int, on: date) -> Iterator[KnownPerson]:
    """Yield the invented persons of a seed as the bureau knows them."""
    return known(people.invent(count, seed=seed, on=on))


def known(invented: Iterable[InventedPerson]) -> Iterator[KnownPerson]:
    """Yield invented persons as the bureau knows them."""
    for person in invented:
        yield KnownPerson(
            id_number=person.id_number, name=person.name, client_number=person.client.number
        )


def list_of(books: Books, bureau: str, issuer: str, *, through: int) -> BureauList:
    """Return the bureau's own list of a member, for that member's audit."""
    names = ListedInquiry.__slots__
    inquiries = tuple(
        ListedInquiry(**{name: row[name] for name in names})
        for row in books.inquiries_of_member(issuer)
    )
    since = inquiries[0].at if inquiries else through
    return BureauList(
        bureau=bureau, issuer=issuer, since=since, through=through, inquiries=inquiries
    )
