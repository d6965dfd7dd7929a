"""Recordings: every format gives the same frames, and what cannot be read is counted, not fatal."""

from __future__ import annotations

import gzip
from pathlib import Path

import can
import pytest

from agent.io.buses.recording import Recording, RecordingError, stamp_ns
from agent.model import Frame, Sample

LINES = b"(1533198887.000000) can0 260#08FFFB0000001884\n(1533198887.000013) can0 18DAF110#02\n(1533198888.5) can1 0B4##1AABB\n"


def frames_of(recording: Recording) -> list[Frame]:
    return [f for chunk in recording.chunks() for f in chunk if isinstance(f, Frame)]


def samples_of(recording: Recording) -> list[Sample]:
    return [s for chunk in recording.chunks() for s in chunk if not isinstance(s, Frame)]


def write(tmp_path: Path, name: str, content: bytes) -> Path:
    path = tmp_path / name
    path.write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    return path


@pytest.mark.parametrize("name", ["a.log", "a.log.gz"])
def test_candump(tmp_path: Path, name: str) -> None:
    recording = Recording(write(tmp_path, name, LINES), ("powertrain", "body"))
    assert frames_of(recording) == [
        Frame(0x260, False, bytes.fromhex("08FFFB0000001884"), "powertrain", 0),
        Frame(0x18DAF110, True, b"\x02", "powertrain", 13_000),
        Frame(0xB4, False, b"\xaa\xbb", "body", 1_500_000_000),
    ]
    assert recording.wall is not None
    assert recording.wall.utc_ns(13_000) == 1_533_198_887_000_013_000
    assert recording.wall.quality == "recorded"


def test_one_bus_in_the_profile_takes_every_channel(tmp_path: Path) -> None:
    assert {f.bus for f in frames_of(Recording(write(tmp_path, "a.log", LINES), ("powertrain",)))} == {"powertrain"}


def test_comments_blank_lines_errors_and_garbage_are_left_out_and_counted(tmp_path: Path) -> None:
    bad = b"# a cold morning\n\n(x) can0 1#2\n(1.0) can0 20000004#0000000000000000\n(1.0) can0 123#R\n\xff\xfe\n(1.0) can0 12"
    recording = Recording(write(tmp_path, "a.log", LINES + bad), ())
    assert len(frames_of(recording)) == 3
    assert recording.skipped == 5


def test_a_truncated_file_gives_what_it_has(tmp_path: Path) -> None:
    whole = gzip.compress(LINES * 3000)
    path = tmp_path / "a.log.gz"
    path.write_bytes(whole[: len(whole) // 2])
    recording = Recording(path, ())
    assert 100 < len(frames_of(recording)) < 9000
    assert recording.torn


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("empty.log", b""),
        ("empty.log.gz", b""),
        ("binary.log", bytes(range(256)) * 50),
        ("empty.blf", b""),
        ("binary.asc", b"\x00\x01" * 99),
    ],
)
def test_nothing_readable_is_one_clear_error(tmp_path: Path, name: str, content: bytes) -> None:
    with pytest.raises(RecordingError, match="no frame or row can be read"):
        frames_of(Recording(write(tmp_path, name, content), ()))


def test_not_gzip_though_it_says_so(tmp_path: Path) -> None:
    path = tmp_path / "a.log.gz"
    path.write_bytes(LINES)
    with pytest.raises(RecordingError, match="Not a gzipped file"):
        frames_of(Recording(path, ()))


def test_unknown_format_and_missing_file(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match=r"known: \.log"):
        frames_of(Recording(write(tmp_path, "a.xyz", b"1"), ()))
    with pytest.raises(RecordingError) as missing:
        Recording(tmp_path / "no.log", ())
    assert missing.value.missing


@pytest.mark.parametrize("ending", ["asc", "blf", "trc", "csv", "db"])
def test_whatever_python_can_writes(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"a.{ending}"
    with can.Logger(path) as logger:
        for n in range(3):
            logger(
                can.Message(timestamp=1_600_000_000.0 + n, arbitration_id=0x100 + n, is_extended_id=False, data=[n, 1], channel=0)
            )
    got = frames_of(Recording(path, ("only",)))
    assert [(f.arbitration_id, f.is_extended, f.data) for f in got] == [(0x100 + n, False, bytes([n, 1])) for n in range(3)]
    assert got[-1].t_ns == pytest.approx(2e9, abs=2e6)


def test_csv_of_vss_columns(tmp_path: Path) -> None:
    text = b"\xef\xbb\xbfutc_s,Vehicle.Speed,Vehicle.LowVoltageSystemState,Vehicle.Cabin.Door.Row1.DriverSide.IsOpen\n"
    text += b"1600000000.25,50.5,ON,true\n1600000001.25,,,false\n1600000002.25,999,OFF,\nbroken\n"
    recording = Recording(write(tmp_path, "a.csv", text), ())
    assert samples_of(recording) == [
        (0, "Vehicle.Speed", 50.5),
        (0, "Vehicle.LowVoltageSystemState", "ON"),
        (0, "Vehicle.Cabin.Door.Row1.DriverSide.IsOpen", True),
        (1_000_000_000, "Vehicle.Cabin.Door.Row1.DriverSide.IsOpen", False),
        (2_000_000_000, "Vehicle.Speed", None),
        (2_000_000_000, "Vehicle.LowVoltageSystemState", "OFF"),
    ]
    assert recording.skipped == 1
    assert recording.wall is not None


def test_csv_of_an_identity(tmp_path: Path) -> None:
    text = b"t_s,Vehicle.Private.Access.KeyFob,Vehicle.Private.Access.PhoneTag\n0,1,true\n1,007,\n"
    assert samples_of(Recording(write(tmp_path, "a.csv", text), ())) == [
        (0, "Vehicle.Private.Access.KeyFob", "1"),
        (0, "Vehicle.Private.Access.PhoneTag", "true"),
        (1_000_000_000, "Vehicle.Private.Access.KeyFob", "007"),
    ]


def test_csv_without_a_date_has_no_wall_clock(tmp_path: Path) -> None:
    recording = Recording(write(tmp_path, "a.csv", b"t_s,Vehicle.Speed\n-1.5,1\n0,2\n"), ())
    assert [s[0] for s in samples_of(recording)] == [0, 1_500_000_000]
    assert recording.wall is None


def test_csv_with_a_column_nobody_knows(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match=r"'Vehicle\.Sped' is no signal"):
        samples_of(Recording(write(tmp_path, "a.csv", b"t_s,Vehicle.Sped\n0,1\n"), ()))


def test_chunks_are_short_in_time(tmp_path: Path) -> None:
    rows = b"t_s,Vehicle.Speed\n" + b"".join(b"%d,1\n" % t for t in range(100))
    sizes = [len(c) for c in Recording(write(tmp_path, "a.csv", rows), ()).chunks()]
    assert sum(sizes) == 100
    assert max(sizes) <= 3


def test_the_boot_id_is_the_content(tmp_path: Path) -> None:
    a, b = write(tmp_path, "a.log", LINES), write(tmp_path, "b.log", LINES)
    assert Recording(a, ()).boot_id == Recording(b, ()).boot_id
    b.write_bytes(LINES + LINES)
    assert Recording(a, ()).boot_id != Recording(b, ()).boot_id


@pytest.mark.parametrize(
    ("text", "ns"), [("0", 0), ("1.5", 1_500_000_000), ("1533198887.000013", 1_533_198_887_000_013_000), ("-0.25", -250_000_000)]
)
def test_stamps_are_exact(text: str, ns: int) -> None:
    assert stamp_ns(text) == ns
