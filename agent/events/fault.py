"""FaultSet, FaultCleared: a trouble code that an ECU keeps, from answers that another tester asked for; the engine lamp too.

Each (ECU, kind, code) by itself, kind being stored, pending or permanent:

| state | an answer of this ECU and kind | becomes | raises |
|---|---|---|---|
| | names it | heard | |
| heard | names it APART_S or more after the first time | set | FaultSet |
| heard | (stored, permanent) names it, and the other of the two has named it as well | set | FaultSet |
| heard | leaves it out (of the lamp: twice, as below) | forgotten | |
| set | leaves it out | missing | |
| missing | names it | set | |
| missing | leaves it out again, APART_S or more after the first time | forgotten | FaultCleared |

A restart of the unit is as good as APART_S; no answer says nothing. The lamp is a code of kind `lamp`: PID 01's on names it,
off leaves it out. Which ECU said so is not known, and all but one always say off: an off within LAMP_S of an on is not heard.

A code set as stored or permanent that is to be looked at soon, or before driving on, is a Concern too; a pending one never:
the ECU itself waits for a second drive before it believes it. One Concern per code, whatever the ECUs and kinds;
settled when the last of them is cleared. Of many at once MAX_SAID are Concerns, and all that say stop. What comes and goes is
told every AGAIN_DAYS at most, unless it says stop: nothing here tells what healed by itself from what a tester cleared. Each
time is a fact, which the month's report counts.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import ClassVar, Literal, TypeAlias

import msgspec

from agent import signals
from agent.dtc import ADVICE, LAMP, Severity, describe, is_code
from agent.events.concern import Concern, ConcernSettled
from agent.model import NS, Context, Event, Rule, Setup, Value, derive_id
from agent.stitch import is_trusted

APART_S = 10  # a tester's burst of requests is over by then: the ECU was asked twice, not one answer heard twice
LAMP_S = 60  # testers ask for PID 01 at least as often, and then all ECUs answer within 50 ms (ISO 15765-4)
MAX_SAID = 10  # codes at once that a person hears of, and whatever says stop: a flat battery leaves dozens. All are facts, too
AGAIN_DAYS = 14  # a loose contact sets its code with every other drive, and who was told knows it
MAX_KEPT = 128  # no car has as many at once; what is beyond is not told, so that garbage cannot fill the state

Kind: TypeAlias = Literal["stored", "pending", "permanent", "lamp"]
KINDS: dict[str, Kind] = {
    signals.DTCS_STORED: "stored",
    signals.DTCS_PENDING: "pending",
    signals.DTCS_PERMANENT: "permanent",
}
OTHER: dict[Kind, Kind] = {"stored": "permanent", "permanent": "stored"}  # what bears it out at once
WORTH_SAYING: tuple[Severity, ...] = ("stop now", "soon")


class FaultSet(Event, frozen=True, kw_only=True, omit_defaults=True):
    """An ECU keeps `code` (SAE J2012; "MIL": the engine lamp is on). The car's own lamps say more, and sooner.

    `words` and `severity` are this unit's reading of the code; `ecu` is its arbitration id in hex, "" for the lamp.
    """

    importance: ClassVar[int] = 2
    urgent: ClassVar[bool] = True
    code: str
    kind: Kind
    ecu: str
    words: str
    severity: Severity
    first_utc_ns: int | None = None  # when an answer first named it


class FaultCleared(Event, frozen=True, kw_only=True, omit_defaults=True):
    """The code of the FaultSet `set_id` is no longer kept: mended, cleared with a tester, or healed by itself."""

    importance: ClassVar[int] = 3
    set_id: str
    code: str
    kind: Kind
    ecu: str
    first_utc_ns: int | None = None
    last_utc_ns: int | None = None  # when an answer last named it


class Moment(msgspec.Struct, frozen=True):
    """`utc_ns` None: nobody knew the date for sure."""

    boot_id: str
    t_ns: int
    utc_ns: int | None

    def is_apart(self, later: Moment) -> bool:
        return self.boot_id != later.boot_id or later.t_ns - self.t_ns >= APART_S * NS


class Kept(msgspec.Struct, frozen=True):
    """A code that is heard, set or missing."""

    ecu: str
    kind: Kind
    code: str
    first: Moment
    last: Moment  # the last answer that named it
    set_id: str | None = None  # the id of its FaultSet; None: heard only
    missing: Moment | None = None  # the first answer in a row that left it out


class FaultState(msgspec.Struct):
    kept: tuple[Kept, ...] = ()


class Fault(Rule):
    """See the module's table."""

    name: ClassVar[str] = "fault"
    signals: ClassVar[tuple[str, ...]] = (*KINDS, signals.IS_MIL_ON)
    raises: ClassVar[tuple[type[Event], ...]] = (FaultSet, FaultCleared, Concern, ConcernSettled)
    state: FaultState

    def __init__(self, setup: Setup) -> None:
        super().__init__(setup)
        self.state = FaultState()

    def sample(self, ctx: Context, signal: str, value: Value) -> Iterator[Event]:
        now = Moment(ctx.boot_id, ctx.t_ns, ctx.wall.utc_ns(ctx.t_ns) if is_trusted(ctx.wall) else None)
        if signal in KINDS:
            answer = signals.by_ecu(value)
            if answer is not None:
                ecu, codes = answer
                yield from self._heard(ctx, now, ecu, KINDS[signal], filter(is_code, codes))
        elif value is True:
            yield from self._heard(ctx, now, "", "lamp", (LAMP,))
        elif value is False and not self._lamp_is_fresh(now):
            yield from self._heard(ctx, now, "", "lamp", ())

    def _lamp_is_fresh(self, now: Moment) -> bool:
        """Whether an ECU has just said that the lamp is on: the others know nothing of it."""
        return any(
            k.kind == "lamp" and k.last.boot_id == now.boot_id and now.t_ns - k.last.t_ns < LAMP_S * NS for k in self.state.kept
        )

    def _heard(self, ctx: Context, now: Moment, ecu: str, kind: Kind, codes: Iterable[str]) -> Iterator[Event]:
        """One answer: what it names, and what it leaves out."""
        named = sorted(set(codes))
        others = [k for k in self.state.kept if (k.ecu, k.kind) != (ecu, kind)]
        own = {k.code: k for k in self.state.kept if (k.ecu, k.kind) == (ecu, kind)}
        missed = [k if k.missing else msgspec.structs.replace(k, missing=now) for k in own.values() if k.code not in named]
        gone = [k for k in missed if k.missing and k.missing.is_apart(now)]
        cleared = [k for k in gone if k.set_id]
        left = [k for k in missed if k not in gone and (k.set_id or kind == "lamp")]
        again = [
            msgspec.structs.replace(own[code], first=_dated(own[code].first, ctx), last=now, missing=None)
            for code in named
            if code in own
        ]
        new = [Kept(ecu, kind, code, now, now) for code in named if code not in own]
        before = self.state.kept
        self.state.kept = (*others, *left, *again, *new)[:MAX_KEPT]
        for fault in cleared:
            yield self._cleared(ctx, fault)
        yield from self._settled(ctx, cleared)
        yield from self._confirmed(ctx, now)
        yield from self._concerns(ctx, before)

    def _confirmed(self, ctx: Context, now: Moment) -> Iterator[Event]:
        """What has been heard only, and is borne out now."""
        found = {(k.ecu, k.kind, k.code) for k in self.state.kept}
        kept = []
        for k in self.state.kept:
            both = k.kind in OTHER and (k.ecu, OTHER[k.kind], k.code) in found
            is_new = k.set_id is None and (both or (k.last == now and k.first.is_apart(now)))
            kept.append(msgspec.structs.replace(k, set_id=derive_id(ctx.unit, "FaultSet", *_subject(k))) if is_new else k)
            if is_new:
                yield self._set(ctx, kept[-1])
        self.state.kept = tuple(kept)

    def _concerns(self, ctx: Context, before: tuple[Kept, ...]) -> Iterator[Event]:
        """A Concern for each code that has become one."""
        known = {k.code for k in before if _is_concern(k)}
        new = {k.code for k in self.state.kept if _is_concern(k)} - known
        stop = {code for code in new if describe(code).severity == "stop now"}
        for code in [*sorted(stop), *sorted(new - stop)[: max(0, MAX_SAID - len(known | stop))]]:
            sets = [k for k in self.state.kept if k.code == code and _is_concern(k)]
            words, severity = describe(code)
            yield Concern(
                id=derive_id(ctx.unit, "Concern", *(k.set_id for k in sets)),
                t_ns=ctx.t_ns,
                boot_id=ctx.boot_id,
                subject=f"fault {code}",
                kind="fault",
                says="fault",
                values={"code": code, "words": words, "severity": severity, "advice": ADVICE[severity]},
                rests_on=[k.set_id for k in sets if k.set_id],
                again_days=0 if code in stop else AGAIN_DAYS,
                utc_ns=sets[0].first.utc_ns,
            )

    def _settled(self, ctx: Context, cleared: list[Kept]) -> Iterator[Event]:
        still = {k.code for k in self.state.kept if _is_concern(k)}
        for code in sorted({k.code for k in cleared if _is_concern(k)} - still):
            yield ConcernSettled(
                id=derive_id(ctx.unit, "ConcernSettled", code, ctx.boot_id, ctx.t_ns),
                t_ns=ctx.t_ns,
                boot_id=ctx.boot_id,
                subject=f"fault {code}",
                why="no longer true",
            )

    def _set(self, ctx: Context, k: Kept) -> FaultSet:
        words, severity = describe(k.code)
        return FaultSet(
            id=k.set_id or "",
            t_ns=ctx.t_ns,
            boot_id=ctx.boot_id,
            code=k.code,
            kind=k.kind,
            ecu=k.ecu,
            words=words,
            severity=severity,
            first_utc_ns=k.first.utc_ns,
        )

    def _cleared(self, ctx: Context, k: Kept) -> FaultCleared:
        return FaultCleared(
            id=derive_id(ctx.unit, "FaultCleared", *_subject(k)),
            t_ns=ctx.t_ns,
            boot_id=ctx.boot_id,
            set_id=k.set_id or "",
            code=k.code,
            kind=k.kind,
            ecu=k.ecu,
            first_utc_ns=k.first.utc_ns,
            last_utc_ns=k.last.utc_ns,
        )


def _subject(k: Kept) -> tuple[str | int, ...]:
    """What an episode's id is derived from."""
    return k.ecu, k.kind, k.code, k.first.boot_id, k.first.t_ns


def _is_concern(k: Kept) -> bool:
    return k.set_id is not None and k.kind in OTHER and describe(k.code).severity in WORTH_SAYING


def _dated(first: Moment, ctx: Context) -> Moment:
    """The moment with the date that is known by now, if it is of this boot."""
    if first.utc_ns is not None or not is_trusted(ctx.wall) or first.boot_id != ctx.boot_id:
        return first
    return msgspec.structs.replace(first, utc_ns=ctx.wall.utc_ns(first.t_ns))
