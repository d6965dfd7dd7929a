"""What one person may see of the others: nothing, unless they agreed."""

from __future__ import annotations

import msgspec
import pytest

from agent.household import Driver, Household
from agent.report.compare import Others, guardians, others, pooled, wards
from agent.report.driving import Driving
from tests.report.months import ANA, BEN, CLEO, DAN, KIM

FIRST, AFTER = "2026-10-01", "2026-11-01"
ENOUGH = Driving(trips=3, distance_m=50_000.0, fuel_l_100km=6.0, idle_share=0.1)


def without(driver: Driver, *purposes: str) -> Driver:
    return msgspec.structs.replace(driver, consents=tuple(p for p in driver.consents if p not in purposes))


def seen(viewer: Driver, drivers: list[Driver], **months: Driving) -> Others | None:
    return others(viewer, Household(tuple(drivers)), {d.id: months.get(d.id, ENOUGH) for d in drivers}, FIRST)


OUT = without(Driver("eve", consents=("report",)), "compare")


def test_who_keeps_out_neither_sees_nor_is_seen() -> None:
    assert seen(OUT, [ANA, BEN, CLEO, DAN, OUT]) is None
    found = seen(ANA, [ANA, BEN, CLEO, DAN, OUT], eve=msgspec.structs.replace(ENOUGH, fuel_l_100km=30.0))
    assert found is not None and (found.people, found.members) == (3, [])
    assert found.mean == pytest.approx({"fuel_l_100km": 6.0, "idle_share": 0.1})


def test_a_mean_is_of_three_others_each_with_enough_trips() -> None:
    assert seen(ANA, [ANA, BEN, CLEO, OUT]) is None
    little = Driving(trips=3, distance_m=49_999.0, fuel_l_100km=6.0)
    assert seen(ANA, [ANA, BEN, CLEO, DAN, OUT], dan=little) is None
    assert seen(ANA, [ANA, BEN, CLEO, DAN, OUT], dan=msgspec.structs.replace(little, trips=2, distance_m=90_000.0)) is None


def test_a_ratio_that_two_know_has_no_mean() -> None:
    unknown = msgspec.structs.replace(ENOUGH, fuel_l_100km=None)
    found = seen(ANA, [ANA, BEN, CLEO, DAN, OUT], dan=unknown)
    assert found is not None and found.mean == {"idle_share": pytest.approx(0.1)}


def test_when_all_opted_in_each_is_seen_and_ranked_with_enough_trips() -> None:
    found = seen(ANA, [ANA, BEN], ben=msgspec.structs.replace(ENOUGH, fuel_l_100km=5.0))
    assert found is not None
    assert [m.driver for m in found.members] == ["ben"]
    assert found.places == {"fuel_l_100km": (2, 2)}
    few = seen(ANA, [ANA, BEN], ana=Driving(trips=2, distance_m=90_000.0, fuel_l_100km=4.0))
    assert few is not None and few.places == {}, "no ranking below three trips"
    assert seen(ANA, [ANA, BEN], ben=Driving(trips=9, distance_m=49_000.0, fuel_l_100km=4.0)) is None
    assert seen(ANA, [ANA]) is None


def test_the_young_are_in_no_comparison() -> None:
    young = msgspec.structs.replace(KIM, consents=("compare",))
    assert seen(young, [ANA, BEN, young]) is None
    found = seen(ANA, [ANA, BEN, young])
    assert found is not None and [m.driver for m in found.members] == ["ben"]
    keeps_out = msgspec.structs.replace(KIM, consents=())
    assert seen(ANA, [ANA, BEN, keeps_out]) is None, "not all of the household opted in"


def test_a_parent_sees_the_young_with_both_consents_until_they_are_of_age() -> None:
    parent = msgspec.structs.replace(ANA, consents=("guardian",))
    house = Household((parent, BEN, KIM))
    assert wards(parent, house, AFTER) == ["kim"]
    assert guardians(KIM, house, AFTER) == ["ana"]
    assert wards(BEN, house, AFTER) == []
    assert wards(parent, house, "2028-04-01") == []
    assert wards(parent, Household((parent, without(KIM, "guardian"))), AFTER) == []
    assert wards(KIM, Household((KIM, msgspec.structs.replace(KIM, id="lu"))), AFTER) == []


def test_the_use_of_the_car_is_told_from_who_agreed() -> None:
    assert pooled("ana", ANA, Household((ANA, BEN)), AFTER) == {"ana", "ben"}
    assert pooled("ana", ANA, Household((ANA, BEN, OUT)), AFTER) == {"ana"}
    parent = msgspec.structs.replace(ANA, consents=("guardian",))
    assert pooled("ana", parent, Household((parent, BEN, KIM)), AFTER) == {"ana", "kim"}
    assert pooled("unknown", Driver("owner"), Household(), AFTER) == {"unknown"}
