"""What a customer has set, with what is allowed, and the history of it."""

from typing import Any

from counterfoil.customers import refusals, setting_store
from counterfoil.customers import store as customers
from counterfoil.customers.setting import LEGAL_CHANNELS, Channel, SettingChange, StatementForm
from counterfoil.journeys.house import House
from counterfoil.journeys.paying.mandates import mandate_answer
from counterfoil.journeys.serving.change_address import read_addresses
from counterfoil.kernel import ids
from counterfoil.kernel.calendar import REPAYMENT_DAY_MAX
from counterfoil.kernel.errors import Refused, refuse
from counterfoil.kernel.language import Language
from counterfoil.lending import store as lending
from counterfoil.lending.line import Line, availability
from counterfoil.lending.line_changes import day_changes
from counterfoil.payments import debit_store
from counterfoil.payments.mandate import Mandate
from counterfoil.platform.access_matrix import Reading
from counterfoil.platform.queries import Row

#: Lines of one customer; more than anybody has.
_LINES_MAX = 100
_NEWEST = 2**63 - 1


async def read_settings(
    house: House, *, customer_id: int, reading: Reading | None
) -> dict[str, Any] | Refused:
    """Return everything a customer may set, as it stands, with its bounds.

    Without a reading the addresses stay closed, and none are in the answer.
    """
    on = await house.business_date()
    addresses: dict[str, str] | Refused = {}
    if reading is not None:
        addresses = await read_addresses(house, customer_id=customer_id, reading=reading)
    if isinstance(addresses, Refused):
        return addresses
    async with house.database.connection() as connection:
        customer = await customers.read_customer(connection, customer_id)
        if customer is None:
            return refuse(refusals.CUSTOMER_NOT_FOUND)
        preference = await setting_store.read_preference(connection, customer_id)
        lines = await lending.read_lines_after(connection, customer_id=customer_id, page=_LINES_MAX)
        mandates = {
            one.line_id: one
            for one in await debit_store.read_mandates(connection, customer_id)
            if one.revoked_at is None
        }
    return {
        "customer_id": ids.to_text(ids.CUSTOMER, customer_id),
        "language": customer.language.value,
        "channels": [channel.value for channel in preference.channels],
        "statement_form": preference.statement_form.value,
        "addresses": addresses,
        "allowed": {
            "languages": [language.value for language in Language],
            "channels": [channel.value for channel in Channel],
            "channels_of_notices": sorted(channel.value for channel in LEGAL_CHANNELS),
            "statement_forms": [form.value for form in StatementForm],
        },
        "lines": [_line(house, line, mandates.get(line.line_id), on) for line in lines],
    }


async def read_history(
    house: House, *, customer_id: int, before: int, page: int, is_back: bool = False
) -> list[SettingChange]:
    """Return a page of what a customer has changed, newest first."""
    async with house.database.connection() as connection:
        return await setting_store.read_changes(
            connection, customer_id, before=before, page=page, is_back=is_back
        )


async def read_debits(house: House, *, customer_id: int, page: int) -> list[Row]:
    """Return what was presented to a customer's bank, newest first."""
    async with house.database.connection() as connection:
        return list(
            await debit_store.read_debits(
                connection, customer_id, line_id=None, before=_NEWEST, page=page
            )
        )


def _line(house: House, line: Line, mandate: Mandate | None, on: Any) -> dict[str, Any]:
    terms = house.catalogue.terms(line.product_code, line.product_version)
    have = availability(line, on)
    changes_left = terms.repayment_day_changes_per_year - day_changes(line, on)
    return {
        "line_id": ids.to_text(ids.LINE, line.line_id),
        "status": line.status,
        "currency": line.currency,
        "principal_minor": line.principal_minor,
        "repayment_day": line.repayment_day,
        "repayment_day_most": REPAYMENT_DAY_MAX,
        "repayment_day_changes_left": max(0, changes_left),
        "own_cap_minor": have.own_cap_minor,
        "own_cap_most_minor": line.limit_minor,
        "next_cap_minor": line.next_cap_minor,
        "next_cap_on": None if line.next_cap_on is None else line.next_cap_on.isoformat(),
        "auto_debit": None if mandate is None else mandate_answer(mandate),
    }
