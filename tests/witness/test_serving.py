"""The witness as a process, over HTTP, from the command line to a kill."""

import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path

import httpx
import orjson
import pytest
from tests.witness.log import ORIGIN, Log
from typer.testing import CliRunner, Result

from counterfoil.cli.main import app
from counterfoil.evidence.formats.note import VerifierKey, parse_note
from counterfoil.evidence.formats.policy import Policy
from counterfoil.evidence.formats.witness_protocol import (
    REQUEST_BYTES_MAX,
    SIZE_CONTENT_TYPE,
    monitoring_path,
    parse_cosignatures,
)
from counterfoil.witness.key import ALGORITHMS

NAME = "witness.test.example/w1"
START_SECONDS_MAX = 180
KILLS = 4


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["witness", *map(str, arguments)])


@pytest.fixture
def home(tmp_path: Path, log: Log) -> Path:
    path = tmp_path / "witness"
    assert run("init", "--home", path, "--name", NAME).exit_code == 0
    assert run("trust", "--home", path, log.key.verifier.text).exit_code == 0
    return path


@contextmanager
def serving(home: Path) -> Iterator[tuple[httpx.Client, subprocess.Popen[bytes]]]:
    """Run `counterfoil witness serve` and wait until it answers."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "counterfoil.cli", "witness", "serve"]
    process = subprocess.Popen([*command, "--home", str(home), "--port", str(port)])
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=5) as client:
            until = time.monotonic() + START_SECONDS_MAX
            while True:
                with suppress(httpx.TransportError):
                    client.get("/")
                    break
                assert process.poll() is None
                assert time.monotonic() < until
                time.sleep(0.02)
            yield client, process
    finally:
        process.kill()
        process.wait()


def add(client: httpx.Client, request: bytes) -> httpx.Response:
    return client.post("/add-checkpoint", content=request)


def held_size(client: httpx.Client) -> int:
    """Return the size of the last head that the witness serves; 0 where it has none."""
    answer = client.get("/" + monitoring_path(ORIGIN))
    return int(answer.text.split("\n")[1]) if answer.status_code == 200 else 0


@pytest.mark.parametrize("algorithm", sorted(ALGORITHMS))
def test_init_prints_the_line_for_policies(tmp_path: Path, algorithm: str) -> None:
    result = run("init", "--home", tmp_path / "w", "--name", NAME, "--algorithm", algorithm)
    key = VerifierKey.parse(result.output.strip())
    assert (key.name, key.algorithm) == (NAME, ALGORITHMS[algorithm])
    log = Log()
    Policy.parse(f"log {log.key.verifier.text}\nwitness w {key.text}\nquorum w\n")
    again = run("init", "--home", tmp_path / "w", "--name", NAME)
    assert (again.exit_code, "already holds" in again.output) == (1, True)


def test_init_refuses_an_algorithm_that_nobody_knows(tmp_path: Path) -> None:
    result = run("init", "--home", tmp_path / "w", "--name", NAME, "--algorithm", "rsa")
    assert (result.exit_code, "ml-dsa-44" in result.output) == (1, True)
    assert not (tmp_path / "w").exists()


def test_init_refuses_a_name_that_no_note_could_bear(tmp_path: Path) -> None:
    result = run("init", "--home", tmp_path / "w", "--name", "two words")
    assert (result.exit_code, "key_malformed" in result.output) == (1, True)
    assert not (tmp_path / "w").exists()


def test_trust_takes_the_keys_of_logs_alone(home: Path, log: Log) -> None:
    own = run("show", "--home", home).output.splitlines()[0]
    assert run("trust", "--home", home, own).exit_code == 1
    assert run("trust", "--home", home, log.key.verifier.text[:-4]).exit_code == 1
    assert "already" in run("trust", "--home", home, log.key.verifier.text).output
    assert run("trust", "--home", home / "nowhere", log.key.verifier.text).exit_code == 1


def test_the_protocol_over_http(home: Path, log: Log) -> None:
    path = "/" + monitoring_path(ORIGIN)
    with serving(home) as (client, _):
        assert client.get(path).status_code == 404
        cosigned = add(client, log.request(0, 5))
        assert cosigned.status_code == 200
        held = client.get(path)
        assert held.headers["content-type"] == "text/plain; charset=utf-8"
        assert parse_note(held.content).signatures[1:] == parse_cosignatures(cosigned.content)
        conflict = add(client, log.request(0, 6))
        assert (conflict.status_code, conflict.text) == (409, "5\n")
        assert conflict.headers["content-type"] == SIZE_CONTENT_TYPE
        assert add(client, Log(fork_at=3).request(5, 5)).status_code == 422
        assert add(client, b"nothing").status_code == 400
        assert add(client, b"x" * (REQUEST_BYTES_MAX + 1)).status_code == 413
        assert client.get("/add-checkpoint").status_code == 405
        strange = (sha256(b"other").hexdigest(), ORIGIN, "..", "%2e%2e", "A" * 64, "x" * 64)
        for digest in strange:
            assert client.get(f"/{digest}/checkpoint").status_code in {400, 404}
        other = Log(key=log.key.generate("log.other.example/1", log.key.algorithm))
        assert add(client, other.request(0, 2)).status_code == 404
        run("trust", "--home", home, other.key.verifier.text)
        assert add(client, other.request(0, 2)).status_code == 200  # without a restart
        second = run("serve", "--home", home)
        assert (second.exit_code, "another process" in second.output) == (1, True)
        advance = run("advance", "--home", home, home / "key")
        assert (advance.exit_code, "another process" in advance.output) == (1, True)

    shown = orjson.loads(run("show", "--home", home, "--json").output)
    assert {log["origin"]: log["size"] for log in shown["logs"]} == {
        ORIGIN: 5,
        "log.other.example/1": 2,
    }
    assert shown["refused"] == {"409 sizes_differ": 1, "422 split": 1}
    assert "1 refused: 422 split" in run("show", "--home", home).output
    kept = [orjson.loads(line) for line in run("refused", "--home", home).output.splitlines()]
    assert {entry["reason"] for entry in kept} == {"sizes_differ", "split"}
    note = home / "found"
    note.write_bytes(held.content)
    assert "is held at 5" in run("advance", "--home", home, note).output


def test_a_process_killed_under_load_never_goes_back(home: Path, log: Log) -> None:
    seeded = random.Random(7)
    acknowledged = 0
    for _ in range(KILLS):
        with serving(home) as (client, process):
            size = held_size(client)
            assert size >= acknowledged
            kill_after = time.monotonic() + seeded.uniform(0.01, 0.15)
            with suppress(httpx.TransportError):
                while True:
                    if time.monotonic() > kill_after and process.poll() is None:
                        os.kill(process.pid, signal.SIGKILL)
                    grown = size + seeded.randint(0, 3)
                    reply = add(client, log.request(size, grown))
                    assert reply.status_code == 200
                    size = acknowledged = grown
    assert acknowledged > 0
    with serving(home) as (client, _):
        held = held_size(client)
        assert acknowledged <= held <= acknowledged + 3
        assert add(client, Log(fork_at=0).request(held, held)).status_code == 422
