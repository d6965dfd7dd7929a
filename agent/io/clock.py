"""The only file that reads a clock.

t_ns is CLOCK_BOOTTIME: it never steps and goes on through suspend. The wall clock is handed on beside it with a
quality: `synchronised` when the kernel says so (NTP or GNSS disciplines it), else `unsure`; a date below the floor (the
later of this software's date and the last time known for sure), or so late that it must be a mistake, is no date at all.
"""

from __future__ import annotations

import ctypes
import time
from datetime import UTC, datetime
from pathlib import Path

import agent
from agent.model import NS, Wall

BUILT_UTC_NS = int(datetime.fromisoformat(agent.__date__).replace(tzinfo=UTC).timestamp()) * NS  # no unit runs it before
ROLL_OVER_NS = 1024 * 7 * 86_400 * NS  # GNSS counts its weeks in ten bits: a wrong date is wrong by 19.6 years, or twice that
TIME_ERROR = 5  # adjtimex(2): the clock is not synchronised
TIMEX_BYTES = 512  # struct timex is 208 bytes on 64-bit Linux; more is harmless
TIMESYNCD = Path("/run/systemd/timesync/synchronized")  # there once systemd-timesyncd has set the clock of this boot


def boottime_ns() -> int:
    """Nanoseconds since boot."""
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME)


def boot_id() -> str:
    """The kernel's random id of this boot."""
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def wall(floor_utc_ns: int = 0) -> Wall | None:
    """What the wall clock says now, and how far to trust it; None when it cannot be right."""
    return judged(time.time_ns(), boottime_ns(), is_synchronised(), floor_utc_ns)


def judged(utc_ns: int, t_ns: int, synchronised: bool, floor_utc_ns: int, built_utc_ns: int = BUILT_UTC_NS) -> Wall | None:
    """The wall clock's word, or None where it cannot be right: nothing is before this software was built (1970, a GNSS week
    roll-over back), nothing is a roll-over or more after that (one forward; a car may go twenty years, its software does
    not), and an unsynchronised clock is not before the last time that was known for sure. A synchronised one may be: else
    one wrong date in the future would lock the right ones out for ever.
    """
    if not built_utc_ns <= utc_ns < built_utc_ns + ROLL_OVER_NS or (not synchronised and utc_ns < floor_utc_ns):
        return None
    return Wall(utc_ns - t_ns, "synchronised" if synchronised else "unsure")


def is_synchronised() -> bool:
    """systemd-timesyncd's word, or the kernel's own (adjtimex, read-only); False where neither can be asked.

    The hardened service may not ask the kernel (ProtectClock=, which cannot tell reading from setting).
    """
    if TIMESYNCD.exists():
        return True
    try:
        libc = ctypes.CDLL(None, use_errno=True)
        state: int = libc.adjtimex(ctypes.create_string_buffer(TIMEX_BYTES))
    except (OSError, AttributeError):
        return False
    return 0 <= state < TIME_ERROR


def pause(seconds: float) -> None:
    """Let time go by (a replay at the speed it was recorded)."""
    time.sleep(seconds)
