"""`lab doctor`: what this machine offers, and what to do about what it lacks."""

import os
import shutil
import sys
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import typer

from lab.catalog import find_line, line_names
from lab.cli.options import AsJson, supervisor
from lab.cli.output import console, print_json, say, table
from lab.paths import NAME_CHARACTERS, check_socket, default_paths
from lab.runtimes.limits import Limits
from simulators.errors import UsineError
from simulators.network.choose import namespaces_available
from simulators.text import Text

FREE_MIN_BYTES = 1 << 30
MERGING = Path("/sys/kernel/mm/ksm/run")


@dataclass(frozen=True)
class Finding:
    """`level`: ok, note (something is done without) or problem (labs cannot run)."""

    subject: str
    level: str
    text: Text


def doctor(as_json: AsJson = False) -> None:
    findings = [
        _python(),
        _state(),
        _disk(),
        _zones(),
        _limits(),
        _merging(),
        _lines(),
        *_engine(),
        *map(_tool, TOOLS),
        _parquet(),
        _running(),
    ]
    if as_json:
        print_json([{"subject": f.subject, "level": f.level, "text": f.text} for f in findings])
    else:
        made = table("", "", "")
        marks = {"ok": "[green]●[/]", "note": "[yellow]▲[/]", "problem": "[red]■[/]"}
        for finding in findings:
            made.add_row(marks[finding.level], finding.subject, str(finding.text))
        console.print(made)
    if any(finding.level == "problem" for finding in findings):
        raise typer.Exit(1)


def _python() -> Finding:
    version = ".".join(map(str, sys.version_info[:3]))
    fine = sys.version_info >= (3, 11)
    return Finding(
        "Python",
        "ok" if fine else "problem",
        Text(fr=f"{version} (3.11 au moins)", en=f"{version} (3.11 at least)"),
    )


def _state() -> Finding:
    paths = default_paths()
    try:
        paths.prepare()
        check_socket(paths.control("x" * NAME_CHARACTERS))
    except UsineError as error:
        return Finding("USINE_HOME", "problem", error.text)
    return Finding("USINE_HOME", "ok", Text(fr=str(paths.home), en=str(paths.home)))


def _disk() -> Finding:
    home = default_paths().home
    free = shutil.disk_usage(home if home.exists() else "/").free
    text = Text(fr=f"{free / 1e9:.1f} Go libres", en=f"{free / 1e9:.1f} GB free")
    return Finding(say("disque", "disk"), "ok" if free > FREE_MIN_BYTES else "problem", text)


def _zones() -> Finding:
    reason = namespaces_available()
    if reason is None:
        return Finding(
            "zones", "ok", Text(fr="séparées (espaces de noms réseau)", en="enforced (network namespaces)")
        )
    return Finding(
        "zones",
        "note",
        Text(
            fr=f"{reason.fr} Les labos tournent à plat sur la boucle locale, sans zones.",
            en=f"{reason.en} Labs run flat on loopback, without zones.",
        ),
    )


def _limits() -> Finding:
    reason = Limits().reason
    if not reason:
        return Finding(
            "cgroups", "ok", Text(fr="CPU et mémoire limités par labo", en="CPU and memory limited per lab")
        )
    return Finding(
        "cgroups", "note", Text(fr=f"pas de limite par labo : {reason}", en=f"no limit per lab: {reason}")
    )


def _merging() -> Finding:
    """Same-page merging: about ten MiB less a lab, once there are many."""
    try:
        on = MERGING.read_text(encoding="ascii").strip() == "1"
    except OSError:
        fr, en = (
            "absente de ce noyau : un labo prend environ 25 Mio",
            "not in this kernel: a lab takes about 25 MiB",
        )
        return Finding(say("mémoire", "memory"), "note", Text(fr=fr, en=en))
    if on:
        return Finding(
            say("mémoire", "memory"),
            "ok",
            Text(fr="pages semblables fusionnées (KSM)", en="pages that are alike are merged (KSM)"),
        )
    return Finding(
        say("mémoire", "memory"),
        "note",
        Text(
            fr=f"un labo prend environ 25 Mio, 15 avec la fusion des pages : echo 1 | sudo tee {MERGING}",
            en=f"a lab takes about 25 MiB, 15 with same-page merging: echo 1 | sudo tee {MERGING}",
        ),
    )


def _lines() -> Finding:
    names = ", ".join(line_names())
    return Finding(
        say("lignes", "lines"), "ok" if names else "problem", Text(fr=names or "aucune", en=names or "none")
    )


def _engine() -> list[Finding]:
    """Labs run without one; what it lacks is said for who wants containers."""
    # The engine's library is slow to import.
    from lab.capacity.engine import look, socket_path, who_may
    from lab.runtimes.docker.settings import settings

    subject = say("moteur", "engine")
    try:
        chosen = settings(default_paths().home, os.environ)
        facts = look(chosen, find_line(line_names()[0]))
    except UsineError as error:
        return [Finding(subject, "problem", error.text)]
    if facts.trouble:
        without = Text(
            fr=f"{facts.trouble.fr} ; sans lui, pas de labo en conteneurs",
            en=f"{facts.trouble.en}; without it, no labs in containers",
        )
        return [Finding(subject, "note", without)]
    about = f"Docker {facts.version}, cgroups v{facts.cgroups}, {facts.storage}"
    findings = [Finding(subject, "ok", Text(fr=about, en=about))]
    missing = ", ".join(name for name, _there, current in facts.images if not current)
    findings.append(
        Finding(
            "images",
            "note" if missing else "ok",
            Text(
                fr=f"absentes ou d'une autre version : {missing} ; « lab image »",
                en=f"not there or of another version: {missing}; 'lab image'",
            )
            if missing
            else Text(fr="de cette version", en="of this version"),
        )
    )
    room = Text(
        fr=f"{chosen.pool} : de la place pour {facts.labs} labos",
        en=f"{chosen.pool}: room for {facts.labs} labs",
    )
    findings.append(
        Finding(
            say("sous-réseaux", "subnets"),
            "note" if facts.pool_trouble or not facts.labs else "ok",
            facts.pool_trouble or room,
        )
    )
    path = socket_path()
    if path is not None and path.exists():
        may = who_may(path)
        said = "; ".join(may)
        findings.append(
            Finding(
                str(path),
                "note" if "*" in may else "ok",
                Text(
                    fr=f"qui y accède peut tout sur cette machine : {said}",
                    en=f"whoever reaches it can do everything on this machine: {said}",
                ),
            )
        )
    return findings


TOOLS = {
    "mosquitto": Text(fr="courtier MQTT ; sans lui, amqtt", en="MQTT broker; amqtt without it"),
    "mbpoll": Text(fr="client Modbus pour l'étudiant", en="Modbus client for the student"),
    "mosquitto_sub": Text(fr="client MQTT pour l'étudiant", en="MQTT client for the student"),
    "tshark": Text(fr="lecture des captures", en="reading captures"),
    "nmap": Text(fr="balayage de ports", en="port scans"),
}


def _tool(name: str) -> Finding:
    found = shutil.which(name) or shutil.which(name, path=f"/usr/sbin:/usr/local/sbin:{os.defpath}")
    package = {"mosquitto_sub": "mosquitto-clients"}.get(name, name)
    use = TOOLS[name]
    if found:
        return Finding(name, "ok", use)
    return Finding(
        name,
        "note",
        Text(
            fr=f"absent ({use.fr}) ; apt install {package}", en=f"missing ({use.en}); apt install {package}"
        ),
    )


def _parquet() -> Finding:
    if find_spec("pyarrow"):
        return Finding("pyarrow", "ok", Text(fr="export Parquet", en="Parquet export"))
    return Finding(
        "pyarrow",
        "note",
        Text(
            fr="absent : pas d'export Parquet ; pip install pyarrow",
            en="missing: no Parquet export; pip install pyarrow",
        ),
    )


def _running() -> Finding:
    labs = supervisor().list()
    return Finding("labs", "ok", Text(fr=f"{len(labs)} en marche", en=f"{len(labs)} running"))


def register(app: typer.Typer) -> None:
    app.command(
        help=say(
            "Dit ce que cette machine permet, et les remèdes.",
            "Say what this machine allows, and the remedies.",
        )
    )(doctor)
