"""The Plan: ages, filters, and the form it is kept in."""

from __future__ import annotations

import msgspec

from agent.model import NS
from agent.plan import ANSWERS_11BIT, ANSWERS_29BIT, ChecksumByte, Field, MessagePlan, Multiplexer, Part, Plan, Reading


def a_message(
    arbitration_id: int, path: str, is_extended: bool = False, bus: str | None = None, period_ms: float | None = None
) -> MessagePlan:
    return MessagePlan(arbitration_id, is_extended, path, 8, (Reading(path, (Part(Field(7, 16)),)),), bus, period_ms=period_ms)


def test_a_signal_is_stale_after_ten_of_its_own_periods() -> None:
    plan = Plan("x", (a_message(1, "Vehicle.Speed", period_ms=12.5), a_message(2, "Vehicle.TraveledDistance")))
    assert plan.max_age_ns == {"Vehicle.Speed": 125_000_000, "Vehicle.TraveledDistance": 10 * NS}


def test_what_obd_alone_gives_is_stale_after_five_seconds() -> None:
    ages = Plan("x", (a_message(1, "Vehicle.Speed", period_ms=20),), obd=True).max_age_ns
    assert ages["Vehicle.Speed"] == 200_000_000
    assert ages["Vehicle.Powertrain.CombustionEngine.Speed"] == 5 * NS


def test_filters_name_each_bus_and_what_is_wanted_from_it() -> None:
    messages = (a_message(0x30, "a"), a_message(0x18FF50E5, "b", is_extended=True, bus="body"), a_message(0x20, "c", bus="drive"))
    assert Plan("x", messages, buses=("drive", "body")).filters() == {
        "drive": [(0x20, False), (0x30, False)],
        "body": [(0x30, False), (0x18FF50E5, True)],
    }


def test_filters_let_every_obd_answer_through_on_its_bus_alone() -> None:
    wanted = Plan("x", buses=("a", "b"), obd=True, obd_bus="a").filters()
    assert wanted["b"] == []
    for number in range(0x800):
        assert ((number, False) in wanted["a"]) == (number & ANSWERS_11BIT[1] == ANSWERS_11BIT[0])
    for number in range(0x18DAF000, 0x18DAF300):
        assert ((number, True) in wanted["a"]) == (number & ANSWERS_29BIT[1] == ANSWERS_29BIT[0])


def test_it_comes_back_from_json_as_it_was() -> None:
    values = {0: "OFF", 3: None, -1: 1.5, 7: True}
    page = Part(Field(0, 8, True, True), 0.5, -1.0, 0.0, 9.0, values, True, "M", (1, 2))
    message = MessagePlan(
        0x18FF50E5,
        True,
        "X",
        64,
        (Reading("Vehicle.Speed", (page, page)),),
        bus="can0",
        multiplexers=(Multiplexer("M", Field(8, 4), (1, 2)), Multiplexer("N", Field(12, 4), (0,), "M", (1,))),
        checksum=ChecksumByte("toyota", 7),
        counter=Field(4, 4),
        period_ms=12.0,
    )
    plan = Plan("x", (message,), ("Vehicle.Speed",), ("can0",), True, "can0", ("a note",))
    assert msgspec.json.decode(msgspec.json.encode(plan), type=Plan) == plan
