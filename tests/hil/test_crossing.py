"""From the frame that passes a round reading to the receiver: measured, and within a turn or two of the loop."""

from __future__ import annotations

from pathlib import Path

import pytest

from hil.bench import crossing
from hil.bench.figures import Place


@pytest.mark.usefixtures("mosquitto")
def test_it_is_measured(tmp_path: Path) -> None:
    longest, middle = crossing.measure(Place(tmp_path, tmp_path), 1)
    assert longest.name == crossing.GROUP.figures[0]
    assert 0 < middle.value == longest.value < 20, "this machine may be busy; the bench holds it to one second"


def test_the_frame_that_passes_it_is_known(tmp_path: Path) -> None:
    bus, crossing_ns = crossing.a_drive(tmp_path)
    assert bus[0].t_ns < crossing_ns - crossing.LEAD_NS < crossing_ns < bus[-1].t_ns
    assert crossing_ns in {frame.t_ns for frame in bus}
