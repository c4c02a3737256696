"""Keeps what SCADA was shown: SQLite in WAL mode, retention, curves, CSV and Parquet."""

from simulators.devices.historian.config import SCHEMA, Config, parse
from simulators.devices.historian.device import Historian
from simulators.devices.historian.export import export

KIND = "historian"
create = Historian

__all__ = ["KIND", "SCHEMA", "Config", "Historian", "create", "export", "parse"]
