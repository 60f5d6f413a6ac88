"""What is proposed follows from both outcomes, and nothing is taken by a machine."""

import pytest

from counterfoil.features.correction import Remedy, remedy_of


@pytest.mark.parametrize(
    ("was", "is_now", "is_changed", "remedy"),
    [
        ("declined", "approved", True, Remedy.OFFER_AGAIN),
        ("referred", "approved", True, Remedy.OFFER_AGAIN),
        ("declined", "referred", True, Remedy.OFFER_AGAIN),
        ("approved", "declined", True, Remedy.REVIEW_LINE),
        ("approved", "referred", True, Remedy.REVIEW_LINE),
        ("referred", "declined", True, Remedy.TELL),
        ("approved", "approved", True, Remedy.TELL),
        ("approved", "approved", False, Remedy.NONE),
    ],
)
def test_a_remedy_follows_from_both_outcomes(
    *, was: str, is_now: str, is_changed: bool, remedy: Remedy
) -> None:
    assert remedy_of(was, is_now, is_changed=is_changed) is remedy
