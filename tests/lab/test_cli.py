"""The command line without any lab: help in both languages, misuse, exit statuses, and the last resort."""

import contextlib
import io
import json
import pkgutil
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import typer

from lab.cli import commands
from lab.cli import main as module
from lab.cli.commands.twin import parse_fault
from lab.cli.main import build, run
from lab.cli.options import supervisor
from lab.paths import Paths
from simulators.errors import InputError

COMMANDS = {
    "up", "start", "ps", "status", "endpoints", "tags", "fault", "speed", "pause", "reset", "shell", "capture",
    "plc", "config", "logs", "stop", "twin", "doctor", "bench", "events", "checkpoint", "restore", "attacks", "attack",
    "probes", "probe", "exercises", "lint", "verify", "schema", "user", "cohort",
}  # fmt: skip


@pytest.fixture(autouse=True)
def nobody_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("USINE_HOME", str(tmp_path))
    monkeypatch.setenv("LAB_LANG", "en")


def lab(*arguments: str) -> tuple[int, str, str]:
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        status = run(list(arguments))
    return status, out.getvalue(), " ".join(err.getvalue().split())


def names(app: typer.Typer) -> set[str]:
    return {info.name or str(getattr(info.callback, "__name__", "")) for info in app.registered_commands}


def test_every_command_of_the_list_is_there() -> None:
    assert names(build()) >= COMMANDS


def test_every_file_of_the_folder_registers() -> None:
    app = build()
    assert len(names(app)) >= len(list(pkgutil.iter_modules(commands.__path__)))


def test_it_says_its_version_whatever_else_is_asked() -> None:
    pyproject = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text(encoding="utf-8"))
    assert lab("--version") == (0, f"usine-ecole {pyproject['project']['version']}\n", "")
    assert lab("--version", "ps")[1] == lab("--version")[1]
    assert "--version" in lab("--help")[1]


WALK = """
import contextlib, io, json, sys
from lab.cli.main import build, run
found = {}
for info in build().registered_commands:
    name = info.name or info.callback.__name__
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        assert run([name, "--help"]) == 0
    found[name] = out.getvalue()
print(json.dumps(found))
"""
# Names of the usage line that are the same in both languages, or are typed as they stand.
SAME = {"ACTION", "MODE", "RUN", "STOP", "PROGRAM", "OPTIONS"}  # fmt: skip


def helps(language: str) -> dict[str, str]:
    done = subprocess.run(
        [sys.executable, "-c", WALK],
        capture_output=True,
        text=True,
        timeout=60,
        env={"LAB_LANG": language, "COLUMNS": "250", "PATH": ""},
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, str] = json.loads(done.stdout)
    return found


def usage_of(text: str) -> str:
    """The usage line of a help, which may go on over several."""
    lines = [line.strip() for line in text.strip().splitlines()]
    return " ".join(lines[: lines.index("")])


def test_each_commands_help_names_its_arguments_and_types_in_the_readers_language() -> None:
    french, english = helps("fr"), helps("en")
    assert french.keys() == english.keys() >= COMMANDS
    for name in french:
        usages = [usage_of(text) for text in (french[name], english[name])]
        assert usages[0].startswith("Usage : ")
        assert usages[1].startswith("Usage: ")
        places = [re.findall(r"[{\[]([^\]}]+)[}\]]", usage) for usage in usages]
        assert len(places[0]) == len(places[1])
        for fr, en in zip(*places, strict=True):
            assert fr == fr.upper()
            assert en == en.upper()
            assert fr != en or set(fr.split("|")) <= SAME, f"lab {name}: {fr}"
        types = [set(re.findall(r"<([^>|=\n]+)>", text)) for text in (french[name], english[name])]
        assert types[0] <= {"texte", "entier", "nombre", "fichier"}, name
        assert types[1] <= {"text", "integer", "number", "file"}, name
        rows = [
            re.findall(r"^│.* {2,}(\S[^│]*?) *│$", text, re.MULTILINE)
            for text in (french[name], english[name])
        ]
        same = {row for row in rows[0] if row in rows[1]}
        assert same <= {""}, f"lab {name}: {same}"


def help_of(language: str, *arguments: str) -> str:
    code = "import sys; from lab.cli.main import run; sys.exit(run(sys.argv[1:]))"
    command = [sys.executable, "-c", code, *arguments, "--help"]
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        timeout=30,
        env={"LAB_LANG": language, "COLUMNS": "200", "PATH": ""},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_help_is_in_the_readers_language() -> None:
    french, english = help_of("fr"), help_of("en")
    assert "Affiche cette aide." in french
    assert "Show this help." in english
    sentence = re.compile(r"│ (\w+)\s+(\S.*?)\s*│")
    rows = {language: dict(sentence.findall(text)) for language, text in (("fr", french), ("en", english))}
    assert rows["fr"].keys() == rows["en"].keys() >= COMMANDS
    same = [name for name, words in rows["fr"].items() if words == rows["en"][name]]
    assert same == []


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("spee",), "unknown command or argument: spee; see 'lab --help'"),
        (("ps", "--jso"), "unknown option: --jso (close: --json); see 'lab ps --help'"),
        (("speed", "x"), "FACTOR is missing: a number from 1 to 100; see 'lab speed --help'"),
        (
            ("speed", "x", "fast"),
            "FACTOR: value refused; expected a number from 1 to 100; see 'lab speed --help'",
        ),
        (("speed", "x", "0"), "FACTOR: value refused; expected a number from 1 to 100"),
        (("speed", "x", "nan"), "FACTOR: value refused; expected a number from 1 to 100"),
        (("start", "bottling", "--speed", "inf"), "--speed: value refused; expected a number from 1 to 100"),
        (("speed", "x", "2", "3"), "unknown command or argument: 3"),
        (
            ("fault", "x", "pump", "wear", "--severity", "2"),
            "--severity: value refused; expected a number from 0 to 1",
        ),
        (("fault", "x", "pump", "wear", "--severity", "nan"), "--severity: value refused; expected a number"),
        (
            ("capture", "x", "-o", "y", "--seconds", "0"),
            "--seconds: value refused; expected a number from 0.1 to 3600",
        ),
        (("logs", "x", "-n", "0"), "--lines: value refused; expected a whole number from 1 to"),
        (("logs", "x", "-n", "-5"), "--lines: value refused; expected a whole number from 1 to"),
        (("up", "--port", "70000"), "--port: value refused; expected a whole number from 1 to 65535"),
        (("plc", "x", "plc1"), "ACTION is missing: one of: download, upload, mode"),
        (("plc", "x", "plc1", "explode"), "ACTION: value refused; expected one of: download, upload, mode"),
        (("plc", "x", "plc1", "download"), "the program's file is missing; give it after download"),
        (("plc", "x", "plc1", "upload", "kept.st"), "kept.st is too much; give the file with -o"),
        (("plc", "x", "plc1", "mode", "RUN", "-o", "y"), "--output goes with upload only"),
        (("plc", "x", "plc1", "mode", "FLY"), "unknown mode FLY; choose one of: RUN, STOP, PROGRAM"),
        (
            ("config", "x", "plc1", "--set", "k.yaml", "--edit"),
            "keep one of --edit, --set, --default and --undo",
        ),
        (("config", "x", "plc1", "--default", "--undo"), "keep one of --edit, --set, --default and --undo"),
        (("stop",), "give a lab's name, or --all for all of them"),
        (("stop", "x", "--all"), "give a lab's name, or --all for all of them"),
        (("probe", "x", "modbus.read", "--arg", "device"), "--arg device: write name=value"),
        (
            ("twin", "bottling", "--hours", "1", "-o", "x.csv", "--fault", "soon"),
            "--fault soon: write SECOND:ASSET",
        ),
        (("user", "add"), "which account? 'lab user add NAME'"),
        (("cohort", "links"), "which cohort? 'lab cohort links NAME'"),
        (("cohort", "create", "A"), "--roster LIST is missing; give the file of names"),
    ],
)
def test_misuse_is_one_sentence_with_the_remedy(arguments: tuple[str, ...], says: str) -> None:
    status, _out, err = lab(*arguments)
    assert status == 2
    assert says in err


def test_misuse_is_said_to_scripts_in_both_languages() -> None:
    _status, out, _err = lab("plc", "x", "plc1", "explode", "--json")
    assert json.loads(out)["error"] == {
        "fr": "ACTION : valeur refusée ; il faut l'un de : download, upload, mode ; voyez « lab plc --help »",
        "en": "ACTION: value refused; expected one of: download, upload, mode; see 'lab plc --help'",
    }
    _status, out, _err = lab("logs", "--json")
    assert "LABO : un texte" in json.loads(out)["error"]["fr"]
    assert "LAB is missing: a text" in json.loads(out)["error"]["en"]


@pytest.mark.parametrize(
    "arguments",
    [
        ("twin", "nowhere", "--hours", "1", "-o", "x.csv"),
        ("attack", "x", "nothing"),
        ("probe", "x", "nothing"),
        ("lint", "nothing"),
        ("verify", "--track", "nothing"),
        ("history", "never-was", "-o", "x.csv"),
        ("cohort", "links", "nobody"),
        ("user", "link", "nobody"),
    ],
)
def test_what_is_named_and_is_not_there_gives_status_3(arguments: tuple[str, ...]) -> None:
    assert lab(*arguments)[0] == 3


def test_without_labs() -> None:
    assert lab("ps")[1].startswith("No lab. Use 'lab start bottling'.")
    assert lab("ps", "--json")[1].strip() == "[]"
    status, _out, err = lab("status", "x")
    assert status == 3
    assert "no lab runs; use 'lab start bottling' or 'lab up'" in err


def test_a_fault_of_ours_is_said_without_a_traceback(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> typer.Typer:
        raise RuntimeError("bang")

    monkeypatch.setattr(module, "build", broken)
    status, out, err = lab("ps")
    assert status == 1
    assert "Traceback" not in out + err
    assert "bang" in err
    assert "Traceback" in (tmp_path / "run" / "error.log").read_text()


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("600:pump:wear:0.5", (600.0, "pump", "wear", 0.5)),
        ("600:pump:wear", (600.0, "pump", "wear", 1.0)),
        ("1.5:raw_tank:sensor_stuck:level_pct:0.2", (1.5, "raw_tank", "sensor_stuck:level_pct", 0.2)),
        ("0:raw_tank:sensor_stuck:level_pct", (0.0, "raw_tank", "sensor_stuck:level_pct", 1.0)),
    ],
)
def test_a_fault_of_the_twin_is_parsed(text: str, fault: tuple[float, str, str, float]) -> None:
    assert parse_fault(text) == fault


@pytest.mark.parametrize("text", ["", "600", "600:pump", "soon:pump:wear", "600::wear"])
def test_what_is_no_fault_is_refused(text: str) -> None:
    with pytest.raises(InputError):
        parse_fault(text)


def test_no_supervisor_means_an_empty_list() -> None:
    assert supervisor().list() == []


def test_a_state_folder_that_cannot_be_made_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    monkeypatch.setenv("USINE_HOME", str(blocked / "below"))
    status, _out, err = lab("start", "bottling")
    assert status == 1
    assert "USINE_HOME" in err


def test_a_state_folder_that_is_too_long_for_a_socket_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / ("x" * 100)
    monkeypatch.setenv("USINE_HOME", str(home))
    status, out, _err = lab("doctor")
    assert status == 1
    assert "path too long for a socket" in " ".join(out.split())
    status, _out, err = lab("start", "bottling")
    assert status == 1
    size = len(str(home / "run" / "supervisor.sock"))
    assert (
        f"path too long for a socket ({size} bytes, 107 at most); give a shorter folder in the variable USINE_HOME"
        in err
    )
    assert not home.exists()


def test_a_state_folder_that_is_too_long_for_a_long_name_is_said_by_doctor(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / ("x" * (75 - len(str(tmp_path))))
    monkeypatch.setenv("USINE_HOME", str(home))
    assert "path too long for a socket" in " ".join(lab("doctor")[1].split())
    Paths(home).prepare()


def test_a_runtime_that_there_is_not_stops_everything_before_it_starts() -> None:
    status, _, err = lab("up", "--runtime", "podman")
    assert status == 1
    assert "USINE_RUNTIME=podman" in err
    assert "local, docker" in err
