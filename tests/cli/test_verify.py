"""`counterfoil verify`, run in process on files alone: exit codes, one object, nothing else."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.unit.evidence.logs_for_tests import (
    DEFAULT_GROUPS,
    Log,
    filler,
    policy_text,
    receipted,
    write_files,
)
from typer.testing import CliRunner

from counterfoil.cli.main import app

LOG = Log(tuple(filler(number) for number in range(300)))
FORKED = Log((*LOG.entries[:-1], b"another"))


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A directory with a policy, a receipt and its parts, heads, and a whole log."""
    receipt = receipted()
    files = {
        "policy": policy_text().encode(),
        "receipt": bytes(receipt),
        "proof": bytes(receipt.proof),
        "entry": receipt.entry,
        "old": bytes(LOG.note(200)),
        "head": bytes(LOG.note()),
        "fork": bytes(FORKED.note()),
        **{f"log/{path}": data for path, data in LOG.files().items()},
    }
    return write_files(tmp_path, files)


def answer(home: Path, *arguments: str, code: int = 0) -> dict[str, Any]:
    result = CliRunner().invoke(
        app,
        ["verify", arguments[0], *(placed(home, word) for word in arguments[1:])],
    )
    assert result.exit_code == code, result.output
    told: dict[str, Any] = json.loads(result.stdout)
    assert told["accepted"] == (code == 0)
    return told


def placed(home: Path, word: str) -> str:
    return str(home / word) if (home / word).exists() else word


def test_a_receipt_is_accepted_and_says_what_it_opens(home: Path) -> None:
    told = answer(home, "receipt", "receipt", "--policy", "policy", "--json")
    assert (told["reason"], told["type_name"], told["body"]["limit"]) == (
        "accepted",
        "decision",
        "12000.00",
    )


def test_a_receipt_that_was_changed_is_rejected_with_a_code(home: Path) -> None:
    changed = (home / "receipt").read_bytes().replace(b"12000.00", b"90000.00")
    (home / "receipt").write_bytes(changed)
    told = answer(home, "receipt", "receipt", "--policy", "policy", code=1)
    assert told == {
        "accepted": False,
        "reason": "root_mismatch",
        "detail": "the leaf is not under this root",
    }


def test_age_is_judged_by_the_machines_clock(home: Path) -> None:
    # The head was seen at a fixed instant; whether that is past or to come, it is not now.
    told = answer(home, "receipt", "receipt", "--policy", "policy", "--not-older-than", "0", code=1)
    assert told["reason"] in {"too_old", "from_the_future"}


def test_proofs_heads_growth_and_logs_are_verified(home: Path) -> None:
    trust = ("--policy", "policy")
    assert answer(home, "proof", "proof", "--entry", "entry", *trust)["index"] == 5
    assert answer(home, "checkpoint", "head", *trust)["size"] == 300
    grown = answer(home, "consistency", "old", "head", "--log", "log", *trust)
    assert (grown["old"]["size"], grown["new"]["size"]) == (200, 300)
    assert answer(home, "consistency", "old", "head", *trust, code=1)["reason"] == "proof_missing"
    audited = answer(home, "log", "log", "--old", "old", "--old", "head", *trust)
    assert audited["entries_by_type"] == {"decision": 300}


def test_two_heads_of_one_size_end_with_a_code_of_their_own(home: Path) -> None:
    trust = ("--policy", "policy")
    told = answer(home, "split", "head", "fork", *trust, code=3)
    assert (told["reason"], told["under_both"]) == ("split", ["bureau", "regulator"])
    assert answer(home, "consistency", "head", "fork", *trust, code=3)["reason"] == "split"
    assert answer(home, "log", "log", "--old", "fork", *trust, code=3)["reason"] == "split"
    assert answer(home, "split", "head", "head", *trust)["reason"] == "accepted"
    assert answer(home, "split", "head", "old", *trust, code=1)["reason"] == "sizes_differ"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "quorum q\n",
        policy_text("quorum others\n"),
        policy_text("group q 5 regulator bureau fundbank auditor\nquorum q\n"),
        policy_text("group q any bureau bureau\nquorum q\n"),
        policy_text().replace("log log.", "log  LOG."),
        policy_text(DEFAULT_GROUPS) + "not_after 2027\n",
    ],
)
def test_a_policy_that_is_not_understood_is_no_policy(home: Path, text: str) -> None:
    (home / "policy").write_text(text)
    told = answer(home, "receipt", "receipt", "--policy", "policy", code=2)
    assert told["reason"] == "policy_not_understood"


def test_wrong_usage_ends_with_two(home: Path) -> None:
    for arguments in (
        ("receipt", "receipt"),
        ("receipt", "nowhere", "--policy", "policy"),
        ("receipt", "receipt", "--policy", "nowhere"),
        ("log", "policy", "--policy", "policy"),
        ("proof", "proof", "--policy", "policy"),
        ("receipt", "receipt", "--policy", "policy", "--not-older-than", "-1"),
    ):
        words = [arguments[0], *(placed(home, word) for word in arguments[1:])]
        assert CliRunner().invoke(app, ["verify", *words]).exit_code == 2, arguments


def test_a_receipt_becomes_a_code_for_cameras(home: Path) -> None:
    shown = CliRunner().invoke(app, ["receipt-qr", str(home / "receipt")])
    assert shown.exit_code == 0
    assert "█" in shown.stdout or "▀" in shown.stdout
    picture = home / "receipt.svg"
    assert CliRunner().invoke(
        app, ["receipt-qr", str(home / "receipt"), "--out", str(picture)]
    ).exit_code == 0  # fmt: skip
    assert picture.read_text().lstrip().startswith("<?xml")
    other = CliRunner().invoke(app, ["receipt-qr", str(home / "receipt"), "--out", "x.gif"])
    assert other.exit_code == 2
    assert CliRunner().invoke(app, ["receipt-qr", str(home / "head")]).exit_code == 1


def test_the_verifier_runs_alone_without_database_network_or_settings(home: Path) -> None:
    """As on a bureau's machine: a process of its own; what it must not load is not loaded."""
    program = (
        "import sys\n"
        "from counterfoil.cli.main import app\n"
        "try:\n"
        "    app()\n"
        "finally:\n"
        "    unwanted = ('asyncpg', 'fastapi', 'httpx', 'polars', 'counterfoil.platform',\n"
        "                'counterfoil.journeys', 'counterfoil.api', 'counterfoil.simulator')\n"
        "    loaded = [name for name in sys.modules if name.startswith(unwanted)]\n"
        "    print(loaded, file=sys.stderr)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, "verify", "receipt", "-", "--policy", home / "policy"],
        input=(home / "receipt").read_bytes(),
        capture_output=True,
        check=False,
        env={"COUNTERFOIL_PORT": "not a number"},
    )
    assert (done.returncode, done.stderr) == (0, b"[]\n")
    assert json.loads(done.stdout)["accepted"] is True
