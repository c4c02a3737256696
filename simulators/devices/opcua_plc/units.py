"""Engineering units by their common codes (UNECE Recommendation 20), as OPC 10000-8 §5.6.3 encodes them."""

from asyncua import ua

_NAMESPACE = "http://www.opcfoundation.org/UA/units/un/cefact"
_CODES = {
    "%": "P1", "°C": "CEL", "K": "KEL", "bar": "BAR", "mbar": "MBR", "Pa": "PAL", "kPa": "KPA",
    "A": "AMP", "mA": "4K", "V": "VLT", "W": "WTT", "kW": "KWT", "kWh": "KWH", "Wh": "WHR",
    "L": "LTR", "mL": "MLT", "m³": "MTQ", "L/min": "L2", "L/h": "E32", "m³/h": "MQH",
    "m": "MTR", "mm": "MMT", "µm": "4H", "m/s": "MTS", "mm/s": "C16", "m/s²": "MSK",
    "g": "GRM", "kg": "KGM", "N": "NEW", "N·m": "NU", "rpm": "RPM", "1/min": "C94", "Hz": "HTZ",
    "s": "SEC", "ms": "C26", "min": "MIN", "h": "HUR", "°": "DD", "°Bx": "J18", "dB": "2N",
}  # fmt: skip


def engineering_units(unit: str) -> ua.EUInformation:
    """The `EUInformation` of `unit`; UnitId −1 where the Recommendation has no code for it."""
    code = _CODES.get(unit)
    unit_id = int.from_bytes(code.encode(), "big") if code else -1
    name = ua.LocalizedText(unit)
    return ua.EUInformation(_NAMESPACE, unit_id, name, name)
