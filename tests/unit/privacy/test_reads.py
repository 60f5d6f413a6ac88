"""Reads carry a purpose: what is declared of them holds together, and the vault's door asks."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

import counterfoil
from counterfoil.kernel.errors import RefusedError
from counterfoil.platform.access_matrix import EVERY_FIELD, Reading, Sight, load_matrix, reading
from counterfoil.privacy.data_register import load_register
from counterfoil.privacy.file_key import FileIndexSecret, FileKeyWrapper, create_keys
from counterfoil.privacy.vault import ClearRecord, KeyRow, Purpose, RefusedRead, Vault, may_read

SOURCE = Path(counterfoil.__file__).parent
NAME, ID_NUMBER = "王小明", "11010519491231002X"
IDENTITY = ClearRecord(
    customer_id=7, purpose=Purpose.IDENTITY, fields={"name": NAME, "id_number": ID_NUMBER}
)


@pytest.fixture
def vault(tmp_path: Path) -> Vault:
    create_keys(tmp_path)
    return Vault(FileKeyWrapper(tmp_path), FileIndexSecret(tmp_path))


def test_every_read_is_for_a_purpose_of_the_register() -> None:
    matrix, known = load_matrix(), load_register().purposes
    assert set(matrix.reads.values()) <= set(known)
    assert {purpose.reads_for for purpose in matrix.purposes.values()} <= set(known)
    assert {rights.reads_for for rights in matrix.rights.values()} <= {*known, ""}


def test_every_read_of_a_program_is_declared_and_every_declaration_used() -> None:
    used = {
        act
        for path in SOURCE.rglob("*.py")
        for act in re.findall(r'\breading\("(\w+)"\)', path.read_text("utf-8"))
    }
    declared = set(load_matrix().reads)
    assert used <= declared
    sources = "".join(path.read_text("utf-8") for path in SOURCE.rglob("*.py"))
    assert [act for act in declared - used if f'_ACT: Final = "{act}"' not in sources] == []
    with pytest.raises(KeyError):
        reading("curiosity")


def test_what_a_look_shows_may_be_read_for_it() -> None:
    for look in load_matrix().purposes.values():
        for name, fields in look.data.items():
            wanted = None if EVERY_FIELD in fields else fields
            of_look = Reading(act="reveal", purpose=look.reads_for)
            assert may_read(of_look, Purpose(name), wanted), (look.code, name)


def test_who_sees_persons_reads_for_a_purpose_and_who_sees_pseudonyms_for_none() -> None:
    matrix = load_matrix()
    sights = {role: rights.sees for role, rights in matrix.rights.items() if ":" not in role}
    pseudonyms = {role for role, sees in sights.items() if sees is not Sight.MASKED}
    assert pseudonyms == {"administrator", "risk_analyst", "support", "agency"}
    for role in sights:
        reads = Reading(act="view", purpose=matrix.rights[role].reads_for)
        assert may_read(reads, Purpose.IDENTITY, ["name"]) is (role not in pseudonyms), role


def test_no_field_of_the_vault_can_be_read_for_everything() -> None:
    register = load_register()
    for name, item in register.vault.items():
        assert item.purposes, name
        assert not item.readable("marketing")
        for column in item.columns:
            closed = [code for code in register.purposes if column not in item.readable(code)]
            assert "operation" in closed
            assert "accounting" in closed


@pytest.mark.parametrize(
    ("purpose", "fields"),
    [
        ("collection", None),
        ("collection", ["name", "id_number"]),
        ("quality", ["name"]),
        ("operation", ["name"]),
        ("no_such_purpose", ["name"]),
        ("", []),
    ],
)
async def test_a_read_outside_the_purposes_is_refused_and_told(
    vault: Vault, purpose: str, fields: list[str] | None
) -> None:
    told: list[RefusedRead] = []

    async def note(refused: RefusedRead) -> None:
        told.append(refused)

    vault.note_refused_read = note
    sealed = await vault.seal([IDENTITY])
    wanted = Reading(act="curiosity", purpose=purpose)
    with pytest.raises(RefusedError) as caught:
        await vault.open(sealed, wanted, fields)
    assert caught.value.refused.code == "read_outside_purpose"
    [line] = told
    assert line == RefusedRead(reading=wanted, purpose=Purpose.IDENTITY, customer_ids=(7,))


def test_the_vault_is_the_one_door_to_data_keys() -> None:
    """Who unwrapped keys past it would read without saying what for."""
    key_services = {"port.py", "routed_key.py", "file_key.py", "transit_key.py"}
    doors = {
        str(path.relative_to(SOURCE))
        for path in SOURCE.rglob("*.py")
        if re.search(r"\.unwrap\b", path.read_text("utf-8")) and path.name not in key_services
    }
    assert doors == {"privacy/vault.py"}


#: Who opens what several customers own → the test in which the key of one of them is damaged.
OF_SEVERAL = {
    "console/pages/customers.py": "console/test_privacy_pages.py",
    "evidence/check_store.py": "cli/test_audit.py",
    "evidence/opening_store.py": "store/test_inquire_refused.py",
    "evidence/sealing.py": "store/test_log.py",
    "journeys/consenting/consent.py": "store/test_consents.py",
    "journeys/consenting/consent_records.py": "store/test_consents.py",
    "journeys/contracting/contract_bulk.py": "store/test_contracts.py",
    "journeys/contracting/contract_making.py": "store/test_contracts.py",
    "journeys/guarding/export_data.py": "store/test_exports.py",
    "journeys/guarding/reveal.py": "store/test_privacy_reveal.py",
    "journeys/guarding/rotate_keys.py": "store/test_privacy_rotation.py",
    "journeys/guarding/show_persons.py": "console/test_privacy_pages.py",
    "journeys/hosting/hosted_pages.py": "",  # of the one whose page it is
    "journeys/inquiring/inquiry_outcomes.py": "store/test_inquire_refused.py",
    "journeys/inquiring/inquiry_proofs.py": "store/test_inquire_refused.py",
    "journeys/paying/payee_names.py": "store/test_privacy_reveal.py",
    "journeys/paying/payers.py": "store/test_privacy_reveal.py",
}
MANY = re.compile(
    r"(?<!def )\b(open_each|unwrap_keys|rewrap_each|keys_of_each|existing_keys_of_each|read_each"
    r"|read_masked|read_identities|borrowers_of|keys_for|shown_persons)\("
)
SPOILS = "SET wrapped_key ="


def test_whoever_opens_for_several_is_tried_with_one_damaged_key() -> None:
    """Nothing else opens for more than one: the vault raises, and keys come one by one."""
    found = {
        place
        for path in SOURCE.rglob("*.py")
        if MANY.search(path.read_text("utf-8"))
        and not (place := str(path.relative_to(SOURCE))).startswith("privacy/")
    }
    assert found == set(OF_SEVERAL)
    tests = Path(__file__).parents[2]
    for test in filter(None, OF_SEVERAL.values()):
        assert SPOILS in (tests / test).read_text("utf-8"), test


async def test_records_of_several_are_not_opened_as_one(vault: Vault) -> None:
    other = replace(IDENTITY, customer_id=8)
    with pytest.raises(ValueError, match="each by itself"):
        await vault.open(await vault.seal([IDENTITY, other]), reading("person_export"))


async def test_only_the_fields_that_are_wanted_leave_the_vault(vault: Vault) -> None:
    sealed = await vault.seal([IDENTITY])
    [shown] = await vault.open(sealed, Reading(act="call", purpose="collection"), ["name"])
    assert shown.fields == {"name": NAME}
    [derived] = await vault.open(sealed, reading("export_ages"), ["id_number"])
    assert derived.fields == {"id_number": ID_NUMBER}


async def test_a_key_opens_everything_and_so_asks_for_everything(vault: Vault) -> None:
    [sealed] = await vault.seal([IDENTITY])
    row = KeyRow(
        customer_id=7,
        purpose=Purpose.IDENTITY,
        wrapped_by=sealed.wrapped_by,
        wrapped_key=sealed.wrapped_key,
    )
    assert len(await vault.unwrap_keys([row], reading("consent"))) == 1
    with pytest.raises(RefusedError) as caught:
        await vault.unwrap_keys([row], reading("export_ages"))
    assert caught.value.refused.code == "read_outside_purpose"
