"""Key files: made once, read by their owner only, rotated without losing what was wrapped."""

import stat
from pathlib import Path

import pytest

from counterfoil.privacy.file_key import FileIndexSecret, FileKeyWrapper, create_keys
from counterfoil.privacy.port import (
    KeyRejectedError,
    KeyServiceUnavailableError,
    PlainKey,
    WrappedKey,
)

DATA_KEY = PlainKey(bytes(range(32)), b"customer 1")


async def wrap(directory: Path) -> WrappedKey:
    [wrapped] = await FileKeyWrapper(directory).wrap([DATA_KEY])
    return wrapped


async def test_a_wrapped_key_comes_back(tmp_path: Path) -> None:
    create_keys(tmp_path)
    wrapped = await wrap(tmp_path)
    assert DATA_KEY.key not in wrapped.blob
    assert await FileKeyWrapper(tmp_path).unwrap([wrapped]) == [DATA_KEY.key]


def test_only_the_owner_reads_the_files(tmp_path: Path) -> None:
    keys = tmp_path / "keys"
    create_keys(keys)
    assert stat.S_IMODE(keys.stat().st_mode) == 0o700
    files = sorted(keys.iterdir())
    assert [file.name for file in files] == ["blind-index.key", "wrapping-0001.key"]
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}


def test_keys_are_made_once(tmp_path: Path) -> None:
    create_keys(tmp_path)
    before = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    create_keys(tmp_path)
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == before


async def test_after_a_rotation_old_keys_open_and_new_ones_are_wrapped_anew(
    tmp_path: Path,
) -> None:
    create_keys(tmp_path)
    old = await wrap(tmp_path)
    assert await FileKeyWrapper(tmp_path).rotate() == "file:wrapping-0002"
    new = await wrap(tmp_path)
    assert (old.wrapped_by, new.wrapped_by) == ("file:wrapping-0001", "file:wrapping-0002")
    assert await FileKeyWrapper(tmp_path).unwrap([old, new]) == [DATA_KEY.key] * 2


async def test_a_missing_key_file_is_unavailable_and_never_made_anew(tmp_path: Path) -> None:
    create_keys(tmp_path)
    wrapped = await wrap(tmp_path)
    (tmp_path / "wrapping-0001.key").unlink()
    with pytest.raises(KeyServiceUnavailableError):
        await FileKeyWrapper(tmp_path).unwrap([wrapped])
    with pytest.raises(KeyServiceUnavailableError):
        await wrap(tmp_path)
    assert not (tmp_path / "wrapping-0001.key").exists()


async def test_a_start_makes_no_key_in_the_place_of_one_that_was_moved(tmp_path: Path) -> None:
    create_keys(tmp_path)
    away = (tmp_path / "wrapping-0001.key").rename(tmp_path / "away")
    create_keys(tmp_path)
    assert not (tmp_path / "wrapping-0001.key").exists()
    with pytest.raises(KeyServiceUnavailableError):
        await FileKeyWrapper(tmp_path).wrap([])
    away.rename(tmp_path / "wrapping-0001.key")
    create_keys(tmp_path)
    assert await FileKeyWrapper(tmp_path).current() == "file:wrapping-0001"


@pytest.mark.parametrize("content", ["", "00" * 31, "zz" * 32])
async def test_a_damaged_key_file_is_unavailable(tmp_path: Path, content: str) -> None:
    create_keys(tmp_path)
    (tmp_path / "wrapping-0001.key").write_text(content)
    (tmp_path / "blind-index.key").write_text(content)
    with pytest.raises(KeyServiceUnavailableError):
        await wrap(tmp_path)
    with pytest.raises(KeyServiceUnavailableError):
        await FileIndexSecret(tmp_path).read()


async def test_a_key_wrapped_elsewhere_or_for_somebody_else_does_not_open(tmp_path: Path) -> None:
    create_keys(tmp_path)
    wrapped = await wrap(tmp_path)
    moved = WrappedKey(wrapped.wrapped_by, wrapped.blob, b"customer 2")
    with pytest.raises(KeyRejectedError):
        await FileKeyWrapper(tmp_path).unwrap([moved])
    foreign = WrappedKey("file:../../etc/passwd", wrapped.blob, wrapped.context)
    with pytest.raises(KeyServiceUnavailableError):
        await FileKeyWrapper(tmp_path).unwrap([foreign])
