"""`lab bench`: this machine's figures."""

import tempfile
import time
from pathlib import Path
from typing import Annotated

import typer

from lab.cli.options import AsJson
from lab.cli.output import console, print_json, say, table

# (key, French, English, target as text)
FIGURES = (
    ("ready_first_s", "premier labo prêt, à froid (s)", "first lab ready, cold (s)", "≤ 2.5"),
    ("ready_all_s", "tous les labos prêts, à chaud (s)", "all labs ready, warm (s)", "≤ 2 (30)"),
    ("memory_per_lab_mib", "mémoire d'un labo (Mio, PSS)", "memory of a lab (MiB, PSS)", "≤ 15"),
    ("broker_memory_per_lab_mib", "dont en plus, Mosquitto (Mio)", "Mosquitto, on top (MiB)", ""),
    ("cpu_per_lab_pct", "processeur d'un labo (% d'un cœur)", "CPU of a lab (% of a core)", "≤ 1"),
    ("broker_cpu_per_lab_pct", "en plus, Mosquitto (%)", "Mosquitto, on top (%)", ""),
    ("scan_late_p99_ms", "retard de scrutation, p99 (ms)", "scan lateness, p99 (ms)", "≤ 5"),
    (
        "flooded_scan_late_p99_ms",
        "… des autres pendant une inondation",
        "… of the others during a flood",
        "≤ 10",
    ),
    ("flood_requests_per_s", "inondation : requêtes/s répondues", "flood: requests/s answered", ""),
    ("twin_speed_x", "jumeau hors ligne (× temps réel)", "offline twin (× real time)", "≥ 500"),
    ("baseline_ready_all_s", "référence : tous prêts (s)", "baseline: all ready (s)", ""),
    ("baseline_memory_per_lab_mib", "référence : mémoire (Mio)", "baseline: memory (MiB)", ""),
    ("baseline_cpu_per_lab_pct", "référence : processeur (%)", "baseline: CPU (%)", ""),
    ("baseline_memory_ratio", "référence / nous, mémoire", "baseline / ours, memory", "≥ 9"),
    ("baseline_ready_ratio", "référence / nous, démarrage", "baseline / ours, start", ""),
)


def bench(
    labs: Annotated[int, typer.Option(min=1, max=200, help=say("combien de labos", "how many labs"))] = 30,
    baseline: Annotated[
        bool,
        typer.Option(
            "--baseline",
            help=say("mesure aussi un processus par équipement", "measure a process per device too"),
        ),
    ] = False,
    baseline_labs: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=200,
            help=say(
                "combien pour la référence ; autant sinon", "how many for the baseline; as many otherwise"
            ),
        ),
    ] = None,
    line: Annotated[str, typer.Option(help=say("ligne", "line"))] = "bottling",
    seconds: Annotated[
        float, typer.Option(min=2, max=600, help=say("durée de chaque mesure", "length of each measurement"))
    ] = 10.0,
    as_json: AsJson = False,
) -> None:
    from lab.bench.baseline import BaselineBench
    from lab.bench.local import LocalBench
    from lab.bench.process import machine

    def tell(fr: str, en: str) -> None:
        if not as_json:
            console.print(say(fr, en), style="dim")

    # Short, for a socket's path has 107 characters at most.
    with tempfile.TemporaryDirectory(prefix="lab") as folder:
        figures = LocalBench(Path(folder) / "ours", line, labs, seconds, tell).run()
        if baseline:
            figures |= BaselineBench(Path(folder) / "base", line, baseline_labs or labs, seconds, tell).run()
            figures["baseline_memory_ratio"] = (
                figures["baseline_memory_per_lab_mib"] / figures["memory_per_lab_mib"]
            )
            figures["baseline_ready_ratio"] = figures["baseline_ready_all_s"] / figures["ready_all_s"]
    figures["twin_speed_x"] = twin_speed(line)
    figures = {key: round(value, 3) for key, value in figures.items()}
    about = {
        "labs": labs,
        "baseline_labs": (baseline_labs or labs) if baseline else 0,
        "line": line,
        "seconds": seconds,
        "machine": machine(),
    }
    if as_json:
        print_json({**about, **figures})
        return
    made = table(say("Figure", "Figure"), say("Mesuré", "Measured"), say("Visé", "Target"))
    for key, fr, en, target in FIGURES:
        if key in figures:
            made.add_row(say(fr, en), f"{figures[key]:g}", target)
    console.print(made)
    console.print(f"{about['machine']}", style="dim", highlight=False)


def twin_speed(line_name: str, hours: float = 1.0) -> float:
    """Simulated seconds a second: plant and programs, offline, without writing a file."""
    from lab.catalog import find_line
    from simulators.twin import run

    line = find_line(line_name)
    begun = time.perf_counter()
    for _row in run(line, hours, seed=1, interval_s=60.0):
        pass
    return 3600 * hours / (time.perf_counter() - begun)


def register(app: typer.Typer) -> None:
    app.command(help=say("Mesure cette machine.", "Measure this machine."))(bench)
