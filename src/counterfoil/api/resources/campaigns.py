"""Campaigns of invitations: approved by two people, ended by one; what hosts show of them."""

from datetime import date, datetime
from typing import Annotated, Final

import orjson
from fastapi import APIRouter
from pydantic import Field, StringConstraints

from counterfoil.api.paging import PageView, Paging, page_of, page_of_whole
from counterfoil.api.reads import HouseOf, VisitOf, reads
from counterfoil.api.remembered import remembered
from counterfoil.api.resources.host_links import TAG as HOST_TAG
from counterfoil.api.resources.host_links import Customer
from counterfoil.api.resources.hosts import TAG, StopBody
from counterfoil.api.resources.privacy import actor_of
from counterfoil.api.shapes import Body, Code, CustomerId, Day, HostId, NoNul, Reason, View
from counterfoil.api.writes import Call, Write
from counterfoil.hosts.campaign import QUOTA_MAX, STANDING, CampaignTerms, Words
from counterfoil.hosts.campaign_store import Campaign, Listed
from counterfoil.journeys.hosting import invite as journey
from counterfoil.journeys.hosting.host_scope import customer_of_visit
from counterfoil.kernel import ids
from counterfoil.kernel.errors import Refused
from counterfoil.platform import idempotency
from counterfoil.platform.access import Scope
from counterfoil.platform.approvals import Approval
from counterfoil.platform.batches import Answer

router = APIRouter()
_TEXT_MAX: Final = 400
_RULE_MAX: Final = 2_000

_Text = Annotated[str, StringConstraints(min_length=1, max_length=_TEXT_MAX), NoNul]


class WordsBody(Body):
    """The words of a campaign in one language; no approval, no figures."""

    title: _Text
    text: _Text


class CampaignBody(Body):
    """A campaign as it is to be approved."""

    code: Code
    product_code: Code
    #: Where it is shown; left out, by the lender's own channels alone.
    host_id: HostId | None = None
    #: Over a customer's own record, such as `own_months >= 6 AND own_days_late_worst = 0`.
    rule: Annotated[str, StringConstraints(max_length=_RULE_MAX), NoNul] = ""
    #: In place of a rule.
    customer_ids: list[CustomerId] = Field(default=[], max_length=QUOTA_MAX)
    quota: int = Field(ge=1, le=QUOTA_MAX)
    #: The last day of every invitation.
    expires_on: Day
    zh: WordsBody
    en: WordsBody
    reason: Reason


class CampaignAnswer(View):
    """A campaign that was started, or the request for its approval."""

    #: `started`, or `waiting` for a second person.
    status: str
    campaign_id: str | None
    approval_id: str
    #: What became of those who were looked at, by reason; `invited` among them.
    counts: dict[str, int]


class CampaignView(View):
    """A campaign."""

    id: str
    code: str
    product_code: str
    host_id: str | None
    rule: str
    list_sha256: str
    quota: int
    expires_on: date
    words: dict[str, dict[str, str]]
    counts: dict[str, int]
    #: Invitations that were not ended.
    standing: int
    asked_by: str
    approved_by: str
    started_at: datetime


class Campaigns(PageView):
    """Campaigns, newest first."""

    items: list[CampaignView]


class InvitationView(View):
    """A word to apply, to be shown as it stands, with what stands beneath it."""

    product_code: str
    expires_on: date
    #: By language: title, text, and what is said beneath every invitation.
    words: dict[str, dict[str, str]]


class Invitations(PageView):
    """What a customer is invited to."""

    items: list[InvitationView]


async def carry_start(call: Call, body: CampaignBody) -> Answer | Refused:
    """Start, or ask for the approval of that."""
    terms = CampaignTerms(
        code=body.code,
        product_code=body.product_code,
        host_id=body.host_id,
        rule=body.rule.strip(),
        customer_ids=tuple(dict.fromkeys(body.customer_ids)),
        quota=body.quota,
        expires_on=body.expires_on,
        zh=Words(title=body.zh.title, text=body.zh.text),
        en=Words(title=body.en.title, text=body.en.text),
    )

    async def work() -> str | Refused:
        actor = actor_of(call, Scope.APPROVALS_WRITE)
        made = await journey.start_campaign(call.house, actor, terms, reason=body.reason)
        if isinstance(made, Refused):
            return made
        return orjson.dumps(_answer(made).model_dump()).decode()

    return await remembered(
        call.house,
        scope_id=idempotency.HOUSE,
        key=call.idempotency_key,
        kind="start_campaign",
        request=body.model_dump(mode="json"),
        work=work,
    )


async def carry_end(call: Call, body: StopBody) -> Answer | Refused:
    """End every invitation of a campaign."""
    ended = await journey.end_campaign(
        call.house,
        actor_of(call, Scope.OPERATIONS_WRITE),
        campaign_id=call.path["campaign_id"],
        reason=body.reason,
    )
    if isinstance(ended, Refused):
        return ended
    return Answer(_view(ended).model_dump_json(), is_replay=False)


def _answer(made: Campaign | Approval) -> CampaignAnswer:
    approval_id = ids.to_text(ids.APPROVAL, made.approval_id)
    if isinstance(made, Approval):
        return CampaignAnswer(
            status="waiting", campaign_id=None, approval_id=approval_id, counts={}
        )
    return CampaignAnswer(
        status="started",
        campaign_id=ids.to_text(ids.CAMPAIGN, made.campaign_id),
        approval_id=approval_id,
        counts=made.counts,
    )


def _view(listed: Listed) -> CampaignView:
    item = listed.campaign
    return CampaignView(
        id=ids.to_text(ids.CAMPAIGN, item.campaign_id),
        code=item.code,
        product_code=item.product_code,
        host_id=ids.to_text(ids.HOST, item.host_id) if item.host_id else None,
        rule=item.rule,
        list_sha256=item.list_sha256,
        quota=item.quota,
        expires_on=item.expires_on,
        words=item.words,
        counts=item.counts,
        standing=listed.standing,
        asked_by=item.asked_by,
        approved_by=item.approved_by,
        started_at=item.started_at,
    )


START = Write(
    name="start_campaign",
    tag=TAG,
    path="/v1/campaigns",
    scope=Scope.APPROVALS_WRITE,
    body=CampaignBody,
    answer=CampaignAnswer,
    carry=carry_start,
    status=201,
    summary="Invite customers to apply",
    description=(
        "Two people stand behind it, as with hosts. On own data alone: no inquiry, no reservation;"
        " only customers who agreed to offers and did not opt out. The words neither promise"
        " approval nor name figures."
    ),
    example={
        "code": "spring-regulars",
        "product_code": "cash-line-invited",
        "rule": "own_months >= 6 AND own_days_late_worst = 0",
        "quota": 500,
        "expires_on": "2026-04-30",
        "zh": {"title": "邀请您申请", "text": "您按时还款，欢迎申请循环现金额度（受邀开通）。"},
        "en": {"title": "You are invited", "text": "You repay on time. You may apply."},
        "reason": "regular customers of a good year",
    },
)
END = Write(
    name="end_campaign",
    tag=TAG,
    path="/v1/campaigns/{campaign_id}/end",
    path_ids={"campaign_id": ids.CAMPAIGN},
    scope=Scope.OPERATIONS_WRITE,
    body=StopBody,
    answer=CampaignView,
    carry=carry_end,
    summary="End the invitations of a campaign",
    example={"reason": "wrong list"},
)
WRITES = (START, END)


@router.get("/v1/campaigns", **reads(Scope.OPERATIONS_READ, TAG, "List campaigns"))
async def list_campaigns(house: HouseOf, turn: Paging) -> Campaigns:
    """Return campaigns with their words and what became of those who were looked at."""
    found = await journey.list_campaigns(
        house, page=turn.page, before=turn.number(), is_back=turn.is_back
    )
    page = page_of(found, turn, lambda item: (0, item.campaign.campaign_id))
    return Campaigns(items=[_view(item) for item in page.items], **page.cursors)


@router.get("/v1/host/invitations", **reads(Scope.HOST_READ, HOST_TAG, "List invitations"))
async def list_host_invitations(
    house: HouseOf, visit: VisitOf, customer: Customer, turn: Paging
) -> Invitations:
    """Return what a customer is invited to through you; show the words whole, or not at all."""
    async with house.database.transaction() as connection:
        link = await customer_of_visit(connection, visit, customer)
    found = await journey.invitations_of(house, link.customer_id, host_id=visit.host.host_id)
    page = page_of_whole(
        found, turn, lambda item: (0, item.invitation.campaign_id), is_falling=True
    )
    return Invitations(
        items=[
            InvitationView(
                product_code=item.invitation.product_code,
                expires_on=item.invitation.expires_on,
                words={
                    language: {**words, "beneath": STANDING[language]}
                    for language, words in item.words.items()
                },
            )
            for item in page.items
        ],
        **page.cursors,
    )
