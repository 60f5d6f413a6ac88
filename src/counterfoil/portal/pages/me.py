"""The customer's own corner: ways to everything, wishes about decisions, rights over the data."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from starlette.responses import Response

from counterfoil.decisioning.wishes import Choice
from counterfoil.journeys.deciding.choose import choose, chosen_by
from counterfoil.journeys.guarding.rights import RightsWish, ask_right, requests_of, withdraw
from counterfoil.kernel import ids
from counterfoil.kernel.errors import Refused
from counterfoil.platform.web.forms import FormReader
from counterfoil.platform.web.parts import Form
from counterfoil.portal.page import Page
from counterfoil.portal.pages import errors
from counterfoil.portal.visit import Visit
from counterfoil.privacy.rights import Right, RightsRequest

_BY: Final = "portal"
_METHOD: Final = "one_time_code"
_SAID_LENGTH_MAX: Final = 500
_ABOUT_LENGTH_MAX: Final = 80
#: What can be asked by itself; explaining a decision is asked at the decision.
KINDS: Final = (
    *(Right.VIEW, Right.COPY, Right.CORRECT, Right.DELETE, Right.RESTRICT, Right.OBJECT),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChoiceRow:
    """One wish that holds or does not."""

    name: str
    title: str
    text: str
    is_on: bool
    state: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MeView:
    """The corner."""

    customer: str
    links: Sequence[tuple[str, str, str]]
    choices: Sequence[ChoiceRow]
    form: Form
    done: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestRow:
    """One request about the customer's data."""

    record: str
    kind: str
    about: str
    state: str
    due: str
    answer: str
    is_open: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class RightsView:
    """Rights: the form and what was asked."""

    form: Form
    kinds: Sequence[tuple[str, str]]
    about: str
    rows: Sequence[RequestRow]
    done: str


async def show(visit: Visit) -> Response:
    """Show the corner."""
    async with visit.house.database.connection() as connection:
        chosen = await chosen_by(connection, visit.customer_id)
    rows = []
    for choice in Choice:
        since = chosen.since.get(choice)
        state = "me.since" if since else "me.not_chosen"
        rows.append(
            ChoiceRow(
                name=choice.value,
                title=visit.word("choice", choice.value),
                text=visit.word("choice_text", choice.value),
                is_on=since is not None,
                state=visit.t(state, at=visit.formats.instant(since)),
            )
        )
    names = (
        # Tabs of their own where pages are not plain.
        *(("consents", "record") if visit.plain_pages else ()),
        *("settings", "addresses", "messages", "statements", "apply", "decisions", "contracts"),
        *("account", "profile", "rights", "household", "hosts", "sign-ins"),
    )
    view = MeView(
        customer=visit.customer,
        links=[
            (
                f"/portal/{name}",
                visit.word("me_link", name.replace("-", "_")),
                visit.word("me_note", name.replace("-", "_")),
            )
            for name in names
        ],
        choices=rows,
        form=visit.form("/me"),
        done=visit.done("choice_kept"),
    )
    return visit.page("me/me.html", visit.t("me.title"), view)


async def set_choice(visit: Visit) -> Response:
    """Keep a wish, or take it back."""
    reader = FormReader(visit.values)
    choice = reader.choice("choice", [one.value for one in Choice])
    is_on = visit.values.get("is_on") == "yes"
    if choice is None:
        return await show(visit)
    outcome = await choose(
        visit.house,
        customer_id=visit.customer_id,
        choice=Choice(choice),
        is_on=is_on,
        channel=_BY,
    )
    if isinstance(outcome, Refused):
        return errors.refused(visit, outcome)
    return visit.go("/me?done=choice_kept")


async def show_rights(visit: Visit) -> Response:
    """Show what can be asked about the data, and what was asked."""
    return await _rights(visit)


async def ask_rights(visit: Visit) -> Response:
    """Ask, or take a request back."""
    reader = FormReader(visit.values)
    taken_back = visit.values.get("withdraw", "")
    if taken_back:
        return await _take_back(visit, taken_back)
    kind = reader.choice("kind", [one.value for one in KINDS])
    about = reader.text("about", length_max=_ABOUT_LENGTH_MAX, required=False)
    said = reader.text("said", length_max=_SAID_LENGTH_MAX, required=False)
    if kind is None or not reader.is_valid:
        return await _rights(visit, reader)
    wish = RightsWish(
        customer_id=visit.customer_id,
        kind=Right(kind),
        about=about or "",
        said=said or "",
        method=_METHOD,
        by=_BY,
    )
    outcome = await ask_right(visit.house, wish)
    if isinstance(outcome, Refused):
        reader.refuse("form", "form.refused", text=visit.refusal(outcome))
        return await _rights(visit, reader)
    return visit.go("/rights?done=right_asked")


async def _take_back(visit: Visit, record: str) -> Response:
    try:
        number = ids.from_text(ids.RIGHTS_REQUEST, record)
    except ids.InvalidIdError:
        return errors.not_found(visit)
    outcome = await withdraw(visit.house, customer_id=visit.customer_id, request_id=number, by=_BY)
    if isinstance(outcome, Refused):
        return errors.refused(visit, outcome)
    return visit.go("/rights?done=right_withdrawn")


async def _rights(visit: Visit, reader: FormReader | None = None) -> Response:
    found = await requests_of(visit.house, visit.customer_id)
    about = visit.values.get("about") or visit.request.query_params.get("about", "")
    kind = "correct" if about else ""
    view = RightsView(
        form=visit.form("/rights", reader, about=about[:_ABOUT_LENGTH_MAX], kind=kind),
        kinds=[(one.value, visit.word("right", one.value)) for one in KINDS],
        about=about,
        rows=[_request_row(visit, one) for one in found],
        done=visit.done("right_asked") or visit.done("right_withdrawn"),
    )
    title = visit.t("rights.title")
    return visit.page("me/rights.html", title, view, status=422 if view.form.errors else 200)


def _request_row(visit: Visit, request: RightsRequest) -> RequestRow:
    ended = request.conclusion
    return RequestRow(
        record=ids.to_text(ids.RIGHTS_REQUEST, request.request_id),
        kind=visit.word("right", request.kind.value),
        about=request.about,
        state=visit.word("rights_state", request.state.value),
        due=visit.t("rights.due", day=visit.formats.day(request.due_on)) if ended is None else "",
        answer=ended.reason if ended else "",
        is_open=ended is None,
    )


PAGES: Final = (
    Page(path="/me", show=show, submit=set_choice),
    Page(path="/rights", show=show_rights, submit=ask_rights),
)
