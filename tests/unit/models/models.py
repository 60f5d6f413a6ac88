"""A small model to test with, as a document and as a file."""

import copy
import hashlib
from typing import Any, Final

import rfc8785

DOCUMENT: Final[dict[str, Any]] = {
    "format": "counterfoil-model/1",
    "code": "cards-boosted",
    "version": "2026-01",
    "kind": "boosted_scorecard",
    "target": {"name": "defaulted", "event": "missed the next payment", "horizon_months": 1},
    "training": {
        "data_sha256": "00" * 32,
        "rows": 1_000,
        "bad_ppm": 220_000,
        "seed": 7,
        "code_version": "0.2.0",
        "parameters": {"leaves": 4},
        "period": None,
    },
    "unit": "log_odds_e6",
    "base": -1_250_000,
    "characteristics": [
        {
            "feature": "delay_months",
            "type": "integer",
            "edges": [1, 2],
            "values": [-300_000, 200_000, 900_000],
            "unknown": 50_000,
            "categories": {},
            "monotone": "up",
            "reason": "DLQ_RECENT",
            "reason_unknown": "INFO_MISS",
        },
        {
            "feature": "region",
            "type": "text",
            "edges": [],
            "values": [0],
            "unknown": None,
            "categories": {"north": -100_000, "south": 100_000},
            "monotone": "none",
            "reason": "ELIG_PRODUCT",
            "reason_unknown": "INFO_MISS",
        },
        {
            "feature": "is_student",
            "type": "boolean",
            "edges": [1],
            "values": [-10_000, 40_000],
            "unknown": 5_000,
            "categories": {},
            "monotone": "none",
            "reason": "HIST_SHORT",
            "reason_unknown": "INFO_MISS",
        },
    ],
    "calibration": {
        "version": "2026-01",
        "method": "platt",
        "edges": [-1_000_000, 0],
        "pd_ppm": [120_000, 260_000, 610_000],
    },
    "bands": [{"code": "A", "pd_ppm_max": 150_000}, {"code": "E", "pd_ppm_max": 1_000_000}],
    "card": {"purpose": "tests", "reasons": {"DLQ_RECENT": {"en": "late", "zh-CN": "逾期"}}},
}


def document() -> dict[str, Any]:
    """Return a document that a test may change."""
    return copy.deepcopy(DOCUMENT)


def file_of(content: dict[str, Any]) -> bytes:
    """Return the file of a document, with its hash."""
    digest = hashlib.sha256(rfc8785.dumps(content)).hexdigest()
    return rfc8785.dumps(content | {"sha256": digest})
