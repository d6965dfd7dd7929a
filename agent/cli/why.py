"""keyoff why: what the car has to say, what holds it back and until when, and what it deliberately did not say."""

from __future__ import annotations

import json
import sqlite3
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar
from zoneinfo import ZoneInfo

import click

from agent.cli.catalogues import lines
from agent.cli.load import config_option, json_option, load_config, look, now_utc_ns, store_file, store_option
from agent.cli.show import breakable, moment, table
from agent.notices import NoticeBook

if TYPE_CHECKING:
    from agent.config import Owner
    from agent.household import Driver
    from agent.model import Context
    from agent.prompts.state import Prompt, PromptState

S = TypeVar("S")
WIDTH = 80
LABEL = 12
ENDED_SHOWN = 5
TODAY = "today"
ANSWERS = ("acknowledged", "booked", "done", "wrong", "stopped")
NOTHING_YET = """\
No prompt: the car has nothing to say, and nothing to hold back.

One is made when a service item comes near or is due, when a control unit keeps
a trouble code that matters soon, when the 12 V battery rests too low, when a
recall, software or bulletin concerns this car, when a round reading is passed,
and when a month's report is ready."""


class View(NamedTuple):
    """What is known when somebody asks. `now_utc_ns` None: there is no clock."""

    state: PromptState
    ctx: Context
    owner: Owner
    now_utc_ns: int | None
    events: dict[str, tuple[str, int | None]]  # id → kind, when
    told: dict[str, dict[str, Any]]  # prompt id → its row in the store
    catalogues: dict[str, int] = {}  # source → when its last one was made, UTC ns

    @property
    def zone(self) -> str:
        return self.owner.timezone

    def driver(self, id: str) -> Driver:
        return self.ctx.household.find(id) or self.ctx.household.owner

    def name(self, id: str | None) -> str:
        found = self.ctx.household.find(id) if id else None
        return (found.name if found else "") or id or "owner"


@click.command(short_help="What is held back, by what, until when; what was not said.")
@click.argument("which", metavar="[PROMPT|today]", required=False)
@config_option
@store_option
@json_option
def command(which: str | None, config_path: Path, store_path: Path | None, as_json: bool) -> None:
    """Each prompt: what it is about, for whom, what holds it and until when, and what it rests on.

    \b
      keyoff why
      keyoff why 3f2a         one of them; the start of its id is enough
      keyoff why today        what was said today, what is held, and what was deliberately not said
    """
    view = open_view(config_path, store_path)
    if which == TODAY:
        found = today(view)
        click.echo(json.dumps(found, indent=2) if as_json else f"{today_text(found, view.zone)}\n\n{recalls_text(view)}")
        return
    prompts = view.state.prompts if which is None else (find_prompt(view.state, which),)
    told = [explain(view, p) for p in prompts]
    if as_json:
        click.echo(json.dumps(told, indent=2))
    elif not told:
        click.echo(f"{NOTHING_YET}\n\n{recalls_text(view)}")
    else:
        click.echo(all_text(told, view.zone) if which is None else text(told[0], view.zone))
        if which is None or told[0]["kind"] == "notice":
            click.echo(f"\n{recalls_text(view)}")


# -- what is known ---------------------------------------------------------------------------------


def open_view(config_path: Path, store_path: Path | None) -> View:
    """From the store and the clocks. Raises StoreError, ConfigError."""
    from agent.config import Owner
    from agent.events.habits import HabitsState
    from agent.events.household import HouseholdState
    from agent.events.prompt import PromptRule
    from agent.io import clock
    from agent.io.states import read
    from agent.io.store import store_error
    from agent.model import Context
    from agent.prompts.state import PromptState

    path = store_file(config_path, store_path)
    config = load_config(config_path) if config_path.exists() else None
    conn = look(path)
    try:
        states = read(conn)[0]
        state = decoded(states, "prompt", PromptState, PromptRule.state_version)
        events = dict(found_events(conn, state))
        told = {r["id"]: dict(r) for r in conn.execute("SELECT * FROM prompts ORDER BY raised_ns, id")}
    except sqlite3.Error as e:
        raise store_error(path, e) from e
    household = decoded(states, "household", HouseholdState).lent
    habits = decoded(states, "habits", HabitsState).lent
    t_ns, wall = clock.boottime_ns(), clock.wall()
    unit = config.unit.id if config else "replay"
    ctx = Context(t_ns, wall, unit, clock.boot_id(), None, household, habits)
    catalogues = decoded(states, "notice", NoticeBook).by_source()
    return View(state, ctx, config.owner if config else Owner(), wall.utc_ns(t_ns) if wall else None, events, told, catalogues)


def decoded(states: dict[str, tuple[int, bytes]], name: str, kind: type[S], version: int = 1) -> S:
    """A rule's state; a fresh one where there is none that this version can read, as the engine has it."""
    import msgspec

    found, body = states.get(name, (version, b""))
    try:
        return msgspec.json.decode(body, type=kind) if body and found == version else kind()
    except msgspec.MsgspecError:
        return kind()


def found_events(conn: sqlite3.Connection, state: PromptState) -> Iterator[tuple[str, tuple[str, int | None]]]:
    """What prompts rest on, as far as it is kept."""
    for id in {id for p in state.prompts for id in p.concern.rests_on}:
        row = conn.execute("SELECT kind, utc_ns FROM events WHERE id = ?", (id,)).fetchone()
        if row is not None:
            yield id, (row["kind"], row["utc_ns"])


def recalls_text(view: View) -> str:
    return "\n".join(
        textwrap.fill(f"recalls: {line}", WIDTH, subsequent_indent=" " * 9)
        for line in lines(view.catalogues, view.zone, now_utc_ns())
    )


def find_prompt(state: PromptState, start: str) -> Prompt:
    """The prompt whose id begins with `start`. Raises click.BadParameter when none or several do."""
    found = [p for p in state.prompts if p.id.startswith(start)]
    if len(found) != 1:
        raise click.BadParameter(
            f"{len(found) or 'no'} prompts begin with {start!r}; `keyoff why` lists them", param_hint="PROMPT"
        )
    return found[0]


# -- one prompt ------------------------------------------------------------------------------------


def explain(view: View, prompt: Prompt) -> dict[str, Any]:
    """All that is known of it; times in UTC ns, None where they are not known."""
    concern = prompt.concern
    until_utc_ns, until = held_until(view, prompt) if prompt.phase == "held" else (None, None)
    window = prompt.window_utc_ns if prompt.phase in ("released", "delivered") else None
    return {
        "id": prompt.id,
        "title": title(view, prompt),
        "about": concern.subject,
        "kind": concern.kind,
        "for": view.name(prompt.driver),
        "state": prompt.phase if prompt.phase != "over" else prompt.how,
        "is_over": prompt.phase == "over",
        "raised_utc_ns": prompt.raised_utc_ns(view.ctx),
        "held_by": list(prompt.held_by),
        "until": until,
        "until_utc_ns": until_utc_ns,
        "snoozed_until_utc_ns": snoozed_until_ns(view, prompt) if prompt.phase == "held" else None,
        "likely": likely(view, prompt) if prompt.phase == "held" else None,
        "window_utc_ns": list(window) if window else None,
        "rests_on": [
            {"id": id, "kind": view.events.get(id, (None, None))[0], "utc_ns": view.events.get(id, (None, None))[1]}
            for id in concern.rests_on
        ],
    }


def title(view: View, prompt: Prompt) -> str:
    """As it was or would be said; what it is about, where the words lack a value."""
    from agent import words
    from agent.prompts.moment import Person

    said = view.told.get(prompt.id, {}).get("title")
    if said:
        return breakable(said)
    person = Person(view.driver(prompt.driver), view.owner, view.ctx.habits, view.ctx.unit)
    utc_ns = prompt.raised_utc_ns(view.ctx)
    words_ = words.say(prompt.concern, person, prompt.held_by, utc_ns, view.now_utc_ns)
    return breakable(words_.title) if words_ else prompt.concern.subject


def held_until(view: View, prompt: Prompt) -> tuple[int | None, str]:
    """(until when, in words) what holds it now holds it."""
    from agent.model import NS
    from agent.prompts.hold import HOLD_S

    state = view.state
    match prompt.held_by[-1] if prompt.held_by else None:
        case "the ignition is on":
            return None, "until it is off, and ten minutes have passed since it came on"
        case "the ignition is not known":
            return None, "until the car tells it"
        case "the ignition came on less than ten minutes ago":
            return (state.wall.utc_ns(state.on_ns + HOLD_S * NS) if state.wall else None), "until ten minutes have passed"
        case "waiting for appointments":
            return None, "until they come, a day at most"
        case "no clock to be trusted":
            return None, "until the unit knows the time for sure"
        case "snoozed" | "it could not be shown in time":
            return prompt.until_utc_ns, "until then"
        case None:
            return None, "until the unit looks at it, at once"
    return None, "until their moment"


def snoozed_until_ns(view: View, prompt: Prompt) -> int | None:
    """Also what waits for a clock, reckoned from now."""
    from agent.localtime import DAY_NS

    if prompt.until_utc_ns is None and prompt.snoozed_days and view.now_utc_ns is not None:
        return view.now_utc_ns + prompt.snoozed_days * DAY_NS
    return prompt.until_utc_ns


def likely(view: View, prompt: Prompt) -> dict[str, Any] | None:
    """When it would be told if nothing else came: the rule's own reckoning, from now. None without a clock, and for what
    does not wait for a moment."""
    from agent.prompts.moment import Person
    from agent.prompts.offer import offers

    if view.now_utc_ns is None or prompt.concern.urgency == "safety":
        return None
    state, now_ns = view.state, max(view.now_utc_ns, snoozed_until_ns(view, prompt) or 0)
    person = Person(view.driver(prompt.driver), view.owner, view.ctx.habits, view.ctx.unit)
    parked_ns = state.parked_utc_ns(view.ctx, view.now_utc_ns)
    found = offers(state, person, prompt.driver, [prompt], parked_ns=parked_ns, now_ns=now_ns)
    told = next(offer.moment for offer in found if prompt in offer.prompts)
    return {"from_utc_ns": told.from_utc_ns, "until_utc_ns": told.until_utc_ns, "waits": list(told.waits)}


def text(told: dict[str, Any], zone: str) -> str:
    """One prompt, for a terminal."""
    rows = [
        ("about", f"{told['about']} ({told['kind']})"),
        ("for", told["for"]),
        ("raised", moment(told["raised_utc_ns"], zone) or "at an unknown time"),
        ("state", state_text(told, zone)),
    ]
    if told["state"] == "held":
        rows += [("held by", held_text(told, zone)), ("likely told", likely_text(told["likely"], zone))]
        if told["snoozed_until_utc_ns"] is not None:
            rows.insert(-1, ("put off", f"until {moment(told['snoozed_until_utc_ns'], zone)}"))
    earlier = told["held_by"][:-1] if told["state"] == "held" else told["held_by"]
    if earlier:
        rows.append(("before" if told["state"] == "held" else "was held by", "; then ".join(earlier)))
    rests_on = [f"{e['kind']} {moment(e['utc_ns'], zone) or '(no date)'}" if e["kind"] else e["id"][:8] for e in told["rests_on"]]
    rows.append(("rests on", "; ".join(rests_on)))
    head = textwrap.fill(f"{told['id'][:8]}  {told['title']}", WIDTH, subsequent_indent=" " * 10)
    return "\n".join([head, *(labelled(name, value) for name, value in rows)])


def labelled(name: str, value: str) -> str:
    return textwrap.fill(value, WIDTH, initial_indent=f"  {name:<{LABEL}}", subsequent_indent=" " * (LABEL + 2))


def state_text(told: dict[str, Any], zone: str) -> str:
    if told["is_over"]:
        return f"answered: {told['state']}" if told["state"] in ANSWERS else f"over: {told['state']}"
    if told["window_utc_ns"] is None:
        return str(told["state"])
    start, end = (moment(ns, zone) for ns in told["window_utc_ns"])
    return f"{told['state']}; to be shown from {start} to {end}"


def held_text(told: dict[str, Any], zone: str) -> str:
    by = told["held_by"][-1] if told["held_by"] else "nothing yet"
    at = moment(told["until_utc_ns"], zone)
    return f"{by}: until {at}" if at else f"{by}: {told['until']}"


def likely_text(found: dict[str, Any] | None, zone: str) -> str:
    if found is None:
        return "as soon as nothing holds it"
    why = f" ({', '.join(found['waits'])})" if found["waits"] else ""
    return f"not before {moment(found['from_utc_ns'], zone)}, were the car parked from now on{why}"


def all_text(told: list[dict[str, Any]], zone: str) -> str:
    """All that are under way, and the last that are over."""
    under_way = [t for t in told if not t["is_over"]]
    over = [t for t in told if t["is_over"]]
    parts = [text(t, zone) for t in under_way] or ["No prompt is under way."]
    if over:
        rows = [
            (t["id"][:8], textwrap.shorten(t["title"], 44, placeholder="…"), state_text(t, zone)) for t in over[-ENDED_SHOWN:]
        ]
        parts.append(table(("over", "", ""), rows))
    return "\n\n".join(parts)


# -- today -----------------------------------------------------------------------------------------


def today(view: View) -> dict[str, Any]:
    """What was said today, what is held, what was not said. Without a clock: all that is kept of it, and `day` is None."""
    from agent.localtime import day_of

    zone = ZoneInfo(view.zone)
    day = None if view.now_utc_ns is None else day_of(view.now_utc_ns, zone)

    def is_today(utc_ns: int | None) -> bool:
        return day is None or utc_ns is None or day_of(utc_ns, zone) == day

    told = {p.id: explain(view, p) for p in view.state.prompts}
    times = ("delivered_utc_ns", "not_before_utc_ns", "released_utc_ns")
    rows = [r for r in view.told.values() if r["released_ns"] is not None and r["state"] != "held"]
    said = [r for r in rows if any(is_today(r[name]) for name in times if r[name] is not None)]
    return {
        "day": day,
        "said": [
            {"id": r["id"], "title": breakable(r["title"] or r["topic"]), "for": view.name(r["driver"]), "state": r["state"]}
            | {name: r[name] for name in ("not_before_utc_ns", "not_after_utc_ns", "delivered_utc_ns")}
            for r in said
        ],
        "held": [t for t in told.values() if t["state"] == "held"],
        "not_said": [
            {"about": u.topic, "for": view.name(u.driver), "why": u.why, "utc_ns": u.utc_ns}
            for u in view.state.unsaid
            if is_today(u.utc_ns)
        ],
        "expired": [
            {
                "id": r["id"],
                "about": r["topic"],
                "for": view.name(r["driver"]),
                "why": ended(told, r["id"]),
                "utc_ns": r["ended_utc_ns"],
            }
            for r in view.told.values()
            if r["state"] == "expired" and is_today(r["ended_utc_ns"])
        ],
    }


def ended(told: dict[str, dict[str, Any]], id: str) -> str:
    """How a prompt ended, as far as the rule still knows it."""
    how = told[id]["state"] if id in told else "no longer true"
    return "a newer word about the same took its place" if how == "superseded" else str(how)


def today_text(found: dict[str, Any], zone: str) -> str:
    """Three lists, each saying when it is empty."""
    said = [f"{s['title']}, to {s['for']}: {said_text(s, zone)}" for s in found["said"]]
    held = [f"{t['title']}, for {t['for']}: {held_text(t, zone)}" for t in found["held"]]
    not_said = [f"{u['about']}, for {u['for']}: {u['why']}" for u in found["not_said"]]
    not_said += [f"{e['about']}, for {e['for']}: held until it was over: {e['why']}" for e in found["expired"]]
    return "\n".join(
        [
            found["day"] or "The date is not known; this is all that is kept.",
            *listed("said, or on its way", said, "Nothing."),
            *listed("held", held, "Nothing."),
            *listed("deliberately not said", not_said, "Nothing."),
        ]
    )


def said_text(said: dict[str, Any], zone: str) -> str:
    shown, start = moment(said["delivered_utc_ns"], zone), moment(said["not_before_utc_ns"], zone)
    when = f"shown {shown}" if shown else f"to be shown from {start}" if start else "to be shown at once"
    return when if said["state"] in ("released", "delivered") else f"{when}; {said['state']}"


def listed(name: str, lines: list[str], nothing: str) -> list[str]:
    return ["", f"{name}:", *(textwrap.fill(x, WIDTH, initial_indent="  ", subsequent_indent="    ") for x in lines or [nothing])]
