"""What simulated people decide on the notices they are shown, with the evidence of a front.

Chance      By the seed and the person's place alone, as everywhere in the demonstration.
Evidence    Nobody looks at a screen here: its hash is one of seed, place and notice, reading takes
            a while longer than is asked for, and the person was recognised a minute ago.
"""

from collections.abc import Iterator
from hashlib import sha256
from typing import Final

from counterfoil.consents.giving import Choice, Wish, day_of
from counterfoil.consents.notice import Level, Notice
from counterfoil.consents.record import Authentication, Display
from counterfoil.journeys.applying.gather import OCCASION
from counterfoil.journeys.house import House
from counterfoil.simulator.bank.faults import draw as chance

REPORTING: Final = "reporting"
MARKETING: Final = "marketing"
#: Of a thousand who apply so many do not want their report to be read.
REFUSE_INQUIRY_PERMILLE: Final = 15
#: Of a hundred so many like to be told of offers.
LIKE_OFFERS_PERCENT: Final = 30
_READS_LONGER_MS: Final = 2_500
_RECOGNISED_SECONDS_AGO: Final = 60


def decisions(house: House, *, seed: int, place: int, product: str) -> Iterator[Wish]:
    """Yield a person's decisions: inquiry and reporting, and whether to be told of offers."""
    by_purpose = {notice.scope.purpose: notice for notice in _in_force(house)}
    inquiry = by_purpose[house.occasions.by_code[OCCASION].consent_purpose]
    refuses = chance(seed, str(place), "refuses inquiry", 1_000) < REFUSE_INQUIRY_PERMILLE
    likes = chance(seed, str(place), "likes offers", 100) < LIKE_OFFERS_PERCENT
    for notice, is_given in (
        (inquiry, not refuses),
        (by_purpose[REPORTING], not refuses),
        (by_purpose[MARKETING], likes),
    ):
        yield _wish(house, notice, seed=seed, place=place, is_given=is_given, product=product)


def _in_force(house: House) -> list[Notice]:
    return house.notices.in_force(day_of(house.leaves.now()))


def _wish(
    house: House, notice: Notice, *, seed: int, place: int, is_given: bool, product: str
) -> Wish:
    now = house.leaves.now()
    text = notice.texts["zh"]
    screen = f"{seed} {place} {notice.code} {notice.version}"
    return Wish(
        customer_id=0,
        notice_code=notice.code,
        notice_version=notice.version,
        choice=Choice.GIVEN if is_given else Choice.REFUSED,
        is_preselected=False,
        display=Display(
            language="zh",
            text_sha256=text.sha256,
            screen_sha256=sha256(screen.encode()).digest(),
            dwell_ms=notice.reading_ms_min + _READS_LONGER_MS,
        ),
        authentication=Authentication(
            method="one_time_code",
            level=Level.SUBSTANTIAL,
            at=now - _RECOGNISED_SECONDS_AGO,
            evidence_sha256=sha256(f"code {screen}".encode()).digest(),
        ),
        product=product,
        channel="sandbox",
    )
