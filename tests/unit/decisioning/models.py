"""Models for tests: files of the form that training writes, and a policy that decides by one."""

import hashlib
from typing import Any

from tests.unit.decisioning.policies import full_document

from counterfoil.decisioning.canonical import canonical_bytes


def item(feature: str, edges: list[int], values: list[int], **more: Any) -> dict[str, Any]:
    return {
        "feature": feature,
        "type": "integer",
        "edges": edges,
        "values": values,
        "unknown": 0,
        "categories": {},
        "monotone": "none",
        "reason": "UTIL_HIGH",
        "reason_unknown": "HIST_SHORT",
        **more,
    }


def model_document(**changes: Any) -> dict[str, Any]:
    """Return a model with every kind of characteristic, as a file says it, but for its hash."""
    many = list(range(10_000, 400_000, 10_000))
    return {
        "format": "counterfoil-model/1",
        "code": "cards-boosted",
        "version": "2026-01",
        "kind": "boosted_scorecard",
        "target": {"name": "default", "event": "90 days late", "horizon_months": 12},
        "training": {"rows": 1_000, "seed": 7},
        "unit": "log_odds_e6",
        "base": -1_200_000,
        "characteristics": [
            item("delay_months_latest", [1, 2], [-300_000, 400_000, 1_500_000], reason="DLQ_NOW"),
            item("utilisation_ppm", many, [(n - 20) ** 2 * 1_000 for n in range(len(many) + 1)]),
            item("history_months", [6], [250_000, -250_000], unknown=None, reason="HIST_SHORT"),
            item("is_student", [1], [0, 90_000], type="boolean", reason="PERSON_DECIDES"),
            item(
                "purpose",
                [],
                [40_000],
                type="text",
                categories={"travel": -60_000, "education": -90_000},
                unknown=70_000,
                reason="ELIG_PRODUCT",
            ),
            item("is_burdened", [1], [-10_000, 200_000], type="boolean", reason="INC_UNVER"),
        ],
        "calibration": {
            "version": "2026-02",
            "method": "isotonic",
            "edges": [-1_500_000, -900_000, -200_000, 600_000],
            "pd_ppm": [8_000, 22_000, 60_000, 200_000, 610_000],
        },
        "bands": [{"code": "A", "pd_ppm_max": 1_000_000}],
        "card": {"purpose": "tests"},
        **changes,
    }


def model_file(**changes: Any) -> bytes:
    document = model_document(**changes)
    digest = hashlib.sha256(canonical_bytes(document)).hexdigest()
    return canonical_bytes(document | {"sha256": digest})


def model_policy_document() -> dict[str, Any]:
    """Return a document that uses every part of the language and names a model's file."""
    document = full_document()
    del document["scorecard"]
    bands = [10_000, 30_000, 100_000, 300_000, 1_000_000]
    for grade, most in zip(document["grades"], bands, strict=True):
        del grade["points_min"]
        grade["pd_ppm_max"] = most
    file = model_file()
    digest = file.rpartition(b'"sha256":"')[2][:64].decode()
    document["model"] = {"file": "cards-boosted.json", "sha256": digest}
    return document
