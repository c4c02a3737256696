"""The two networks: what each place reaches, and what keeps zones apart."""

import asyncio
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from simulators.contracts import Network
from simulators.errors import InputError, StartError
from simulators.network.choose import best_network, namespaces_available
from simulators.network.flat import FlatNetwork
from simulators.network.zones import NamespaceNetwork
from tests.simulators.network.stage import (
    BROKER,
    NOBODY,
    PLC1,
    SCADA,
    Net,
    Play,
    ask,
    both_networks,
    bottling_like,
    echo,
    in_namespaces,
    refused,
)

LINE = bottling_like()


@both_networks
def test_a_device_is_reached_in_its_own_zone_at_its_own_place(play: Play) -> None:
    async def scene(network: Net) -> None:
        server = await echo(network, "control", PLC1, 502)
        assert await ask(network, "control", "10.20.1.250", PLC1, 502) == b"hello"
        server.close()

    play(LINE, scene)


@both_networks
def test_no_zone_reaches_another_without_a_gateway(play: Play) -> None:
    async def scene(network: Net) -> None:
        servers = [await echo(network, "control", PLC1, 502), await echo(network, "iiot", BROKER, 1883)]
        for zone in ("iiot", "supervision", "enterprise"):
            assert await refused(network, zone, LINE.zone(zone).subnet.replace("0/24", "250"), PLC1, 502)
        for zone in ("control", "supervision", "enterprise"):
            assert await refused(network, zone, LINE.zone(zone).subnet.replace("0/24", "250"), BROKER, 1883)
        for server in servers:
            server.close()

    play(LINE, scene)


@both_networks
def test_a_taken_place_names_who_where_and_the_remedy(play: Play) -> None:
    async def scene(network: Net) -> None:
        with network.listen("control", PLC1, 502):
            with pytest.raises(StartError) as caught:
                network.listen("control", PLC1, 502)
            assert "plc1" in caught.value.text.en
            assert f"{PLC1}:502" in caught.value.text.en
            assert "change the port" in caught.value.text.en

    play(LINE, scene)


@both_networks
def test_what_the_line_does_not_have_is_said(play: Play) -> None:
    async def scene(network: Net) -> None:
        with pytest.raises(InputError, match=r"10\.99\.0\.1"):
            network.listen("control", "10.99.0.1", 502)
        with pytest.raises(InputError, match="nowhere"):
            network.place("nowhere", PLC1, 502)
        with pytest.raises(InputError, match=r"999\.1"):
            await network.connect("control", "999.1", PLC1, 502)

    play(LINE, scene)


@both_networks
def test_a_place_is_known_before_and_the_same_after_a_restart(play: Play) -> None:
    async def scene(network: Net) -> None:
        before = network.place("iiot", BROKER, 1883)
        for _ in range(2):
            with network.listen("iiot", BROKER, 1883) as listener:
                assert listener.getsockname() == before
        assert network.place("iiot", BROKER, 1883) == before
        assert await refused(network, "iiot", "10.20.2.21", BROKER, 1883)

    play(LINE, scene)


@both_networks
def test_a_program_runs_inside_its_zone(play: Play) -> None:
    async def scene(network: Net) -> None:
        server = await echo(network, "control", PLC1, 502)
        host, port = network.place("control", PLC1, 502)
        code = (
            "import socket,sys; s = socket.create_connection((sys.argv[1], int(sys.argv[2])), 5); "
            "s.sendall(b'?'); print(s.recv(99).decode())"
        )
        command = [sys.executable, "-S", "-c", code, host, str(port)]
        program = network.spawn("control", command, stdout=subprocess.PIPE)
        output, _ = await asyncio.to_thread(program.communicate)
        # In namespaces a program that chooses no address is the student's workstation.
        assert output.strip() == (b"10.20.1.250" if network.enforces_zones else b"127.0.0.1")
        server.close()

    play(LINE, scene)


@pytest.mark.needs("namespaces")
def test_programs_in_other_zones_cannot_connect_and_end_with_the_lab() -> None:
    async def scene(network: Net) -> None:
        server = await echo(network, "control", PLC1, 502)
        code = f"import socket; socket.create_connection(('{PLC1}', 502), 2)"
        program = network.spawn("enterprise", [sys.executable, "-S", "-c", code], stderr=subprocess.PIPE)
        _, errors = await asyncio.to_thread(program.communicate)
        assert b"ConnectionRefusedError" in errors
        server.close()
        network.spawn("enterprise", ["sleep", "60"], stdout=started_write, pass_fds=(started_write,))

    reader, started_write = os.pipe()
    in_namespaces(LINE, scene)
    os.close(started_write)
    # The pipe ends when the last program that holds it has ended.
    assert os.read(reader, 1) == b""
    os.close(reader)


@pytest.mark.needs("namespaces")
@pytest.mark.skipif(os.geteuid() != 0, reason="only root may become another user")
def test_an_ordinary_user_has_zones_and_standard_ports() -> None:
    async def scene(network: Net) -> None:
        server = await echo(network, "control", PLC1, 502)
        assert await ask(network, "control", SCADA, PLC1, 502, b"?") == SCADA.encode()
        assert await refused(network, "enterprise", "10.20.4.250", PLC1, 502)
        server.close()

    in_namespaces(LINE, scene, user=NOBODY)


@pytest.mark.needs("namespaces")
def test_the_lab_keeps_no_right_over_the_host() -> None:
    async def scene(network: Net) -> None:
        assert isinstance(network, NamespaceNetwork)
        with pytest.raises(PermissionError):
            socket.sethostname("mine")
        user, net = network.fds("control")
        assert user is not None
        assert os.fstat(net).st_ino != Path("/proc/self/ns/net").stat().st_ino

    in_namespaces(LINE, scene)


@pytest.mark.needs("namespaces")
def test_the_process_rests_where_nothing_is_reached() -> None:
    async def scene(network: Net) -> None:
        with pytest.raises(OSError, match="unreachable"):
            await asyncio.open_connection("10.20.4.250", 22)
        server = await echo(network, "control", PLC1, 502)
        with pytest.raises(OSError, match="unreachable"):
            await asyncio.open_connection(PLC1, 502)
        server.close()

    in_namespaces(LINE, scene)


def test_flat_tells_which_host_a_peer_is() -> None:
    async def scene() -> None:
        with network.listen("control", PLC1, 502) as listener:
            client = await network.connect("control", SCADA, PLC1, 502)
            accepted, peer = await asyncio.get_running_loop().sock_accept(listener)
            assert network.source_of(peer[1]) == SCADA
            client.close()
            accepted.close()

    network = FlatNetwork(LINE)
    asyncio.run(scene())
    network.close()


def test_the_best_network_is_chosen_and_says_why() -> None:
    here = Path("/proc/self/ns/net")
    before = here.readlink() if sys.platform == "linux" else None
    network, reason = best_network(LINE)
    as_protocol: Network = network
    assert as_protocol.enforces_zones == (namespaces_available() is None)
    assert (reason is None) == network.enforces_zones
    if before is not None:
        assert here.readlink() == before
