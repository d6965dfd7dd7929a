"""NoticeMatched, NoticeSettled: recalls, software and bulletins that concern this car, from a signed catalogue.

| state | when | becomes | raises |
|---|---|---|---|
| | CatalogueReceived; the VIN or a calibration id is heard | judged | NoticeMatched, unless it does not concern this car |
| applies; a recall that the unit cannot judge | at once | raised | Concern |
| raised | PromptAnswered acknowledged, booked; NoticeSettled so | acknowledged, booked | |
| raised, booked | AppointmentChanged cancelled, missed | raised anew | Concern |
| booked | BELIEVED_DAYS without news of the appointment, by a clock to be trusted | raised anew | Concern |
| raised | its source words it otherwise | raised anew | NoticeMatched, Concern |
| acknowledged, booked | it weighs more now: it applies after all, or forbids to drive | raised anew | NoticeMatched, Concern |
| any | PromptAnswered done; NoticeSettled remedied; AppointmentChanged kept | remedied | ConcernSettled |
| remedied | NoticeSettled open: it was not so | raised anew | NoticeMatched, Concern |
| raised | software or a bulletin that the unit cannot judge any more | judged | NoticeMatched, ConcernSettled |
| any | it does not concern this car any more (other software) | over | NoticeMatched "does not", ConcernSettled |
| any | a complete catalogue of its source leaves it out | out, its progress kept | the same, `withdrawn` |
| over, out | it concerns this car again | judged | NoticeMatched |

Each source has its own catalogues: one that is older than the last of the same source is not heard. Of two that list the same
notice the first is heard, until it takes it back or the other's weighs more for this car. No news is not "no recalls":
`catalogues` tells how old the latest word of each is.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal, TypeAlias
from zoneinfo import ZoneInfo

import msgspec

from agent import signals
from agent.events.appointment import CONCERNS_KEPT, AppointmentChanged
from agent.events.appointment import told as prompts_of
from agent.events.concern import Concern, ConcernSettled, Why
from agent.events.message import Answer, PromptAnswered
from agent.localtime import DAY_NS, day_of
from agent.model import Context, Event, Rule, Setup, Value, derive_id
from agent.notices import Identity, Notice, NoticeKind, Verdict, judge
from agent.prompts.slots import BELIEVED_DAYS
from agent.stitch import is_trusted

KEPT = 200  # notices; no car has as many, and a catalogue for all cars is not for a unit
ECUS_KEPT = 32
SOURCES_KEPT = 16
TOLD = ""  # in place of an ECU: what keyoff.toml says of calibrations

Progress: TypeAlias = Literal["open", "acknowledged", "booked", "remedied"]
PROGRESS: tuple[Progress, ...] = ("open", "acknowledged", "booked", "remedied")
ANSWERED: dict[Answer, Progress] = {"acknowledged": "acknowledged", "booked": "booked", "done": "remedied"}


class CatalogueReceived(Event, frozen=True, kw_only=True, omit_defaults=True):
    """What its publisher knows as of `issued_utc_ns`; `complete`: what is not in it is not in force any more."""

    leaves: ClassVar[bool] = False
    urgent: ClassVar[bool] = True
    enterable: ClassVar[bool] = True
    source: Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
    issued_utc_ns: Annotated[int, msgspec.Meta(ge=0)]
    notices: list[Notice]
    complete: bool = False


class NoticeMatched(Event, frozen=True, kw_only=True, omit_defaults=True):
    """A notice concerns this car, or may: `missing` is what the unit would have to know. "does not": not any more, though it was
    said before; `withdrawn`, because its source has taken it back. `catalogue_utc_ns`: when its source's last word was made."""

    version: ClassVar[int] = 2
    importance: ClassVar[int] = 2
    urgent: ClassVar[bool] = True
    once: ClassVar[bool] = True
    notice: str
    kind: NoticeKind
    title: str
    verdict: Verdict
    do_not_drive: bool = False
    missing: list[str] = []
    withdrawn: bool = False
    source: str
    catalogue_utc_ns: int


class NoticeSettled(Event, frozen=True, kw_only=True, omit_defaults=True):
    """What came of it, as a person or a workshop says. open: it was not remedied after all."""

    version: ClassVar[int] = 2
    importance: ClassVar[int] = 2
    urgent: ClassVar[bool] = True
    enterable: ClassVar[bool] = True
    notice: str
    progress: Progress


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
    weight: int = 0  # of the latest Concern
    revision: int = 0  # how often it was worded or judged otherwise, or came back: it is matched anew then
    is_out: bool = False  # its source has taken it back
    affected: list[str] = []  # the ECUs that had the software which it is about
    booked_utc_ns: int | None = None  # when that was said last; None: by no clock to be trusted, until there is one
    concerns: tuple[str, ...] = ()  # the ids of them all, the last CONCERNS_KEPT: a prompt of months ago may still be answered


class NoticeState(msgspec.Struct):
    known: dict[str, Known] = {}
    catalogue_utc_ns: int | None = None  # the newest one
    catalogues: dict[str, int] = {}  # source → when its last one was made
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
        self.zone = ZoneInfo(setup.owner.timezone)
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
            case NoticeSettled(progress="open") if event.notice in self.state.known:
                yield from self._reopen(ctx, self.state.known[event.notice])
            case NoticeSettled() if event.notice in self.state.known:
                yield from self._progress(ctx, event.notice, event.progress)
            case PromptAnswered():
                for id, known in self.state.known.items():
                    if event.answer in ANSWERED and event.prompt_id in prompts_of(ctx, known.concerns):
                        yield from self._progress(ctx, id, ANSWERED[event.answer])
            case AppointmentChanged() if event.bookable in self.state.known:
                yield from self._appointment(ctx, event)

    def next_wake(self, ctx: Context) -> int | None:
        if not is_trusted(ctx.wall):
            return None
        now_ns = ctx.wall.utc_ns(ctx.t_ns)
        booked = [k.booked_utc_ns for k in self.state.known.values() if k.progress == "booked"]
        dated = [utc_ns for utc_ns in booked if utc_ns is not None and utc_ns <= now_ns]
        looks = (utc_ns + BELIEVED_DAYS * DAY_NS - ctx.wall.offset_ns for utc_ns in dated)
        return min(looks, default=None) if len(dated) == len(booked) else ctx.t_ns

    def wake(self, ctx: Context) -> Iterator[Event]:
        if not is_trusted(ctx.wall):
            return
        now_ns = ctx.wall.utc_ns(ctx.t_ns)
        for known in [k for k in self.state.known.values() if k.progress == "booked"]:
            if known.booked_utc_ns is None or known.booked_utc_ns > now_ns:  # by a clock that was ahead
                self._keep(msgspec.structs.replace(known, booked_utc_ns=now_ns))
            elif known.booked_utc_ns + BELIEVED_DAYS * DAY_NS <= now_ns:
                yield from self._unbooked(ctx, known)

    def _appointment(self, ctx: Context, event: AppointmentChanged) -> Iterator[Event]:
        known = self.state.known[event.bookable]
        match event.change:
            case "kept":
                yield from self._progress(ctx, event.bookable, "remedied")
            case "moved":
                yield from self._progress(ctx, event.bookable, "booked")
            case "cancelled" | "missed" if known.progress == "booked":
                yield from self._unbooked(ctx, known)

    def _unbooked(self, ctx: Context, known: Known) -> Iterator[Event]:
        """There is no appointment any more, or none that is to be believed."""
        is_open = self._keep(msgspec.structs.replace(known, progress="open"))
        if is_open.matched and weight_of(is_open):  # else it is over, or nobody has to hear of it
            yield self._raise(ctx, is_open)

    def _car(self, known: Known) -> Identity:
        """What is known of this car: keyoff.toml first, of calibrations what was heard. Those that keyoff.toml tells are all
        there are; of those heard that is known only where the ECU had what the notice is about."""
        told, vehicle, heard = self.setup.car, self.setup.vehicle, self.state.calibrations
        names = {vehicle.name, self.setup.profile} if vehicle.dbc or any(bus.dbc for bus in vehicle.bus.values()) else set()
        return Identity(
            profiles=frozenset(names - {""}),
            vin=told.vin or self.state.vin,
            make=told.make,
            model=told.model,
            year=told.year,
            calibrations=frozenset(id for ids in heard.values() for id in ids) or frozenset(told.calibrations),
            is_all=not heard or (bool(known.affected) and set(known.affected) <= {TOLD, *heard}),
        )

    def _receive(self, ctx: Context, catalogue: CatalogueReceived) -> Iterator[Event]:
        s, source = self.state, catalogue.source
        issued_utc_ns = catalogue.issued_utc_ns
        if is_trusted(ctx.wall):  # one from a day to come would shut out all that are made until then
            issued_utc_ns = min(issued_utc_ns, ctx.wall.utc_ns(ctx.t_ns))
        if source in s.catalogues and issued_utc_ns < s.catalogues[source]:
            return  # an older word does not undo a newer one
        others = [(each, utc_ns) for each, utc_ns in s.catalogues.items() if each != source]
        s.catalogues = dict([*others, (source, issued_utc_ns)][-SOURCES_KEPT:])
        s.catalogue_utc_ns = max(s.catalogues.values())
        new = {n.id: n for n in catalogue.notices}
        if catalogue.complete:
            for known in [k for id, k in s.known.items() if k.source == source and id not in new and not k.is_out]:
                yield from self._over(ctx, known, "no longer true", is_out=True)
        for notice in new.values():
            self._take(notice, source)
        yield from self._judge_all(ctx)
        self._forget()

    def _take(self, notice: Notice, source: str) -> None:
        known = self.state.known.get(notice.id)
        if known is None:
            self._keep(Known(notice, source))
            return
        if source != known.source and not known.is_out and weight_of(self._seen(Known(notice, source))) <= weight_of(known):
            return  # they would take turns for ever
        is_new = known.is_out or worded(notice) != worded(known.notice)
        kept = msgspec.structs.replace(known, notice=notice, source=source, is_out=False, revision=known.revision + is_new)
        self._keep(kept)

    def _forget(self) -> None:
        """What is beyond KEPT: first those that do not concern this car, the longest known before others."""
        known = self.state.known
        many = max(0, len(known) - KEPT)
        spare = sorted(known, key=lambda each: not known[each].is_out and known[each].verdict != "does not")[:many]
        self.state.known = {id: each for id, each in known.items() if id not in spare}

    def _judge_all(self, ctx: Context) -> Iterator[Event]:
        for known in [k for k in self.state.known.values() if not k.is_out]:
            seen = self._seen(known)
            is_new = bool(known.matched) and (seen.verdict, seen.missing) != (known.verdict, known.missing)
            seen = msgspec.structs.replace(seen, revision=seen.revision + is_new)
            yield from self._judged(ctx, self._keep(seen))

    def _seen(self, known: Known) -> Known:
        """As it is judged by what is known of the car now."""
        known = msgspec.structs.replace(known, affected=sorted({*known.affected, *self._affected(known.notice)}))
        verdict, missing = judge(known.notice.match, self._car(known))
        return msgspec.structs.replace(known, verdict=verdict, missing=missing)

    def _affected(self, notice: Notice) -> Iterator[str]:
        """The ECUs that have the software which it is about."""
        heard, wanted = self.state.calibrations, set(notice.match.calibrations)
        for ecu, ids in heard.items() if heard else [(TOLD, self.setup.car.calibrations)]:
            if wanted & set(ids):
                yield ecu

    def _judged(self, ctx: Context, known: Known) -> Iterator[Event]:
        if known.verdict == "does not":
            if known.matched:
                yield from self._over(ctx, known, "no longer true")
            return
        matched = self._matched(ctx, known, known.verdict)
        if known.progress == "remedied" or matched.id == known.matched:
            return
        known = self._keep(msgspec.structs.replace(known, matched=matched.id))
        yield matched
        weight = weight_of(known)
        if weight and (known.progress == "open" or weight > known.weight):
            yield self._raise(ctx, known)
        elif not weight and known.concern:
            self._keep(msgspec.structs.replace(known, concern="", weight=0))
            yield self._settled(ctx, known, "no longer true")

    def _matched(self, ctx: Context, known: Known, verdict: Verdict, *, withdrawn: bool = False) -> NoticeMatched:
        notice, missing = known.notice, known.missing if verdict == "cannot tell" else []
        return NoticeMatched(
            id=derive_id(ctx.unit, "NoticeMatched", notice.id, verdict, *missing, *([known.revision] if known.revision else [])),
            t_ns=ctx.t_ns,
            boot_id=ctx.boot_id,
            notice=notice.id,
            kind=notice.kind,
            title=notice.title,
            verdict=verdict,
            do_not_drive=notice.do_not_drive,
            missing=missing,
            withdrawn=withdrawn,
            source=known.source,
            catalogue_utc_ns=self._catalogue_utc_ns(known),
        )

    def _raise(self, ctx: Context, known: Known) -> Concern:
        notice, times = known.notice, known.times + 1
        applies = known.verdict == "applies"
        id = derive_id(ctx.unit, "Concern", "notice", notice.id, known.verdict, times)
        concerns = (*known.concerns, id)[-CONCERNS_KEPT:]
        weight = weight_of(known)
        progress: Progress = "booked" if known.progress == "booked" else "open"  # judged anew, and the appointment stands
        self._keep(msgspec.structs.replace(known, concern=id, times=times, weight=weight, concerns=concerns, progress=progress))
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
                "catalogue_day": day_of(self._catalogue_utc_ns(known), self.zone),
                "remedy": notice.remedy,
                "reference": notice.reference or notice.id,
                "missing": ", ".join(known.missing),
            },
            rests_on=[known.matched],
            urgency="safety" if applies and notice.do_not_drive else "usual",
            bookable=notice.id if applies and notice.kind == "recall" and not notice.over_the_air else None,
            utc_ns=ctx.wall.utc_ns(ctx.t_ns) if ctx.wall else None,
        )

    def _progress(self, ctx: Context, id: str, progress: Progress) -> Iterator[Event]:
        """Forward only: what is said late takes nothing back. That it is booked may be said again."""
        known = self.state.known[id]
        if PROGRESS.index(progress) < PROGRESS.index(known.progress) or progress == known.progress != "booked":
            return
        booked_utc_ns = ctx.wall.utc_ns(ctx.t_ns) if progress == "booked" and is_trusted(ctx.wall) else None
        known = self._keep(msgspec.structs.replace(known, progress=progress, booked_utc_ns=booked_utc_ns))
        if progress == "remedied" and known.concern:
            yield self._settled(ctx, known, "remedied")

    def _reopen(self, ctx: Context, known: Known) -> Iterator[Event]:
        """It is matched anew, under another id: whoever closed it with the last one opens it again."""
        if known.progress != "remedied":
            return
        revision = known.revision + 1
        known = self._keep(msgspec.structs.replace(known, progress="open", matched="", weight=0, revision=revision))
        if not known.is_out:
            yield from self._judged(ctx, known)

    def _over(self, ctx: Context, known: Known, why: Why, *, is_out: bool = False) -> Iterator[Event]:
        """It is no word about this car any more. Should it be one again, it is matched under another id."""
        if known.matched:
            yield self._matched(ctx, known, "does not", withdrawn=is_out)
        revision = known.revision + (not is_out)
        self._keep(msgspec.structs.replace(known, matched="", concern="", weight=0, is_out=is_out, revision=revision))
        if known.concern and known.progress != "remedied":
            yield self._settled(ctx, known, why)

    def _settled(self, ctx: Context, known: Known, why: Why) -> ConcernSettled:
        id = derive_id(ctx.unit, "ConcernSettled", known.concern, why)
        return ConcernSettled(id=id, t_ns=ctx.t_ns, boot_id=ctx.boot_id, subject=f"notice {known.notice.id}", why=why)

    def _catalogue_utc_ns(self, known: Known) -> int:
        """The last of its source; the newest of all where that is beyond SOURCES_KEPT."""
        return self.state.catalogues.get(known.source, self.state.catalogue_utc_ns or 0)

    def _keep(self, known: Known) -> Known:
        self.state.known = self.state.known | {known.notice.id: known}
        return known


def worded(notice: Notice) -> tuple[object, ...]:
    """What of it a person is told."""
    return notice.kind, notice.title, notice.remedy, notice.do_not_drive, notice.over_the_air


def weight_of(known: Known) -> int:
    """How much there is to say: 0 for what nobody has to hear."""
    if known.verdict == "applies":
        return 3 if known.notice.do_not_drive else 2
    return int(known.notice.kind == "recall" and known.verdict == "cannot tell")
