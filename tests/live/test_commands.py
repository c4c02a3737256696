"""The commands, on a real lab: what they print, change and refuse."""

import csv
import json
from pathlib import Path

import pytest

from lab.connection import SupervisorClient
from simulators.errors import InputError
from tests.limits import small_files
from tests.live.conftest import NAME, Command, green
from tests.waiting import within

ENDLESS = """
PROGRAM main
  VAR i : INT; END_VAR
  WHILE TRUE DO i := i + 1; END_WHILE;
END_PROGRAM
"""


def test_ps_and_status(lab: Command) -> None:
    (listed,) = [row for row in lab.json("ps") if row["name"] == NAME]
    assert (listed["line"], listed["state"], listed["seed"]) == ("bottling", "running", 1)
    seen = lab.json("status", NAME)
    assert {device["health"]["state"] for device in seen["devices"]} == {"ok"}
    assert {"oee", "availability", "performance", "quality", "bottles_per_min"} <= seen["kpis"].keys()
    assert NAME in lab("ps")
    assert "plc1" in lab("status", NAME)


def test_tags_have_the_truth_beside_what_scada_shows(lab: Command) -> None:
    tags = {tag["id"]: tag for tag in lab.json("tags", NAME)}
    assert len(tags) >= 60
    for tag in tags.values():
        assert {"truth", "shown", "quality", "unit", "device", "address", "name"} <= tag.keys()
        assert tag["name"]["fr"]
        assert tag["name"]["en"]


def test_a_sensor_fault_shows_on_scada_and_not_in_the_truth_and_is_mended(lab: Command) -> None:
    def level() -> tuple[float, float]:
        tag = next(t for t in lab.json("tags", NAME) if t["id"] == "RawTank.Level")
        return tag["truth"], tag["shown"]

    lab("fault", NAME, "raw_tank", "sensor_off:level_pct")
    within(5, lambda: abs(level()[0] - level()[1]) > 5)
    lab("fault", NAME, "raw_tank", "sensor_off:level_pct", "--severity", "0")
    within(8, lambda: abs(level()[0] - level()[1]) < 3)


@pytest.mark.parametrize(
    ("arguments", "status", "says"),
    [
        (("status", "nolab"), 3, "no lab nolab; those that run: bottling"),
        (("start", "nowhere"), 3, "unknown line nowhere; choose one of: bottling"),
        (("start", "bottling", "--name", NAME), 1, "already runs"),
        (("start", "bottling", "--name", "../x"), 1, "not a lab's name"),
        (
            ("start", "bottling", "--speed", "1000"),
            2,
            "--speed: value refused; expected a number from 1 to 100",
        ),
        (("fault", NAME, "nothing", "stuck"), 3, "unknown asset nothing; choose one of: "),
        (("fault", NAME, "pump", "explosion"), 3, "unknown fault explosion; choose one of: "),
        (("speed", NAME, "0.1"), 2, "from 1 to 100"),
        (("plc", NAME, "plc9", "mode"), 3, "plc9 is not a PLC; choose one of: plc1, plc2"),
        (("plc", NAME, "plc1", "explode"), 2, "expected one of: download, upload, mode"),
        (("plc", NAME, "scada", "mode"), 3, "scada is not a PLC; choose one of: plc1, plc2"),
        (("plc", NAME, "plc1", "mode", "FLY"), 2, "unknown mode FLY; choose one of: RUN, STOP"),
        (("plc", NAME, "plc1", "download", "/nowhere.st"), 1, "/nowhere.st"),
        (("config", NAME, "nothing"), 3, "unknown device nothing"),
        (("config", NAME, "plc1", "--set", "/nowhere.yaml"), 1, "/nowhere.yaml"),
        (("logs", NAME, "nothing"), 3, "unknown device nothing"),
        (("capture", NAME, "-o", "/nowhere/x.pcap"), 1, "/nowhere"),
        (("shell", NAME, "--zone", "moon", "-c", "true"), 3, "unknown zone moon"),
        (("stop",), 2, "--all"),
        (("stop", "nolab"), 3, "no lab nolab"),
        (("twin", "nowhere", "--hours", "1", "-o", "x.csv"), 3, "unknown line nowhere"),
    ],
)
def test_a_mistake_is_named_with_its_remedy(
    lab: Command, arguments: tuple[str, ...], status: int, says: str
) -> None:
    lab(*arguments, status=status)
    assert says in " ".join(lab.err.split())
    assert "Traceback" not in lab.out + lab.err


def test_errors_for_scripts_are_json_in_both_languages(lab: Command) -> None:
    error = lab.json("status", "nolab", status=3)["error"]
    assert error["fr"].startswith("aucun labo nolab")
    assert error["en"].startswith("no lab nolab")


def test_pause_speed_and_reset(lab: Command) -> None:
    def t_s() -> float:
        return float(lab.json("status", NAME)["t_s"])

    lab("pause", NAME)
    paused = t_s()
    assert lab.json("status", NAME)["paused"] is True
    assert t_s() == paused
    lab("resume", NAME)
    lab("speed", NAME, "50")
    within(5, lambda: t_s() > paused + 30)
    lab("speed", NAME, "1")
    lab("reset", NAME)
    assert t_s() < paused + 20


def test_a_program_is_uploaded_refused_downloaded_and_contained(
    lab: Command, labs: SupervisorClient, tmp_path: Path
) -> None:
    original = lab.json("plc", NAME, "plc1", "upload")
    kept = tmp_path / "kept.st"
    lab("plc", NAME, "plc1", "upload", "-o", str(kept))
    broken = tmp_path / "broken.st"
    broken.write_text("PROGRAM main\n  x := ;\nEND_PROGRAM\n")
    lab("plc", NAME, "plc1", "download", str(broken), status=1)
    assert ":2:" in lab.err.replace(" ", "") or "line 2" in lab.err
    assert lab.json("plc", NAME, "plc1", "upload")["sha256"] == original["sha256"]
    endless = tmp_path / "endless.st"
    endless.write_text(ENDLESS)
    lab("plc", NAME, "plc1", "download", str(endless))
    status = within(5, lambda: (s := lab.json("plc", NAME, "plc1", "mode"))["fault"] and s)
    assert status["mode"] == "STOP"
    assert lab.json("plc", NAME, "plc2", "mode")["mode"] == "RUN"
    assert lab.json("plc", NAME, "plc1", "download", str(kept))["sha256"] == original["sha256"]
    lab("plc", NAME, "plc1", "mode", "RUN")
    assert lab.json("plc", NAME, "plc1", "mode")["fault"] == ""
    within(10, lambda: green(labs))


def test_a_configuration_is_refused_applied_and_undone(
    lab: Command, labs: SupervisorClient, tmp_path: Path
) -> None:
    before = lab("config", NAME, "plc1")
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text("max_connections: many\n")
    lab("config", NAME, "plc1", "--set", str(wrong), status=1)
    assert f"{wrong}:1: $.max_connections: expected a whole number of at least 1, not 'many'" in lab.err
    assert lab("config", NAME, "plc1") == before
    right = tmp_path / "right.yaml"
    right.write_text("max_connections: 7\n")
    lab("config", NAME, "plc1", "--set", str(right))
    assert lab("config", NAME, "plc1") == "max_connections: 7\n"
    within(10, lambda: green(labs))
    lab("config", NAME, "plc1", "--undo")
    assert lab("config", NAME, "plc1") == before
    within(10, lambda: green(labs))


def test_a_configuration_is_edited_in_the_users_editor(
    lab: Command, labs: SupervisorClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = lab("config", NAME, "historian")
    monkeypatch.setenv("VISUAL", "")
    monkeypatch.setenv("EDITOR", "sed -i '$ a # edited'")
    lab("config", NAME, "historian", "--edit")
    assert lab("config", NAME, "historian") == before + "# edited\n"
    monkeypatch.setenv("EDITOR", "no-such-editor")
    lab("config", NAME, "historian", "--edit", status=4)
    assert "no-such-editor" in lab.err
    lab("config", NAME, "historian", "--default")
    assert lab("config", NAME, "historian") == before
    within(10, lambda: green(labs))


def test_history_is_exported(lab: Command, labs: SupervisorClient, tmp_path: Path) -> None:
    within(10, lambda: green(labs))
    out = tmp_path / "history.csv"
    told = within(
        5, lambda: (t := lab.json("history", NAME, "-o", str(out), "--tag", "RawTank.Level"))["rows"] and t
    )
    with out.open(newline="") as file:
        assert len(list(csv.reader(file))) == told["rows"] + 1
    lab("history", NAME, "-o", str(tmp_path / "history.xls"), status=1)
    lab("history", "never-was", "-o", str(out), status=3)


def test_what_cannot_be_written_is_said_and_leaves_nothing(
    lab: Command, labs: SupervisorClient, tmp_path: Path
) -> None:
    within(10, lambda: green(labs))
    for arguments in (
        ("plc", NAME, "plc1", "upload", "-o", str(tmp_path / "kept.st")),
        ("history", NAME, "-o", str(tmp_path / "history.csv")),
        ("capture", NAME, "--seconds", "1", "-o", str(tmp_path / "line.pcap")),
        ("events", NAME, "--csv", str(tmp_path / "events.csv")),
    ):
        with small_files(50):
            lab(*arguments, status=1)
        assert "free some space or choose another folder" in " ".join(lab.err.split())
        assert "Errno" not in lab.err
        assert list(tmp_path.iterdir()) == []


def test_errors_name_the_users_own_file(lab: Command, labs: SupervisorClient, tmp_path: Path) -> None:
    config, program, big = tmp_path / "k.yaml", tmp_path / "bad.st", tmp_path / "big.yaml"
    config.write_text("max_connections: 7\n\nmax_connection: 7\n")
    lab("config", NAME, "plc1", "--set", str(config), status=1)
    assert f"{config}:3: $.max_connection: unknown key; perhaps 'max_connections'?" in lab.err
    program.write_text("PROGRAM main\n  x := ;\nEND_PROGRAM\n")
    lab("plc", NAME, "plc1", "download", str(program), status=1)
    assert f"{program}:2" in lab.err
    big.write_text("# " + "x" * (3 << 20))
    lab("config", NAME, "plc1", "--set", str(big), status=1)
    assert "more than 1024 KiB; make that file smaller" in " ".join(lab.err.split())
    lab("plc", NAME, "plc1", "download", str(big), status=1)
    assert "more than 256 KiB" in " ".join(lab.err.split())
    with labs.attach(NAME) as connection, pytest.raises(InputError, match="4096"):
        connection.request("configure", device="plc1", text="# " + "x" * (5 << 20))


def test_logs(lab: Command) -> None:
    assert lab.json("logs", NAME)
    lab("logs", NAME, "scada")
    assert "scada" in lab.out


def test_a_second_lab_lives_beside_the_first(lab: Command, labs: SupervisorClient) -> None:
    second = lab.json("start", "bottling", "--seed", "2")["name"]
    try:
        assert second == "bottling-2"
        ports = {end["port"] for name in (NAME, second) for end in lab.json("endpoints", name)}
        assert len(ports) == 6
        within(5, lambda: green(labs, second))
    finally:
        lab("stop", second, "--forget")
    assert [row["name"] for row in lab.json("ps")] == [NAME]


def test_doctor(lab: Command) -> None:
    found = lab.json("doctor")
    assert {row["subject"] for row in found} >= {"Python", "zones", "cgroups", "mosquitto", "labs"}
    assert all(row["text"]["fr"] and row["text"]["en"] for row in found)


def test_twin_writes_csv_and_parquet(lab: Command, tmp_path: Path) -> None:
    out = tmp_path / "run.csv"
    lab("twin", "bottling", "--hours", "0.05", "--seed", "3", "--fault", "60:pump:wear:0.5", "-o", str(out))
    with out.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert rows
    assert "RawTank.Level" in " ".join(rows[0])
    pytest.importorskip("pyarrow")
    import pyarrow.parquet as pq

    parquet = tmp_path / "run.parquet"
    summary = json.loads(lab("twin", "bottling", "--hours", "0.05", "-o", str(parquet), "--json"))
    assert pq.read_table(parquet).num_rows == summary["rows"]
    lab("twin", "bottling", "--hours", "0.01", "-o", str(tmp_path / "run.xls"), status=1)
    assert ".csv" in lab.err


@pytest.mark.needs("namespaces")
def test_shell_enters_a_zone_and_sees_neither_host_nor_state(lab: Command, home: Path) -> None:
    import os
    import subprocess
    import sys

    def shell(zone: str, command: str) -> subprocess.CompletedProcess[str]:
        code = "import sys; from lab.cli.main import main; main()"
        arguments = [sys.executable, "-c", code, "shell", NAME, "--zone", zone, "-c", command]
        return subprocess.run(
            arguments, capture_output=True, text=True, timeout=20, env={**os.environ, "SHELL": "/bin/bash"}
        )

    reach = "exec 3<>/dev/tcp/10.20.1.10/502 && echo reached"
    assert "reached" in shell("control", reach).stdout
    host = f"exec 3<>/dev/tcp/127.0.0.1/{lab.port('modbus')} && echo reached"
    assert "reached" not in shell("control", host).stdout
    assert shell("control", f"ls {home}").stdout.strip() == ""
