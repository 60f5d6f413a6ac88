"""A recipe says everything before training, and is refused with its place where it does not."""

import pytest
from tests.unit.models.recipes import recipe_of, recipe_text

from counterfoil.models.artefact_parts import Kind, Method, Monotone, Type
from counterfoil.models.recipe import RecipeError, Unknown, read_recipe


def test_what_is_not_said_has_a_default() -> None:
    recipe = recipe_of('name = "late"')
    [feature] = recipe.features
    assert (recipe.kind, recipe.calibration) == (Kind.BOOSTED_SCORECARD, Method.PLATT)
    assert (feature.type, feature.monotone, feature.unknown) == (
        Type.INTEGER,
        Monotone.NONE,
        Unknown.OWN,
    )
    assert recipe.bands[-1].pd_ppm_max == 1_000_000
    assert recipe.data.bad == "1"


def test_a_card_keeps_dates_as_texts() -> None:
    recipe = recipe_of('name = "late"', rest="[card]\nreview_date = 2027-05-01\nlimits = [1, true]")
    assert recipe.card == {"review_date": "2027-05-01", "limits": [1, True]}


@pytest.mark.parametrize(
    ("features", "rest", "message"),
    [
        ('name = "bad"', "", "feature[bad]: cannot be a feature: it is the target"),
        (
            'name = "sex"',
            '[data]\nprotected = ["sex"]',
            "feature[sex]: cannot be a feature: it is protected, for tests of fairness only",
        ),
        ('name = "m"', '[data]\nperiod = "m"', "cannot be a feature: it is the period"),
        ('name = "a"\nname = "a"', "", "feature[a]: is declared twice"),
        ('name = "a"; known = "afterwards"', "", "known only after the decision"),
        ('name = "a"; type = "text"; monotone = "up"', "", "monotone: a text has no direction"),
        ('name = "a"; type = "boolean"; monotone = "u_shape"', "", "two values have no shape"),
        ('name = "a"; type = "text"; scale = 10', "", "has neither scale nor splits"),
        ('name = "a"; splits = [2, 1]', "", "feature[a].splits: do not ascend"),
        ('name = "a"; special = [2, 2]', "", "feature[a].special: names a code twice"),
        ('name = "a"; scale = 0', "", "feature[a].scale: is 0; the least is 1"),
        ('name = "a"; reason_unknown = "Y"', "", "feature[a].reason_unknown: Y has no texts"),
        ('name = "a"; weight = 1', "", "feature[a].weight: is not a key of this table"),
        ('name = "a"; monotone = "rising"', "", "is 'rising'; allowed are up, down"),
        ('name = "a"', "[bands]\nA = 5\nB = 4", "bands: do not ascend"),
        ('name = "a"', '[slices]\ntest_from = "2026-06"', "slices.test_from: needs a column"),
        ('name = "a"', "[card]\nx = 0.5", "card.x: is 0.5; only texts"),
        ('name = "a"', "[card]\nx = 9007199254740992", "integers below 2^53"),
        ('name = "a"', "[reasons.Z]\nen = 'z'", "reasons.Z.zh-CN: is missing"),
    ],
)
def test_what_is_wrong_is_refused_with_its_place(features: str, rest: str, message: str) -> None:
    with pytest.raises(RecipeError) as refused:
        recipe_of(features, rest=rest)
    assert message in str(refused.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"\xff", "the file: is not TOML"),
        (b"code = ", "the file: is not TOML"),
        (b"", "target: is missing"),
        (b"#" * 1_000_001, "longer than 1,000,000 bytes"),
        (recipe_text('name = "a"', top='knid = "woe"').encode(), "knid: is not a key"),
        (recipe_text('name = "a"', top='kind = "deep"').encode(), "allowed are boosted, woe"),
    ],
)
def test_what_is_no_recipe_is_refused(content: bytes, message: str) -> None:
    with pytest.raises(RecipeError) as refused:
        read_recipe(content)
    assert message in str(refused.value)
