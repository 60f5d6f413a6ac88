"""`counterfoil bureau`: made, joined, filled, asked for lists and own reports, by its directory."""

import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest
from tests.unit.bureau.paper_log import PaperLog

from counterfoil.bureau.listing import read_list
from counterfoil.bureau.membership import load_membership
from counterfoil.simulator.bureau.populating import known_people


def command(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [Path(sys.executable).with_name("counterfoil"), "bureau", *arguments],
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def home(tmp_path: Path) -> Path:
    made = tmp_path / "bureau"
    assert command("init", "--home", str(made)).returncode == 0
    return made


def test_a_member_gets_what_it_needs_and_keeps_its_keys_private(home: Path, tmp_path: Path) -> None:
    policy = tmp_path / "policy"
    policy.write_text(PaperLog().policy, encoding="utf-8")
    member_home = tmp_path / "membership"
    arguments = ("--home", str(home), "--member-home", str(member_home), "--policy", str(policy))
    joined = command("enrol", *arguments)
    assert joined.returncode == 0, joined.stderr
    assert f"COUNTERFOIL_BUREAU_MEMBERSHIP={member_home}" in joined.stdout
    membership = load_membership(member_home)
    assert (membership.bureau, membership.witness) == ("bureau.example", "bureau")
    for key in (membership.signing_key, membership.answers_key, member_home / "client.key"):
        assert key.stat().st_mode & 0o077 == 0
    private = [membership.signing_key.read_text(), membership.answers_key.read_text().strip()]
    at_the_bureau = "".join(path.read_text() for path in (home / "members").iterdir())
    assert not any(secret in at_the_bureau for secret in private)


def test_a_witness_that_the_policy_does_not_name_is_refused(home: Path, tmp_path: Path) -> None:
    policy = tmp_path / "policy"
    policy.write_text(PaperLog().policy, encoding="utf-8")
    arguments = ("--home", str(home), "--member-home", str(tmp_path / "m"), "--policy", str(policy))
    refused = command("enrol", *arguments, "--witness", "nobody")
    assert refused.returncode == 1
    assert "names no witness nobody" in refused.stderr
    policy.write_text("quorum none", encoding="utf-8")
    assert "is not a policy" in command("enrol", *arguments).stderr


def test_persons_ask_about_themselves_and_lists_are_written(home: Path, tmp_path: Path) -> None:
    seeded = ("--home", str(home), "--count", "3", "--seed", "7", "--on", "2026-01-05")
    assert command("people", *seeded).returncode == 0
    person = next(known_people(3, seed=7, on=date(2026, 1, 5)))
    whose = ("--home", str(home), "--id-number", person.id_number, "--name", person.name)
    own = [command("own-report", *whose) for _ in range(3)]
    assert ["free" in answered.stderr for answered in own] == [True, True, False]
    assert person.id_number in own[0].stdout
    other = command("own-report", *whose[:-1], "somebody")
    assert other.returncode == 1
    path = tmp_path / "list.jsonl"
    assert command("export", "--home", str(home), "--to", str(path)).returncode == 0
    assert read_list(path.read_text(encoding="utf-8")).inquiries == ()


def test_without_a_bureau_there_is_nothing_to_serve(tmp_path: Path) -> None:
    refused = command("serve", "--home", str(tmp_path / "nothing"))
    assert refused.returncode == 1
    assert "counterfoil bureau init" in refused.stderr
