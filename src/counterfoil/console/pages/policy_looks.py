"""How the versions of policies fare after reviews: looks at them, and losses by vintage."""

from dataclasses import dataclass
from typing import Final

from starlette.responses import Response

from counterfoil.console import flow
from counterfoil.console.access import Permission
from counterfoil.console.flow import Action, Crumb, Field
from counterfoil.console.frame import BASE
from counterfoil.console.page import Page
from counterfoil.console.visit import Visit
from counterfoil.decisioning.review_store import PolicyReview
from counterfoil.decisioning.vintage_store import Vintage
from counterfoil.journeys.deciding.review_figures import Conclusion, conclude_look
from counterfoil.platform.web.forms import FormReader

_PPM: Final = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class LookRow:
    """A version whose decisions were overturned too often."""

    version: str
    text: str
    #: Where a person ends the look; empty where it has ended, or this one may not.
    href: str
    #: How it ended; empty while it is open.
    ended: str


def look_row(visit: Visit, item: PolicyReview) -> LookRow:
    """Return one look for the page of reviews."""
    f, is_open = visit.formats, item.conclusion is None
    ended = ""
    if item.conclusion is not None and item.ended_at is not None:
        ended = visit.t(
            "review.look_ended",
            conclusion=visit.catalogue.label("look_conclusion", item.conclusion),
            person=item.ended_by,
            at=f.instant(item.ended_at),
            reason=item.reason,
        )
    may_end = is_open and visit.may(Permission.REVIEW)
    return LookRow(
        version=item.policy_version,
        text=visit.t(
            "review.looked_at",
            overturned=item.overturned,
            reviewed=item.reviewed,
            since=f.instant(item.opened_at),
        ),
        href=f"{BASE}/reviews/policies/{item.policy_hash}" if may_end else "",
        ended=ended,
    )


def vintage_row(visit: Visit, item: Vintage) -> list[str]:
    """Return what a version foresaw of a month's lines, and what came."""
    f = visit.formats
    foreseen = item.foreseen_ppm
    return [
        f.day(item.opened_in),
        item.policy_version,
        f.count(item.lines),
        f.count(item.observed),
        "—" if foreseen is None else f.percent(foreseen, _PPM),
        f.count(item.foreseen_of),
        f.percent(item.defaulted, item.observed),
        f.money(item.lent_minor, item.currency),
        f.money(item.lost_minor, item.currency),
        f.percent(item.lost_minor, item.lent_minor),
    ]


async def conclude(visit: Visit) -> Response:
    """Say whether a version that was overturned too often is kept or changed."""
    policy_hash = visit.request.path_params["policy"]
    t = visit.t
    action = Action(
        name="conclude",
        title=t("review.look_title"),
        intro=t("review.look_intro"),
        path=f"{BASE}/reviews/policies/{policy_hash}",
        record=Crumb(label=t("nav.reviews"), href=f"{BASE}/reviews"),
        journey="journeys.deciding.review_figures.conclude_look",
    )
    choices = tuple(
        (one.value, visit.catalogue.label("look_conclusion", one.value)) for one in Conclusion
    )
    fields = [
        Field(name="conclusion", label=t("review.outcome"), kind="select", choices=choices),
        Field(name="reason", label=t("review.reason"), hint=t("review.reason_hint")),
    ]

    async def act(reader: FormReader) -> object:
        conclusion = reader.choice("conclusion", [one.value for one in Conclusion])
        reason = flow.reason_of(reader)
        if conclusion is None or reason is None:
            return None
        return await conclude_look(
            visit.desk.house,
            visit.actor,
            policy_hash,
            conclusion=Conclusion(conclusion),
            reason=reason,
        )

    return await flow.run(visit, action, fields, act, done="review_concluded")


PAGES: Final = (
    Page(
        path="/reviews/policies/{policy}",
        show=conclude,
        submit=conclude,
        permission=Permission.REVIEW,
    ),
)
