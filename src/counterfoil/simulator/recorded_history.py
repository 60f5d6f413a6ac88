"""What six recorded months say about a client, in the words of the policy's features.

The same function feeds the demonstration's applications and the derivation of the points card
(`tools/derive_base_card.py`), so that what was learned on is what is scored.

Units       Shares in ppm of the whole, amounts in minor units of CNY, counts of months.
Absence     None means that the months do not say: a client without a single statement has no
            payment share. None is never zero.
Cautions    A delay of one month is only recorded in the latest month; in the five earlier
            months a late month is one with a delay of two or more.
"""

from counterfoil.simulator.card_clients import MONTHS_COUNT, CardClient, cny_minor

Facts = dict[str, int | str | bool | None]

#: Shares above ten times the whole say no more than "far above".
PPM_MAX = 10_000_000
#: In the five earlier months a month counts as late from this status on.
LATE_STATUS = 2
_ONE_PPM = 1_000_000


def recorded_facts(client: CardClient) -> Facts:
    """Return the facts of one client's six months."""
    return {
        "history_months": MONTHS_COUNT,
        "delay_months_latest": max(client.statuses[0], 0),
        "delay_months_max": max(0, *client.statuses),
        "late_months_count": sum(status >= LATE_STATUS for status in client.statuses[1:]),
        "unpaid_months_count": _unpaid_months_count(client),
        "utilisation_ppm": _utilisation_ppm(client),
        "payment_share_ppm": _payment_share_ppm(client),
        "credit_elsewhere_minor": cny_minor(client.limit_twd),
        "balance_elsewhere_minor": max(cny_minor(client.bills_twd[0]), 0),
    }


def _unpaid_months_count(client: CardClient) -> int:
    """Months in which something was owed from the month before and nothing was paid."""
    return sum(
        paid == 0 and billed > 0
        for paid, billed in zip(client.payments_twd[:-1], client.bills_twd[1:], strict=True)
    )


def _utilisation_ppm(client: CardClient) -> int:
    balance = max(client.bills_twd[0], 0)
    return min(balance * _ONE_PPM // client.limit_twd, PPM_MAX)


def _payment_share_ppm(client: CardClient) -> int | None:
    """Share of what was billed in five months that was paid in the month after it."""
    billed = sum(bill for bill in client.bills_twd[1:] if bill > 0)
    if billed == 0:
        return None
    return min(sum(client.payments_twd[:-1]) * _ONE_PPM // billed, PPM_MAX)
