"""The digital twin of a line: run offline, written as a file."""

from simulators.twin.export import columns, write
from simulators.twin.offline import Action, Fault, Row, Twin, run

__all__ = ["Action", "Fault", "Row", "Twin", "columns", "run", "write"]
