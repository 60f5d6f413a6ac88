"""How an action with money or law in it goes: a form, everything shown once more, then one journey.

Steps       GET shows the form. A post with the step `preview` checks it and shows what will change
            and which entries will be booked; a post with `confirm` runs the journey and redirects.
            A post with `edit`, or one from a stale page, shows the form again with its input.
At once     What needs no preview has one step: the form, and the journey once it is sent.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

from starlette.responses import Response

from counterfoil.console.entries import EntryView
from counterfoil.console.visit import Visit
from counterfoil.console.words import refusal_text
from counterfoil.kernel import ids
from counterfoil.kernel.errors import Refused
from counterfoil.platform.web.forms import KEY_FIELD, TOKEN_FIELD, FormReader
from counterfoil.platform.web.parts import Change, Form

STEP: Final = "step"
PREVIEW: Final = "preview"
CONFIRM: Final = "confirm"
#: Name of the field with the reason of an action.
REASON: Final = "reason"

#: Longest reason that is kept with an action.
REASON_LENGTH_MAX: Final = 200
#: Longer than any number of a record.
_NUMBER_LENGTH_MAX: Final = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One field of an action's form."""

    name: str
    label: str
    #: text, area for several lines, date or select.
    kind: str = "text"
    hint: str = ""
    inputmode: str = ""
    is_required: bool = True
    choices: Sequence[tuple[str, str]] = ()
    #: Lines that an area shows.
    rows: int = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Crumb:
    """The record that the action is about."""

    label: str
    href: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """What somebody should have read before: a table with its title."""

    name: str
    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """An action as it is introduced: what it does and where it leads back to."""

    name: str
    title: str
    intro: str
    path: str
    record: Crumb
    journey: str
    api_call: str = ""
    #: Where it leads once it is done; the record where it is empty.
    then: str = ""
    #: What is shown beneath the form.
    findings: Sequence[Findings] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class FormView:
    """The form of an action."""

    form: Form
    fields: Sequence[Field]
    intro: str
    record: Crumb
    #: What the button does: shows everything once more, or does it at once.
    button: str
    findings: Sequence[Findings] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """What an action would do."""

    changes: Sequence[Change]
    entries: Sequence[EntryView] = ()
    notes: Sequence[str] = ()
    #: What is to be read before it is confirmed.
    findings: Sequence[Findings] = ()
    confirm: str = ""
    is_destructive: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PreviewView:
    """The action shown once more before it is final."""

    form: Form
    #: The input, as it will be sent again.
    values: Mapping[str, str] = field(default_factory=dict)
    preview: Preview
    record: Crumb


def show_form(
    visit: Visit,
    action: Action,
    fields: Sequence[Field],
    *,
    reader: FormReader | None = None,
    is_previewed: bool = True,
    **initial: str,
) -> Response:
    """Show the form, with input and errors where there are some; its button says what it does."""
    is_again = reader is not None or bool(visit.values)
    form = visit.form(action.path, reader or (FormReader(visit.values) if is_again else None),
                      **initial)  # fmt: skip
    button = visit.t("flow.preview") if is_previewed else visit.t("flow.submit")
    view = FormView(
        form=form,
        fields=fields,
        intro=action.intro,
        record=action.record,
        button=button,
        findings=action.findings,
    )
    return visit.page(
        "action/form.html",
        action.title,
        view,
        status=422 if form.errors else 200,
        journey=action.journey,
        api_call=action.api_call,
    )


def show_preview(visit: Visit, action: Action, preview: Preview) -> Response:
    """Show what will change; the key of the form makes a double submit harmless."""
    hidden = {TOKEN_FIELD, KEY_FIELD, STEP}
    values = {name: value for name, value in visit.values.items() if name not in hidden}
    form = visit.form(action.path)
    view = PreviewView(form=form, values=values, preview=preview, record=action.record)
    return visit.page(
        "action/preview.html",
        action.title,
        view,
        journey=action.journey,
        api_call=action.api_call,
    )


def finish(
    visit: Visit,
    action: Action,
    fields: Sequence[Field],
    outcome: object,
    *,
    reader: FormReader,
    done: str,
    is_previewed: bool = True,
) -> Response:
    """Redirect to the record after the journey, or show the form again with its refusal."""
    if isinstance(outcome, Refused):
        reader.refuse("form", "form.refused", text=refusal_text(visit, outcome))
        return show_form(visit, action, fields, reader=reader, is_previewed=is_previewed)
    place = action.then or action.record.href
    return visit.go(f"{place}?done={done}" if done else place)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """An action as a form asks for it: what it would do, and how it is done."""

    preview: Callable[[], Preview]
    #: Runs the journey; takes the form's key as `idempotency_key`.
    act: Callable[..., Awaitable[object]]


async def run_previewed(
    visit: Visit,
    action: Action,
    fields: Sequence[Field],
    plan: Callable[[FormReader], Awaitable[Plan | None]],
    *,
    done: str | Callable[[object], str],
    **initial: str,
) -> Response:
    """Show the form of an action, then what it would do, then do it."""
    step = step_of(visit)
    if step not in (PREVIEW, CONFIRM) or visit.is_stale:
        return show_form(visit, action, fields, reader=None, is_previewed=True, **initial)
    reader = FormReader(visit.values)
    planned = await plan(reader)
    if planned is None or not reader.is_valid:
        return show_form(visit, action, fields, reader=reader)
    if step == PREVIEW:
        return show_preview(visit, action, planned.preview())
    key = reader.idempotency_key()
    if key is None:
        return show_form(visit, action, fields, reader=reader)
    outcome = await planned.act(idempotency_key=key)
    word = done if isinstance(done, str) else done(outcome)
    return finish(visit, action, fields, outcome, reader=reader, done=word)


async def run(
    visit: Visit,
    action: Action,
    fields: Sequence[Field],
    act: Callable[[FormReader], Awaitable[object]],
    *,
    done: str | Callable[[object], str] = "",
    **initial: str,
) -> Response:
    """Show the form of an action that needs no preview, or do it once it is sent.

    `act` reads the form and runs the journey, unless a field is wrong. `done` is the word by which
    the page one comes back to says so; where there are several, it is told from the outcome.
    """
    if visit.request.method != "POST" or visit.is_stale:
        return show_form(visit, action, fields, reader=None, is_previewed=False, **initial)
    reader = FormReader(visit.values)
    outcome = await act(reader)
    if not reader.is_valid:
        return show_form(visit, action, fields, reader=reader, is_previewed=False)
    word = done if isinstance(done, str) else done(outcome)
    return finish(visit, action, fields, outcome, reader=reader, done=word, is_previewed=False)


def customer_of(reader: FormReader) -> int | None:
    """Return the customer whose number stands in a form."""
    written = reader.text("customer", length_max=_NUMBER_LENGTH_MAX)
    if written is None:
        return None
    try:
        return ids.from_text(ids.CUSTOMER, written)
    except ids.InvalidIdError:
        reader.refuse("customer", "policies.no_customer")
        return None


def reason_of(reader: FormReader) -> str | None:
    """Return the reason that is kept with an action."""
    return reader.text(REASON, length_max=REASON_LENGTH_MAX)


class _Taking(Protocol):
    """Takes a case of a queue for the person who is here, or gives it back."""

    def __call__(self, *, gives_back: bool) -> Awaitable[object]: ...


async def take_or_give_back(visit: Visit, action: Action, act: _Taking) -> Response:
    """Let a person take a case of a queue for themselves, or give it back to the others."""
    t = visit.t
    choices = (("take", t("review.take")), ("release", t("review.release")))
    fields = [Field(name="what", label=t("review.what"), kind="select", choices=choices)]

    async def take(reader: FormReader) -> object:
        what = reader.choice("what", ("take", "release"))
        return None if what is None else await act(gives_back=what == "release")

    return await run(visit, action, fields, take, done="review_assigned")


def step_of(visit: Visit) -> str:
    """Return the step that a post asks for."""
    return visit.values.get(STEP, "")
