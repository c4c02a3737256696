"""`lab status`: each device's health and the line's KPIs."""

import typer

from lab.cli.options import AsJson, LabName, attach
from lab.cli.output import console, print_json, say, table
from simulators.snapshot import Snapshot

STATES = {
    "ok": ("[green]●[/] en marche", "[green]●[/] ok"),
    "starting": ("○ démarre", "○ starting"),
    "degraded": ("[yellow]▲[/] dégradé", "[yellow]▲[/] degraded"),
    "failed": ("[red]■[/] en panne", "[red]■[/] failed"),
    "stopped": ("□ arrêté", "□ stopped"),
}
# ISA-18.2: what is active, and what has returned and still waits for somebody's acknowledgement.
ALARM_STATES = {
    "unacknowledged": ("[red]●[/] active, à acquitter", "[red]●[/] active, to be acknowledged"),
    "acknowledged": ("[red]●[/] active, acquittée", "[red]●[/] active, acknowledged"),
    "returned_unacknowledged": ("○ revenue, à acquitter", "○ returned, to be acknowledged"),
}
KPIS = {
    "oee": ("TRS", "OEE"),
    "availability": ("disponibilité", "availability"),
    "performance": ("performance", "performance"),
    "quality": ("qualité", "quality"),
    "bottles_per_min": ("bouteilles/min", "bottles/min"),
    "fill_deviation_ml": ("écart de remplissage (ml)", "fill deviation (ml)"),
    "rejects": ("rejets", "rejects"),
    "escaped": ("mauvaises bouteilles vendues", "bad bottles let through"),
    "bottles_good": ("bouteilles bonnes", "good bottles"),
    "bottles_total": ("bouteilles au total", "bottles in all"),
    "pasteurisation_units": ("unités pasteurisatrices", "pasteurisation units"),
    "kwh_per_1000_bottles": ("kWh pour 1000 bouteilles", "kWh per 1000 bottles"),
}


def status(name: LabName, as_json: AsJson = False) -> None:
    with attach(name) as lab:
        snapshot = lab.request("snapshot")
    if as_json:
        for big in ("tags",):
            snapshot.pop(big)
        print_json(snapshot)
        return
    show(snapshot)


def show(snapshot: dict[str, object]) -> None:
    """Print a snapshot (as JSON objects) as two tables."""
    import msgspec

    seen = msgspec.convert(snapshot, Snapshot)
    pace = say("en pause", "paused") if seen.paused else f"×{seen.speed:g}"
    console.print(f"[bold]{seen.lab}[/] · {seen.line} · t = {seen.t_s:.1f} s · {pace}")
    if not seen.enforces_zones:
        console.print(
            say(
                "[yellow]▲ zones non séparées[/] : boucle locale à plat sur cette machine",
                "[yellow]▲ zones not enforced[/]: flat loopback on this machine",
            )
        )
    devices = table(
        say("Équipement", "Device"),
        say("Genre", "Kind"),
        say("État", "State"),
        say("Redémarrages", "Restarts"),
        "",
    )
    for device in seen.devices:
        detail = str(device.health.detail or "")
        devices.add_row(
            device.id, device.kind, say(*STATES[device.health.state]), str(device.restarts), detail
        )
    console.print(devices)
    kpis = table("KPI", "")
    for key, value in seen.kpis.items():
        kpis.add_row(say(*KPIS.get(key, (key, key))), f"{value:.2f}")
    console.print(kpis)
    if seen.alarms:
        alarms = table(say("Alarme", "Alarm"), say("Priorité", "Priority"), say("État", "State"), "")
        for alarm in seen.alarms:
            alarms.add_row(alarm.tag, str(alarm.priority), say(*ALARM_STATES[alarm.state]), str(alarm.text))
        console.print(alarms)


def register(app: typer.Typer) -> None:
    app.command(help=say("État de chaque équipement et KPI.", "Each device's state, and the KPIs."))(status)
