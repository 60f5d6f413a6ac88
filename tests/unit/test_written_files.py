"""Files that people write, nested beyond all measure or with endless numbers: one kind of error."""

from collections.abc import Callable
from pathlib import Path

import pytest

from counterfoil.bureau.occasion import OccasionsInvalidError, read_occasions
from counterfoil.consents.notice_file import NoticesError, load_notices
from counterfoil.customers.verification_policy import IdentityPolicyError, read_identity_policy
from counterfoil.lending.catalogue import CatalogueError, load_catalogue
from counterfoil.lending.product_values import FaultError
from counterfoil.lending.promotion import read_promotion
from counterfoil.models.stress import ScenarioError, read_scenario
from counterfoil.payments.rail_file import InvalidRailsError, parse_rails

MONSTROUS = ("x = " + "[" * 5_000 + "]" * 5_000, "x = " + "9" * 5_000)


@pytest.mark.parametrize("text", MONSTROUS)
@pytest.mark.parametrize(
    ("read", "error"),
    [
        (read_occasions, OccasionsInvalidError),
        (read_identity_policy, IdentityPolicyError),
        (read_promotion, FaultError),
        (lambda text: read_scenario(text.encode()), ScenarioError),
        (parse_rails, InvalidRailsError),
    ],
)
def test_a_text_is_refused_as_its_reader_refuses(
    read: Callable[[str], object], error: type[Exception], text: str
) -> None:
    with pytest.raises(error):
        read(text)


@pytest.mark.parametrize("text", MONSTROUS)
@pytest.mark.parametrize(
    ("load", "error"), [(load_catalogue, CatalogueError), (load_notices, NoticesError)]
)
def test_a_folder_is_refused_by_the_name_of_the_file(
    tmp_path: Path, load: Callable[[Path], object], error: type[Exception], text: str
) -> None:
    (tmp_path / "own.toml").write_text(text)
    with pytest.raises(error, match=r"own\.toml"):
        load(tmp_path)
