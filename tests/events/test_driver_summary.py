"""driver_summary: a month's sums per driver, told when it is over where the owner lives, and corrected."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.config import Owner
from agent.events.driver_summary import MONTHS_KEPT, DriverSummaries, DriverSummary
from agent.events.household import DriverSaved
from agent.events.trip import TripEnded
from agent.household import Driver
from agent.localtime import month_end_ns, month_of
from agent.model import NS, Context, Event, Setup, Wall
from agent.tally import Sums
from tests.sim.car import BY_SIGNAL, Bench, at, drive, wall

BERLIN = ZoneInfo("Europe/Berlin")


def utc_s(local: str, zone: ZoneInfo = BERLIN) -> float:
    return datetime.fromisoformat(local).replace(tzinfo=zone).timestamp()


def bench(local: str, zone: str = "Europe/Berlin", driver: str = "unknown") -> Bench:
    """The boot clock begins at this local time."""
    return Bench(owner=Owner(timezone=zone, driver=driver), wall=wall(utc_s(local, ZoneInfo(zone))))


def said(made: Bench) -> list[tuple[str, int, int]]:
    """(month, trips, revision) of each summary."""
    return [(e.month, e.trips, e.revision) for e in made.of(DriverSummary)]


def test_a_month_is_told_when_it_is_over() -> None:
    made = bench("2026-10-30 12:00").live(drive()).live(drive(1000)).live(drive(2000, 20)).until(86_400 * 1.499)
    assert said(made) == []
    made.until(86_400 * 2)
    (event,) = made.of(DriverSummary)
    assert (event.driver, event.month, event.trips, event.short_moves, event.revision) == ("unknown", "2026-10", 2, 1, 0)
    assert event.metrics["distance_m"] == pytest.approx((290 + 290 + 10) * 15)
    assert event.metrics["duration_s"] == 301 + 301 + 21
    assert "harsh_brakes" in event.estimated
    assert event.t_ns == at(1.5 * 86_400)


@pytest.mark.parametrize(
    ("zone", "local", "month"),
    [
        ("Europe/Berlin", "2026-10-31 23:30", "2026-10"),  # 22:30 UTC
        ("Europe/Berlin", "2026-11-01 00:30", "2026-11"),  # 23:30 UTC on the 31st
        ("Pacific/Auckland", "2026-11-01 00:30", "2026-11"),  # 11:30 UTC on the 31st
        ("America/Los_Angeles", "2026-10-31 23:30", "2026-10"),  # 06:30 UTC on the 1st
        ("Europe/Berlin", "2026-12-31 23:30", "2026-12"),
    ],
)
def test_the_month_is_the_owners(zone: str, local: str, month: str) -> None:
    made = bench(local, zone).live(drive()).until(40 * 86_400)
    assert said(made) == [(month, 1, 0)]
    (event,) = made.of(DriverSummary)
    end = datetime.fromtimestamp((made.engine.wall or Wall(0, "none")).utc_ns(event.t_ns) // NS, ZoneInfo(zone))
    assert (end.day, end.hour, end.minute) == (1, 0, 0)


def test_several_cars_of_a_household_are_added_up_by_its_name_and_the_person_s() -> None:
    owner = Owner(timezone="Europe/Berlin", driver="ana", household="h-1")
    made = Bench(owner=owner, wall=wall(utc_s("2026-10-30 12:00"))).live(drive())
    made.engine.raised([DriverSaved(id="s", t_ns=0, boot_id="boot-1", driver=Driver("ana", person="a-everywhere"))])
    (event,) = made.until(86_400 * 2).of(DriverSummary)
    assert (event.driver, event.person, event.household) == ("ana", "a-everywhere", "h-1")
    (guest,) = bench("2026-10-30 12:00").live(drive()).until(86_400 * 2).of(DriverSummary)
    assert (guest.driver, guest.person, guest.household) == ("unknown", None, "")


def test_a_trip_over_midnight_belongs_to_the_month_in_which_it_started_and_the_month_waits_for_it() -> None:
    made = bench("2026-10-31 23:58").live(drive()).until(340)
    assert said(made) == []
    assert said(made.until(999)) == [("2026-10", 1, 0)]
    assert made.kinds()[:3] == ["TripStarted", "TripEnded", "DriverSummary"]


def test_a_trip_found_later_corrects_what_was_told() -> None:
    """Power is lost on the 31st; the unit comes back in November, and by then October was told for the other trips."""
    made = bench("2026-10-31 10:00").live(drive()).until(3000).live(s for s in drive(4000) if s[0] < at(4200))
    made.restart("boot-2", wall=wall(utc_s("2026-11-03 10:00")))
    made.until(5).until(999)
    assert said(made) == [("2026-10", 2, 0)], "not before it is known how that trip ended"

    made = bench("2026-10-31 10:00").live(drive()).until(86_400)
    assert said(made) == [("2026-10", 1, 0)]
    late = made.of(TripEnded)[0]
    made.events += made.engine.raised([late])
    assert said(made) == [("2026-10", 1, 0), ("2026-10", 2, 1)]
    first, second = made.of(DriverSummary)
    assert first.id != second.id
    assert second.t_ns >= first.t_ns
    assert second.metrics["distance_m"] == pytest.approx(2 * first.metrics["distance_m"])


def test_a_correction_is_dated_when_it_is_made() -> None:
    """The late trip's own times are of another boot's clock."""
    made = bench("2026-10-31 10:00").live(drive()).until(40 * 86_400)
    made.restart("boot-2", wall=wall(utc_s("2026-12-15 10:00"))).until(7)
    made.events += made.engine.raised([made.of(TripEnded)[0]])
    assert (made.of(DriverSummary)[1].t_ns, made.of(DriverSummary)[1].boot_id) == (at(7), "boot-2")


def test_and_not_when_the_engine_was_last_woken() -> None:
    made = bench("2026-10-31 10:00").live(drive()).until(86_400)
    made.engine.feed(drive(90_000))
    made.events += made.engine.raised([made.of(TripEnded)[0]])
    assert made.of(DriverSummary)[1].t_ns == at(90_301)


def test_it_is_told_once_over_restarts_and_months() -> None:
    made = bench("2026-10-30 12:00").live(drive()).until(3 * 86_400)
    made.restart(wall=made.wall).until(4 * 86_400)
    made.restart("boot-2", wall=wall(utc_s("2026-11-10 12:00"))).live(drive()).until(60 * 86_400)
    assert said(made) == [("2026-10", 1, 0), ("2026-11", 1, 0)]


def test_a_month_that_ended_while_the_unit_was_off_is_told_when_the_clock_is_known() -> None:
    made = bench("2026-10-30 12:00").live(drive()).until(999).restart("boot-2", wall=None).until(86_400)
    assert said(made) == []
    made.wall = wall(utc_s("2026-12-24 12:00"))
    assert said(made.until(90_000)) == [("2026-10", 1, 0)]


def test_a_trip_without_a_date_belongs_to_no_month() -> None:
    made = Bench(wall=None).live(drive()).until(999)
    made.wall = wall(utc_s("2026-10-30 12:00"))
    assert said(made.until(40 * 86_400)) == []


def test_only_the_last_months_are_corrected() -> None:
    made = bench("2026-01-10 12:00").live(drive()).until(999)
    january = made.of(TripEnded)[0]
    for n in range(1, MONTHS_KEPT + 1):
        made.until(n * 31 * 86_400 - 2000).live(drive(n * 31 * 86_400)).until(n * 31 * 86_400 + 999)
    before = said(made)
    made.events += made.engine.raised([january])
    assert said(made) == before
    assert len(rule(made).state.months) == MONTHS_KEPT


# -- adding up ---------------------------------------------------------------------------------------


def rule(made: Bench) -> DriverSummaries:
    return next(r for r in made.engine.rules if isinstance(r, DriverSummaries))


def trip(n: int, driver: str, kind: str = "trip", distance_m: float = 1000.0) -> TripEnded:
    """A trip of October 2026."""
    start_ns = at(n * 1000)
    return TripEnded(
        id=str(n),
        t_ns=start_ns,
        boot_id="boot-1",
        trip_id=f"t{n}",
        kind=kind,  # type: ignore[arg-type]
        ended_by="ignition-off",
        start_ns=start_ns,
        start_boot_id="boot-1",
        end_ns=start_ns,
        clock="synchronised",
        driver=driver,
        vehicle="car",
        metrics={"distance_m": distance_m, "speed_band_s": {"0-30": distance_m}},
        estimated=["distance_m"] if distance_m > 5000 else [],
        start_utc_ns=at(utc_s("2026-10-05 12:00")) + start_ns,
    )


def context(local: str) -> Context:
    return Context(0, wall(utc_s(local)), "unit-1", "boot-1", None)


trips = st.lists(
    st.builds(
        trip,
        st.integers(0, 999),
        st.sampled_from(["ana", "ben", "unknown"]),
        st.sampled_from(["trip", "short_move"]),
        st.floats(0, 1e4),
    ),
    max_size=12,
)


def fresh() -> DriverSummaries:
    return DriverSummaries(Setup("unit-1", BY_SIGNAL, Owner(timezone="Europe/Berlin")))


def told(events: list[Event]) -> list[tuple[str, int, int, object, list[str]]]:
    assert all(isinstance(e, DriverSummary) for e in events)
    return [(e.driver, e.trips, e.short_moves, e.metrics, e.estimated) for e in events if isinstance(e, DriverSummary)]


def knowing(n: int, **metrics: float) -> TripEnded:
    return msgspec.structs.replace(trip(n, "ana"), metrics=metrics, estimated=[])


@pytest.mark.parametrize(
    ("known", "covers"),
    [
        ([{"distance_m": 1000.0, "fuel_l": 1.0}, {"distance_m": 2000.0, "fuel_l": 2.0}], {}),
        ([{"distance_m": 1000.0, "fuel_l": 1.0}, {"distance_m": 2000.0}], {"fuel_l": 1000.0}),
        ([{"distance_m": 1000.0}, {"distance_m": 2000.0, "fuel_l": 1.0}], {"fuel_l": 2000.0}),
        (
            [{"distance_m": 1000.0}, {"distance_m": 2000.0, "fuel_l": 1.0}, {"distance_m": 4000.0, "fuel_l": 1.0}],
            {"fuel_l": 6000.0},
        ),
        ([{"distance_m": 1000.0, "fuel_l": 1.0}, {}], {"distance_m": 1000.0, "fuel_l": 1000.0}),
        ([{}, {"distance_m": 1000.0}], {"distance_m": 1000.0}),
        ([{"distance_m": 1000.0}, {"distance_m": 2000.0}], {}),
    ],
)
def test_a_sum_that_not_all_trips_know_says_over_how_many_metres_it_is(
    known: list[dict[str, float]], covers: dict[str, float]
) -> None:
    made = fresh()
    for n, metrics in enumerate(known):
        list(made.event(context("2026-10-20 12:00"), knowing(n, **metrics)))
    (event,) = made.wake(context("2026-11-02 12:00"))
    assert isinstance(event, DriverSummary) and event.covers == covers


def test_a_month_begun_before_sums_were_marked_is_added_up_anew() -> None:
    now, trips = context("2026-10-20 12:00"), [knowing(1, distance_m=1000.0), knowing(2, distance_m=2000.0, fuel_l=1.0)]
    before = fresh()
    for each in trips:
        list(before.event(now, each))
    body = msgspec.to_builtins(before.state)
    del body["is_covered"], body["months"]["2026-10"]["drivers"]["ana"]["covers"]
    made = fresh()
    made.restore(msgspec.json.encode(body), now)
    assert made.next_wake(now) is None, "not closed before that"
    made.rebuilt(now, [(e.start_utc_ns or 0, e.driver, e.kind, Sums(e.metrics)) for e in trips])
    (event,) = made.wake(context("2026-11-02 12:00"))
    assert isinstance(event, DriverSummary) and event.covers == {"fuel_l": 2000.0}


@settings(deadline=None)
@given(trips, st.data())
def test_rebuilt_after_an_attribution_equals_adding_up_afresh(events: list[TripEnded], data: st.DataObject) -> None:
    now, over = context("2026-10-20 12:00"), context("2026-11-02 12:00")
    kept = fresh()
    for event in events:
        list(kept.event(now, event))
    changed = [msgspec.structs.replace(e, driver=data.draw(st.sampled_from(["ana", "ben", "cid"]))) for e in events]
    rows = [(e.start_utc_ns or 0, e.driver, e.kind, Sums(e.metrics, e.estimated)) for e in changed]
    assert kept.rebuilt(now, rows) == [], "the month is not over"
    afresh = fresh()
    for event in changed:
        list(afresh.event(now, event))
    assert told(list(kept.wake(over))) == told(list(afresh.wake(over)))


def test_a_driver_who_has_no_trip_left_is_told_so() -> None:
    made = fresh()
    list(made.event(context("2026-10-20 12:00"), trip(1, "ana")))
    assert [e[:2] for e in told(list(made.wake(context("2026-11-02 12:00"))))] == [("ana", 1)]
    trips = [(at(utc_s("2026-10-05 12:00")), "ben", "trip", Sums({"distance_m": 1000.0}))]
    again = made.rebuilt(context("2026-11-03 12:00"), trips)
    assert told(again) == [("ana", 0, 0, {}, []), ("ben", 1, 0, {"distance_m": 1000.0}, [])]
    assert {e.revision for e in again if isinstance(e, DriverSummary)} == {1}
    assert made.rebuilt(context("2026-11-03 12:00"), trips) == [], "what has not changed is not told again"


def test_the_driver_is_unknown_until_somebody_says_otherwise() -> None:
    assert {e.driver for e in bench("2026-10-30 12:00").live(drive()).until(9 * 86_400).of(DriverSummary)} == {"unknown"}
    assert {e.driver for e in bench("2026-10-30 12:00", driver="ana").live(drive()).until(9 * 86_400).of(DriverSummary)} == {
        "ana"
    }


@pytest.mark.parametrize(
    ("month", "zone", "end"),
    [
        ("2026-10", "Europe/Berlin", "2026-10-31T23:00:00"),
        ("2026-03", "Europe/Berlin", "2026-03-31T22:00:00"),
        ("2026-12", "America/New_York", "2027-01-01T05:00:00"),
        ("2026-02", "UTC", "2026-03-01T00:00:00"),
        ("2028-02", "UTC", "2028-03-01T00:00:00"),
    ],
)
def test_a_months_end(month: str, zone: str, end: str) -> None:
    found = month_end_ns(month, ZoneInfo(zone))
    assert found == at(utc_s(end, ZoneInfo("UTC")))
    assert month_of(found - 1, ZoneInfo(zone)) == month
    assert month_of(found, ZoneInfo(zone)) > month
