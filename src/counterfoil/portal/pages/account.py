"""The account to which the customer is paid: shown, or registered for the first time."""

from dataclasses import dataclass
from typing import Final

from starlette.responses import Response

from counterfoil.journeys.serving.bind_account import bind_account, bind_number, present_account
from counterfoil.kernel.errors import Refused
from counterfoil.payments.account_tokens import normal_number
from counterfoil.platform.web.forms import FormReader
from counterfoil.platform.web.parts import Form
from counterfoil.portal.page import Page
from counterfoil.portal.visit import Visit

_LENGTH_MAX: Final = 80


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountView:
    """The account, or the form for the first one."""

    #: Empty where none is registered.
    present: str
    form: Form
    #: A number can be typed: the bank makes the token of it.
    takes_number: bool
    done: str


async def show(visit: Visit) -> Response:
    """Show the account."""
    return await _show(visit)


async def bind(visit: Visit) -> Response:
    """Register the first account."""
    reader = FormReader(visit.values)
    key, token = reader.idempotency_key(), reader.text("token", length_max=_LENGTH_MAX)
    is_number = token is not None and normal_number(token) is not None
    if is_number:
        # A number goes to the bank and nowhere else: not even back into the form.
        visit.values = {**visit.values, "token": ""}
        if visit.house.account_tokens is None:
            reader.refuse("token", "account.no_number")
    if key is None or token is None or not reader.is_valid:
        return await _show(visit, reader)
    house, customer_id = visit.house, visit.customer_id
    if is_number:
        outcome = await bind_number(
            house, customer_id=customer_id, number=token, idempotency_key=key
        )
    else:
        outcome = await bind_account(
            house, customer_id=customer_id, payee_ref=token, idempotency_key=key
        )
    if isinstance(outcome, Refused):
        reader.refuse("token", "form.refused", text=visit.refusal(outcome))
        return await _show(visit, reader)
    return visit.go("/account?done=account_kept")


async def _show(visit: Visit, reader: FormReader | None = None) -> Response:
    present = await present_account(visit.house, visit.customer_id)
    form = visit.form("/account", reader)
    view = AccountView(
        present=present or "",
        form=form,
        takes_number=visit.house.account_tokens is not None,
        done=visit.done("account_kept"),
    )
    title = visit.t("account.title")
    return visit.page("me/account.html", title, view, status=422 if form.errors else 200)


PAGES: Final = (Page(path="/account", show=show, submit=bind),)
