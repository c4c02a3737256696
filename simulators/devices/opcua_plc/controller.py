"""The PLC itself in the address space: identification, diagnostics and methods, under Objects/<line>/<device>."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import get_args

from asyncua import ua
from asyncua.ua.attribute_ids import AttributeIds
from asyncua.ua.object_ids import ObjectIds
from asyncua.ua.status_codes import StatusCodes

from simulators.contracts import Context, Diagnostics, Mode, Plc
from simulators.devices.opcua_plc.config import MethodName
from simulators.devices.opcua_plc.names import below, date, dated, ours, standard
from simulators.devices.opcua_plc.nodes import Space, Words
from simulators.text import Text

_Ids = ObjectIds
_V = ua.VariantType
_NOTHING = Text(fr="", en="")

_DIAGNOSTICS: list[tuple[str, str, ua.VariantType, Text]] = [
    ("Mode", "mode", _V.String, Text(fr="Mode", en="Mode")),
    ("Fault", "fault", _V.String, Text(fr="Défaut", en="Fault")),
    ("ScanLast", "scan_last_us", _V.UInt32, Text(fr="Dernier cycle (µs)", en="Last scan (µs)")),
    ("ScanMax", "scan_max_us", _V.UInt32, Text(fr="Cycle le plus long (µs)", en="Longest scan (µs)")),
    ("ScanCount", "scan_count", _V.UInt64, Text(fr="Cycles", en="Scans")),
    ("Overruns", "overruns", _V.UInt32, Text(fr="Dépassements", en="Overruns")),
    ("Uptime", "uptime_s", _V.UInt32, Text(fr="En marche depuis (s)", en="Uptime (s)")),
    ("ProgramSha256", "program_sha256", _V.String, Text(fr="Empreinte du programme", en="Program hash")),
]


@dataclass(frozen=True, slots=True)
class Method:
    """`run` takes the arguments, already checked against `inputs`, and returns a status code."""

    name: MethodName
    owner: ua.NodeId
    inputs: tuple[ua.VariantType, ...]
    run: Callable[..., int]


def build_controller(space: Space, context: Context, plc: Plc) -> dict[ua.NodeId, Method]:
    """Add the PLC's own object; its methods by node id."""
    line, spec = context.line, context.spec
    root = ours(spec.id)
    space.object(root, ours(line.id), spec.id, Words(spec.name, _NOTHING))
    _identification(space, context, root)
    _diagnostics(space, plc, root, lambda: context.clock.unix_s(context.clock.now_s()))
    return _methods(space, plc, root)


def _identification(space: Space, context: Context, root: ua.NodeId) -> None:
    folder = _folder(space, root, "Identification", Text(fr="Identification", en="Identification"))
    identity = {
        "Manufacturer": "Usine-École",
        "Model": "UE-UA 4840",
        "SerialNumber": f"{context.line.id}-{context.spec.id}",
        "SoftwareRevision": "1.0",
        "ProductInstanceUri": application_uri(context),
    }
    for name, value in identity.items():
        space.property(folder, name, ua.Variant(value, _V.String), _V.String.value, ns0=False)


def _diagnostics(space: Space, plc: Plc, root: ua.NodeId, unix_s: Callable[[], float]) -> None:
    folder = _folder(space, root, "Diagnostics", Text(fr="Diagnostic", en="Diagnostics"))

    def reader(field: str, kind: ua.VariantType) -> Callable[[ua.NodeId, AttributeIds], ua.DataValue]:
        def read(_nodeid: ua.NodeId, _attribute: AttributeIds) -> ua.DataValue:
            return dated(_diagnosis(plc.diagnostics(), field, kind), date(unix_s()))

        return read

    for browse, field, kind, name in _DIAGNOSTICS:
        nodeid = below(folder, browse)
        value = _diagnosis(plc.diagnostics(), field, kind)
        held = space.variable(nodeid, folder, browse, Words(name, _NOTHING), value, kind.value)
        held.value_callback = reader(field, kind)


def _diagnosis(diagnostics: Diagnostics, field: str, kind: ua.VariantType) -> ua.Variant:
    value = getattr(diagnostics, field)
    most = {_V.UInt32: 2**32 - 1, _V.UInt64: 2**64 - 1}.get(kind)
    return ua.Variant(value if most is None else max(0, min(int(value), most)), kind)


def _methods(space: Space, plc: Plc, root: ua.NodeId) -> dict[ua.NodeId, Method]:
    mode = ua.Argument("Mode", standard(_Ids.String), Description=ua.LocalizedText("RUN, STOP, PROGRAM"))
    made: dict[ua.NodeId, Method] = {}

    def add(name: MethodName, words: Text, inputs: list[ua.Argument], run: Callable[..., int]) -> None:
        nodeid = below(root, name)
        space.method(nodeid, root, name, Words(words, _NOTHING), inputs)
        made[nodeid] = Method(name, root, (_V.String,) * len(inputs), run)

    add("SetMode", Text(fr="Changer de mode", en="Set the mode"), [mode], lambda word: _set_mode(plc, word))
    add("Restart", Text(fr="Redémarrer le programme", en="Restart the program"), [], lambda: _restart(plc))
    add(
        "AcknowledgeFault",
        Text(fr="Acquitter le défaut", en="Acknowledge the fault"),
        [],
        lambda: _acknowledge(plc),
    )
    return made


def _set_mode(plc: Plc, word: str) -> int:
    modes: dict[str, Mode] = {mode: mode for mode in get_args(Mode)}
    if word not in modes:
        return StatusCodes.BadInvalidArgument
    plc.set_mode(modes[word])
    return StatusCodes.Good


def _restart(plc: Plc) -> int:
    plc.set_mode("STOP")
    plc.set_mode("RUN")
    return StatusCodes.Good


def _acknowledge(plc: Plc) -> int:
    """A PLC that a fault stopped runs again; one that has none is left alone."""
    if not plc.diagnostics().fault:
        return StatusCodes.BadNothingToDo
    return _restart(plc)


def _folder(space: Space, root: ua.NodeId, browse: str, name: Text) -> ua.NodeId:
    nodeid = below(root, browse)
    space.folder(nodeid, root, browse, Words(name, _NOTHING))
    return nodeid


def application_uri(context: Context) -> str:
    """What the server's certificate and its endpoints name it by."""
    return f"urn:usine-ecole:{context.line.id}:{context.spec.id}"
