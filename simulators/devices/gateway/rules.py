"""The policy: what the rules say of a flow and of a Modbus request."""

import ipaddress
from collections.abc import Iterator
from dataclasses import dataclass

from simulators import document, validation
from simulators.devices.gateway.config import Action, Config, ModbusMatch, Rule, Span, bounds
from simulators.errors import NotFoundError
from simulators.model import Line
from simulators.network.modbus import Frame, access
from simulators.network.services import SERVICES

Host = tuple[str, str]  # zone, address


@dataclass(frozen=True)
class Service:
    """A port of a device, in the zone where the device stands."""

    device: str
    zone: str
    address: str
    port: int
    protocol: str


@dataclass(frozen=True)
class Verdict:
    """What happens, and why.

    `screened`: each Modbus request must be judged as well. `checked`: the rule names the protocol, so the
    client's first bytes must be of it.
    """

    action: Action
    reason: str
    screened: bool = False
    log: bool = False
    checked: bool = False


class Place:
    """One end of a rule: a zone, device, address, subnet or `any`, or several."""

    def __init__(self, line: Line, words: str | list[str], where: validation.Place) -> None:
        self._zones: set[str] = set()
        self._networks: list[ipaddress.IPv4Network] = []
        self.any = False
        for word in [words] if isinstance(words, str) else words:
            self._add(line, word, where)

    def _add(self, line: Line, word: str, where: validation.Place) -> None:
        device = next((device for device in line.devices if device.id == word), None)
        if word == "any":
            self.any = True
        elif word in {zone.id for zone in line.zones}:
            self._zones.add(word)
        elif device is not None:
            self._networks += [ipaddress.IPv4Network(address) for address in device.interfaces.values()]
        else:
            self._networks.append(_network(line, word, where))

    def holds(self, zone: str, address: str) -> bool:
        """Whether the host is meant."""
        if self.any or zone in self._zones:
            return True
        return any(ipaddress.IPv4Address(address) in network for network in self._networks)

    def touches(self, zone: str, subnet: ipaddress.IPv4Network) -> bool:
        """Whether some host of the zone is meant."""
        return self.any or zone in self._zones or any(network.overlaps(subnet) for network in self._networks)


def _network(line: Line, word: str, where: validation.Place) -> ipaddress.IPv4Network:
    try:
        return ipaddress.IPv4Network(word)
    except ValueError:
        known = ", ".join(["any", *(zone.id for zone in line.zones), *(device.id for device in line.devices)])
        raise document.PlaceError(
            where,
            f"{word} n'est ni une zone, ni un équipement, ni une adresse ; choisissez parmi : {known}",
            f"{word} is no zone, no device and no address; choose one of: {known}",
        ) from None


class CompiledRule:
    """A rule with its names resolved against the line."""

    def __init__(self, line: Line, number: int, rule: Rule) -> None:
        where = ("rules", number - 1)
        self.name = f"rule_{number}"
        self.rule = rule
        self.source = Place(line, rule.source, (*where, "from"))
        self.target = Place(line, rule.target, (*where, "to"))
        match = rule.modbus or ModbusMatch()
        self._units, self._functions = match.units, match.functions
        self._read, self._write = _spans(match.read), _spans(match.write)

    def serves(self, service: Service) -> bool:
        """Whether the service may be meant, whatever the source and the request."""
        protocol = "modbus" if self.rule.modbus is not None else self.rule.protocol
        return (
            protocol in {"any", service.protocol}
            and self.rule.port in {None, service.port}
            and self.target.holds(service.zone, service.address)
        )

    def matches(self, frame: Frame) -> bool:
        """Whether the Modbus request is meant; any is by a rule without `modbus`."""
        if self._units is not None and frame.unit not in self._units:
            return False
        if self._functions is not None and frame.function not in self._functions:
            return False
        if self._read is None and self._write is None:
            return True
        wanted = access(frame.pdu)
        pairs = [(s, a) for s, a in ((self._read, wanted.read), (self._write, wanted.write)) if a is not None]
        if self.rule.action == "allow":
            return bool(pairs) and all(_within(spans or [], asked) for spans, asked in pairs)
        return any(_touches(spans or [], asked) for spans, asked in pairs)


def _spans(spans: list[Span] | None) -> list[tuple[int, int]] | None:
    return None if spans is None else [bounds(span) for span in spans]


def _within(spans: list[tuple[int, int]], asked: tuple[int, int]) -> bool:
    first, last = asked[0], asked[0] + max(asked[1], 1) - 1
    return any(low <= first and last <= high for low, high in spans)


def _touches(spans: list[tuple[int, int]], asked: tuple[int, int]) -> bool:
    first, last = asked[0], asked[0] + max(asked[1], 1) - 1
    return any(first <= high and low <= last for low, high in spans)


class Policy:
    """The rules in order, then the default.

    Raises:
        PlaceError: a rule or `tap` names what the line does not have.
    """

    def __init__(self, line: Line, config: Config) -> None:
        self._subnets = {zone.id: ipaddress.IPv4Network(zone.subnet) for zone in line.zones}
        for number, zone in enumerate(config.tap):
            try:
                line.zone(zone)
            except NotFoundError as error:
                raise document.PlaceError(("tap", number), error.text.fr, error.text.en) from error
        self._rules = [CompiledRule(line, number, rule) for number, rule in enumerate(config.rules, 1)]
        self._default: Action = config.default
        self.services = list(self._find_services(line))

    def _find_services(self, line: Line) -> Iterator[Service]:
        """The port of each device, and those that a rule adds to it."""
        for device in line.devices:
            if device.port is None:
                continue
            protocol = SERVICES.get(device.kind, "any")
            ports = dict.fromkeys([device.port])
            for compiled in self._rules:
                extra = compiled.rule.port
                base = Service(device.id, device.zone, device.address, extra or device.port, protocol)
                # A rule `to: any` with a port is about devices that have it, and opens none.
                if (
                    extra
                    and compiled.rule.action == "allow"
                    and not compiled.target.any
                    and compiled.serves(base)
                ):
                    ports[extra] = None
            for port in ports:
                yield Service(device.id, device.zone, device.address, port, protocol)

    def flow(self, source: Host, service: Service) -> Verdict:
        """What happens to a connection from `source` (its zone and address)."""
        if ipaddress.IPv4Address(source[1]) not in self._subnets[source[0]]:
            return Verdict("deny", "source_not_of_the_zone", log=True)
        screened = log = False
        hope: CompiledRule | None = None
        for compiled in self.about(source, service):
            rule = compiled.rule
            log = log or rule.log
            if rule.modbus is None:
                if rule.action != "allow":
                    return _hopeful(hope, log) or Verdict(rule.action, compiled.name, log=log)
                return Verdict("allow", compiled.name, screened, log, checked=rule.protocol != "any")
            screened = True
            if rule.action == "allow" and hope is None:
                hope = compiled
        if self._default != "allow":
            return _hopeful(hope, log) or Verdict(self._default, "default", log=log)
        return Verdict("allow", "default", screened, log)

    def request(self, rules: list[CompiledRule], frame: Frame) -> Verdict:
        """What happens to one Modbus request of a connection that was let in; `rules` are those `about` it."""
        for compiled in rules:
            if compiled.matches(frame):
                return Verdict(compiled.rule.action, compiled.name, log=compiled.rule.log)
        return Verdict(self._default, "default")

    def about(self, source: Host, service: Service) -> list[CompiledRule]:
        """The rules that this source and this service meet, in order."""
        return [c for c in self._rules if c.serves(service) and c.source.holds(*source)]

    def entrance(self, zone: str, service: Service) -> Action:
        """What a whole zone sees: `allow` as soon as one of its hosts may come in, else how it is refused."""
        for compiled in self._rules:
            if not compiled.serves(service) or not compiled.source.touches(zone, self._subnets[zone]):
                continue
            if compiled.rule.action == "allow":
                return "allow"
            if compiled.rule.modbus is None and compiled.source.holds(zone, str(self._subnets[zone][0])):
                return compiled.rule.action
        return self._default


def _hopeful(hope: CompiledRule | None, log: bool) -> Verdict | None:
    """A rule before lets some requests pass: the connection too, and the rest is refused in it."""
    return Verdict("allow", hope.name, screened=True, log=log) if hope else None
