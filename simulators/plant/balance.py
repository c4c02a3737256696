"""The mass and energy balance of a plant."""

import msgspec


class Balance(msgspec.Struct, frozen=True):
    """What came in and where it is; masses in kg, energies in J above 0 °C, since the start."""

    supplied_kg: float
    bottled_kg: float
    rejected_kg: float
    leaked_kg: float
    scrapped_kg: float
    stored_gain_kg: float
    electric_j: float
    enthalpy_in_j: float
    enthalpy_out_j: float
    lost_j: float
    stored_gain_j: float

    @property
    def mass_error_kg(self) -> float:
        """Mass that came in less mass that went out or stayed: 0 but for rounding."""
        out_kg = self.bottled_kg + self.rejected_kg + self.leaked_kg + self.scrapped_kg
        return self.supplied_kg - out_kg - self.stored_gain_kg

    @property
    def energy_error_j(self) -> float:
        """Energy that came in less energy that went out or stayed: 0 but for rounding."""
        return self.electric_j + self.enthalpy_in_j - self.enthalpy_out_j - self.lost_j - self.stored_gain_j
