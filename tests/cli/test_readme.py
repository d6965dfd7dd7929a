"""The README's table of commands is the command line's."""

from __future__ import annotations

import re

import click

from agent.__main__ import front
from tests.conftest import ROOT

TABLE = (ROOT / "README.md").read_text().split("| command | for |\n")[1].split("\n\n")[0].splitlines()[1:]
EVERYWHERE = {"--config", "--store", "--json", "--help"}
IN_EXAMPLES = {"add", "set", "bind", "unbind", "consent"}  # of `drivers`: too many for a table


def options(command: click.Command) -> set[str]:
    return {name for each in command.params if isinstance(each, click.Option) for name in each.opts} - EVERYWHERE


def commands() -> dict[str, dict[str, click.Command]]:
    """Command → its subcommands by name, itself among them."""
    ctx = click.Context(front)
    found = {name: front.get_command(ctx, name) for name in front.list_commands(ctx)}
    return {n: {n: c, **(c.commands if isinstance(c, click.Group) else {})} for n, c in found.items() if c is not None}


def test_each_command_has_its_row_with_its_subcommands_and_options() -> None:
    rows = {row.split("`")[1].split()[1]: row for row in TABLE}
    assert set(rows) == set(commands())
    for name, subs in commands().items():
        named = {word for code in rows[name].split("`")[1::2] for word in code.split()}
        assert named >= set(subs), name
        own = {o for sub, c in subs.items() if not (name == "drivers" and sub in IN_EXAMPLES) for o in options(c)}
        assert set(re.findall(r"--[a-z-]+", rows[name])) == own, name
