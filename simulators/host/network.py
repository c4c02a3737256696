"""What a host expects of the network that carries its line, beyond what devices do."""

from typing import Protocol

from simulators.contracts import Network
from simulators.network.taps import Taps


class HostNetwork(Network, Protocol):
    """A network whose wires are tapped."""

    taps: Taps
