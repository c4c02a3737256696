"""What the docker runtime is told by its environment, read once."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from lab.runtimes.docker.layout import short
from lab.runtimes.docker.pool import DEFAULT_POOL, POOL_VARIABLE
from simulators.errors import InputError

IMAGES_VARIABLE, WORKERS_VARIABLE = "USINE_DOCKER_IMAGES", "USINE_DOCKER_WORKERS"
DEFAULT_IMAGES = "usine-ecole"
# Creating and starting containers is work for the engine's processors, not ours.
DEFAULT_WORKERS = 4
# Whoever runs the containers of a supervisor that is root.
ORDINARY_USER = 10_000


@dataclass(frozen=True)
class Settings:
    """`home` is the orchestrator's state folder, `user` (`uid:gid`) who the containers run as."""

    home: Path
    user: str
    pool: str = DEFAULT_POOL
    images: str = DEFAULT_IMAGES
    workers: int = DEFAULT_WORKERS

    @property
    def mark(self) -> str:
        """Tells this orchestrator's objects on the engine from another's."""
        return short(str(self.home))

    def image(self, stage: str) -> str:
        """The name of an image, by its stage of the Dockerfile."""
        return f"{self.images}-{stage}:latest"


def settings(home: Path, environment: Mapping[str, str] = os.environ) -> Settings:
    """Raises: InputError: a variable is not what it should be."""
    workers = environment.get(WORKERS_VARIABLE, str(DEFAULT_WORKERS))
    if not workers.isdecimal() or not 1 <= int(workers) <= 32:
        raise InputError(
            f"{WORKERS_VARIABLE}={workers} : donnez un nombre de 1 à 32",
            f"{WORKERS_VARIABLE}={workers}: give a number from 1 to 32",
        )
    user = ORDINARY_USER if os.geteuid() == 0 else os.geteuid()
    group = ORDINARY_USER if os.geteuid() == 0 else os.getegid()
    return Settings(
        home, f"{user}:{group}", environment.get(POOL_VARIABLE, DEFAULT_POOL),
        environment.get(IMAGES_VARIABLE, DEFAULT_IMAGES), int(workers),
    )  # fmt: skip
