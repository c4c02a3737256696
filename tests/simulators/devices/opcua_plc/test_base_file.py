"""The standard nodes from a file are those that would be built, and a server stands on them all the same."""

import pickle
from pathlib import Path

import pytest
from asyncua.ua.object_ids import ObjectIds

from simulators.devices.opcua_plc import base_file
from simulators.devices.opcua_plc.base_file import BaseFile, given, write
from simulators.devices.opcua_plc.base_space import Overlay, base_nodes, subtypes
from simulators.devices.opcua_plc.names import ours, session_id, standard


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("base") / "base.bin"
    write(path, base_nodes(), subtypes())
    return path


def test_every_node_is_the_one_that_would_be_built(written: Path) -> None:
    kept, built = BaseFile(written), base_nodes()
    assert sorted(kept, key=str) == sorted(built, key=str)
    assert len(kept) == len(built)
    assert all(nodeid in kept for nodeid in built)
    assert kept.subtypes == subtypes()
    for nodeid in list(built)[::7]:
        mine, theirs = kept[nodeid], built[nodeid]
        assert mine.nodeid == theirs.nodeid
        assert mine.references == theirs.references
        assert {name: held.value for name, held in mine.attributes.items()} == {
            name: held.value for name, held in theirs.attributes.items()
        }


def test_what_a_server_changes_is_its_own(written: Path) -> None:
    kept = BaseFile(written)
    root = standard(ObjectIds.ObjectsFolder)
    first, second = Overlay(kept), Overlay(kept)
    first.mine(root).references.clear()
    assert second[root].references
    assert kept[root] is kept[root]
    for strange in (standard(999_999), standard(0), ours("85"), session_id(85)):
        assert strange not in kept
        with pytest.raises(KeyError):
            kept[strange]


def test_one_of_another_version_is_left_aside(
    written: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(base_file.VARIABLE, str(written))
    assert given() is not None
    monkeypatch.setattr(base_file, "_version", lambda: "another")
    assert given() is None
    for content in (b"", b"nothing", (8).to_bytes(8, "big") + pickle.dumps({})):
        (tmp_path / "bad.bin").write_bytes(content)
        monkeypatch.setenv(base_file.VARIABLE, str(tmp_path / "bad.bin"))
        assert given() is None
    monkeypatch.delenv(base_file.VARIABLE)
    assert given() is None
