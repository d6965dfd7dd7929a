"""The bench itself: that it measures all that it promises, says what it leaves out, and prints what a program can read."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from agent.model import NS, Frame
from hil.bench import cost, cycles, figures, hour, memory, memory_worker, recordings, runtime, startup
from hil.bench.__main__ import GROUPS, main, report
from hil.bench.figures import Figure, LeftOut, Place
from hil.opendbc import OpendbcError
from tests.conftest import absent

LINE = re.compile(r"FIGURE [a-z0-9_]+ -?[0-9.]+(e-?[0-9]+)? \S+ target \S+ (ok|short)")


@pytest.fixture
def place(drives: Path, tmp_path: Path) -> Place:
    return Place(drives, tmp_path)


def targeted(measured: list[Figure]) -> tuple[str, ...]:
    return tuple(figure.name for figure in measured if figure.target is not None)


@pytest.mark.parametrize(
    ("target", "good", "bad"),
    [
        (figures.at_most(0.5), (0.5, -1.0), (0.501,)),
        (figures.at_least(1), (1, 7), (0,)),
        (figures.exactly(27), (27,), (26, 28)),
        (figures.between(37.6, 38.6), (37.6, 38.6), (37.5, 38.7)),
        (figures.within(1003.8, 0.2), (1001.8, 1005.8), (1001.7, 1005.9)),
        (figures.rounded(54.90, 2), (54.902,), (54.91, 54.89)),
    ],
)
def test_targets(target: figures.Target, good: tuple[float, ...], bad: tuple[float, ...]) -> None:
    assert all(Figure("x", value, "s", target).ok for value in good)
    assert not any(Figure("x", value, "s", target).ok for value in (*bad, float("nan")))


def test_lines_are_for_a_program_to_read() -> None:
    target = figures.within(41.65, 0.5)
    assert Figure("css_distance_km", 41.64967, "km", target).line() == "FIGURE css_distance_km 41.6497 km target 41.65+-0.5% ok"
    assert Figure("css_distance_km", 40.0, "km", target).line() == "FIGURE css_distance_km 40 km target 41.65+-0.5% short"


def test_a_report_is_a_table_then_lines(capsys: pytest.CaptureFixture[str]) -> None:
    held = Figure("a", 1.0, "s", figures.at_most(2))
    told = Figure("b", 3.0, "MiB", None, "for information")
    report([held, told], [(cost.GROUP, "no recorded drives")])
    table, left_out, lines = capsys.readouterr().out.split("\n\n")
    assert re.search(r"b +3 +MiB +for information", table)
    assert left_out == f"Left out, no recorded drives: {', '.join(cost.GROUP.figures)}"
    assert lines == f"{held.line()}\n"


def test_without_drives_it_names_what_is_left_out_and_exits_0(tmp_path: Path) -> None:
    needing = [name for name, group in GROUPS.items() if group in (cost.GROUP, recordings.GROUP, hour.GROUP)]
    done = CliRunner().invoke(main, ["--drives", str(tmp_path), *needing])
    assert done.exit_code == 0
    assert done.output.count("KEYOFF_DRIVES") == 3
    assert all(name in done.output for name in (*cost.GROUP.figures, *recordings.GROUP.figures))
    assert "FIGURE" not in done.output


def test_all_of_the_recordings_figures_are_measured_and_hold(place: Place) -> None:
    measured = recordings.measure(place)
    assert targeted(measured) == recordings.GROUP.figures
    assert [figure.line() for figure in measured if not figure.ok] == []
    assert all(LINE.fullmatch(figure.line()) for figure in measured if figure.target)


def test_all_of_the_cycles_figures_are_measured() -> None:
    found = cycles.Distances(driven_m=1000.0, by_speed_m=1001.9, by_pid_m=985.1, truncation_m=10.0)
    measured = [figure for cycle in cycles.CYCLES for figure in cycles.figures_of(cycle, found)]
    assert targeted(measured) == cycles.GROUP.figures
    assert all(figure.ok for figure in measured)
    bad = cycles.Distances(driven_m=1000.0, by_speed_m=997.9, by_pid_m=1015.1, truncation_m=10.0)
    assert not any(figure.ok for figure in cycles.figures_of("nedc", bad))


def test_the_cost_of_a_frame_is_measured_part_by_part(place: Place) -> None:
    measured = cost.measure(place, repeats=1)
    assert targeted(measured) == cost.GROUP.figures
    assert all(LINE.fullmatch(figure.line()) for figure in measured if figure.target)
    assert all(figure.value > 0 for figure in measured)


def test_the_wanted_signals_are_all_decoded(place: Place) -> None:
    inputs = cost.load(place.recording(recordings.RAV4))
    assert inputs.frames == 53_800
    assert {path for chunk in inputs.samples for _, path, _ in chunk} == set(cost.WANTED)
    assert 0 < sum(map(len, inputs.unwanted)) < inputs.frames


def test_a_start_is_measured_to_its_first_frame(tmp_path: Path) -> None:
    try:
        config = startup.prepare(tmp_path / "ford")
    except OpendbcError as e:
        absent(str(e))
    again = [startup.first_frame(Path(sys.executable), config) for _ in range(2)][1]
    assert 0 < again.wall_s < startup.STARTS_WITHIN_S
    assert 0 < again.cpu_s < startup.STARTS_WITHIN_S
    assert 10 < again.memory_mib < 1000


def test_a_start_that_fails_says_why(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match=r"no such file"):
        startup.first_frame(Path(sys.executable), tmp_path / "keyoff.toml")


def test_an_hour_of_driving_is_told(place: Place) -> None:
    try:
        measured = hour.measure(place)
    except LeftOut as e:
        pytest.skip(str(e))
    assert targeted(measured) == hour.GROUP.figures == ()
    assert all(figure.value > 0 for figure in measured)


def test_memory_is_no_disk() -> None:
    lines = (
        "28 1 8:1 / / rw - ext4 /dev/sda1 rw",
        "30 28 0:25 / /tmp rw shared:2 - tmpfs tmpfs rw",
        "31 28 8:2 / /tmp/x rw - xfs /dev/sdb rw",
    )
    mounts = "\n".join(lines)
    assert hour.memory_below(Path("/tmp/here"), mounts) == "tmpfs"
    assert hour.memory_below(Path("/tmp/x/here"), mounts) is None
    assert hour.memory_below(Path("/home"), mounts) is None


def test_a_busy_bus_is_cut_into_what_the_daemon_would_be_handed() -> None:
    times_ns = [0, 1, NS // 5, 2 * NS - 1]
    bus = [Frame(0x18DAF110, True, bytes([n] * n), "can0", memory.FROM_NS + t_ns) for n, t_ns in enumerate(times_ns)]
    encoded = b"".join(map(memory.encoded, bus))
    pieces, size = memory_worker.pieces(encoded), memory_worker.RECORD.size
    assert pieces == [(0, 2 * size), (2 * size, size), (3 * size, size)]
    id, is_extended, size, data, t_ns = memory_worker.RECORD.unpack_from(encoded, pieces[-1].at)
    assert Frame(id, is_extended, data[:size], "can0", memory.FROM_NS + t_ns) == bus[-1]


def test_memory_is_measured_in_the_services_environment() -> None:
    assert memory.service_environment() == {
        "MALLOC_ARENA_MAX": "1",
        "MALLOC_MMAP_THRESHOLD_": "32768",
        "PYTHONTZPATH": "/usr/share/zoneinfo",
    }


def test_the_runtime_environment_is_what_a_unit_gets() -> None:
    asked = runtime.requirements()
    assert "python-can" in asked and "cantools" in asked
    assert "pytest" not in asked and "mypy" not in asked
