"""Measurement noise from a bank drawn once, so that reading a sensor costs no generator and moves no state."""

from array import array
from random import Random
from zlib import crc32

_SIZE = 1 << 15
_MASK = _SIZE - 1


def _draw() -> "array[float]":
    generator = Random("usine-ecole noise bank")  # noqa: S311 -- a simulation, no secret
    return array("d", (generator.gauss(0.0, 1.0) for _ in range(_SIZE)))


# An array, not a list: processes forked from a warm parent share it, as no reference count is in it.
BANK = _draw()


def place(seed: int, name: str) -> int:
    """Where in the bank the noise of the sensor `name` begins."""
    return crc32(f"{seed}/{name}".encode()) & _MASK


def gaussian(step: int, start: int) -> float:
    """A standard normal number for a step: the same for the same arguments.

    The stride is odd, hence visits the whole bank; it then begins again one place further.
    """
    return BANK[(step * 40503 + (step >> 15) * 977 + start) & _MASK]
