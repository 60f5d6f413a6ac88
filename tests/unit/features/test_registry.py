"""The registry refuses what the rules do not allow, and says where and why."""

import tomllib
from pathlib import Path
from typing import Any

import pytest

from counterfoil.decisioning.document import load_policy
from counterfoil.features.feature import Declared, Standing
from counterfoil.features.registry_file import load_registry, parse_registry
from counterfoil.features.table import RegistryError
from counterfoil.journeys.knowing.feature_check import declaration_faults, refuse_unregistered

BASE = """
[[categories]]
code = "behaviour"
name_en = "b"
name_zh = "b"
standing = "ordinary"
[[categories]]
code = "income"
name_en = "i"
name_zh = "i"
standing = "restricted"
rule = "R002"
[[categories]]
code = "religion"
name_en = "r"
name_zh = "r"
standing = "banned"
rule = "R002"
[[sources]]
code = "applicant"
name_en = "a"
name_zh = "a"
legal_bases = ["contract", "consent"]
on = true
owner = "risk"
[[sources]]
code = "bureau"
name_en = "b"
name_zh = "b"
legal_bases = ["consent"]
on = true
names_consent = true
owner = "risk"
[[kinds]]
code = "statement"
name_en = "s"
name_zh = "s"
sources = ["applicant", "bureau"]
[[kinds.members]]
name = "amount"
type = "integer"
highest = 100
[[kinds.members]]
name = "is_open"
type = "boolean"
"""
FEATURE: dict[str, Any] = {
    "name": "amount", "name_en": "x", "name_zh": "x", "meaning_en": "x", "meaning_zh": "x",
    "type": "integer", "unit": "minor", "highest": 100, "category": "behaviour", "owner": "risk",
    "version": 1,
    "uses": [{"source": "applicant", "legal_basis": "contract", "purposes": ["origination"]}],
    "value": {"fold": "latest", "events": ["statement"], "member": "amount"},
}  # fmt: skip


def toml(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {toml(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(toml, value)) + "]"
    return str(value).lower() if isinstance(value, bool) else repr(value).replace("'", '"')


def registered(**changes: Any) -> str:
    document = {**FEATURE, **changes}
    lines = [f"{key} = {toml(value)}" for key, value in document.items() if value is not None]
    text = "\n".join(["[[features]]", *lines])
    tomllib.loads(text)
    return text


def test_the_shipped_registry_admits_the_shipped_policies() -> None:
    registry = load_registry()
    names = ("base-2026-01", "base-2026-02", "base-2026-03", "base-2026-04", "raise-2026-01")
    for name in names:
        policy = load_policy(name)
        assert declaration_faults(registry, policy) == []
        assert refuse_unregistered(registry, policy) is None


def test_the_shipped_registry_has_every_banned_and_restricted_kind_of_the_rule() -> None:
    categories = load_registry().categories
    of = {
        standing: {one.code for one in categories.values() if one.standing is standing}
        for standing in Standing
    }
    assert of[Standing.BANNED] == {"religion", "genes", "fingerprints", "blood_type", "illness"}
    assert of[Standing.RESTRICTED] == {
        *("income", "deposits", "securities", "insurance", "real_estate", "tax")
    }
    sources = load_registry().sources
    assert {one.code for one in sources.values() if not one.is_on} == {
        *("third_party", "social_network", "business_register"),
    }


def test_a_sound_feature_is_registered_whatever_file_it_stands_in() -> None:
    one = parse_registry({"a.toml": BASE + registered()})
    two = parse_registry({"a.toml": registered(), "b.toml": BASE})
    assert list(one.features) == ["amount"]
    assert one.sha256 == two.sha256
    assert one.sha256 != parse_registry({"a.toml": BASE + registered(version=2)}).sha256


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"category": "religion"}, "religion is banned by R002"),
        ({"category": "income"}, "income needs a written consent"),
        ({"category": "dreams"}, "dreams is no category"),
        ({"uses": []}, "nobody could read it"),
        ({"value": None}, "or computed_by has to be there"),
        ({"colour": "red"}, "is not a key"),
        ({"unit": "furlongs"}, "is furlongs; known are"),
        ({"lowest": 200}, "is above highest"),
        ({"values": ["a"]}, "belong to a text"),
        ({"type": "boolean"}, "is not of the type boolean"),
        ({"value": {"fold": "latest", "events": ["dream"], "member": "amount"}}, "no kind of"),
        ({"value": {"fold": "latest", "events": ["statement"], "member": "x"}}, "no member x"),
        ({"value": {"fold": "count", "events": ["statement"], "member": "amount"}}, "go with the"),
        ({"value": {"fold": "sum", "events": ["statement"], "member": "is_open"}}, "not a number"),
        ({"value": {"fold": "median", "events": ["statement"]}}, "is median; known are"),
        (
            {"uses": [{"source": "bureau", "legal_basis": "consent", "purposes": ["review"]}]},
            "needs the purpose of the consent",
        ),
        (
            {"uses": [{"source": "bureau", "legal_basis": "law", "purposes": ["review"]}]},
            "does not admit the basis law",
        ),
    ],
)
def test_what_may_not_be_registered_is_refused(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(RegistryError, match=said):
        parse_registry({"a.toml": BASE + registered(**changes)})


def test_a_name_is_registered_once() -> None:
    with pytest.raises(RegistryError, match="registered twice"):
        parse_registry({"a.toml": BASE + registered() + "\n" + registered()})


def test_a_source_with_a_licence_starts_switched_off() -> None:
    text = BASE.replace("names_consent = true", "names_consent = true\nneeds_licence = true")
    with pytest.raises(RegistryError, match="starts switched off"):
        parse_registry({"a.toml": text})


def test_a_directory_that_is_none_and_a_file_that_is_no_toml_are_named(tmp_path: Path) -> None:
    with pytest.raises(RegistryError, match="is not a directory"):
        load_registry(tmp_path / "nowhere")
    (tmp_path / "x.toml").write_text("= 1")
    with pytest.raises(RegistryError, match=r"x\.toml"):
        load_registry(tmp_path)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"name": "horoscope"}, "is not in the registry"),
        ({"type": "boolean"}, "is declared boolean"),
        ({"unit": "ppm"}, "is declared in ppm"),
        ({"highest": 10**12}, "has a range beyond"),
        ({"source": "third_party"}, "may not be read from third_party"),
        ({"legal_basis": "law"}, "may not be read from applicant under law"),
    ],
)
def test_a_declaration_is_held_against_the_registry(changes: dict[str, Any], said: str) -> None:
    declared: dict[str, Any] = {
        "name": "debt_monthly_minor", "type": "integer", "unit": "minor", "lowest": 0,
        "highest": 1_000, "values": (), "source": "applicant", "legal_basis": "contract",
        "consent_purpose": "",
    }  # fmt: skip
    registry = load_registry()
    assert registry.faults_of([Declared(**declared)], "origination") == []
    [(_, reason)] = registry.faults_of([Declared(**declared | changes)], "origination")
    assert said in reason
