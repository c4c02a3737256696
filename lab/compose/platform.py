"""The platform in a compose file: its database, its supervisor, its pages.

Only the supervisor has the engine's socket. The pages ask it over the Unix socket of the state folder, which both have at the path
that it has on the host: the engine is told paths of the host, and the supervisor tells it its own.
"""

from typing import Any

from lab.compose.service import HARDENED, Service, healthcheck, image, limits
from lab.runtimes.docker.layout import MIB
from lab.runtimes.docker.pool import DEFAULT_POOL, POOL_VARIABLE
from lab.runtimes.docker.settings import DEFAULT_IMAGES, IMAGES_VARIABLE

PROFILE = "platform"
POSTGRES_VARIABLE = "USINE_POSTGRES_IMAGE"
STATE = "${USINE_STATE:?lab compose}"
USER = "${USINE_USER:?lab compose}"
PORT, DATABASE = 8000, "usine"
PAGES = "${USINE_PORT:-8000}"
SOCKET = "/var/run/docker.sock"
POSTGRES_DATA = "/var/lib/postgresql/data"


def networks() -> dict[str, Any]:
    """`pages` is what a browser of this machine comes by; the database has nobody else's."""
    return {"pages": {"driver": "bridge"}, "store": {"driver": "bridge", "internal": True}}


def volumes() -> dict[str, None]:
    return {"database": None}


def services(beside: str) -> dict[str, Service]:
    """By name; `beside` is the folder of their files."""
    return {"database": _database(beside), "supervisor": _supervisor(), "web": _web(beside)}


def _database(beside: str) -> Service:
    return {
        "<<": HARDENED,
        "profiles": [PROFILE],
        "image": f"${{{POSTGRES_VARIABLE}:-{DEFAULT_IMAGES}-database:latest}}",
        "user": "postgres",
        "environment": {
            "POSTGRES_USER": DATABASE,
            "POSTGRES_DB": DATABASE,
            "PGDATA": f"{POSTGRES_DATA}/cluster",
        },
        "env_file": [f"{beside}/database.env"],
        "networks": ["store"],
        "volumes": [f"database:{POSTGRES_DATA}"],
        "tmpfs": ["/tmp:size=16m,mode=1777", "/run/postgresql:size=1m,mode=1777"],  # noqa: S108 -- a container's own
        "shm_size": "64m",
        **limits(512 * MIB, 1.0, 128),
        "stop_grace_period": "30s",
        "healthcheck": healthcheck("pg_isready", "--quiet", "--username", DATABASE, "--dbname", DATABASE),
    }


def _supervisor() -> Service:
    return {
        "<<": HARDENED,
        "profiles": [PROFILE],
        "image": image("platform"),
        "command": ["python3", "-m", "lab.supervisor"],
        "user": USER,
        "group_add": ["${USINE_DOCKER_GROUP:-0}"],
        # Labs' ports are on 127.0.0.1 of this machine, as without containers; it listens nowhere else.
        "network_mode": "host",
        "environment": {
            "USINE_HOME": STATE,
            "USINE_RUNTIME": "${USINE_RUNTIME:-docker}",
            IMAGES_VARIABLE: f"${{{IMAGES_VARIABLE}:-{DEFAULT_IMAGES}}}",
            POOL_VARIABLE: f"${{{POOL_VARIABLE}:-{DEFAULT_POOL}}}",
            "DOCKER_HOST": f"unix://{SOCKET}",
            "MALLOC_ARENA_MAX": "1",
        },
        "volumes": [f"{STATE}:{STATE}", f"${{USINE_DOCKER_SOCKET:-{SOCKET}}}:{SOCKET}"],
        "tmpfs": ["/tmp:size=256m,mode=1777"],  # noqa: S108 -- a container's own
        **limits(2048 * MIB, 2.0, 1024),
        # Its labs are ended with it.
        "stop_grace_period": "120s",
        "healthcheck": healthcheck("python3", "-m", "lab.supervisor.check"),
    }


def _web(beside: str) -> Service:
    return {
        "<<": HARDENED,
        "profiles": [PROFILE],
        "image": image("platform"),
        "command": [
            "python3", "-m", "web.serve", "--host", "0.0.0.0", "--port", str(PORT),  # noqa: S104 -- a container's own
            "--first-instructor", f"http://127.0.0.1:{PAGES}",
        ],
        "user": USER,
        "environment": {"USINE_HOME": STATE},
        "env_file": [f"{beside}/web.env"],
        "networks": ["store", "pages"],
        "ports": [f"127.0.0.1:{PAGES}:{PORT}"],
        # It reads where the supervisor is; what the supervisor believes of its labs is not the pages' to write.
        "volumes": [f"{STATE}:{STATE}:ro"],
        "tmpfs": ["/tmp:size=64m,mode=1777"],  # noqa: S108 -- a container's own
        **limits(1024 * MIB, 1.0, 512),
        "depends_on": {
            "database": {"condition": "service_healthy"},
            "supervisor": {"condition": "service_healthy"},
        },
        "stop_grace_period": "5s",
        "healthcheck": healthcheck("python3", "-m", "web.check", str(PORT)),
    }  # fmt: skip
