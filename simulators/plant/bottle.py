"""A bottle on its way through the line."""

from dataclasses import dataclass


@dataclass(slots=True, eq=False)
class Bottle:
    """`x_m` is its leading edge on the belt that carries it, `next_m` where that belt's next station stands.

    What it holds is kept as sums over the doses poured in, which add up without rounding each time.
    """

    format_ml: float
    diameter_m: float
    x_m: float = 0.0
    next_m: float = 0.0
    stage: int = 0
    kg: float = 0.0
    kg_c: float = 0.0
    kg_pu: float = 0.0
    kg_brix: float = 0.0
    filled: bool = False
    short_kg: float = 0.0  # what foam makes the valve miss
    torque_nm: float = 0.0

    @property
    def pu(self) -> float:
        """Pasteurisation units of the product in it."""
        return self.kg_pu / self.kg if self.kg > 0.0 else 0.0
