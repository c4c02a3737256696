"""While the trainee reads the brief: the line reaches its working temperature, faster than the wall, a few labs at a time;
then it is made sure that the lab is in the state that the exercise starts from.
"""

import logging
import os
import threading

from lab.training.baseline import look_at_start
from lab.training.claims import claim
from lab.training.context import Context, row_of
from lab.training.rows import note
from simulators.errors import InputError, UsineError

# At full speed a lab takes a good part of a core; all of a class at once would starve the pages.
SIDE_BY_SIDE = threading.BoundedSemaphore(4 * (os.cpu_count() or 1))
log = logging.getLogger(__name__)


def warm_in_background(context: Context, sitting_id: int) -> None:
    """In a thread, which a command waits for at its end; should it die, the sweep takes over."""
    threading.Thread(target=_quietly, args=(context, sitting_id), name=f"warm {sitting_id}").start()


def warm(context: Context, sitting_id: int) -> None:
    """Until the exercise's warm-up is over. Raises: InputError: something else is being done. UsineError."""
    with claim(context, sitting_id, "warm"):
        with context.database.read() as session:
            row = row_of(session, sitting_id)
        exercise = context.engine.exercise(row.exercise)
        with SIDE_BY_SIDE:
            with context.attach(row) as lab:
                context.engine.warm_up(exercise, lab)
            look_at_start(context, row, exercise)
        note(context, sitting_id, "note", row.person_id, {"what": "warmed"})


def _quietly(context: Context, sitting_id: int) -> None:
    try:
        warm(context, sitting_id)
    except InputError:
        pass  # what is being done goes first; the sweep sees to it
    except UsineError as error:
        log.warning("warm-up of sitting %s: %s", sitting_id, error)
    except Exception:
        log.exception("warm-up of sitting %s", sitting_id)
