"""Templates of contracts: what each says, what publishing it would change, published by two."""

from datetime import date, datetime
from typing import Annotated, Final

from fastapi import APIRouter, Path
from pydantic import Field, StringConstraints

from counterfoil.api.paging import PageView, Paging, page_of
from counterfoil.api.reads import HouseOf, reads
from counterfoil.api.remembered import once
from counterfoil.api.resources.contracts import TAG
from counterfoil.api.resources.privacy import actor_of
from counterfoil.api.shapes import Body, Day, NoNul, Reason, View
from counterfoil.api.writes import Call, Write
from counterfoil.contracts import template_store as store
from counterfoil.contracts.refusals import TEMPLATE_GATE_CLOSED
from counterfoil.contracts.shelf import Proposal, TemplatesError, proposal_of
from counterfoil.contracts.template import files_of
from counterfoil.contracts.template_store import TemplatePublication
from counterfoil.journeys.contracting import publish_template as journey
from counterfoil.journeys.contracting.template_gate import TemplateWish, gate
from counterfoil.kernel import ids
from counterfoil.kernel.errors import Refused, RefusedError, refuse
from counterfoil.platform.access import Scope
from counterfoil.platform.approvals import Approval
from counterfoil.platform.batches import Answer

router = APIRouter()
_TEXT_LENGTH_MAX: Final = 200_000
_VERSION_MAX: Final = 99_999

Ref = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,39}/[1-9][0-9]{0,4}$")]
_FileText = Annotated[str, StringConstraints(max_length=_TEXT_LENGTH_MAX), NoNul]
TemplateCode = Annotated[
    str,
    Path(pattern="^[a-z0-9][a-z0-9-]{0,39}$", description="The template's code.",
         examples=["credit-agreement"]),
]  # fmt: skip
TemplateVersion = Annotated[
    int, Path(ge=1, le=_VERSION_MAX, description="Its version.", examples=[1])
]


class TemplateFiles(Body):
    """The three files of a version."""

    head: Annotated[_FileText, Field(description="`template.toml`")]
    zh: Annotated[_FileText, Field(description="`zh.md`")]
    en: Annotated[_FileText, Field(description="`en.md`")]


class TemplatePublicationBody(Body):
    """A version to be published."""

    #: Its files; or code and version of one that was put forward before, or that ships.
    template: Ref | TemplateFiles
    reason: Reason


class TemplateRetirementBody(Body):
    """A published version from which nothing new is to be made."""

    #: Code and version.
    template: Ref
    #: The first day on which nothing new is made from it.
    retired_on: Day
    reason: Reason


class TemplateActAnswer(View):
    """What became of the call: `requested`, or `published` or `ends`."""

    state: str
    template: str
    template_sha256: str
    #: What somebody else decides on, or has decided on.
    approval_id: str
    #: The first day on which nothing new is made from it; null while it has no end.
    retired_on: date | None


class TemplatePublicationView(View):
    """A version that two people published."""

    template: str
    template_sha256: str
    author: str
    approver: str
    approval_id: str
    published_at: datetime
    retired_on: date | None
    retired_by: str | None
    retirement_approver: str | None


class TemplatePublications(PageView):
    """A page of published versions, newest first."""

    items: list[TemplatePublicationView]


class TemplateView(View):
    """A version with its texts."""

    template: str
    template_sha256: str
    kind: str
    lender_id: str
    products: list[str]
    effective_from: date
    notice_days: int
    head: str
    zh: str
    en: str
    #: Null while nobody has published it: nothing is made from it.
    publication: TemplatePublicationView | None


class ProductOfTemplate(View):
    """What new documents of a product are made from, before and after; empty where nothing is."""

    product: str
    before: str
    after: str
    #: Lines that are not closed.
    lines: int


class TemplateValue(View):
    """A value that would be another."""

    before_template: str
    after_template: str
    member: str
    before: str
    after: str


class TemplateClause(View):
    """A clause that would read otherwise, in one language."""

    before_template: str
    after_template: str
    language: str
    heading: str
    before: list[str]
    after: list[str]


class AgreementsOfTemplate(View):
    """How many signed agreements follow a version, and go on to."""

    product_code: str
    template_code: str
    template_version: int
    agreements: int


class FigureInWords(View):
    """A line whose own words have a figure, behind which no terms stand."""

    language: str
    line: str


class TemplateFault(View):
    """What stands in the way of the publication."""

    place: str
    reason: str


class TemplateDifferenceView(View):
    """What publishing a version would change."""

    act: str
    template: str
    template_sha256: str
    kind: str
    lender: str
    effective_from: str
    retired_on: str
    notice_days: int
    products: list[ProductOfTemplate]
    values: list[TemplateValue]
    texts: list[TemplateClause]
    agreements: list[AgreementsOfTemplate]
    figures: list[FigureInWords]
    faults: list[TemplateFault]


async def carry_publication(call: Call, body: TemplatePublicationBody) -> Answer | Refused:
    """Publish a version, or ask for the approval of that."""

    async def act() -> TemplateActAnswer | Refused:
        found = await _proposal(call, body.template)
        if isinstance(found, Refused):
            return found
        return await _carry(call, TemplateWish(proposal=found), body.reason)

    return await once(call, PUBLISH, body, act, lambda answer: answer)


async def carry_retirement(call: Call, body: TemplateRetirementBody) -> Answer | Refused:
    """Let a version end, or ask for the approval of that."""

    async def act() -> TemplateActAnswer | Refused:
        found = await _proposal(call, body.template)
        if isinstance(found, Refused):
            return found
        wish = TemplateWish(proposal=found, retired_on=body.retired_on)
        return await _carry(call, wish, body.reason)

    return await once(call, RETIRE, body, act, lambda answer: answer)


async def _carry(call: Call, wish: TemplateWish, reason: str) -> TemplateActAnswer | Refused:
    actor = actor_of(call, Scope.APPROVALS_WRITE)
    made = await journey.ask_or_publish(call.house, actor, wish, reason=reason)
    if isinstance(made, Refused):
        return made
    is_asked = isinstance(made, Approval)
    return TemplateActAnswer(
        state="requested" if is_asked else "published" if wish.retired_on is None else "ends",
        template=wish.proposal.template.ref,
        template_sha256=wish.proposal.sha256,
        approval_id=ids.to_text(ids.APPROVAL, made.approval_id),
        retired_on=wish.retired_on or wish.proposal.template.retired_on,
    )


async def _proposal(call: Call, wanted: str | TemplateFiles) -> Proposal | Refused:
    if isinstance(wanted, str):
        code, version = wanted.split("/")
        async with call.house.database.connection() as connection:
            return await journey.known_template(call.house, connection, code, int(version))
    files = {"template.toml": wanted.head, "zh.md": wanted.zh, "en.md": wanted.en}
    try:
        return proposal_of({name: text.encode() for name, text in files.items()})
    except (TemplatesError, UnicodeEncodeError) as fault:
        return refuse(TEMPLATE_GATE_CLOSED, fault=str(fault).replace("\n", "; "))


def _view(made: TemplatePublication) -> TemplatePublicationView:
    return TemplatePublicationView(
        template=f"{made.code}/{made.version}",
        template_sha256=made.sha256,
        author=made.author,
        approver=made.approver,
        approval_id=ids.to_text(ids.APPROVAL, made.approval_id),
        published_at=made.published_at,
        retired_on=made.retired_on,
        retired_by=made.retired_by,
        retirement_approver=made.retirement_approver,
    )


PUBLISH = Write(
    name="publish_contract_template",
    tag=TAG,
    path="/v1/contract-templates/publications",
    scope=Scope.APPROVALS_WRITE,
    body=TemplatePublicationBody,
    answer=TemplateActAnswer,
    carry=carry_publication,
    status=201,
    summary="Publish a version of a contract template",
    description=(
        "The first call compares, keeps the report and asks for approval; once somebody else has"
        " approved, the same call under a new key publishes. Documents are made from published"
        " versions alone, and running agreements change by a notice."
    ),
    example={"template": "credit-agreement/2", "reason": "Clause 9 names the ombudsman."},
)
RETIRE = Write(
    name="retire_contract_template",
    tag=TAG,
    path="/v1/contract-templates/retirements",
    scope=Scope.APPROVALS_WRITE,
    body=TemplateRetirementBody,
    answer=TemplateActAnswer,
    carry=carry_retirement,
    status=201,
    summary="Let a version of a contract template end",
    description=(
        "Nothing new is made from it from the day on; the version before it holds again. The first"
        " call asks for approval; once somebody else has approved, the same call under a new key"
        " carries it out."
    ),
    example={
        "template": "credit-agreement/2",
        "retired_on": "2026-06-01",
        "reason": "Clause 9 was wrong.",
    },
)
WRITES = (PUBLISH, RETIRE)


@router.get(
    "/v1/contract-templates",
    **reads(Scope.CONTRACTS_READ, TAG, "List published versions of contract templates"),
)
async def list_contract_templates(house: HouseOf, turn: Paging) -> TemplatePublications:
    """Return which versions were published, by whom, and when they end, newest first."""
    async with house.database.connection() as connection:
        found = await store.read_publications(
            connection, page=turn.page, before=turn.number(), is_back=turn.is_back
        )
    page = page_of(found, turn, lambda made: (0, made.publication_id))
    return TemplatePublications(items=[_view(made) for made in page.items], **page.cursors)


@router.get(
    "/v1/contract-templates/{template_code}/{template_version}",
    **reads(Scope.CONTRACTS_READ, TAG, "Read a version of a contract template"),
)
async def get_contract_template(
    house: HouseOf, template_code: TemplateCode, template_version: TemplateVersion
) -> TemplateView:
    """Return a version with its texts: as published, else as last put forward or as it ships."""
    async with house.database.connection() as connection:
        found = await journey.known_template(house, connection, template_code, template_version)
        made = await store.read_publication(connection, template_code, template_version)
    if isinstance(found, Refused):
        raise RefusedError(found)
    template, files = found.template, files_of(found.document)
    return TemplateView(
        template=template.ref,
        template_sha256=found.sha256,
        kind=template.kind.value,
        lender_id=template.lender_id,
        products=list(template.products),
        effective_from=template.effective_from,
        notice_days=template.notice_days,
        head=files["template.toml"].decode(),
        zh=files["zh.md"].decode(),
        en=files["en.md"].decode(),
        publication=None if made is None else _view(made),
    )


@router.get(
    "/v1/contract-templates/{template_code}/{template_version}/difference",
    **reads(Scope.APPROVALS_READ, TAG, "Read what publishing a contract template would change"),
)
async def get_contract_template_difference(
    house: HouseOf, template_code: TemplateCode, template_version: TemplateVersion
) -> TemplateDifferenceView:
    """Return the difference to what holds, clause by clause, and what stands in the way."""
    async with house.database.connection() as connection:
        found = await journey.known_template(house, connection, template_code, template_version)
        if isinstance(found, Refused):
            raise RefusedError(found)
        report = await gate(house, connection, TemplateWish(proposal=found))
    return TemplateDifferenceView.model_validate(report.document())
