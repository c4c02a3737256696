"""The historian's configuration, as a student edits it."""

from typing import Annotated, Any

import msgspec

from simulators.devices._schema import described, parse_yaml, schema_of

_Seconds = Annotated[float, msgspec.Meta(gt=0, le=3600)]


class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How long history is kept, and how finely. Times are of the line's clock unless said otherwise."""

    retention_h: Annotated[
        float,
        described(
            "Les valeurs plus anciennes (h) sont supprimées",
            "Values older than this (h) are deleted",
            gt=0,
            le=24 * 366,
        ),
    ] = 24.0
    at_least_every_s: Annotated[
        _Seconds,
        described(
            "Une valeur qui ne change pas est gardée de nouveau après ce temps (s)",
            "A value that does not change is kept again after this long (s)",
        ),
    ] = 10.0
    deadband_pct: Annotated[
        float,
        described(
            "Bande morte : un changement plus petit, en % de l'étendue de la variable, n'est pas gardé ; 0 : tous le sont",
            "Deadband: a smaller change, in % of the tag's range, is not kept; 0: all are",
            ge=0,
            le=50,
        ),
    ] = 0.0
    deadbands: Annotated[
        dict[str, Annotated[float, msgspec.Meta(ge=0)]],
        described(
            "Bande morte par variable, dans son unité : {Tank.Level: 0.5}",
            "Deadband of single tags, in the tag's unit: {Tank.Level: 0.5}",
        ),
    ] = {}
    commit_period_s: Annotated[
        float,
        described(
            "Les valeurs sont écrites sur le disque toutes les … s, en temps réel",
            "Values are written to the disk every … s, in real time",
            ge=0.1,
            le=60,
        ),
    ] = 1.0
    memory_rows: Annotated[
        int,
        described(
            "Valeurs gardées en mémoire, au plus, tant que le disque les refuse",
            "Values kept in memory, at most, while the disk refuses them",
            ge=1000,
            le=200_000,
        ),
    ] = 10_000


SCHEMA: dict[str, Any] = schema_of(Config)


def parse(text: str, name: str) -> Config:
    """The configuration in YAML `text`, called `name` in errors; an empty text is the default.

    Raises:
        InputError: names the line and the remedy.
    """
    return parse_yaml(text, Config, name)
