"""Exit codes by whose fault it is (sysexits.h)."""

from __future__ import annotations

from agent.config import ConfigError

DATA, NO_INPUT, UNAVAILABLE, SOFTWARE, IO_ERROR, TEMPORARY, CONFIG = 65, 66, 69, 70, 74, 75, 78


class Unavailable(Exception):
    """The broker cannot be reached, or does not take what is sent."""


def exit_code(e: Exception) -> int | None:
    """The exit code that tells this error; None for one that is a bug and deserves its traceback."""
    from agent.entries.entering import EntryFailed  # late: only when something went wrong
    from agent.io.buses.recording import RecordingError
    from agent.io.store import StoreError

    match e:
        case Unavailable():
            return UNAVAILABLE
        case EntryFailed():
            return SOFTWARE
        case ConfigError():
            return CONFIG
        case RecordingError():
            return NO_INPUT if e.missing else DATA
        case StoreError():
            return TEMPORARY if e.locked else IO_ERROR
    return None
