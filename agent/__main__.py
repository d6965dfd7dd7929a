"""The command line's front door: one file per subcommand under agent/cli/, loaded when it is called."""

from __future__ import annotations

import importlib
import pkgutil
import sys

import click

import agent.cli
from agent import __version__
from agent.cli.exits import exit_code


class Commands(click.Group):
    """Finds a subcommand in agent/cli/<name>.py, as the function `command` there."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(m.name for m in pkgutil.iter_modules(agent.cli.__path__) if m.name not in agent.cli.SHARED)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in self.list_commands(ctx):
            return None
        command: click.Command = importlib.import_module(f"agent.cli.{name}").command
        return command


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="keyoff")
def front() -> None:
    """Keyoff: the agent in the car that speaks up after key-off.

    \b
    Try it without a car:   keyoff replay drive.log --vehicle obd2
    On a unit:              keyoff config check; systemctl start keyoff; keyoff status
    What it knows:          keyoff trips; keyoff drivers; keyoff odometer; keyoff service
    What it says:           keyoff why; keyoff prompts; keyoff notices; keyoff report; keyoff relationship; keyoff fit

    \b
    Exit codes: 0 done · 2 wrong usage · 65 a recording cannot be read · 66 a file is missing
                69 the broker cannot be reached · 70 the unit failed at an entry
                74 the store cannot be written · 75 the store is in use
                78 the configuration is wrong, or an entry was refused
    """


def main() -> None:
    """The `keyoff` command: errors become one clear line on standard error and a documented exit code."""
    try:
        front(prog_name="keyoff", standalone_mode=False)
    except click.exceptions.Exit as e:
        sys.exit(e.exit_code)
    except click.Abort:
        sys.exit(130)
    except click.ClickException as e:
        e.show()
        sys.exit(e.exit_code)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(0)
    except Exception as e:
        code = exit_code(e)
        if code is None:
            raise
        click.echo(f"keyoff: {e}", err=True)
        sys.exit(code)


if __name__ == "__main__":
    main()
