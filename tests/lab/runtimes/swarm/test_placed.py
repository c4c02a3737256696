"""What stands here for a lab on another machine: its control channel's path may be somebody else's by the time it closes."""

import asyncio
from pathlib import Path
from typing import Any

from lab.catalog import line_path
from lab.runtimes.swarm.machines import Machine
from lab.runtimes.swarm.placed import Placed
from lab.runtimes.swarm.streams import Stream
from simulators.host.plan import Plan
from simulators.model import load_line


async def nowhere(_order: dict[str, Any]) -> Stream:
    raise OSError("nobody is asked anything here")


def placed(home: Path) -> Placed:
    plan = Plan(
        name="one", line=str(line_path("bottling")), seed=1, folder=str(home), control=str(home / "run" / "control.sock"),
        token="",
    )  # fmt: skip
    return Placed(plan, "swarm", Machine("id", "there", "192.0.2.1"), nowhere)


async def listens(home: Path) -> bool:
    try:
        reader, writer = await asyncio.open_unix_connection(str(home / "run" / "control.sock"))
    except (FileNotFoundError, ConnectionRefusedError):
        return False
    await reader.read()
    writer.close()
    await writer.wait_closed()
    return True


async def test_who_lets_go_of_a_lab_leaves_the_channel_of_who_took_it_over(tmp_path: Path) -> None:
    line = load_line(line_path("bottling"))
    former, later = placed(tmp_path), placed(tmp_path)
    await former.open(line, {})
    assert await listens(tmp_path)
    await later.open(line, {})
    await former.close()
    assert await listens(tmp_path)
    await later.close()
    await later.close()
    assert not await listens(tmp_path)
    assert not (tmp_path / "run" / "control.sock").exists()
