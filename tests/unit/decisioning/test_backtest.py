"""A policy over a file: the same decisions as one by one, and messages where the file is wrong."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from tests.unit.decisioning.cases import CLEAN, asked
from tests.unit.decisioning.policies import base_document, full_policy

from counterfoil.decisioning.backtest import Backtest, Summary, count_rows, run, scan
from counterfoil.decisioning.batch_frame import UnfitDataError
from counterfoil.decisioning.boundary import generated_cases
from counterfoil.decisioning.document import BASE_POLICY, load_policy, policy_of
from counterfoil.decisioning.expression import Value
from counterfoil.decisioning.honouring import honour
from counterfoil.decisioning.policy import Policy
from counterfoil.decisioning.policy_parts import Guards

BASE = load_policy(BASE_POLICY)


def frame_of_cases(policy: Policy, cases: list[Mapping[str, Value | None]]) -> pl.DataFrame:
    types = {"integer": pl.Int64, "text": pl.String, "boolean": pl.Boolean}
    return pl.DataFrame(
        {
            item.name: pl.Series([case.get(item.name) for case in cases], dtype=types[item.type])
            for item in policy.features
        }
    ).with_row_index("case_no")


def ran(tmp_path: Path, frame: pl.DataFrame, policy: Policy = BASE, **more: Any) -> Summary:
    source, target = tmp_path / "cases.parquet", tmp_path / "out.parquet"
    frame.write_parquet(source, row_group_size=500)
    wanted = Backtest(policy=policy, source=source, target=target, asked=asked(), **more)
    return run(wanted, scan([policy], source))


@pytest.mark.parametrize("policy", [BASE, full_policy()], ids=["base", "full"])
def test_a_file_is_decided_as_its_cases_one_by_one(tmp_path: Path, policy: Policy) -> None:
    cases = generated_cases(policy, most=2_000)
    told: list[int] = []
    source, target = tmp_path / "cases.parquet", tmp_path / "out.parquet"
    frame_of_cases(policy, [*cases]).write_parquet(source, row_group_size=500)
    wanted = Backtest(
        policy=policy,
        source=source,
        target=target,
        asked=asked(),
        keep=["case_no"],
        shows_rules=True,
    )
    assert count_rows(scan([policy], source)) == len(cases)
    summary = run(wanted, scan([policy], source), tell=told.append)
    assert sum(told) == len(cases)
    rows = pl.read_parquet(target).rows(named=True)
    expected = [policy.decide(case, asked()) for case in cases]
    for row, decision in zip(rows, expected, strict=True):
        assert row["outcome"] == decision.outcome.value
        assert row["limit_minor"] == decision.limit_minor
        assert row["rate_daily_e8"] == decision.rate_daily_e8
        assert row["reason_1"] == (decision.reasons[0] if decision.reasons else None)
        for rule in policy.rules:
            assert row[f"rule_{rule.code}"] == decision.verdicts.get(rule.code)
    assert [row["case_no"] for row in rows] == list(range(len(cases)))
    assert summary.rows == len(cases)
    for rule in policy.rules:
        said = [decision.verdicts.get(rule.code) for decision in expected]
        counts = summary.coverage[rule.code]
        assert counts["true"] == said.count("true")  # type: ignore[arg-type]
        assert counts["unknown"] == said.count("unknown")  # type: ignore[arg-type]
        assert counts["not_judged"] == said.count(None)
    assert sum(summary.outcomes.values()) == len(cases)
    assert summary.rejected["age_years"] == sum("age_years" in d.rejected for d in expected)


def test_what_became_of_the_approved_is_told_in_cases_and_money(tmp_path: Path) -> None:
    cases = [CLEAN, CLEAN, CLEAN, CLEAN | {"delay_months_latest": 3}]
    frame = frame_of_cases(BASE, [*cases]).with_columns(bad=pl.Series([1, 0, None, 1]))
    limit_minor = BASE.decide(CLEAN, asked()).limit_minor
    summary = ran(tmp_path, frame, other=BASE, outcome="bad")
    found = summary.became["policy"]
    assert (found["approved"], found["bad"], found["not_known"]) == (3, 1, 1)
    assert (found["limit_minor"], found["bad_limit_minor"]) == (3 * limit_minor, limit_minor)
    assert summary.became["other"] == found
    assert summary.document()["became"] == summary.became
    with pytest.raises(UnfitDataError, match="an outcome is 1"):
        ran(tmp_path, frame.with_columns(bad=pl.lit("yes")), outcome="bad")
    with pytest.raises(UnfitDataError, match="bad: holds 34; an outcome is 1"):
        ran(tmp_path, frame.with_columns(bad=pl.Series([1, 0, None, 34])), outcome="bad")
    with pytest.raises(UnfitDataError, match="good"):
        ran(tmp_path, frame, outcome="good")


def test_another_version_is_compared_case_by_case(tmp_path: Path) -> None:
    document = base_document()
    document["rules"][4]["when"] = ["literal", False]
    document["grades"][0]["limits_minor"]["recorded"] = 4_000_000
    other = policy_of(document)
    cases = [CLEAN, CLEAN | {"delay_months_latest": 2, "late_months_count": 0}, {}]
    summary = ran(tmp_path, frame_of_cases(BASE, [*cases]), other=other)
    assert summary.swaps["approved>approved"] == {
        "cases": 1,
        "limit_minor_before": 4_000_000,
        "limit_minor_after": 5_000_000,
    }
    assert summary.moves["limit_raised"] == 1
    assert sum(swap["cases"] for swap in summary.swaps.values()) == 3


def test_an_amount_of_its_own_is_asked_for_by_each_case(tmp_path: Path) -> None:
    frame = frame_of_cases(BASE, [CLEAN, CLEAN]).with_columns(
        requested_minor=pl.Series([100_000, None], dtype=pl.Int32)
    )
    ran(tmp_path, frame)
    assert pl.read_parquet(tmp_path / "out.parquet")["limit_minor"].to_list() == [
        100_000,
        5_000_000,
    ]


WRONG: list[tuple[str, pl.Expr | str, str]] = [
    ("utilisation_ppm", pl.lit(0.5), "utilisation_ppm is Float64; it has to be a column of whole"),
    ("utilisation_ppm", pl.lit("5"), "utilisation_ppm is String; it has to be a column of whole"),
    ("is_student", pl.lit(0), "is_student is Int32; it has to be a column of true and false"),
    ("purpose", pl.lit(3), "purpose is Int32; it has to be a column of texts"),
    ("lenders_count", pl.lit(3).cast(pl.UInt64), "lenders_count is UInt64"),
    ("requested_minor", pl.lit(1.5), "requested_minor is Float64"),
    ("lenders_count", "drop", "the column lenders_count is missing"),
]


@pytest.mark.parametrize(("column", "made", "message"), WRONG)
def test_a_column_that_does_not_fit_is_named_with_its_type(
    tmp_path: Path, column: str, made: pl.Expr | str, message: str
) -> None:
    frame = frame_of_cases(BASE, [CLEAN])
    frame = frame.drop(column) if isinstance(made, str) else frame.with_columns(made.alias(column))
    with pytest.raises(UnfitDataError, match=message):
        ran(tmp_path, frame)
    assert not (tmp_path / "out.parquet").exists()


def test_a_column_of_nothing_is_unknown_and_a_column_to_keep_has_to_be_there(
    tmp_path: Path,
) -> None:
    frame = frame_of_cases(BASE, [CLEAN]).with_columns(lenders_count=pl.lit(None))
    assert ran(tmp_path, frame).coverage["R09"]["unknown"] == 1
    with pytest.raises(UnfitDataError, match="nobody, which is to be kept"):
        ran(tmp_path, frame, keep=["nobody"])
    named = frame.with_columns(outcome=pl.lit(1), rules_true_0=pl.lit(1))
    for name in ("outcome", "rules_true_0"):
        with pytest.raises(UnfitDataError, match="the name of one of the answers"):
            ran(tmp_path, named, keep=[name])


def test_a_text_file_is_read_as_the_policy_declares(tmp_path: Path) -> None:
    source, target = tmp_path / "cases.csv", tmp_path / "out.parquet"
    frame_of_cases(BASE, [CLEAN, {}]).write_csv(source)
    wanted = Backtest(policy=BASE, source=source, target=target, asked=asked())
    assert run(wanted, scan([BASE], source)).outcomes["approved"] == 1
    assert pl.read_parquet(target)["limit_minor"][0] == 5_000_000
    source.write_text(source.read_text().replace("500000", "half"))
    with pytest.raises(UnfitDataError, match=r"cannot be read: .*half.*utilisation_ppm") as told:
        run(wanted, scan([BASE], source))
    assert "\n" not in str(told.value)
    nowhere = replace(wanted, target=tmp_path / "nowhere" / "out.parquet")
    with pytest.raises(UnfitDataError, match="nowhere, for the result, is no directory"):
        run(nowhere, scan([BASE], source))


def test_what_is_no_file_of_cases_is_refused(tmp_path: Path) -> None:
    source = tmp_path / "cases.parquet"
    source.write_bytes(b"PAR1 not really")
    with pytest.raises(UnfitDataError, match="cannot be read"):
        count_rows(scan([BASE], source))


@pytest.mark.parametrize("policy", [BASE, full_policy()], ids=["base", "full"])
def test_a_back_test_holds_back_what_production_held_back(tmp_path: Path, policy: Policy) -> None:
    cases = [*generated_cases(policy, most=600)]
    rules = [rule.code for rule in policy.rules if not rule.is_exempt]
    segments = [item.code for item in policy.segments]
    kinds = [
        Guards(),
        Guards(tripped=frozenset({"*"})),
        Guards(tripped=frozenset(rules[:2]), snoozed=frozenset(rules[2:4])),
        Guards(stopped=frozenset(segments[:1])),
        Guards(stopped=frozenset({"*"}), snoozed=frozenset(rules)),
    ]
    held = [kinds[number % len(kinds)] for number in range(len(cases))]
    frame = frame_of_cases(policy, [*cases]).with_columns(
        pl.Series("guards_tripped", [",".join(sorted(one.tripped)) for one in held]),
        pl.Series("guards_snoozed", [",".join(sorted(one.snoozed)) or None for one in held]),
        pl.Series("guards_stopped", [",".join(sorted(one.stopped)) for one in held]),
    )
    ran(tmp_path, frame, policy, keep=["case_no"])
    rows = pl.read_parquet(tmp_path / "out.parquet").sort("case_no").rows(named=True)
    assert len(rows) == len(cases)
    differing = 0
    for row, case, guards in zip(rows, cases, held, strict=True):
        decision = honour(policy.decide(case, asked(), guards))
        assert (row["outcome"], row["limit_minor"]) == (
            decision.outcome.value,
            decision.limit_minor,
        )
        differing += decision.outcome is not policy.decide(case, asked()).outcome
    assert differing > 0


def test_guards_of_a_whole_run_are_those_of_every_case(tmp_path: Path) -> None:
    cases = [*generated_cases(BASE, most=300)]
    every = Guards(tripped=frozenset({"*"}))
    summary = ran(tmp_path, frame_of_cases(BASE, [*cases]), guards=every)
    expected = [BASE.decide(case, asked(), every).outcome.value for case in cases]
    assert summary.outcomes == {name: expected.count(name) for name in sorted(set(expected))}
    assert summary.outcomes != ran(tmp_path, frame_of_cases(BASE, [*cases])).outcomes
