"""Experiments from the command line, as the guide tells it."""

import json
from pathlib import Path

from tests.cli.test_policies import Run, run  # noqa: F401 - the fixture

from counterfoil.cli.policy_source import text_of
from counterfoil.kernel import ids
from counterfoil.privacy.alias import Aliases

PASSWORD = "a password of some length\n"
EXPERIMENT = """
code = "higher-limits"
kind = "challenger"
purpose = "origination"
question = "Do higher limits earn more than they lose?"
layer = "origination"
layer_from_ppm = 0
layer_share_ppm = 200_000
first_date = 2020-01-01
last_date = 2099-12-31
metrics = ["approved", "profit_minor"]

[[arms]]
name = "champion"
policy = "base-2026-04"
share_ppm = 500_000

[[arms]]
name = "higher"
policy = "higher.toml"
share_ppm = 500_000
"""


def test_an_experiment_goes_its_way(run: Run, tmp_path: Path) -> None:  # noqa: F811
    higher = text_of("base-2026-04").replace('version = "2026-04"', 'version = "mine"', 1)
    (tmp_path / "higher.toml").write_text(higher)
    (tmp_path / "one.toml").write_text(EXPERIMENT)
    (tmp_path / "two.toml").write_text(EXPERIMENT.replace("500_000", "500_001"))
    for name, role in (("ana", "risk_analyst"), ("bo", "compliance")):
        run("operators", "set", name, "--role", role, "--password-stdin", typed=PASSWORD)

    def ana(*arguments: str) -> object:
        done = run(
            *("experiment", *arguments, "--as", "ana", "--reason", "to learn"),
            *("--password-stdin", "--json"),
            typed=PASSWORD,
        )
        return json.loads(done.stdout) if done.returncode == 0 else done.stderr

    assert "experiment_invalid" in str(ana("propose", "two.toml"))
    assert "nothing.toml" in str(ana("propose", "nothing.toml"))
    asked = ana("propose", "one.toml")
    assert isinstance(asked, dict), asked
    assert "approval_missing" in str(ana("start", "higher-limits"))
    approved = run(
        *("approvals", "approve", asked["approval_id"], "--as", "bo", "--reason", "read"),
        "--password-stdin",
        typed=PASSWORD,
    )
    assert approved.returncode == 0, approved.stderr
    begun = ana("start", "higher-limits")
    assert isinstance(begun, dict), begun
    assert begun["state"] == "started"
    assert "experiment_stop_not_ruled" in str(ana("stop", "higher-limits"))
    listed = json.loads(run("experiment", "list", "--json").stdout)["experiments"]
    assert [one["code"] for one in listed] == ["higher-limits"]
    report = run("experiment", "report", "higher-limits")
    assert "By arm" in report.stdout, report.stderr
    assert json.loads(run("experiment", "report", "higher-limits", "--json").stdout)["cases"] == 0
    assert json.loads(run("experiment", "losses", "--json").stdout) == {"vintages": []}
    assert run("experiment", "report", "nothing").returncode == 1

    # The analyst has a list of numbers since the first command; one of it that leaked is traced.
    key = next(tmp_path.rglob("role.risk_analyst.key"))
    alias = Aliases(key.read_bytes()).of(ids.LOAN, 7 << 40)
    traced = run(
        *("export", "trace-number", alias, "--as", "bo", "--reason", "found", "--json"),
        "--password-stdin",
        typed=PASSWORD,
    )
    assert json.loads(traced.stdout) == {
        "recipient": "role.risk_analyst",
        "record": ids.to_text(ids.LOAN, 7 << 40),
        "customer_id": None,
        "shown_to": {},
    }
