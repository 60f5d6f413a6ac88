"""Notices: the exact words in which customers are asked, to be shown unchanged."""

from datetime import date

from fastapi import APIRouter

from counterfoil.api.reads import HouseOf, reads
from counterfoil.api.shapes import Code, View
from counterfoil.consents.giving import day_of
from counterfoil.consents.notice import Notice, Notices, Party
from counterfoil.consents.refusals import NOTICE_NOT_FOUND
from counterfoil.kernel.errors import RefusedError, refuse
from counterfoil.platform.access import Scope

TAG = "Consents"
router = APIRouter()


class NoticeTextView(View):
    """A notice in one language."""

    #: `zh` or `en`.
    language: str
    title: str
    #: Show exactly this, and send its hash with the decision.
    text: str
    #: SHA-256 of the text in UTF-8, in hexadecimal.
    sha256: str
    #: What ends when the consent is withdrawn, and what the law keeps.
    stops: str
    keeps: str


class PartyView(View):
    """Whom the customer deals with, or who receives data."""

    legal_id: str
    name_zh: str
    name_en: str
    contact: str


class NoticeView(View):
    """One version of a notice, and what it asks for."""

    code: str
    version: int
    valid_from: date
    valid_to: date | None
    #: Exactly one, such as `inquiry_origination`.
    purpose: str
    controller: PartyView
    recipient: PartyView
    data: list[str]
    #: `ONE_TIME` or `PERIODIC`.
    use: str
    #: In all, or in a period.
    uses_max: int
    period_days: int | None
    window_days: int
    data_life_days: int
    #: Refusing an optional one stops nothing else.
    is_optional: bool
    legal_basis: str
    #: Least time on the screen before the customer may decide.
    reading_ms_min: int
    #: Least level at which the customer has to be recognised.
    authentication_level_min: str
    texts: list[NoticeTextView]


class NoticeList(View):
    """The notices that may be shown today."""

    items: list[NoticeView]


@router.get("/v1/notices", **reads(Scope.CONSENTS_READ, TAG, "List notices"))
async def list_notices(house: HouseOf) -> NoticeList:
    """Return the version in force of every notice.

    The list is whole: one version a notice.
    """
    in_force = house.notices.in_force(day_of(house.leaves.now()))
    return NoticeList(items=[notice_view(house.notices, notice) for notice in in_force])


@router.get("/v1/notices/{code}", **reads(Scope.CONSENTS_READ, TAG, "Read a notice"))
async def get_notice(house: HouseOf, code: Code) -> NoticeView:
    """Return the version in force of one notice."""
    notice = house.notices.current(code, day_of(house.leaves.now()))
    if notice is None:
        raise RefusedError(refuse(NOTICE_NOT_FOUND, notice=code))
    return notice_view(house.notices, notice)


def notice_view(notices: Notices, notice: Notice) -> NoticeView:
    """Return what an answer says of a notice."""
    scope = notice.scope
    return NoticeView(
        code=notice.code,
        version=notice.version,
        valid_from=notice.valid_from,
        valid_to=notice.valid_to,
        purpose=scope.purpose,
        controller=party_view(notices.party(scope.controller)),
        recipient=party_view(notices.party(scope.recipient)),
        data=sorted(scope.data),
        use=scope.use.value,
        uses_max=scope.uses_max,
        period_days=scope.period_days,
        window_days=scope.window_days,
        data_life_days=scope.data_life_days,
        is_optional=notice.is_optional,
        legal_basis=notice.legal_basis,
        reading_ms_min=notice.reading_ms_min,
        authentication_level_min=notice.level_min.value,
        texts=[
            NoticeTextView(
                language=text.language,
                title=text.title,
                text=text.text,
                sha256=text.sha256.hex(),
                stops=text.parts["stops"],
                keeps=text.parts["keeps"],
            )
            for text in notice.texts.values()
        ],
    )


def party_view(party: Party) -> PartyView:
    """Return what an answer says of a party."""
    return PartyView(
        legal_id=party.legal_id,
        name_zh=party.name_zh,
        name_en=party.name_en,
        contact=party.contact,
    )
