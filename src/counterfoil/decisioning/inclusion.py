"""Kinds of customers that a lender watches over: definitions, and what a report says of them.

Definitions Thin file: fewer months of recorded repayment than six; a file that was not asked for
            is not known, and no file is 0 months. First time: no line with this lender before.
            Young adult: 18 to 25. Student: as stated. Elderly: from 60. Rural customers and owners
            of small businesses: as they, or the register of businesses, say now; the rest is not
            known, and no policy that ships reads either.
Honest      Each share stands with what it is a share of. Where the denominator is 0 there is no
            share; where a trait is not known, the case is counted as not known and nowhere else.
Segments    Are what the policy that decided makes of kinds, with limits of its own; they are
            counted apart, by version. A kind is told from facts, whatever the policy's segments.
Starter     Who begins with a small limit, by the segment's protections; graduated is a line that
            has grown beyond it, of those that have been open long enough to. A path with no such
            line yet has no rate.
Complaints  Are kept nowhere yet: they are unknown here, and never counted as none. Requests for a
            person's review stand beside, by kind.
Banned      A kind is for reporting and protection. Nobody's traits beyond what the policy declares
            are looked at.
"""

from dataclasses import dataclass
from typing import Final, NamedTuple

from counterfoil.decisioning.customer_words import Both

THIN_MONTHS_MAX: Final = 6
YOUNG_YEARS: Final = (18, 25)
#: Days that a line has been open before it says anything about growing.
SEASONED_DAYS: Final = 180
ELDERLY_YEARS_MIN: Final = 60
_PPM: Final = 1_000_000

#: Kinds in the order of a report, with their names.
KINDS: Final = {
    "all": Both("全部申请", "All applications"),
    "thin_file": Both("信用白户", "Thin file"),
    "first_time": Both("首次借款", "First-time borrower"),
    "young_adult": Both("青年", "Young adult"),
    "student": Both("学生", "Student"),
    "elderly": Both("老年", "Elderly"),
    "rural": Both("农村", "Rural"),
    "micro_owner": Both("小微经营者", "Owner of a small business"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Fate:
    """What became of some applications, and of the lines that came of them."""

    code: str
    applied: int = 0
    #: By policy or person; not those that still wait.
    decided: int = 0
    approved: int = 0
    #: None where nobody was approved.
    limit_median_minor: int | None = None
    rate_median_daily_e8: int | None = None
    lines: int = 0
    #: Lines with an instalment that has fallen due.
    observed: int = 0
    late: int = 0
    defaulted: int = 0
    cured: int = 0
    #: Lines whose limit is higher than the first one.
    graduated: int = 0

    @property
    def approved_ppm(self) -> int | None:
        """Return the share approved of those decided."""
        return share_ppm(self.approved, self.decided)

    @property
    def defaulted_ppm(self) -> int | None:
        """Return the share in default of the lines that can be observed."""
        return share_ppm(self.defaulted, self.observed)

    @property
    def cured_ppm(self) -> int | None:
        """Return the share with nothing overdue now of those that were late."""
        return share_ppm(self.cured, self.late)

    @property
    def graduated_ppm(self) -> int | None:
        """Return the share that has grown beyond the first limit, of the lines that could have."""
        return share_ppm(self.graduated, self.lines)


@dataclass(frozen=True, slots=True, kw_only=True)
class KindCount(Fate):
    """What became of one kind's applications."""

    #: Applications of which it is not known whether they are of this kind.
    not_known: int = 0
    reviews: int = 0
    overturned: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentCount(Fate):
    """What became of the applications that one segment of a policy took."""

    policy_hash: str
    #: Lines that have been open for long enough to have grown; only these are counted as grown.
    seasoned: int = 0

    @property
    def graduated_ppm(self) -> int | None:
        """Return the share of seasoned lines that have grown beyond their first limit."""
        return share_ppm(self.graduated, self.seasoned)


class StarterPath(NamedTuple):
    """How those fare who begin with a small limit, over all segments that say so."""

    lines: int
    seasoned: int
    graduated: int

    @property
    def graduated_ppm(self) -> int | None:
        """Return the share of seasoned lines that have grown beyond their first limit."""
        return share_ppm(self.graduated, self.seasoned)


def share_ppm(part: int, whole: int) -> int | None:
    """Return a share, rounded down; None of nothing."""
    return part * _PPM // whole if whole else None
