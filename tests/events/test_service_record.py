"""service_record: what a person may enter of a service is checked at the edge; what stays on the unit stays there."""

from __future__ import annotations

import msgspec
import pytest

from agent.events.service_record import CarReminded, ServiceDone, ServiceExpected, ServiceReopened, ServiceReported

SAID = {"id": "", "t_ns": 0, "boot_id": "b1", "item": "oil change", "says": "done"}


def test_a_report_is_entered_and_stays() -> None:
    said = msgspec.convert(SAID | {"reading_m": 42e6, "day": "2026-03-01", "by": "workshop"}, ServiceReported)
    assert (said.by, said.reading_m, said.day) == ("workshop", 42e6, "2026-03-01")
    assert ServiceReported.enterable and not ServiceReported.leaves


@pytest.mark.parametrize(
    "wrong", [{"reading_m": -1.0}, {"reading_m": 1e300}, {"day": "1 March"}, {"says": "maybe"}, {"by": "me"}]
)
def test_what_cannot_be_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(SAID | wrong, ServiceReported)


def test_only_what_was_done_or_reopened_leaves() -> None:
    leaving = {kind.__name__ for kind in (CarReminded, ServiceDone, ServiceExpected, ServiceReopened) if kind.leaves}
    assert leaving == {"ServiceDone", "ServiceReopened"}
    assert ServiceDone.once
