"""The only file that reads a clock.

t_ns is CLOCK_BOOTTIME: it never steps and goes on through suspend. The wall clock is handed on beside it with a
quality: `synchronised` when the kernel says so (NTP or GNSS disciplines it), else `unsure`; a date before this
software was built is no date at all.
"""

from __future__ import annotations

import ctypes
import time
from pathlib import Path

from agent.model import NS, Wall

BUILT_UTC_NS = 1_763_769_600 * NS  # 2025-11-22: no unit with this software runs before it
TIME_ERROR = 5  # adjtimex(2): the clock is not synchronised
TIMEX_BYTES = 512  # struct timex is 208 bytes on 64-bit Linux; more is harmless
TIMESYNCD = Path("/run/systemd/timesync/synchronized")  # there once systemd-timesyncd has set the clock of this boot


def boottime_ns() -> int:
    """Nanoseconds since boot."""
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME)


def boot_id() -> str:
    """The kernel's random id of this boot."""
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def wall() -> Wall | None:
    """What the wall clock says now, and how far to trust it; None when it cannot be right."""
    utc_ns = time.time_ns()
    if utc_ns < BUILT_UTC_NS:
        return None
    return Wall(utc_ns - boottime_ns(), "synchronised" if is_synchronised() else "unsure")


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
