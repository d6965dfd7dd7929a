"""The store's promise, kept over power cuts at a thousand points; and the same trial finds out every way to break it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from hil.powercut.cuts import cut, memory, recorded, shares, tried
from hil.powercut.day import Store, facts, live
from hil.powercut.disk import FOLDER, Mark, Op, Sync
from hil.powercut.history import HistoryError
from hil.powercut.recording import Recording
from hil.powercut.scenarios import NAME, SCENARIOS, few_traces
from tests.conftest import absent

POINTS = 1_200
FEW = 80  # of a store that is broken on purpose: a third of them show it; to mend a database takes it 0.1 s

LOG = f"{NAME}-wal"


@pytest.fixture(scope="module", autouse=True)
def strace() -> None:
    if shutil.which("strace") is None:
        absent("no strace: apt-get install strace")


@pytest.fixture(scope="module")
def place() -> Iterator[Path]:
    with memory() as folder:
        yield folder


@pytest.fixture(scope="module")
def day(place: Path) -> Recording:
    return recorded("a day", "full", place)


def test_the_day_has_what_it_is_for(tmp_path: Path) -> None:
    with few_traces():
        live(store := Store(tmp_path / NAME))
    came_to = facts(store)
    store.close()
    kinds = [event[1] for event in came_to["events"]]
    assert kinds.count("TripEnded") == len(came_to["trips"]) == 4
    assert (kinds.count("MilestoneReached"), kinds.count("ServiceDue")) == (1, 2)
    assert sorted(prompt[3] for prompt in came_to["prompts"]) == ["expired", "held", "released"]
    assert len(came_to["once"]) >= 2
    assert all(event[-1] for event in came_to["events"]), "acknowledged by the evening"
    assert [bool(trace.t_ns) for trace in came_to["traces"].values()] == [False, False, True, True]


def test_nothing_is_lost_damaged_doubled_or_done_in_part() -> None:
    reports = [cut(name, share) for name, share in shares(POINTS).items()]
    assert [finding for report in reports for finding in report.findings] == []
    assert sum(report.points for report in reports) >= 1_000
    for report in reports:
        assert report.points >= 50, report.scenario
        assert report.gone_on >= 5 or not SCENARIOS[report.scenario].lives_on, report.scenario
    assert {report.scenario for report in reports} == set(SCENARIOS)


# -- it finds out ----------------------------------------------------------------------------------


def test_without_syncs_files_are_damaged_and_rows_are_lost() -> None:
    report = cut("a day", FEW, "off")
    assert report.count("corrupt") + report.count("set aside") >= 5
    assert report.count("lost") >= 5
    assert report.rows_lost >= 20


def test_with_normal_syncs_rows_are_lost() -> None:
    report = cut("a day", FEW, "normal")
    assert report.count("lost") >= 10
    assert report.count("corrupt") == 0


@pytest.mark.parametrize(
    ("path", "kind"), [(LOG, "lost"), (NAME, "set aside"), (FOLDER, "lost")], ids=["log", "database", "folder"]
)
def test_a_disk_that_forgets_one_kind_of_sync(place: Path, day: Recording, path: str, kind: str) -> None:
    ops = [op for op in day.ops if not (isinstance(op, Sync) and op.path == path)]
    report = tried("a day", numbered(Recording(day.before, ops)), FEW, 0, place)
    assert any(finding.kind == kind for finding in report.findings)


def test_a_promise_made_before_its_sync(place: Path, day: Recording) -> None:
    """As a commit would that returned once its rows were written."""
    ops = list(day.ops)
    for at in range(len(ops) - 1):
        if isinstance(ops[at], Sync) and isinstance(ops[at + 1], Mark):
            ops[at], ops[at + 1] = ops[at + 1], ops[at]
    report = tried("a day", numbered(Recording(day.before, ops)), FEW, 0, place)
    assert report.count("lost") > 0


def test_a_promise_made_before_its_write(place: Path, day: Recording) -> None:
    """As a commit would that left the writing to another thread."""
    first = next(at for at, op in enumerate(day.ops) if isinstance(op, Mark) and '"events"' in op.text)
    before = max(at for at, op in enumerate(day.ops[:first]) if isinstance(op, Mark))
    ops = [*day.ops[: before + 1], day.ops[first], *day.ops[before + 1 : first], *day.ops[first + 1 :]]
    with pytest.raises(HistoryError, match="promised, but not there: event"):
        tried("a day", numbered(Recording(day.before, ops)), 1, 0, place)


def test_a_call_that_takes_two_transactions(place: Path, day: Recording) -> None:
    """As a commit would that wrote its states by themselves: what lies between is no state that may be found."""
    marks = [at for at, op in enumerate(day.ops) if isinstance(op, Mark)]
    gone = set(marks[2::2])
    ops = [op for at, op in enumerate(day.ops) if at not in gone]
    report = tried("a day", numbered(Recording(day.before, ops)), FEW, 0, place)
    assert report.count("in part") > 0


def numbered(recording: Recording) -> Recording:
    """Its syncs cover again what now stands before them."""
    ops: list[Op] = [Sync(op.path, at) if isinstance(op, Sync) else op for at, op in enumerate(recording.ops)]
    return recording._replace(ops=ops)
