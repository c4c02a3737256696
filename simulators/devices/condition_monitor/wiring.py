"""What a condition monitor is joined to: the sensors' topics, its own tags, the broker."""

from collections.abc import Sequence
from typing import Literal

from simulators.contracts import Context
from simulators.devices.condition_monitor.config import Config
from simulators.document import PlaceError
from simulators.errors import InputError
from simulators.model import Line, Tag

DEFAULT_PORT = 1883


def heard_on(line: Line) -> dict[str, str]:
    """Machine → topic of its vibration windows, for every machine that a sensor hears."""
    sensors = {device.id for device in line.devices_of("mqtt_sensor")}
    return {
        tag.asset: f"{tag.address}/window"
        for tag in line.tags
        if tag.device in sensors and tag.asset and ".vibration" in (tag.signal or "")
    }


def topics_of(assets: Sequence[str], heard: dict[str, str]) -> dict[str, str]:
    """Machine → the topic of its windows. Raises: PlaceError: no sensor hears one; says which are heard."""
    for number, asset in enumerate(assets):
        if asset not in heard:
            known = ", ".join(heard) or "–"
            raise PlaceError(
                ("assets", number),
                f"aucun capteur n'écoute {asset} ; choisissez parmi : {known}",
                f"no sensor hears {asset}; choose among: {known}",
            )
    return {asset: heard[asset] for asset in assets}


def meaning(tag: Tag) -> tuple[str, Literal["alarm", "index"]]:
    """The machine that a tag of the monitor is about, and what of it: its address ends in `ASSET/alarm` or `/index`.

    Raises:
        InputError: the address says neither.
    """
    *_, asset, what = ("", *tag.address.split("/"))
    if asset and what == "alarm" and tag.type == "BOOL":
        return asset, "alarm"
    if asset and what == "index" and tag.type != "BOOL":
        return asset, "index"
    raise InputError(
        f"variable {tag.id} : adresse {tag.address} ; terminez-la par ACTIF/alarm (BOOL) ou ACTIF/index (REAL)",
        f"tag {tag.id}: address {tag.address}; end it in ASSET/alarm (BOOL) or ASSET/index (REAL)",
    )


def broker_of(context: Context, config: Config) -> tuple[str, int]:
    """Raises: InputError: the line has no broker and the configuration names none."""
    brokers = context.line.devices_of("mqtt_broker")
    address = config.broker.address or (brokers[0].address if brokers else None)
    if address is None:
        raise InputError(
            f"{context.spec.id} : la ligne n'a pas de courtier ; donnez broker.address",
            f"{context.spec.id}: the line has no broker; give broker.address",
        )
    own = next((broker.port for broker in brokers if broker.address == address), None)
    return address, config.broker.port or own or DEFAULT_PORT
