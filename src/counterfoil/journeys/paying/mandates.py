"""Mandates for auto-debit: shown, confirmed as a setting, revoked at once.

Invariant   Only an account in the customer's own name: the name that the account's bank has is held
            against the vault's and not kept. What the customer confirms is the hash of the text.
"""

import re
import unicodedata
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

import orjson

from counterfoil.customers.refusals import ACCOUNT_NUMBER_INVALID, PAYOUT_ACCOUNT_UNCHECKED
from counterfoil.journeys.contracting.contract_making import borrower_of
from counterfoil.journeys.house import House
from counterfoil.journeys.serving.bind_account import present_account, refuse_name
from counterfoil.kernel import ids
from counterfoil.kernel.errors import Refused, refuse
from counterfoil.kernel.language import Language
from counterfoil.lending.line import Line
from counterfoil.payments import debit_store, refusals
from counterfoil.payments.account_tokens import normal_number
from counterfoil.payments.mandate import TEMPLATE, Mandate, mandate_text, text_sha256
from counterfoil.platform import idempotency
from counterfoil.platform.access_matrix import reading
from counterfoil.platform.batches import Answer
from counterfoil.platform.database import Connection

_TOKEN: Final = re.compile(r"[!-~]{1,80}")


@dataclass(frozen=True, slots=True, kw_only=True)
class DebitWish:
    """From which account a customer wants to be debited."""

    #: Token of the account, never its number.
    account_ref: str
    #: Whose account it is, as the account's bank has it.
    holder_name: str
    #: The last day; None until the line's validity ends.
    ends_on: date | None
    language: Language


async def own_wish(
    house: House, *, customer_id: int, named: str, ends_on: date | None, language: Language
) -> DebitWish | Refused:
    """Return a wish for an account that the customer names by token or number, if it is their own.

    The registered account was checked before; of any other a rail that knows names has to say so.
    A number goes to whoever makes tokens, and is kept nowhere.
    """
    digits, account = normal_number(named), named
    if digits is not None:
        token = (
            None if house.account_tokens is None else await house.account_tokens.token_of(digits)
        )
        if token is None:
            return refuse(PAYOUT_ACCOUNT_UNCHECKED)
        account = token
    if _TOKEN.fullmatch(account) is None:
        return refuse(ACCOUNT_NUMBER_INVALID)
    if account != await present_account(house, customer_id):
        refused = await refuse_name(house, customer_id, account)
        if refused is not None:
            return refused
    async with house.database.connection() as connection:
        person = await borrower_of(connection, house, customer_id, reading("bank_account"))
    if isinstance(person, Refused):
        return person
    return DebitWish(
        account_ref=account, holder_name=person.name, ends_on=ends_on, language=language
    )


async def propose_mandate(
    connection: Connection, house: House, line: Line, wish: DebitWish, on: date
) -> dict[str, Any] | Refused:
    """Return the mandate as it would be, with its text, or why there can be none."""
    ends_on = wish.ends_on or line.valid_to
    if not on < ends_on <= line.valid_to:
        return refuse(
            refusals.MANDATE_END_OUT_OF_RANGE,
            earliest=on.isoformat(),
            latest=line.valid_to.isoformat(),
        )
    person = await borrower_of(connection, house, line.customer_id, reading("bank_account"))
    if isinstance(person, Refused):
        return person
    if _name(person.name) != _name(wish.holder_name):
        return refuse(refusals.ACCOUNT_NOT_OWN)
    text = mandate_text(
        wish.language,
        account=wish.account_ref,
        line=ids.to_text(ids.LINE, line.line_id),
        starts_on=on,
        ends_on=ends_on,
    )
    return {
        "account_ref": wish.account_ref,
        "template": TEMPLATE,
        "language": wish.language.value,
        "starts_on": on.isoformat(),
        "ends_on": ends_on.isoformat(),
        "text": text,
        "text_sha256": text_sha256(text).hex(),
    }


def mandate_of(
    house: House, customer_id: int, mandate_id: int, line_id: int, proposed: dict[str, Any]
) -> Mandate:
    """Return the mandate that the customer has confirmed."""
    return Mandate(
        customer_id=customer_id,
        mandate_id=mandate_id,
        line_id=line_id,
        account_ref=proposed["account_ref"],
        template=proposed["template"],
        language=Language(proposed["language"]),
        text_sha256=bytes.fromhex(proposed["text_sha256"]),
        starts_on=date.fromisoformat(proposed["starts_on"]),
        ends_on=date.fromisoformat(proposed["ends_on"]),
        signed_at=house.clock.now(),
    )


async def revoke(
    house: House, *, customer_id: int, mandate_id: int, by: str, idempotency_key: str
) -> Answer | Refused:
    """End a mandate at once; what the bank has already is still answered."""
    now = house.clock.now()

    async def work(connection: Connection) -> str | Refused:
        if await debit_store.read_mandate(connection, customer_id, mandate_id) is None:
            return refuse(refusals.MANDATE_NOT_FOUND)
        if not await debit_store.revoke_mandate(
            connection, customer_id, mandate_id, by=by, now=now
        ):
            return refuse(refusals.MANDATE_REVOKED)
        found = await debit_store.read_mandate(connection, customer_id, mandate_id)
        assert found is not None
        return orjson.dumps(mandate_answer(found)).decode()

    request: dict[str, object] = {"mandate_id": mandate_id}
    return await idempotency.once(
        house.database,
        scope_id=customer_id,
        key=idempotency_key,
        request=idempotency.request_hash("revoke_mandate", request),
        kind="revoke_mandate",
        at=now,
        work=work,
    )


def mandate_answer(mandate: Mandate) -> dict[str, object]:
    """Return what an answer says of a mandate; its text is made again from its members."""
    revoked = mandate.revoked_at
    line = ids.to_text(ids.LINE, mandate.line_id)
    return {
        "id": ids.to_text(ids.MANDATE, mandate.mandate_id),
        "customer_id": ids.to_text(ids.CUSTOMER, mandate.customer_id),
        "line_id": line,
        "account_ref": mandate.account_ref,
        "template": mandate.template,
        "language": mandate.language.value,
        "text": mandate_text(
            mandate.language,
            account=mandate.account_ref,
            line=line,
            starts_on=mandate.starts_on,
            ends_on=mandate.ends_on,
        ),
        "text_sha256": mandate.text_sha256.hex(),
        "starts_on": mandate.starts_on.isoformat(),
        "ends_on": mandate.ends_on.isoformat(),
        "signed_at": mandate.signed_at.isoformat(),
        "revoked_at": None if revoked is None else revoked.isoformat(),
        "revoked_by": mandate.revoked_by,
    }


def _name(text: str) -> str:
    """Return a name as it is compared: width and spaces do not make another person."""
    return "".join(unicodedata.normalize("NFKC", text).casefold().split())
