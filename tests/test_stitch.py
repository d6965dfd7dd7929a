"""Two pieces of driving with a power cut between them: one trip, two, or not known."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from agent.model import Wall
from agent.stitch import GRACE_S, Piece, is_same_trip, joined, trusted_gap_ns
from agent.tally import Sums
from agent.vehicle import OdometerProfile, TripProfile, Vehicle
from tests.sim.car import UTC_S, at, wall

CAR = Vehicle("car", trip=TripProfile(gap_s=110.0), odometer=OdometerProfile(1000.0))
BEFORE = wall(UTC_S, at_s=500)  # the first boot's clock: t = 500 s at UTC_S


def piece(**changes: Any) -> Piece:
    """Cut at t = 500 s of boot-1, moving, the odometer at 20,000 km."""
    made = Piece(
        trip_id="t1",
        boot_id="boot-1",
        start_ns=at(100),
        end_boot_id="boot-1",
        end_ns=at(500),
        sums=Sums({"distance_m": 5000.0, "duration_s": 400.0, "unobserved_s": 1.0, "odometer_last_m": 20_000_000.0}),
        said={"key fob": "1"},
        announced=True,
        was_moving=True,
        wall=BEFORE,
        end_wall=BEFORE,
    )
    return msgspec.structs.replace(made, **changes)


def after(gap_s: float, quality: str = "synchronised") -> Wall:
    """The next boot's clock, in which the drive begins at t = 20 s, `gap_s` after the cut."""
    return wall(UTC_S + gap_s, at_s=20, quality=quality)


@pytest.mark.parametrize(
    ("carried", "now", "odometer_m", "expected"),
    [
        (piece(), after(109), None, True),
        (piece(), after(111), None, False),
        (piece(was_moving=False), after(109), None, True),  # a brown-out while cranking: the clock says so
        (piece(), after(111), 20_000_000.0, False),  # a clock says more than an odometer
        (piece(was_off=True, was_moving=False), after(GRACE_S - 1), None, True),
        (piece(was_off=True, was_moving=False), after(GRACE_S + 1), None, False),  # switched off, then power went
        (piece(), after(40, "recorded"), None, True),
        (piece(), None, 20_000_000.0, True),
        (piece(), None, 20_001_000.0, True),
        (piece(), after(40, "unsure"), 20_001_000.0, True),
        (piece(end_wall=None), after(400), 20_001_000.0, True),
        (piece(), None, 20_002_000.0, None),  # it drove on, or a wrong frame: nobody knows yet
        (piece(), None, 0.0, None),  # a cluster that wakes with zero
        (piece(), None, None, None),
        (piece(), None, "?", None),
        (piece(was_moving=False), None, 20_000_000.0, None),  # a minute or a night
        (piece(sums=Sums({"distance_m": 5.0})), None, 20_000_000.0, None),
        (piece(), after(-3600), None, None),  # a clock is wrong
        (piece(), after(-3600), 20_000_000.0, True),
    ],
)
def test_one_trip_or_two(carried: Piece, now: Wall | None, odometer_m: float | None, expected: bool | None) -> None:
    assert is_same_trip(carried, now, at(20), odometer_m, CAR) is expected


def test_a_gap_is_known_when_both_clocks_are_trusted() -> None:
    assert trusted_gap_ns(BEFORE, at(500), after(40), at(20)) == at(40)
    assert trusted_gap_ns(BEFORE, at(500), after(40, "unsure"), at(20)) is None
    assert trusted_gap_ns(None, at(500), after(40), at(20)) is None
    assert trusted_gap_ns(BEFORE, at(500), after(-1), at(20)) is None


def later(**changes: Any) -> Piece:
    made = piece(
        trip_id="t2",
        boot_id="boot-2",
        start_ns=at(20),
        end_boot_id="boot-2",
        end_ns=at(320),
        sums=Sums({"distance_m": 3000.0, "duration_s": 300.0, "unobserved_s": 2.0, "odometer_last_m": 20_003_000.0}),
        said={"key fob": "2", "seat memory": "3"},
        was_moving=False,
        wall=after(40),
        end_wall=after(40),
    )
    return msgspec.structs.replace(made, **changes)


def test_joined_they_are_one_trip_with_the_gap_in_its_duration() -> None:
    one = joined(piece(), later())
    assert (one.trip_id, one.pieces) == ("t1", 2)
    assert one.said == {"key fob": "1", "seat memory": "3"}, "what was heard first"
    assert (one.boot_id, one.start_ns, one.wall) == ("boot-1", at(100), BEFORE)
    assert (one.end_boot_id, one.end_ns, one.end_wall, one.was_moving) == ("boot-2", at(320), after(40), False)
    assert one.sums.metrics["distance_m"] == 8000.0, "what nobody saw is not guessed into it"
    assert one.sums.metrics["duration_s"] == 740.0
    assert one.sums.metrics["unobserved_s"] == 43.0


def test_a_gap_of_unknown_length_is_in_no_sum() -> None:
    one = joined(piece(), later(wall=None))
    assert one.sums.metrics["duration_s"] == 700.0
    assert one.sums.metrics["unobserved_s"] == 3.0


def test_three_pieces_are_one_trip() -> None:
    one = joined(joined(piece(), later()), later(boot_id="boot-3", end_boot_id="boot-3", wall=wall(UTC_S + 380, at_s=20)))
    assert (one.trip_id, one.boot_id, one.end_boot_id, one.pieces) == ("t1", "boot-1", "boot-3", 3)
    assert one.sums.metrics["duration_s"] == 400 + 40 + 300 + 40 + 300


def test_what_one_of_two_pieces_knows_is_an_estimate_of_the_whole() -> None:
    def of(**metrics: float) -> Sums:
        return Sums({"distance_m": 5000.0, **metrics})

    one = joined(piece(sums=of(fuel_l=0.3, idle_s=4.0, odometer_first_m=1.0)), later(sums=of(idle_s=2.0)))
    assert (one.sums.metrics["fuel_l"], one.sums.estimated) == (0.3, ["fuel_l"])
    unseen = joined(piece(sums=of(fuel_l=0.3)), later(sums=Sums()))
    assert unseen.sums.estimated == []
    before_an_update = joined(piece(sums=of(gone_m=2.0)), later(sums=of()))
    assert before_an_update.sums.estimated == []
