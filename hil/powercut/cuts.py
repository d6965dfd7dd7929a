"""The power is cut at many points of a recording, and what is found then is held against what was promised."""

from __future__ import annotations

import contextlib
import hashlib
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from random import Random
from typing import Any, Literal, NamedTuple, TypeAlias, get_args

from hil.powercut.day import facts, live
from hil.powercut.disk import Disk, chance, extremes
from hil.powercut.history import History, HistoryError, State
from hil.powercut.opened import Rows, opened
from hil.powercut.recording import INDEX, Recording, record
from hil.powercut.scenarios import INDEX_BYTES, NAME, SCENARIOS, connecting, few_traces, indexes

ROOT = Path(__file__).resolve().parents[2]
MEMORY = Path("/dev/shm")  # where images are built if it is there: thousands of them would wear a card for nothing

Synchronous: TypeAlias = Literal["full", "normal", "off"]
Kind: TypeAlias = Literal["lost", "corrupt", "set aside", "duplicated", "in part", "goes on differently"]
KINDS: tuple[Kind, ...] = get_args(Kind)

TRIES = 4  # drawings for each point still wanted: few pending writes make few different images
INDEXED = 0.5  # the share of images with an index of the log; and of those, with the last
GO_ON = 10  # points of a scenario from which the day is lived to its end: a tenth of a second each
EXTREME = 0.5  # the share of the extreme cases among what is tried, while there are any


class Finding(NamedTuple):
    kind: Kind
    at: int  # operations of the recording that were over when the power went
    point: int
    what: str


class Report(NamedTuple):
    scenario: str
    operations: int
    points: int  # different images, or the same with more acknowledged before it
    gone_on: int  # of them, those from which the day was lived to its end
    rows_lost: int  # acknowledged rows that were missing or older, over all points
    findings: list[Finding]
    seconds: float

    def count(self, kind: Kind) -> int:
        """At how many points it was found."""
        return len({f.point for f in self.findings if f.kind == kind})


class Trial:
    """One recording, cut at many points."""

    def __init__(self, recording: Recording, within: Path, lives_on: bool) -> None:
        self.recording = recording
        self.within = within
        self.history = History(recording, within)
        self.tidy = self._lived(recording.before, self.history.states[0]) if lives_on else None
        self.findings: list[Finding] = []
        self.rows_lost = self.points = self.gone_on = 0
        self._seen: set[tuple[bytes, int]] = set()

    def run(self, points: int, random: Random) -> None:
        """Go along the recording, and stop for `points` cuts after operations drawn by chance."""
        wanted = Counter(random.randint(1, len(self.recording.ops)) for _ in range(points))
        disk = Disk(self.recording.before)
        owed = 0
        for op in self.recording.ops:
            disk.apply(op)
            owed += wanted[disk.at]
            for image in self._images(disk, owed, random):
                owed -= 1
                self._cut(image, disk.at, goes_on=self.points % max(1, points // GO_ON) == 0)

    def _images(self, disk: Disk, wanted: int, random: Random) -> Iterator[dict[str, bytes]]:
        """Up to `wanted` images that were not seen since the last promise."""
        promised = len(self.history.before(disk.at))
        known = self.recording.indexes[: sum(at <= disk.at for at in self.history.promises)]
        named = list(extremes(disk))
        random.shuffle(named)
        for _ in range(wanted * TRIES):
            if wanted <= 0:
                return
            image = disk.image(named.pop() if named and random.random() < EXTREME else chance(disk, random))
            if known and random.random() < INDEXED:
                image[f"{NAME}{INDEX}"] = known[-1] if random.random() < INDEXED else random.choice(known)
            key = (fingerprint(image), promised)
            if key not in self._seen:
                self._seen.add(key)
                yield image
                wanted -= 1

    def _cut(self, image: Mapping[str, bytes], at: int, goes_on: bool) -> None:
        self.points += 1
        with opened(image, self.within) as (store, found):
            self._find("corrupt", at, found.corrupt)
            self._find("set aside", at, sorted(found.files - self.history.files))
            self._find("duplicated", at, found.duplicated)
            if store is None:
                return
            state = self._recognised(self.history.comparable(found.rows), at)
            if state is not None and goes_on and self.tidy is not None:
                self.gone_on += 1
                live(store, state.piece)
                came_to = facts(store)
                differs = [what for what, expected in self.tidy.items() if came_to[what] != expected]
                self._find("goes on differently", at, differs)

    def _recognised(self, rows: Rows, at: int) -> State | None:
        """The state that was found; None, with a finding, when it is none that may be found here."""
        allowed = self.history.allowed(at)
        for state in allowed:
            if rows == state.rows:
                return state
        lost = [key for key in allowed[0].rows if rows.get(key) not in {state.rows.get(key) for state in allowed}]
        if lost:
            self.rows_lost += len(lost)
            self._find("lost", at, [f"{len(lost)} rows, as {lost[0]}"])
        if all(rows != state.rows for state in self.history.before(at)):
            self._find("in part", at, ["the tables are as they were after no transaction"])
        return None

    def _lived(self, image: Mapping[str, bytes], state: State) -> dict[str, Any]:
        """What the day comes to without a cut."""
        with opened(image, self.within) as (store, found):
            if store is None:
                raise HistoryError(f"before the recording: {found.corrupt[0]}")
            live(store, state.piece)
            return facts(store)

    def _find(self, kind: Kind, at: int, whats: list[str]) -> None:
        self.findings += [Finding(kind, at, self.points, what) for what in whats]


def fingerprint(image: Mapping[str, bytes]) -> bytes:
    found = hashlib.blake2b(digest_size=16)
    for name, data in sorted(image.items()):
        found.update(f"{name} {len(data)}\n".encode())
        found.update(data)
    return found.digest()


@contextlib.contextmanager
def memory() -> Iterator[Path]:
    """A folder for recordings and images."""
    with tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as place:
        yield Path(place).resolve()


def recorded(name: str, synchronous: Synchronous, place: Path) -> Recording:
    """A scenario, recorded in the empty folder `place`. Raises RecordingError."""
    folder = place / "store"
    folder.mkdir()
    with few_traces(), connecting("full"):
        SCENARIOS[name].before(folder / NAME)
    recording = record([sys.executable, "-m", "hil.powercut.scenarios", name, folder, synchronous], folder, ROOT)
    kept = indexes(place).read_bytes()
    return recording._replace(indexes=[kept[at : at + INDEX_BYTES] for at in range(0, len(kept), INDEX_BYTES)])


def tried(name: str, recording: Recording, points: int, seed: int, place: Path) -> Report:
    """The power cut at `points` points of a scenario's recording; images are built in `place`. Raises HistoryError."""
    started = time.monotonic()
    with few_traces(), SCENARIOS[name].under():
        trial = Trial(recording, place, SCENARIOS[name].lives_on)
        trial.run(points, Random(f"{seed} {name}"))
    return Report(
        scenario=name,
        operations=len(recording.ops),
        points=trial.points,
        gone_on=trial.gone_on,
        rows_lost=trial.rows_lost,
        findings=trial.findings,
        seconds=time.monotonic() - started,
    )


def cut(name: str, points: int, synchronous: Synchronous = "full", seed: int = 0) -> Report:
    """Record a scenario and cut the power at `points` of its points. Raises RecordingError, HistoryError."""
    with memory() as place:
        return tried(name, recorded(name, synchronous, place), points, seed, place)


def shares(points: int) -> dict[str, int]:
    """`points` among the scenarios, rounded up."""
    whole = sum(scenario.share for scenario in SCENARIOS.values())
    return {name: -(-points * scenario.share // whole) for name, scenario in SCENARIOS.items()}
