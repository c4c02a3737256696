"""The event table of a running line: verb and command."""

import csv
from pathlib import Path

from lab.connection import SupervisorClient
from tests.live.conftest import NAME, Command
from tests.waiting import within


def test_rows_come_page_by_page_and_filtered(labs: SupervisorClient) -> None:
    with labs.attach(NAME) as lab:
        first = within(5.0, lambda: (a := lab.request("events", limit=5))["events"] and a)
        assert first["columns"][:3] == ["seq", "ts", "log"]
        rest = within(5.0, lambda: (a := lab.request("events", after=first["cursor"]))["events"] and a)
        assert rest["events"][0]["seq"] == first["cursor"] + 1
        assert rest["events"][0]["ts"] <= rest["now"] + 2.0
        modbus = lab.request("events", log="modbus_detailed", device="plc1", contains="read_coils", limit=20)
        assert {row["func"] for row in modbus["events"]} == {"READ_COILS"}
        since = first["events"][-1]["ts"]
        assert all(
            row["ts"] > since for row in lab.request("events", since_ts=since, log="opcua_binary")["events"]
        )


def test_the_command_prints_and_writes_a_csv(lab: Command, tmp_path: Path) -> None:
    assert "modbus" in lab("events", NAME, "--log", "modbus_detailed")
    file = tmp_path / "events.csv"
    lab("events", NAME, "--csv", str(file), "--since", "20")
    with file.open(encoding="utf-8") as opened:
        written = list(csv.DictReader(opened))
    assert written[0]["id.resp_h"].startswith("10.20.")
    assert lab.json("events", NAME, "--device", "plc2", "--since", "5")["columns"]
    assert "unknown device" in lab.json("events", NAME, "--device", "nobody", status=3)["error"]["en"]


def test_the_record_comes_as_a_pcap_too(labs: SupervisorClient) -> None:
    with labs.attach(NAME) as lab:
        lab.request("record", zones=["control"])
        taken = lab.request("record_pcap")
        assert lab.request("record", zones=[]) == {"zones": []}
    assert taken["frames"] > 0
    assert taken["pcap_base64"].startswith("1MOyoQ")
