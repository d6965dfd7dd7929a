"""keyoff prompts: what the car has to say, in a table; and an answer to it, entered on the unit."""

from __future__ import annotations

import json
import textwrap
from pathlib import Path
from typing import Any

import click

from agent.cli.load import config_option, json_option, store_option
from agent.cli.show import moment, table
from agent.cli.why import NOTHING_YET, explain, find_prompt, open_view

ANSWERS = ("done", "wrong", "snoozed", "acknowledged", "stopped")
LONGEST_DAYS = 365
SHOWN = 20


@click.group(invoke_without_command=True, short_help="What the car has to say, and how to answer it.")
@config_option
@store_option
@json_option
@click.pass_context
def command(ctx: click.Context, config_path: Path, store_path: Path | None, as_json: bool) -> None:
    """The last prompts and what became of them. `keyoff why` tells more of each.

    \b
      keyoff prompts
      keyoff prompts answer 3f2a done            the start of an id is enough
      keyoff prompts answer 3f2a snoozed --days 14
    """
    if ctx.invoked_subcommand is not None:
        return
    view = open_view(config_path, store_path)
    told = [explain(view, p) for p in view.state.prompts[-SHOWN:]]
    if as_json:
        click.echo(json.dumps(told, indent=2))
        return
    rows = [row(t, view.zone) for t in told]
    click.echo(table(("prompt", "what", "for", "raised", "state"), rows) if rows else NOTHING_YET)


def row(told: dict[str, Any], zone: str) -> tuple[str, ...]:
    """80 columns wide at most, as far as names allow."""
    what, who = textwrap.shorten(told["title"], 32, placeholder="…"), textwrap.shorten(told["for"], 10, placeholder="…")
    return told["id"][:8], what, who, (moment(told["raised_utc_ns"], zone) or "unknown")[:10], told["state"]


@command.command()
@click.argument("prompt")
@click.argument("answer_", metavar="|".join(ANSWERS), type=click.Choice(ANSWERS))
@click.option("--days", type=click.IntRange(1, LONGEST_DAYS), help="With snoozed: for how long; default 7.")
@config_option
@store_option
def answer(prompt: str, answer_: str, days: int | None, config_path: Path, store_path: Path | None) -> None:
    """Answer PROMPT, given by the start of its id, as a click in its mail would.

    \b
      done           what it asks for is done
      wrong          it is not so; it is not said again
      snoozed        say it again in --days days
      acknowledged   read, and nothing more
      stopped        no more prompts of this kind for this person
    """
    from agent.cli.enter import enter  # late
    from agent.io.requests import Request

    if days is not None and answer_ != "snoozed":
        raise click.BadParameter("only snoozed takes it", param_hint="--days")
    view = open_view(config_path, store_path)
    found = explain(view, find_prompt(view.state, prompt))
    if found["is_over"] and found["state"] != "acknowledged" and answer_ != "stopped":
        raise click.BadParameter(f"{found['title']!r} is over already: {found['state']}", param_hint="PROMPT")
    data: dict[str, Any] = {"prompt_id": found["id"], "answer": answer_} | ({} if days is None else {"days": days})
    enter(config_path, store_path, Request("entry", entry="PromptAnswered", data=data))
    click.echo(f"{found['title']}: {answer_}.")
