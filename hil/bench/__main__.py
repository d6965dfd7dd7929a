"""python -m hil.bench: every figure in one run: a table, then one line a figure. `make bench`.

    FIGURE <name> <value> <unit> target <target> ok|short

A benchmark, not a test: it exits 0 when a figure is short. What cannot be measured here is named, with the reason.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

import click

from agent.cli.show import table
from hil.bench import beep, cost, crossing, cycles, hour, link, marks, memory, outage, recordings, startup, storage, weeks
from hil.bench.drives import CACHE
from hil.bench.figures import Figure, Group, LeftOut, Place
from hil.bench.report import GROUP as REPORT

GROUPS = {
    group.name: group
    for group in (
        cost.GROUP,
        startup.GROUP,
        recordings.GROUP,
        cycles.GROUP,
        hour.GROUP,
        storage.GROUP,
        memory.GROUP,
        link.GROUP,
        outage.GROUP,
        beep.GROUP,
        weeks.GROUP,
        marks.GROUP,
        crossing.GROUP,
        REPORT,
    )
}


@click.command()
@click.argument("groups", nargs=-1, type=click.Choice(list(GROUPS)))
@click.option(
    "--drives",
    type=click.Path(file_okay=False, path_type=Path),
    envvar="KEYOFF_DRIVES",
    default=CACHE.parent.parent / "shared" / "drives",
    help="The folder of recorded drives (or $KEYOFF_DRIVES); default: ../shared/drives beside the checkout.",
)
def main(groups: Sequence[str], drives: Path) -> None:
    """Measure every figure that Keyoff is held to; or only these GROUPS."""
    CACHE.mkdir(exist_ok=True)  # on the checkout's own disk: /tmp may be memory
    measured: list[Figure] = []
    left_out: list[tuple[Group, str]] = []
    for group in [GROUPS[name] for name in groups or GROUPS]:
        with tempfile.TemporaryDirectory(dir=CACHE) as folder:
            try:
                measured += group.measure(Place(drives.resolve(), Path(folder)))
            except LeftOut as e:
                left_out.append((group, str(e)))
    report(measured, left_out)


def report(measured: Sequence[Figure], left_out: Sequence[tuple[Group, str]]) -> None:
    """All figures as a table; what is left out; those with a target as lines for a program to read."""
    rows = [(f.name, f.shown, f.unit, f.target.text if f.target else "", f.verdict, f.note) for f in measured]
    if rows:
        click.echo(table(("figure", "value", "unit", "target", "", "note"), rows))
    for group, why in left_out:
        click.echo(f"\nLeft out, {why}: {', '.join(group.figures) or group.name}")
    click.echo()
    for figure in measured:
        if figure.target is not None:
            click.echo(figure.line())


if __name__ == "__main__":
    main()
