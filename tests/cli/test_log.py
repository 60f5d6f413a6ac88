"""The commands of the log, with a witness process beside them."""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import asyncpg
import pytest
from tests.store.log_desk import ORIGIN

from counterfoil.evidence.formats.checkpoint import Checkpoint
from counterfoil.evidence.formats.merkle import leaf_hash, verify_inclusion
from counterfoil.evidence.formats.proof import TlogProof
from counterfoil.evidence.leaf import LeafType
from counterfoil.evidence.staging import Leaves
from counterfoil.evidence.store import QUERIES
from counterfoil.kernel.clock import SystemClock

Run = Callable[..., subprocess.CompletedProcess[str]]


@contextmanager
def a_witness(run: Run, home: Path, verifier: str, port: int) -> Iterator[None]:
    """Serve a witness that trusts the log."""
    assert run("witness", "trust", verifier, "--home", str(home)).returncode == 0
    command = (sys.executable, "-m", "counterfoil.cli", "witness", "serve")
    process = subprocess.Popen([*command, "--home", str(home), "--port", str(port)])
    try:
        until = time.monotonic() + 180
        while time.monotonic() < until:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.05)
        yield
    finally:
        process.kill()
        process.wait()


async def stage(url: str, count: int) -> None:
    leaves = Leaves(SystemClock())
    rows = [leaves.stage(1, n, LeafType.APPROVAL, 0, {"n": n}) for n in range(1, count + 1)]
    connection = await asyncpg.connect(url)
    await QUERIES.stage_leaves.execute(connection, rows=rows)
    await connection.close()


@pytest.fixture
def installation(tmp_path: Path, database_url: str) -> tuple[Run, Path]:
    variables = {
        **os.environ,
        "COUNTERFOIL_HOME": str(tmp_path / "home"),
        "COUNTERFOIL_DATABASE_URL": database_url,
        "COUNTERFOIL_WITNESSES": str(tmp_path / "witnesses"),
        "COUNTERFOIL_LOG_ORIGIN": ORIGIN,
    }

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "counterfoil.cli", *words],
            env=variables,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )

    return run, tmp_path


def check_export(tree: Path, earlier: bytes) -> None:
    """Assert that the earlier head is there, and that each proof leads to the exported one."""
    assert (tree / "checkpoints" / "300").read_bytes() == earlier
    proofs = sorted((tree / "receipts").glob("*.proof"))
    assert [proofs[0].stem, proofs[-1].stem] == ["000000000", "000000339"]
    for file in proofs:
        proof = TlogProof.parse(file.read_bytes())
        entry = file.with_suffix(".leaf").read_bytes()
        head = Checkpoint.parse(proof.note.text)
        assert bytes(proof.note) == (tree / "checkpoint").read_bytes()
        assert proof.index == int(file.stem)
        path = list(proof.hashes)
        verify_inclusion(leaf_hash(entry), proof.index, head.size, path, head.root)


async def test_a_log_is_begun_published_mirrored_exported_and_checked(
    installation: tuple[Run, Path], database_url: str
) -> None:
    run, at = installation

    def ok(*words: str) -> str:
        done = run("log", *words)
        assert done.returncode == 0, done.stderr
        return done.stdout

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    own = run("witness", "init", "--home", str(at / "w"), "--name", "witness.cli.example/w1")
    line = f"witness w {own.stdout.strip()} http://127.0.0.1:{port}\nquorum w\n"
    (at / "witnesses").write_text(line, encoding="utf-8")
    verifier = ok("init").strip()
    assert ok("init").strip() == verifier
    await stage(database_url, 300)
    assert json.loads(ok("status", "--json"))["staged"] == 300
    assert ok("integrate") == "300 leaves numbered\n"
    assert ok("publish") == "nothing new is witnessed\n"  # no witness answers yet
    with a_witness(run, at / "w", verifier, port):
        assert ok("publish") == "size 300 is witnessed\n"
        assert json.loads(ok("monitor", "--json"))["ok"]
        files, policy = str(at / "home" / "log"), str(at / "home" / "log" / "policy")
        mirrored = ok("mirror", "--from", files, "--to", str(at / "m"), "--policy", policy)
        assert mirrored == "size 0 to 300\n"
        await stage(database_url, 40)
        ok("integrate")
        assert ok("publish") == "size 340 is witnessed\n"
    exported = run("export", "log", str(at / "tree"))
    assert (exported.returncode, "size 340" in exported.stdout) == (0, True), exported.stderr
    assert run("log", "export", str(at / "tree")).returncode == 1
    check_export(at / "tree", (at / "m" / "checkpoint").read_bytes())
    for tree in ("m", "tree"):
        held = run("verify", "log", str(at / tree), "--policy", policy)
        assert held.returncode == 0, held.stdout
    assert json.loads(ok("check", "--json")) == {"ok": True, "faults": []}
    tile = at / "home" / "log" / "tile" / "0" / "000"
    tile.write_bytes(b"x" + tile.read_bytes()[1:])
    found = run("log", "check")
    assert (found.returncode, "tile_mismatch" in found.stdout) == (1, True)
    alone = run("log", "monitor", "--json")
    assert alone.returncode == 1
    assert [f["code"] for f in json.loads(alone.stdout)["findings"]] == ["witness_absent"]
    refused = run("log", "refill", "--from", str(at / "m"))
    assert (refused.returncode, "nothing beyond size 340" in refused.stderr) == (1, True)
    assert ok("rotate").startswith(f"{ORIGIN}+")
    assert len(list((at / "home" / "keys").glob("log-*.key"))) == 2
    # A policy that replaces one under which receipts were given leaves a leaf of both hashes.
    assert json.loads(ok("status", "--json"))["staged"] == 1
