"""The vault: a record opens for its customer and purpose only, or not at all, and says so."""

from dataclasses import replace
from pathlib import Path

import pytest

from counterfoil.kernel.errors import RefusedError
from counterfoil.platform.access_matrix import reading
from counterfoil.privacy.blind_index import IndexKind
from counterfoil.privacy.envelope import Sealer
from counterfoil.privacy.file_key import FileIndexSecret, FileKeyWrapper, create_keys
from counterfoil.privacy.vault import ClearRecord, Purpose, SealedRecord, Vault

MARKER = "王小明 11010519491231002X"


@pytest.fixture
def vault(tmp_path: Path) -> Vault:
    create_keys(tmp_path)
    return Vault(FileKeyWrapper(tmp_path), FileIndexSecret(tmp_path))


#: A field of each kind of record that the register of fields knows.
_FIELDS = {Purpose.CONTACT: "phone"}


def record(customer_id: int = 1, purpose: Purpose = Purpose.IDENTITY) -> ClearRecord:
    return ClearRecord(
        customer_id=customer_id, purpose=purpose, fields={_FIELDS.get(purpose, "name"): MARKER}
    )


async def seal(vault: Vault, clear: ClearRecord) -> SealedRecord:
    [sealed] = await vault.seal([clear])
    return sealed


async def test_records_open_in_their_order(vault: Vault) -> None:
    clear = [record(1), record(2), record(1, Purpose.CONTACT)]
    assert await vault.open_each(await vault.seal(clear), reading("person_export")) == clear


async def test_nothing_of_the_person_is_in_what_is_stored(vault: Vault) -> None:
    sealed = await seal(vault, record())
    assert MARKER.encode() not in sealed.ciphertext
    assert MARKER not in repr(sealed)


async def test_a_clear_record_does_not_show_itself() -> None:
    assert MARKER not in repr(record())


@pytest.mark.parametrize(
    "change",
    [
        {"customer_id": 2},
        {"purpose": Purpose.CONTACT},
        {"field_set": "identity.2"},
        {"ciphertext": b"\x01" + bytes(40)},
        {"wrapped_key": b"\x01" + bytes(60)},
    ],
)
async def test_a_record_moved_or_damaged_is_refused(
    vault: Vault, change: dict[str, object]
) -> None:
    sealed = replace(await seal(vault, record()), **change)  # type: ignore[arg-type]
    with pytest.raises(RefusedError) as caught:
        await vault.open([sealed], reading("person_export"))
    assert caught.value.refused.code == "ciphertext_rejected"


@pytest.mark.parametrize("damaged", [set(), {0}, {6}, {2, 3}, set(range(7))])
async def test_damaged_keys_are_found_among_others_and_each_is_counted(
    vault: Vault, damaged: set[int]
) -> None:
    clear = [record(number) for number in range(7)]
    sealed = [
        replace(one, wrapped_key=one.wrapped_key + b"\0") if one.customer_id in damaged else one
        for one in await vault.seal(clear)
    ]
    expected = [None if one.customer_id in damaged else one for one in clear]
    assert await vault.open_each(sealed, reading("person_export")) == expected
    assert vault.rejections.total == len(damaged)


async def test_a_record_of_one_customer_does_not_open_with_the_key_of_another(
    vault: Vault,
) -> None:
    first, second = await vault.seal([record(1), record(2)])
    mixed = replace(first, wrapped_key=second.wrapped_key)
    with pytest.raises(RefusedError):
        await vault.open([mixed], reading("person_export"))


@pytest.mark.parametrize("kept", [0, 20, -1])
async def test_what_another_room_keeps_opens_whole_or_is_refused_and_counted(
    vault: Vault, kept: int
) -> None:
    [(key, _)] = await vault.new_keys([(1, Purpose.REPORT)])
    sealer, place = Sealer(key), b"a row"
    sealed = sealer.encrypt(MARKER.encode(), place)
    assert vault.unseal(sealer, sealed, place) == MARKER.encode()
    [(other, _)] = await vault.new_keys([(1, Purpose.REPORT)])
    wrong = ((Sealer(other), sealed, place), (sealer, sealed, b"another row"))
    for by, text, where in (*wrong, (sealer, sealed[:kept], place)):
        before = vault.rejections.total
        with pytest.raises(RefusedError) as caught:
            vault.unseal(by, text, where)
        assert caught.value.refused.code == "ciphertext_rejected"
        assert vault.rejections.total == before + 1


async def test_without_the_key_service_the_vault_refuses_and_later_opens_again(
    vault: Vault, tmp_path: Path
) -> None:
    sealed = await seal(vault, record())
    away = tmp_path / "away"
    away.mkdir()
    for name in ("wrapping-0001.key", "blind-index.key"):
        (tmp_path / name).rename(away / name)
    for attempt in (
        vault.open([sealed], reading("person_export")),
        vault.seal([record()]),
        vault.digests(IndexKind.PHONE, ["+8613800138000"]),
    ):
        with pytest.raises(RefusedError) as caught:
            await attempt
        assert caught.value.refused.code == "key_service_unavailable"
    for name in ("wrapping-0001.key", "blind-index.key"):
        (away / name).rename(tmp_path / name)
    assert await vault.open([sealed], reading("person_export")) == [record()]
