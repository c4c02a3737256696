"""A process on a disk of 256 KiB of its own: fills it, frees it, and says what the historian made of it."""

import asyncio
import sys
from pathlib import Path

from tests.simulators.devices.historian.test_historian import EVERY_ROW, a_historian, rows, stored


async def fill(folder: Path) -> None:
    historian = a_historian(folder, EVERY_ROW)
    await historian.start()
    ballast = folder / "ballast"
    with ballast.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError:
            pass
    for n in range(300):
        historian.record(rows(10, 10 * n))
        if not historian.commit():
            break
    health = historian.health()
    if health.state == "degraded" and health.detail is not None and "disk full" in health.detail.en:
        print("full")  # noqa: T201 -- the test reads it
    ballast.unlink()
    if historian.commit() and historian.health().state == "ok":
        print("resumed")  # noqa: T201
    await historian.stop()
    if len(stored(folder)) == 10 * (n + 1):
        print("complete")  # noqa: T201


if __name__ == "__main__":
    asyncio.run(fill(Path(sys.argv[1])))
