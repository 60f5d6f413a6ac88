"""On the recorded card clients the additive models rank as well as is claimed."""

from pathlib import Path

import pytest

from counterfoil.models.artefact_parts import Kind
from counterfoil.simulator.bench.models import Prepared, card_clients, fold_areas, prepared


@pytest.fixture(scope="module")
def clients() -> Prepared:
    return prepared(card_clients(Path()))


def test_the_points_card_reaches_its_area_on_five_folds(clients: Prepared) -> None:
    areas = fold_areas(clients, Kind.WOE_SCORECARD)
    assert sum(areas) / len(areas) >= 765_000


def test_the_boosted_scorecard_reaches_its_area_on_the_first_fold(clients: Prepared) -> None:
    """One fold: each takes seconds, and the benchmark runs all five."""
    [area] = fold_areas(clients, Kind.BOOSTED_SCORECARD, folds=1)
    assert area >= 770_000
