"""One observation: a check's probe is run where it belongs, and what it saw is kept; whatever goes wrong is silence."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import msgspec

from lab.exercises.evidence import Keeper
from lab.exercises.model import Check
from lab.exercises.parameters import fill
from lab.labs import Connection, Job, Labs
from lab.probes.contract import Evidence, Finding, Probe, probe
from simulators.errors import InputError, TimeLimitError, UsineError
from simulators.model import Line
from simulators.text import Text
from simulators.validation import fitted

Doing = Callable[[Text], None]


@dataclass
class Grader:
    """The lab from the grader's side (`lab.probes.contract.Inside`)."""

    line: Line
    lab: Connection
    lab_name: str
    labs: Labs
    rules: str
    parameters: dict[str, Any]
    seed: int
    said: Doing = lambda _text: None
    runtime: str = "local"

    def doing(self, text: Text) -> None:
        self.said(text)


@dataclass
class Observer:
    """Observes each distinct thing once a phase: a new phase is a new observer."""

    grader: Grader
    keeper: Keeper
    now: Callable[[], float] = time.time
    seen: dict[bytes, Evidence] = field(default_factory=dict)

    def key(self, check: Check) -> bytes:
        """The same for checks that observe the same thing."""
        arguments = fill(check.arguments, self.grader.parameters)
        return msgspec.json.encode([check.probe, check.zone, arguments], order="deterministic")

    def see(self, check: Check) -> Evidence:
        """What the probe of `check` (as the author wrote it) sees. Never raises."""
        key = self.key(check)
        if key not in self.seen:
            self.seen[key] = self._look(check)
        return self.seen[key]

    def _look(self, check: Check) -> Evidence:
        begun = self.now()
        try:
            finding = self._found(check)
        except TimeLimitError as error:
            why = Text(
                fr=f"Pas de réponse à temps : {error.text.fr}", en=f"No answer in time: {error.text.en}"
            )
            return self.keeper.silence(check, why, begun, self.now() - begun)
        except UsineError as error:
            return self.keeper.silence(check, error.text, begun, self.now() - begun)
        except Exception as error:  # a probe's own fault must not cost the trainee an attempt
            why = Text(
                fr=f"La sonde {check.probe} a échoué ({error!r}).",
                en=f"Probe {check.probe} failed ({error!r}).",
            )
            return self.keeper.silence(check, why, begun, self.now() - begun)
        return self.keeper.keep(check, finding, begun, self.now() - begun)

    def _found(self, check: Check) -> Finding:
        wanted = probe(check.probe)
        arguments = fill(check.arguments, self.grader.parameters)
        if wanted.place == "inside":
            look: Any = wanted.look  # out of band, says its place
            return _outcome(wanted, look(self.grader, given(wanted, arguments)))
        if check.zone is None:
            raise InputError(
                f"{check.probe} : donnez la zone d'où regarder (zone: control)",
                f"{check.probe}: give the zone to look from (zone: control)",
            )
        given(wanted, arguments)
        job = Job(
            lab=self.grader.lab_name,
            kind="probe",
            name=wanted.name,
            zone=check.zone,
            arguments=arguments,
            limit_s=wanted.limit_s,
        )
        return _outcome(wanted, self.grader.labs.run(job, lambda _message: None))


def given(wanted: Probe, arguments: dict[str, Any]) -> Any:
    """The arguments as the probe takes them. Raises: InputError: it does not; names the place."""
    return fitted(arguments, wanted.arguments, f"sonde {wanted.name}", f"probe {wanted.name}")


def _outcome(wanted: Probe, found: Any) -> Finding:
    """What the probe returned, if it is one of its outcomes. Raises: InputError: the probe is broken."""
    finding: Finding = found if isinstance(found, Finding) else msgspec.convert(found, Finding)
    if finding.observed not in wanted.outcomes and finding.observed != "silent":
        raise InputError(
            f"sonde {wanted.name} : issue inconnue {finding.observed}",
            f"probe {wanted.name}: unknown outcome {finding.observed}",
        )
    return finding
