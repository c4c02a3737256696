"""Work is kept in the addresses of the line's files, and a lab is told its own."""

from typing import Any

from lab.addressed import Addressed, addressing
from lab.labs import LabStatus
from tests.simulators.plant.operators import bottling

LINE = bottling()
SUBNETS = {"control": "10.192.7.0/24", "iiot": "10.192.8.0/24"}
STATUS = LabStatus("one", "bottling", "docker", "running", None, 1, 0.0, 0, subnets=SUBNETS)


class Device:
    """A lab that keeps what it is given."""

    def __init__(self) -> None:
        self.text = "allow: [10.192.7.9]"
        self.closed = False

    def request(self, verb: str, **arguments: Any) -> Any:
        if verb == "config":
            return {"text": self.text, "default": self.text, "versions": [self.text], "schema": None}
        self.text = arguments["text"]
        return True

    def stream(self) -> Any:
        return iter(())

    def close(self) -> None:
        self.closed = True

    def __enter__(self) -> "Device":
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


def test_configurations_go_and_come_in_the_lines_own_addresses() -> None:
    device = Device()
    with Addressed(device, addressing(LINE, STATUS)) as lab:
        assert lab.request("config", device="plc1")["versions"] == ["allow: [10.20.1.9]"]
        lab.request("configure", device="plc1", text="allow: [10.20.2.21, 10.20.3.20]")
        assert device.text == "allow: [10.192.8.21, 10.20.3.20]"
        assert lab.request("config", device="plc1")["text"] == "allow: [10.20.2.21, 10.20.3.20]"
    assert device.closed


def test_a_lab_at_the_lines_own_addresses_is_told_what_was_written() -> None:
    assert addressing(LINE, None).identical
    same = {zone.id: zone.subnet for zone in LINE.zones}
    assert addressing(
        LINE, LabStatus("one", "bottling", "local", "running", 1, 1, 0.0, 0, subnets=same)
    ).identical
