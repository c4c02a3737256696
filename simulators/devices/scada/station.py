"""SCADA of a line: one board of values, one list of alarms, one source per device, one tick a second."""

import asyncio
import time
from collections import deque
from collections.abc import Collection, Sequence
from typing import Any, Literal

from simulators.contracts import Context, Health
from simulators.devices.scada.alarms import Alarms
from simulators.devices.scada.board import Board
from simulators.devices.scada.communication import Watch, served
from simulators.devices.scada.config import Config
from simulators.devices.scada.journal import Entry, Journal
from simulators.devices.scada.scaling import checked
from simulators.devices.scada.source import CommandError, Source, keep
from simulators.devices.scada.sources import sources_of, stale_after_s
from simulators.errors import InputError, NotFoundError, UsineError
from simulators.model import Tag
from simulators.plc.image import Value
from simulators.snapshot import AlarmState, Shown
from simulators.text import Text

TICK_S = 1.0
# How long `start` waits for the devices: those that answer do so at once.
SETTLE_LIMIT_S = 1.5
# Rows kept while there is no historian: about two minutes of the bottling line.
ROWS_MAX = 10_000


class Scada:
    """Operators' view of the line: `shown`, `alarms`, `acknowledge`, `write`. All of it is what the wire said."""

    def __init__(self, context: Context, config: Config) -> None:
        """Raises: InputError: the configuration names a device, a file or an alarm that is not there."""
        self._context = context
        self._config = config
        self._clock = context.clock
        self._tags = {tag.id: tag for tag in context.line.tags}
        self.journal = Journal()
        self._board = Board(stale_after_s(context.line, config))
        self._alarms = Alarms(context.line.tags, config.alarms, self.journal)
        self._sources = sources_of(context, config, self._board)
        self._of_device = {device: source for source in self._sources for device in served(source)}
        self._watch = Watch(self._sources, self._board, self._alarms)
        self._rows: deque[tuple[str, float, Value, str]] = deque(maxlen=ROWS_MAX)
        self._state: Literal["ok", "failed", "stopped"] = "stopped"
        self._tasks: list[asyncio.Task[None]] = []
        self._ticked_s = time.monotonic()
        self._fed_unix_s = float("-inf")

    async def start(self) -> None:
        """Return once every device has answered, or is known not to."""
        self._state = "ok"
        self._ticked_s = time.monotonic()
        for source in self._sources:
            name = f"{self._context.spec.id} to {source.link.device}"
            self._tasks.append(asyncio.create_task(keep(source), name=name))
        settled = [asyncio.create_task(source.link.settled.wait()) for source in self._sources]
        if settled:
            _, late = await asyncio.wait(settled, timeout=SETTLE_LIMIT_S)
            await _ended(late)
        self._tasks.append(asyncio.create_task(self._run(), name=f"{self._context.spec.id} tick"))

    async def stop(self) -> None:
        tasks, self._tasks = self._tasks, []
        await _ended(tasks)
        self._state = "stopped"
        for source in self._sources:
            source.link.reset()

    def kill(self) -> None:
        """End at once, as a crash would."""
        for task in self._tasks:
            task.cancel()
        self._state = "failed"

    def step(self, t_s: float) -> None:
        """Nothing of it follows the plant's steps."""

    def publish(self, t_s: float) -> None:
        """Nothing of it follows the plant's steps."""

    def health(self) -> Health:
        links = [source.link for source in self._sources]
        figures: dict[str, float | int | str] = {
            "connected": sum(link.connected for link in links),
            "sources": len(links),
            "connections": sum(link.connections for link in links),
            "rows_waiting": len(self._rows),
        }
        if self._state == "failed" or (self._state == "ok" and any(task.done() for task in self._tasks)):
            return Health("failed", Text(fr="arrêtée", en="ended"), figures)
        down = [link for link in links if not link.connected]
        if self._state == "ok" and down:
            return Health(
                "degraded", _joined([link.trouble or _not_yet(link.device) for link in down]), figures
            )
        return Health(self._state, None, figures)

    def shown(self) -> dict[str, Shown]:
        """Tag → what operators see of it."""
        return self._board.shown()

    def alarms(self) -> list[AlarmState]:
        """Those active or to be acknowledged, the gravest first."""
        return self._alarms.states(self._now_unix_s())

    def acknowledge(self, alarm: str = "all", by: str = "operator") -> int:
        """Acknowledge one alarm or all; returns how many were waiting. Raises: NotFoundError."""
        return self._alarms.acknowledge(alarm, by, self._now_unix_s())

    def shelve(self, alarm: str, seconds: float, by: str = "operator") -> None:
        """Keep an alarm off the list for so long (simulated seconds; 0 puts it back). Raises: NotFoundError."""
        now = self._now_unix_s()
        self._alarms.shelve(alarm, now + seconds, by, now)

    async def write(self, tag_id: str, value: object, by: str = "operator") -> None:
        """An operator's command: `value` in engineering units, sent to the device that serves the tag.

        Raises:
            NotFoundError: no such tag.
            InputError: commands are not allowed, or not this one; says what is.
            CommandError: the device refuses, or does not answer.
        """
        tag = self._tags.get(tag_id)
        if tag is None:
            raise NotFoundError(
                f"variable {tag_id} inconnue ; voyez « lab tags »", f"unknown tag {tag_id}; see 'lab tags'"
            )
        if not self._config.write_allowed:
            raise InputError(
                f"{tag_id} : la configuration de SCADA interdit les commandes (write_allowed: false)",
                f"{tag_id}: SCADA's configuration allows no commands (write_allowed: false)",
            )
        sent = checked(tag, value)
        try:
            await self._source(tag).write(tag, sent)
        except UsineError as error:
            self._note("command_refused", tag, sent, by, error.text)
            raise
        self._note("command", tag, sent, by, tag.name)

    def tick(self) -> None:
        """Age the values, judge the alarms, feed the historian."""
        wall_s = time.monotonic()
        since_s, self._ticked_s = wall_s - self._ticked_s, wall_s
        if self._clock.paused:
            self._board.hold(since_s)
        self._board.age(wall_s)
        now = self._now_unix_s()
        self._alarms.evaluate(self._board, now)
        self._watch.evaluate(now, wall_s)
        if now != self._fed_unix_s:
            self._fed_unix_s = now
            self._feed(self._board.rows(now))

    async def _run(self) -> None:
        due_s = time.monotonic()
        while True:
            self.tick()
            due_s = max(due_s + TICK_S, time.monotonic())
            await asyncio.sleep(due_s - time.monotonic())

    def _feed(self, rows: Sequence[tuple[str, float, Value, str]]) -> None:
        """Hand rows to the historian; without one keep the newest until it is back."""
        historians = self._context.line.devices_of("historian")
        if historians:
            self._rows.extend(rows)
        for spec in historians[:1]:
            historian = (self._context.devices or {}).get(spec.id)
            if historian is not None and historian.health().state in {"ok", "degraded"}:
                historian.record(list(self._rows))  # type: ignore[attr-defined]  # of its kind: contracts.Historian
                self._rows.clear()

    def _source(self, tag: Tag) -> Source:
        source = self._of_device.get(tag.device)
        if source is None:
            raise CommandError(
                f"{tag.id} : SCADA n'a pas de liaison vers {tag.device}",
                f"{tag.id}: SCADA has no link to {tag.device}",
            )
        return source

    def _note(
        self, event: Literal["command", "command_refused"], tag: Tag, value: Value, by: str, text: Text
    ) -> None:
        self.journal.add(Entry(self._now_unix_s(), event, "", tag.id, None, value, by, text))
        self._context.log(event, tag=tag.id, value=value, by=by)

    def _now_unix_s(self) -> float:
        return self._clock.unix_s(self._clock.now_s())


async def _ended(tasks: Collection[asyncio.Task[Any]]) -> None:
    for task in tasks:
        task.cancel()
    if tasks:
        await asyncio.wait(tasks)
    # Transports that were closed let go of their sockets in the loop's next turn.
    await asyncio.sleep(0)


def _joined(texts: Sequence[Text]) -> Text:
    return Text(fr=" ; ".join(t.fr for t in texts), en="; ".join(t.en for t in texts))


def _not_yet(device: str) -> Text:
    return Text(fr=f"{device} : première liaison en cours", en=f"{device}: connecting for the first time")
