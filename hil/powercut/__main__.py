"""python -m hil.powercut: cut the power at many points of recorded work on the real store; a table of what was found.

Exits 1 when anything was lost, damaged or done twice. `--sync normal` and `--sync off` show what FULL is good for.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Sequence

import click

from agent.cli.show import table
from hil.powercut.cuts import KINDS, Report, Synchronous, cut, shares
from hil.powercut.history import HistoryError
from hil.powercut.recording import RecordingError

SHOWN = 3  # findings of a kind and scenario that are told in words


@click.command()
@click.option("--points", default=2_000, show_default=True, help="How many, over all scenarios.")
@click.option("--sync", type=click.Choice(["full", "normal", "off"]), default="full", show_default=True)
@click.option("--seed", default=0, show_default=True, help="The same seed cuts at the same points.")
@click.argument("scenarios", nargs=-1, type=click.Choice(list(shares(1))))
def main(points: int, sync: Synchronous, seed: int, scenarios: Sequence[str]) -> None:
    """Cut the power in all SCENARIOS, or in those that are named."""
    try:
        reports = [cut(name, share, sync, seed) for name, share in shares(points).items() if name in (scenarios or [name])]
    except (RecordingError, HistoryError) as e:
        raise click.ClickException(str(e)) from e
    click.echo(f"synchronous={sync.upper()}, seed {seed}: points at which it was found")
    heads = ("recorded", "operations", "points", *KINDS, "rows lost", "lived on", "s")
    click.echo(table(heads, [row(report) for report in reports]))
    for report in reports:
        for line in told(report):
            click.echo(line)
    sys.exit(any(report.findings for report in reports))


def row(report: Report) -> tuple[object, ...]:
    counts = [report.count(kind) for kind in KINDS]
    return report.scenario, report.operations, report.points, *counts, report.rows_lost, report.gone_on, f"{report.seconds:.1f}"


def told(report: Report) -> list[str]:
    """The first findings of each kind, in words."""
    seen: Counter[str] = Counter()
    lines = []
    for finding in report.findings:
        seen[finding.kind] += 1
        if seen[finding.kind] <= SHOWN:
            lines.append(f"{report.scenario}, after operation {finding.at}: {finding.kind}: {finding.what}")
    return lines


if __name__ == "__main__":
    main()
