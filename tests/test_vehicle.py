"""What a profile may leave out, and what it then means."""

from __future__ import annotations

import pytest

from agent.config import ConfigError, parse
from agent.vehicle import Vehicle


def a_vehicle(text: str = "") -> Vehicle:
    return parse(f'name = "x"\n{text}', "x.toml", Vehicle)


def test_what_is_left_out() -> None:
    vehicle = a_vehicle()
    assert (vehicle.dbc, vehicle.bus, vehicle.signals, vehicle.messages, vehicle.obd) == ((), {}, {}, {}, None)
    assert (vehicle.ignition.source, vehicle.ignition.on) == ("activity", ("ON", "START"))
    assert vehicle.trip.gap_s == 110  # between 76 s and 149 s: see TripProfile
    assert (vehicle.fuel.type, vehicle.fuel.tank_l) == ("unknown", None)
    assert a_vehicle("[obd]").obd is not None


def test_signals_messages_and_buses_are_tables_by_name() -> None:
    vehicle = a_vehicle(
        """
        [bus.can0]
        bitrate = 500_000
        dbc = ["body.dbc"]
        [signals."Vehicle.Speed"]
        mean = ["A.B", "A.C"]
        values = { park = 1, "7" = 2.5 }
        [messages.A]
        checksum = "B:xor"
        """
    )
    assert vehicle.bus["can0"].dbc == ("body.dbc",)
    assert vehicle.signals["Vehicle.Speed"].mean == ("A.B", "A.C")
    assert vehicle.signals["Vehicle.Speed"].values == {"park": 1, "7": 2.5}
    assert vehicle.messages["A"].checksum == "B:xor"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[harsh]\nbrake = 3", "unknown key `harsh.brake`: did you mean `harsh.brake_ms2`?"),
        ('[signals."Vehicle.Speed"]\nsourc = "A.B"', "unknown key `signals.Vehicle.Speed.sourc`: did you mean"),
        ("[trip]\ngap_s = '110'", "trip.gap_s: "),
    ],
)
def test_a_wrong_key_is_named_with_the_nearest_known(text: str, message: str) -> None:
    with pytest.raises(ConfigError) as error:
        a_vehicle(text)
    assert message in str(error.value)
