"""The devices of a line as its host sees them, wherever they run."""

from collections.abc import Awaitable, Mapping
from typing import Any, Protocol

from simulators.host.contribution import Contribution
from simulators.host.rack import Progress


class Crew(Protocol):
    """In the host's own process (`bay.Bay`), or each in one of its own (`links.Links`)."""

    async def start(self, progress: Progress = ...) -> None:
        """Return when every device answers its own protocol. Raises: UsineError: one could not start, named."""
        ...

    def guard(self) -> None:
        """From now on restart what fails."""
        ...

    async def stop(self) -> None: ...

    def scan(self, t_s: float) -> Awaitable[None] | None:
        """Each PLC makes one cycle; the devices are not told."""
        ...

    def step(self, t_s: float) -> Awaitable[None] | None:
        """One simulated step: PLCs scan, devices are told. What is returned must be awaited before the next one."""
        ...

    def publish(self, t_s: float) -> None:
        """Bring what the network sees up to date: once per wake-up of the host, after its steps."""
        ...

    def retime(self) -> None:
        """The clock was changed: its speed, a pause, a jump."""
        ...

    def green(self) -> bool:
        """Every device is well."""
        ...

    async def contribution(self) -> Contribution:
        """What the devices have to say for the lab's snapshot."""
        ...

    async def ask(self, device: str, verb: str, arguments: Mapping[str, Any]) -> Any:
        """One verb of a device (`simulators.host.verbs.of_device`). Raises: UsineError."""
        ...
