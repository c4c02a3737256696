"""The historian of a line: buffers SCADA's rows, commits them about once a second, keeps what fits."""

import asyncio
import errno
import sqlite3
import time
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from simulators.contracts import Context, Health
from simulators.devices.historian.compression import Compression, Row
from simulators.devices.historian.config import Config
from simulators.devices.historian.export import export
from simulators.devices.historian.store import Store, checkpoint, is_damaged, is_full
from simulators.devices.historian.trend import Curve, trend
from simulators.errors import StartError
from simulators.os_errors import os_words
from simulators.text import Text

FILE = "history.sqlite"
COMMIT_ROWS = 1000
CHECKPOINT_COMMITS = 60
# A clock that went back further than this was reset: what came before belongs to another run.
RESET_S = 5.0


class Historian:
    """Rows given to `record` are buffered; those committed are acknowledged (`health().figures`)."""

    def __init__(self, context: Context, config: Config) -> None:
        self._name = context.spec.id
        self._clock = context.clock
        self._log = context.log
        self._config = config
        units = {tag.id: tag.unit for tag in context.line.tags}
        self.store = Store(context.folder / FILE, units)
        self._compression = Compression(config, context.line.tags)
        self._buffer: deque[Row] = deque()
        self._state: Literal["starting", "ok", "failed", "stopped"] = "stopped"
        self._trouble: Text | None = None
        self._notice: Text | None = None
        self._newest_unix_s = float("-inf")
        self._rows = self._lost = self._commits = 0
        self._acknowledged_unix_s = 0.0
        self._commit_last_ms = self._commit_max_ms = 0.0
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Raises: StartError: the history cannot be opened (folder, rights, disk full)."""
        try:
            self._open()
        except (sqlite3.Error, OSError) as error:
            why = os_words(error)
            raise StartError(
                f"{self._name} : historique {self.store.path} inutilisable ({why.fr}) ; "
                "vérifiez les droits et la place sur le disque",
                f"{self._name}: history {self.store.path} cannot be used ({why.en}); "
                "check the rights and the space on the disk",
            ) from error
        self._state = "ok"
        self._task = asyncio.create_task(self._run(), name=f"{self._name} commits")

    async def stop(self) -> None:
        """Commit what is buffered and close."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.wait([task])
            while self._buffer and self.commit():
                pass
        self.store.close()
        self._state = "stopped"

    def kill(self) -> None:
        """End at once, as a sudden end of the process would: what was not committed is lost."""
        if self._task is not None:
            self._task.cancel()
        self._buffer.clear()
        self.store.close()
        self._state = "failed"
        self._trouble = Text(fr="arrêté de force", en="killed")

    def step(self, t_s: float) -> None:
        """Nothing of it follows the plant's steps."""

    def publish(self, t_s: float) -> None:
        """Nothing of it follows the plant's steps."""

    def health(self) -> Health:
        figures: dict[str, float | int | str] = {
            "rows": self._rows,
            "acknowledged_unix_s": round(self._acknowledged_unix_s, 3),
            "buffered": len(self._buffer),
            "lost": self._lost,
            "commit_last_ms": round(self._commit_last_ms, 3),
            "commit_max_ms": round(self._commit_max_ms, 3),
            "size_mib": round(self.store.size_bytes() / (1 << 20), 3),
        }
        if self._state == "ok" and self._trouble is not None:
            return Health("degraded", self._trouble, figures)
        return Health(self._state, self._trouble if self._state == "failed" else self._notice, figures)

    def record(self, rows: Sequence[Row]) -> None:
        """Keep (tag, unix seconds, value, quality) rows: buffered, committed within `commit_period_s`.

        Values that say nothing new are left out (`Compression`). While the disk refuses, the newest
        `memory_rows` are kept and the others counted as lost.
        """
        if self._state != "ok" or not rows:
            return
        newest = max(row[1] for row in rows)
        if newest < self._newest_unix_s - RESET_S:
            self._begin_run()
        self._newest_unix_s = max(newest, self._newest_unix_s)
        self._buffer.extend(self._compression.keep(rows))
        while len(self._buffer) > self._config.memory_rows:
            self._buffer.popleft()
            self._lost += 1

    def commit(self) -> bool:
        """Bring up to 1000 buffered rows to the disk; whether it took them."""
        rows = [self._buffer[i] for i in range(min(COMMIT_ROWS, len(self._buffer)))]
        before = time.perf_counter()
        try:
            self._write(rows)
        except sqlite3.Error as error:
            self._refused(error)
            return False
        self._commit_last_ms = 1e3 * (time.perf_counter() - before)
        self._commit_max_ms = max(self._commit_max_ms, self._commit_last_ms)
        for _ in rows:
            self._buffer.popleft()
        self._rows += len(rows)
        self._acknowledged_unix_s = max([self._acknowledged_unix_s, *(row[1] for row in rows)])
        return True

    def trend(
        self, tags: Sequence[str], since_unix_s: float, until_unix_s: float, points: int = 600
    ) -> dict[str, Curve]:
        """Tag → [(unix seconds, value)], about `points` at most; see `historian.trend`. Committed rows only.

        About 0.4 ms a tag: ask for what a screen shows.
        """
        if self._state != "ok":
            return {tag: [] for tag in tags}
        hold_s = 2 * self._config.at_least_every_s
        try:
            return trend(self.store, tags, since_unix_s, until_unix_s, points, hold_s)
        except sqlite3.Error as error:
            self._refused(error)
            return {tag: [] for tag in tags}

    async def export(
        self,
        target: Path,
        tags: Sequence[str] | None = None,
        since_unix_s: float = 0.0,
        until_unix_s: float = 1e11,
    ) -> int:
        """Write CSV or Parquet by `target`'s suffix, in a thread of its own; see `historian.export`."""
        while self._buffer and self._state == "ok" and self.commit():
            pass
        return await asyncio.to_thread(export, self.store.path, target, tags, since_unix_s, until_unix_s)

    async def _run(self) -> None:
        due_s = time.monotonic()
        while True:
            due_s = max(due_s + self._config.commit_period_s, time.monotonic())
            await asyncio.sleep(due_s - time.monotonic())
            if self._buffer:
                self.commit()
            await self._tidy()

    async def _tidy(self) -> None:
        self._commits += 1
        if self._trouble is None:
            try:
                self.store.prune(self._clock.unix_s(self._clock.now_s()) - 3600 * self._config.retention_h)
                if self._commits % CHECKPOINT_COMMITS == 0:
                    await asyncio.to_thread(checkpoint, self.store.path)
            except sqlite3.Error as error:
                self._refused(error)

    def _write(self, rows: list[Row]) -> None:
        try:
            self.store.append(rows)
        except sqlite3.Error as error:
            if not is_damaged(error):
                raise
            self._set_aside(error)
            self.store.append(rows)
        if self._trouble is not None:
            self._trouble = None
            self._log("history_resumed", buffered=len(self._buffer))

    def _open(self) -> None:
        try:
            self.store.open()
            newest = self.store.newest_unix_s()
        except sqlite3.Error as error:
            if not is_damaged(error):
                raise
            self._set_aside(error)
            newest = None
        self._newest_unix_s = float("-inf") if newest is None else newest

    def _set_aside(self, error: sqlite3.Error) -> None:
        """The file is damaged: keep it under another name, and begin a new one."""
        aside = self.store.set_aside("damaged")
        self._compression.forget()
        self._notice = Text(
            fr=f"historique endommagé ({error}) mis de côté sous {aside.name} ; un nouveau est commencé",
            en=f"damaged history ({error}) set aside as {aside.name}; a new one is begun",
        )
        self._log("history_damaged", error=str(error), aside=aside.name)

    def _begin_run(self) -> None:
        """The line was reset: its former history is kept under another name."""
        while self._buffer and self.commit():
            pass
        if self._buffer:
            return  # the disk refuses: both runs stay together
        try:
            aside = self.store.set_aside("run")
        except (sqlite3.Error, OSError) as error:
            self._refused(error)
            return
        self._compression.forget()
        self._newest_unix_s = float("-inf")
        self._log("history_run_begun", former=aside.name)

    def _refused(self, error: sqlite3.Error | OSError) -> None:
        text = _why(self.store.path, error)
        if text != self._trouble:
            self._log("history_refused", error=str(error))
        self._trouble = text


def _why(path: Path, error: sqlite3.Error | OSError) -> Text:
    full = is_full(error) if isinstance(error, sqlite3.Error) else error.errno == errno.ENOSPC
    if full:
        return Text(
            fr=f"disque plein : {path.name} ne reçoit plus de valeurs ; libérez de la place, la suite reprendra seule",
            en=f"disk full: {path.name} takes no more values; free some space, the rest resumes by itself",
        )
    # Trainees read this too: the folder is the server's own business.
    why = os_words(error)
    return Text(
        fr=f"{path.name} refuse les valeurs ({why.fr}) ; elles attendent en mémoire",
        en=f"{path.name} refuses the values ({why.en}); they wait in memory",
    )
