"""Probe of the audit trail: do something that must be recorded, then look for it in the device's log."""

import secrets
from typing import Any

import msgspec

from lab.labs import Job
from lab.probes.contract import Exchange, Finding, Inside, Probe
from lab.probes.opcua.sessions import Who
from simulators.devices.opcua_plc.config import PolicyName
from simulators.errors import TimeLimitError
from simulators.model import Identifier, TagId
from simulators.network.addresses import workstation
from simulators.text import Text

_LINES = 1000
_JOB_S = 40.0
_SAID = {
    "recorded": Text(
        fr="tout est au journal : qui, d'où, quoi, avec quel résultat",
        en="all is in the log: who, from where, what, with what result",
    ),
    "partly": Text(fr="le journal n'a pas tout", en="the log has not everything"),
    "missing": Text(fr="rien au journal", en="nothing in the log"),
    "not_done": Text(
        fr="l'écriture à retrouver n'a pas eu lieu", en="the write to be found did not take place"
    ),
    "silent": Text(fr="pas de réponse", en="no answer"),
}


class Audit(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A log-in of an invented name from `stranger_zone`, and a write of `tag` by `account` from `account_zone`."""

    device: Identifier
    policy: PolicyName
    site: str = ""
    account: Who
    tag: TagId
    account_zone: Identifier
    stranger_zone: Identifier

    @property
    def way(self) -> dict[str, Any]:
        return {"device": self.device, "policy": self.policy, "site": self.site}


def look(inside: Inside, asked: Audit) -> Finding:
    marker = f"probe-{secrets.token_hex(4)}"
    newest_unix_s = max((row["unix_s"] for row in _rows(inside, asked)), default=0.0)
    who = {"user": asked.account.user, "password": asked.account.password}
    stranger = {**asked.way, "identities": [{"user": marker, "password": marker}]}
    kept = [
        _done(inside, "opcua.raw_session", asked.stranger_zone, stranger, f"log-in of {marker}"),
        _done(
            inside, "opcua.write", asked.account_zone,
            {**asked.way, **who, "tag": asked.tag}, f"write of {asked.tag} by {asked.account.user}",
        ),
    ]  # fmt: skip
    answers = [exchange.answer for exchange in kept]
    if "silent" in answers or answers[1] != "allowed":
        observed = "silent" if "silent" in answers else "not_done"
        return Finding(observed, _SAID[observed], {}, kept)
    rows = [row for row in _rows(inside, asked) if row["unix_s"] > newest_unix_s]
    return _compared(inside, asked, marker, rows, kept)


def _compared(
    inside: Inside, asked: Audit, marker: str, rows: list[dict[str, Any]], kept: list[Exchange]
) -> Finding:
    expected = _expected(inside, asked, marker)
    found = 0
    for said, wanted in expected.items():
        row = next((row for row in rows if all(row.get(key) == value for key, value in wanted.items())), None)
        found += row is not None
        kept.append(Exchange(f"log: {said}", "found" if row else "not found"))
    observed = "recorded" if found == len(expected) else "partly" if found else "missing"
    return Finding(observed, _SAID[observed], {"found": found, "expected": len(expected)}, kept)


def _expected(inside: Inside, asked: Audit, marker: str) -> dict[str, dict[str, Any]]:
    near, far = (workstation(inside.line, zone) for zone in (asked.account_zone, asked.stranger_zone))
    log_in, user = "opcua_activate_session", asked.account.user
    refused = {"event": log_in, "user": marker, "address": far, "status": "BadUserAccessDenied"}
    written = {
        "event": "opcua_write",
        "user": user,
        "address": near,
        "node": f"ns=2;s={asked.tag}",
        "status": "Good",
    }
    return {
        f"{marker} refused, from {far}": refused,
        f"{user} logged in, from {near}": {"event": log_in, "user": user, "address": near, "status": "Good"},
        f"{asked.tag} written by {user}": written,
    }


def _done(inside: Inside, probe: str, zone: str, arguments: dict[str, Any], said: str) -> Exchange:
    job = Job(inside.lab_name, "probe", probe, zone, arguments, _JOB_S)
    try:
        answer = inside.labs.run(job)
    except TimeLimitError:
        return Exchange(said, "silent")
    return Exchange(said, str(answer["observed"]))


def _rows(inside: Inside, asked: Audit) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = inside.lab.request("logs", device=asked.device, lines=_LINES)
    return rows


PROBES = [
    Probe(
        "opcua.audit",
        Audit,
        tuple(_SAID),
        look,
        "inside",
        figures=("found", "expected"),
        limit_s=90.0,
    )
]
