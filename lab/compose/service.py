"""A service of a compose file, of what the docker runtime makes a container of. Keys that docker-compose 1.29 and compose v2 both know."""

from collections.abc import Mapping
from typing import Any

from lab.runtimes.docker.layout import (
    FILE_LIMITS,
    LOG_OPTIONS,
    MIB,
    NO_DNS,
    STOP_LIMIT_S,
    TMPFS,
    ContainerLayout,
)
from lab.runtimes.docker.settings import DEFAULT_IMAGES, IMAGES_VARIABLE, ORDINARY_USER
from simulators.host.bus import TOKEN_VARIABLE

Service = dict[str, Any]

# The image's own user: named volumes are his from the beginning.
USER = f"{ORDINARY_USER}:{ORDINARY_USER}"
# What every service has; a YAML anchor in the file.
HARDENED: Service = {
    "read_only": True,
    "cap_drop": ["ALL"],
    "security_opt": ["no-new-privileges:true"],
    "restart": "unless-stopped",
    "ulimits": {name: {"soft": most, "hard": most} for name, most in FILE_LIMITS.items()},
    "logging": {"driver": "json-file", "options": LOG_OPTIONS},
}
# Never in the file: they go into the service's own file of variables, beside it.
SECRET_VARIABLES = (TOKEN_VARIABLE,)


def image(stage: str) -> str:
    """The name of an image, which the environment may have changed."""
    return f"${{{IMAGES_VARIABLE}:-{DEFAULT_IMAGES}}}-{stage}:latest"


def limits(memory_bytes: int, cpu_share: float, processes: int) -> Service:
    """Memory with no swap beyond, a share of a core, processes."""
    memory = f"{memory_bytes // MIB}m"
    return {"mem_limit": memory, "memswap_limit": memory, "cpus": cpu_share, "pids_limit": processes}


def healthcheck(*command: str, start_s: int = 60) -> Service:
    """`start_s`: for so long it may fail."""
    return {
        "test": ["CMD", *command],
        "interval": "10s",
        "timeout": "5s",
        "retries": 3,
        "start_period": f"{start_s}s",
    }


def tmpfs(folders: Mapping[str, str]) -> list[str]:
    """Folders in memory with their options."""
    return [f"{folder}:{options}" for folder, options in folders.items()]


def service(container: ContainerLayout, profile: str, names: Mapping[str, str]) -> Service:
    """The service of a container; `names` are those of the networks in the file, by key."""
    environment = {k: v for k, v in container.environment.items() if k not in SECRET_VARIABLES}
    made: Service = {
        "<<": HARDENED,
        "profiles": [profile],
        "image": image(container.image),
        "command": list(container.command),
        "hostname": container.part.replace("_", "-"),
        "user": "0" if container.root else USER,
        "environment": environment,
        "networks": {names[key]: {"ipv4_address": address} for key, address in container.networks.items()},
        "dns": list(NO_DNS),
        "tmpfs": tmpfs(TMPFS),
        **limits(container.memory_bytes, container.cpu_share, container.processes),
        "stop_grace_period": f"{STOP_LIMIT_S}s",
    }
    if container.rights:
        made["cap_add"] = list(container.rights)
    if container.sysctls:
        made["sysctls"] = dict(container.sysctls)
    return made
