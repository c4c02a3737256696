"""A job in its own process, once it is where it must be: done, and what comes of it told."""

import traceback
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from lab.jobs import work
from lab.labs import Connection, Job
from simulators.errors import UsineError
from simulators.host.refusal import refusal

if TYPE_CHECKING:
    from lab.probes.contract import Where

Place = Callable[[], "tuple[Where, Connection]"]
Report = Callable[[dict[str, Any]], None]


def perform(job: Job, place: Place, report: Report) -> None:
    """Go to the job's place, do it, and report `{"progress": …}`, then `{"result": …}` or `{"error": {kind, fr, en}}`."""
    try:
        task = work(job)
        where, control = place()
        with control:
            report({"result": task(where, control, lambda message: report({"progress": message}))})
    except UsineError as error:
        report({"error": refusal(error)})
    except MemoryError:
        report({"error": refusal(UsineError(f"{job.name} : mémoire épuisée", f"{job.name}: out of memory"))})
    except Exception as error:
        traceback.print_exc()
        fault = UsineError(
            f"{job.name} : défaut interne {error!r} ; voyez le journal du superviseur",
            f"{job.name}: internal fault {error!r}; see the supervisor's log",
        )
        report({"error": refusal(fault)})
