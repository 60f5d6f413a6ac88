"""What staff and programs hold beyond a role, and what that reaches.

Attributes  `lender`, `product`, `region` (first two digits of the identity number) limit whose data
            is reached, `purpose` what it is looked at for, `hours` when. The matrix says for each
            act which of them bind, and for each role which must be held. Whoever was ever given
            an attribute is limited to what is in force of it: an expiry never widens.
Cases       Where the role says so, a customer is reached through an open case of that person.
Trainings   A course that the act asks for, passed for the role and not run out.
Invariant   Only ever added to; two people stand behind an attribute, another one behind a
            training; the tables refuse it too.
"""

from collections.abc import AsyncIterator, Collection, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date, datetime, time
from enum import StrEnum
from typing import Final, NamedTuple

from counterfoil.kernel import ids
from counterfoil.kernel.errors import Kind, Refusal
from counterfoil.platform.database import Connection, Database
from counterfoil.platform.queries import Queries, Row, Runner

QUERIES: Final = Queries.load("counterfoil.platform", "holdings.sql")

#: Prefixes of what always belongs to a product: one that is not found is not in reach.
OF_A_PRODUCT: Final = frozenset({ids.LINE, ids.LOAN, ids.APPLICATION})
#: Stands for every value of an attribute.
EVERY: Final = "*"
_DAYS: Final = "1234567"
CASES_MAX: Final = 200
#: Beyond every number, where a list begins that has the newest first.
NEWEST: Final = 2**63 - 1

ACT_NOT_DECLARED: Final = Refusal(
    code="act_not_declared",
    kind=Kind.FORBIDDEN,
    message="The access matrix says nothing of the act {act}; what it does not say is denied.",
    next_step="Declare the act in the access matrix.",
)
PURPOSE_NOT_GIVEN: Final = Refusal(
    code="purpose_not_given",
    kind=Kind.FORBIDDEN,
    message="{act} reads for {purpose}, for which {holder} reads nothing; this is recorded.",
    next_step="Leave it to somebody whom the access matrix gives that purpose.",
)
OUTSIDE_HOURS: Final = Refusal(
    code="outside_hours",
    kind=Kind.FORBIDDEN,
    message="{holder} may not act at this time of day or week.",
    next_step="Come back within the hours that were granted, or have others granted.",
)
ATTRIBUTE_MISSING: Final = Refusal(
    code="attribute_missing",
    kind=Kind.FORBIDDEN,
    message="{holder} holds no {attribute} that is in force, and the act {act} needs one.",
    next_step="Have it granted by two people; see the attributes of staff.",
)
OUT_OF_REACH: Final = Refusal(
    code="out_of_reach",
    kind=Kind.FORBIDDEN,
    message="This lies outside the lenders, products or regions that {holder} may see.",
    next_step="Leave it to somebody who may, or have the attribute granted by two people.",
)
CASE_NEEDED: Final = Refusal(
    code="case_needed",
    kind=Kind.FORBIDDEN,
    message="{holder} has no open case of this customer; the attempt is recorded.",
    next_step="Take one that waits in a queue, or have somebody assign one.",
)
CASE_NOT_FOUND: Final = Refusal(
    code="case_not_found",
    kind=Kind.NOT_FOUND,
    message="Nothing of this kind waits about the customer, or the case has ended.",
    next_step="Look at what waits about the customer.",
)
CASE_TAKEN: Final = Refusal(
    code="case_taken",
    kind=Kind.CONFLICT,
    message="{person} works on this already.",
    next_step="Take another one, or have it handed over.",
)
CASE_NOT_ALLOWED: Final = Refusal(
    code="case_not_allowed",
    kind=Kind.FORBIDDEN,
    message="Your role may not open this case, and nobody assigns one to themselves.",
    next_step="Take one from a queue of your role, or ask whoever looks after staff.",
)
CUSTOMER_MUST_BE_NAMED: Final = Refusal(
    code="customer_must_be_named",
    kind=Kind.FORBIDDEN,
    message="{holder} is limited to some customers, and this list is not cut down to them.",
    next_step="Name the customer in the request.",
)
COURSE_MISSING: Final = Refusal(
    code="course_missing",
    kind=Kind.FORBIDDEN,
    message="{holder} has not passed the course {course} for this role, or it has run out.",
    next_step="Pass the course and have it recorded.",
)
COURSE_UNKNOWN: Final = Refusal(
    code="course_unknown",
    kind=Kind.INVALID,
    message="There is no course {course}, or its dates do not fit.",
    next_step="Use a course of the access matrix, passed no later than today.",
)
ATTRIBUTE_INVALID: Final = Refusal(
    code="attribute_invalid",
    kind=Kind.INVALID,
    message="{value} is no value of the attribute {attribute}, or its dates do not fit.",
    next_step="Use a known lender, product or purpose, two digits of a region, or hours like "
    "12345.0800-2000; for at most a year.",
)
ATTRIBUTE_NOT_FOUND: Final = Refusal(
    code="attribute_not_found",
    kind=Kind.NOT_FOUND,
    message="There is no such attribute in force.",
    next_step="Look it up in the list of attributes.",
)


class Attribute(StrEnum):
    """What somebody may be limited to."""

    LENDER = "lender"
    PRODUCT = "product"
    REGION = "region"
    PURPOSE = "purpose"
    #: Days and minutes of the lender's zone, such as `12345.0800-2000`: Monday to Friday.
    HOURS = "hours"


@dataclass(frozen=True, slots=True, kw_only=True)
class AttributeGrant:
    """One value of an attribute, for a time."""

    grant_id: int
    holder: str
    attribute: str
    value: str
    reason: str
    granted_by: str
    approved_by: str
    starts_at: datetime
    #: Earlier than it was given for where it was taken away.
    ends_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Training:
    """A course that somebody passed."""

    training_id: int
    holder: str
    course_code: str
    course_version: int
    role: str
    passed_on: date
    #: The last day on which it counts.
    valid_until: date
    recorded_by: str
    recorded_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerCase:
    """That somebody works on a customer's case."""

    customer_id: int
    case_id: int
    operator: str
    kind: str
    subject_id: int
    reason: str
    opened_by: str
    opened_at: datetime
    ends_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """Everything that one member of staff or one program holds."""

    grants: tuple[AttributeGrant, ...] = ()
    trainings: tuple[Training, ...] = ()


NOTHING_HELD: Final = Holding()


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """What somebody may see; None stands for all of a kind."""

    lenders: frozenset[str] | None = None
    products: frozenset[str] | None = None
    regions: frozenset[str] | None = None
    #: The person whose open cases are reached; None where no case is needed.
    cases_of: str | None = None
    #: Products that the lenders in reach offer; asked for where these are limited.
    offers: frozenset[str] = frozenset()

    @property
    def is_everything(self) -> bool:
        """Tell whether nothing is out of reach."""
        limits = (self.lenders, self.products, self.regions, self.cases_of)
        return all(limit is None for limit in limits)

    @property
    def is_by_business(self) -> bool:
        """Tell whether lender and product alone say what is out of reach."""
        return self.regions is None and self.cases_of is None


EVERYTHING: Final = Reach()
#: Of whoever has not come through the gate.
NOTHING: Final = Reach(lenders=frozenset(), products=frozenset(), regions=frozenset(), cases_of="")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What an act is about, as far as it is named."""

    customer_ids: tuple[int, ...] = ()
    #: Prefix of the identifier and number: lines, loans, reviews, payments, whatever has one.
    matters: tuple[tuple[str, int], ...] = ()
    product_codes: tuple[str, ...] = ()

    def each(self, *, customer_ids: Collection[int] = ()) -> "frozenset[Matter]":
        """Return every customer and every matter of theirs; of others where none is named here."""
        return frozenset(
            Matter(customer_id, kind, number)
            for customer_id in self.customer_ids or customer_ids
            for kind, number in ((ids.CUSTOMER, customer_id), *self.matters)
        )


class Matter(NamedTuple):
    """Something with a number of its own, and whose it is."""

    customer_id: int
    #: Prefix of the identifier; that of customers where it is a matter of the person.
    kind: str
    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Beyond:
    """What of it is out of reach, and the case through which the rest is reached."""

    is_any: bool
    case_id: int | None


def wanted_in(
    texts: Iterable[str],
    *,
    also: Iterable[tuple[str, int]] = (),
    product_codes: Iterable[str] = (),
) -> Wanted:
    """Return what the identifiers among some texts name; `also` are prefixes and numbers."""
    named = {one for one in map(ids.read, texts) if one is not None} | set(also)
    return Wanted(
        customer_ids=tuple(sorted(number for kind, number in named if kind == ids.CUSTOMER)),
        matters=tuple(sorted(one for one in named if one[0] != ids.CUSTOMER)),
        product_codes=tuple(sorted(set(product_codes))),
    )


def is_value(attribute: Attribute, value: str, known: Collection[str]) -> bool:
    """Return whether a value says something of an attribute; `known` are its codes, if any."""
    if value == EVERY:
        return True
    match attribute:
        case Attribute.HOURS:
            return _hours(value) is not None
        case Attribute.REGION:
            return len(value) == 2 and value.isascii() and value.isdigit() and value[0] != "0"  # noqa: PLR2004
        case _:
            return value in known


def values_in_force(
    grants: Iterable[AttributeGrant], attribute: Attribute, *, now: datetime
) -> frozenset[str] | None:
    """Return the values that hold now; None where the attribute was never given."""
    given = [grant for grant in grants if grant.attribute == attribute]
    if not given:
        return None
    return frozenset(grant.value for grant in given if grant.starts_at <= now < grant.ends_at)


def is_within_hours(values: Collection[str], local: datetime) -> bool:
    """Return whether an instant of the lender's zone lies in one of the spans."""
    if EVERY in values:
        return True
    spans = [span for value in values if (span := _hours(value)) is not None]
    return any(
        str(local.isoweekday()) in days and begin <= local.time() < end
        for days, begin, end in spans
    )


def course_until(holding: Holding, course: str, role: str) -> date | None:
    """Return the last day on which a course counts for a role; None where it was never passed."""
    passed = [t for t in holding.trainings if (t.course_code, t.role) == (course, role)]
    return max((training.valid_until for training in passed), default=None)


def _hours(value: str) -> tuple[str, time, time] | None:
    """Return days and span of `12345.0800-2000`; None where it is not of this form."""
    days, dot, span = value.partition(".")
    begin, dash, end = span.partition("-")
    if not (days and dot and dash and set(days) <= set(_DAYS)):
        return None
    read = [_minute(text) for text in (begin, end)]
    if read[0] is None or read[1] is None or read[0] >= read[1]:
        return None
    return days, read[0], read[1]


def _minute(text: str) -> time | None:
    try:
        return datetime.strptime(text, "%H%M").time()  # noqa: DTZ007 – a time of day has no zone
    except ValueError:
        return None


@asynccontextmanager
async def reading_within(
    database: Database, reach: Reach, *, now: datetime
) -> AsyncIterator[Connection]:
    """Lend a connection whose views of `desk` show what is in reach, and nothing else."""
    async with database.transaction() as connection:
        await QUERIES.set_reach.fetchrow(
            connection,
            lenders=_listed(reach.lenders),
            products=_listed(reach.products),
            regions=_listed(reach.regions),
            offers=_listed(reach.offers),
            cases=EVERY if reach.cases_of is None else reach.cases_of,
            as_of=now.isoformat(),
        )
        yield connection


async def beyond_reach(
    connection: Connection, wanted: Wanted, reach: Reach, *, operator: str
) -> Beyond:
    """Return whether anything that is named is out of reach, on a connection of that reach."""
    row = await QUERIES.beyond_reach.fetchrow(
        connection,
        customer_ids=wanted.customer_ids,
        kinds=[kind for kind, _ in wanted.matters],
        numbers=[number for _, number in wanted.matters],
        of_a_line=sorted(OF_A_PRODUCT),
        operator=operator,
    )
    assert row is not None, "the query always gives a row"
    products = reach.products
    foreign = products is not None and not products.issuperset(wanted.product_codes)
    return Beyond(is_any=foreign or any((row["customers"], row["matters"])), case_id=row["case_id"])


async def matters_within(connection: Connection, matters: Collection[Matter]) -> frozenset[Matter]:
    """Return those of some matters that are in reach, on a connection of that reach."""
    listed = sorted(set(matters))
    rows = await QUERIES.matters_within.fetch(
        connection,
        customer_ids=[matter.customer_id for matter in listed],
        kinds=[matter.kind for matter in listed],
        numbers=[matter.number for matter in listed],
    )
    return frozenset(Matter(row["customer_id"], row["kind"], row["number"]) for row in rows)


async def whose_task(
    connection: Connection, customer_id: int, task: tuple[str, int], *, but: str, now: datetime
) -> str | None:
    """Return who works on a task already, other than one person; None where nobody does."""
    taken_by: str | None = await QUERIES.whose_task.fetchval(
        connection,
        customer_id=customer_id,
        kind=task[0],
        subject_id=task[1],
        operator=but,
        now=now,
    )
    return taken_by


async def owner_of(connection: Runner, kind: str, number: int) -> int | None:
    """Return whose record a number is; None where there is none, or its kind is not looked up."""
    customer_id: int | None = await QUERIES.owner_of.fetchval(connection, kind=kind, number=number)
    return customer_id


async def read_holding(connection: Runner, holder: str) -> Holding:
    """Return what one member of staff or one program holds."""
    return Holding(
        grants=tuple(await list_grants(connection, holder)),
        trainings=tuple(await list_trainings(connection, holder)),
    )


async def list_grants(connection: Runner, holder: str | None = None) -> list[AttributeGrant]:
    """Return attributes, of everybody where no holder is named; ended ones too."""
    rows = await QUERIES.grants_of.fetch(connection, holder=holder)
    return [_grant(row) for row in rows]


async def holdings_of_programs(connection: Runner) -> Mapping[str, Holding]:
    """Return what programs hold, by `api:` and the client's name."""
    rows = await QUERIES.grants_of_programs.fetch(connection)
    grants = [_grant(row) for row in rows]
    return {
        holder: Holding(grants=tuple(grant for grant in grants if grant.holder == holder))
        for holder in {grant.holder for grant in grants}
    }


async def list_trainings(connection: Runner, holder: str | None = None) -> list[Training]:
    """Return what was passed, of everybody where no holder is named."""
    rows = await QUERIES.trainings_of.fetch(connection, holder=holder)
    return [Training(**{name: row[name] for name in Training.__slots__}) for row in rows]


async def list_cases(
    connection: Runner,
    *,
    operator: str | None = None,
    customer_id: int | None = None,
    open_at: datetime | None = None,
    page: int = CASES_MAX,
    before: int = NEWEST,
    is_back: bool = False,
) -> Sequence[CustomerCase]:
    """Return cases, newest first; `open_at` leaves out those that have ended by then."""
    rows = await QUERIES.cases.page(
        connection,
        operator=operator,
        customer_id=customer_id,
        open_at=open_at,
        page=page,
        before=before,
        is_back=is_back,
    )
    return [CustomerCase(**{name: row[name] for name in CustomerCase.__slots__}) for row in rows]


def _grant(row: Row) -> AttributeGrant:
    return AttributeGrant(**{name: row[name] for name in AttributeGrant.__slots__})


def _listed(values: frozenset[str] | None) -> str:
    """Return what the setting says: `*` for all, else the values; none at all is nobody's code."""
    return EVERY if values is None else ",".join(sorted(values)) or "-"
