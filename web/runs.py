"""What takes longer than a page: run in a thread, told to every page that asks, also after a reload."""

import threading
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
from flask import current_app

from simulators.errors import UsineError
from simulators.text import Text

Message = dict[str, Any]
Tell = Callable[[Message], None]
KEEP_ALIVE_S = 15.0
INTERNAL = Text(
    fr="Une erreur interne a arrêté cette action ; réessayez, et prévenez le formateur si elle revient.",
    en="An internal error stopped this action; try again, and tell the instructor if it comes back.",
)


class Run:
    """One action: its messages so far, and whether it is over. The last message has `state` `done` or `failed`."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self.over = False
        self._news = threading.Condition()

    def tell(self, message: Message) -> None:
        with self._news:
            self.messages.append(message)
            self._news.notify_all()

    def end(self, message: Message) -> None:
        with self._news:
            self.messages.append(message)
            self.over = True
            self._news.notify_all()

    def follow(self) -> Iterator[Message | None]:
        """Every message, those of before too; None now and then, while there is nothing to tell."""
        seen = 0
        while True:
            with self._news:
                if seen == len(self.messages) and not self.over:
                    self._news.wait(KEEP_ALIVE_S)
                fresh, over = self.messages[seen:], self.over
            seen += len(fresh)
            yield from fresh
            if not fresh:
                yield None
            if over and seen == len(self.messages):
                return


class Runs:
    """The actions of this process, by what they act on: one at a time on each (`check 12`)."""

    def __init__(self) -> None:
        self._runs: dict[str, Run] = {}
        self._lock = threading.Lock()

    def start(self, key: str, work: Callable[[Tell], Message]) -> Run:
        """Begin `work`, or join the same one that is under way. What `work` returns goes into its last message."""
        with self._lock:
            known = self._runs.get(key)
            if known is not None and not known.over:
                return known
            run = self._runs[key] = Run()
        threading.Thread(target=_work, args=(run, work, current_app.logger), daemon=True, name=key).start()
        return run

    def find(self, key: str) -> Run | None:
        """The last one on `key`, under way or over."""
        return self._runs.get(key)


def runs() -> Runs:
    """Those of the application that serves this request."""
    given = current_app.extensions["usine_ecole_runs"]
    assert isinstance(given, Runs)
    return given


def events(run: Run | None) -> Iterator[str]:
    """A run as server-sent events `message`; `idle` alone where there is none."""
    yield "retry: 1500\n\n"
    if run is None:
        yield "event: idle\ndata: {}\n\n"
        return
    for message in run.follow():
        yield ":\n\n" if message is None else f"data: {msgspec.json.encode(message).decode()}\n\n"


def _work(run: Run, work: Callable[[Tell], Message], logger: Any) -> None:
    try:
        run.end({"state": "done", **work(run.tell)})
    except UsineError as error:
        run.end({"state": "failed", "text": error.text})
    except OSError as error:
        logger.warning("run_unreachable %s", error)
        run.end({"state": "failed", "text": Text(fr="Le labo ne répond pas.", en="The lab does not answer.")})
    except Exception:
        logger.exception("run_broke")
        run.end({"state": "failed", "text": INTERNAL})
