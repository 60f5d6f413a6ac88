"""Every figure of every document, read back from its text, is that of terms, offer or cost sheet.

The text is parsed against its template: what is not the template's own word is a value, and each
value is held against the terms by the name under which the template asks for it. So no figure can
stand in a document that nothing here looks at, and the printed file says the text and nothing else.
"""

import re
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from tests.api.signing import plain, printed

from counterfoil.contracts.document import SHAPES, Kind
from counterfoil.contracts.filling import document_text
from counterfoil.contracts.pdf import render
from counterfoil.contracts.shelf import Proposal, load_proposals
from counterfoil.contracts.text import Block, Condition, Line, Table
from counterfoil.journeys.contracting.trial_documents import Trial, trials
from counterfoil.kernel.ids import IdSource
from counterfoil.kernel.language import Language
from counterfoil.lending.catalogue import Catalogue, load_catalogue
from counterfoil.lending.scene import Scene
from counterfoil.lending.terms import Terms

ON = date(2026, 1, 5)
IDS = IdSource(lambda: 1_767_600_000_000, 1)
PRODUCED = [one for one in load_proposals() if one.template.kind is not Kind.LIMIT_AMENDMENT]
#: Words and numbers of records; everything else of a document is a figure that is looked at.
WORDS = frozenset(
    {
        *("contract_id", "template_ref", "customer_id", "lender_id", "lender_name", "licence"),
        *("borrower_name", "borrower_id_number", "product_name", "currency", "methods", "method"),
        *("purposes_banned", "allocation", "sweep", "prepayments", "statement", "example_method"),
        *("effective_method", "simple_method", "line_id", "agreement_sha256", "scene_name"),
        *("purchase_id", "merchant_name", "merchant_payee", "replaced_contract_id"),
    }
)


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return load_catalogue()


def major(minor: int) -> Decimal:
    return Decimal(minor) / 100


def percent(e8: int) -> Decimal:
    return Decimal(e8) / 10**6


def figures_of(terms: Terms, trial: Trial) -> dict[str, object]:
    """Return each figure from terms and sheet, without the product's way of writing it."""
    sheet, rate_e8 = trial.sheet, terms.rate_daily_e8_min
    late_e8 = rate_e8 * terms.penalty_percent_of_rate // 100
    rows = sheet.rows
    assert sum(row.principal_minor for row in rows) == sheet.principal_minor
    assert sum(row.due_minor for row in rows) == sheet.total_minor
    figures: dict[str, object] = {
        "product_version": Decimal(terms.version),
        "prepared_on": ON, "valid_until": ON, "effective_on": ON, "example_start": ON,
        "limit": major(terms.limit_minor_max),
        "line_valid_months": Decimal(terms.line_valid_months),
        "draw_least": major(terms.draw_minor_min), "draw_most": major(terms.draw_minor_max),
        "draw_step": major(terms.draw_minor_step),
        "tenors": [Decimal(months) for months in terms.tenors_months],
        "rate_daily": percent(rate_e8), "rate_annual": percent(rate_e8 * 365),
        "rate_daily_least": percent(terms.rate_daily_e8_min),
        "rate_daily_most": percent(terms.rate_daily_e8_max),
        "penalty_daily": percent(late_e8), "penalty_percent": terms.penalty_percent_of_rate,
        "grace_days": terms.grace_days, "cap_raise_wait_days": terms.cap_raise_wait_days,
        "repayment_day_changes": terms.repayment_day_changes_per_year,
        "cost_annual_cap": percent(terms.cost_annual_e8_cap),
        "late_annual_cap": percent(terms.late_annual_e8_cap or 0),
        "rate_effective": percent(sheet.rate_annual_effective_e8),
        "rate_simple": percent(sheet.rate_annual_simple_e8),
        "cost_sheet_sha256": sheet.sheet_hash.hex(),
        "principal": major(sheet.principal_minor), "tenor": sheet.tenor_months,
        "repayment_day": 15, "start_date": ON, "first_due_date": rows[0].due_date,
        "maturity_date": rows[-1].due_date, "total": major(sheet.total_minor),
        "cost": major(sheet.total_minor - sheet.principal_minor),
    }  # fmt: skip
    figures |= {
        f"example_{name}": figures[name] for name in ("principal", "tenor", "total", "cost")
    }
    if trial.deal is not None:
        figures |= figures_of_scene(trial.deal.scene)
    return figures


def figures_of_scene(scene: Scene) -> dict[str, object]:
    return {
        "purchase_price": major(scene.limit_minor), "cooling_off_days": scene.cooling_off_days,
        "refund_days": scene.refund_days, "ahead_percent": Decimal(scene.ahead_ppm) / 10_000,
        "cancelled_refund_percent": Decimal(scene.cancelled_refund_ppm) / 10_000,
        "course_from": ON, "course_until": ON,
    }  # fmt: skip


def shown(blocks: tuple[Block, ...], flags: Any) -> Iterator[Line | Table]:
    for block in blocks:
        if not isinstance(block, Condition):
            yield block
        elif flags[block.flag] is block.wanted:
            yield from shown(block.blocks, flags)


def read_back(
    blocks: list[Line | Table], lines: list[str]
) -> tuple[list[tuple[str, str]], dict[str, list[list[str]]]]:
    """Return every value of a text by its name, and the rows of its tables."""
    values: list[tuple[str, str]] = []
    tables: dict[str, list[list[str]]] = {}
    place = 0
    for number, block in enumerate(blocks):
        if isinstance(block, Table):
            assert lines[place] == " | ".join(block.heads)
            last = number + 1 == len(blocks)
            place += 1
            rows = tables.setdefault(block.name, [])
            while place < len(lines) and lines[place].count(" | ") == len(block.heads) - 1:
                rows.append(lines[place].split(" | "))
                place += 1
            assert last or place < len(lines)
            continue
        names = [part.name for part in block.parts if not isinstance(part, str)]
        pattern = block.mark + "".join(
            re.escape(part) if isinstance(part, str) else "(.+?)" for part in block.parts
        )
        pattern = re.escape(block.mark) + pattern.removeprefix(block.mark)
        found = re.fullmatch(pattern, lines[place])
        assert found, (pattern, lines[place])
        values += zip(names, found.groups(), strict=True)
        place += 1
    assert place == len(lines), "nothing stands behind the template's last line"
    return values, tables


def parsed(text: str, wanted: Any) -> object:
    """Return what a text says, read as what is wanted."""
    if isinstance(wanted, date):
        return date.fromisoformat(text)
    if isinstance(wanted, list):
        return [Decimal(one) for one in re.split(r", |、", text)]
    return text if isinstance(wanted, str) else Decimal(text)


def check_tables(trial: Trial, scenes: list[Scene], tables: dict[str, list[list[str]]]) -> None:
    sheet = trial.sheet
    assert [
        (int(no), date.fromisoformat(due), *map(Decimal, amounts))
        for no, due, *amounts in tables["schedule"]
    ] == [
        (
            row.instalment_no, row.due_date, major(row.principal_minor), major(row.interest_minor),
            major(row.fee_minor), major(row.due_minor), major(row.balance_minor),
        )
        for row in sheet.rows
    ]  # fmt: skip
    assert [Decimal(row[-1]) for row in tables["items"]] == [
        major(item.amount_minor) for item in sheet.items
    ]
    assert len(tables["contingent_items"]) == len(sheet.contingent)
    for row, item in zip(tables["contingent_items"], sheet.contingent, strict=True):
        assert row[-1] in {item.example.zh, item.example.en}
    assert [
        (Decimal(limit), parsed(tenors, []), int(cooling), int(refund))
        for _, limit, tenors, cooling, refund in tables.get("scenes", [])
    ] == [
        (major(one.limit_minor), list(one.tenors_months), one.cooling_off_days, one.refund_days)
        for one in (scenes if "scenes" in tables else [])
    ]


@pytest.mark.parametrize("proposal", PRODUCED, ids=lambda one: one.template.code)
def test_every_figure_of_a_document_is_read_back_from_its_text(
    proposal: Proposal, catalogue: Catalogue
) -> None:
    template, looked_at = proposal.template, set()
    for product in template.products:
        terms = catalogue.current(product, ON)
        present = catalogue.scenes.current(ON)
        scenes = [present[code] for code in terms.scenes if code in present]
        for trial in trials(template.kind, terms, catalogue, IDS, on=ON):
            wanted = figures_of(terms, trial)
            for language, text in template.texts.items():
                blocks = list(shown(text.document, trial.filling.flags))
                lines = document_text(template, language, trial.filling).splitlines()
                values, tables = read_back(blocks, lines)
                for name, told in values:
                    if name not in WORDS:
                        assert parsed(told, wanted[name]) == wanted[name], (name, told)
                        looked_at.add(name)
                check_tables(trial, scenes, tables)
    assert looked_at >= SHAPES[template.kind].required - WORDS


@pytest.mark.parametrize("proposal", PRODUCED, ids=lambda one: one.template.code)
def test_a_figure_that_is_not_the_terms_is_found(proposal: Proposal, catalogue: Catalogue) -> None:
    template = proposal.template
    terms = catalogue.current(template.products[0], ON)
    trial = next(trials(template.kind, terms, catalogue, IDS, on=ON))
    text = template.texts[Language.ENGLISH]
    blocks = list(shown(text.document, trial.filling.flags))
    lines = document_text(template, Language.ENGLISH, trial.filling).splitlines()
    place = next(n for n, line in enumerate(lines) if "0.02 %" in line)
    lines[place] = lines[place].replace("0.02 %", "0.03 %")
    values, _ = read_back(blocks, lines)
    wanted = figures_of(terms, trial)
    rates = [told for name, told in values if name == "rate_daily"]
    assert any(parsed(told, wanted["rate_daily"]) != wanted["rate_daily"] for told in rates)


@pytest.mark.parametrize("proposal", PRODUCED, ids=lambda one: one.template.code)
def test_the_printed_file_says_the_text_and_nothing_else(
    proposal: Proposal, catalogue: Catalogue
) -> None:
    template = proposal.template
    terms = catalogue.current(template.products[0], ON)
    for trial in list(trials(template.kind, terms, catalogue, IDS, on=ON))[:1]:
        for language in Language:
            text = document_text(template, language, trial.filling)
            assert printed(render(text)) == plain(text)
