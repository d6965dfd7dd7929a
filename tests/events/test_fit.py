"""fit: the newest catalogue is kept, says nothing, and survives a restart."""

from __future__ import annotations

from agent.events.fit import FitCatalogueReceived, FitRule
from agent.model import derive_id
from agent.report.fit import Car
from tests.sim.car import Bench


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
