"""Golden drives: tests/golden/<vehicle>/<drive>.toml names a drive, <drive>.json is what it comes to, all of it.

A drive is a recording, by name and hash, or a simulated one. `pytest --update-golden` writes what the drives come to now;
whoever runs it reads the difference before committing it. Numbers may differ by TOLERANCE: sums are rounded otherwise
from one Python to the next.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from agent.config import Section, parse
from agent.model import NS, Wall
from hil.bench.drives import Outcome, answers, live, replay
from hil.vehicle import Drive, car, frames, trace_of
from tests.conftest import ROOT

HERE = Path(__file__).resolve().parent
DRIVES = sorted(HERE.glob("*/*.toml"))
TOLERANCE = 1e-6  # relative
DIGITS = 6  # behind the point, as written
FRAMES_PER_S = 50  # of the simulated bus: what is slower is as fresh, and takes a tenth of the time
TOLD = ("type", "id", "time", "tns", "clock", "data")  # of an envelope: what does not depend on the database file


class FromRecording(Section, frozen=True):
    file: str  # in the folder of recorded drives
    sha256: str


class Simulated(Section, frozen=True):
    car: str
    cycles: tuple[str, ...]
    style: str = "trace"
    seed: int = 0
    odometer_m: float = 48_210_300.0
    requests_per_s: int = 0  # another tester's; then its answers are all that is heard
    start_utc: datetime | None = None  # None: a unit that never learns the date


class GoldenDrive(Section, frozen=True):
    recording: FromRecording | None = None
    simulated: Simulated | None = None


@pytest.mark.parametrize("golden", DRIVES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_it_comes_to_what_is_expected(golden: Path, request: pytest.FixtureRequest) -> None:
    found = told(driven(golden, request))
    expected = golden.with_suffix(".json")
    if request.config.getoption("--update-golden"):
        expected.write_text(json.dumps(found, indent=1, sort_keys=True) + "\n")
    if not expected.exists():
        pytest.fail(f"nothing says what {golden.relative_to(ROOT)} comes to: run pytest --update-golden and read what it wrote")
    differences = list(differing(json.loads(expected.read_text()), found, "drive"))
    assert differences == []


def test_every_vehicle_has_a_golden_drive() -> None:
    vehicles = {path.stem for path in (ROOT / "dbc").glob("*.toml")}
    assert vehicles - {path.parent.name for path in DRIVES} == set()
    assert {path.parent.name for path in DRIVES} - vehicles == set()


def test_no_expectation_is_without_its_drive() -> None:
    expected = {path for folder in {drive.parent for drive in DRIVES} for path in folder.glob("*.json")}
    assert expected - {drive.with_suffix(".json") for drive in DRIVES} == set()


@pytest.mark.parametrize(
    ("expected", "found", "differences"),
    [
        ({"a": [1.0, "x"]}, {"a": [1.0 + 1e-9, "x"]}, []),
        ({"a": 1.0}, {"a": 1.00001}, ["a: 1.0 expected, 1.00001 found"]),
        ({"a": 0}, {"a": False}, ["a: 0 expected, False found"]),
        ({"a": 1}, {"b": 1}, ["a: 1 expected, nothing found", "b: nothing expected, 1 found"]),
        ([1, 2], [1], ["[1]: 2 expected, nothing found"]),
        ({"a": None}, {}, ["a: None expected, nothing found"]),
    ],
)
def test_differences_are_found_and_named(expected: Any, found: Any, differences: list[str]) -> None:
    assert list(differing(expected, found, "")) == differences


# -- driving -----------------------------------------------------------------------------------------


def driven(golden: Path, request: pytest.FixtureRequest) -> Outcome:
    drive = parse(golden.read_text(), str(golden), GoldenDrive)
    if drive.recording is not None:
        log: Path = request.getfixturevalue("drives") / drive.recording.file
        digest = hashlib.sha256(log.read_bytes()).hexdigest()
        assert digest == drive.recording.sha256, f"{log} is another recording than {golden.name} means"
        return replay(log, golden.parent.name)
    assert drive.simulated is not None, f"{golden.name} names neither a recording nor a simulated drive"
    return simulated(drive.simulated, golden.parent.name)


def simulated(asked: Simulated, vehicle: str) -> Outcome:
    drive = Drive(car(asked.car, odometer_m=asked.odometer_m), trace_of(asked.cycles, asked.style, asked.seed))
    wall = Wall(round(asked.start_utc.timestamp()) * NS, "recorded") if asked.start_utc else None
    if asked.requests_per_s:
        return live(answers(frames(drive, obd_requests_per_s=asked.requests_per_s, seed=asked.seed)), vehicle, wall)
    return live(frames(drive, max_frames_per_s=FRAMES_PER_S), vehicle, wall)


# -- comparing ---------------------------------------------------------------------------------------


def told(outcome: Outcome) -> dict[str, Any]:
    """What a drive came to, as JSON keeps it."""
    events = [{name: envelope[name] for name in TOLD if name in envelope} for envelope in outcome.envelopes]
    whole: dict[str, Any] = rounded({"heard": outcome.heard, "dropped": outcome.dropped, "events": events})
    return whole


def rounded(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, DIGITS)
    if isinstance(value, dict):
        return {key: rounded(each) for key, each in value.items()}
    return [rounded(each) for each in value] if isinstance(value, list) else value


ABSENT = object()


def differing(expected: Any, found: Any, where: str) -> Iterator[str]:
    """Where and how two JSON values differ."""
    if isinstance(expected, dict) and isinstance(found, dict):
        for key in sorted({*expected, *found}):
            yield from differing(expected.get(key, ABSENT), found.get(key, ABSENT), f"{where}.{key}".lstrip("."))
    elif isinstance(expected, list) and isinstance(found, list):
        for i in range(max(len(expected), len(found))):
            one, other = (side[i] if i < len(side) else ABSENT for side in (expected, found))
            yield from differing(one, other, f"{where}[{i}]")
    elif not is_same(expected, found):
        shown = ["nothing" if side is ABSENT else repr(side) for side in (expected, found)]
        yield f"{where}: {shown[0]} expected, {shown[1]} found"


def is_same(expected: Any, found: Any) -> bool:
    numbers = [isinstance(side, (int, float)) and not isinstance(side, bool) for side in (expected, found)]
    if all(numbers):
        return bool(found == pytest.approx(expected, rel=TOLERANCE, abs=10**-DIGITS))
    return type(expected) is type(found) and bool(expected == found)
