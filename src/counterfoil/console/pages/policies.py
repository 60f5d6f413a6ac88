"""Policies in force, what their caps hold back, and the wish to suppress a rule for a customer."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from starlette.responses import Response

from counterfoil.console import flow
from counterfoil.console.access import Permission
from counterfoil.console.flow import Action, Crumb, Field
from counterfoil.console.frame import BASE
from counterfoil.console.page import Page
from counterfoil.console.pages.experiments import Cells, loss_cells
from counterfoil.console.visit import Visit
from counterfoil.console.words import code_label
from counterfoil.decisioning.guard_store import read_tripped
from counterfoil.decisioning.line_review.document import PURPOSE as REVIEWS
from counterfoil.decisioning.snooze import Snooze, SnoozeWish
from counterfoil.journeys.deciding.experiment_report import losses_by_version
from counterfoil.journeys.deciding.hold_back import list_trips
from counterfoil.journeys.deciding.snooze_rule import snooze_rule
from counterfoil.journeys.lines.line_policy import review_in_force, shipped_review_policy
from counterfoil.platform.web.forms import FormReader
from counterfoil.platform.web.parts import Status

_HREF: Final = f"{BASE}/policies"
_RULE_LENGTH_MAX: Final = 64
_DAYS_DIGITS_MAX: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyRow:
    """A version that decides now."""

    purpose: str
    version: str
    policy_hash: str
    source: str
    held: str
    status: Status


@dataclass(frozen=True, slots=True, kw_only=True)
class TripRow:
    """A cap that began or ceased to hold something back."""

    at: str
    policy: str
    rule: str
    declined: str
    status: Status


@dataclass(frozen=True, slots=True, kw_only=True)
class PoliciesView:
    """What decides now, and what was held back."""

    rows: Sequence[PolicyRow]
    trips: Sequence[TripRow]
    #: Of versions in force: what was expected of their lines by month, what came of them, and
    #: whether the version is to be looked at for it.
    losses: Sequence[tuple[Cells, bool]]
    #: What is held back now, as a notice; empty where nothing is.
    notice: str
    snooze_href: str
    done: str


async def show(visit: Visit) -> Response:
    """List the versions in force and what their caps held back."""
    in_force = visit.desk.house.policies.every()
    rows = []
    for purpose, version in sorted(in_force.items()):
        held = sorted(version.guards.tripped)
        published = version.publication_id is not None
        rows.append(
            PolicyRow(
                purpose=code_label(visit, "policy_purpose", purpose),
                version=_version_text(
                    visit, f"{version.policy.code} {version.policy.version}", version.fallen_from
                ),
                policy_hash=version.policy.hash,
                source=code_label(visit, "policy_source", "published" if published else "shipped"),
                held=", ".join(held) or "—",
                status=_status(visit, is_tripped=bool(held)),
            )
        )
    rows.append(await _review_row(visit))
    trips = [
        TripRow(
            at=visit.formats.instant(event.at, seconds=True),
            policy=event.policy,
            rule=event.rule_code,
            declined=f"{visit.formats.count(event.declined)} / {visit.formats.count(event.cases)}",
            status=_status(visit, is_tripped=event.is_tripped),
        )
        for event in await list_trips(visit.desk.house)
    ]
    is_held = any(version.guards.tripped for version in in_force.values())
    view = PoliciesView(
        rows=rows,
        trips=trips,
        losses=[
            (loss_cells(visit, one), one["needs_review"])
            for one in await losses_by_version(visit.desk.house)
            if one["policy_hash"] in {version.policy.hash for version in in_force.values()}
        ],
        notice=visit.t("policies.notice") if is_held else "",
        snooze_href=f"{_HREF}/snooze",
        done=visit.done("snooze_asked", "snooze_given"),
    )
    return visit.page(
        "policies/list.html",
        visit.t("nav.policies"),
        view,
        journey="journeys.deciding.hold_back.list_trips",
        api_call="GET /v1/policies",
        cli_call="counterfoil policy list",
    )


async def snooze(visit: Visit) -> Response:
    """Ask to suppress a rule for a customer, or do it once somebody else has approved."""

    async def act(reader: FormReader) -> object:
        number = flow.customer_of(reader)
        purpose = reader.choice("purpose", _purposes(visit))
        rule = reader.text("rule", length_max=_RULE_LENGTH_MAX)
        days = reader.text("days", length_max=_DAYS_DIGITS_MAX)
        reason = flow.reason_of(reader)
        if days is not None and not (days.isascii() and days.isdigit()):
            reader.refuse("days", "policies.no_days")
        if not reader.is_valid:
            return None
        wish = SnoozeWish(
            customer_id=number or 0,
            purpose=purpose or "",
            rule_code=rule or "",
            days=int(days or 0),
            reason=reason or "",
        )
        return await snooze_rule(visit.desk.house, visit.actor, wish)

    return await flow.run(visit, _action(visit), _fields(visit), act, done=_done_word)


def _done_word(outcome: object) -> str:
    return "snooze_given" if isinstance(outcome, Snooze) else "snooze_asked"


async def _review_row(visit: Visit) -> PolicyRow:
    """Return the version by which lines are reviewed."""
    house = visit.desk.house
    async with house.database.connection() as connection:
        found = await review_in_force(connection, at=house.clock.now())
        tripped = await read_tripped(connection, [found.policy.hash])
    held = sorted(tripped.get(found.policy.hash, ()))
    is_shipped = found.policy.hash == shipped_review_policy().hash
    instead_of = None if found.fallen_from is None else found.fallen_from.version
    return PolicyRow(
        purpose=code_label(visit, "policy_purpose", REVIEWS),
        version=_version_text(visit, f"{found.policy.code} {found.policy.version}", instead_of),
        policy_hash=found.policy.hash,
        source=code_label(visit, "policy_source", "shipped" if is_shipped else "published"),
        held=", ".join(held) or "—",
        status=_status(visit, is_tripped=bool(held)),
    )


def _version_text(visit: Visit, version: str, fallen_from: str | None) -> str:
    """Return a version, and the one that it decides instead of."""
    if fallen_from is None:
        return version
    return visit.t("policies.instead", version=version, fallen_from=fallen_from)


def _purposes(visit: Visit) -> tuple[str, ...]:
    return (*visit.desk.house.policies.every(), REVIEWS)


def _status(visit: Visit, *, is_tripped: bool) -> Status:
    code = "tripped" if is_tripped else "clear"
    return visit.status("cap_status", code, {"tripped": "warn", "clear": "good"})


def _action(visit: Visit) -> Action:
    return Action(
        name="snooze",
        title=visit.t("policies.snooze"),
        intro=visit.t("policies.snooze_intro"),
        path=f"{_HREF}/snooze",
        record=Crumb(label=visit.t("nav.policies"), href=_HREF),
        journey="journeys.deciding.snooze_rule.snooze_rule",
        api_call="POST /v1/rule-snoozes",
    )


def _fields(visit: Visit) -> list[Field]:
    t = visit.t
    purposes = [(code, code_label(visit, "policy_purpose", code)) for code in _purposes(visit)]
    return [
        Field(name="customer", label=t("policies.customer"), hint=t("policies.customer_hint")),
        Field(name="purpose", label=t("policies.purpose"), kind="select", choices=purposes),
        Field(name="rule", label=t("policies.rule"), hint=t("policies.rule_hint")),
        Field(name="days", label=t("policies.days"), inputmode="numeric"),
        Field(name="reason", label=t("approval.reason"), hint=t("approval.reason_hint")),
    ]


PAGES: Final = (
    Page(path="/policies", show=show, permission=Permission.APPROVALS),
    Page(path="/policies/snooze", show=snooze, submit=snooze, permission=Permission.APPROVALS),
)
