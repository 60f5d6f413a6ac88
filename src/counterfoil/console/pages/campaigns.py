"""Campaigns of invitations: what came of each, proposing one, starting what was approved, ending.

Two people  Proposing asks for an approval of exactly what was filled in; the address of the form
            keeps it. Sending the very same again after the approval starts the campaign.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode

from starlette.responses import Response

from counterfoil.console import flow
from counterfoil.console.access import Permission
from counterfoil.console.flow import Action, Crumb, Field
from counterfoil.console.frame import BASE
from counterfoil.console.page import Page
from counterfoil.console.pages import errors
from counterfoil.console.visit import Visit
from counterfoil.console.words import refusal_text
from counterfoil.hosts.campaign import QUOTA_MAX, CampaignTerms, Words
from counterfoil.hosts.campaign_store import Listed
from counterfoil.journeys.hosting.hosts import list_hosts
from counterfoil.journeys.hosting.invite import end_campaign, list_campaigns, start_campaign
from counterfoil.kernel import ids
from counterfoil.kernel.errors import Refused
from counterfoil.platform.approvals import Approval
from counterfoil.platform.web.forms import FormReader, plain_number
from counterfoil.platform.web.parts import Form

_HOME: Final = f"{BASE}/hosts/campaigns"
_CODE_LENGTH_MAX: Final = 64
_TEXT_LENGTH_MAX: Final = 400
_RULE_LENGTH_MAX: Final = 2_000
#: The lender's own channels.
_OWN: Final = "own"


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignRow:
    """One campaign with its figures."""

    record: str
    code: str
    product: str
    where: str
    until: str
    #: Invited of at most so many, and how many invitations stand.
    invited: str
    standing: str
    #: Why the others were left out.
    left_out: str
    people: str
    stop_href: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignsView:
    """All campaigns."""

    rows: Sequence[CampaignRow]
    new_href: str
    done: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposalView:
    """The form of a campaign."""

    form: Form
    fields: Sequence[Field]
    #: The approval that it waits for; empty where none was asked for.
    waits_for: str


async def show(visit: Visit) -> Response:
    """Show campaigns."""
    names = {host.host_id: host.terms.name for host in await list_hosts(visit.desk.house)}
    found = await list_campaigns(visit.desk.house)
    view = CampaignsView(
        rows=[_row(visit, item, names) for item in found],
        new_href=f"{_HOME}/new",
        done=visit.done("campaign_started", "campaign_ended"),
    )
    return visit.page(
        "hosts/campaigns.html",
        visit.t("campaigns.title"),
        view,
        journey="counterfoil.journeys.hosting.invite.list_campaigns",
        api_call="GET /v1/campaigns",
        cli_call="counterfoil campaigns list",
    )


async def show_new(visit: Visit) -> Response:
    """Show the form, as far as the address fills it in."""
    return await _form(visit)


async def propose(visit: Visit) -> Response:
    """Ask for the approval, or start what was approved."""
    if visit.is_stale:
        return await _form(visit)
    reader = FormReader(visit.values)
    terms = await _terms(visit, reader)
    reason = reader.text("reason", length_max=flow.REASON_LENGTH_MAX)
    if terms is None or reason is None:
        return await _form(visit, reader)
    made = await start_campaign(visit.desk.house, visit.actor, terms, reason=reason)
    if isinstance(made, Refused):
        reader.refuse("form", "form.refused", text=refusal_text(visit, made))
        return await _form(visit, reader)
    if isinstance(made, Approval):
        kept = {field.name: visit.values.get(field.name, "") for field in await _fields(visit)}
        asked = ids.to_text(ids.APPROVAL, made.approval_id)
        return visit.go(f"{_HOME}/new?{urlencode({**kept, 'asked': asked})}")
    return visit.go(f"{_HOME}?done=campaign_started")


async def stop(visit: Visit) -> Response:
    """End every invitation of a campaign."""
    found = await _campaign(visit)
    if found is None:
        return await errors.not_found(visit)
    record = ids.to_text(ids.CAMPAIGN, found.campaign.campaign_id)
    action = Action(
        name="end_campaign",
        title=visit.t("campaigns.stop_title", code=found.campaign.code),
        intro=visit.t("campaigns.stop_intro"),
        path=f"{_HOME}/{record}/end",
        record=Crumb(label=visit.t("campaigns.title"), href=_HOME),
        journey="journeys.hosting.invite.end_campaign",
    )
    fields = [Field(name="reason", label=visit.t("approval.reason"))]
    number = found.campaign.campaign_id

    async def act(reader: FormReader) -> object:
        reason = flow.reason_of(reader)
        if reason is None:
            return None
        return await end_campaign(visit.desk.house, visit.actor, campaign_id=number, reason=reason)

    return await flow.run(visit, action, fields, act, done="campaign_ended")


async def _form(visit: Visit, reader: FormReader | None = None) -> Response:
    fields, query = await _fields(visit), visit.request.query_params
    given = {} if reader else {one.name: query[one.name] for one in fields if one.name in query}
    form = visit.form(f"{_HOME}/new", reader, **given)
    asked = query.get("asked", "")
    view = ProposalView(form=form, fields=fields, waits_for=asked if asked.isascii() else "")
    return visit.page(
        "hosts/campaign.html",
        visit.t("campaigns.new"),
        view,
        status=422 if form.errors else 200,
        journey="counterfoil.journeys.hosting.invite.start_campaign",
        api_call="POST /v1/campaigns",
        cli_call="counterfoil campaigns start campaign.toml",
    )


async def _fields(visit: Visit) -> list[Field]:
    t, house = visit.t, visit.desk.house
    products = sorted({terms.code for terms in house.catalogue.all()})
    hosts = [
        (ids.to_text(ids.HOST, host.host_id), host.terms.name) for host in await list_hosts(house)
    ]
    return [
        Field(name="code", label=t("campaigns.code")),
        Field(
            name="product",
            label=t("loan.product"),
            kind="select",
            choices=[(code, code) for code in products],
        ),
        Field(
            name="host",
            label=t("campaigns.where"),
            kind="select",
            choices=[(_OWN, t("campaigns.own")), *hosts],
        ),
        Field(name="rule", label=t("campaigns.rule"), kind="area", hint=t("campaigns.rule_hint")),
        Field(name="quota", label=t("campaigns.quota"), inputmode="numeric"),
        Field(name="until", label=t("campaigns.until"), kind="date"),
        Field(name="title_zh", label=t("campaigns.title_zh")),
        Field(name="text_zh", label=t("campaigns.text_zh"), kind="area"),
        Field(name="title_en", label=t("campaigns.title_en")),
        Field(name="text_en", label=t("campaigns.text_en"), kind="area"),
        Field(name="reason", label=t("approval.reason")),
    ]


async def _terms(visit: Visit, reader: FormReader) -> CampaignTerms | None:
    by_name = {field.name: field for field in await _fields(visit)}
    code = reader.text("code", length_max=_CODE_LENGTH_MAX)
    product = reader.choice("product", [value for value, _ in by_name["product"].choices])
    host = reader.choice("host", [value for value, _ in by_name["host"].choices])
    rule = reader.text("rule", length_max=_RULE_LENGTH_MAX)
    quota, until = _quota(reader), reader.day("until")
    zh, en = _words(reader, "zh"), _words(reader, "en")
    if not (code and product and host and rule and quota and until and reader.is_valid):
        return None
    return CampaignTerms(
        code=code,
        product_code=product,
        host_id=None if host == _OWN else ids.from_text(ids.HOST, host),
        rule=rule,
        customer_ids=(),
        quota=quota,
        expires_on=until,
        zh=zh,
        en=en,
    )


def _words(reader: FormReader, language: str) -> Words:
    title = reader.text(f"title_{language}", length_max=_TEXT_LENGTH_MAX)
    text = reader.text(f"text_{language}", length_max=_TEXT_LENGTH_MAX)
    # Several lines of a form are one sentence after another.
    return Words(title=title or "", text=" ".join((text or "").split()))


def _quota(reader: FormReader) -> int | None:
    text = plain_number(reader.text("quota", length_max=_CODE_LENGTH_MAX) or "")
    if text.isascii() and text.isdigit() and 0 < int(text) <= QUOTA_MAX:
        return int(text)
    reader.refuse("quota", "campaigns.quota_wrong", most=QUOTA_MAX)
    return None


async def _campaign(visit: Visit) -> Listed | None:
    try:
        number = ids.from_text(ids.CAMPAIGN, visit.request.path_params["campaign"])
    except ids.InvalidIdError:
        return None
    found = await list_campaigns(visit.desk.house)
    return next((item for item in found if item.campaign.campaign_id == number), None)


def _row(visit: Visit, listed: Listed, names: dict[int, str]) -> CampaignRow:
    item, f = listed.campaign, visit.formats
    record = ids.to_text(ids.CAMPAIGN, item.campaign_id)
    left = {name: count for name, count in sorted(item.counts.items()) if name != "invited"}
    may_stop = listed.standing > 0 and visit.may(Permission.HOSTS)
    return CampaignRow(
        record=record,
        code=item.code,
        product=item.product_code,
        where=names.get(item.host_id, visit.t("campaigns.own")),
        until=f.day(item.expires_on),
        invited=f"{f.count(item.counts.get('invited', 0))} / {f.count(item.quota)}",
        standing=f.count(listed.standing),
        left_out=" · ".join(
            f"{_reason(visit, name)} {f.count(count)}" for name, count in left.items()
        ),
        people=f"{item.asked_by}, {item.approved_by}",
        stop_href=f"{_HOME}/{record}/end" if may_stop else "",
    )


def _reason(visit: Visit, code: str) -> str:
    """Return why customers were left out, or the code where a newer release knows one more."""
    is_known = visit.catalogue.has(f"left_out.{code}")
    return visit.catalogue.label("left_out", code) if is_known else code


PAGES: Final = (
    Page(path="/hosts/campaigns", show=show, permission=Permission.HOSTS),
    Page(path="/hosts/campaigns/new", show=show_new, submit=propose, permission=Permission.HOSTS),
    Page(
        path="/hosts/campaigns/{campaign}/end",
        show=stop,
        submit=stop,
        permission=Permission.HOSTS,
    ),
)
