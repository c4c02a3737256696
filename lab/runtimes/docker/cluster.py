"""The swarm that an engine manages: its machines, and the service that stands on each of them."""

import ipaddress
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from docker.types import (
    ContainerSpec,
    EndpointSpec,
    IPAMConfig,
    IPAMPool,
    Mount,
    Resources,
    RestartPolicy,
    SecretReference,
    ServiceMode,
    TaskTemplate,
)

from lab.runtimes.docker.engine import Engine, told
from lab.runtimes.docker.layout import BRIDGE_HOST
from simulators.errors import ToolMissingError

RESTART_DELAY_NS = 2_000_000_000
# Of a /24, hosts 192 to 223.
OWN_EIGHTH = 6


class Member(NamedTuple):
    """A machine of the swarm; `well`: it is there and takes work."""

    id: str
    name: str
    well: bool


class Service(NamedTuple):
    """What stands on every machine, as root with `rights`. `secret` is a file name, `mounts` are (kind, source, target)."""

    name: str
    image: str
    command: Sequence[str]
    environment: Mapping[str, str]
    network: str
    secret: str
    mounts: Sequence[tuple[str, str, str]]
    rights: Sequence[str]
    memory_bytes: int
    labels: Mapping[str, str]


class Cluster(Engine):
    """Raises, from every method: as `Engine`."""

    def managed(self) -> None:
        """Raises: ToolMissingError: this engine manages no swarm; says what to do."""
        swarm = self.info().get("Swarm") or {}
        if not swarm.get("ControlAvailable"):
            raise ToolMissingError(
                "ce moteur ne dirige pas d'essaim ; lancez « docker swarm init » ici, puis « docker swarm join » sur les autres machines",
                "this engine manages no swarm; run 'docker swarm init' here, then 'docker swarm join' on the other machines",
            )

    def members(self) -> list[Member]:
        """All machines."""
        with told():
            nodes = self._api.nodes()
        return [
            Member(
                node["ID"],
                f"{node['Description']['Hostname']} ({node['Status'].get('Addr', '?')})",
                node["Status"]["State"] == "ready" and node["Spec"]["Availability"] == "active",
            )
            for node in nodes
        ]

    def overlay(self, name: str, labels: Mapping[str, str], encrypted: bool, subnet: str = "") -> None:
        """An attachable network over all machines; harmless where it is there.

        What the swarm itself needs of a `subnet` (an address a machine) it takes where no host of a line is.
        """
        pools = []
        if subnet:
            hosts = ipaddress.IPv4Network(subnet)
            own = list(hosts.subnets(3))[OWN_EIGHTH]
            pools = [IPAMPool(subnet=subnet, iprange=str(own), gateway=str(hosts[BRIDGE_HOST]))]
        with told():
            # The engine's filter takes a part of a name too.
            if not any(network["Name"] == name for network in self._api.networks(names=[name])):
                self._api.create_network(
                    name, driver="overlay", attachable=True, internal=True, scope="swarm", labels=dict(labels),
                    options={"encrypted": ""} if encrypted else {},
                    ipam=IPAMConfig(pool_configs=pools) if pools else None,
                )  # fmt: skip

    def serve(self, service: Service, secret: bytes) -> None:
        """Have the service on every machine, as it is described; one of another description is replaced."""
        with told():
            there = self._api.services(filters={"name": service.name})
            if there and there[0]["Spec"]["Labels"] == dict(service.labels):
                return
            for former in there:
                self._api.remove_service(former["ID"])
            for former in self._api.secrets(filters={"name": service.name}):
                self._api.remove_secret(former["ID"])
            kept = self._api.create_secret(service.name, secret, labels=dict(service.labels))
            container = ContainerSpec(
                service.image,
                command=list(service.command),
                env=[f"{name}={value}" for name, value in service.environment.items()],
                user="0",
                read_only=True,
                cap_drop=["ALL"],
                cap_add=list(service.rights),
                mounts=[
                    *(Mount(target, source, type=kind) for kind, source, target in service.mounts),
                    Mount("/tmp", None, type="tmpfs", tmpfs_size=16 << 20),  # noqa: S108 -- a container's own
                ],
                secrets=[SecretReference(kept["ID"], service.name, filename=service.secret)],
                healthcheck={"Test": ["NONE"]},
            )
            task = TaskTemplate(
                container,
                resources=Resources(mem_limit=service.memory_bytes),
                restart_policy=RestartPolicy("any", delay=RESTART_DELAY_NS),
                networks=[{"Target": service.network}],
            )
            self._api.create_service(
                task,
                name=service.name,
                labels=dict(service.labels),
                mode=ServiceMode("global"),
                endpoint_spec=EndpointSpec(mode="dnsrr"),
            )

    def tasks(self, service: str, network: str) -> dict[str, str]:
        """Machine → the address of the service's task there, of those that run."""
        with told():
            tasks = self._api.tasks(filters={"service": service, "desired-state": "running"})
        return {
            task["NodeID"]: end["Addresses"][0].partition("/")[0]
            for task in tasks
            if task["Status"]["State"] == "running"
            for end in task.get("NetworksAttachments") or []
            if end["Network"]["Spec"]["Name"] == network and end.get("Addresses")
        }

    def withdraw(self, service: str, network: str) -> None:
        """Take the service, its secret and its network away; harmless where they are not there."""
        with told():
            for there in self._api.services(filters={"name": service}):
                self._api.remove_service(there["ID"])
            for kept in self._api.secrets(filters={"name": service}):
                self._api.remove_secret(kept["ID"])
        self.remove_network(network)
