"""The reference bureau's memory: people, inquiries with their answers, refusals, own reports.

Invariant   An answer is in the store before it is sent. A use of a consent, and an identifier of a
            request, lead to one inquiry each: the store refuses the second, whatever the code does.
Kept        Answers stay as long as their consent could be used, so that whoever asks again under
            the same identifier gets the same bytes.
"""

import re
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Final

from counterfoil.platform.queries import Queries
from counterfoil.simulator.bureau.report_writer import OWN_REPORT, PastInquiry

QUERIES: Final = Queries.load("counterfoil.simulator.bureau", "books.sql")
#: Organisation type of a consumer finance company, as reports list whoever asked.
MEMBER_TYPE: Final = "24"
#: The person, as reports list an inquiry about oneself.
SELF: Final = "self"
_BUSY_MS: Final = 5_000
_TABLES: Final = (
    "make_person",
    "make_inquiry",
    "make_inquiry_index",
    "make_refusal",
    "make_own_report",
    "make_withdrawn",
)


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class KnownPerson:
    """A person as the bureau knows one."""

    id_number: str
    name: str
    client_number: int | None


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class NewInquiry:
    """An answered inquiry, ready to be kept."""

    at: int
    listed_on: str
    issuer: str
    organisation: str
    jti: str
    consent: str
    consent_sha256: bytes
    use_no: int
    purpose: str
    reason: str
    id_number: str
    intent_index: int
    reference: str
    sealed: bytes
    sealed_sha256: bytes
    consent_ends: int
    price_minor: int


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class KnownInquiry:
    """An inquiry that was answered before."""

    jti: str
    consent: str
    consent_sha256: bytes
    use_no: int
    purpose: str
    reason: str
    id_number: str
    reference: str
    sealed: bytes


class Books:
    """One store; used from one thread."""

    def __init__(self, path: Path | str) -> None:
        """Open the store, or make it; `:memory:` keeps nothing."""
        self._connection = sqlite3.connect(path, isolation_level=None)
        self._connection.row_factory = sqlite3.Row
        self._connection.executescript(
            f"PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA busy_timeout={_BUSY_MS};"
        )
        for name in _TABLES:
            self._run(name)

    def close(self) -> None:
        """Close the store."""
        self._connection.close()

    @contextmanager
    def together(self) -> Iterator[None]:
        """Keep everything of the block, or nothing; durable when the block ends."""
        self._connection.isolation_level = "IMMEDIATE"
        try:
            # The connection begins with the first write and commits when the block ends.
            with self._connection:
                yield
        finally:
            self._connection.isolation_level = None

    def add_people(self, people: Iterable[KnownPerson]) -> None:
        """Take in persons; whoever is known stays as known."""
        with self.together():
            for person in people:
                self._run(
                    "add_person",
                    id_number=person.id_number,
                    name=person.name,
                    client_number=person.client_number,
                )

    def person(self, id_number: str) -> KnownPerson | None:
        """Return a person by identity number."""
        row = self._run("person", id_number=id_number).fetchone()
        return None if row is None else KnownPerson(**row)

    def another_person(self, id_number: str) -> KnownPerson | None:
        """Return somebody else."""
        row = self._run("another_person", id_number=id_number).fetchone()
        return None if row is None else KnownPerson(**row)

    def next_inquiry_no(self) -> int:
        """Return the number that the next inquiry will have."""
        last: int | None = self._run("last_inquiry_no").fetchone()[0]
        return (last or 0) + 1

    def add_inquiry(self, inquiry: NewInquiry) -> None:
        """Keep an answered inquiry; a second use of a consent raises sqlite3.IntegrityError."""
        fields = {name: getattr(inquiry, name) for name in NewInquiry.__slots__}
        self._run("add_inquiry", **fields)

    def inquiry_of_jti(self, issuer: str, jti: str) -> KnownInquiry | None:
        """Return what was answered under an identifier."""
        row = self._run("inquiry_of_jti", issuer=issuer, jti=jti).fetchone()
        return None if row is None else KnownInquiry(**row)

    def is_use_known(self, issuer: str, consent: str, use_no: int) -> bool:
        """Tell whether a use of a consent led to an inquiry before."""
        found = self._run("inquiry_of_use", issuer=issuer, consent=consent, use_no=use_no)
        return found.fetchone() is not None

    def inquiries_about(self, id_number: str) -> list[PastInquiry]:
        """Return who asked about a person, the person included."""
        asked = [
            PastInquiry(
                on=date.fromisoformat(row["listed_on"]),
                organisation=row["organisation"],
                organisation_type=MEMBER_TYPE,
                reason_code=row["reason"],
            )
            for row in self._run("inquiries_about", id_number=id_number)
        ]
        own = [
            PastInquiry(
                on=date.fromisoformat(row["given_on"]),
                organisation=SELF,
                organisation_type="",
                reason_code=OWN_REPORT,
            )
            for row in self._run("own_reports_about", id_number=id_number)
        ]
        return asked + own

    def inquiries_of_member(self, issuer: str) -> list[dict[str, Any]]:
        """Return a member's inquiries, as the bureau lists and bills them."""
        return [dict(row) for row in self._run("inquiries_of_member", issuer=issuer)]

    def add_refusal(
        self, *, at: int, issuer: str, jti: str, consent: str, use_no: int, code: str, detail: str
    ) -> None:
        """Keep a request that is not answered."""
        self._run(
            "add_refusal",
            at=at,
            issuer=issuer,
            jti=jti,
            consent=consent,
            use_no=use_no,
            code=code,
            detail=detail,
        )

    def refusals_count(self) -> int:
        """Return how many requests were refused."""
        count: int = self._run("refusals_count").fetchone()[0]
        return count

    def add_own_report(self, id_number: str, *, on: date, price_minor: int) -> None:
        """Note that a person asked about oneself."""
        self._run(
            "add_own_report", given_on=on.isoformat(), id_number=id_number, price_minor=price_minor
        )

    def own_reports_in_year(self, id_number: str, year: int) -> int:
        """Return how often a person asked about oneself in a calendar year."""
        found = self._run(
            "own_reports_of_year",
            id_number=id_number,
            first_day=f"{year}-01-01",
            last_day=f"{year}-12-31",
        )
        count: int = found.fetchone()[0]
        return count

    def add_withdrawn(self, issuer: str, consent: str) -> None:
        """Note that a consent was withdrawn."""
        self._run("add_withdrawn", issuer=issuer, consent=consent)

    def is_withdrawn(self, issuer: str, consent: str) -> bool:
        """Tell whether a consent was withdrawn."""
        count: int = self._run("is_withdrawn", issuer=issuer, consent=consent).fetchone()[0]
        return count > 0

    def _run(self, name: str, /, **values: object) -> sqlite3.Cursor:
        query = QUERIES[name]
        # The queries are written for the product's driver, which numbers its parameters.
        text = re.sub(r"\$(\d+)", r"?\1", query.sql)
        return self._connection.execute(text, query.arguments(values))
