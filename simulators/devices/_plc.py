"""What a PLC's network server says of the PLC behind it, whatever protocol it speaks."""

from simulators.contracts import Diagnostics
from simulators.text import Text


def figures(state: Diagnostics) -> dict[str, float | int | str]:
    """Its status tags, as a device's health shows them."""
    return {
        "mode": state.mode,
        "scan_last_us": state.scan_last_us,
        "scan_max_us": state.scan_max_us,
        "scan_count": state.scan_count,
        "overruns": state.overruns,
        "uptime_s": state.uptime_s,
        "program_sha256": state.program_sha256,
    }


def trouble(state: Diagnostics) -> Text | None:
    """Why its program does not run, None if it does."""
    if state.cause is not None:
        why = state.cause.text
        return Text(fr=f"défaut du programme : {why.fr}", en=f"program fault: {why.en}")
    if state.mode != "RUN":
        return Text(fr=f"l'automate est en mode {state.mode}", en=f"the PLC is in mode {state.mode}")
    return None
