"""Each device's configuration, as its students edit it: the one in force, the default, and every one before."""

from pathlib import Path

from simulators.errors import InputError
from simulators.host.files import keep_text
from simulators.model import Device, Line


class Configurations:
    """Texts in `folder`/<device>/: `configuration` is in force, `configuration.N` are its predecessors.

    Without a text of its own a device has the line's default, or an empty one where the line gives none.
    """

    def __init__(self, line: Line, folder: Path) -> None:
        self._line = line
        self._folder = folder

    def default(self, device: Device) -> str:
        return self._line.text_of(device.config) if device.config else ""

    def current(self, device: Device) -> str:
        path = self._path(device)
        return path.read_text(encoding="utf-8") if path.exists() else self.default(device)

    def keep(self, device: Device, text: str) -> None:
        """Make `text` the one in force; its predecessor stays readable. Raises: InputError: nothing changed."""
        path = self._path(device)
        number = len(self.versions(device))
        former = path.with_name(f"configuration.{number}")
        keep_text(former, self.current(device))
        try:
            keep_text(path, text)
        except InputError:
            former.unlink()
            raise

    def versions(self, device: Device) -> list[str]:
        """The earlier texts, oldest first."""
        path = self._path(device)
        found: list[str] = []
        while (earlier := path.with_name(f"configuration.{len(found)}")).exists():
            found.append(earlier.read_text(encoding="utf-8"))
        return found

    def forget(self, device: Device) -> None:
        """The device is back to its default; earlier texts stay."""
        self._path(device).unlink(missing_ok=True)

    def _path(self, device: Device) -> Path:
        return self._folder / device.id / "configuration"
