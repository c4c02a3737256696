"""`lab bench`: this machine's figures."""

import tempfile
from pathlib import Path
from typing import Annotated

import typer

from lab.cli.options import AsJson
from lab.cli.output import console, print_json, say, table

# (key, French, English, target as text by runtime)
Aims = dict[str, str]
FIGURES: tuple[tuple[str, str, str, Aims], ...] = (
    ("ready_first_s", "premier labo prêt, à froid (s)", "first lab ready, cold (s)", {"local": "≤ 2.5"}),
    (
        "ready_all_s",
        "tous les labos prêts, à chaud (s)",
        "all labs ready, warm (s)",
        {"local": "≤ 2 (30)", "docker": "≤ 35 (30)", "docker-compact": "≤ 12 (30)"},
    ),
    (
        "memory_per_lab_mib",
        "mémoire d'un labo (Mio, PSS)",
        "memory of a lab (MiB, PSS)",
        {"local": "≤ 15", "docker": "≤ 110", "docker-compact": "≤ 41"},
    ),
    ("broker_memory_per_lab_mib", "en plus, Mosquitto (Mio)", "Mosquitto, on top (MiB)", {}),
    ("shim_memory_per_lab_mib", "en plus, le moteur (Mio)", "the engine, on top (MiB)", {}),
    ("cpu_per_lab_pct", "processeur d'un labo (% d'un cœur)", "CPU of a lab (% of a core)", {"local": "≤ 1"}),
    ("broker_cpu_per_lab_pct", "en plus, Mosquitto (%)", "Mosquitto, on top (%)", {}),
    ("shim_cpu_per_lab_pct", "en plus, le moteur (%)", "the engine, on top (%)", {}),
    ("scan_late_p99_ms", "retard de scrutation, p99 (ms)", "scan lateness, p99 (ms)", {"local": "≤ 5"}),
    (
        "flooded_scan_late_p99_ms",
        "… des autres pendant une inondation",
        "… of the others during a flood",
        {"local": "≤ 10", "docker": "≤ 10", "docker-compact": "≤ 10"},
    ),
    ("flood_requests_per_s", "inondation : requêtes/s répondues", "flood: requests/s answered", {}),
    ("twin_speed_x", "jumeau hors ligne (× temps réel)", "offline twin (× real time)", {"local": "≥ 500"}),
    ("baseline_ready_all_s", "référence : tous prêts (s)", "baseline: all ready (s)", {}),
    ("baseline_memory_per_lab_mib", "référence : mémoire (Mio)", "baseline: memory (MiB)", {}),
    ("baseline_cpu_per_lab_pct", "référence : processeur (%)", "baseline: CPU (%)", {}),
    ("baseline_memory_ratio", "référence / nous, mémoire", "baseline / ours, memory", {"local": "≥ 9"}),
    ("baseline_ready_ratio", "référence / nous, démarrage", "baseline / ours, start", {}),
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
    runtime: Annotated[
        list[str] | None,
        typer.Option(
            help=say(
                "local, docker, docker-compact ; plusieurs fois pour les comparer",
                "local, docker, docker-compact; several times to compare them",
            )
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    from lab.bench.baseline import BaselineBench
    from lab.bench.labs import LabsBench
    from lab.bench.process import machine
    from lab.bench.speed import twin_speed

    def tell(fr: str, en: str) -> None:
        if not as_json:
            console.print(say(fr, en), style="dim")

    wanted = runtime or ["local"]
    figures: dict[str, dict[str, float]] = {}
    # Short, for a socket's path has 107 characters at most.
    with tempfile.TemporaryDirectory(prefix="lab") as folder:
        for number, name in enumerate(wanted):
            tell(f"— {name}", f"— {name}")
            figures[name] = LabsBench(Path(folder) / f"{number}", line, labs, seconds, tell, name).run()
        first = figures[wanted[0]]
        if baseline:
            first |= BaselineBench(Path(folder) / "base", line, baseline_labs or labs, seconds, tell).run()
            first["baseline_memory_ratio"] = (
                first["baseline_memory_per_lab_mib"] / first["memory_per_lab_mib"]
            )
            first["baseline_ready_ratio"] = first["baseline_ready_all_s"] / first["ready_all_s"]
    first["twin_speed_x"] = twin_speed(line)
    rounded = {
        name: {key: round(value, 3) for key, value in found.items()} for name, found in figures.items()
    }
    about = {
        "labs": labs,
        "baseline_labs": (baseline_labs or labs) if baseline else 0,
        "line": line,
        "seconds": seconds,
        "machine": machine(),
    }
    if as_json:
        alone = len(wanted) == 1
        print_json(
            {**about, "runtime": wanted[0], **rounded[wanted[0]]} if alone else {**about, "runtimes": rounded}
        )
        return
    made = table(say("Figure", "Figure"), *wanted, say("Visé", "Target"))
    for key, fr, en, targets in FIGURES:
        if any(key in found for found in rounded.values()):
            cells = [f"{found[key]:g}" if key in found else "" for found in rounded.values()]
            aims = [targets.get(name, "") for name in wanted]
            made.add_row(say(fr, en), *cells, " · ".join(aim or "–" for aim in aims) if any(aims) else "")
    console.print(made)
    console.print(f"{about['machine']}", style="dim", highlight=False)


def register(app: typer.Typer) -> None:
    app.command(help=say("Mesure cette machine.", "Measure this machine."))(bench)
