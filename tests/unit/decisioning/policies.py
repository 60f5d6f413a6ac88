"""Policies for tests: the base policy with parts exchanged, and small ones that use everything."""

import tomllib
from collections.abc import Mapping
from importlib import resources
from typing import Any

import orjson

from counterfoil.decisioning.document import load_policy, policy_of
from counterfoil.decisioning.expression import to_json
from counterfoil.decisioning.policy import Policy
from counterfoil.decisioning.rule_text import parse_rule

TEXT = (
    resources.files("counterfoil.decisioning")
    .joinpath("policies", "base-2026-01.toml")
    .read_text(encoding="utf-8")
)


def tree(text: str) -> Any:
    return to_json(parse_rule(text))


def base_document() -> dict[str, Any]:
    document = tomllib.loads(TEXT)
    for key in ("rules", "segments"):
        for item in document[key]:
            if "when" in item:
                item["when"] = tree(item["when"])
    return document


def document_of(name: str) -> dict[str, Any]:
    """Return the canonical document of a policy that ships with the package."""
    document: dict[str, Any] = orjson.loads(load_policy(name).canonical)
    return document


def rule(code: str, when: str, action: str = "refer", **more: Any) -> dict[str, Any]:
    return {
        "code": code,
        "stage": "risk",
        "class": "risk",
        "when": tree(when),
        "action": action,
        "on_unknown": "ignore",
        "reason": "DLQ_NOW",
        **more,
    }


def derived(name: str, expression: str) -> dict[str, Any]:
    named = {"name": name, "name_en": name, "name_zh": name, "unit": "count"}
    return {**named, "is": tree(expression)}


def full_document() -> dict[str, Any]:
    """Return a document that uses every part of the language."""
    document = base_document()
    document["derived"] = [
        derived("burden_percent", "debt_monthly_minor * 100 / NULLIF(income_monthly_minor, 0)"),
        derived("is_burdened", "COALESCE(burden_percent, 0) > 40"),
    ]
    document["segments"].insert(
        0,
        {
            "code": "young",
            "name_en": "Young",
            "name_zh": "青年",
            "when": tree("age_years < 23"),
            "cap_minor": 300_000,
        },
    )
    for grade in document["grades"]:
        limits = grade["limits_minor"]
        limits["young"] = limits["first_time"]
        grade["limits_grown_minor"] = {code: minor * 2 for code, minor in limits.items()}
        rate = grade["rate_daily_e8"]
        grade["rates_daily_e8"] = {"recorded": rate, "first_time": rate + 1_000, "young": rate}
    document["growth"] = {"when": tree("history_months >= 12 AND late_months_count = 0")}
    document["action_cap"] = {"count_min": 20, "share_ppm": 30_000, "window_hours": 24}
    document["snooze"] = {"days_max": 30}
    document["rules"] += [
        rule("A01", "lenders_count IS NULL AND is_burdened", "ask", reason="INC_UNVER"),
        rule("M01", "is_burdened", "add_margin", margin_daily_e8=3_000),
        rule("M02", "lenders_count > 2", "add_margin", margin_daily_e8=2_000),
        rule("S01", "delay_months_latest >= 1", segments=["young"]),
        rule("F01", "lenders_count = 5 AND NOT is_student", "decline") | {"class": "fraud"},
    ]
    return document


def full_policy(changes: Mapping[str, Any] | None = None) -> Policy:
    return policy_of(full_document() | dict(changes or {}))
