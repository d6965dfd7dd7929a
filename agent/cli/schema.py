"""keyoff schema: what the events look like, for whoever receives them."""

from __future__ import annotations

import difflib
import json
from pathlib import Path

import click

from agent.cli.load import json_option
from agent.cli.show import table


@click.command(short_help="The events' JSON Schemas and an AsyncAPI page.")
@click.argument("kind", required=False)
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    help="Write every schema, and asyncapi.json, into this folder; it is made where there is none.",
)
@json_option
def command(kind: str | None, out: Path | None, as_json: bool) -> None:
    """Every kind of event that leaves the vehicle; with KIND, that one's JSON Schema (2020-12), with `command` that of the
    claims of a signed command.

    \b
      keyoff schema
      keyoff schema TripEnded > TripEnded.json
      keyoff schema command
      keyoff schema --out schemas/
    """
    if kind is not None and out is not None:
        raise click.UsageError("KIND prints one schema, --out writes them all: give one of the two.")
    if out is not None:
        names = _write(out)
        click.echo(json.dumps({"files": names}) if as_json else f"{len(names) - 1} schemas and asyncapi.json are in {out}.")
    elif kind is not None:
        click.echo(_one(kind), nl=False)
    else:
        click.echo(_list(as_json))


def _write(folder: Path) -> list[str]:
    """Write all documents into `folder`; their names. Raises click.BadParameter when that cannot be done."""
    from agent.asyncapi import documents  # late, as below: all rules and metrics
    from agent.schema import text

    published = documents()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, document in published.items():
            (folder / name).write_text(text(document), encoding="utf-8")
    except OSError as e:
        raise click.BadParameter(f"cannot write there: {e}", param_hint="--out") from None
    return list(published)


def _one(kind: str) -> str:
    from agent.schema import COMMAND, command_schema, event_schema, leaving, text

    records = leaving()
    if kind == COMMAND:
        return text(command_schema())
    if kind not in records:
        near = difflib.get_close_matches(kind, records, n=1, cutoff=0.4)
        hint = f"did you mean {near[0]}?" if near else "`keyoff schema` lists them"
        raise click.BadParameter(f"no event that leaves the vehicle is called {kind!r}; {hint}", param_hint="KIND")
    return text(event_schema(records[kind]))


def _list(as_json: bool) -> str:
    from agent.schema import first_line, leaving

    rows = [(name, record.version, first_line(record)) for name, record in leaving().items()]
    if as_json:
        return json.dumps([{"kind": name, "version": version, "about": about} for name, version, about in rows], indent=2)
    return table(("kind", "version", "what it says"), rows)
