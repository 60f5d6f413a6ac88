"""What six recorded months say, at the borders."""

from dataclasses import replace

from counterfoil.simulator.card_clients import CardClient
from counterfoil.simulator.recorded_history import recorded_facts

CLIENT = CardClient(
    number=1,
    limit_twd=20_000,
    sex=2,
    education=2,
    marriage=1,
    age=24,
    statuses=(2, 2, -1, -1, -2, -2),
    bills_twd=(3_913, 3_102, 689, 0, 0, 0),
    payments_twd=(0, 689, 0, 0, 0, 0),
    defaulted=True,
)


def test_the_first_client_of_the_set() -> None:
    assert recorded_facts(CLIENT) == {
        "history_months": 6,
        "delay_months_latest": 2,
        "delay_months_max": 2,
        "late_months_count": 1,
        # Billed 3,102 in August and 689 in July; paid 0 in September and 689 in August.
        "unpaid_months_count": 1,
        "utilisation_ppm": 195_650,
        "payment_share_ppm": 181_746,
        "credit_elsewhere_minor": 400_000,
        "balance_elsewhere_minor": 78_260,
    }


def test_nothing_billed_has_no_payment_share() -> None:
    facts = recorded_facts(replace(CLIENT, bills_twd=(500, 0, -20, 0, 0, 0)))
    assert facts["payment_share_ppm"] is None
    assert facts["unpaid_months_count"] == 0


def test_a_credit_balance_uses_no_limit() -> None:
    facts = recorded_facts(replace(CLIENT, bills_twd=(-100, 0, 0, 0, 0, 0)))
    assert facts["utilisation_ppm"] == 0
    assert facts["balance_elsewhere_minor"] == 0


def test_one_month_late_counts_in_the_latest_month_only() -> None:
    facts = recorded_facts(replace(CLIENT, statuses=(1, 1, 1, 0, 0, 0)))
    assert facts["delay_months_latest"] == 1
    assert facts["late_months_count"] == 0
