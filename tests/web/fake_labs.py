"""A supervisor with labs whose lines follow a few sines: keeps `lab.labs.Labs`, runs no process."""

import base64
import math
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal

import msgspec

from lab.labs import Connection, Endpoint, Job, LabStatus, Progress
from simulators.contracts import Health
from simulators.errors import InputError, NotFoundError, StartError, UsineError
from simulators.model import Line, Tag, load_line
from simulators.network.dissect.row import COLUMNS
from simulators.plc.image import Value
from simulators.snapshot import AlarmState, AssetStatus, DeviceStatus, Quality, Snapshot, TagValue
from simulators.text import Text
from simulators.workstation.frames import DATA, frame

ORIGIN_UNIX_S = 1_800_000_000.0
FAULTS = {"pump": ["wear", "cavitation", "sensor_stuck:flow_l_min"]}
# The middle of a wave, and its amplitude; other tags take the middle of their range.
NOMINAL: dict[str, tuple[float, float]] = {
    "RawTank.Level": (62, 9), "RawTank.Temperature": (12, 0.6), "Pump.Flow": (21.5, 1.2),
    "Pump.DischargePressure": (2.4, 0.1), "Pump.SuctionPressure": (0.12, 0.02), "Pump.Speed": (2140, 60),
    "Pump.Current": (2.3, 0.1), "Pasteuriser.Temperature": (72.6, 0.5), "Pasteuriser.HeatingTemperature": (78, 0.8),
    "Pasteuriser.OutletTemperature": (21, 0.5), "Pasteuriser.PressureDrop": (0.62, 0.03),
    "Pasteuriser.HeaterPower": (24, 3), "Pasteuriser.Units": (34, 3), "BufferTank.Level": (48, 12),
    "BufferTank.Temperature": (19.5, 0.3), "BufferTank.Brix": (11.4, 0.1), "Panel.Recipe": (1, 0),
    "Pump.SpeedCommand": (61, 2), "Pasteuriser.HeaterCommand": (41, 5), "Process.Command": (0, 0),
    "Process.State": (3, 0), "Pasteuriser.SetPoint": (72.5, 0), "Pasteuriser.DivertTemperature": (71, 0),
    "Pump.FlowSetPoint": (25, 0), "BufferTank.LevelSetPoint": (50, 0), "RawTank.LevelSetPoint": (60, 0),
    "Conveyor.Speed": (0.28, 0.01), "Filler.Rate": (40, 1.2), "Filler.Volume": (500.4, 1.1),
    "Filler.FilterPressureDrop": (0.02, 0.002), "Capper.Torque": (1.8, 0.08), "Checkweigher.Weight": (523, 1.3),
    "Air.Pressure": (6.4, 0.25), "Packaging.Command": (0, 0), "Packaging.State": (2, 0), "Packaging.Recipe": (1, 0),
    "Packaging.RecipeSwitch": (1, 0), "Filler.SetPoint": (500, 0), "Filler.RateSetPoint": (40, 0),
    "Packaging.BottlesGood": (18240, 0), "Packaging.BottlesRejected": (57, 0), "Pump.Vibration": (1.6, 0.2),
    "Conveyor.Vibration": (1.4, 0.2), "Filler.Vibration": (1.8, 0.2), "Compressor.Vibration": (4.4, 0.2),
    "Pump.MotorTemperature": (54, 1), "Energy.Power": (38, 3), "Energy.Total": (1284, 0), "Air.Flow": (310, 40),
    "Hall.Temperature": (21, 0.5), "Hall.Humidity": (48, 2), "Capper.TorqueSetPoint": (1.8, 0),
    "Checkweigher.Tolerance": (8, 0), "Conveyor.SpeedCommand": (46, 1), "Filler.RateCommand": (40, 0),
    "Filler.VolumeCommand": (500, 0), "Filler.Format": (500, 0), "Capper.TorqueCommand": (1.8, 0),
}  # fmt: skip
TRUE = {
    "Pump.Running", "DiversionValve.IsForward", "DiversionValve.Command", "Panel.Run", "Panel.PackagingReady",
    "Pump.Run", "Panel.ProcessReady", "Conveyor.Run", "Conveyor.Gate", "Filler.Run", "Filler.Ready", "Capper.Run",
    "Air.Compressor", "RawTank.InletValve", "Process.Auto", "Packaging.Auto", "Packaging.ProcessReady",
    "Packaging.RunSwitch", "Panel.PackagingLamp", "Conveyor.InfeedEye",
}  # fmt: skip
TRUTH: dict[str, Value] = {"RawTank.Level": 12.5}  # what differs from what SCADA shows
KPIS = {
    "oee": 0.842, "availability": 0.931, "performance": 0.918, "quality": 0.985, "bottles_per_min": 39.6,
    "fill_deviation_ml": 0.8, "rejects": 57.0, "bottles_good": 18240.0, "bottles_total": 18297.0,
    "pasteurisation_units": 34.2, "kwh_per_1000_bottles": 15.7,
}  # fmt: skip
ALARMS = [
    ("Compressor.Vibration.above.1", "Compressor.Vibration", 3, 240.0,
     Text(fr="Moteur du compresseur : vibration anormale", en="Compressor motor: abnormal vibration")),
    ("Air.Pressure.below.1", "Air.Pressure", 2, 65.0,
     Text(fr="Air comprimé : pression basse", en="Compressed air: pressure low")),
    ("Pasteuriser.LowTemperature.true.1", "Pasteuriser.LowTemperature", 1, 12.0,
     Text(fr="Pasteurisation : produit trop froid, dévié", en="Pasteurisation: product too cold, diverted")),
]  # fmt: skip


class FakeLab:
    """One lab. `period_s` is the time between snapshots; `asked` is every request, in order."""

    def __init__(self, line: Line, period_s: float = 1.0, wall: Callable[[], float] = time.monotonic) -> None:
        self.line = line
        self.period_s = period_s
        self.streams = 0
        self.broken = threading.Event()
        self._wall, self._origin_s = wall, wall()
        self.restore()

    def restore(self) -> None:
        """All as at the start, but the streams that are open."""
        self.broken.clear()
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.enforces_zones = True
        self.speed, self.paused = 1.0, False
        self.faults: dict[str, dict[str, float]] = {}
        self.written: dict[str, Value] = {}
        self.bad: dict[str, Quality] = {}
        self.alarms = [
            AlarmState(alarm, tag, priority, "unacknowledged", ORIGIN_UNIX_S - age, 1.0, text)
            for alarm, tag, priority, age, text in ALARMS
        ]

    @property
    def t_s(self) -> float:
        return 0.0 if self.paused else (self._wall() - self._origin_s) * self.speed

    def value(self, tag: Tag, t_s: float) -> Value:
        """What SCADA shows at `t_s`."""
        if tag.id in self.written:
            return self.written[tag.id]
        if tag.type == "BOOL":
            return tag.id in TRUE or tag.id in {alarm.tag for alarm in self.alarms}
        low, high = tag.range or (0, 100)
        middle, swing = NOMINAL.get(tag.id, ((low + high) / 2, (high - low) / 20))
        value = middle + swing * math.sin(t_s / 20 + len(tag.id))
        return round(value) if tag.states or tag.unit == "" else round(value, 3)

    def snapshot(self, name: str) -> Snapshot:
        t_s = self.t_s
        unix_s = ORIGIN_UNIX_S + t_s
        return Snapshot(
            lab=name, line=self.line.id, seed=1, t_s=t_s, unix_s=unix_s, speed=self.speed, paused=self.paused,
            enforces_zones=self.enforces_zones,
            tags={
                tag.id: TagValue(TRUTH.get(tag.id, value), value, self.bad.get(tag.id, "good"), unix_s)
                for tag in self.line.tags
                for value in [self.value(tag, t_s)]
            },
            kpis=KPIS | {"bottles_per_min": 39.6 + math.sin(t_s / 5)},
            alarms=list(self.alarms),
            devices=[DeviceStatus(d.id, d.kind, self._health(d.kind), int(d.kind == "scada")) for d in self.line.devices],
            assets=[AssetStatus(a.id, dict(self.faults.get(a.id, {})), 97.0, None) for a in self.line.assets],
            figures={"scan_late_p99_ms": 0.4},
        )  # fmt: skip

    def _health(self, kind: str) -> Health:
        if kind == "historian":
            return Health("degraded", Text(fr="disque presque plein", en="disk nearly full"))
        return Health("ok")

    def answer(self, verb: str, arguments: dict[str, Any]) -> Any:
        self.asked.append((verb, arguments))
        match verb, arguments:
            case "describe", _:
                return {**msgspec.to_builtins(self.line), "fault_modes": FAULTS}
            case "endpoints", _:
                return [msgspec.to_builtins(endpoint) for endpoint in ENDPOINTS]
            case "trend", {"tags": tags, "minutes": minutes}:
                return {tag: self._trend(tag, minutes) for tag in tags}
            case "snapshot", _:
                return msgspec.to_builtins(self.snapshot("one"))
            case "acknowledge", {"alarm": alarm}:
                self._acknowledge(alarm)
            case "fault", {"asset": asset, "mode": mode, "severity": severity}:
                if mode not in FAULTS.get(asset, []):
                    raise InputError(f"{asset} : défaut {mode} inconnu", f"{asset}: unknown fault {mode}")
                self.faults = {asset: {mode: severity}} if severity else {}
            case "speed", {"speed": speed}:
                self.speed = speed
            case "pause" | "resume", _:
                self.paused = verb == "pause"
            case "write", {"tag": tag, "value": value}:
                self.written[tag] = value
            case "clock", _:
                return {
                    "t_s": self.t_s,
                    "unix_s": ORIGIN_UNIX_S + self.t_s,
                    "speed": self.speed,
                    "paused": self.paused,
                }
            case "events", _:
                return self._events(**arguments)
            case "record_pcap", _:
                return {
                    "pcap_base64": base64.b64encode(b"\xd4\xc3\xb2\xa1").decode(),
                    "frames": 0,
                    "dropped": 0,
                }
            case "monitor", _:
                return self._monitor(arguments.get("asset") or "pump")
            case "capture_stop", _:
                return {"pcap_base64": base64.b64encode(b"\xd4\xc3\xb2\xa1").decode(), "events": []}
        return True

    def _events(
        self, after: int = 0, limit: int = 500, contains: str = "", log: str = "", **_rest: Any
    ) -> dict[str, Any]:
        """Forty rows: a master reads, then a stranger asks for the device's identity."""
        rows: list[dict[str, Any]] = [
            {
                "seq": n, "ts": ORIGIN_UNIX_S + n, "uid": f"C{n}", "log": "modbus_detailed", "id.orig_h": source,
                "id.orig_p": 40000 + n, "id.resp_h": "10.20.1.10", "id.resp_p": 502, "func": function,
            }
            for n in range(1, 41)
            for source, function in [("10.20.1.66", "READ_DEVICE_ID") if n > 35 else ("10.20.3.10", "READ_HOLDING_REGISTERS")]
        ]  # fmt: skip
        found = [r for r in rows if r["seq"] > after and contains in str(r) and log in r["log"]][:limit]
        return {
            "events": found,
            "dropped": 0,
            "columns": ["seq", *COLUMNS],
            "cursor": 40,
            "now": ORIGIN_UNIX_S + 40,
        }

    def _monitor(self, asset: str) -> dict[str, Any]:
        times = [ORIGIN_UNIX_S + 10 * n for n in range(60)]
        wave = [[t, 1.0 + 0.1 * math.sin(t / 30)] for t in times]
        return {
            "assets": ["pump", "conveyor"], "asset": asset, "features": {"rms_g": wave, "kurtosis": wave},
            "index": wave, "alarm": [[t, t > times[-10]] for t in times],
            "baseline": {"rms_g": {"mean": 1.0, "sigma": 0.05, "windows": 30}}, "learnt": True,
            "learnt_windows": 30, "wanted_windows": 30,
        }  # fmt: skip

    def _trend(self, tag_id: str, minutes: float) -> list[list[Value]]:
        tag, now_s = self.line.tag(tag_id), self.t_s
        points = range(int(-minutes * 60), 0, 2)
        return [[ORIGIN_UNIX_S + now_s + t, self.value(tag, now_s + t)] for t in points]

    def _acknowledge(self, alarm_id: str) -> None:
        self.alarms = [
            msgspec.structs.replace(alarm, state="acknowledged") if alarm_id in {alarm.id, "all"} else alarm
            for alarm in self.alarms
        ]


ENDPOINTS = [
    Endpoint("plc1", "modbus", "127.0.0.1", 40502),
    Endpoint("plc2", "opcua", "127.0.0.1", 44840),
    Endpoint("broker", "mqtt", "127.0.0.1", 41883),
]


class FakeConnection:
    """Into one `FakeLab`."""

    def __init__(self, name: str, lab: FakeLab) -> None:
        self._name, self._lab, self.closed = name, lab, False

    def request(self, verb: str, **arguments: Any) -> Any:
        return self._lab.answer(verb, arguments)

    def stream(self) -> Iterator[Snapshot]:
        self._lab.streams += 1
        try:
            while not self.closed:
                yield self._lab.snapshot(self._name)
                if self._lab.broken.wait(self._lab.period_s):
                    raise StartError("le labo ne répond plus", "the lab no longer answers")
        finally:
            self._lab.streams -= 1

    def close(self) -> None:
        self.closed = True

    def __enter__(self) -> "FakeConnection":
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


class FakeLabs:
    """The supervisor of `labs`, by name. `jobs` are those asked for; `answers` is what a job by its name gives.

    An answer that is a UsineError is raised. `runtime` carries all of them. A lab that is started follows the sines of the bottling line.
    """

    def __init__(self, labs: dict[str, FakeLab]) -> None:
        self.labs = labs
        self.jobs: list[Job] = []
        self.answers: dict[str, Any] = {}
        self.terminals: list[socket.socket] = []
        self.runtime = "local"
        self.shells: Callable[[int, int], socket.socket] | None = None

    def list(self) -> list[LabStatus]:
        return [self._status(name) for name in self.labs]

    def _status(self, name: str) -> LabStatus:
        lab = self.labs[name]
        state: Literal["running", "failed"] = "failed" if lab.broken.is_set() else "running"
        return LabStatus(name, lab.line.id, self.runtime, state, 1, 1, ORIGIN_UNIX_S, 0)

    def terminal(self, name: str, zone: str, columns: int, rows: int) -> socket.socket:
        """One of `shells`, else what a test says at the other end (`terminals`), after what was asked for."""
        if name not in self.labs:
            raise NotFoundError(f"labo {name} inconnu", f"unknown lab {name}")
        if self.shells is not None:
            return self.shells(columns, rows)
        ours, theirs = socket.socketpair()
        theirs.sendall(frame(DATA, f"{name} {zone} {columns}x{rows}".encode()))
        self.terminals.append(theirs)
        return ours

    def attach(self, name: str) -> Connection:
        if name not in self.labs:
            raise NotFoundError(f"labo {name} inconnu", f"unknown lab {name}")
        if self.labs[name].broken.is_set():
            raise StartError(f"le labo {name} redémarre", f"lab {name} is restarting")
        return FakeConnection(name, self.labs[name])

    def start(
        self,
        line: str,
        name: str | None = None,
        seed: int | None = None,
        speed: float = 1.0,
        flat: bool = False,
        progress: Progress = lambda _message: None,
        runtime: str = "",
        spread: bool = False,
    ) -> LabStatus:
        chosen = name or line
        if chosen in self.labs:
            raise InputError(f"le labo {chosen} tourne déjà", f"lab {chosen} already runs")
        lab = FakeLab(load_line(BOTTLING))
        lab.speed, lab.enforces_zones = speed, not flat
        for device in lab.line.devices:
            progress({"device": device.id, "state": "ok"})
        self.labs[chosen] = lab
        return self._status(chosen)

    def stop(self, name: str, forget: bool = False) -> None:
        if name not in self.labs:
            raise NotFoundError(f"labo {name} inconnu", f"unknown lab {name}")
        self.labs.pop(name).broken.set()

    def run(self, job: Job, progress: Progress = lambda _message: None) -> Any:
        if job.lab not in self.labs:
            raise NotFoundError(f"labo {job.lab} inconnu", f"unknown lab {job.lab}")
        self.jobs.append(job)
        answer = self.answers.get(job.name)
        if isinstance(answer, UsineError):
            raise answer
        return answer


BOTTLING = Path(__file__).resolve().parents[2] / "scenarios" / "lines" / "bottling" / "line.yaml"
