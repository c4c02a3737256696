"""The supervisor's Unix socket: who may speak, and what they say."""

import contextlib
import hmac
import os
import selectors
import socket
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from simulators.errors import InputError, StartError, UsineError
from simulators.os_errors import os_words

REQUEST_LIMIT_BYTES = 1 << 20
SEND_LIMIT_S = 1.0


@dataclass(eq=False)
class Client:
    """One connection; nothing but its token is heard before it is authenticated.

    What is in `leaving` is called when it closes.
    """

    socket: socket.socket
    authenticated: bool = False
    buffer: bytes = b""
    request_id: int = 0
    leaving: list[Callable[[], None]] = field(default_factory=list)

    def answer(self, result: Any, fds: list[int] | None = None) -> None:
        """The result of its last request, with file descriptors if any."""
        self._send({"id": self.request_id, "result": result}, fds)

    def refuse(self, refusal: dict[str, str]) -> None:
        """The error (`kind`, `fr`, `en`) that its last request met."""
        self._send({"id": self.request_id, "error": refusal})

    def progress(self, message: dict[str, Any]) -> None:
        """News of its last request, before the answer."""
        self._send({"id": self.request_id, "progress": message})

    def _send(self, message: dict[str, Any], fds: list[int] | None = None) -> None:
        data = msgspec.json.encode(message) + b"\n"
        try:
            self.socket.settimeout(SEND_LIMIT_S)
            if fds:
                socket.send_fds(self.socket, [data], fds)
            else:
                self.socket.sendall(data)
            self.socket.setblocking(False)
        except OSError:
            # Who does not read what was asked for is waited for once; the door then sees the end.
            with contextlib.suppress(OSError):
                self.socket.shutdown(socket.SHUT_RDWR)


Hear = Callable[[Client, str, dict[str, Any]], None]


def refusal(error: UsineError) -> dict[str, str]:
    """An error as clients are told it."""
    return {"kind": type(error).__name__, "fr": error.text.fr, "en": error.text.en}


class Door:
    """Accepts clients and calls `hear(client, verb, arguments)` for each request."""

    def __init__(
        self,
        path: Path,
        token: str,
        selector: selectors.BaseSelector,
        hear: Hear,
    ) -> None:
        self._path = path
        self._token = token.encode()
        self._selector = selector
        self._hear = hear
        self._clients: set[Client] = set()
        self._listener = _listen(path)
        selector.register(self._listener, selectors.EVENT_READ, self._accept)

    def close(self) -> None:
        self._selector.unregister(self._listener)
        self._listener.close()
        for client in list(self._clients):
            self._drop(client)
        self._path.unlink(missing_ok=True)

    def _accept(self) -> None:
        with contextlib.suppress(BlockingIOError):
            connected, _address = self._listener.accept()
            connected.setblocking(False)
            client = Client(connected)
            self._clients.add(client)
            self._selector.register(connected, selectors.EVENT_READ, lambda: self._read(client))

    def _read(self, client: Client) -> None:
        try:
            data = client.socket.recv(1 << 16)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        client.buffer += data
        if not data or len(client.buffer) > REQUEST_LIMIT_BYTES:
            self._drop(client)
            return
        *lines, client.buffer = client.buffer.split(b"\n")
        for line in lines:
            if client.authenticated:
                self._request(client, line)
            elif hmac.compare_digest(line, self._token):
                client.authenticated = True
            else:
                self._drop(client)
                return

    def _request(self, client: Client, line: bytes) -> None:
        try:
            request = msgspec.json.decode(line, type=dict[str, Any])
            client.request_id = int(request.get("id", 0))
            self._hear(client, str(request.get("verb", "")), dict(request.get("arguments", {})))
        except UsineError as error:
            client.refuse(refusal(error))
        except (TypeError, ValueError, msgspec.MsgspecError):
            malformed = InputError(
                "requête incorrecte (JSON, numéro ou arguments du verbe) ; voyez lab/supervisor/supervisor.py",
                "malformed request (JSON, number or the verb's arguments); see lab/supervisor/supervisor.py",
            )
            client.refuse(refusal(malformed))
        except Exception as error:
            # One caller's bad luck must not cost everybody the supervisor.
            traceback.print_exc()
            fault = UsineError(
                f"défaut interne du superviseur : {error!r} ; voyez son journal",
                f"internal fault of the supervisor: {error!r}; see its log",
            )
            client.refuse(refusal(fault))

    def _drop(self, client: Client) -> None:
        with contextlib.suppress(KeyError, ValueError):
            self._selector.unregister(client.socket)
        client.socket.close()
        self._clients.discard(client)
        for told in client.leaving:
            told()


def _listen(path: Path) -> socket.socket:
    with socket.socket(socket.AF_UNIX) as probe:
        if probe.connect_ex(str(path)) == 0:
            raise StartError(
                f"un superviseur tourne déjà dans {path.parent}",
                f"a supervisor already runs in {path.parent}",
            )
    path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX)
    mask = os.umask(0o177)
    try:
        listener.bind(str(path))
    except OSError as error:
        listener.close()
        why = os_words(error)
        raise StartError(
            f"{path} : {why.fr} ; donnez un dossier plus court par USINE_HOME",
            f"{path}: {why.en}; give a shorter folder in USINE_HOME",
        ) from error
    finally:
        os.umask(mask)
    listener.listen(128)
    listener.setblocking(False)
    return listener
