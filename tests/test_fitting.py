"""The match from the store: which trips it is made of, and what of it would leave."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
import pytest

from agent.config import Owner
from agent.events.fit import FitCatalogueReceived
from agent.events.household import HouseholdState
from agent.fitting import Found, found, leaving
from agent.household import Driver, Household
from agent.io.store import Batch, Store
from agent.report.fit import Car, Wanted
from tests.test_reporting import row, utc_ns

CATALOGUE = FitCatalogueReceived(
    id="c",
    t_ns=0,
    boot_id="b",
    source="a list",
    issued_utc_ns=utc_ns("2026-11-01"),
    cars=[Car(name="E", energy="electric", range_km=200, urban=15, rural=15, motorway=20)],
)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with closing(Store(tmp_path / "keyoff.db", "unit-1")) as store:
        yield store


def keep(store: Store, *rows: dict[str, Any], drivers: tuple[Driver, ...] = ()) -> None:
    state = msgspec.json.encode(HouseholdState(Household(drivers)))
    store.commit(Batch(trips=rows, states={"household": (1, state)}))


def looked(store: Store, driver: str | None = None, owner: Owner | None = None, now: str | None = "2026-11-30") -> Any:
    at_ns = None if now is None else utc_ns(now)
    return found(store.conn, owner or Owner(timezone="Europe/Berlin"), CATALOGUE, driver, Wanted(), at_ns)


def test_it_looks_at_a_year_of_local_days(store: Store) -> None:
    keep(store, row("a", "2025-11-30"), row("b", "2025-12-01"), row("c", "2026-11-30"), row("d", "2026-12-01"))
    shown = looked(store)
    assert isinstance(shown, Found)
    assert (shown.basis.first_day, shown.basis.last_day, shown.basis.days, shown.basis.trips) == (
        "2025-12-01",
        "2026-11-30",
        365,
        2,
    )
    assert (shown.made_day, shown.age_days) == ("2026-11-01", 29)
    by_the_last = looked(store, now=None)
    assert (by_the_last.basis.last_day, by_the_last.basis.trips, by_the_last.age_days) == ("2026-12-01", 2, None)


def test_without_a_trip_it_says_who_drove(store: Store) -> None:
    assert looked(store) == []
    assert looked(store, now=None) == []
    keep(store, row("a", "2026-11-02", "ben"), row("b", "2026-11-03", "unknown"))
    assert looked(store, "ana") == ["ben", "unknown"]


def test_who_drove_by_name_is_not_whom_nothing_else_says(store: Store) -> None:
    rows = row("a", "2026-11-02", "ben"), row("b", "2026-11-03", "cleo")
    keep(store, *rows)
    assert looked(store, owner=Owner(driver="ben")).drove == {"cleo"}
    keep(store, drivers=(Driver("ben"),))
    assert looked(store, owner=Owner(driver="ben")).drove == {"ben", "cleo"}


def test_what_leaves_names_a_driver_by_their_ids_alone(store: Store) -> None:
    keep(store, row("a", "2026-11-02", distance_m=123_456.0), drivers=(Driver("ana", name="Ana", person="p-1"),))
    data = leaving(looked(store, "ana", Owner(household="h-1")))
    assert (data["driver"], data["person"], data["household"]) == ("ana", "p-1", "h-1")
    assert data["basis"] == {
        "first_day": "2026-11-02",
        "last_day": "2026-11-30",
        "days": 29,
        "days_driven": 1,
        "trips": 1,
        "distance_m": 120_000.0,
        "car_share": 1.0,
    }
    assert [(f["name"], f["amount_100km"]) for f in data["fits"]] == [("E", 17.0)]
    assert data["fits"][0]["amount_year"] == 260.0, "264.3, less than what a person reads of it"
    assert not {"id", "t_ns", "boot_id"} & set(data)
    whole = leaving(looked(store))
    assert "driver" not in whole and "person" not in whole
