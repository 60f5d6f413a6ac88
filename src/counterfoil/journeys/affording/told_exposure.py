"""What a customer is told where debt held a decision: figures, their sources and age, and help.

Faithful    Comes from the run of the guard that stands in the decision's record, and no other.
Withheld    No other lender's name is kept, so none is told; nor is any other lender's offer.
"""

from dataclasses import dataclass
from typing import Any

import orjson

from counterfoil.capacity import store
from counterfoil.capacity.measure_words import MEASURE_WORDS
from counterfoil.decisioning.customer_words import Both
from counterfoil.journeys.affording.capacity import run_document
from counterfoil.kernel import ids
from counterfoil.platform.database import Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class ToldFigure:
    """A figure of debt that reached a ceiling."""

    measure: str
    label: Both
    #: What is certain, in `unit`.
    figure: int | None
    #: `minor`, `ppm` or `count`.
    unit: str
    #: Day of the oldest record behind it, ISO; None where there is none.
    as_of: str | None
    #: `own`, `bureau`, `guarantee`, `stated`, `statements`, `household`.
    sources: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ToldExposure:
    """The figures that held a decision, and what helps."""

    figures: tuple[ToldFigure, ...]
    help: tuple[Both, ...]


async def told_exposure(
    connection: Connection, customer_id: int, inputs: bytes
) -> ToldExposure | None:
    """Return what held a decision back, from its record; None where debt did not."""
    ceiling = orjson.loads(inputs)["asked"].get("ceiling")
    if ceiling is None:
        return None
    run_id = ids.from_text(ids.GUARD_RUN, ceiling["run"])
    found = await store.runs_of_customer(connection, customer_id, page=1, before=run_id + 1)
    # A person who was merged has the runs of both; only the one that is named counts.
    if not found or found[0].run_id != run_id:
        return None
    run = run_document(found[0])
    reached = {hit["measure"]: hit for hit in run["hits"]}
    return ToldExposure(
        figures=tuple(
            _figure(name, hit, run["measures"].get(name, {}))
            for name, hit in reached.items()
            if name in MEASURE_WORDS
        ),
        help=tuple(Both(item["zh"], item["en"]) for item in run["help"]),
    )


def _figure(name: str, hit: dict[str, Any], measured: dict[str, Any]) -> ToldFigure:
    words = MEASURE_WORDS[name]
    return ToldFigure(
        measure=name,
        label=Both(words.zh, words.en),
        figure=hit["figure"],
        unit=words.unit,
        as_of=measured.get("as_of"),
        sources=tuple(measured.get("sources", ())),
    )
