"""`python -m hil.vm OUT`: Keyoff on a real kernel's buses under a real systemd; what hil/vm/build.sh made is in OUT.

A drive into vcan0 at its own pace, trips, a broker, a power cut in mid-drive, a stop, a hang, a wrong configuration.
Ends with exit code 1 when a check failed.
"""

from __future__ import annotations

import json
import shutil
import sys
import time
from pathlib import Path

import click

from hil.vm.guest import Guest

PYTHON = "/opt/keyoff/venv/bin/python"
DRIVEN_S = 60  # enough for a few hundred metres of HWFET
WATCHDOG_S = 50  # WatchdogSec=30 and a busy host
GAP_S = 75  # sim_petrol's gap_s is 60

TOML = "/etc/keyoff/keyoff.toml"
PREPARE = f"""
cd /root/keyoff && {PYTHON} -m hil.ca /root/ca --unit vm >/dev/null && cp /root/ca/ca.pem /root/ca/vm.* /etc/keyoff/
systemd-tmpfiles --create /usr/local/lib/tmpfiles.d/keyoff.conf
sed -i 's/^profile = .*/profile = "sim_petrol"/; s/^#channel = .*/channel = "vcan0"/; s/^#id = .*/id = "vm"/' {TOML}
printf '[uplink]\\nhost="localhost"\\nca="ca.pem"\\ncertificate="vm.pem"\\nkey="vm.key"\\n' >>{TOML}
systemctl enable keyoff && keyoff config check
"""
CLOUD = "hil.cloud --ca /root/ca/ca.pem --cert /root/ca/cloud.pem --key /root/ca/cloud.key --json"
DRIVE = "hil.vehicle --vehicle sim_petrol --cycle hwfet --interface socketcan --channel vcan0"


class Checks:
    """Says each thing that was looked at, and remembers whether one was wrong."""

    def __init__(self) -> None:
        self.failed = 0

    def check(self, what: str, ok: bool, seen: object) -> None:
        self.failed += not ok
        click.echo(f"{'ok    ' if ok else 'FAILED'} {what}: {str(seen).strip()}")


def show(guest: Guest, what: str) -> str:
    return guest.run(f"systemctl show keyoff --value -p {what}").output.strip()


def module(guest: Guest, arguments: str, log: str = "/dev/null") -> None:
    """Start `python -m …` of the checkout in the guest, and leave it running."""
    guest.run(f"cd /root/keyoff; setsid {PYTHON} -m {arguments} </dev/null >{log} 2>&1 &")


def wait_for(guest: Guest, condition: str, timeout_s: int) -> bool:
    return (
        guest.run(f"for i in $(seq {5 * timeout_s}); do {condition} && exit; sleep 0.2; done; exit 1", timeout_s * 4 + 60).status
        == 0
    )


def before_the_cut(guest: Guest, checks: Checks) -> str:
    """The open trip's id."""
    can0 = guest.run("ip -d link show can0").output
    checks.check("networkd sets can0 up", "LISTEN-ONLY" in can0 and "bitrate 500000" in can0, can0.splitlines()[0])
    flood = guest.run(f"cd /root/keyoff && {PYTHON} -m hil.vm.flood vcan0")
    checks.check("frames that the kernel drops are counted", flood.status == 0, flood.output)
    checks.check("the configuration is right", (done := guest.run(PREPARE)).status == 0, done.output)
    module(guest, "hil.broker /root/ca")
    wait_for(guest, "(exec 3<>/dev/tcp/localhost/8883) 2>/dev/null", 30)
    module(guest, CLOUD, "/root/cloud.log")
    started = time.monotonic()
    done = guest.run("systemctl start keyoff")
    checks.check("READY", done.status == 0, f"after {time.monotonic() - started:.1f} s {done.output}")
    module(guest, DRIVE)
    time.sleep(DRIVEN_S)
    wait_for(guest, "systemctl show keyoff -p StatusText | grep -q 'trip is under way'", 30)
    checks.check("STATUS", "trip is under way" in (seen := show(guest, "StatusText")), seen)
    entered = guest.run("keyoff odometer set 50000 && keyoff odometer --json")
    checks.check("root enters a reading while it runs", "entered" in entered.output, entered.output.splitlines()[0])
    events = guest.run("grep '^{' /root/cloud.log").output.splitlines()
    told = {e["type"]: e["data"] for e in map(json.loads, events)}
    checks.check("events arrive, verified", "keyoff.TripStarted.v1" in told, list(told))
    time.sleep(10)  # no more than ten seconds of driving are ever uncommitted
    return str(told["keyoff.TripStarted.v1"]["trip_id"])


def after_the_cut(guest: Guest, checks: Checks, trip: str) -> None:
    wait_for(guest, "systemctl is-active -q keyoff", 60)
    checks.check("starts with the unit", (seen := show(guest, "ActiveState")) == "active", seen)
    wait_for(guest, "keyoff trips --json | grep -q ended_by", GAP_S + 60)
    rows = json.loads(guest.run("keyoff trips --json").output)
    told = {k: rows[0][k] for k in ("id", "ended_by")} | {"distance_m": rows[0]["metrics"]["distance_m"]} if rows else None
    checks.check("the trip that was under way is kept", told is not None and told["id"] == trip, told)
    pid = show(guest, "MainPID")
    guest.run(f"kill -STOP {pid}")
    hung = time.monotonic()
    wait_for(guest, "[ $(systemctl show keyoff --value -p NRestarts) -gt 0 ]", WATCHDOG_S)
    checks.check("the watchdog ends a hang", show(guest, "NRestarts") == "1", f"after {time.monotonic() - hung:.0f} s")
    wait_for(guest, "systemctl is-active -q keyoff", 30)
    asked_s = guest.run("cut -d' ' -f1 /proc/uptime; systemctl stop keyoff").output
    stopped_s = int(show(guest, "ExecMainExitTimestampMonotonic")) / 1e6 - float(asked_s)
    checks.check("SIGTERM", show(guest, "Result") == "success", f"stopped in {stopped_s:.2f} s")
    guest.run(f"sed -i 's/^profile/profil/' {TOML}; systemctl start keyoff; sleep 5")
    seen = guest.run("systemctl show keyoff -p NRestarts,ExecMainStatus; journalctl -u keyoff -o cat | grep profil").output
    checks.check("a wrong configuration is told once", "ExecMainStatus=78" in seen and "NRestarts=0" in seen, seen)


@click.command()
@click.argument("out", type=click.Path(exists=True, file_okay=False, path_type=Path))
def main(out: Path) -> None:
    """Run it with what build.sh left in OUT; its disk image stays as it is."""
    checks = Checks()
    root = out / "root-in-use.img"
    shutil.copy(out / "rootfs.img", root)
    with Guest(out, root) as guest:
        click.echo(f"booted in {guest.age_s:.0f} s")
        trip = before_the_cut(guest, checks)
    with Guest(out, root) as guest:
        click.echo(f"power cut in mid-drive; booted again in {guest.age_s:.0f} s")
        after_the_cut(guest, checks, trip)
    root.unlink()
    sys.exit(bool(checks.failed))


if __name__ == "__main__":
    main()
