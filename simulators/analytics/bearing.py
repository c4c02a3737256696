"""Kinematic frequencies of a rolling bearing."""

from math import cos, radians

import msgspec


class Bearing(msgspec.Struct, frozen=True):
    """Geometry of a bearing; the default is a 6205 (9 balls of 7.94 mm on a circle of 39.04 mm).

    With r = (d/D)·cos φ, in shaft turns: BPFO = n/2·(1 − r), BPFI = n/2·(1 + r), BSF = D/2d·(1 − r²),
    FTF = (1 − r)/2 (Randall and Antoni 2011, eq. 1 to 4).
    """

    balls: int = 9
    ball_mm: float = 7.94
    pitch_mm: float = 39.04
    angle_deg: float = 0.0

    @property
    def _r(self) -> float:
        return self.ball_mm / self.pitch_mm * cos(radians(self.angle_deg))

    @property
    def bpfo(self) -> float:
        """Ball pass frequency, outer race."""
        return self.balls / 2.0 * (1.0 - self._r)

    @property
    def bpfi(self) -> float:
        """Ball pass frequency, inner race."""
        return self.balls / 2.0 * (1.0 + self._r)

    @property
    def bsf(self) -> float:
        """Ball spin frequency; a defect of a ball strikes twice a spin."""
        return self.pitch_mm / (2.0 * self.ball_mm) * (1.0 - self._r**2)

    @property
    def ftf(self) -> float:
        """Fundamental train frequency: the cage."""
        return (1.0 - self._r) / 2.0


BEARING_6205 = Bearing()
