"""fit: the newest catalogue is kept, says nothing, and survives a restart."""

from __future__ import annotations

from typing import Any

import pytest

from agent.entries.entering import EntryRefused, enterable, event_of, refuse_from_afar
from agent.events.fit import FitCatalogueReceived, FitRule, FitShared
from agent.household import Driver, Household
from agent.model import NS, Context, derive_id
from agent.report.fit import Car
from tests.sim.car import WALL, Bench

BASIS = {"first_day": "2026-01-01", "last_day": "2026-10-31", "days": 304, "days_driven": 200, "trips": 400, "distance_m": 9e6}
SHARED: dict[str, Any] = {"source": "a test", "catalogue_utc_ns": 1, "basis": BASIS, "fits": []}


def catalogue(issued_s: int, name: str) -> FitCatalogueReceived:
    id = derive_id("unit-1", "FitCatalogueReceived", issued_s)
    return FitCatalogueReceived(
        id=id, t_ns=0, boot_id="boot-1", source="a test", issued_utc_ns=issued_s, cars=[Car(name=name, energy="electric")]
    )


def kept(made: Bench) -> str | None:
    rule = next(r for r in made.engine.rules if isinstance(r, FitRule))
    return rule.state.catalogue.cars[0].name if rule.state.catalogue else None


def test_the_newest_catalogue_is_kept_and_raises_nothing_that_leaves() -> None:
    made = Bench().until(1)
    assert kept(made) is None
    made.events += made.engine.raised([catalogue(2, "a"), catalogue(1, "older"), catalogue(3, "b")])
    assert (kept(made), kept(made.restart("boot-2")), made.kinds()) == ("b", "b", [])


def test_one_of_a_time_to_come_is_replaced_by_any() -> None:
    made = Bench(wall=WALL).until(1)
    now_ns = WALL.utc_ns(0)
    today = catalogue(now_ns, "today")
    made.engine.raised([catalogue(now_ns + 2 * 86_400 * NS, "typo"), today])
    assert kept(made) == "today"
    made.engine.raised([catalogue(now_ns + 43_200 * NS, "this evening"), today])
    assert kept(made) == "this evening", "clocks differ by hours"


@pytest.mark.parametrize(
    ("car", "why"),
    [
        ({"name": "", "energy": "petrol"}, "name"),
        ({"name": "x", "energy": "electric", "range_km": 420_000}, "range_km"),
        ({"name": "x", "energy": "electric", "range_km": -1}, "range_km"),
        ({"name": "x", "energy": "petrol", "urban": 0}, "urban"),
        ({"name": "x", "energy": "petrol", "seats": 0}, "seats"),
        ({"name": "x", "energy": "steam"}, "energy"),
        ({"name": "x", "energy": "petrol", "price": 1}, "unknown key `cars.price`"),
    ],
)
def test_a_car_that_cannot_be_is_refused(car: dict[str, Any], why: str) -> None:
    with pytest.raises(EntryRefused, match=why):
        event_of("FitCatalogueReceived", {"source": "s", "issued_utc_ns": 1, "cars": [car]}, "c1", context())


# -- FitShared -----------------------------------------------------------------------------------------


def context(*drivers: Driver) -> Context:
    return Context(5, None, "unit-1", "boot-1", None, Household(drivers))


AGREES, KEEPS = Driver("ana", consents=("fit",)), Driver("ben")


def test_it_leaves_with_consent_alone() -> None:
    event = event_of("FitShared", SHARED | {"driver": "ana", "person": "a-1"}, "c1", context(AGREES, KEEPS))
    assert isinstance(event, FitShared) and event.leaves and event.person == "a-1"
    for data, house in ((SHARED | {"driver": "ben"}, (AGREES, KEEPS)), (SHARED, (AGREES, KEEPS)), (SHARED, ())):
        with pytest.raises(EntryRefused, match=r"did not agree to it: keyoff drivers consent (ben|owner) fit --grant"):
            event_of("FitShared", data, "c1", context(*house))


def test_no_command_enters_it() -> None:
    with pytest.raises(EntryRefused, match="FitShared cannot be commanded"):
        refuse_from_afar("FitShared")
    refuse_from_afar("FitCatalogueReceived")
    refuse_from_afar("Nonsense")  # which entering refuses in its own words
    assert "FitShared" not in enterable() and "FitCatalogueReceived" in enterable()
