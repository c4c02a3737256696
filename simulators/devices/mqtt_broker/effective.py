"""What Mosquitto is really given: the student's directives, with files and addresses where they truly are."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from simulators.devices.mqtt_broker.config import Config, Listener
from simulators.devices.mqtt_broker.directives import WORDS
from simulators.devices.mqtt_broker.passwords import stored

# `user root`: in the lab's user namespace no other account exists, and a change of account would also cancel
# the order that ends Mosquitto with the lab. An ordinary user's Mosquitto ignores it.
_OURS = ("user root", "log_dest stderr", "log_timestamp false")
_DROPPED = {"log_dest", "log_timestamp", "per_listener_settings"}
Place = Callable[[str, int], tuple[str, int]]


@dataclass(frozen=True)
class Effective:
    """The file's text, and for each of its lines the student's line that it comes from (0: ours)."""

    text: str
    lines: list[int]


def effective(
    config: Config, files: Path, data: Path, place: Place, address: str, port: int, door: str | None
) -> Effective:
    """The configuration for Mosquitto.

    `files` is where the bundle's files are, `data` where it keeps its own; `place` maps an address and a port
    of the line to the real ones, `address` and `port` are the device's. `door` is a Unix socket that it shall
    answer on beside.
    """
    rows: list[tuple[str, int]] = []
    if config.per_listener:
        rows.append(("per_listener_settings true", 0))
    rows += [(row, 0) for row in _OURS]
    rows.append((f"persistence_location {data}/", 0))
    rows += [(_row(e.word, e.value, files), e.line) for e in config.common if e.word not in _DROPPED]
    for listener in config.listeners:
        host, real = place(address, listener.port or port)
        rows.append((f"listener {real} {host}", listener.line))
        rows += [(_row(e.word, e.value, files), e.line) for e in listener.directives]
        rows += _implied(config, listener)
    if door is not None:
        rows.append((f"listener 0 {door}", 0))
    return Effective("".join(f"{row}\n" for row, _ in rows), [line for _, line in rows])


def write_files(config: Config, folder: Path) -> None:
    """Put the bundle's files in the folder, alone there; clear passwords are hashed.

    Raises:
        OSError: the folder cannot be written.
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700, parents=True)
    for section in config.bundle.files.values():
        path = folder / section.name
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        text = section.text.rstrip("\n") + "\n"
        if section.name in config.passwords:
            entries = config.passwords[section.name].items()
            text = "".join(f"{user}:{stored(password)}\n" for user, password in entries)
        path.touch(mode=0o600)
        path.write_text(text, encoding="utf-8")


def _row(word: str, value: str, files: Path) -> str:
    return f"{word} {files / value}" if WORDS[word].kind == "file" else f"{word} {value}"


def _implied(config: Config, listener: Listener) -> list[tuple[str, int]]:
    """Without a `listener` line Mosquitto lets anonymous clients in; here we wrote one for the student."""
    stated = config.security(listener, "allow_anonymous")
    return [("allow_anonymous true", 0)] if stated is None and config.allows_anonymous(listener) else []
