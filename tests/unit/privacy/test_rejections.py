"""One ciphertext that does not open is damage; several in a short time are an alarm."""

from counterfoil.privacy.rejections import REPEATED, SPAN_SECONDS, Rejections


def test_several_in_a_short_time_raise_the_alarm_once() -> None:
    at = [0.0]
    rejections = Rejections(lambda: at[0])
    said = [rejections.note("tag") for _ in range(REPEATED + 3)]
    assert said == [False] * (REPEATED - 1) + [True] + [False] * 3
    assert rejections.total == REPEATED + 3
    at[0] = SPAN_SECONDS
    assert rejections.note("tag")


def test_now_and_then_is_none() -> None:
    at = [0.0]
    rejections = Rejections(lambda: at[0])
    for _ in range(4 * REPEATED):
        at[0] += SPAN_SECONDS / (REPEATED - 2)
        assert not rejections.note("tag")
