"""python -m hil.drivers: simulate a household's labelled trips, and measure how well style tells who drove."""

from __future__ import annotations

import sys
from pathlib import Path

import click
import msgspec
from tabulate import tabulate

from agent.style import FEATURES, WHOLE
from agent.style.who import UNKNOWN
from hil.drivers.evaluate import BASELINE, Report, report
from hil.drivers.household import OVERLAPS, household
from hil.drivers.trips import LabelledError, Told, read, write

FILE = click.Path(dir_okay=False, path_type=Path)


@click.group(context_settings={"max_content_width": 100, "show_default": True})
def main() -> None:
    """Who drives, by style: simulated or recorded trips whose driver is known, and what is made of them."""


@main.command()
@click.option("--overlap", type=click.Choice(list(OVERLAPS)), required=True, help="How alike the people drive.")
@click.option("--out", type=FILE, required=True, help="CSV: trip, driver, t_s, Vehicle.Speed.")
@click.option("--seed", type=int, default=0, help="Another household for each.")
@click.option("--people", type=click.IntRange(1), default=4)
@click.option("--trips", type=click.IntRange(1), default=30, help="Of each person.")
def simulate(*, overlap: str, out: Path, seed: int, people: int, trips: int) -> None:
    """Write the trips of one household with one car."""
    try:
        with click.progressbar(write(out, household(overlap, seed, people, trips)), people * trips, file=sys.stderr) as made:
            written = sum(1 for _ in made)
    except OSError as e:
        raise click.ClickException(f"{out}: {e.strerror}; is the folder there?") from None
    click.echo(f"{out}: {written} trips of {people} people, {overlap} overlap")


@main.command()
@click.argument("files", type=FILE, nargs=-1, required=True)
@click.option("--window", type=click.Choice(list(FEATURES)), default=WHOLE, help="The trip's first minutes, or all of it.")
@click.option("--json", "as_json", is_flag=True, help="For a program.")
def evaluate(*, files: tuple[Path, ...], window: str, as_json: bool) -> None:
    """Tell who drove, trip after trip; each of FILES is one car.

    FILES are CSV with columns trip, driver, t_s, Vehicle.Speed (km/h) and, if there are, other VSS columns; trips in the
    order of time.
    """
    try:
        with click.progressbar(files, label="reading", file=sys.stderr) as bar:
            cars: list[list[Told]] = [list(read(path)) for path in bar]
    except OSError as e:
        raise click.ClickException(f"{e.filename}: {e.strerror}; give the path of a labelled recording") from None
    except LabelledError as e:
        raise click.ClickException(str(e)) from None
    with click.progressbar(length=len(cars), label="judging", file=sys.stderr) as bar:
        result = report(cars, window, lambda: bar.update(1))
    click.echo(msgspec.json.encode(result).decode() if as_json else told(result, len(cars)))


def told(result: Report, cars: int) -> str:
    """The report for a person."""
    lines = [
        f"{result.trips} trips of {cars} car(s), {result.judged} judged, each before it was learned",
        f"named {percent(result.told)}; right {percent(result.right_of_told)} of these, {percent(result.right_of_all)} of all",
        f"forced to name one: right {percent(result.forced)}, chance {percent(result.chance)}, "
        f"labels shuffled {percent(result.shuffled)}, by {BASELINE} alone {percent(result.one_feature)}",
        f"guests taken for family: {percent(result.guests_named)} of {result.guest_trips} trips, each driver left out in turn",
        f"calibration error: {points(result.calibration_error)} with guests, {points(result.calibration_error_closed)} without",
    ]
    rows = [(f"{row.trips:.0f}", percent(row.sure), percent(row.right)) for row in result.reliability]
    lines += ["", tabulate(rows, ("trips", "probability given", "right"), disable_numparse=True)]
    if cars == 1 and result.confusion:
        answers = [*result.confusion, UNKNOWN]
        counts = [(true, *(row.get(answer, 0) for answer in answers)) for true, row in result.confusion.items()]
        lines += ["", tabulate(counts, ("drove \\ told", *answers))]
    return "\n".join(lines)


def percent(share: float | None) -> str:
    return "–" if share is None else f"{100 * share:.1f} %"


def points(error: float | None) -> str:
    return "–" if error is None else f"{error:.1f} points"


if __name__ == "__main__":
    main()
