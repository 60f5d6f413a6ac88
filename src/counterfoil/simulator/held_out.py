"""What a better policy is worth: clients whom its model never saw, decided twice.

Loss        Of a client who was approved and missed the payment: limit times the share drawn times
            the share lost, both assumed and the same for everybody. `loss_ppm` is the loss of
            what was approved, and does not shrink by lending less.
Fairness    The trained policy has seen none of these clients; the points card before it was fitted
            on four fifths of them. What is saved is told for the same credit: the loss before, less
            the loss after on as much credit as before.
Whom        Clients with a line, as they were: a first line is small by either policy (R13), and
            says little of a score.
Units       Minor units, shares in ppm; every division drops its rest.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

import polars as pl

from counterfoil.decisioning.backtest import became
from counterfoil.decisioning.compile_polars import decided
from counterfoil.decisioning.decision import Asked
from counterfoil.decisioning.document import load_policy
from counterfoil.decisioning.policy import Policy
from counterfoil.simulator.card_clients import FIRST, LATER, ROWS_COUNT
from counterfoil.simulator.model_example import POLICY, cases_of, clients_of

OUTCOME: Final = "defaulted"
#: The policy that the trained one is held against, and in whose place it is published: the same
#: rules, limits and prices.
BEFORE: Final = "base-2026-04"
#: Of a limit so much is owed when the payment is missed, and so much of that is never paid.
DRAWN_PPM: Final = 600_000
LOST_PPM: Final = 500_000
_PPM_ONE: Final = 1_000_000
_PPM_PERCENT: Final = 10_000
_MINOR_MAJOR: Final = 100


def judge(asked: Asked, *, applicants: int) -> dict[str, Any]:
    """Return what the points card and the trained model make of the later clients.

    `applicants` took part in the demonstration: it is told how many of them are of the later ones.
    """
    before, after = load_policy(BEFORE), load_policy(POLICY)
    frame = cases_of(clients_of(LATER), after.features).lazy()
    figures = {
        "before": figures_of(before, frame, asked),
        "after": figures_of(after, frame, asked),
    }
    return {
        "clients": len(LATER),
        "trained_on": len(FIRST),
        "applicants": parts_of(applicants),
        "drawn_ppm": DRAWN_PPM,
        "lost_ppm": LOST_PPM,
        **figures,
        "saved_at_same_credit_minor": saved_minor(**figures),
    }


def parts_of(applicants: int) -> dict[str, int]:
    """Return how many applicants are clients held out, and how many the model learned from.

    The later ones come first, then the others; more than were recorded start over.
    """
    rounds, rest = divmod(applicants, ROWS_COUNT)
    later = rounds * len(LATER) + min(rest, len(LATER))
    return {"held_out": later, "learned_from": applicants - later}


def figures_of(policy: Policy, frame: pl.LazyFrame, asked: Asked) -> dict[str, Any]:
    """Return what a policy approves of clients with known outcomes, and loses by it."""
    answers = decided(policy, frame, asked, keep=[OUTCOME])
    found = became(answers, OUTCOME)
    loss_minor = found["bad_limit_minor"] * DRAWN_PPM // _PPM_ONE * LOST_PPM // _PPM_ONE
    return {
        "policy": f"{policy.code} {policy.version}",
        "policy_hash": policy.hash,
        "approved": found["approved"],
        "approved_minor": found["limit_minor"],
        "bad": found["bad"],
        "bad_rate_ppm": found["bad"] * _PPM_ONE // max(found["approved"], 1),
        "loss_minor": loss_minor,
        "loss_ppm": loss_minor * _PPM_ONE // max(found["limit_minor"], 1),
    }


def saved_minor(before: dict[str, Any], after: dict[str, Any]) -> int:
    """Return how much less is lost on the credit that was approved before; negative if more."""
    loss_minor: int = before["loss_minor"]
    lost_after = after["loss_minor"] * before["approved_minor"] // max(after["approved_minor"], 1)
    return loss_minor - int(lost_after)


def rows(figures: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    """Yield the figures for people: what it is, before, after; amounts in the demo's currency."""
    sides = figures["before"], figures["after"]
    yield ("decided by", *(side["policy"] for side in sides))
    yield ("approved", *(f"{side['approved']:,}" for side in sides))
    bad = (f"{side['bad_rate_ppm'] / _PPM_PERCENT:.1f} %" for side in sides)
    yield ("of these missed the payment", *bad)
    yield ("credit approved, CNY", *(_major(side["approved_minor"]) for side in sides))
    yield ("lost of it, CNY", *(_major(side["loss_minor"]) for side in sides))
    yield ("lost of a million CNY of credit", *(f"{side['loss_ppm']:,}" for side in sides))


def conclusion(figures: Mapping[str, Any]) -> str:
    """Return what is saved, and on which assumptions, as a sentence for people."""
    saved = figures["saved_at_same_credit_minor"]
    told = "less" if saved >= 0 else "more"
    learned = figures["applicants"]["learned_from"]
    seen = f"{learned:,}" if learned else "None"
    return (
        "Decided by the trained model."
        f" On the same credit it loses CNY {_major(abs(saved))} {told}."
        f" Lost: {figures['drawn_ppm'] // _PPM_PERCENT} % of the limit drawn,"
        f" {figures['lost_ppm'] // _PPM_PERCENT} % of that never paid."
        f" {seen} of the applicants are clients that it learned from."
    )


def _major(amount_minor: int) -> str:
    return f"{amount_minor // _MINOR_MAJOR:,}"
