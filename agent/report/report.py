"""The Report: one person's month and their car's, as plain records whose JSON Schema is published.

Ids are pseudonymous, days local ("2026-10-26"), everything else in SI with the unit in the name. What is not known is absent.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

import msgspec

from agent.household import Language
from agent.report.compare import Others
from agent.report.driving import Driving, Economy
from agent.report.use import Use

CheckName: TypeAlias = Literal[
    "trouble codes", "12 V battery", "odometer", "service items", "recalls and notices", "brakes, tyres, lights and fluids"
]
CHECKS: tuple[CheckName, ...] = (
    "trouble codes",
    "12 V battery",
    "odometer",
    "service items",
    "recalls and notices",
    "brakes, tyres, lights and fluids",  # no signal of the car tells them: never checked, and always said so
)


class Check(msgspec.Struct, frozen=True, omit_defaults=True):
    """`day`: when it was last looked at."""

    what: CheckName
    is_checked: bool
    day: str | None = None


class Due(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A service item: how far it is away, and between which days that is likely. Negative `left_m`: overdue."""

    item: str
    left_m: float | None = None
    likely_day: str | None = None
    early_day: str | None = None
    late_day: str | None = None
    is_due: bool = False


class Notice(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """`state`: applies, cannot tell; acknowledged, booked."""

    id: str
    title: str
    state: str
    day: str | None = None


class Catalogue(msgspec.Struct, frozen=True, omit_defaults=True):
    """The last one of a source: the local day on which it was made, and how old it was; None: no clock told."""

    source: str
    made_day: str
    age_days: int | None = None


class Notices(msgspec.Struct, frozen=True, omit_defaults=True):
    """`age_days` of the newest catalogue; None: none ever came, and nothing is known. `catalogues`: the newest first."""

    age_days: int | None = None
    notices: list[Notice] = []
    catalogues: list[Catalogue] = []


class Correction(msgspec.Struct, frozen=True, omit_defaults=True):
    """A trip of a month that was reported already: it is now somebody else's."""

    month: str
    change: Literal["added", "removed"]
    distance_m: float | None = None


class CarTotals(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """All who drove it, `unknown` and guests too: it belongs to the car."""

    distance_m: float = 0.0
    fuel_l: float | None = None
    energy_kwh: float | None = None
    unknown_m: float = 0.0  # driven by nobody knows whom
    estimated: list[str] = []


class Gaps(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What is not known of the month."""

    unaccounted_m: float = 0.0  # the car counted it, and nobody saw it
    undated_trips: int = 0  # they are in no month
    undated_m: float = 0.0
    unsure_trips: int = 0  # one's own, dated by a clock that was not sure
    unobserved_share: float | None = None  # of the time of one's own trips
    unreadable_trips: int = 0  # their rows are damaged
    facts_left_out: int = 0


class Line(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """Something that happened to the car, or was said; fields as in Fact, with the local day."""

    kind: str
    what: str
    day: str | None = None
    times: int = 1
    title: str = ""
    state: str = ""
    reading_m: float | None = None
    about: bool = False
    severity: str = ""


class MonthValues(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """One bar of the year's charts."""

    month: str
    distance_m: float
    fuel_l_100km: float | None = None
    energy_kwh_100km: float | None = None


class Best(msgspec.Struct, frozen=True):
    """The best of so many months that are known, or the first of its kind."""

    what: Literal["first month", "longest trip", "longest day", "lowest fuel", "lowest energy"]
    value: float  # metres, or per 100 km; of the first month: 1
    months: int


class Ward(msgspec.Struct, frozen=True):
    """A driver under 18 who agreed, as they see it themselves."""

    driver: str
    now: Driving


class Relationship(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """The earned ledger: what this unit has been to this car, by its own tables. None: the unit cannot tell."""

    months: int
    first_day: str
    distance_m: float
    reports: int
    services_told: int
    services_before_beep: int | None = None
    recalls: int
    milestones: int
    prompts_sent: int
    prompts_wrong: int


class Report(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """One person's month, and their car's. Ids are pseudonymous, days local, everything else in SI; absent is not known.

    `made_by` says what made it: a machine, from the car's own signals.
    """

    month: str
    driver: str
    made_day: str | None
    timezone: str
    language: Language
    counts: Literal["km", "mi"]
    economy: Economy
    limit_kmh: float  # the household's own
    vehicle: str
    now: Driving
    car: CarTotals
    checks: list[Check]
    notices: Notices
    gaps: Gaps
    made_by: str = "keyoff, automatically, from this car's signals"
    is_of_unknown: bool = False  # nobody has a profile: `now` is of whoever drove
    before: Driving | None = None  # the month before
    year_ago: Driving | None = None
    days_m: list[float] = []  # one's own distance by day of the month
    year: list[MonthValues] = []  # the month and the twelve before it
    others: Others | None = None
    wards: list[Ward] = []
    seen_by: list[str] = []  # under 18: who sees this too
    use: Use | None = None  # for keepers
    use_share: float | None = None  # of the car's distance that `use` rests on
    health: list[Line] = []
    due: list[Due] = []
    milestones: list[Line] = []
    bests: list[Best] = []
    corrections: list[Correction] = []
    prompts: list[Line] = []
    relationship: Relationship | None = None
