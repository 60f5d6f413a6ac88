"""Experiments for tests: documents with parts exchanged."""

from typing import Any

from counterfoil.decisioning.experiment import Experiment, experiment_of

HASHES = ("a" * 64, "b" * 64)


def challenger_document(**changes: Any) -> dict[str, Any]:
    return {
        "code": "higher-limits",
        "kind": "challenger",
        "purpose": "origination",
        "question": "Do higher first limits earn more than they lose?",
        "layer": "origination",
        "layer_from_ppm": 0,
        "layer_share_ppm": 500_000,
        "first_date": "2026-01-05",
        "last_date": "2026-06-30",
        "metrics": ["approved", "late_30", "profit_minor"],
        "arms": [
            {"name": "champion", "policy_hash": HASHES[0], "share_ppm": 700_000},
            {"name": "challenger", "policy_hash": HASHES[1], "share_ppm": 300_000},
        ],
        **changes,
    }


def control_document(**changes: Any) -> dict[str, Any]:
    document = challenger_document(
        code="random-accept",
        kind="control",
        layer="control",
        layer_share_ppm=1_000_000,
        budget={"share_ppm": 10_000, "accounts_max": 50, "loss_minor_max": 2_500_000},
        **changes,
    )
    del document["arms"]
    return document


def shadow_document(**changes: Any) -> dict[str, Any]:
    return challenger_document(
        code="next-card",
        kind="shadow",
        layer="shadow",
        arms=[{"name": "shadow", "policy_hash": HASHES[1], "share_ppm": 1_000_000}],
        **changes,
    )


def challenger(**changes: Any) -> Experiment:
    return experiment_of(challenger_document(**changes))


def control(**changes: Any) -> Experiment:
    return experiment_of(control_document(**changes))
