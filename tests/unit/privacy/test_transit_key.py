"""Keys in Vault's transit engine: the same contract as key files, and every way to be away."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.unit.privacy.transit_server import TOKEN, Transit, running

from counterfoil.kernel.errors import RefusedError
from counterfoil.platform.access_matrix import reading
from counterfoil.privacy.blind_index import IndexKind
from counterfoil.privacy.file_key import FileIndexSecret, FileKeyWrapper, create_keys
from counterfoil.privacy.port import (
    IndexSecret,
    KeyRejectedError,
    KeyServiceUnavailableError,
    KeyWrapper,
    PlainKey,
    WrappedKey,
)
from counterfoil.privacy.routed_key import RoutedKeyWrapper
from counterfoil.privacy.transit_key import (
    BATCH,
    TransitClient,
    TransitIndexSecret,
    TransitKeyWrapper,
)
from counterfoil.privacy.vault import ClearRecord, Purpose, Vault

ONE = PlainKey(bytes(range(32)), b"customer 1")
TWO = PlainKey(bytes(range(32, 64)), b"customer 2")


@dataclass
class Service:
    """A key service of one kind, as the vault sees it."""

    wrapper: KeyWrapper
    secret: IndexSecret


@pytest.fixture
async def transit() -> AsyncIterator[Transit]:
    async with running("counterfoil", "counterfoil-index") as opened:
        yield opened


def client(transit: Transit, directory: Path, key: str = "counterfoil") -> TransitClient:
    token = directory / "token"
    token.write_text(TOKEN + "\n")
    return TransitClient(transit.url, key, token, timeout_seconds=0.3)


def in_vault(transit: Transit, directory: Path) -> Service:
    index = client(transit, directory, "counterfoil-index")
    return Service(
        TransitKeyWrapper(client(transit, directory)), TransitIndexSecret(index, directory)
    )


@pytest.fixture(params=["file", "transit", "routed"])
def service(request: pytest.FixtureRequest, transit: Transit, tmp_path: Path) -> Service:
    create_keys(tmp_path)
    files = Service(FileKeyWrapper(tmp_path), FileIndexSecret(tmp_path))
    vault = in_vault(transit, tmp_path)
    routed = RoutedKeyWrapper({"transit": vault.wrapper, "file": files.wrapper})
    return {"file": files, "transit": vault, "routed": Service(routed, vault.secret)}[request.param]


async def test_wrapped_keys_come_back_in_their_order(service: Service) -> None:
    wrapped = await service.wrapper.wrap([ONE, TWO])
    assert await service.wrapper.unwrap(wrapped) == [ONE.key, TWO.key]
    assert await service.wrapper.unwrap(wrapped[::-1]) == [TWO.key, ONE.key]
    assert {item.wrapped_by for item in wrapped} == {await service.wrapper.current()}
    assert all(ONE.key not in item.blob for item in wrapped)


async def test_a_wrapped_key_does_not_open_for_another_context(service: Service) -> None:
    [one, _] = await service.wrapper.wrap([ONE, TWO])
    for wrong in (
        WrappedKey(one.wrapped_by, one.blob, TWO.context),
        WrappedKey(one.wrapped_by, one.blob[:-3] + b"AAA", one.context),
        WrappedKey(one.wrapped_by, one.blob[:40], one.context),
    ):
        with pytest.raises(KeyRejectedError):
            await service.wrapper.unwrap([wrong])


async def test_after_a_rotation_old_keys_open_until_they_are_rewrapped_and_the_key_retired(
    service: Service,
) -> None:
    old = await service.wrapper.wrap([ONE, TWO])
    before = await service.wrapper.current()
    after = await service.wrapper.rotate()
    assert before != after == await service.wrapper.current()
    assert await service.wrapper.unwrap(old) == [ONE.key, TWO.key]
    new = await service.wrapper.rewrap(old)
    assert {item.wrapped_by for item in new} == {after}
    await service.wrapper.retire(before)
    assert await service.wrapper.unwrap(new) == [ONE.key, TWO.key]
    with pytest.raises((KeyRejectedError, KeyServiceUnavailableError)):
        await service.wrapper.unwrap(old)


async def test_index_secrets_stay_and_are_two_only_while_the_index_is_rotated(
    service: Service,
) -> None:
    first = await service.secret.read()
    assert list(first) == [1]
    assert await service.secret.add() == 2
    assert await service.secret.add() == 2
    both = await service.secret.read()
    assert both[1] == first[1]
    assert len({*both.values()}) == 2
    assert {len(secret) for secret in both.values()} == {32}
    await service.secret.retire(1)
    await service.secret.retire(1)
    assert await service.secret.read() == {2: both[2]}


async def test_thousands_of_keys_go_in_batches(transit: Transit, tmp_path: Path) -> None:
    wrapper = in_vault(transit, tmp_path).wrapper
    keys = [PlainKey(bytes([n % 256]) * 32, b"customer %d" % n) for n in range(BATCH * 2 + 1)]
    wrapped = await wrapper.wrap(keys)
    assert await wrapper.unwrap(wrapped) == [key.key for key in keys]
    assert len(transit.calls) == 6


@pytest.mark.parametrize("fault", ["sealed", "standby", "slow", "garbage", "short"])
async def test_a_fault_is_unavailable_and_over_when_it_is_over(
    transit: Transit, tmp_path: Path, fault: str
) -> None:
    wrapper = in_vault(transit, tmp_path).wrapper
    wrapped = await wrapper.wrap([ONE])
    transit.fault = fault
    attempts = [wrapper.wrap([ONE]), wrapper.unwrap(wrapped), wrapper.rewrap(wrapped)]
    if fault != "short":
        attempts += [wrapper.current(), wrapper.rotate()]
    for attempt in attempts:
        with pytest.raises(KeyServiceUnavailableError) as caught:
            await attempt
        assert TOKEN not in repr(caught.value)
    transit.fault = ""
    assert await wrapper.unwrap(wrapped) == [ONE.key]


async def test_nobody_at_the_address_is_unavailable(transit: Transit, tmp_path: Path) -> None:
    wrapped = await in_vault(transit, tmp_path).wrapper.wrap([ONE])
    nowhere = TransitClient("http://127.0.0.1:1", "counterfoil", tmp_path / "token")
    with pytest.raises(KeyServiceUnavailableError):
        await TransitKeyWrapper(nowhere).unwrap(wrapped)


async def test_a_token_that_ended_or_is_missing_is_unavailable_until_it_is_renewed(
    transit: Transit, tmp_path: Path
) -> None:
    wrapper = in_vault(transit, tmp_path).wrapper
    wrapped = await wrapper.wrap([ONE])
    (tmp_path / "token").write_text("hvs.ended")
    with pytest.raises(KeyServiceUnavailableError, match="403"):
        await wrapper.unwrap(wrapped)
    (tmp_path / "token").unlink()
    with pytest.raises(KeyServiceUnavailableError):
        await wrapper.unwrap(wrapped)
    (tmp_path / "token").write_text(TOKEN)
    assert await wrapper.unwrap(wrapped) == [ONE.key]


async def test_a_key_that_is_not_there_is_unavailable_and_another_one_rejects(
    transit: Transit, tmp_path: Path
) -> None:
    wrapper = in_vault(transit, tmp_path).wrapper
    wrapped = await wrapper.wrap([ONE])
    with pytest.raises(KeyServiceUnavailableError):
        await TransitKeyWrapper(client(transit, tmp_path, "nobody")).unwrap(wrapped)
    transit.make_key("counterfoil")  # somebody made it anew: another key under the same name
    with pytest.raises(KeyRejectedError):
        await wrapper.unwrap(wrapped)


async def test_moving_to_vault_rewraps_what_files_wrapped(transit: Transit, tmp_path: Path) -> None:
    create_keys(tmp_path)
    files, vault = FileKeyWrapper(tmp_path), in_vault(transit, tmp_path).wrapper
    [old] = await files.wrap([ONE])
    routed = RoutedKeyWrapper({"transit": vault, "file": files})
    [new] = await routed.wrap([TWO])
    assert await routed.unwrap([old, new, old]) == [ONE.key, TWO.key, ONE.key]
    moved = await routed.rewrap([old, new])
    assert {item.wrapped_by for item in moved} == {"transit:counterfoil:v1"}
    assert await vault.unwrap(moved) == [ONE.key, TWO.key]
    with pytest.raises(KeyServiceUnavailableError):
        await RoutedKeyWrapper({"transit": vault}).unwrap([old])


async def test_an_index_secret_in_a_file_is_found_until_it_is_retired(
    transit: Transit, tmp_path: Path
) -> None:
    create_keys(tmp_path)
    files = FileIndexSecret(tmp_path)
    index = client(transit, tmp_path, "counterfoil-index")
    moved = TransitIndexSecret(index, tmp_path, files)
    first = await files.read()
    assert await moved.read() == first
    assert await moved.add() == 2
    assert (await moved.read())[1] == first[1]
    await moved.retire(1)
    assert list(await moved.read()) == [2]
    assert (tmp_path / "retired" / "blind-index.key").exists()


async def test_the_vault_refuses_while_transit_is_sealed_and_opens_afterwards(
    transit: Transit, tmp_path: Path
) -> None:
    service = in_vault(transit, tmp_path)
    vault = Vault(service.wrapper, service.secret)
    clear = ClearRecord(customer_id=1, purpose=Purpose.IDENTITY, fields={"name": "王小明"})
    sealed = await vault.seal([clear])
    digests = await vault.digests(IndexKind.PHONE, ["+8613800138000"])
    transit.fault = "sealed"
    for attempt in (
        vault.seal([clear]),
        vault.open(sealed, reading("person_export")),
        vault.digests(IndexKind.PHONE, ["+8613800138000"]),
    ):
        with pytest.raises(RefusedError) as caught:
            await attempt
        assert caught.value.refused.code == "key_service_unavailable"
    transit.fault = ""
    assert await vault.open(sealed, reading("person_export")) == [clear]
    assert await vault.digests(IndexKind.PHONE, ["+8613800138000"]) == digests
