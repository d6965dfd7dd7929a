"""keyoff status: how the unit is, in one screen."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from agent.cli.catalogues import counted, lines
from agent.cli.load import config_option, json_option, look, now_utc_ns, store_file, store_option
from agent.cli.show import breakable, distance, moment
from agent.cli.trips import owner_view
from agent.cli.why import decoded
from agent.io.checkpoints import HELD_BYTES, log_bytes
from agent.io.states import read
from agent.notices import NoticeBook

UNDER_WAY = "coalesce(state, 'held') IN ('held', 'snoozed', 'released', 'delivered')"
OVER_SHOWN = 3  # prompts are kept for ever: of those that are over, the last ones
PROMPTS = (
    f"SELECT * FROM prompts WHERE {UNDER_WAY} OR id IN "
    f"(SELECT id FROM prompts WHERE NOT {UNDER_WAY} ORDER BY ended_utc_ns DESC LIMIT ?) ORDER BY raised_utc_ns, raised_ns"
)


@click.command(short_help="How the unit is.")
@config_option
@store_option
@json_option
def command(config_path: Path, store_path: Path | None, as_json: bool) -> None:
    """Trip under way, trips kept, odometer, what waits for the cloud, prompts held and released, how old the latest
    word about recalls is, what was dropped."""
    path = store_file(config_path, store_path)
    facts = gather(path)
    if as_json:
        click.echo(json.dumps(facts, indent=2))
        return
    zone, counts = owner_view(config_path)
    reading = facts["odometer"].get("reading_m")
    latest = facts["last_trip_ended_utc_ns"]
    click.echo(f"store        {path} ({facts['store_bytes'] / 1e6:.1f} MB)")
    if facts["log_bytes"] > HELD_BYTES:
        log = (
            f"its log has grown to {facts['log_bytes'] / 1e6:.1f} MB: another program (a database shell?) holds it open; end that"
        )
        click.echo(textwrap.fill(log, 80, initial_indent=" " * 13, subsequent_indent=" " * 13))
    click.echo(f"trip         {'under way' if facts['trip_phase'] in ('driving', 'stopping') else 'none under way'}")
    click.echo(
        f"trips kept   {facts['trips']}, the last ended {moment(latest, zone) or 'at an unknown time'}"
        if facts["trips"]
        else "trips kept   none"
    )
    click.echo(f"odometer     {distance(reading, counts) or 'unknown'} ({facts['odometer']['source']})")
    click.echo(f"events       {facts['events']}, {facts['unacknowledged']} not acknowledged by the broker")
    for p in facts["prompts"]:
        line = f"prompt       {breakable(p['title'] or p['topic'])}: {prompt_state(p, zone)}"
        click.echo(textwrap.fill(line, 80, subsequent_indent=" " * 13))
    if facts["prompts"]:
        click.echo("             keyoff why tells more of each")
    notices = facts["notices"]
    if notices["applies"] or notices["cannot tell"]:
        click.echo(f"notices      {notices['applies']} of this car, {notices['cannot tell']} that the unit cannot judge")
    label = "recalls      "
    for line in lines(notices["catalogues_utc_ns"], zone, now_utc_ns()):
        click.echo(f"{label}{line}")
        label = " " * len(label)
    for what, n in facts["dropped"].items():
        click.echo(f"dropped      {what}: {n}")


def gather(path: Path) -> dict[str, Any]:
    """The facts, from the store alone: it tells the same whether the daemon runs or not."""
    conn = look(path)
    kept = read(conn)[0]
    states = {name: json.loads(body) for name, (_, body) in kept.items()}
    health = conn.execute("SELECT body FROM events WHERE kind = 'HealthReported' ORDER BY seq DESC LIMIT 1").fetchone()
    trips = conn.execute("SELECT count(*), max(end_utc_ns) FROM trips WHERE kind != 'unaccounted'").fetchone()
    odometer = states.get("odometer", {})
    book = decoded(kept, "notice", NoticeBook)
    is_known = odometer.get("source", "none") != "none"
    return {
        "store_bytes": path.stat().st_size,
        "log_bytes": log_bytes(path),
        "trip_phase": states.get("trip", {}).get("phase", "parked"),
        "trips": trips[0],
        "last_trip_ended_utc_ns": trips[1],
        "odometer": {k: odometer[k] for k in ("source", "reading_m", "error_m")} if is_known else {"source": "none"},
        "events": conn.execute("SELECT count(*) FROM events").fetchone()[0],
        "unacknowledged": conn.execute("SELECT count(*) FROM events WHERE acked = 0").fetchone()[0],
        "prompts": [dict(r) for r in conn.execute(PROMPTS, (OVER_SHOWN,))],
        "notices": {**counted(book), "catalogues_utc_ns": book.by_source()},
        "dropped": json.loads(health["body"])["counts"] if health else {},
    }


def prompt_state(row: Mapping[str, Any], zone: str) -> str:
    """What has become of a prompt, in a few words."""
    match row["state"]:
        case "released":
            start = moment(row["not_before_utc_ns"], zone)
            return f"{'sent' if row['published'] else 'to be sent'}, to be shown {f'from {start}' if start else 'at once'}"
        case "delivered":
            return f"shown {moment(row['delivered_utc_ns'], zone) or 'at an unknown time'}"
        case "held" | None:
            return f"held: {(row['held_by'] or 'not looked at yet').split('; ')[-1]}"
    ended = moment(row["ended_utc_ns"], zone)
    return f"{row['state']} {ended}" if ended else str(row["state"])
