"""Which machine has which devices of a line that is spread: pure."""

from collections.abc import Mapping

from lab.runtimes.docker.layout import NEED, NEEDS
from simulators.model import PLC_KINDS, Device, Line


def dealt(line: Line, free_bytes: Mapping[str, int], former: Mapping[str, str]) -> dict[str, str]:
    """Device → machine, of those that leave the main one; `free_bytes` are of the other machines.

    A zone's devices stay together, for they speak most to each other. The zone with the most PLCs stays on the main
    machine, for those speak to the plant at each step, and so does the gateway, which is in every zone. The other zones,
    largest first, go where they were (`former`), else to the machine that then has the most memory left. Empty where
    there is no other zone.
    """
    zones: dict[str, list[Device]] = {}
    for device in line.devices:
        if device.kind != "gateway":
            zones.setdefault(device.zone, []).append(device)
    kept = max(zones, key=lambda zone: sum(device.kind in PLC_KINDS for device in zones[zone]), default="")
    zones.pop(kept, None)
    left, away = dict(free_bytes), dict[str, str]()
    for devices in sorted(zones.values(), key=_bytes, reverse=True):
        before = {former.get(device.id, "") for device in devices}
        known = [machine for machine in left if before == {machine}]
        machine = known[0] if known else max(left, key=lambda machine: left[machine])
        left[machine] -= _bytes(devices)
        away.update({device.id: machine for device in devices})
    return away


def _bytes(devices: list[Device]) -> int:
    """What they may take at most."""
    return sum(NEEDS.get(device.kind, NEED)[0] for device in devices)
