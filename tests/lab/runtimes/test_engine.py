"""What an engine refuses, or is not, becomes a sentence with a remedy, in both languages."""

import socket
from pathlib import Path

import pytest

from lab.runtimes.docker import engine as module
from lab.runtimes.docker import images
from lab.runtimes.docker.engine import HOME, LAB, Engine
from lab.runtimes.docker.images import check, source_mark
from lab.runtimes.docker.layout import ContainerLayout, NetworkLayout
from lab.runtimes.docker.settings import Settings
from simulators.errors import StartError, ToolMissingError, UsineError
from tests.lab.runtimes.fake_engine import FakeEngine

CONTAINER = ContainerLayout(
    "plc1", "device", ("part",), {"A": "b"}, {}, 64 << 20, 0.5, 32, rights=("NET_RAW",)
)
ZONE = NetworkLayout("control", "10.201.0.0/24", "10.201.0.1")
LABELS = {HOME: "mine", LAB: "demo"}


def both(error: UsineError, fr: str, en: str) -> None:
    assert fr in error.text.fr
    assert en in error.text.en


def test_one_that_is_not_there_is_said_with_where_it_was_looked_for(tmp_path: Path) -> None:
    with Engine(f"unix://{tmp_path}/none.sock") as engine, pytest.raises(ToolMissingError) as error:
        engine.version()
    both(error.value, "lancez Docker", "start Docker")


def test_one_that_refuses_connections_is_said() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    with (
        Engine(f"tcp://127.0.0.1:{port}") as engine,
        pytest.raises(ToolMissingError, match=r"does not answer|ne répond"),
    ):
        engine.version()


def test_one_that_is_silent_is_not_waited_for_long(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "KNOCK_LIMIT_S", 1)
    path = tmp_path / "silent.sock"
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(str(path))
        silent.listen()
        with Engine(f"unix://{path}") as engine, pytest.raises(ToolMissingError) as error:
            engine.version()
    both(error.value, "ne répond pas", "does not answer")


def test_an_address_that_is_none_is_said() -> None:
    with pytest.raises(ToolMissingError):
        Engine("nonsense://x")


@pytest.mark.parametrize(
    ("api", "old"), [("1.40", True), ("1.9", True), ("1.41", False), ("1.50", False), ("2.0", False)]
)
def test_one_that_is_too_old_is_refused(fake: FakeEngine, engine: Engine, api: str, old: bool) -> None:
    fake.version, fake.api = "19.03.5", api
    if not old:
        assert engine.version() == "19.03.5"
        return
    with pytest.raises(ToolMissingError) as error:
        engine.version()
    both(error.value, "19.03.5 trop ancien ; il faut Docker 20.10", "19.03.5 is too old; Docker 20.10")


def test_an_image_that_is_missing_is_named_with_the_command_that_builds_it(
    fake: FakeEngine, engine: Engine, chosen: Settings
) -> None:
    fake.images.clear()
    with pytest.raises(ToolMissingError) as error:
        check(engine, chosen, "device")
    both(error.value, "usine-ecole-device:latest absente", "usine-ecole-device:latest is not there")
    assert "lab image" in error.value.text.fr


def test_an_image_of_another_version_is_refused(fake: FakeEngine, engine: Engine, chosen: Settings) -> None:
    fake.has("usine-ecole", "device", source="0123456789abcdef")
    with pytest.raises(ToolMissingError) as error:
        check(engine, chosen, "device")
    both(error.value, "d'une autre version (0123456789abcdef)", "of another version (0123456789abcdef)")
    fake.has("usine-ecole", "device", source=source_mark("device"))
    check(engine, chosen, "device")
    rows = {row["image"]: row for row in images.described(engine, chosen)}
    assert rows["usine-ecole-device:latest"]["current"] is True
    assert rows["usine-ecole-database:latest"] == {
        "image": "usine-ecole-database:latest", "there": False, "current": False,
    }  # fmt: skip


def test_a_container_is_made_with_nothing_that_it_was_not_given(fake: FakeEngine, engine: Engine) -> None:
    fake.has("usine-ecole", "device")
    engine.create(
        "c",
        "usine-ecole-device:latest",
        CONTAINER,
        {"n0": "10.201.0.10", "n1": "10.201.1.10"},
        [],
        LABELS,
        "1000:1000",
        {"/tmp": ""},
    )
    (body,) = [c["Body"] for c in fake.containers.values()]
    host = body["HostConfig"]
    assert (body["User"], host["ReadonlyRootfs"], host.get("Privileged", False)) == ("1000:1000", True, False)
    assert (host["CapDrop"], host["CapAdd"]) == (["ALL"], ["NET_RAW"])
    assert host["SecurityOpt"] == ["no-new-privileges"]
    assert host["Memory"] == host["MemorySwap"] == 64 << 20
    assert (host["PidsLimit"], host["NanoCpus"]) == (32, 500_000_000)
    assert host["Dns"] == ["127.0.0.1"]
    assert host["NetworkMode"] == "n0"
    connected = [body for _verb, path, body in fake.asked if path == "/networks/n1/connect"]
    assert [c["EndpointConfig"]["IPAMConfig"]["IPv4Address"] for c in connected] == ["10.201.1.10"]


def test_a_zone_is_internal_and_has_no_address_of_the_hosts(fake: FakeEngine, engine: Engine) -> None:
    engine.network("n0", "usine-x0", ZONE, LABELS)
    (made,) = fake.networks.values()
    assert made["Internal"] is True
    assert made["Options"]["com.docker.network.bridge.inhibit_ipv4"] == "true"
    assert made["IPAM"]["Config"][0]["AuxiliaryAddresses"] == {"DefaultGatewayIPv4": "10.201.0.1"}
    assert engine.networks(LABELS) == ["n0"]
    assert engine.networks({HOME: "other"}) == []
    engine.remove_network("n0")
    engine.remove_network("n0")
    assert fake.networks == {}


def test_a_name_that_is_somebody_elses_is_said_with_how_to_free_it(fake: FakeEngine, engine: Engine) -> None:
    engine.create("c", "usine-ecole-device:latest", CONTAINER, {}, [], {}, "1:1", {})
    engine.network("n", "usine-x0", ZONE, {})
    with pytest.raises(StartError) as error:
        engine.create("c", "usine-ecole-device:latest", CONTAINER, {}, [], LABELS, "1:1", {})
    both(error.value, "c existe déjà", "docker rm -f c")
    with pytest.raises(StartError) as error:
        engine.network("n", "usine-x1", NetworkLayout("x", "10.201.1.0/24", None), LABELS)
    both(error.value, "n existe déjà", "docker network rm n")


def test_a_refusal_of_its_own_is_told_as_it_is(fake: FakeEngine, engine: Engine) -> None:
    fake.refusing["POST", "/containers/create"] = "no space left on device"
    with pytest.raises(StartError) as error:
        engine.create("c", "usine-ecole-device:latest", CONTAINER, {}, [], LABELS, "1:1", {})
    both(error.value, "refuse : no space left on device", "refuses: no space left on device")


def test_ending_what_is_not_there_is_harmless(engine: Engine) -> None:
    for end in (engine.stop, engine.dismiss, engine.remove):
        end("nothing")
    assert engine.last_words("nothing") == ""
    assert engine.exit_code("nothing") is None


def test_a_container_that_died_is_seen_with_its_last_words(fake: FakeEngine, engine: Engine) -> None:
    fake.dying["plc1"] = "bang"
    made = engine.create(
        "c",
        "usine-ecole-device:latest",
        CONTAINER,
        {},
        [],
        {**LABELS, "org.usine-ecole.part": "plc1"},
        "1:1",
        {},
    )
    engine.start(made)
    assert engine.last_words(made) == "bang"
    assert engine.exit_code(made) == 3
    (seen,) = engine.containers(LABELS)
    assert (seen.name, seen.state) == ("c", "exited")


def test_an_errand_that_fails_says_what_it_printed_and_leaves_nothing(
    fake: FakeEngine, engine: Engine
) -> None:
    fake.dying[""] = "no DOCKER-USER chain"
    with pytest.raises(StartError, match="no DOCKER-USER chain"):
        engine.run_once(
            "usine-ecole-platform:latest", ["python3", "-m", "guard"], ["NET_ADMIN"], host_network=True
        )
    assert fake.containers == {}
