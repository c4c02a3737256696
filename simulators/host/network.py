"""What a host expects of the network that carries its line, beyond what devices do."""

from typing import TYPE_CHECKING, Protocol

from simulators.contracts import Network

if TYPE_CHECKING:
    from simulators.network.taps import Taps


class HostNetwork(Network, Protocol):
    """A network whose wires are tapped."""

    @property
    def taps(self) -> "Taps": ...
