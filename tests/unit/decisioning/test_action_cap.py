"""Too many declines within a window send further ones to people; rules of law go on."""

from tests.unit.decisioning.policies import full_policy

from counterfoil.decisioning.action_cap import Window, guards_of
from counterfoil.decisioning.document import BASE_POLICY, load_policy
from counterfoil.decisioning.evaluate import Verdict

POLICY = full_policy()
TRUE, UNKNOWN = Verdict.TRUE, Verdict.UNKNOWN


def window(cases: int, declined: int, **verdicts: int) -> Window:
    return Window(cases, declined, {(code, TRUE): count for code, count in verdicts.items()})


def test_the_cap_is_the_greater_of_count_and_share() -> None:
    assert not guards_of(POLICY, window(100, 20, R01=20)).are_up
    assert guards_of(POLICY, window(100, 21, R01=21)).tripped == {"R01", "*"}
    # 3 % of 10,000 are 300.
    assert not guards_of(POLICY, window(10_000, 300, R01=300)).are_up
    assert guards_of(POLICY, window(10_000, 301, R01=200)).tripped == {"*"}


def test_law_is_exempt_and_only_declines_count() -> None:
    assert guards_of(POLICY, window(10, 30, E01=30)).tripped == {"*"}
    assert not guards_of(POLICY, window(10, 0, R08=90)).are_up
    unknown = Window(10, 0, {("R01", UNKNOWN): 90})
    assert not guards_of(POLICY, unknown).are_up


def test_without_a_cap_nothing_is_held_back() -> None:
    assert not guards_of(load_policy(BASE_POLICY), window(10, 10_000, R01=10_000)).are_up
