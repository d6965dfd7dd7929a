"""keyoff notices: recalls, software and bulletins that concern this car, or may; and one that was not remedied after all."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

from agent.cli.catalogues import lines
from agent.cli.load import config_option, json_option, look, now_utc_ns, store_file, store_option
from agent.cli.show import table
from agent.cli.trips import owner_view
from agent.notices import NoticeBook

if TYPE_CHECKING:
    from agent.events.notice import Known, NoticeState

TITLE_CHARS = 40


@click.group(invoke_without_command=True, short_help="Recalls and software for this car; one reopened.")
@config_option
@store_option
@json_option
@click.pass_context
def command(ctx: click.Context, config_path: Path, store_path: Path | None, as_json: bool) -> None:
    """Each notice that concerns this car, or may, what became of it, and how old the word of each source is.

    \b
      keyoff notices
      keyoff notices reopen 24V001      it was not remedied after all
    """
    if ctx.invoked_subcommand is not None:
        return
    state = kept(config_path, store_path)
    told = [explain(each) for each in concerning(state)]
    catalogues = msgspec.convert(state, NoticeBook, from_attributes=True).by_source()
    if as_json:
        click.echo(json.dumps({"notices": told, "catalogues_utc_ns": catalogues}, indent=2))
        return
    if told:
        click.echo(table(("notice", "kind", "what", "state"), [row(each) for each in told]) + "\n")
    zone, _ = owner_view(config_path)
    for line in lines(catalogues, zone, now_utc_ns()):
        click.echo(line)


@command.command()
@click.argument("notice")
@config_option
@store_option
def reopen(notice: str, config_path: Path, store_path: Path | None) -> None:
    """NOTICE was not remedied after all: it is told again, here and to the cloud. NOTICE: the start of its id is enough."""
    from agent.cli.enter import enter  # late
    from agent.io.requests import Request

    id = find_notice([each.notice.id for each in concerning(kept(config_path, store_path))], notice)
    enter(config_path, store_path, Request("entry", entry="NoticeSettled", data={"notice": id, "progress": "open"}))
    click.echo(f"To be remedied still: {id}.")


# -- what is known ---------------------------------------------------------------------------------


def kept(config_path: Path, store_path: Path | None) -> NoticeState:
    """The state of the rule. Raises StoreError, ConfigError."""
    from agent.cli.why import decoded
    from agent.events.notice import NoticeState
    from agent.io.states import read
    from agent.io.store import store_error

    path = store_file(config_path, store_path)
    conn = look(path)
    try:
        return decoded(read(conn)[0], "notice", NoticeState)
    except sqlite3.Error as e:
        raise store_error(path, e) from e


def concerning(state: NoticeState) -> list[Known]:
    """Those that concern this car, or may: what is remedied as well."""
    return [each for each in state.known.values() if not each.is_out and each.verdict != "does not"]


def explain(each: Known) -> dict[str, Any]:
    return {
        "id": each.notice.id,
        "kind": each.notice.kind,
        "title": each.notice.title,
        "verdict": each.verdict,
        "missing": each.missing,
        "progress": each.progress,
        "do_not_drive": each.notice.do_not_drive,
        "source": each.source,
    }


def row(told: dict[str, Any]) -> tuple[str, ...]:
    """Titles come from outside: one clean line of each."""
    from agent.words import Unknown, plain  # late: its tables are large

    try:
        title = plain(told["title"], TITLE_CHARS)
    except Unknown:
        title = ""
    state = told["verdict"] if told["progress"] == "open" else told["progress"]
    return told["id"], told["kind"], title, state


def find_notice(known: list[str], start: str) -> str:
    """The notice of that id, or the one whose id begins so. Raises click.BadParameter when none or several do."""
    found = [id for id in known if id == start] or [id for id in known if id.startswith(start)]
    if len(found) != 1:
        many = f"{len(found) or 'no'} notices begin with {start!r}"
        raise click.BadParameter(f"{many}; known here: {', '.join(known) or 'none'}", param_hint="NOTICE")
    return found[0]
