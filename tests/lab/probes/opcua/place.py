"""A PLC served for one test, weak or hard, and a place from which probes look at it."""

from dataclasses import dataclass
from typing import Any

import msgspec

from lab.probes.contract import Finding, probe
from lab.probes.opcua.certificates import authority_pem, revocations_pem
from simulators.model import Line
from tests.fakes import a_device, a_line
from tests.simulators.devices.opcua_plc.bench import TAGS, Bench

SITE = "test site"
SECURE = "Basic256Sha256_SignAndEncrypt"
LINE = a_line([a_device("plc", "opcua_plc", port=4840, program="main.st")], TAGS)
USERS = {name: {"user": name, "password": f"{name}-pass"} for name in ("watch", "run", "build", "scada")}
WEAK = """\
policies: [None]
identities:
  anonymous: engineer
  clear_passwords: true
  users:
    - {name: admin, password: admin, role: engineer}
    - {name: watch, password: watch-pass, role: engineer}
    - {name: run, password: run-pass, role: engineer}
    - {name: build, password: build-pass, role: engineer}
    - {name: scada, password: scada-pass, role: engineer}
trust_list: {mode: accept_any}
lockout: null
sessions: {per_user: 50, connections_per_address: 50}
audit: false
writes: {tags: all, range_check: false}
"""


def block(text: str) -> str:
    return "|\n" + "".join(f"        {line}\n" for line in text.strip().splitlines())


HARD = f"""\
policies: [{SECURE}]
identities:
  users:
    - {{name: watch, password: watch-pass, role: observer}}
    - {{name: run, password: run-pass, role: operator}}
    - {{name: build, password: build-pass, role: engineer}}
    - {{name: scada, password: scada-pass, role: operator, essential: true}}
trust_list:
  mode: enforced
  trusted:
    - {block(authority_pem(SITE))}
  revoked:
    - {block(revocations_pem(SITE))}
lockout: {{attempts: 3, window_s: 60}}
permissions:
  tags:
    Secret: {{read: [engineer], write: [engineer]}}
"""


@dataclass(frozen=True)
class Here:
    """`lab.probes.contract.Where` on the bench's loopback."""

    bench: Bench
    line: Line = LINE
    zone: str = "control"

    def address(self, device: str, port: int | None = None) -> tuple[str, int]:
        assert device == "plc"
        host, own = self.bench.place
        return host, port or own

    def check(self, host: str) -> str:
        return host

    def claim(self, source: str) -> str:
        return source or "127.0.0.1"


async def look(bench: Bench, name: str, **arguments: Any) -> Finding:
    """What the probe `name` sees, its arguments given as an exercise gives them."""
    chosen = probe(name)
    asked = msgspec.convert({"device": "plc", **arguments}, chosen.arguments)
    finding: Finding = await chosen.look(Here(bench), asked)  # type: ignore[arg-type,misc]
    assert finding.observed in chosen.outcomes
    assert set(finding.figures) <= set(chosen.figures)
    assert finding.said.fr != finding.said.en
    return finding
