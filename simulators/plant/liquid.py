"""What the product is made of: constants of the liquids."""

# Juice of 11 to 14 °Bx, taken constant: Choi and Okos (1986) give 3.80 to 3.90 kJ/(kg·K) at 20 to 70 °C.
CP_J_KG_K = 3850.0
DENSITY_KG_L = 1.045
WATER_CP_J_KG_K = 4186.0
KG_S_PER_L_MIN = DENSITY_KG_L / 60.0
BAR_PER_M = DENSITY_KG_L * 9.81 / 100.0
