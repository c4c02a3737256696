"""The gateway's configuration: what it accepts, and what its errors name."""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulators.devices import gateway
from simulators.devices.gateway.rules import Policy
from simulators.errors import InputError
from simulators.network.modbus import Frame
from tests.fakes import a_context
from tests.simulators.network.stage import BROKER, PLC1, SCADA, bottling_like

LINE = bottling_like()


def policy(text: str) -> Policy:
    return Policy(LINE, gateway.parse(text, "gateway.yaml"))


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("default: maybe", "gateway.yaml:1"),
        ("rules:\n  - {from: control}", "action"),
        ("rules:\n  - {action: allow, colour: red}", "colour"),
        ("rules:\n  - {action: allow, modbus: {read: ['9-1']}}", "9-1"),
        ("rules:\n  - {action: allow, modbus: {read: [70000]}}", "70000"),
        ("rules:\n  - {action: allow, modbus: {functions: [200]}}", "functions"),
        ("rules:\n  - {action: allow, protocol: mqtt, modbus: {units: [1]}}", "gateway.yaml:2: rules[0]"),
        ("limits: {idle_s: -1}", "idle_s"),
        ("]", "gateway.yaml:1"),
        ("- a list", "gateway.yaml"),
    ],
)
def test_a_wrong_configuration_names_the_place(text: str, named: str) -> None:
    with pytest.raises(InputError) as caught:
        gateway.parse(text, "gateway.yaml")
    assert named in caught.value.text.en


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("rules: [{from: moon, action: allow}]", "moon"),
        ("rules: [{to: 10.20.1.300, action: allow}]", "10.20.1.300"),
        ("tap: [moon]", "moon"),
    ],
)
def test_names_that_the_line_does_not_have_are_refused(text: str, named: str, tmp_path: Path) -> None:
    config = gateway.parse(text, "gateway.yaml")
    with pytest.raises(InputError) as caught:
        gateway.create(a_context(LINE, "gateway", tmp_path), config)
    assert named in caught.value.text.en


def test_an_empty_configuration_lets_every_zone_reach_every_port() -> None:
    weak = policy("")
    assert {service.device for service in weak.services} == {"plc1", "plc2", "broker"}
    for service in weak.services:
        for zone in LINE.zones:
            assert weak.entrance(zone.id, service) == "allow"


FLOWS = [
    # rules, source zone, source address, target, action
    ("[{from: supervision, to: control, action: allow}]", "supervision", SCADA, PLC1, "allow"),
    ("[{from: supervision, to: control, action: allow}]", "enterprise", "10.20.4.9", PLC1, "deny"),
    ("[{from: supervision, to: control, action: allow}]", "supervision", SCADA, BROKER, "deny"),
    ("[{from: scada, to: plc1, action: allow}]", "supervision", SCADA, PLC1, "allow"),
    ("[{from: scada, to: plc1, action: allow}]", "supervision", "10.20.3.9", PLC1, "deny"),
    ("[{from: 10.20.3.16/28, to: 10.20.1.10, action: allow}]", "supervision", SCADA, PLC1, "allow"),
    ("[{from: 10.20.3.32/28, to: 10.20.1.10, action: allow}]", "supervision", SCADA, PLC1, "deny"),
    (
        "[{from: [scada, enterprise], to: [plc2, plc1], action: allow}]",
        "enterprise",
        "10.20.4.9",
        PLC1,
        "allow",
    ),
    ("[{protocol: opcua, action: allow}]", "supervision", SCADA, PLC1, "deny"),
    ("[{protocol: modbus, action: allow}]", "supervision", SCADA, PLC1, "allow"),
    ("[{port: 503, action: allow}]", "supervision", SCADA, PLC1, "deny"),
    ("[{from: scada, action: drop}, {action: allow}]", "supervision", SCADA, PLC1, "drop"),
    ("[{action: allow}, {from: scada, action: deny}]", "supervision", SCADA, PLC1, "allow"),
    # Spoofed: an address that is not of the zone that it comes from.
    ("[{action: allow}]", "enterprise", SCADA, PLC1, "deny"),
    # Some requests may pass, so the flow may; a deny of some requests leaves the rest to the default.
    ("[{to: plc1, modbus: {functions: [3]}, action: allow}]", "supervision", SCADA, PLC1, "allow"),
    ("[{to: plc1, modbus: {functions: [6]}, action: deny}]", "supervision", SCADA, PLC1, "deny"),
]


@pytest.mark.parametrize(("rules", "zone", "address", "target", "action"), FLOWS)
def test_the_first_rule_that_matches_a_flow_decides(
    rules: str, zone: str, address: str, target: str, action: str
) -> None:
    strict = policy(f"{{default: deny, rules: {rules}}}")
    service = next(service for service in strict.services if service.address == target)
    assert strict.flow((zone, address), service).action == action
    if action == "allow":
        assert strict.entrance(zone, service) == "allow"


REQUESTS = [
    # modbus match, action, PDU, whether it matches
    ("{}", "allow", "0300000001", True),
    ("{units: [1, 2]}", "allow", "0300000001", True),
    ("{units: [2]}", "allow", "0300000001", False),
    ("{functions: [1, 3]}", "allow", "0300000001", True),
    ("{functions: [1, 3]}", "allow", "0600000001", False),
    ("{read: [0-9]}", "allow", "030000000a", True),
    ("{read: [0-9]}", "allow", "030000000b", False),
    ("{read: [0-9]}", "allow", "0600000001", False),
    ("{read: [0-9]}", "allow", "2b0e0100", False),
    ("{write: [5]}", "allow", "0600050001", True),
    ("{write: [5]}", "allow", "0500060001", False),
    ("{write: [0-3]}", "allow", "1000000004080000000000000000", True),
    ("{write: [1-4]}", "deny", "1000040002040000", True),
    ("{write: [1-4]}", "deny", "1000050002040000", False),
    ("{read: [0-9], write: [20-29]}", "allow", "170000000a0014000102ffff", True),
    ("{read: [0-9], write: [20-29]}", "allow", "170000000a001e000102ffff", False),
    ("{write: [20-29]}", "allow", "170000000a0014000102ffff", False),
    ("{write: [7]}", "allow", "160007ffff0000", True),
    ("{functions: [43]}", "deny", "2b0e0100", True),
    # An end beyond 65535 is inside nothing.
    ("{read: [0-65535]}", "allow", "03ffff0002", False),
]


@pytest.mark.parametrize(("match", "action", "pdu", "expected"), REQUESTS)
def test_a_modbus_rule_matches_units_functions_and_whole_spans(
    match: str, action: str, pdu: str, expected: bool
) -> None:
    other = "deny" if action == "allow" else "allow"
    some = policy(f"{{default: {other}, rules: [{{to: plc1, modbus: {match}, action: {action}}}]}}")
    service = next(service for service in some.services if service.device == "plc1")
    frame = Frame(1, 1, bytes.fromhex(pdu), b"")
    verdict = some.request(some.about(("supervision", SCADA), service), frame)
    assert (verdict.action == action) == expected


def test_a_rule_may_open_one_more_port_of_a_device() -> None:
    tls = policy("{default: deny, rules: [{from: scada, to: broker, port: 8883, action: allow}]}")
    assert sorted(s.port for s in tls.services if s.device == "broker") == [1883, 8883]
    opened = [s.port for s in tls.services if tls.entrance("supervision", s) == "allow"]
    assert opened == [8883]


WORDS = st.sampled_from(
    [
        "default",
        "rules",
        "limits",
        "tap",
        "from",
        "to",
        "modbus",
        "read",
        "action",
        "allow",
        "any",
        "0-9",
        "scada",
    ]
)
TREES = st.recursive(
    st.one_of(st.none(), st.integers(), WORDS, st.floats(allow_nan=False)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(WORDS, inner, max_size=4)),
    max_leaves=12,
)


@settings(max_examples=80, deadline=None)
@given(text=st.one_of(st.text(max_size=60), TREES.map(json.dumps)))
def test_any_text_is_a_policy_or_an_error_that_says_why(text: str) -> None:
    try:
        policy(text)
    except InputError as error:
        why = error.text.en
    else:
        return
    assert "gateway" in why


def test_the_schema_is_for_editors() -> None:
    assert gateway.SCHEMA["$defs"]["Rule"]["properties"]["from"]
