"""The account to which the customer is paid: shown, or registered for the first time."""

import re
from dataclasses import dataclass
from typing import Final

from starlette.responses import Response

from counterfoil.journeys.bind_account import bind_account, present_account
from counterfoil.kernel.errors import Refused
from counterfoil.platform.web.forms import FormReader
from counterfoil.platform.web.parts import Form
from counterfoil.portal.page import Page
from counterfoil.portal.visit import Visit

_LENGTH_MAX: Final = 80
#: So many digits in a row are a number of a card or an account, which is kept nowhere.
_NUMBER: Final = re.compile(r"(?:\d[ -]?){12,}")


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountView:
    """The account, or the form for the first one."""

    #: Empty where none is registered.
    present: str
    form: Form
    done: str


async def show(visit: Visit) -> Response:
    """Show the account."""
    return await _show(visit)


async def bind(visit: Visit) -> Response:
    """Register the first account."""
    reader = FormReader(visit.values)
    key, token = reader.idempotency_key(), reader.text("token", length_max=_LENGTH_MAX)
    if token is not None and _NUMBER.search(token):
        reader.refuse("token", "account.no_number")
    if key is None or token is None or not reader.is_valid:
        return await _show(visit, reader)
    outcome = await bind_account(
        visit.house, customer_id=visit.customer_id, payee_ref=token, idempotency_key=key
    )
    if isinstance(outcome, Refused):
        reader.refuse("token", "form.refused", text=visit.refusal(outcome))
        return await _show(visit, reader)
    return visit.go("/account?done=account_kept")


async def _show(visit: Visit, reader: FormReader | None = None) -> Response:
    present = await present_account(visit.house, visit.customer_id)
    form = visit.form("/account", reader)
    view = AccountView(present=present or "", form=form, done=visit.done("account_kept"))
    title = visit.t("account.title")
    return visit.page("me/account.html", title, view, status=422 if form.errors else 200)


PAGES: Final = (Page(path="/account", show=show, submit=bind),)
