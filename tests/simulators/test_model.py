from pathlib import Path

import pytest

from lab.catalog import find_line
from simulators.errors import InputError, NotFoundError
from simulators.model import load_line

LINE = """
schema: usine-ecole/line/v1
id: tiny
name: {fr: Petite, en: Tiny}
sector: mechanical
description: {fr: Une ligne, en: A line}
zones:
  - {id: control, name: {fr: Commande, en: Control}, subnet: 10.20.1.0/24, level: 1}
assets:
  - {id: tank, kind: tank, name: {fr: Cuve, en: Tank}}
devices:
  - {id: plc1, kind: modbus_plc, name: {fr: A, en: A}, interfaces: {control: 10.20.1.10}, program: p.st}
  - {id: sensor, kind: mqtt_sensor, name: {fr: C, en: S}, interfaces: {control: 10.20.1.20}}
conduits: []
tags:
  - {id: Tank.Level, name: {fr: Niveau, en: Level}, device: plc1, address: "%ID0", signal: tank.level_pct}
  - {id: Tank.SetPoint, name: {fr: Consigne, en: Set point}, device: plc1, address: "%MD0", writable: true}
"""


def read(tmp_path: Path, text: str) -> str:
    path = tmp_path / "line.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError) as caught:
        load_line(path)
    assert caught.value.text.fr.startswith(str(path))
    return caught.value.text.en


def test_a_line_is_read(tmp_path: Path) -> None:
    path = tmp_path / "line.yaml"
    path.write_text(LINE, encoding="utf-8")
    line = load_line(path)
    assert line.device("plc1").zone == "control"
    assert line.device("plc1").address == "10.20.1.10"
    assert [tag.id for tag in line.tags_of("plc1")] == ["Tank.Level", "Tank.SetPoint"]
    assert line.tag("Tank.Level").asset == "tank"
    assert line.tag("Tank.SetPoint").asset is None
    assert line.tag("Tank.Level").group == "Tank"


@pytest.mark.parametrize(
    ("was", "becomes", "says"),
    [
        ("10.20.1.0/24", "10.20.1.0/40", "subnet 10.20.1.0/40 is not valid"),
        ("{control: 10.20.1.10}", "{control: 10.9.9.9}", "10.9.9.9 is not an address of 10.20.1.0/24"),
        ("{control: 10.20.1.10}", "{office: 10.20.1.10}", "device plc1: unknown zone office"),
        ("{control: 10.20.1.10}", "{}", "device plc1: no interface"),
        (
            ", program: p.st",
            "",
            "device plc1 (modbus_plc): a PLC (modbus_plc, opcua_plc), and only a PLC, has a program; add or remove",
        ),
        ('"%MD0"', '"%MD9.9"', "tag Tank.SetPoint: %MD9.9: not an address"),
        ('"%MD0"', '"%ID0"', "serves 2 tags"),
        ('"%MD0", writable', '"%ID1", writable', "an input (%I) is not writable"),
        ("tank.level_pct", "boiler.level_pct", "unknown signal boiler.level_pct"),
        ("tank.level_pct", "tank", "unknown signal tank"),
        ('device: plc1, address: "%MD0"', 'device: plc9, address: "%MD0"', "unknown device plc9"),
        ("Tank.SetPoint", "Tank.Level", "Tank.Level is defined 2 times"),
        (
            "conduits: []",
            "conduits: [{id: c, source: it, target: control, protocol: mqtt}]",
            "unknown zone it",
        ),
        (
            "{control: 10.20.1.20}",
            "{control: 10.20.1.10}",
            "device sensor: 10.20.1.10 is plc1's address already",
        ),
        (
            "kind: modbus_plc",
            "kind: modbos",
            "device plc1: unknown kind modbos; choose one of: condition_monitor, gateway",
        ),
        ("kind: tank", "kind: tanks", "asset tank: unknown kind tanks; choose one of: capper, "),
        ("program: p.st", "program: ../../../etc/passwd", "../../../etc/passwd is outside the line's folder"),
        ("program: p.st", "program: /etc/passwd", "/etc/passwd is outside the line's folder"),
        (
            "10.20.1.20}}",
            "10.20.1.20}, config: ../s.yaml}",
            "device sensor: ../s.yaml is outside the line's folder",
        ),
        (
            "sector: mechanical",
            "sector: mining",
            "'mining' does not fit; choose one of: mechanical, agri_food",
        ),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, was: str, becomes: str, says: str) -> None:
    assert was in LINE
    assert says in read(tmp_path, LINE.replace(was, becomes))


@pytest.mark.parametrize(
    ("was", "becomes", "line"),
    [
        ("kind: tank", "kind: tanks", 10),
        ("{control: 10.20.1.20}", "{control: 10.20.1.10}", 13),
        ("Tank.SetPoint", "Tank.Level", 17),
        ("tank.level_pct", "boiler.level_pct", 16),
        ("{control: 10.20.1.20}}", "{control: 10.20.1.20},\n     config: ../s.yaml}", 14),
    ],
)
def test_what_is_wrong_is_named_with_its_line(tmp_path: Path, was: str, becomes: str, line: int) -> None:
    assert read(tmp_path, LINE.replace(was, becomes)).startswith(f"{tmp_path / 'line.yaml'}:{line}: ")


def test_a_link_does_not_lead_out_of_the_lines_folder(tmp_path: Path) -> None:
    home = tmp_path / "line"
    home.mkdir()
    (tmp_path / "secret.st").write_text("secret")
    (home / "p.st").symlink_to(tmp_path / "secret.st")
    assert "p.st is outside the line's folder; put that file into it" in read(home, LINE)
    (home / "p.st").unlink()
    (home / "real.st").write_text("PROGRAM")
    (home / "p.st").symlink_to("real.st")
    (home / "line.yaml").write_text(LINE, encoding="utf-8")
    line = load_line(home / "line.yaml")
    assert line.text_of("p.st") == "PROGRAM"
    for name in ("../secret.st", str(tmp_path / "secret.st")):
        with pytest.raises(InputError, match="hors du dossier de la ligne"):
            line.text_of(name)


def test_a_file_that_is_not_there_is_named_with_its_remedy(tmp_path: Path) -> None:
    (tmp_path / "line.yaml").write_text(LINE, encoding="utf-8")
    with pytest.raises(InputError, match=r"p\.st : illisible \(introuvable\) ; vérifiez le chemin"):
        load_line(tmp_path / "line.yaml").text_of("p.st")


def test_an_unknown_part_names_the_known_ones(tmp_path: Path) -> None:
    path = tmp_path / "line.yaml"
    path.write_text(LINE, encoding="utf-8")
    with pytest.raises(NotFoundError, match="plc1, sensor"):
        load_line(path).device("plc2")


def test_among_many_the_nearest_are_named() -> None:
    with pytest.raises(NotFoundError) as caught:
        find_line("bottling").tag("RawTank.Levels")
    assert "RawTank.Level, " in caught.value.text.en
    assert caught.value.text.en.endswith("…")
    assert len(caught.value.text.en) < 200
