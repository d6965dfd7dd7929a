"""The disk that loses its power, and the reading of strace: literals in, images and operations out."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hil.powercut.disk import (
    FOLDER,
    Create,
    Disk,
    Fate,
    Mark,
    Op,
    Remove,
    Rename,
    Resize,
    Sync,
    Write,
    chance,
    extremes,
)
from hil.powercut.recording import RecordingError, operations

S = 512


def synced(path: str) -> Sync:
    return Sync(path, 1_000_000)


# -- what is safe ----------------------------------------------------------------------------------


def test_what_is_synced_is_safe_and_what_is_not_is_lost_or_kept() -> None:
    disk = Disk({"db": b"old"}, [Write("db", 0, b"new"), synced("db"), Write("db", 3, b"er"), Write("db", 5, b"!")])
    assert disk.image(Fate((False, False))) == {"db": b"new"}
    assert disk.image(Fate((True, False))) == {"db": b"newer"}
    assert disk.image(Fate((True, True))) == {"db": b"newer!"} == disk.running()
    assert disk.image(Fate((False, True))) == {"db": b"new\0\0!"}, "a later write may be there without an earlier one"
    assert disk.image(Fate((False, True), left=b"xy")) == {"db": b"newxy!"}


def test_the_sync_of_one_file_says_nothing_of_another() -> None:
    disk = Disk({"a": b"", "b": b""}, [Write("a", 0, b"1"), Write("b", 0, b"2"), synced("b")])
    assert disk.image(Fate((False,))) == {"a": b"", "b": b"2"}


def test_a_sync_covers_what_was_over_when_it_was_asked_for() -> None:
    disk = Disk({"a": b""}, [Write("a", 0, b"1"), Write("a", 1, b"2"), Sync("a", began=1)])
    assert disk.image(Fate((False,))) == {"a": b"1"}
    assert disk.image(Fate((True,))) == {"a": b"12"}


def test_a_name_is_safe_when_its_folder_is_synced() -> None:
    ops: list[Op] = [Create("db"), Write("db", 0, b"1"), synced("db")]
    disk = Disk({}, ops)
    assert disk.image(Fate(())) == {}
    assert disk.image(Fate((), names=1)) == {"db": b"1"}
    assert Disk({}, [*ops, synced(FOLDER)]).image(Fate(())) == {"db": b"1"}


def test_a_removed_file_may_still_be_there_until_the_folder_is_synced() -> None:
    ops: list[Op] = [Write("log", 0, b"new"), Remove("log"), Create("log"), Write("log", 0, b"x")]
    disk = Disk({"log": b"old"}, ops)
    assert disk.image(Fate((False, False))) == {"log": b"old"}
    assert disk.image(Fate((True, False))) == {"log": b"new"}
    assert disk.image(Fate((True, True), names=1)) == {}
    assert disk.image(Fate((True, True), names=2)) == {"log": b"x"} == disk.running()
    disk.apply(synced(FOLDER))
    assert disk.image(Fate((False,))) == {"log": b""}, "what was written to the old one is of no interest any more"


def test_a_renamed_file_is_the_old_or_the_new_one() -> None:
    disk = Disk({"a": b"1", "b": b"2"}, [Rename("a", "b")])
    assert disk.image(Fate(())) == {"a": b"1", "b": b"2"}
    assert disk.image(Fate((), names=1)) == {"b": b"1"}


def test_a_truncation_is_lost_or_kept_like_a_write() -> None:
    disk = Disk({"db": b"12345"}, [Resize("db", 2), Write("db", 2, b"x")])
    assert disk.image(Fate((False, True))) == {"db": b"12x45"}
    assert disk.image(Fate((True, False))) == {"db": b"12"}


def test_a_size_may_be_any_that_the_file_had_since_its_sync() -> None:
    disk = Disk({"db": b"1"}, [Write("db", 1, b"2"), Write("db", 2, b"3")])
    file = disk.names["db"]
    assert file.sizes == [1, 2, 3]
    assert disk.image(Fate((True, True), sizes={file: 2})) == {"db": b"12"}, "written, but the size is not"
    assert disk.image(Fate((True, False), sizes={file: 3})) == {"db": b"12\0"}, "the size is, but not what lies there"
    disk.apply(synced("db"))
    assert file.sizes == [3]


def test_a_torn_write_reached_some_of_its_sectors() -> None:
    data = b"a" * 12 + b"b" * S + b"c" * 20
    disk = Disk({"db": b"." * 3 * S}, [Write("db", S - 12, data)])
    first = disk.image(Fate((True,), torn={0: frozenset({0})}))["db"]
    assert first == b"." * (S - 12) + b"a" * 12 + b"." * 2 * S
    middle = disk.image(Fate((True,), torn={0: frozenset({1})}))["db"]
    assert middle == b"." * S + b"b" * S + b"." * S
    assert disk.image(Fate((True,), torn={0: frozenset({0, 1, 2})})) == disk.running()
    assert disk.image(Fate((True,), torn={0: frozenset()})) == disk.image(Fate((False,)))


# -- fates -----------------------------------------------------------------------------------------


def test_the_extreme_cases_are_among_the_fates() -> None:
    ops: list[Op] = [Create("a"), Write("a", 0, b"1"), Write("a", 1, b"2"), Write("a", 2, b"3" * S)]
    found = [(fate.kept, fate.names, dict(fate.torn)) for fate in extremes(Disk({}, ops))]
    assert found == [
        ((False, False, False), 0, {}),
        ((True, True, True), 1, {}),
        ((False, True, True), 1, {}),
        ((False, False, True), 1, {}),
        ((True, True, True), 1, {2: frozenset({0})}),
    ]


def test_with_nothing_unsynced_there_is_one_image() -> None:
    disk = Disk({"a": b"1"})
    assert {bytes(disk.image(fate)["a"]) for fate in [*extremes(disk), chance(disk, Random(1))]} == {b"1"}


def test_chance_comes_to_everything_and_the_same_seed_to_the_same() -> None:
    ops: list[Op] = [Write("a", n * S, bytes([65 + n]) * 2 * S) for n in range(3)]
    disk = Disk({"a": b""}, ops)
    images = [disk.image(chance(disk, Random(seed)))["a"] for seed in range(400)]
    assert images == [disk.image(chance(disk, Random(seed)))["a"] for seed in range(400)]
    assert len(set(images)) > 60
    assert {b"", bytes(disk.running()["a"])} < set(images)
    assert {0, 2 * S, 3 * S, 4 * S} <= {len(image) for image in images}


@given(st.lists(st.tuples(st.integers(0, 1500), st.binary(min_size=1, max_size=1200)), max_size=6), st.integers())
def test_a_byte_is_as_synced_or_as_written_or_what_was_left(writes: list[tuple[int, bytes]], seed: int) -> None:
    disk = Disk({"a": b"s" * 700}, [Write("a", offset, data) for offset, data in writes])
    fate = chance(disk, Random(seed))
    for at, byte in enumerate(disk.image(fate)["a"]):
        may_be = {data[at - offset] for offset, data in writes if offset <= at < offset + len(data)}
        assert byte in may_be | ({ord("s")} if at < 700 else {0, *fate.left})


# -- strace ----------------------------------------------------------------------------------------

AT = "AT_FDCWD</home>"


def read(*lines: str, before: tuple[str, ...] = ()) -> list[Op]:
    return operations(lines, Path("/d/store"), before)


def test_calls_are_read_as_operations() -> None:
    found = read(
        f'7  openat({AT}, "/d/store/db", O_RDWR|O_CREAT|O_CLOEXEC, 0644) = 4</d/store/db>',
        r'7  pwrite64(4</d/store/db>, "a\0\1\"\\\377) = 9", 11, 4096) = 11',
        "7  fdatasync(4</d/store/db>)         = 0",
        f'7  openat({AT}, "/d/store", O_RDONLY|O_CLOEXEC) = 6</d/store>',
        "7  fsync(6</d/store>)                = 0",
        "7  ftruncate(4</d/store/db>, 77824)  = 0",
        '7  write(5</d/marks>, "hello", 5)    = 5',
        '7  rename("/d/store/db", "/d/store/old") = 0',
        '7  unlink("/d/store/old")            = 0',
        "7  +++ exited with 0 +++",
    )
    assert found == [
        Create("db"),
        Write("db", 4096, b'a\0\1"\\\377) = 9'),
        Sync("db", 2),
        Sync(FOLDER, 3),
        Resize("db", 77824),
        Mark("hello"),
        Rename("db", "old"),
        Remove("old"),
    ]


def test_an_open_of_a_file_that_is_there_makes_none_but_may_empty_it() -> None:
    opened = f'7  openat({AT}, "/d/store/db", O_RDWR|O_CREAT, 0644) = 4</d/store/db>'
    assert read(opened, before=("db",)) == []
    assert read(opened.replace("O_CREAT", "O_TRUNC"), before=("db",)) == [Resize("db", 0)]
    assert read(opened, '7  unlink("/d/store/db") = 0', opened) == [Create("db"), Remove("db"), Create("db")]


def test_other_files_and_what_failed_are_left_out() -> None:
    assert not read(
        f'7  openat({AT}, "/etc/passwd", O_RDONLY) = 4</etc/passwd>',
        f'7  openat({AT}, "/d/store/db", O_RDONLY) = -1 ENOENT (No such file or directory)',
        '7  pwrite64(4</d/store/db-shm>, "x", 1, 0) = 1',
        '7  pwrite64(4</d/elsewhere/store/db>, "/d/store/db 4</d/store/db>", 26, 0) = 26',
        '7  unlink("/d/store/db-wal") = -1 ENOENT (No such file or directory)',
    )


def test_what_two_threads_do_is_put_in_the_order_in_which_it_was_over() -> None:
    found = read(
        "7  fdatasync(4</d/store/db> <unfinished ...>",
        '8  pwrite64(5</d/store/db>, "x", 1, 0 <unfinished ...>',
        "8  <... pwrite64 resumed>)           = 1",
        "7  <... fdatasync resumed>)          = 0",
        before=("db",),
    )
    assert found == [Write("db", 0, b"x"), Sync("db", began=0)], "the write was not over when the sync was asked for"


def test_a_short_write_is_taken_as_far_as_it_went() -> None:
    assert read('7  pwrite64(4</d/store/db>, "abc", 3, 0) = 2', before=("db",)) == [Write("db", 0, b"ab")]


@pytest.mark.parametrize(
    "line",
    [
        '7  pwrite64(4</d/store/db>, "abc"..., 9, 0) = 9',
        '7  write(4</d/store/db>, "abc", 3) = 3',
        '7  link("/d/store/db", "/d/store/db2") = 0',
        "7  copy_file_range(3</etc/passwd>, NULL, 4</d/store/db>, NULL, 8, 0) = 8",
    ],
)
def test_what_is_not_understood_is_an_error(line: str) -> None:
    with pytest.raises(RecordingError):
        read(line, before=("db",))
