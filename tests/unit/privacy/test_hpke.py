"""Sealing to a public key: its owner opens it, in its context, and nobody else."""

import stat
from pathlib import Path

import pytest

from counterfoil.privacy import hpke
from counterfoil.privacy.envelope import CiphertextRejectedError
from counterfoil.privacy.port import KeyServiceUnavailableError

INFO, AAD, TEXT = b"bureau report", b"inquiry 1", "王小明 report".encode() * 1_000


def test_what_is_sealed_to_a_key_file_opens_with_it(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "bureau.key"
    hpke.create_key_file(path)
    first = path.read_bytes()
    hpke.create_key_file(path)
    assert path.read_bytes() == first
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [file.name for file in path.parent.iterdir()] == ["bureau.key"]
    private = hpke.read_key_file(path)
    sealed = hpke.seal(hpke.public_bytes(private), INFO, AAD, TEXT)
    assert TEXT not in sealed
    assert len(sealed) == 32 + len(TEXT) + 16
    assert hpke.open_sealed(private, INFO, AAD, sealed) == TEXT


def test_another_key_context_or_text_is_refused(tmp_path: Path) -> None:
    for name in ("ours", "theirs"):
        hpke.create_key_file(tmp_path / name)
    ours, theirs = (hpke.read_key_file(tmp_path / name) for name in ("ours", "theirs"))
    sealed = hpke.seal(hpke.public_bytes(ours), INFO, AAD, TEXT)
    wrong = [
        (theirs, INFO, AAD, sealed),
        (ours, b"bureau repor", b"tinquiry 1", sealed),
        (ours, INFO, b"inquiry 2", sealed),
        (ours, INFO, AAD, sealed[:-1]),
        (ours, INFO, AAD, sealed[:40]),
        (ours, INFO, AAD, b""),
        (ours, INFO, AAD, bytes([sealed[0] ^ 1]) + sealed[1:]),
        (ours, INFO, AAD, sealed[:-1] + bytes([sealed[-1] ^ 1])),
    ]
    for arguments in wrong:
        with pytest.raises(CiphertextRejectedError):
            hpke.open_sealed(*arguments)


@pytest.mark.parametrize("content", ["", "00" * 31, "zz" * 32])
def test_a_damaged_key_file_is_unavailable(tmp_path: Path, content: str) -> None:
    (tmp_path / "key").write_text(content)
    with pytest.raises(KeyServiceUnavailableError):
        hpke.read_key_file(tmp_path / "key")
    with pytest.raises(KeyServiceUnavailableError):
        hpke.read_key_file(tmp_path / "nowhere")
