"""The configuration of a condition monitor, as a student edits it. Everything left out watches nothing."""

from typing import Annotated, Any

import msgspec

from simulators.analytics.config import DETECTORS_MAX, Baseline, Detector, Watch
from simulators.devices._schema import described, parse_yaml, schema_of
from simulators.devices.mqtt_sensor.config import BrokerPlace, Tls, Words, check_tls
from simulators.model import Identifier
from simulators.validation import UnfitError

ASSETS_MAX = 16


class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The weak default: anonymous, in clear, and no machine watched."""

    broker: Annotated[BrokerPlace, described("Le courtier", "The broker")] = BrokerPlace()
    client_id: Annotated[
        Words | None,
        described(
            "Identifiant MQTT ; le nom de l'équipement si absent",
            "MQTT client identifier; the device's name if absent",
        ),
    ] = None
    username: Annotated[Words | None, described("Nom d'utilisateur", "User name")] = None
    password: Annotated[Words | None, described("Mot de passe", "Password")] = None
    tls: Annotated[Tls | None, described("TLS ; en clair si absent", "TLS; in clear if absent")] = None
    heartbeat_s: Annotated[
        float,
        described("Un signe de vie toutes les … s", "A sign of life every … s", ge=1, le=20),
    ] = 10.0
    assets: Annotated[
        tuple[Identifier, ...],
        described("Machines surveillées", "Machines watched", max_length=ASSETS_MAX),
    ] = ()
    least_rpm: Annotated[
        float,
        described(
            "Vitesse d'arbre (tr/min) sous laquelle une fenêtre est ignorée",
            "Shaft speed (rpm) under which a window is left out",
            ge=0,
            le=10_000,
        ),
    ] = 0.0
    baseline: Annotated[Baseline, described("L'état normal", "The normal state")] = Baseline()
    detectors: Annotated[
        tuple[Detector, ...],
        described(
            "Détecteurs ; un seul suffit à alarmer",
            "Detectors; one is enough to alarm",
            max_length=DETECTORS_MAX,
        ),
    ] = ()
    latch: Annotated[
        bool,
        described(
            "Garder l'alarme jusqu'à l'acquittement (sujet …/cmd)",
            "Keep the alarm until it is acknowledged (topic …/cmd)",
        ),
    ] = False

    def __post_init__(self) -> None:
        if self.password is not None and self.username is None:
            raise UnfitError(
                ("`password` demande `username`", "`password` needs `username`"),
                ("ajoutez `username`", "add `username`"),
                field="password",
            )
        if len(set(self.assets)) != len(self.assets):
            raise UnfitError(
                ("une machine est écrite deux fois dans `assets`", "an asset stands twice in `assets`"),
                ("gardez-la une fois", "keep it once"),
                field="assets",
            )

    @property
    def watch(self) -> Watch:
        """What is done for each machine."""
        return Watch(
            least_rpm=self.least_rpm, baseline=self.baseline, detectors=self.detectors, latch=self.latch
        )


SCHEMA: dict[str, Any] = schema_of(Config)


def parse(text: str, name: str) -> Config:
    """The configuration in `text`, called `name` in errors.

    Raises:
        InputError: names the line and the remedy.
    """
    return parse_yaml(text, Config, name, check=check_tls)
