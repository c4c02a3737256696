"""Assets are found by their place; a line that joins them wrongly is told what fits."""

import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest

from simulators.errors import InputError
from simulators.model import Asset, Line, load_line
from simulators.plant import assets
from simulators.plant.engine import Plant
from simulators.plant.equipment import kind_of, kinds
from simulators.text import Text

KETTLE = '''
"""A kettle, as short as an asset kind can be."""

from dataclasses import dataclass
from random import Random

import msgspec

from simulators.plant.equipment import drive, sensor
from simulators.plant.site import Site

PORTS: dict[str, str] = {}
OFFERS: dict[str, str] = {}
SIGNALS = {"heater_pct": drive("heater_pct", 0, 100), "temperature_c": sensor("temperature_c", 0, 120, 0.1)}
FAULTS = {"limescale": "limescale"}
DISTURBANCES: dict[str, str] = {}


class Params(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    power_kw: float = 2.0
    water_kg: float = 1.5


@dataclass(slots=True, eq=False)
class Kettle:
    site: Site
    params: Params
    rng: Random
    heater_pct: float = 0.0
    limescale: float = 0.0
    temperature_c: float = 15.0

    def step(self) -> None:
        power_w = self.params.power_kw * 10.0 * self.heater_pct * (1.0 - 0.5 * self.limescale)
        self.site.consume(power_w, 0.0)
        self.temperature_c += power_w * self.site.dt_s / (self.params.water_kg * 4186.0)

    def stored(self) -> tuple[float, float]:
        return 0.0, self.params.water_kg * 4186.0 * self.temperature_c


create = Kettle
'''

BOUNDED_KETTLE = KETTLE.replace("water_kg: float", "water_kg: Positive").replace(
    "from simulators.plant.site",
    "from simulators.plant.quantities import Positive\nfrom simulators.plant.site",
    1,
)
KITCHEN = """
schema: usine-ecole/line/v1
id: kitchen
name: {fr: Cuisine, en: Kitchen}
sector: agri_food
description: {fr: Une bouilloire, en: A kettle}
zones: [{id: control, name: {fr: Conduite, en: Control}, subnet: 10.20.1.0/24, level: 1}]
assets: [{id: kettle, kind: kettle, name: {fr: Bouilloire, en: Kettle}, params: {water_kg: 1}}]
devices:
  - {id: plc1, kind: modbus_plc, name: {fr: Automate, en: PLC}, interfaces: {control: 10.20.1.10}, program: k.st}
tags:
  - {id: Kettle.Temperature, name: {fr: Eau, en: Water}, device: plc1, address: "%ID0", signal: kettle.temperature_c}
"""


def changed(line: Line, asset: str, **fields: Any) -> Line:
    """The line with one asset changed."""
    changes = [msgspec.structs.replace(item, **fields) if item.id == asset else item for item in line.assets]
    return msgspec.structs.replace(line, assets=changes)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in which asset kinds are also looked for."""
    monkeypatch.setattr(assets, "__path__", [*assets.__path__, str(tmp_path)])
    return tmp_path


def test_a_second_kind_and_a_second_line_are_one_file_each(folder: Path) -> None:
    (folder / "kettle.py").write_text(KETTLE, encoding="utf-8")
    (folder / "line.yaml").write_text(KITCHEN, encoding="utf-8")
    plant = Plant(load_line(folder / "line.yaml"), 1)
    plant.write(["kettle.heater_pct"], [100.0])
    for _ in range(600):
        plant.step()
    assert 40.0 < float(plant.truth(["kettle.temperature_c"])[0]) < 50.0
    assert plant.modes("kettle")[0] == "limescale"
    assert abs(plant.balance().energy_error_j) < 1e-3
    assert plant.kpis()["oee"] == 0.0


def test_a_broken_file_names_itself(folder: Path) -> None:
    (folder / "broken_kind.py").write_text("import nowhere_at_all\n", encoding="utf-8")
    asset = msgspec.convert({"id": "a", "kind": "broken_kind", "name": {"fr": "a", "en": "a"}}, Asset)
    with pytest.raises(InputError, match=r"broken_kind.*nowhere_at_all"):
        kind_of(asset)


def test_a_file_that_forgets_a_name_says_which(folder: Path) -> None:
    (folder / "short_kind.py").write_text("PORTS = {}\n", encoding="utf-8")
    asset = msgspec.convert({"id": "a", "kind": "short_kind", "name": {"fr": "a", "en": "a"}}, Asset)
    with pytest.raises(InputError, match=r"short_kind.*SIGNALS"):
        kind_of(asset)


def test_every_kind_there_is_loads() -> None:
    for name in kinds():
        kind_of(msgspec.convert({"id": "a", "kind": name, "name": {"fr": "a", "en": "a"}}, Asset))


@pytest.mark.parametrize(
    ("asset", "fields", "said"),
    [
        ("pump", {"kind": "pmup"}, "pmup.*tank"),
        ("pump", {"params": {"power": 3}}, "power.*head_bar"),
        ("pump", {"params": {"head_bar": "high"}}, "head_bar"),
        ("pump", {"ports": {"suction": "raw_tank.outlet"}}, "discharge"),
        ("raw_tank", {"ports": {"outlet": "pump.suction"}}, "outlet"),
        ("capper", {"ports": {"belt": "nowhere.station", "air": "compressor.network"}}, "nowhere"),
        ("capper", {"ports": {"belt": "raw_tank.outlet", "air": "compressor.network"}}, "belt"),
        ("raw_tank", {"kind": "hall"}, "level_pct|raw_tank"),
    ],
)
def test_a_line_joined_wrongly_is_told_what_fits(
    line: Line, asset: str, fields: dict[str, Any], said: str
) -> None:
    with pytest.raises(InputError, match=said) as caught:
        Plant(changed(line, asset, **fields), 1)
    assert caught.value.text.fr != caught.value.text.en


def test_a_tag_of_an_unknown_signal_is_refused(line: Line) -> None:
    tags = [msgspec.structs.replace(line.tags[0], signal="raw_tank.colour")]
    with pytest.raises(InputError, match=r"RawTank.Level.*raw_tank.level_pct"):
        Plant(msgspec.structs.replace(line, tags=tags), 1)


def params_of(kind: str) -> Any:
    return kind_of(Asset(id="a", kind=kind, name=Text("a", "a"))).Params


PARAMETERS = [
    (kind, field.name)
    for kind in kinds()
    for field in msgspec.structs.fields(params_of(kind))
    if isinstance(field.default, int | float)
]
SIGNED = {"drift_g"}


@pytest.mark.parametrize(("kind", "name"), PARAMETERS)
def test_what_no_machine_can_have_is_refused_by_its_own_kind(kind: str, name: str) -> None:
    signed = name in SIGNED or name.endswith("_c")
    for value in (float("nan"), float("inf"), -float("inf"), -1e12, *(() if signed else (-1,))):
        with pytest.raises(msgspec.ValidationError):
            msgspec.convert({name: value}, params_of(kind))


@pytest.mark.parametrize("kind", kinds())
def test_the_defaults_of_every_kind_are_within_its_bounds(kind: str) -> None:
    params = params_of(kind)
    assert msgspec.convert(msgspec.to_builtins(params()), params) == params()


@pytest.mark.parametrize(
    ("was", "becomes", "at", "says"),
    [
        (
            "water_kg: 1",
            "water_kg: -5",
            "-5",
            "actif kettle : params : water_kg : il faut un nombre plus grand que 0",
        ),
        ("water_kg: 1", "\n      water_kg: 1,\n      colour: 3", "colour", "actif kettle"),
        ("kettle.temperature_c", "kettle.colour", "kettle.colour", "variable Kettle.Temperature"),
    ],
)
def test_what_is_wrong_with_an_asset_or_a_tag_names_the_file_and_its_line(
    folder: Path, was: str, becomes: str, at: str, says: str
) -> None:
    sys.modules.pop("simulators.plant.assets.kettle", None)
    (folder / "kettle.py").write_text(BOUNDED_KETTLE, encoding="utf-8")
    text = KITCHEN.replace(was, becomes)
    (folder / "line.yaml").write_text(text, encoding="utf-8")
    line = next(number for number, row in enumerate(text.splitlines(), 1) if at in row)
    with pytest.raises(InputError) as caught:
        Plant(load_line(folder / "line.yaml"), 1)
    assert caught.value.text.fr.startswith(f"{folder / 'line.yaml'}:{line} : {says}")
    sys.modules.pop("simulators.plant.assets.kettle", None)
