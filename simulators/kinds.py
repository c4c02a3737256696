"""Which kinds of assets and of devices there are, by the places of their files; none of them is imported."""

import importlib
import pkgutil


def asset_kinds() -> list[str]:
    """The words of `kind:` of an asset: the files of `simulators/plant/assets`."""
    return _files("simulators.plant.assets")


def device_kinds() -> list[str]:
    """The words of `kind:` of a device: the files and packages of `simulators/devices`."""
    return _files("simulators.devices")


def _files(package: str) -> list[str]:
    folders = importlib.import_module(package).__path__
    return sorted(found.name for found in pkgutil.iter_modules(folders) if not found.name.startswith("_"))
