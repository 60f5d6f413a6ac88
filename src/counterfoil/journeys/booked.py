"""What a command booked, as its leaf commits to it: journals, loans, dates, changes of the line.

Journals    Their hash is SHA-256 over the compact JSON array of them in the order of booking, each
            an array of its number, lender, currency, product, day, kind, loan, transaction,
            accounts and amounts in minor units (debits positive), as the ledger keeps them; what a
            journal does not have is null.
"""

from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any, Final

import orjson

from counterfoil.evidence.body import Booked, stated
from counterfoil.kernel import ids
from counterfoil.lending.account import Accepted, LineEvent

#: Commands whose answer names the loan and the day of value.
_SAY_ALL: Final = frozenset({"draw", "confirm_payout", "repay", "use_credit", "replan_loan"})
#: Changes of a line whose values are amounts.
_OF_AMOUNTS: Final = frozenset(
    {"opened", "limit_raised", "limit_lowered", "limit_restored", "own_cap_set"}
)
_NO_JOURNALS: Final = sha256(b"[]").digest()


def booked(
    command: str,
    kind: str,
    outcome: Accepted,
    journals: Sequence[Sequence[Any]],
    *,
    currency: str,
    on: str,
) -> Booked:
    """Return what a command of a kind booked on a day, besides its answer."""
    more = {} if kind in _SAY_ALL else _more(outcome, currency, on)
    return Booked(command, kind, currency, len(journals), journals_sha256(journals), more)


def journals_sha256(journals: Sequence[Sequence[Any]]) -> bytes:
    """Return the hash of journals; each has the fields of `ledger.store.Journal`, in their order.

    Whose they are and the instant of posting are left out: they are the leaf's own.
    """
    if not journals:
        return _NO_JOURNALS
    said = [(*row[1:6], *row[7:]) for row in journals]
    return sha256(orjson.dumps(said)).digest()


def _more(outcome: Accepted, currency: str, on: str) -> Mapping[str, Any]:
    days = [one.value_date for one in outcome.transactions]
    more: dict[str, Any] = {"value_date": min(days).isoformat() if days else on}
    loans = {one.loan_id for one in outcome.movements if one.loan_id is not None}
    if loans:
        more["loans"] = [ids.to_text(ids.LOAN, loan_id) for loan_id in sorted(loans)]
    if outcome.events:
        more["changes"] = [stated(_change(event), currency) for event in outcome.events]
    return more


def _change(event: LineEvent) -> dict[str, Any]:
    values: dict[str, Any] = {"before": event.before, "after": event.after}
    if event.kind in _OF_AMOUNTS:
        values = {
            f"{name}_minor": None if value is None else int(value) for name, value in values.items()
        }
    return {"kind": event.kind, "reason": event.reason, **values}
