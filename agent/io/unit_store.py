"""The store of a unit in a car, where nobody can be asked: what can be mended is mended, everything else is waited for.

    what is wrong            what is done
    full                     the reserve is given up, the log begun again; then the daemon gives up rows (`room`)
    read-only, I/O errors    the commit fails: the daemon keeps what it has in memory and tries again; at a start, too, with
                             the states as they can be read
    I/O errors that stay     after IO_PATIENCE_S as damaged, if the card has places that are good
    damaged                  set aside and salvaged (salvage.py), at a start or at work; the commit then goes through
    newer                    set aside and salvaged
    removed or replaced      written to its place anew from what is open; noticed within TEND_S

A read that fails is damage in SQLite's words. Damage that SQLite does not tell at once: a log that cannot be right (wal.py)
or numbers that were given and are not known (witness.py), at a start; anything else by quick_check in the background,
after an end that was no tidy one.
"""

from __future__ import annotations

import os
import sqlite3
import sys
from collections.abc import Callable, Collection
from contextlib import closing, suppress
from pathlib import Path
from typing import TypeVar

import agent
from agent.io import clock, salvage, wal
from agent.io.check import Check
from agent.io.checkpoints import HELD, Checkpoints
from agent.io.database import LOG_BYTES, Transaction, connect_to_look, in_memory, open_database
from agent.io.owned import lock
from agent.io.retention import PAGE_BYTES, ROOM_BYTES, SLICE_BYTES, Reserve, Shed, has_good_places, plan, sizes
from agent.io.schema import names
from agent.io.store import Batch, Restored, Store, StoreError, store_error
from agent.io.uplink import Outgoing
from agent.io.witness import SQLITE, VERSION_AT, Mark, Witness
from agent.model import NS

T = TypeVar("T")

IO_PATIENCE_S = 120  # a card that the kernel resets answers again within this
OPEN_AGAIN_S = 5  # between attempts to open it for writing
TEND_S = 10  # between looks at size and reserve
FEW_PAGES = 8  # what a trip's end takes, while the database may not grow
MOST_PAGES = 1 << 30  # SQLite's own limit is about there
MENDINGS = 3  # at one start: a reserve given up, a database set aside, the new one salvaged again
SMALL_BYTES = 16_000_000  # rewritten at a start, within a second or two, when it cannot give space back as it is
MIGRATE_S = 60  # in the child: systemd gives a start 90


def open_for_daemon(path: Path, unit: str, max_mb: int) -> UnitStore:
    """The store, whatever state its files are in. Raises StoreError when another program holds it, or when there is a
    database and not even its states can be read: to go on without would overwrite them. The caller then tries again.

    A migration runs in a child process, for sqlite-utils would stay in the daemon's memory: 2 MiB."""
    if is_behind(path):
        _migrate_in_child(path, unit, max_mb)
    return UnitStore(path, unit, max_mb)


def is_behind(path: Path) -> bool:
    """Whether there is no database yet, or one of an earlier schema that was closed as it should be: only then is what its
    header says the last word, and nothing there for UnitStore to see before anybody else opens it."""
    if wal.is_there(path):
        return False
    try:
        with path.open("rb") as file:
            header = file.read(VERSION_AT + 4)
    except OSError as e:
        return isinstance(e, FileNotFoundError)
    return header.startswith(SQLITE) and int.from_bytes(header[VERSION_AT:], "big") < len(names())


def _migrate_in_child(path: Path, unit: str, max_mb: int) -> None:
    """Whatever it does not bring about is left to the caller, who opens the same file and tells why."""
    import subprocess  # only where there is something to migrate: 10 ms

    package = Path(agent.__file__).resolve().parent.parent
    command = [sys.executable, "-m", "agent.io.unit_store", str(path.absolute()), unit, str(max_mb)]
    with suppress(OSError, subprocess.TimeoutExpired):
        subprocess.run(command, cwd=package, capture_output=True, timeout=MIGRATE_S, check=False)


class UnitStore(Store):
    """See the module; `max_mb`: 10^6 bytes, for all files of the store but databases of a newer version."""

    def __init__(self, path: Path, unit: str, max_mb: int) -> None:
        self.path = path
        self.unit = unit
        self._acked = []
        self._lock = None
        self._limit_bytes = max_mb * 1_000_000
        self._witness = Witness(Path(f"{path}.mark"))
        self._reserve = Reserve(Path(f"{path}.reserve"))
        self._shut: StoreError | None = None  # why it is not open for writing
        self._open_ns = 0  # not before
        self._tend_ns = 0  # not before
        self._failing_ns: int | None = None  # since when commits meet I/O errors
        self._is_moved = False  # for them to another database, once: if that does not help, nothing will but time
        self._check: Check | None = None
        self._checkpoints = Checkpoints(path)
        self._counted = 0
        self._has_begun = False
        try:
            self._open()
        except StoreError:
            if self._shut is None:  # nothing to go on with: the caller may try again, in this process too
                self._end_check()
                self._unlock()
                raise
        self._has_begun = True

    def close(self) -> None:
        self._end_check()
        super().close()

    # -- the daemon's calls ----------------------------------------------------------------------

    def commit(self, batch: Batch, utc_ns: int | None = None) -> int:
        new = self._mended(lambda: self._commit(batch, utc_ns))
        self._failing_ns, self._is_moved = None, False
        for each in batch.shed.files if batch.shed else ():
            salvage.remove(each)
        if new:
            self._note()
        return new

    def waiting(self, limit: int, excluding: Collection[str]) -> list[Outgoing]:
        return self._mended(lambda: super(UnitStore, self).waiting(limit, excluding))

    def trips(self) -> list[sqlite3.Row]:
        return self._mended(super().trips)

    def count(self, kind: str) -> int:
        return self._mended(lambda: super(UnitStore, self).count(kind))

    def unsent_of(self, kinds: Collection[str]) -> list[sqlite3.Row]:
        return self._mended(lambda: super(UnitStore, self).unsent_of(kinds))

    def unsent(self) -> int:
        """As it was when it could last be counted."""
        with suppress(StoreError):
            self._counted = super().unsent()
        return self._counted

    def room(self) -> Shed | None:
        with self._errors():
            return plan(self.conn, self.epoch, ROOM_BYTES)

    def tend(self) -> Shed | None:
        now_ns = clock.boottime_ns()
        if self._shut is not None or now_ns < self._tend_ns:
            return None
        self._tend_ns = now_ns + TEND_S * NS
        self._keep_place()
        if self._check is not None and not self._check.is_alive():
            found, self._check = self._check.found, None
            if found is not None:
                self._recover()
        self._reserve.keep()
        with self._errors():
            if self._check is None:
                self._checkpoints.look(self.conn)
            self._limit_growth()
            return self._fit()

    def counts(self) -> dict[str, int]:
        return {HELD: self._checkpoints.held}

    def _limit_growth(self) -> None:
        """See retention.py: without a reserve the database keeps to the pages that it has."""
        pages = MOST_PAGES if self._reserve.is_there else self.conn.execute("PRAGMA page_count").fetchone()[0]
        self.conn.execute(f"PRAGMA max_page_count = {pages}")

    def _fit(self) -> Shed | None:
        """What has to go so that a database that may not grow has some pages free. Beyond the limit, a slice: space given
        back while some is free, else what has to go."""
        pages, free = (int(self.conn.execute(f"PRAGMA {what}").fetchone()[0]) for what in ("page_count", "freelist_count"))
        if free < FEW_PAGES and not self._reserve.is_there:
            return plan(self.conn, self.epoch, ROOM_BYTES)
        own = (self.path.name, f"{self.path.name}-wal")
        beside = sum(n for f, n in sizes(self.path).items() if f.name not in own and ".newer-" not in f.name)
        if pages * PAGE_BYTES + LOG_BYTES + beside <= self._limit_bytes:
            return None
        self._tend_ns = 0  # the next slice at the next call
        aside = salvage.all_aside(self.path, "damaged")
        if aside:
            return Shed(self.epoch, files=(aside[0],), counts={"damaged databases given up": 1})
        if free * PAGE_BYTES < SLICE_BYTES:
            return plan(self.conn, self.epoch, SLICE_BYTES)
        self.conn.executescript(f"PRAGMA incremental_vacuum({SLICE_BYTES // PAGE_BYTES});")  # execute() would free one page
        return None

    # -- mending -------------------------------------------------------------------------------

    def _mended(self, work: Callable[[], T]) -> T:
        """`work`; when the store refuses and something can be done about it, that, and `work` again. Raises StoreError."""
        try:
            return work()
        except StoreError as e:
            if self._shut is not None or not self._mend(e):
                raise
        return work()

    def _mend(self, error: StoreError) -> bool:
        """Whether something was done."""
        if error.reason == "full":
            self._reserve.give_up()
            with suppress(sqlite3.Error):
                self.conn.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()  # the next commit then begins the log again
                self._limit_growth()
            return True
        if error.reason == "damaged" or (error.reason == "io" and self._is_out_of_patience()):
            self._recover()
            return True
        return False

    def _is_out_of_patience(self) -> bool:
        now_ns = clock.boottime_ns()
        self._failing_ns = now_ns if self._failing_ns is None else self._failing_ns
        if self._is_moved or now_ns - self._failing_ns <= IO_PATIENCE_S * NS or not has_good_places(self.path):
            return False
        self._is_moved = True
        return True

    def _recover(self) -> None:
        """Another database in place of this one. Raises StoreError; then it is shut."""
        try:
            self._start_afresh("damaged")
            self._open_files()
        except StoreError as e:
            self._look(e)
            raise

    def _keep_place(self) -> None:
        """What is open has to be what the next start finds, and the lock what another keyoff would. Raises StoreError."""
        if self._lock is None or not os.fstat(self._lock).st_nlink:
            self._unlock()
            self._lock = lock(self.path)
        with suppress(OSError):
            if os.path.samestat(self._file, self.path.stat()):
                return
        try:
            salvage.put_back(self.conn, self.path)
        except (sqlite3.Error, OSError) as e:
            raise store_error(self.path, e) from e
        self._open_files()
        self._remember(Restored(None, [], {"database removed or replaced while in use": 1}))

    def _end_check(self) -> None:
        if self._check is not None:
            self._check.stop()
            self._check = None

    def _commit(self, batch: Batch, utc_ns: int | None) -> int:
        if self._shut is not None:
            if clock.boottime_ns() < self._open_ns:
                raise self._shut
            self._open()
        return super().commit(batch, utc_ns)

    # -- opening -------------------------------------------------------------------------------

    def _open(self) -> None:
        """Open it for writing. Raises StoreError; then it is shut, unless another program has it or nothing can be read."""
        try:
            if self._lock is None:
                self._lock = lock(self.path)
            self._open_mending()
        except StoreError as e:
            if not e.locked:
                self._look(e)
            raise

    def _open_mending(self) -> None:
        for _ in range(MENDINGS):
            try:
                self._open_files()
                return
            except StoreError as e:
                if e.reason in ("damaged", "newer", "other"):
                    self._start_afresh("newer" if e.reason == "newer" else "damaged")
                elif e.reason != "full" or not self._reserve.give_up():
                    raise
        self._open_files()

    def _open_files(self) -> None:
        """Raises StoreError when they cannot be opened, or cannot be right."""
        self._let_go()
        self._finish()
        unclean = wal.is_there(self.path)
        if unclean and (wrong := wal.damage(self.path) or self._lost_commits()):
            raise StoreError(f"{self.path}: {wrong}", "damaged")
        is_new = not self.path.exists()
        self._attach(open_database(self.path))
        self._compare(self._witness.mark(), is_new)
        self._file = self.path.stat()
        with suppress(sqlite3.Error):
            self._prepare()
        self._shut = None
        if unclean:
            self._check = Check(self.path)
            self._check.start()

    def _compare(self, mark: Mark | None, is_new: bool) -> None:
        """With what was here last. Raises StoreError when it may give numbers a second time, as an older copy does."""
        if mark is None or mark.epoch in {each.epoch for each in self.restored}:
            return
        if mark.seq > self._highest() if mark.epoch == self.epoch else not is_new:
            raise StoreError(f"{self.path}: it has lost what it had", "damaged")
        if mark.seq and is_new:
            self._remember(Restored(mark.epoch, [(1, mark.seq)], {"the database was gone": 1}))

    def _let_go(self) -> None:
        """Nothing of this process may have the database open while its files are looked at or renamed."""
        self._end_check()
        with suppress(sqlite3.Error, AttributeError):
            self.conn.close()  # AttributeError: there was none yet

    def _prepare(self) -> None:
        """What a database needs once: that it can give space back, and its first page copied."""
        size = self.conn.execute("SELECT page_count * page_size FROM pragma_page_count, pragma_page_size").fetchone()[0]
        if not self.conn.execute("PRAGMA auto_vacuum").fetchone()[0] and size <= SMALL_BYTES:
            self.conn.execute("PRAGMA auto_vacuum = INCREMENTAL")
            self.conn.execute("VACUUM")
        if self._witness.version() != self.conn.execute("PRAGMA user_version").fetchone()[0]:
            if not self.conn.execute("SELECT 1 FROM states LIMIT 1").fetchone():
                self._make_room()
            self.conn.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()  # a new database lies in its log
            self.conn.close()
            self._witness.keep_page(self.path)
            self._attach(open_database(self.path))
        self._note()
        self._reserve.keep()
        self._limit_growth()

    def _make_room(self) -> None:
        """Some free pages in a new database: its first states find room though the disk is full by then."""
        with Transaction(self.conn):
            self.conn.execute("CREATE TABLE room AS SELECT zeroblob(?) AS bytes", (FEW_PAGES * PAGE_BYTES,))
            self.conn.execute("DROP TABLE room")

    def _look(self, why: StoreError) -> None:
        """Go on with what can be read. At a start, raises `why` when there is a database and its states cannot be; later
        on the states are in the daemon's memory."""
        conn = salvage.readable(self.path, self._witness)
        if conn is None:
            if not self._has_begun:
                raise why
            conn = in_memory()
        self._attach(conn)
        self._shut = why
        self._open_ns = clock.boottime_ns() + OPEN_AGAIN_S * NS

    def _finish(self) -> None:
        """A salvage that was cut short."""
        try:
            aside = salvage.unfinished(self.path)
            if aside is not None:
                salvage.salvage(self.path, aside, self._witness)
        except (sqlite3.Error, OSError) as e:
            raise store_error(self.path, e) from e

    def _start_afresh(self, why: salvage.Why) -> None:
        self._let_go()
        try:
            salvage.salvage(self.path, salvage.set_aside(self.path, why), self._witness)
        except (sqlite3.Error, OSError) as e:
            raise store_error(self.path, e) from e

    def _lost_commits(self) -> str | None:
        try:
            with closing(connect_to_look(self.path)) as conn:
                conn.execute("SELECT count(*) FROM sqlite_master").fetchone()  # it reads the log now
                return wal.lost_commits(self.path)
        except sqlite3.Error:
            return None  # more is wrong than that, and the next to open it tells

    def _highest(self) -> int:
        """The highest number given."""
        with self._errors():
            row = self.conn.execute("SELECT seq FROM sqlite_sequence WHERE name = 'events'").fetchone()
            return int(row[0]) if row else 0

    def _note(self) -> None:
        with suppress(StoreError):
            mark = Mark(self.epoch, self._highest())
            if mark != self._witness.mark():
                self._witness.note(mark)


if __name__ == "__main__":
    UnitStore(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])).close()
