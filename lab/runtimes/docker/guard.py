"""Closes the host to labs' networks, and their field networks to all but the bus, in the host's own packet filter:
`python -m lab.runtimes.docker.guard`.

The engine keeps internal networks from the world and from each other, but not from the host's own services, which listen on
every interface, a bridge's too. And it drops what crosses from one host of a bridge to another for an address outside its
subnet, which is what a lab's hosts send to their gateway. On a field network every device of a lab stands beside the plant: there
only the bus passes, or it would be a way around the gateway. Run as root with CAP_NET_ADMIN in the host's network namespace; twice is
harmless.
"""

import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from lab.runtimes.docker.layout import BRIDGE_PREFIX, BUS_PORT, FIELD_BRIDGE_PREFIX

# Bridges of labs are called so (`objects.bridge_name`); the filter's wildcard is a plus.
BRIDGES, FIELD_BRIDGES = f"{BRIDGE_PREFIX}+", f"{FIELD_BRIDGE_PREFIX}+"
MARK = ("-m", "comment", "--comment", "usine-ecole")
ENGINE_CHAIN = "DOCKER-USER"
BRIDGED = ("-m", "physdev", "--physdev-is-bridged")
TO_PLANT, FROM_PLANT = ("--dport", str(BUS_PORT)), ("--sport", str(BUS_PORT), "!", "--syn")


def _nothing(side: str) -> list[tuple[str, ...]]:
    return [(side, bridges, *MARK, "-j", "DROP") for bridges in (BRIDGES, FIELD_BRIDGES)]


# In this order from the top of their chain: between hosts of one bridge, then nothing.
FORWARDED = (
    ("-i", BRIDGES, *BRIDGED, *MARK, "-j", "ACCEPT"),
    ("-i", FIELD_BRIDGES, *BRIDGED, "-p", "tcp", *TO_PLANT, *MARK, "-j", "ACCEPT"),
    ("-i", FIELD_BRIDGES, *BRIDGED, "-p", "tcp", *FROM_PLANT, *MARK, "-j", "ACCEPT"),
    *_nothing("-i"),
    *_nothing("-o"),
)
TO_HOST = _nothing("-i")
# Labs speak no IPv6: none of it passes, between the hosts of a bridge either where the kernel shows it to the filter.
FORWARDED_SIX = (*_nothing("-i"), *_nothing("-o"))
IPV6 = Path("/proc/net/if_inet6")


def close_host() -> list[str]:
    """Returns the commands that changed something. Raises: OSError, subprocess.CalledProcessError: refused."""
    tool = _tool()
    done = [*_first(tool, "INPUT", TO_HOST), *_first(tool, ENGINE_CHAIN, FORWARDED)]
    six = tool.replace("iptables", "ip6tables")
    if IPV6.exists():
        done += [*_first(six, "INPUT", TO_HOST), *_first(six, "FORWARD", FORWARDED_SIX)]
    return done


def _tool() -> str:
    """The variant of the filter's command that the engine uses: the one that knows its chain."""
    for tool in ("iptables", "iptables-nft", "iptables-legacy"):
        if shutil.which(tool) and _run(tool, "-S", ENGINE_CHAIN).returncode == 0:
            return tool
    raise OSError(f"no {ENGINE_CHAIN} chain in the packet filter: is it the host's, and does an engine run?")


def _first(tool: str, chain: str, rules: Sequence[Sequence[str]]) -> list[str]:
    """Put the rules at the top of the chain, in order, where they are not there."""
    if all(_run(tool, "-C", chain, *rule).returncode == 0 for rule in rules):
        return []
    done = []
    for number, rule in enumerate(rules, 1):
        while _run(tool, "-D", chain, *rule).returncode == 0:
            pass
        subprocess.run([tool, "-w", "5", "-I", chain, str(number), *rule], check=True, capture_output=True)
        done.append(" ".join([tool, "-I", chain, str(number), *rule]))
    return done


def _run(tool: str, *words: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([tool, "-w", "5", *words], check=False, capture_output=True)


def main() -> int:
    """Returns the process's exit status."""
    try:
        for command in close_host():
            sys.stdout.write(command + "\n")
    except subprocess.CalledProcessError as error:
        sys.stderr.write(f"{error}: {error.stderr.decode(errors='replace')}\n")
        return 1
    except OSError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
