"""A flood of one PLC leaves the rest of its process, and its other clients, alive."""

import asyncio
import sys
import time
from pathlib import Path

import pytest

from simulators.devices.modbus_plc.pump import CREDIT_S, LOOP_COST_S, RUN_S, TURN, Pump
from tests.simulators.devices.modbus_plc.rig import raw, read, running

FLOOD = """
import selectors, socket, sys, time
place, joined, seconds = ("127.0.0.1", int(sys.argv[1])), int(sys.argv[2]), float(sys.argv[3])
request = bytes.fromhex("000100000006010400000002") * joined
chosen = selectors.DefaultSelector()
for _ in range(4):
    client = socket.create_connection(place)
    client.setblocking(False)
    chosen.register(client, selectors.EVENT_READ)
    client.send(request)
until = time.monotonic() + seconds
answers = 0
while time.monotonic() < until:
    for key, _ in chosen.select(0.02):
        answers += len(key.fileobj.recv(65536)) // 13
        try:
            key.fileobj.send(request)
        except BlockingIOError:
            pass
print(answers)
"""


@pytest.mark.parametrize("joined", [1, 100])
async def test_others_in_the_loop_and_on_the_network_are_served_meanwhile(
    tmp_path: Path, joined: int
) -> None:
    late_s: list[float] = []
    answer_s: list[float] = []

    async def scan(period_s: float = 0.02) -> None:
        origin_s, number = time.monotonic(), 0
        while True:
            number += 1
            due_s = origin_s + number * period_s
            await asyncio.sleep(max(0.0, due_s - time.monotonic()))
            late_s.append(time.monotonic() - due_s)

    async with running(tmp_path) as rig, raw(rig) as good:
        scanning = asyncio.create_task(scan())
        place = rig.place()[1]
        flood = await asyncio.create_subprocess_exec(
            sys.executable, "-c", FLOOD, str(place), str(joined), "1.2", stdout=asyncio.subprocess.PIPE
        )
        while flood.returncode is None:
            asked_s = time.monotonic()
            assert len(await good.ask(read(4, 0, 1))) == 4
            answer_s.append(time.monotonic() - asked_s)
            await asyncio.sleep(0.02)
        assert flood.stdout is not None
        answers = int(await flood.stdout.read())
        scanning.cancel()
        await asyncio.gather(scanning, return_exceptions=True)
    assert answers > 500
    # Bounds a hundred times what a quiet machine gives: they tell a starved loop from a busy test machine.
    assert sorted(late_s)[int(len(late_s) * 0.9)] < 0.1
    assert sorted(answer_s)[int(len(answer_s) * 0.9)] < 0.2


class Clocks:
    """CPU and wall seconds that only work moves."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


class Flooder:
    """Has requests without end, each worth `cost_s`."""

    def __init__(self, clocks: Clocks, cost_s: float) -> None:
        self.clocks, self.cost_s, self.done = clocks, cost_s, 0

    def work(self, limit: int) -> bool:
        self.done += limit
        self.clocks.now_s += limit * self.cost_s
        return True


async def test_one_run_is_short_and_turns_are_fair() -> None:
    clocks = Clocks()
    pump = Pump(0.2, cpu=clocks, wall=lambda: 0.0)
    flooders = [Flooder(clocks, 20e-6) for _ in range(3)]
    for flooder in flooders:
        pump.add(flooder)
    pump.run()
    one_turn_s = TURN * 20e-6
    assert RUN_S - LOOP_COST_S * 20 <= clocks.now_s <= RUN_S + one_turn_s
    assert max(f.done for f in flooders) - min(f.done for f in flooders) <= TURN
    pump.stop()


async def test_the_share_is_kept_and_a_debt_is_waited_for() -> None:
    cpu, wall_s = Clocks(), [0.0]
    pump = Pump(0.2, cpu=cpu, wall=lambda: wall_s[0])
    pump.add(Flooder(cpu, 20e-6))
    loop = asyncio.get_running_loop()
    for _ in range(400):
        pump.run()
        if isinstance(pump._handle, asyncio.TimerHandle):
            wall_s[0] += max(0.0, pump._handle.when() - loop.time())
    assert wall_s[0] > 0
    assert cpu.now_s <= CREDIT_S + 0.2 * wall_s[0] + RUN_S
    assert cpu.now_s >= 0.5 * 0.2 * wall_s[0]
    pump.stop()


async def test_a_client_that_asks_again_at_once_cannot_run_up_a_debt() -> None:
    cpu = Clocks()
    pump = Pump(0.2, cpu=cpu, wall=lambda: 0.0)

    class OneAtATime(Flooder):
        def work(self, limit: int) -> bool:
            super().work(1)
            return False

    asker = OneAtATime(cpu, 100e-6)
    for _ in range(200):
        pump.add(asker)
        await asyncio.sleep(0)
        if isinstance(pump._handle, asyncio.TimerHandle):
            break
    assert cpu.now_s < 2 * CREDIT_S
    pump.stop()
