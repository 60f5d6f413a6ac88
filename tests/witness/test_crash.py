"""A witness that is killed, started again, or put back to an older copy of its home."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tests.witness.conftest import Desk
from tests.witness.log import ORIGIN, Log, a_key, time_of

from counterfoil.evidence.formats.algorithms import Algorithm
from counterfoil.evidence.formats.note import NoteRejectedError, parse_note
from counterfoil.witness.home import WitnessHome, WitnessHomeError
from counterfoil.witness.key import format_key, parse_key
from counterfoil.witness.witness import Witness

#: Answers one request from standard input, in a process that dies at a chosen place.
ONCE = """
import os, signal, sys
from pathlib import Path
from counterfoil.witness import durable
from counterfoil.witness.home import WitnessHome
from counterfoil.witness.key import format_key, parse_key
from counterfoil.witness.witness import Witness

home, place = Path(sys.argv[1]), sys.argv[2]
write, flush = durable._write, durable.flush_directory

def die():
    os.kill(os.getpid(), signal.SIGKILL)

def torn(path, content):
    write(path, content[:20])
    die()

def before_rename(path, content):
    write(path, content)
    die()

def after_rename(path):
    die()

def after_flush(path):
    flush(path)
    die()

with WitnessHome(home).locked() as locked:
    witness = Witness(locked, parse_key(locked.read_key()), lambda: 1_800_000_009)
    if place in ("torn", "before_rename"):
        durable._write = globals()[place]
    else:
        durable.flush_directory = globals()[place]
    print(witness.add_checkpoint(sys.stdin.buffer.read()))
"""


def kill_at(desk: Desk, place: str, request: bytes) -> None:
    """Let a process of its own answer the request and die on the way."""
    desk.close()
    died = subprocess.run(
        [sys.executable, "-c", ONCE, str(desk.path), place],
        input=request,
        capture_output=True,
        check=False,
    )
    assert died.returncode == -9, died.stderr.decode()
    assert died.stdout == b""  # nobody heard of the new head


@pytest.mark.parametrize("place", ["torn", "before_rename"])
def test_killed_before_the_head_is_in_place_the_old_one_is_held(
    desk: Desk, log: Log, place: str
) -> None:
    desk.witness.add_checkpoint(log.request(0, 5))
    before = desk.home.head(ORIGIN)
    kill_at(desk, place, log.request(5, 9))
    witness = desk.open()
    assert desk.home.head(ORIGIN) == before
    assert witness.add_checkpoint(log.request(5, 9)).status == 200


@pytest.mark.parametrize("place", ["after_rename", "after_flush"])
def test_killed_between_storing_and_answering_the_new_head_is_held(
    desk: Desk, log: Log, place: str
) -> None:
    desk.witness.add_checkpoint(log.request(0, 5))
    kill_at(desk, place, log.request(5, 9))
    witness = desk.open()
    # The log never heard the answer: it asks again, is told the size, and gets its line.
    reply = witness.add_checkpoint(log.request(5, 9))
    assert (reply.status, reply.body) == (409, b"9\n")
    reply = witness.add_checkpoint(log.request(9, 9))
    assert time_of(reply.body, log.note(9), desk.key.verifier) == 1_800_000_009
    # Nor can it use the silence to tell another story.
    assert witness.add_checkpoint(Log(fork_at=7).request(9, 9)).status == 422
    assert witness.add_checkpoint(Log(fork_at=7).request(5, 9)).status == 409


def test_content_and_name_are_flushed_in_this_order_before_the_answer(
    desk: Desk, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[str] = []
    fsync, rename = os.fsync, Path.replace

    def flush(descriptor: int) -> None:
        path = Path(f"/proc/self/fd/{descriptor}").readlink()
        steps.append(f"flush {'directory' if path.is_dir() else 'file'}")
        fsync(descriptor)

    def put(draft: Path, path: Path) -> Path:
        steps.append(f"name {path.name}")
        return rename(draft, path)

    monkeypatch.setattr(os, "fsync", flush)
    monkeypatch.setattr(Path, "replace", put)
    assert desk.witness.add_checkpoint(log.request(0, 5)).status == 200
    assert steps == ["flush file", "name checkpoint", "flush directory"]


def test_a_restart_forgets_nothing(desk: Desk, log: Log) -> None:
    desk.witness.add_checkpoint(log.request(0, 5))
    assert desk.open().add_checkpoint(log.request(0, 5)).body == b"5\n"
    assert desk.witness.add_checkpoint(log.request(5, 6)).status == 200


@pytest.mark.parametrize(
    "damage",
    [
        lambda head: head[:-30],
        lambda head: head.replace(b"\n5\n", b"\n4\n"),
        lambda _: b"",
        lambda head: b"\n".join(head.split(b"\n")[:5]) + b"\n",
    ],
)
def test_a_head_that_is_not_whole_is_never_built_upon(desk: Desk, log: Log, damage: object) -> None:
    assert callable(damage)
    desk.witness.add_checkpoint(log.request(0, 5))
    (path,) = desk.path.glob("logs/*/checkpoint")
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(WitnessHomeError, match="damaged"):
        desk.witness.add_checkpoint(log.request(5, 6))
    with pytest.raises(WitnessHomeError, match="damaged"):
        desk.open()


def test_a_head_of_another_log_is_never_built_upon(desk: Desk, log: Log) -> None:
    other = Log(key=a_key("other", Algorithm.ED25519, "log.other.example/2027"))
    desk.home.trust(other.key.name, other.key.verifier.text)
    desk.witness.add_checkpoint(log.request(0, 5))
    desk.home.store_head(other.key.name, desk.home.head(ORIGIN) or b"")
    with pytest.raises(WitnessHomeError, match="is that of"):
        desk.open()


@pytest.fixture
def restored(desk: Desk, log: Log, tmp_path: Path) -> tuple[Desk, bytes]:
    """Return a witness put back to size 5 that had cosigned size 9, and the head it forgot."""
    desk.witness.add_checkpoint(log.request(0, 5))
    shutil.copytree(desk.path, tmp_path / "copy")
    desk.now += 60
    desk.witness.add_checkpoint(log.request(5, 9))
    forgotten = desk.home.head(ORIGIN)
    assert forgotten is not None
    desk.close()
    shutil.rmtree(desk.path)
    shutil.copytree(tmp_path / "copy", desk.path)
    return desk, forgotten


def test_a_witness_put_back_by_itself_would_sign_a_second_history(
    restored: tuple[Desk, bytes], log: Log
) -> None:
    """What `witness advance` is for: nothing inside the home can tell that it is an old copy."""
    desk, _ = restored
    witness = desk.open()
    assert witness.add_checkpoint(log.request(9, 10)).body == b"5\n"  # an honest log sees it here
    assert witness.add_checkpoint(Log(fork_at=7).request(5, 9)).status == 200


def test_a_witness_put_back_takes_up_what_others_kept_of_it(
    restored: tuple[Desk, bytes], log: Log
) -> None:
    desk, forgotten = restored
    head = desk.open().advance(forgotten)
    assert (head.checkpoint.size, head.time) == (9, desk.now)
    assert desk.home.head(ORIGIN) == forgotten
    assert desk.witness.add_checkpoint(Log(fork_at=7).request(5, 9)).status == 409
    assert desk.witness.add_checkpoint(Log(fork_at=7).request(9, 9)).status == 422
    desk.now -= 3  # the time, too, goes on from what was signed
    reply = desk.witness.add_checkpoint(log.request(9, 10))
    assert time_of(reply.body, log.note(10), desk.key.verifier) == desk.now + 3


def test_only_a_later_head_with_both_good_signatures_is_taken_up(
    restored: tuple[Desk, bytes], log: Log, tmp_path: Path
) -> None:
    desk, forgotten = restored
    witness = desk.open()
    with pytest.raises(NoteRejectedError, match="witnesses_missing"):
        witness.advance(bytes(log.note(9)))
    note = parse_note(forgotten)
    own_alone = note.__class__(note.text, note.signatures[1:])
    with pytest.raises(NoteRejectedError, match="log_signature_missing"):
        witness.advance(bytes(own_alone))
    with pytest.raises(NoteRejectedError, match="signature_wrong"):
        witness.advance(forgotten.replace(b"\n9\n", b"\n8\n"))
    older = desk.home.head(ORIGIN)
    assert older is not None
    witness.advance(forgotten)
    witness.advance(older)
    assert desk.home.head(ORIGIN) == forgotten

    other = Desk(tmp_path / "twin", desk.key)
    other.home.trust(ORIGIN, log.key.verifier.text)
    other.witness.add_checkpoint(Log(fork_at=7).request(0, 9))
    second_history = other.home.head(ORIGIN)
    other.close()
    assert second_history is not None
    with pytest.raises(NoteRejectedError, match="both roots"):
        witness.advance(second_history)


def test_the_key_is_written_once_and_kept_from_others(desk: Desk) -> None:
    path = desk.path / "key"
    assert path.stat().st_mode & 0o777 == 0o600
    assert desk.path.stat().st_mode & 0o777 == 0o700
    assert parse_key(desk.home.read_key()).verifier == desk.key.verifier
    with pytest.raises(WitnessHomeError, match="already holds"):
        desk.home.create_key("another\n")
    path.chmod(0o640)
    with pytest.raises(WitnessHomeError, match="open to others"):
        desk.home.read_key()


@pytest.mark.parametrize(
    "text", ["", "PRIVATE+KEY+w+00000000+BAAA\n", "PRIVATE+KEY+w+00000000+!\n"]
)
def test_a_damaged_key_is_no_key(text: str) -> None:
    with pytest.raises(WitnessHomeError):
        parse_key(text)


def test_a_log_key_is_no_witness_key(desk: Desk, log: Log) -> None:
    with pytest.raises(WitnessHomeError, match="not a witness"):
        parse_key(format_key(log.key))
    changed = format_key(desk.key).replace("w1+", "w2+")
    with pytest.raises(WitnessHomeError, match="damaged"):
        parse_key(changed)


def test_a_home_without_key_says_what_to_do(tmp_path: Path) -> None:
    home = WitnessHome(tmp_path / "nothing")
    with pytest.raises(WitnessHomeError, match="witness init"):
        home.read_key()
    with home.locked() as locked:
        Witness(locked, a_key("w", Algorithm.COSIGNATURE_ED25519, "w"), lambda: 0)
