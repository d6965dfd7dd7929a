"""What one person may see of the others: nothing, unless they agreed."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from agent.household import OWNER, Driver, Household, Purpose
from agent.report.compare import Others, guardians, others, pooled, wards
from agent.report.driving import Totals, total
from tests.report.months import ANA, BEN, CLEO, DAN, KIM, month_of_trips, trip

FIRST, AFTER = "2026-10-01", "2026-11-01"
LENGTH_M = 17_000.0  # three are enough


def driven(n: int = 3, l_100km: float | None = 6.0, distance_m: float = LENGTH_M) -> Totals:
    """A month of `n` trips: a tenth of the time idling, and nothing else that is compared."""
    fuel_l = None if l_100km is None else l_100km * distance_m / 100_000
    unknown: dict[str, Any] = {"harsh_brakes": None, "night_s": None, "over_speed_s": None}
    return total(month_of_trips(n=n, distance_m=distance_m, fuel_l=fuel_l, **unknown))


def without(driver: Driver, *purposes: str) -> Driver:
    return msgspec.structs.replace(driver, consents=tuple(p for p in driver.consents if p not in purposes))


def parent_of(named: str, *purposes: Purpose) -> Driver:
    return msgspec.structs.replace(ANA, consents=purposes, guardian_with=(named,))


def seen(viewer: Driver, drivers: list[Driver], **months: Totals) -> Others | None:
    return others(viewer, Household(tuple(drivers)), {d.id: months.get(d.id, driven()) for d in drivers}, FIRST)


OUT = without(Driver("eve", consents=("report",)), "compare")


def test_who_keeps_out_neither_sees_nor_is_seen() -> None:
    assert seen(OUT, [ANA, BEN, CLEO, DAN, OUT]) is None
    found = seen(ANA, [ANA, BEN, CLEO, DAN, OUT], eve=driven(l_100km=30.0))
    assert found is not None and (found.people, found.members) == (3, [])
    assert found.mean == pytest.approx({"fuel_l_100km": 6.0, "idle_share": 0.1})


def test_a_mean_is_of_three_others_each_with_enough_trips() -> None:
    assert seen(ANA, [ANA, BEN, CLEO, OUT]) is None
    assert seen(ANA, [ANA, BEN, CLEO, DAN, OUT], dan=driven(distance_m=16_666.0)) is None
    assert seen(ANA, [ANA, BEN, CLEO, DAN, OUT], dan=driven(2, distance_m=45_000.0)) is None


def test_profiles_that_drove_nothing_make_no_three() -> None:
    empty = Totals()
    assert seen(ANA, [ANA, BEN, CLEO, DAN, OUT], cleo=empty, dan=empty) is None, "else it would be ben's own"
    assert seen(ANA, [ANA, BEN, CLEO, DAN, OUT], dan=driven(n=1, distance_m=200_000.0)) is None
    assert others(ANA, Household((ANA, BEN, CLEO, DAN, OUT)), {"ben": driven()}, FIRST) is None


def test_a_ratio_that_two_know_has_no_mean() -> None:
    found = seen(ANA, [ANA, BEN, CLEO, DAN, OUT], dan=driven(l_100km=None))
    assert found is not None and found.mean == {"idle_share": pytest.approx(0.1)}


def test_a_ratio_that_one_trip_knows_is_not_told_as_a_month() -> None:
    rows = [*month_of_trips(n=5, fuel_l=None), trip("2026-10-09", fuel_l=4.0)]
    found = seen(ANA, [ANA, BEN, CLEO, DAN, OUT], dan=total(rows))
    assert found is not None and "fuel_l_100km" not in found.mean and "idle_share" in found.mean
    ranked = seen(ANA, [ANA, BEN], ben=total(rows))
    assert ranked is not None and (ranked.places, [m.ratios.get("fuel_l_100km") for m in ranked.members]) == ({}, [None])
    moves = [*month_of_trips(n=2, distance_m=50_000.0), trip("2026-10-09", kind="short_move", distance_m=100.0)]
    assert seen(ANA, [ANA, BEN], ben=total(moves)) is None, "the yard is no third trip"


def test_what_rests_on_an_estimate_says_so() -> None:
    about = total([trip(f"2026-10-0{n}", estimated=["harsh_brakes", "over_speed_s"], fuel_l=None) for n in (1, 2, 3)])
    sure = total(month_of_trips(n=3))
    found = seen(ANA, [ANA, BEN, CLEO, DAN, OUT], ben=sure, cleo=about, dan=sure)
    assert found is not None and found.estimated == ["harsh_100km", "over_speed_share"]
    each = seen(ANA, [ANA, BEN, CLEO], ben=sure, cleo=about)
    assert each is not None and [m.estimated for m in each.members] == [[], ["harsh_100km", "over_speed_share"]]


def test_two_profiles_of_one_person_are_one_person() -> None:
    twin, again = (msgspec.structs.replace(d, person="ben") for d in (CLEO, DAN))
    assert seen(ANA, [ANA, BEN, twin, again, OUT]) is None
    own = msgspec.structs.replace(CLEO, person="ana")
    assert seen(ANA, [ANA, own, BEN, DAN, OUT]) is None, "ana knows what her own second profile drove"
    assert seen(ANA, [ANA, own]) is None


def test_when_all_opted_in_each_is_seen_and_ranked_with_enough_trips() -> None:
    found = seen(ANA, [ANA, BEN], ben=driven(l_100km=5.0))
    assert found is not None
    assert [m.driver for m in found.members] == ["ben"]
    assert found.places == {"fuel_l_100km": (2, 2)}
    few = seen(ANA, [ANA, BEN], ana=driven(2, 4.0, 45_000.0))
    assert few is not None and few.places == {}, "no ranking below three trips"
    assert seen(ANA, [ANA, BEN], ben=driven(9, 4.0, 5_000.0)) is None
    assert seen(ANA, [ANA]) is None


def test_the_young_are_in_no_comparison() -> None:
    young = msgspec.structs.replace(KIM, consents=("compare",))
    assert seen(young, [ANA, BEN, young]) is None
    found = seen(ANA, [ANA, BEN, young])
    assert found is not None and [m.driver for m in found.members] == ["ben"]
    keeps_out = msgspec.structs.replace(KIM, consents=())
    assert seen(ANA, [ANA, BEN, keeps_out]) is None, "not all of the household opted in"


def test_a_parent_sees_the_young_with_both_consents_until_they_are_of_age() -> None:
    parent = parent_of("kim", "guardian")
    house = Household((parent, BEN, KIM))
    assert wards(parent, house, AFTER) == ["kim"]
    assert guardians(KIM, house, AFTER) == ["ana"]
    assert wards(BEN, house, AFTER) == []
    assert wards(parent, house, "2028-04-01") == []
    assert wards(parent, Household((parent, without(KIM, "guardian"))), AFTER) == []
    assert wards(KIM, Household((KIM, msgspec.structs.replace(KIM, id="lu"))), AFTER) == []


def test_a_consent_shows_nothing_to_whom_it_does_not_name() -> None:
    parent = parent_of("kim", "guardian")
    other = msgspec.structs.replace(BEN, consents=("guardian",), guardian_with=("kim",))
    house = Household((parent, other, KIM))
    assert (wards(parent, house, AFTER), wards(other, house, AFTER)) == (["kim"], []), "kim named ana alone"
    assert guardians(KIM, house, AFTER) == ["ana"]
    lu = msgspec.structs.replace(KIM, id="lu")
    assert wards(parent, Household((parent, KIM, lu)), AFTER) == ["kim"], "ana named kim alone"
    for one, two in ((unnamed(parent), KIM), (parent, unnamed(KIM)), (unnamed(parent), unnamed(KIM))):
        assert wards(one, Household((one, two)), AFTER) == [], "a consent of before it named anybody shows nothing"


def unnamed(driver: Driver) -> Driver:
    return msgspec.structs.replace(driver, guardian_with=())


def test_the_young_ones_figures_leave_only_where_their_own_report_does() -> None:
    parent, stays = parent_of("kim", "guardian", "report"), without(KIM, "report")
    assert (wards(parent, Household((parent, KIM)), AFTER), guardians(KIM, Household((parent, KIM)), AFTER)) == (["kim"], ["ana"])
    assert (wards(parent, Household((parent, stays)), AFTER), guardians(stays, Household((parent, stays)), AFTER)) == ([], [])
    at_home = without(parent, "report")
    assert wards(at_home, Household((at_home, stays)), AFTER) == ["kim"], "both reports stay on the unit"


def test_an_owner_without_a_keeper_is_named_to_the_young_one() -> None:
    owner = Driver(OWNER, is_keeper=True, consents=("report", "guardian"), guardian_with=("kim",))
    kim = msgspec.structs.replace(KIM, guardian_with=(OWNER,))
    assert guardians(kim, Household((BEN, kim), owner), AFTER) == [OWNER]
    keeper = Household((ANA, kim), owner)
    assert guardians(kim, keeper, AFTER) == [], "a keeper has a profile: the owner of keyoff.toml sees nothing"


def test_the_use_of_the_car_is_told_from_who_agreed() -> None:
    assert pooled("ana", ANA, Household((ANA, BEN)), AFTER) == {"ana", "ben"}
    assert pooled("ana", ANA, Household((ANA, BEN, OUT)), AFTER) == {"ana"}
    parent = parent_of("kim", "guardian")
    assert pooled("ana", parent, Household((parent, BEN, KIM)), AFTER) == {"ana"}, "kim's own report has no such part"
    assert pooled("unknown", Driver("owner"), Household(), AFTER) == {"unknown"}
