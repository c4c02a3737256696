"""Mosquitto, run inside the broker's zone."""

import asyncio
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

from simulators.contracts import Context, Health
from simulators.devices.mqtt_broker.config import Config
from simulators.devices.mqtt_broker.effective import Effective, effective, write_files
from simulators.devices.mqtt_broker.probe import answers_soon
from simulators.devices.mqtt_broker.process import Child
from simulators.errors import StartError
from simulators.os_errors import os_words
from simulators.text import Text

DEFAULT_PORT = 1883
START_LIMIT_S = 5.0
# We ask Mosquitto whether it answers on a socket of our own: in 2.0, each connection that was closed lets one
# more pass `max_connections` on its port. It opens all its ports before it answers on any.
_DOOR = "door.sock" if sys.platform == "linux" else None
_ENDED = Text(fr="mosquitto s'est arrêté", en="mosquitto has ended")


def mosquitto_path() -> str | None:
    """Where Mosquitto is; Debian puts it outside an ordinary user's PATH."""
    return shutil.which(
        "mosquitto", path=os.environ.get("PATH", "") + os.pathsep + "/usr/sbin:/usr/local/sbin"
    )


class Mosquitto:
    """The broker as a child process (contracts.Device)."""

    def __init__(self, context: Context, config: Config, program: str) -> None:
        self._context = context
        self._config = config
        self._program = program
        self._child: Child | None = None
        self._health = Health("stopped")

    async def start(self) -> None:
        """Return once it answers CONNECT. Raises: StartError."""
        await self.stop()
        written = self._write()
        self._health = Health("starting")
        child = self._child = self._spawn()
        secure = _DOOR is None and self._config.listeners[0].secure
        if not await answers_soon(self._connect, secure, child.alive, START_LIMIT_S):
            alive = child.alive()
            await self.stop()
            raise self._refused(written, list(child.last_lines), alive)
        self._health = Health("ok", figures={"engine": "mosquitto", "pid": child.process.pid})
        self._context.log("broker_started", engine="mosquitto", pid=child.process.pid)

    async def stop(self) -> None:
        child, self._child = self._child, None
        self._health = Health("stopped")
        if child is not None:
            await child.stop()

    def kill(self) -> None:
        """End it without ceremony, for tests and exercises."""
        if self._child is not None:
            self._child.process.kill()

    def step(self, t_s: float) -> None:
        """Nothing: Mosquitto lives its own life."""

    def publish(self, t_s: float) -> None:
        """Nothing."""

    def health(self) -> Health:
        if self._child is not None:
            self._child.alive()
        return self._health

    def _write(self) -> Effective:
        context, spec = self._context, self._context.spec
        files, data = context.folder / "files", context.folder / "data"
        written = effective(
            self._config,
            files.resolve(),
            data.resolve(),
            lambda address, port: context.network.place(spec.zone, address, port),
            spec.address,
            spec.port or DEFAULT_PORT,
            _DOOR,
        )
        try:
            write_files(self._config, files)
            data.mkdir(mode=0o700, exist_ok=True)
            (context.folder / "door.sock").unlink(missing_ok=True)
            (context.folder / "mosquitto.conf").write_text(written.text, encoding="utf-8")
        except OSError as error:
            why = os_words(error)
            raise StartError(
                f"{spec.id} : impossible d'écrire sa configuration ({why.fr}) ; libérez de la place",
                f"{spec.id}: cannot write its configuration ({why.en}); make room",
            ) from error
        return written

    def _spawn(self) -> Child:
        context = self._context
        try:
            process = context.network.spawn(
                context.spec.zone,
                [self._program, "-c", str((context.folder / "mosquitto.conf").resolve())],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                cwd=context.folder,
                close_fds=True,
            )
        except OSError as error:
            why = os_words(error)
            raise StartError(
                f"{context.spec.id} : mosquitto ne démarre pas ({why.fr}) ; voyez « lab doctor »",
                f"{context.spec.id}: mosquitto does not start ({why.en}); see 'lab doctor'",
            ) from error
        return Child(process, lambda line: context.log("mosquitto", line=line), self._ended)

    async def _connect(self) -> socket.socket:
        if _DOOR is not None:
            return await _connect_unix(self._context.folder, _DOOR)
        spec = self._context.spec
        port = self._config.listeners[0].port or spec.port or DEFAULT_PORT
        return await self._context.network.connect(spec.zone, spec.address, spec.address, port)

    def _ended(self, code: int) -> None:
        if self._child is None:
            return
        if self._health.state != "starting":
            self._context.log("broker_ended", exit_code=code, signal=_signal(code))
        self._health = Health("failed", _ENDED, {"exit_code": code})

    def _refused(self, written: Effective, said: list[str], alive: bool) -> StartError:
        spec, name = self._context.spec, self._config.name
        if alive:
            return StartError(
                f"{spec.id} : mosquitto ne répond pas après {START_LIMIT_S:.0f} s ; voyez « lab logs »",
                f"{spec.id}: mosquitto does not answer after {START_LIMIT_S:.0f} s; see 'lab logs'",
            )
        words = "; ".join(row for row in said if row.startswith(("Error", "Unable"))) or "; ".join(said[-2:])
        if found := re.search(r"\S*mosquitto\.conf:(\d+)", words):
            line = written.lines[int(found[1]) - 1] if int(found[1]) <= len(written.lines) else 0
            words = words.replace(found[0], f"{name}:{line}")
        return StartError(
            f"{spec.id} : mosquitto refuse cette configuration : {words} ; corrigez {name}",
            f"{spec.id}: mosquitto refuses this configuration: {words}; correct {name}",
        )


async def _connect_unix(folder: Path, name: str) -> socket.socket:
    """Through a descriptor of the folder: a path of more than 107 characters cannot be connected to."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    client = socket.socket(socket.AF_UNIX)
    client.setblocking(False)
    try:
        await asyncio.get_running_loop().sock_connect(client, f"/proc/self/fd/{descriptor}/{name}")
    except BaseException:
        client.close()
        raise
    finally:
        os.close(descriptor)
    return client


def _signal(code: int) -> str:
    try:
        return signal.Signals(-code).name if code < 0 else ""
    except ValueError:
        return str(-code)
