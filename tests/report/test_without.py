"""What others agreed to show goes from a report once they take it back, and nothing else does."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from agent.household import Driver
from agent.report.report import Report
from agent.report.without import without
from tests.report.months import ANA, BEN, CLEO, DAN, KIM, material, month_of_trips, report_of

MUM = msgspec.structs.replace(ANA, consents=("report", "guardian"), guardian_with=("kim",))
OUT = Driver("eve", consents=("report",))


def report(*drivers: Driver, of: str = "ana") -> dict[str, Any]:
    """Of a month in which each of them drove."""
    rows = [row for driver in drivers for row in month_of_trips(driver.id)]
    found: dict[str, Any] = msgspec.to_builtins(report_of(material(rows, drivers), of))
    return found


def gone(found: dict[str, Any], driver: str, purpose: str, whom: str | None = None) -> set[str]:
    left = dict(without(found, driver, purpose, whom))
    msgspec.convert(left, Report)  # it is a report still
    assert all(found[name] == value for name, value in left.items())
    return found.keys() - left.keys()


def test_a_mean_goes_with_anybodys_word_and_the_own_use_stays() -> None:
    found = report(ANA, BEN, CLEO, DAN, OUT)
    assert found["others"]["people"] == 3 and found["use"]
    assert gone(found, "ben", "compare") == {"others"}
    assert gone(found, "ana", "compare") == set(), "it is the others' word that it rests on"
    assert [gone(found, "ben", purpose) for purpose in ("report", "workshop", "fit", "guardian")] == [set()] * 4


def test_where_all_agreed_their_trips_go_from_the_use_too() -> None:
    found = report(ANA, BEN)
    assert [m["driver"] for m in found["others"]["members"]] == ["ben"]
    assert gone(found, "ben", "compare") == {"others", "use", "use_share"}
    alone = report(ANA)
    assert without(alone, "ben", "compare") is alone


@pytest.mark.parametrize(
    ("word", "is_gone"),
    [
        (("kim", "guardian", None), True),
        (("kim", "guardian", "ana"), True),
        (("kim", "guardian", "ben"), False),
        (("ana", "guardian", None), True),
        (("ana", "guardian", "kim"), True),
        (("ana", "guardian", "lu"), False),
        (("ben", "guardian", None), False),
        (("kim", "report", None), True),
        (("ana", "report", None), False),
        (("kim", "compare", None), False),
    ],
)
def test_a_ward_goes_with_either_word(word: tuple[str, str, str | None], *, is_gone: bool) -> None:
    assert gone(report(MUM, KIM), *word) == ({"wards"} if is_gone else set())


def test_another_ward_stays() -> None:
    lu = msgspec.structs.replace(KIM, id="lu")
    found = report(msgspec.structs.replace(MUM, guardian_with=("kim", "lu")), KIM, lu)
    assert [w["driver"] for w in without(found, "kim", "guardian")["wards"]] == ["lu"]
    assert gone(report(MUM, KIM, of="kim"), "ana", "guardian") == set(), "their own report says who was shown it"
