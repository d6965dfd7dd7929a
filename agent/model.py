"""The words of the house: Frame, Sample, Wall, Event; the contracts of a rule and of a metric.

Pure: nothing here reads a clock, a file or a socket. `t_ns` is always nanoseconds of the unit's
boot clock (CLOCK_BOOTTIME; in a replay, nanoseconds since the log's first frame).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, ClassVar, Literal, NamedTuple, TypeAlias

import msgspec

from agent.config import CarConfig
from agent.habits import Habits
from agent.household import Household

if TYPE_CHECKING:
    from agent.config import Owner, Service
    from agent.style.who import Styles
    from agent.vehicle import Vehicle

Value: TypeAlias = float | int | bool | str | None
"""A signal's value; None says "known to be unknown" (not available, out of range)."""

Sample: TypeAlias = tuple[int, str, Value]
"""(t_ns, VSS path, value): one signal, one value, one time. A plain tuple: it is made 1,000 times a second."""

NS = 1_000_000_000


class Frame(msgspec.Struct, frozen=True, gc=False):
    """One CAN frame as it was on a bus. A Struct: thousands are made a second, at a fifth of a NamedTuple's cost."""

    arbitration_id: int
    is_extended: bool
    data: bytes
    bus: str  # the bus's name in the vehicle's profile
    t_ns: int


ClockQuality: TypeAlias = Literal["synchronised", "recorded", "unsure", "none"]


TRUSTED: tuple[ClockQuality, ...] = ("synchronised", "recorded")  # more than the unit's own word for it


class Wall(NamedTuple):
    """What the shell knows of the wall clock: UTC in ns = t_ns + offset_ns."""

    offset_ns: int
    quality: ClockQuality

    def utc_ns(self, t_ns: int) -> int:
        return t_ns + self.offset_ns


class Event(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A fact that may leave the vehicle, named in the past tense. Subclasses hold its data.

    `id` is derived (see `derive_id`), so that a replay, a crash and a second delivery are harmless.
    """

    version: ClassVar[int] = 1
    importance: ClassVar[int] = 5  # 0 goes first and is shed last; 9 goes last
    urgent: ClassVar[bool] = False  # committed at once, not with the next routine commit
    leaves: ClassVar[bool] = True  # False: heard by rules and kept on the unit only
    once: ClassVar[bool] = False  # exactly once for ever: its id outlives every retention
    enterable: ClassVar[bool] = False  # a person may enter it: on the unit's command line, or by a signed command
    by_hand: ClassVar[bool] = False  # only on the unit's command line: it says what a person saw there

    id: str
    t_ns: int  # when it became true
    boot_id: str


def derive_id(unit: str, kind: str, *subject: object) -> str:
    """An id that the same fact always gets: 32 hex digits of the SHA-256 over unit, kind and subject.

    An episode's subject is (boot id, start); a milestone's or a notice's is the subject alone.
    """
    text = "\x1f".join([unit, kind, *map(str, subject)])
    return hashlib.sha256(text.encode()).hexdigest()[:32]


class Area(NamedTuple):
    """The time integral of a signal over one step, its positive and negative parts apart.

    Unit: the signal's unit times seconds. `seen_s`: how much of the step had a fresh value.
    """

    positive: float
    negative: float
    seen_s: float


class Step(NamedTuple):
    """One second of the engine's 1 Hz grid, with speed known throughout; shorter at the ends of a stretch.

    Speeds lie on a fixed grid (interpolated between samples), so that what is made of them does
    not depend on the sampling rate.
    """

    t_ns: int  # the step's end
    dt_s: float  # 1.0, or less at the ends of an observed stretch
    v0_ms: float
    v1_ms: float
    distance_m: float  # the exact trapezoid over the speed samples, not over the grid
    follows: bool  # the step before ended where this one begins: no gap between them
    v5_ms: tuple[float, ...]  # speeds on the 5 Hz grid inside (start, end]; five of them in a whole step
    speed_samples: int  # how many samples of Vehicle.Speed fell into the step
    get: Callable[[str], Value]  # a signal's value now; None when unknown or stale
    area: Callable[[str], Area]  # a signal's integral over the step (only for what metrics integrate)


class Span(NamedTuple):
    """The trip as its rule sees it when a metric is asked for its result."""

    start_ns: int
    end_ns: int
    wall: Wall | None
    observed_s: float  # seconds with speed known


Number: TypeAlias = float | int
Result: TypeAlias = Number | dict[str, Any]
"""What a metric gives: a number, or nested dicts of numbers (bands, histograms)."""


def add(a: Any, b: Any) -> Any:
    """The sum of two results: numbers add, dicts add key by key."""
    if isinstance(a, dict) and isinstance(b, dict):
        return {k: add(a[k], b[k]) if k in a and k in b else a.get(k, b.get(k)) for k in [*a, *(k for k in b if k not in a)]}
    return a + b


class Metric:
    """One summary number of a trip; one file each under `agent/metrics/`, named as the metric with its unit.

    `state` is all it remembers: a JSON value (so that it survives a power cut). A sum by nature, so that
    a driver's day, month and household are addition; what is no sum overrides `combine`.
    """

    signals: ClassVar[tuple[str, ...]] = ()  # VSS paths read through Step.get
    integrals: ClassVar[tuple[str, ...]] = ()  # VSS paths read through Step.area

    def __init__(self, vehicle: Vehicle, owner: Owner) -> None:
        self.vehicle = vehicle
        self.owner = owner
        self.state: Any = self.initial()

    def initial(self) -> Any:
        """The state at the start of a trip."""
        return None

    def step(self, step: Step) -> None:
        """Fold one step of the grid into the state."""

    def result(self, span: Span) -> Result | None:
        """The trip's number so far; None when it is not known."""
        raise NotImplementedError

    def is_estimated(self) -> bool:
        """Whether the result is an estimate, to be told with it."""
        return False

    @staticmethod
    def combine(a: Any, b: Any) -> Any:
        """Two results of this metric, the earlier first, as one."""
        return add(a, b)


class Setup(NamedTuple):
    """What does not change while the agent runs; every rule is made from it."""

    unit: str
    vehicle: Vehicle
    owner: Owner
    services: tuple[Service, ...] = ()
    car: CarConfig = CarConfig()
    profile: str = ""  # the vehicle's, by the name of its file


class Context(NamedTuple):
    """What the engine hands a rule with each call."""

    t_ns: int
    wall: Wall | None
    unit: str
    boot_id: str
    last_ns: int | None  # the last sample of any wanted signal: the bus is alive
    household: Household = Household()  # lent by the rule `household`
    habits: Habits = Habits()  # lent by the rule `habits`
    driver_style: Styles | None = None  # lent by the rule of that name; None: nobody keeps any


class Rule:
    """Raises events from samples, from the grid's steps, from other rules' events, and from time going by.

    Rules never call each other: they hear each other's events, breadth-first, sorted by name, without cycles.
    `state` is one msgspec Struct whose fields are replaced, never mutated in place: when a rule throws, the
    engine puts the state from before the call back. It is written with each commit and read back at start.
    """

    name: ClassVar[str]
    state_version: ClassVar[int] = 1
    lends: ClassVar[bool] = False  # its state has a field `lent`, which all rules see in the context under the rule's name
    signals: ClassVar[tuple[str, ...]] = ()
    hears: ClassVar[tuple[type[Event], ...]] = ()
    raises: ClassVar[tuple[type[Event], ...]] = ()
    state: Any

    def __init__(self, setup: Setup) -> None:
        self.setup = setup

    def sample(self, ctx: Context, signal: str, value: Value) -> Iterable[Event]:
        return ()

    def step(self, ctx: Context, step: Step) -> Iterable[Event]:
        """A second of the grid. It brings `next_wake` no nearer unless it raises an event."""
        return ()

    def event(self, ctx: Context, event: Event) -> Iterable[Event]:
        return ()

    def wake(self, ctx: Context) -> Iterable[Event]:
        return ()

    def next_wake(self, ctx: Context) -> int | None:
        """The earliest t_ns at which this rule wants `wake`; None for never."""
        return None

    def snapshot(self) -> Any:
        """What is written: a value that msgspec can encode."""
        return self.state

    def restore(self, body: bytes, ctx: Context) -> None:
        """Take up what `snapshot` gave, perhaps in an earlier boot (`ctx.boot_id` is this one's)."""
        self.state = msgspec.json.decode(body, type=type(self.state))
