"""What the accrual had seen is told by its snapshot, not by the clock of who was decided."""

from datetime import UTC, date, datetime, timedelta

from counterfoil.lending.close_cut import Cut, Snapshot

DAY = date(2026, 1, 5)
AT = datetime(2026, 1, 6, 0, 5, tzinfo=UTC)


def test_a_snapshot_shows_what_had_committed() -> None:
    snapshot = Snapshot.read("100:105:100,103")
    assert [xid for xid in range(98, 108) if snapshot.shows(xid)] == [98, 99, 101, 102, 104]


def test_numbers_begin_anew_after_four_billion() -> None:
    early = Snapshot.read(f"{2**32}:{2**32 + 5}:")
    assert early.shows(2**32 - 1)
    assert early.shows(4)
    assert not early.shows(5)


def test_the_snapshot_decides_where_the_instant_cannot() -> None:
    cut = Cut(DAY, AT, Snapshot.read("100:105:"))
    later = date(2026, 1, 6)
    moment = AT - timedelta(seconds=1)
    assert cut.saw(DAY, AT, 105)
    assert not cut.saw(later, moment, 105)
    assert cut.saw(later, moment, 104)
    assert cut.saw(later, AT - timedelta(minutes=16), 105)
    assert Cut(DAY, AT, None).saw(later, moment, 105)
    assert not Cut(DAY, AT, None).saw(later, AT, 1)
