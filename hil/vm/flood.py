"""python -m hil.vm.flood CHANNEL: more frames than the kernel keeps for who does not read; none may be missing uncounted.

In the guest, with can-utils. Prints how many were sent, read and counted as lost; ends with exit code 1 if they differ.
"""

from __future__ import annotations

import subprocess
import sys

from agent.config import BusConfig
from agent.io.buses.source import Tally, open_source

WANTED, UNWANTED = 0x1A0, 0x1A1
FRAMES = 3_000  # the kernel's buffer holds fewer


def main(channel: str) -> None:
    tally = Tally()
    source = open_source(BusConfig("can0", channel=channel), [(WANTED, False)], tally)
    for arbitration_id in (WANTED, UNWANTED):
        send(channel, arbitration_id, FRAMES)
    read = 0
    while frames := source.receive(1.0):
        read += len(frames)
    send(channel, WANTED, 1)  # the count of what was lost comes with a frame
    read += len(source.receive(1.0))
    source.close()
    print(f"sent {FRAMES + 1}, read {read}, lost {tally.lost}")
    sys.exit(not (tally.lost and read + tally.lost == FRAMES + 1))


def send(channel: str, arbitration_id: int, count: int) -> None:
    flood = ["cangen", channel, "-g", "0", "-n", str(count), "-I", f"{arbitration_id:X}", "-L", "8"]
    subprocess.run(flood, check=True)


if __name__ == "__main__":
    main(sys.argv[1])
