"""The register of fields: what it says holds together, and what is missing is told by name."""

import tomllib
from importlib import resources
from typing import Any

import pytest

from counterfoil.platform.access import Role
from counterfoil.privacy.data_register import (
    HOUSE,
    RegisterError,
    faults,
    load_register,
    parse_register,
)
from counterfoil.privacy.retention import load_schedule
from counterfoil.privacy.vault import ClearRecord, Purpose, Vault


def read() -> dict[str, Any]:
    file = resources.files("counterfoil.privacy").joinpath("data_register.toml")
    return tomllib.loads(file.read_text("utf-8"))


def test_every_purpose_of_the_vault_is_declared_with_its_own_retention() -> None:
    register, schedule = load_register(), load_schedule()
    assert set(register.vault) == set(Purpose)
    for purpose in Purpose:
        kept_as = schedule.class_of(purpose)
        assert kept_as is not None
        assert register.vault[purpose].retention == kept_as.code


def test_retention_and_owner_are_known() -> None:
    register = load_register()
    for item in (*register.tables.values(), *register.vault.values()):
        assert item.retention in {*load_schedule().classes, HOUSE}, item.name
        assert item.owner in set(Role), item.name


def test_a_table_a_column_and_what_is_gone_are_named() -> None:
    register = load_register()
    there = {name: list(item.every_column) for name, item in register.tables.items()}
    assert faults(register, there) == []
    there["lending.loan"].append("shoe_size")
    there["lending.instalment"].remove("due_date")
    there["lending.shoe"] = ["customer_id", "size"]
    del there["ledger.journal"]
    text = "\n".join(faults(register, there))
    assert 'add ["shoe_size"] to [tables."lending.loan"]' in text
    assert 'no columns ["due_date"]' in text
    assert '[tables."lending.shoe"]' in text
    assert 'columns = ["customer_id", "size"]' in text
    assert "there is no table ledger.journal" in text


@pytest.mark.parametrize(
    ("member", "value", "said"),
    [
        ("purposes", [], "unknown purpose"),
        ("purposes", ["fun"], "unknown purpose"),
        ("legal_basis", "habit", "unknown legal basis"),
        ("class", "secret", "unknown class"),
        ("retention", "house", "a ground and an end"),
        ("colour", "red", "unknown"),
        ("staff", ["customer_id"], "twice"),
    ],
)
def test_a_field_without_class_purpose_basis_or_end_is_refused(
    member: str, value: object, said: str
) -> None:
    wrong = read()
    wrong["tables"]["customers.customer"][member] = value
    with pytest.raises(RegisterError, match=said):
        parse_register(wrong)


async def test_the_vault_seals_no_field_that_is_not_declared() -> None:
    record = ClearRecord(customer_id=1, purpose=Purpose.CONTACT, fields={"shoe_size": "43"})
    with pytest.raises(ValueError, match="shoe_size"):
        await Vault(_Wrapper(), None).seal([record])  # type: ignore[arg-type]


class _Wrapper:
    async def wrap(self, keys: list[Any]) -> list[Any]:
        return keys
