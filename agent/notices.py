"""Recalls, software and bulletins: what a catalogue says, and whether it concerns this car. Pure.

Three answers: it applies, it does not, or the unit cannot tell. A criterion that a notice does not have says nothing; one
that the unit knows nothing about leaves the answer open; one that is not met settles it. A notice without any criterion is
about no car in particular: the unit cannot tell.
"""

from __future__ import annotations

from typing import Literal, NamedTuple, TypeAlias

import msgspec

NoticeKind: TypeAlias = Literal["recall", "software", "bulletin"]
"""A closed list: an offer is none of them, and is refused as `not asked`."""

Verdict: TypeAlias = Literal["applies", "does not", "cannot tell"]

VIN_CHARS = 17
PREFIX_CHARS = 11  # of a VIN: maker, model, year and plant; the serial number follows (ISO 3779)


class VinRange(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Vehicles of one make: `prefix` as long as it is common to all, `?` for any character; serials inclusive, six characters."""

    prefix: str
    first: str = "000000"
    last: str = "ZZZZZZ"


class Match(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """All that is given must be met. Years are model years."""

    vins: list[VinRange] = []
    make: str | None = None
    model: str | None = None
    years: list[int] = []
    calibrations: list[str] = []  # the software that is affected, by calibration id (SAE J1979 service 09 PID 04)
    profiles: list[str] = []  # Keyoff's vehicle profiles


class Notice(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """`id` as its publisher numbers it; `title` and `remedy` are shown to the owner as they are."""

    id: str
    kind: NoticeKind
    title: str
    published_day: str
    match: Match
    remedy: str = ""
    reference: str = ""
    do_not_drive: bool = False
    over_the_air: bool = False  # nothing to book


class Identity(NamedTuple):
    """What is known of this car; None and empty: not known."""

    profile: str
    vin: str | None = None
    make: str | None = None
    model: str | None = None
    year: int | None = None
    calibrations: frozenset[str] = frozenset()


def judge(match: Match, car: Identity) -> tuple[Verdict, list[str]]:
    """Whether it concerns this car; with "cannot tell", what the unit would have to know."""
    answers = [
        ("vin", in_ranges(match.vins, car.vin) if match.vins else True, bool(match.vins)),
        ("make", same(match.make, car.make), match.make is not None),
        ("model", same(match.model, car.model), match.model is not None),
        ("year", car.year in match.years if car.year is not None else None, bool(match.years)),
        ("calibration", bool(car.calibrations & set(match.calibrations)) or _no(car.calibrations), bool(match.calibrations)),
        ("profile", car.profile in match.profiles, bool(match.profiles)),
    ]
    asked = [(name, answer) for name, answer, is_asked in answers if is_asked]
    if any(answer is False for _, answer in asked):
        return "does not", []
    missing = [name for name, answer in asked if answer is None]
    return ("cannot tell", missing) if missing or not asked else ("applies", [])


def _no(known: frozenset[str]) -> bool | None:
    """None of those known is affected; where none is known, that is not known either."""
    return False if known else None


def same(wanted: str | None, known: str | None) -> bool | None:
    return None if known is None or wanted is None else wanted.strip().casefold() == known.strip().casefold()


def in_ranges(ranges: list[VinRange], vin: str | None) -> bool | None:
    if vin is None or len(vin) != VIN_CHARS:
        return None
    serial = vin[PREFIX_CHARS:]
    return any(
        len(r.prefix) <= PREFIX_CHARS
        and all(want in ("?", has) for want, has in zip(r.prefix.upper(), vin, strict=False))
        and r.first.upper() <= serial <= r.last.upper()
        for r in ranges
    )
