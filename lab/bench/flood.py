"""A bounded flood of Modbus reads at one endpoint of a lab of the bench's own.

`python -m lab.bench.flood PORT SECONDS` prints how many answers came.
"""

import socket
import sys
import time

# Read input register 0 of unit 1; a batch of them in one segment, as a hostile client would.
REQUEST = bytes.fromhex("000100000006010400000001")
BATCH = 64


def flood(port: int, seconds: float) -> int:
    """Send as fast as answers come back, to 127.0.0.1 only; returns the answers' count."""
    deadline = time.monotonic() + seconds
    answered = 0
    with socket.create_connection(("127.0.0.1", port), 2) as client:
        client.settimeout(2)
        while time.monotonic() < deadline:
            client.sendall(REQUEST * BATCH)
            wanted = BATCH * 11
            while wanted > 0:
                data = client.recv(wanted)
                if not data:
                    return answered
                wanted -= len(data)
            answered += BATCH
    return answered


if __name__ == "__main__":
    print(flood(int(sys.argv[1]), float(sys.argv[2])))  # noqa: T201
