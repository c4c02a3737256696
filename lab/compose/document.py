"""The text of a compose file."""

from typing import Any

import yaml

from lab.compose import line as of_line
from lab.compose import platform as of_platform
from lab.compose.service import HARDENED
from lab.runtimes.docker.pool import Pool
from simulators.addressing import Addressing
from simulators.errors import InputError
from simulators.model import Line

# Secrets of the line do not matter to the text, for none is in it.
NO_SECRET = ""
HEADER = """\
# The platform and the line "{line}", written by: lab compose {line}
# Do not edit: what differs from one machine to another is in .env beside this file, secrets are in {beside}/; "lab compose" makes both.
#   lab image && lab compose {line}
#   docker compose up -d          (or docker-compose 1.29 or newer)
# Profiles, in .env (COMPOSE_PROFILES) or with --profile: platform, line, workstation. Ports are on 127.0.0.1 only.
"""


class _Dumper(yaml.SafeDumper):
    """Writes what all services share once."""

    def ignore_aliases(self, data: Any) -> bool:
        return data is not HARDENED

    def generate_anchor(self, node: yaml.Node) -> str:
        del node
        return "hardened"


def placed(line: Line, pool: str) -> tuple[Line, dict[str, str]]:
    """The line in the last block of the pool, which labs come to last; and its subnets. Raises: InputError."""
    subnets = Pool(pool).last(line)
    return Addressing({zone.id: zone.subnet for zone in line.zones}, subnets).line(line), subnets


def document(line: Line, pool: str, beside: str) -> dict[str, Any]:
    """As YAML reads it; `beside` is the folder of the files that it names. Raises: InputError: the pool is too small, or a name is taken."""
    here, subnets = placed(line, pool)
    lab = of_line.laid_out(here, subnets, NO_SECRET)
    platform, own = of_platform.services(beside), of_line.services(here, lab, beside)
    for name in platform.keys() & own.keys():
        raise InputError(
            f"{line.id} : l'équipement {name} porte le nom d'un service de la plate-forme ; appelez-le autrement",
            f"{line.id}: device {name} is called like a service of the platform; call it otherwise",
        )
    return {
        "x-hardened": HARDENED,
        "services": {**platform, **own},
        "networks": {**of_platform.networks(), **of_line.networks(lab)},
        "volumes": {**of_platform.volumes(), **of_line.volumes(lab)},
    }


def text(line: Line, pool: str, beside: str) -> str:
    """Raises: InputError: the pool is too small."""
    written: str = yaml.dump(
        document(line, pool, beside), Dumper=_Dumper, sort_keys=False, width=160, allow_unicode=True
    )
    header = HEADER.format(line=line.id, beside=beside.removeprefix("./"))
    return header + written.replace("'<<':", "<<:").replace("\nservices:", "\n\nservices:")
