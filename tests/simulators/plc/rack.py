"""A PLC on a test bench: programs run in it, values are read out of it."""

from collections.abc import Sequence
from typing import Any

from simulators.contracts import Vibration
from simulators.model import Tag
from simulators.plc.image import Image, Value
from simulators.plc.st.program import Instance, compile_program
from simulators.plc.st.runtime import Watchdog
from simulators.text import Text

SECOND = 1_000_000_000
MS = 1_000_000


class FakeField:
    """A plant whose signals are whatever was put in `values`."""

    def __init__(self, **values: Value) -> None:
        self.values: dict[str, Value] = {name.replace("__", "."): value for name, value in values.items()}

    def read(self, signals: Sequence[str]) -> list[Value]:
        return [self.values.get(signal, 0) for signal in signals]

    def write(self, signals: Sequence[str], values: Sequence[Value]) -> None:
        self.values.update(zip(signals, values, strict=True))

    def vibration(self, asset: str) -> Vibration:
        return Vibration(b"")


class Rack:
    """One program, run by hand. Variables of its single program instance are read and written by name."""

    def __init__(self, source: str, budget: int = 1_000_000) -> None:
        self.image = Image()
        self.watchdog = Watchdog(budget, 10.0)
        self.instance: Instance = compile_program(source, "test.st").instantiate(self.image, self.watchdog)
        attribute = self.instance.program.instances[0][0]
        self.owner = getattr(self.instance.space, attribute)

    def run(self, now_ns: int = 0) -> "Rack":
        self.watchdog.start()
        self.instance.run(now_ns)
        return self

    def __getitem__(self, name: str) -> Any:
        return getattr(self.owner, "v_" + name.lower())

    def __setitem__(self, name: str, value: Any) -> None:
        setattr(self.owner, "v_" + name.lower(), value)


def body(declarations: str, statements: str) -> str:
    """A program with these variables and statements."""
    return f"PROGRAM main\nVAR\n{declarations}\nEND_VAR\n{statements}\nEND_PROGRAM\n"


def result(of: str, expression: str, declarations: str = "") -> Any:
    """What a variable of type `of` holds after being assigned the expression."""
    return Rack(body(f"out : {of}; {declarations}", f"out := {expression};")).run()["out"]


def tag(name: str, address: str, iec_type: str, signal: str | None = None, **more: Any) -> Tag:
    """A tag of a device."""
    words = Text(fr=name, en=name)
    return Tag(id=name, name=words, device="plc1", address=address, type=iec_type, signal=signal, **more)  # type: ignore[arg-type]
