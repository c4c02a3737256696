"""The documentation says what is: commands, options, links, faults and worked examples are checked here."""

import asyncio
import re
import shlex
import sys
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from lab.catalog import find_line
from lab.cli.commands.bench import FIGURES
from lab.cli.main import build
from simulators import devices
from simulators.errors import InputError
from simulators.model import Line, load_line
from simulators.plant import assets
from simulators.plant.engine import Plant
from simulators.plc.address import modbus_place, parse_address
from simulators.twin import run
from tests.fakes import FakeNetwork, a_context

ROOT = Path(__file__).parents[1]
READMES = [ROOT / "README.md", ROOT / "README.fr.md"]
GUIDES = sorted((ROOT / "docs").glob("*.md"))
ENGLISH = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.en.md"))]
PAGES = [*READMES, *GUIDES, ROOT / "ARCHITECTURE.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md"]
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
LINK = re.compile(r"\]\(([^)\s]+)\)")
COMMAND: Any = typer.main.get_command(build())


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def french(english: Path) -> Path:
    return english.with_name(english.name.replace(".en.md", ".fr.md").replace("README.md", "README.fr.md"))


def blocks(page: Path, language: str) -> list[str]:
    return [body for kind, body in BLOCK.findall(page.read_text(encoding="utf-8")) if kind == language]


def prose(page: Path) -> str:
    return BLOCK.sub("", page.read_text(encoding="utf-8"))


def spans(page: Path) -> list[str]:
    return [span.replace("\\|", "|") for span in re.findall(r"`([^`\n]+)`", prose(page))]


def run_lines(page: Path) -> Iterator[list[str]]:
    """Every `lab …` of the page's shell blocks, as arguments."""
    for body in blocks(page, "sh"):
        for part in re.split(r"\n|;|&&|\bdo\b(?!\w)", re.sub(r"'[^']*'", "'quoted'", body)):
            if part.strip().startswith("lab "):
                yield shlex.split(part.replace("$n", "1"))[1:]


def said(page: Path) -> Iterator[list[str]]:
    """Every `lab …` of the page's sentences: its words, brackets and quotes taken off."""
    for span in spans(page):
        if span.startswith("lab "):
            yield re.sub(r"'[^']*'|[\[\]]", " ", span).split()[1:]


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_command_that_is_shown_would_be_accepted(page: Path) -> None:
    for arguments in run_lines(page):
        assert arguments[0] in COMMAND.commands, f"lab {arguments[0]}: no such command"
        command = COMMAND.commands[arguments[0]]
        command.make_context(
            arguments[0], arguments[1:]
        )  # raises on an unknown option, a wrong or missing value


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_command_and_option_that_is_named_exists(page: Path) -> None:
    for words in said(page):
        if words[0] in {"COMMAND", "COMMANDE"} | {option for own in COMMAND.params for option in own.opts}:
            continue
        assert words[0] in COMMAND.commands, f"lab {words[0]}: no such command"
        assert {word for word in words if word.startswith("-")} <= options(words[0]), words


def options(command: str) -> set[str]:
    known = {option for parameter in COMMAND.commands[command].params for option in parameter.opts}
    return known | {"--help"}


@pytest.mark.parametrize("readme", READMES, ids=name_of)
def test_the_table_of_commands_is_whole(readme: Path) -> None:
    table = {}
    for row in re.findall(r"^\| `lab (.+)` \| (J?) ?\| .+ \|$", readme.read_text("utf-8"), re.MULTILINE):
        words = re.sub(r"[\[\]]", " ", row[0]).split()
        table[words[0]] = {word for word in words if word.startswith("--")} | (
            {"--json"} if row[1] else set()
        )
    assert set(table) == set(COMMAND.commands)
    for command, shown in table.items():
        long = {option for option in options(command) if option.startswith("--")} - {"--help"}
        assert shown == long, command


@pytest.mark.parametrize("readme", READMES, ids=name_of)
def test_every_figure_of_the_bench_has_its_row(readme: Path) -> None:
    rows = re.findall(r"^\| .+ \| `(\w+)` \| (.*) \| .*\|$", readme.read_text("utf-8"), re.MULTILINE)
    assert [key for key, _value in rows] == [figure[0] for figure in FIGURES]
    assert all(value for _key, value in rows)


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_link_and_picture_is_there(page: Path) -> None:
    for target in LINK.findall(prose(page)):
        if "://" in target:
            continue
        path, _, anchor = target.partition("#")
        place = (page.parent / path).resolve() if path else page
        assert place.is_file(), f"{target}: not there"
        if anchor:
            assert anchor in {slug(title) for _level, title in headings(place)}, f"{target}: no such heading"


def headings(page: Path) -> list[tuple[str, str]]:
    return re.findall(r"^(#+) (.+)$", prose(page), re.MULTILINE)


def slug(title: str) -> str:
    return re.sub(r"[^\w -]", "", title.lower()).strip().replace(" ", "-")


@pytest.mark.parametrize("page", ENGLISH, ids=name_of)
def test_both_languages_have_the_same_parts(page: Path) -> None:
    other = french(page)
    assert [level for level, _title in headings(page)] == [level for level, _title in headings(other)]
    assert tables(page) == tables(other)
    for language in ("python", "yaml", "iecst", "xml"):
        assert blocks(page, language) == blocks(other, language)
    assert [len(arguments) for arguments in run_lines(page)] == [len(a) for a in run_lines(other)]


def tables(page: Path) -> list[int]:
    """How many rows each table has."""
    return [block.count("\n") for block in re.findall(r"(?:^\|.*\n)+", prose(page), re.MULTILINE)]


def test_french_pages_keep_french_spaces() -> None:
    for page in [french(english) for english in ENGLISH]:
        text = re.sub(r"`[^`\n]*`|\]\([^)]*\)|<[^>]*>", "", prose(page))
        wrong = re.findall(r".{0,20}(?:[^\s\u00a0] ?[;?!](?!\w)|\w ?:(?=\s)|« |(?<!\u00a0)»).{0,10}", text)
        assert not wrong, f"{page.name}: {wrong[:3]}"


@pytest.fixture(scope="module")
def line() -> Line:
    return find_line("bottling")


def test_the_fault_table_is_the_lines_own(line: Line) -> None:
    modes = Plant(line, 1).fault_modes()
    own = {(asset, mode) for asset, known in modes.items() for mode in known if ":" not in mode}
    for page in (ROOT / "docs/instructor.en.md", ROOT / "docs/instructor.fr.md"):
        shown, group = set(), [""]
        for who, mode in re.findall(r"^\| (.+?) \| `(\w+)` \| .+ \| .+ \|$", prose(page), re.MULTILINE):
            group = re.findall(r"`(\w+)`", who) or group
            shown |= {(asset, mode) for asset in group}
        assert shown == own, page.name
        for mode, asset in re.findall(r"`(sensor_\w+:\w+)`\s+(?:on|sur) `(\w+)`", prose(page)):
            assert mode in modes[asset]
        for words in [*said(page), *run_lines(page)]:
            if words[0] == "fault" and len(words) > 3:
                assert words[3] in modes[words[2]], words


def test_the_tags_that_are_named_exist(line: Line) -> None:
    known = {tag.id for tag in line.tags}
    for page in [*READMES, *GUIDES]:
        named = {span for span in spans(page) if re.fullmatch(r"[A-Z][A-Za-z]+\.[A-Z][A-Za-z]+", span)}
        named = {tag for tag in named if not tag.startswith("Kettle.")}
        assert named <= known, f"{page.name}: {named - known}"


@pytest.mark.parametrize("page", [ROOT / "docs/student.en.md", ROOT / "docs/student.fr.md"], ids=name_of)
def test_the_modbus_table_is_the_plcs_own(page: Path) -> None:
    rows = re.findall(r"`(%\w+(?:\.\d)?)` → (\d+) \|", prose(page))
    assert len(rows) == 9
    for address, reference in rows:
        assert modbus_place(parse_address(address)).start == int(reference), address


@pytest.mark.parametrize("page", [ROOT / "docs/student.en.md", ROOT / "docs/student.fr.md"], ids=name_of)
def test_the_students_gateway_rules_are_accepted(page: Path) -> None:
    (rules,) = blocks(page, "yaml")
    assert devices.kind("gateway").parse(rules, "gateway.yaml").default == "deny"


@pytest.fixture
def kitchen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The author's guide, carried out: the folder that holds its files."""
    page = ROOT / "docs/author.en.md"
    kettle, daytime = blocks(page, "python")
    (tmp_path / "kettle.py").write_text(kettle, encoding="utf-8")
    (tmp_path / "line.yaml").write_text(blocks(page, "yaml")[0], encoding="utf-8")
    (tmp_path / "thermostat.st").write_text(blocks(page, "iecst")[0], encoding="utf-8")
    (tmp_path / "devices").mkdir()
    (tmp_path / "devices" / "daytime.py").write_text(daytime, encoding="utf-8")
    monkeypatch.setattr(assets, "__path__", [*assets.__path__, str(tmp_path)])
    monkeypatch.setattr(devices, "__path__", [*devices.__path__, str(tmp_path / "devices")])
    forget()
    yield tmp_path
    forget()


def forget() -> None:
    """Other tests have a kettle of their own."""
    for name in ("simulators.plant.assets.kettle", "simulators.devices.daytime"):
        sys.modules.pop(name, None)


def test_the_authors_kettle_boils_and_its_line_runs(kitchen: Path) -> None:
    line = load_line(kitchen / "line.yaml")
    rows = list(run(line, 0.5, 1, [(900.0, "kettle", "limescale", 0.9)], 10.0))
    tags = [tag.id for tag in line.tags]
    water_c, heater_pct = (tags.index(f"Kettle.{name}") for name in ("Temperature", "Heater"))
    assert rows[80].readings[water_c] == pytest.approx(80.0, abs=1.0)
    assert float(rows[-1].readings[heater_pct]) > 1.5 * float(rows[80].readings[heater_pct])
    plant = Plant(line, 1)
    plant.write(["kettle.heater_pct"], [100.0])
    for _ in range(600):
        plant.step()
    assert abs(plant.balance().energy_error_j) < 1e-3


async def test_the_authors_clock_tells_the_time(kitchen: Path, network: FakeNetwork) -> None:
    module = devices.collect([str(kitchen / "devices")], "simulators.devices")["daytime"]
    context = a_context(load_line(kitchen / "line.yaml"), "clock", kitchen, network)
    device = module.create(context, module.parse('greeting: "It is "', "clock.yaml"))
    await device.start()
    device.publish(0.0)
    reader, writer = await asyncio.open_connection(*network.place("control", "10.20.1.12", 13))
    assert (await reader.read()).startswith(b"It is 20")
    writer.close()
    await device.stop()
    with pytest.raises(InputError, match=r"clock\.yaml:1"):
        module.parse("greetin: x", "clock.yaml")


@pytest.fixture
def network() -> Iterator[FakeNetwork]:
    network = FakeNetwork()
    yield network
    network.close()


def test_the_authors_mimic_shows_tags_of_its_line(kitchen: Path) -> None:
    drawing = ET.fromstring(blocks(ROOT / "docs/author.en.md", "xml")[0])
    named = {tag for element in drawing.iter() for tag in element.get("data-tag", "").split()}
    assert named
    assert named <= {tag.id for tag in load_line(kitchen / "line.yaml").tags}
