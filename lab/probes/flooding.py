"""A bounded flood of Modbus reads, run as a program of its own by `lab.probes.modbus`: standard library only.

`python flooding.py HOST PORT SOURCE UNIT CONNECTIONS SECONDS` prints how many answers came.
"""

import selectors
import socket
import struct
import sys
import time

BATCH = 32
SECONDS_MAX = 10.0
CONNECTIONS_MAX = 64


def main() -> None:
    host, port, source, unit, connections, seconds = sys.argv[1:7]
    request = struct.pack(">HHHBBHH", 1, 0, 6, int(unit), 4, 0, 1) * BATCH
    until = time.monotonic() + min(float(seconds), SECONDS_MAX)
    opened = selectors.DefaultSelector()
    for _ in range(min(int(connections), CONNECTIONS_MAX)):
        _join(opened, (host, int(port)), (source, 0) if source else None)
    received = 0
    while time.monotonic() < until:
        ready = opened.select(0.05)
        if not opened.get_map():
            time.sleep(0.05)
        for key, events in ready:
            received += _turn(opened, key, events, request)
    sys.stdout.write(f"{received // 11}\n")


def _join(opened: selectors.BaseSelector, place: tuple[str, int], source: tuple[str, int] | None) -> None:
    try:
        client = socket.create_connection(place, 1.0, source)
    except OSError:
        return
    client.setblocking(False)
    opened.register(client, selectors.EVENT_READ | selectors.EVENT_WRITE)


def _turn(opened: selectors.BaseSelector, key: selectors.SelectorKey, events: int, request: bytes) -> int:
    client = key.fileobj
    assert isinstance(client, socket.socket)
    try:
        if events & selectors.EVENT_WRITE:
            # A part of a batch that is taken leaves half a frame: end it, so that the rest stays Modbus.
            sent = client.send(request)
            while sent % 12:
                client.setblocking(True)
                sent += client.send(request[sent : sent + 12 - sent % 12])
                client.setblocking(False)
        data = client.recv(1 << 16) if events & selectors.EVENT_READ else b"."
    except BlockingIOError:
        return 0
    except OSError:
        data = b""
    if not data:
        opened.unregister(client)
        client.close()
        return 0
    return len(data) if data != b"." else 0


if __name__ == "__main__":
    main()
