"""When a lease counts as lost: by what was seen of it, not by what clocks say."""

from __future__ import annotations

import pytest

from runtime.upkeep.watch import Watch

LEASE = 30.0
NOW = 1_800_000_000.0
HOUR = 3_600.0


@pytest.mark.parametrize("ahead", [0.0, HOUR, -HOUR, 60.0])
def test_a_lease_that_is_renewed_is_never_lost(ahead: float) -> None:
    watch = Watch()
    for seconds in range(0, 300, 10):
        until = NOW + seconds + ahead + LEASE
        assert watch.lost([("r", 1, until)], LEASE, now=NOW + seconds, at=seconds) == {}


@pytest.mark.parametrize(
    ("until", "after"),
    [
        (NOW - 1, 15),  # over, as clocks have it
        (NOW + HOUR, 15),  # no worker takes a lease for so long
        (NOW + 80, 30),  # it may be alive, but nobody renews it
    ],
)
def test_one_that_nobody_renews_is(until: float, after: int) -> None:
    watch = Watch()
    for seconds in range(after):
        assert watch.lost([("r", 1, until)], LEASE, now=NOW, at=seconds) == {}
    assert watch.lost([("r", 1, until)], LEASE, now=NOW, at=after) == {"r": (1, until)}


def test_a_new_owner_starts_anew() -> None:
    watch = Watch()
    assert watch.lost([("r", 1, NOW)], LEASE, now=NOW + 1, at=0) == {}
    assert watch.lost([("r", 2, NOW)], LEASE, now=NOW + 1, at=20) == {}
    assert watch.lost([], LEASE, now=NOW + 1, at=21) == {}
    assert watch.lost([("r", 2, NOW)], LEASE, now=NOW + 1, at=40) == {}
