"""A policy decides by a model: its tables and hash stand in the document."""

import random
from collections.abc import Callable
from typing import Any

import orjson
import pytest
from tests.unit.decisioning.cases import CLEAN, asked
from tests.unit.decisioning.models import item, model_document, model_file, model_policy_document
from tests.unit.decisioning.policies import full_document

from counterfoil.decisioning.boundary import generated_cases
from counterfoil.decisioning.compile_python import compile_python
from counterfoil.decisioning.decision import Outcome
from counterfoil.decisioning.document import policy_of
from counterfoil.decisioning.document_model import with_model
from counterfoil.decisioning.gate import publication_check
from counterfoil.decisioning.gate_impact import GateCase
from counterfoil.decisioning.policy import Policy
from counterfoil.decisioning.reading import InvalidPolicyError
from counterfoil.decisioning.replay import record_of
from counterfoil.decisioning.replay_cause import Comparison
from counterfoil.models.artefact import read_artefact

#: Everything that the model needs is known.
KNOWN = CLEAN | {"history_months": 24}


def policy_by(file: bytes, **changes: Any) -> Policy:
    document = model_policy_document()
    document["model"]["sha256"] = file.rpartition(b'"sha256":"')[2][:64].decode()
    return policy_of(with_model(document | changes, lambda _name: file))


POLICY = policy_by(model_file())


def test_a_score_is_the_sum_of_its_contributions_and_means_a_probability() -> None:
    decision = POLICY.decide(KNOWN, asked())
    assert decision.points == -1_200_000 + sum(part.points or 0 for part in decision.contributions)
    model = POLICY.scorecard.model
    assert model is not None
    assert decision.pd_ppm == model.pd_of(decision.points)
    grade = next(grade for grade in POLICY.grades if grade.code == decision.grade)
    assert decision.pd_ppm <= (grade.pd_ppm_max or 0)
    assert orjson.loads(decision.result())["pd_ppm"] == decision.pd_ppm


def test_the_policy_scores_as_the_models_own_reader_does() -> None:
    artefact = read_artefact(_complete(model_document()))
    chance = random.Random(3)
    compiled = compile_python(policy_by(_complete(model_document())))
    scored = 0
    for case in generated_cases(POLICY, most=2_000):
        decision = compiled.decide(case, asked())
        if decision.contributions:
            burdened = {"is_burdened": POLICY.derived[1].compute(_derived(decision.features))}
            score = artefact.score({**decision.features, **burdened})
            assert (decision.points, decision.pd_ppm) == (score.total, score.pd_ppm)
            amounts = [part.amount for part in score.contributions]
            assert [part.points for part in decision.contributions] == amounts
            scored += 1
    assert scored > chance.randint(100, 200)


def _derived(values: Any) -> dict[str, Any]:
    seen = dict(values)
    for part in POLICY.derived[:1]:
        seen[part.name] = part.compute(seen)
    return seen


def _complete(document: dict[str, Any]) -> bytes:
    """Return a file with everything that the models' own reader asks for."""
    training = {
        "data_sha256": "0" * 64,
        "rows": 1_000,
        "bad_ppm": 220_000,
        "seed": 7,
        "code_version": "1",
        "parameters": {},
        "period": None,
    }
    return model_file(**document | {"training": training})


def test_a_needed_feature_that_is_not_known_leaves_no_score_and_a_person_decides() -> None:
    decision = POLICY.decide(KNOWN | {"history_months": None}, asked())
    assert decision.outcome is Outcome.REFERRED
    assert (decision.points, decision.pd_ppm, decision.grade, decision.limit_minor) == (
        None,
        None,
        None,
        0,
    )
    assert "HIST_SHORT" in decision.reasons
    assert "score_unknown" in decision.flags
    declined = POLICY.decide(KNOWN | {"history_months": None, "lenders_count": 9}, asked())
    assert declined.outcome is Outcome.DECLINED


def test_reasons_are_the_greatest_distances_from_the_best_attainable() -> None:
    decision = POLICY.decide(KNOWN | {"utilisation_ppm": 399_999}, asked())
    assert "UTIL_HIGH" in decision.reasons
    missing = POLICY.decide(KNOWN | {"utilisation_ppm": 200_000}, asked())
    assert "UTIL_HIGH" not in missing.reasons


def test_the_gate_holds_all_engines_to_the_same_answers() -> None:
    cases = [GateCase(case, asked()) for case in generated_cases(POLICY, most=4_000)]
    report = publication_check(POLICY, [], cases)
    assert (report.differences_count, report.differences) == (0, [])


def test_the_document_decides_without_the_file_and_comments_on_its_making_do_not_count() -> None:
    again = policy_of(orjson.loads(POLICY.canonical))
    assert again.hash == POLICY.hash
    document = orjson.loads(POLICY.canonical)["model"]
    assert "file" not in document
    assert not {"training", "card", "target"} & document.keys()


FAULTS: list[tuple[str, Callable[[dict[str, Any]], object], str, str]] = [
    ("unit", lambda d: d.update(unit="sigma"), "policy.model.unit", "none of points"),
    (
        "characteristic",
        lambda d: d["characteristics"][0].update(feature="shoe_size"),
        "policy.model.characteristics[shoe_size].feature",
        "neither declared nor derived",
    ),
    (
        "type",
        lambda d: d["characteristics"][0].update(type="boolean"),
        "policy.model.characteristics[delay_months_latest].type",
        "the policy declares",
    ),
    (
        "edges",
        lambda d: d["characteristics"][0].update(edges=[2, 1]),
        "policy.model.characteristics[delay_months_latest].edges",
        "do not ascend",
    ),
    (
        "age",
        lambda d: d["characteristics"].append(item("age_years", [30], [0, 1])),
        "policy.model.characteristics[age_years].feature",
        "nobody is scored",
    ),
    (
        "calibration",
        lambda d: d["calibration"].update(pd_ppm=[9, 8, 7, 6, 5]),
        "policy.model.calibration.pd_ppm",
        "falls where the risk rises",
    ),
    (
        "reason",
        lambda d: d["characteristics"][0].update(reason="NOBODY"),
        "policy.reasons",
        "no text for NOBODY",
    ),
    ("reach", lambda d: d.update(base=2**31), "policy.model", "can reach"),
]


@pytest.mark.parametrize(("change", "place", "reason"), [fault[1:] for fault in FAULTS],
                         ids=[fault[0] for fault in FAULTS])  # fmt: skip
def test_a_model_that_does_not_fit_is_refused(
    change: Callable[[dict[str, Any]], object], place: str, reason: str
) -> None:
    document = model_document()
    change(document)
    with pytest.raises(InvalidPolicyError, match=reason) as caught:
        policy_by(model_file(**document))
    assert caught.value.place == place


def test_a_file_that_was_edited_or_exchanged_is_refused() -> None:
    edited = model_file().replace(b'"base":-1200000', b'"base":-9200000')
    with pytest.raises(InvalidPolicyError, match="edited after it was made") as caught:
        policy_by(edited)
    assert caught.value.place == "policy.model.file"
    other = model_file(base=-1)
    document = model_policy_document()
    with pytest.raises(InvalidPolicyError, match="names another model") as exchanged:
        with_model(document, lambda _name: other)
    assert exchanged.value.place == "policy.model.sha256"


@pytest.mark.parametrize("name", ["../secret.json", "/etc/passwd", "model.toml", ".json"])
def test_a_model_is_a_file_beside_the_policy(name: str) -> None:
    document = model_policy_document()
    document["model"]["file"] = name
    with pytest.raises(InvalidPolicyError, match="not the name of a JSON file"):
        with_model(document, lambda _name: model_file())


def test_points_and_a_model_exclude_each_other() -> None:
    both = model_policy_document() | {"scorecard": full_document()["scorecard"]}
    with pytest.raises(InvalidPolicyError, match="has one of both"):
        policy_of(with_model(both, lambda _name: model_file()))
    document = model_policy_document()
    document["grades"][0]["points_min"] = 600
    with pytest.raises(InvalidPolicyError, match="no place beside a model"):
        policy_of(with_model(document, lambda _name: model_file()))


def test_what_changed_is_the_model_or_its_calibration_alone() -> None:
    stored = record_of(POLICY.decide(KNOWN, asked()))
    table = model_document()["characteristics"]
    table[0] = item("delay_months_latest", [1, 2], [300_000, 400_000, 1_500_000], reason="DLQ_NOW")
    changed, _ = Comparison(POLICY, policy_by(model_file(characteristics=table))).changes(stored)
    assert changed == ("model",)
    new = model_document()["calibration"] | {
        "pd_ppm": [100_000, 250_000, 400_000, 500_000, 900_000]
    }
    changed, _ = Comparison(POLICY, policy_by(model_file(calibration=new))).changes(stored)
    assert changed == ("calibration",)
