"""Probes of OPC UA servers, driven raw: an ordinary client refuses on its own side, which would pass for a refusal.

| probe | what it does | where |
|---|---|---|
| opcua.endpoints | reads what is advertised: policies, modes, identities, certificate | zone |
| opcua.session | comes in as an ordinary client would | zone |
| opcua.raw_session | asks for a policy whatever is advertised, with several identities | zone |
| opcua.certificates | shows bad certificates, and a good one as the control | zone |
| opcua.read, .write, .subscribe, .call | one operation of one identity | zone |
| opcua.role_matrix | a table of identities and operations | zone |
| opcua.lockout | wrong passwords, then the right one; the process's account is spared | zone |
| opcua.audit | does something that must be recorded, and looks for it in the log | inside |
"""

import logging
from dataclasses import replace

from lab.probes.opcua import audit, certificates, endpoints, lockout, matrix, sessions, tags, trust

# The library logs what strangers send; what matters is in the evidence.
logging.getLogger("asyncua").setLevel(logging.CRITICAL)

PROBES = [
    replace(probe, ready=certificates.ready)
    for module in (endpoints, sessions, trust, tags, matrix, lockout, audit)
    for probe in module.PROBES
]

__all__ = ["PROBES"]
