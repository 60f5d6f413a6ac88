"""A file that is written once, whoever comes at the same time."""

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

from counterfoil.platform.files import write_once

WRITERS = 16


def test_all_who_come_at_once_read_the_same_whole_file(tmp_path: Path) -> None:
    """Each has a draft of his own: none is taken from under another."""
    for turn in range(20):
        path, together = tmp_path / str(turn), Barrier(WRITERS)

        def write(writer: int, path: Path = path, together: Barrier = together) -> bytes:
            together.wait()
            write_once(path, bytes([writer]) * 4096)
            return path.read_bytes()

        with ThreadPoolExecutor(WRITERS) as pool:
            read = set(pool.map(write, range(WRITERS)))
        (content,) = read
        assert len(content) == 4096
        assert len(set(content)) == 1
    assert len(list(tmp_path.iterdir())) == 20


def test_what_is_there_stays(tmp_path: Path) -> None:
    """The second writer changes nothing; only the owner may read."""
    path = tmp_path / "secret"
    write_once(path, b"first")
    write_once(path, b"second")
    assert path.read_bytes() == b"first"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
