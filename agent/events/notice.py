"""NoticeMatched, NoticeSettled: recalls, software and bulletins that concern this car, from a signed catalogue.

| state | when | becomes | raises |
|---|---|---|---|
| | CatalogueReceived; the VIN or a calibration id is heard | judged | NoticeMatched, unless it does not concern this car |
| applies; a recall that the unit cannot judge | at once | raised | Concern |
| raised | PromptAnswered acknowledged, booked; NoticeSettled so | acknowledged, booked | |
| raised, booked | AppointmentChanged cancelled, missed | raised anew | Concern |
| any | PromptAnswered done; NoticeSettled remedied | remedied | NoticeSettled, ConcernSettled |
| any | it does not concern this car any more (other software), or a complete catalogue leaves it out | over | ConcernSettled |

No news is not "no recalls": `catalogue_utc_ns` tells how old the latest word is.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar, Literal, TypeAlias

import msgspec

from agent import signals
from agent.events.appointment import AppointmentChanged
from agent.events.concern import Concern, ConcernSettled, Why
from agent.events.message import PromptAnswered
from agent.model import Context, Event, Rule, Setup, Value, derive_id
from agent.notices import Identity, Notice, NoticeKind, Verdict, judge

KEPT = 200  # notices; no car has as many, and a catalogue for all cars is not for a unit
ECUS_KEPT = 32

Progress: TypeAlias = Literal["open", "acknowledged", "booked", "remedied"]


class CatalogueReceived(Event, frozen=True, kw_only=True, omit_defaults=True):
    """What its publisher knows as of `issued_utc_ns`; `complete`: what is not in it is not in force any more."""

    leaves: ClassVar[bool] = False
    urgent: ClassVar[bool] = True
    enterable: ClassVar[bool] = True
    source: str
    issued_utc_ns: int
    notices: list[Notice]
    complete: bool = False


class NoticeMatched(Event, frozen=True, kw_only=True, omit_defaults=True):
    """A notice concerns this car, or may: `missing` is what the unit would have to know."""

    importance: ClassVar[int] = 2
    urgent: ClassVar[bool] = True
    once: ClassVar[bool] = True
    notice: str
    kind: NoticeKind
    title: str
    verdict: Literal["applies", "cannot tell"]
    do_not_drive: bool = False
    missing: list[str] = []
    source: str
    catalogue_utc_ns: int


class NoticeSettled(Event, frozen=True, kw_only=True, omit_defaults=True):
    """What came of it, as a person or a workshop says."""

    importance: ClassVar[int] = 2
    urgent: ClassVar[bool] = True
    enterable: ClassVar[bool] = True
    notice: str
    progress: Literal["acknowledged", "booked", "remedied"]


class Known(msgspec.Struct, frozen=True, omit_defaults=True):
    """A notice, and how far it has come."""

    notice: Notice
    source: str
    verdict: Verdict = "cannot tell"
    missing: list[str] = []
    progress: Progress = "open"
    matched: str = ""  # the id of the latest NoticeMatched
    concern: str = ""  # the id of the latest Concern
    times: int = 0  # how many concerns it had
    prompts: list[str] = []  # ids of the prompts that they became


class NoticeState(msgspec.Struct):
    known: dict[str, Known] = {}
    catalogue_utc_ns: int | None = None
    vin: str | None = None
    calibrations: dict[str, tuple[str, ...]] = {}  # by ECU


class NoticeRule(Rule):
    """See the module's table."""

    name: ClassVar[str] = "notice"
    signals: ClassVar[tuple[str, ...]] = (signals.VIN, signals.CALIBRATION_IDS)
    hears: ClassVar[tuple[type[Event], ...]] = (CatalogueReceived, NoticeSettled, PromptAnswered, AppointmentChanged)
    raises: ClassVar[tuple[type[Event], ...]] = (NoticeMatched, Concern, ConcernSettled)
    state: NoticeState

    def __init__(self, setup: Setup) -> None:
        super().__init__(setup)
        self.state = NoticeState()

    def sample(self, ctx: Context, signal: str, value: Value) -> Iterator[Event]:
        if not isinstance(value, str):
            return
        s = self.state
        if signal == signals.VIN and value != s.vin:
            s.vin = value
        elif signal == signals.CALIBRATION_IDS:
            found = signals.by_ecu(value)
            if found is None:
                return
            ecu, ids = found
            if s.calibrations.get(ecu) == ids or (ecu not in s.calibrations and len(s.calibrations) >= ECUS_KEPT):
                return
            s.calibrations = s.calibrations | {ecu: ids}
        else:
            return
        yield from self._judge_all(ctx)

    def event(self, ctx: Context, event: Event) -> Iterator[Event]:
        match event:
            case CatalogueReceived():
                yield from self._receive(ctx, event)
            case NoticeSettled() if event.notice in self.state.known:
                yield from self._progress(ctx, event.notice, event.progress)
            case PromptAnswered():
                for id, known in self.state.known.items():
                    if event.prompt_id in known.prompts and event.answer in ("acknowledged", "booked", "done"):
                        yield from self._progress(ctx, id, "remedied" if event.answer == "done" else event.answer)
            case AppointmentChanged(change="cancelled" | "missed") if event.bookable in self.state.known:
                known = self.state.known[event.bookable]
                if known.progress == "booked":
                    yield self._raise(ctx, known)

    @property
    def car(self) -> Identity:
        """What is known of this car: keyoff.toml first, then what was heard."""
        told = self.setup.car
        heard = frozenset(id for ids in self.state.calibrations.values() for id in ids)
        return Identity(
            profile=self.setup.vehicle.name,
            vin=told.vin or self.state.vin,
            make=told.make,
            model=told.model,
            year=told.year,
            calibrations=heard or frozenset(told.calibrations),
        )

    def _receive(self, ctx: Context, catalogue: CatalogueReceived) -> Iterator[Event]:
        s = self.state
        if s.catalogue_utc_ns is not None and catalogue.issued_utc_ns < s.catalogue_utc_ns:
            return  # an older word does not undo a newer one
        s.catalogue_utc_ns = catalogue.issued_utc_ns
        new = {n.id: n for n in catalogue.notices}
        gone = [id for id, k in s.known.items() if catalogue.complete and k.source == catalogue.source and id not in new]
        for id in gone:
            yield from self._over(ctx, s.known[id], "no longer true")
        for id, notice in new.items():
            known = s.known.get(id, Known(notice, catalogue.source))
            self._keep(msgspec.structs.replace(known, notice=notice, source=catalogue.source))
        s.known = dict(list(s.known.items())[-KEPT:])
        yield from self._judge_all(ctx)

    def _judge_all(self, ctx: Context) -> Iterator[Event]:
        for known in list(self.state.known.values()):
            verdict, missing = judge(known.notice.match, self.car)
            yield from self._judged(ctx, self._keep(msgspec.structs.replace(known, verdict=verdict, missing=missing)))

    def _judged(self, ctx: Context, known: Known) -> Iterator[Event]:
        notice = known.notice
        if known.verdict == "does not":
            if known.concern and known.progress != "remedied":
                yield from self._over(ctx, known, "no longer true", keep=True)
                self._keep(msgspec.structs.replace(known, matched="", concern=""))
            return
        matched = self._matched(ctx, known, known.verdict)
        if known.progress == "remedied" or matched.id == known.matched:
            return
        known = self._keep(msgspec.structs.replace(known, matched=matched.id))
        yield matched
        if known.verdict == "applies" or notice.kind == "recall":
            yield self._raise(ctx, known)

    def _matched(self, ctx: Context, known: Known, verdict: Literal["applies", "cannot tell"]) -> NoticeMatched:
        notice = known.notice
        assert self.state.catalogue_utc_ns is not None
        return NoticeMatched(
            id=derive_id(ctx.unit, "NoticeMatched", notice.id, verdict, *known.missing),
            t_ns=ctx.t_ns,
            boot_id=ctx.boot_id,
            notice=notice.id,
            kind=notice.kind,
            title=notice.title,
            verdict=verdict,
            do_not_drive=notice.do_not_drive,
            missing=known.missing,
            source=known.source,
            catalogue_utc_ns=self.state.catalogue_utc_ns,
        )

    def _raise(self, ctx: Context, known: Known) -> Concern:
        notice, times = known.notice, known.times + 1
        applies = known.verdict == "applies"
        id = derive_id(ctx.unit, "Concern", "notice", notice.id, known.verdict, times)
        told = [derive_id(ctx.unit, "prompt", id, d.id) for d in ctx.household.hearers(None)]
        self._keep(msgspec.structs.replace(known, concern=id, times=times, prompts=[*known.prompts, *told], progress="open"))
        says = f"notice_{notice.kind}" + ("_do_not_drive" if notice.do_not_drive else "")
        return Concern(
            id=id,
            t_ns=ctx.t_ns,
            boot_id=ctx.boot_id,
            subject=f"notice {notice.id}",
            kind="notice",
            says=says if applies else "notice_cannot_tell",
            values={
                "title": notice.title,
                "source": known.source,
                "published_day": notice.published_day,
                "remedy": notice.remedy,
                "reference": notice.reference or notice.id,
                "missing": ", ".join(known.missing),
            },
            rests_on=[known.matched],
            urgency="safety" if applies and notice.do_not_drive else "usual",
            bookable=notice.id if applies and notice.kind == "recall" and not notice.over_the_air else None,
            utc_ns=ctx.wall.utc_ns(ctx.t_ns) if ctx.wall else None,
            is_again=times > 1,
        )

    def _progress(self, ctx: Context, id: str, progress: Progress) -> Iterator[Event]:
        known = self._keep(msgspec.structs.replace(self.state.known[id], progress=progress))
        if progress == "remedied":
            yield from self._over(ctx, known, "remedied", keep=True)

    def _over(self, ctx: Context, known: Known, why: Why, *, keep: bool = False) -> Iterator[Event]:
        id = known.notice.id
        if not keep:
            self.state.known = {k: v for k, v in self.state.known.items() if k != id}
        if known.concern:
            settled = derive_id(ctx.unit, "ConcernSettled", known.concern, why)
            yield ConcernSettled(id=settled, t_ns=ctx.t_ns, boot_id=ctx.boot_id, subject=f"notice {id}", why=why)

    def _keep(self, known: Known) -> Known:
        self.state.known = self.state.known | {known.notice.id: known}
        return known
