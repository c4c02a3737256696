"""A process that records for ever and prints how many rows are acknowledged: its parent kills it."""

import asyncio
import sys
from pathlib import Path

from tests.fakes import ORIGIN_UNIX_S
from tests.simulators.devices.historian.test_historian import EVERY_ROW, a_historian


async def record(folder: Path) -> None:
    historian = a_historian(folder, EVERY_ROW)
    await historian.start()
    number = 0
    while True:
        rows = [("Tank.Level", ORIGIN_UNIX_S + n, float(n), "good") for n in range(number, number + 60)]
        historian.record(rows)
        number += 60
        historian.commit()
        print(historian.health().figures["rows"], flush=True)  # noqa: T201 -- its parent reads it


if __name__ == "__main__":
    asyncio.run(record(Path(sys.argv[1])))
