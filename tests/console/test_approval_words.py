"""Requests for approval in the reader's words: every shape that the house writes is known."""

from types import SimpleNamespace
from typing import Any

import pytest
from tests.console.test_messages import CATALOGUES

from counterfoil.console.approval_words import CODED, OF_KIND, SHAPES, summary_in_words
from counterfoil.platform.access_matrix import load_matrix

#: Kind and text as the journeys and commands write them, and the shape.
WRITTEN = [
    ("line_reduction", "lower by the case lc_07ck401000001", "line_reduction"),
    ("policy_publication", "policy cards 2026-01 for origination, b7c20f56980b", "policy"),
    (
        "policy_publication",
        "policy cards 2026-01 for origination, b7c20f56980b, from 2026-02-01T00:00:00+00:00",
        "policy_from",
    ),
    ("payment_case", "debit pm_07dwr2zg0000c succeeded", "debit"),
    ("received_payment", "money received statement:7 was sent back", "received_returned"),
    *(
        (
            "received_payment",
            "money received bank/2026-03-19/1 is claimed of whoever got it",
            "received_claimed",
        ),
        ("received_payment", "money received bank/2026-03-19/1 is a loss", "received_lost"),
        (
            "received_payment",
            "money received bank/2026-03-20/1 pays the claim from CB1",
            "received_pays",
        ),
    ),
    ("received_payment", "money received statement:7 belongs to ln_07ck4", "received_placed"),
    ("payment_rails", "closed: all payment rails", "rails"),
    (
        "promotion",
        "promotion MAY: 20 % off from 2026-05-01 to 2026-06-01, up to 9 and 5 uses, paid by the x",
        "promotion",
    ),
    ("model_approval", "model cards 2026-01, 42b8375d88bc, validation amber", "model"),
    (
        "model_approval",
        "model cards 2026-01, 42b8375d88bc, validation red, accepted: psi, auc",
        "model_accepted",
    ),
    ("rule_snooze", "suppress DELAY of origination for cu_07ck4, 30 days", "snooze"),
    (
        "experiment",
        "experiment cards (shadow, origination), 2026-01-05 to 2027-01-05, a 9 ppm, 96102cd3",
        "experiment",
    ),
    ("source_switch", "switch on transactions under contract 7 of 2026", "source"),
    ("record_link", "merge cu_07ck4 into cu_07ck5", "merge"),
    ("record_link", "split cu_07ck4 off from cu_07ck5", "split"),
    ("feature_registry", "registry of features 96102cd36229, 3 changes", "registry"),
    (
        "contract_template",
        "contract template credit-agreement/2 from 2026-06-01, 3 clauses, 96102cd36229",
        "template",
    ),
    (
        "contract_template",
        "retire contract template credit-agreement/2 from 2026-06-01",
        "template_end",
    ),
    (
        "campaign",
        "invite at most 300 to cash-line-open until 2026-05-01, by a list of 12: 春 / Spring",
        "campaign",
    ),
    (
        "host_registration",
        "host shop, 2026-01-01 to 2027-01-01, products a, b, purposes apply, origins https://x",
        "host",
    ),
    ("personal_correction", "correct the phone of cu_07ck4 for rq_07ck4", "correction"),
    ("scene_payee", "pay Example Journeys of the scene travel at merchant-journeys", "payee"),
    ("attribute", "region 上海 for wang.min until 2026-12-31", "attribute"),
    ("key_rotation", "Change the wrapping key away from 0001.", "key"),
    ("index_rotation", "Change the blind-index key away from 0001.", "key"),
    ("erasure", "Erase reports of cu_07ck4.", "erasure"),
    (
        "agreement_notice",
        (
            "notice to 9 lines of cash-line-open under version 1: from 2026-03-01,"
            " terms of version 2, 45000 e-8 a day"
        ),
        "notice",
    ),
    ("data_export", "Export applications to lab@example for research, under as_07.", "export"),
]


def visit_in(language: str) -> Any:
    catalogue = CATALOGUES[language]
    names = {"cash-line-open": ("循环现金额度", "Open cash line")}
    desk = SimpleNamespace(product_names=names)
    return SimpleNamespace(t=catalogue.text, catalogue=catalogue, desk=desk)


@pytest.mark.parametrize(("kind", "written", "shape"), WRITTEN)
def test_a_summary_keeps_every_part_in_both_languages(kind: str, written: str, shape: str) -> None:
    found = SHAPES[shape].fullmatch(written)
    assert found is not None
    for language in CATALOGUES:
        told = summary_in_words(visit_in(language), kind, written)
        assert told != written
        for part, text in found.groupdict().items():
            assert text in told or part in CODED or part == "product", part
    chinese = summary_in_words(visit_in("zh-CN"), kind, written)
    assert any("\u4e00" <= letter <= "\u9fff" for letter in chinese)


def test_what_a_notice_leaves_as_it_is_shows_as_a_dash() -> None:
    written = "notice to 3 lines of cash-line-open: from 2026-03-01"
    told = summary_in_words(visit_in("en"), "agreement_notice", written)
    assert told.endswith("terms of version —, price a day (e-8) —")


def test_what_the_house_did_not_write_is_shown_as_it_was_written() -> None:
    for kind, text in (("attribute", "Close it, at last"), ("erasure", "merge cu_1 into cu_2")):
        assert summary_in_words(visit_in("zh-CN"), kind, text) == text


def test_every_shape_and_every_kind_of_request_is_tried() -> None:
    assert {shape for _, _, shape in WRITTEN} == set(SHAPES)
    assert {kind for kind, _, _ in WRITTEN} == set(OF_KIND)
    assert set(load_matrix().approvals) - set(OF_KIND) == {"bulk_reveal"}
