"""Author tests: each solution of an exercise on a lab of its own, graded, and the score compared."""

import contextlib
import itertools
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from queue import PriorityQueue

import msgspec

from lab.addressed import Addressed, addressing
from lab.catalog import find_line
from lab.exercises.ahead import hidden_runs
from lab.exercises.desk import LabDesk
from lab.exercises.folder import NO_SOLUTION, solution
from lab.exercises.model import AuthorTest, Exercise
from lab.exercises.parameters import Draw, drawn, visible
from lab.exercises.report import CheckReport
from lab.exercises.room import Room, machine_rests
from lab.exercises.run import baseline, run_check
from lab.exercises.score import score_of
from lab.exercises.setup import apply
from lab.labs import Labs
from lab.probes.contract import Ahead
from simulators.errors import StartError, UsineError
from simulators.text import Text

SECRET = b"lab verify"
SEEDS, SEEDS_NIGHTLY = 3, 20
TOLERANCE = 0.01
# A lab of one process mostly waits for its own time to pass, and takes a fifth of a core meanwhile. With a container a
# device it takes eight seconds of processor to start and a core at high speed, or is on another machine.
LABS_A_JOB = {"local": 4, "docker-compact": 4}
WHY_MAX = 600
SOON, LATER = 0, 1
# SCADA takes up to this much of the wall, at any speed, to find that a source does not answer any more; a trainee
# takes longer to ask for a check.
SETTLE_S = 4.0


class TestResult(msgspec.Struct, frozen=True):
    """One solution on one seed. `score` is None where there was none to compare; `why` says what went wrong."""

    __test__ = False  # no test of pytest's

    solution: str
    seed: int
    score: float | None
    expected: str
    ok: bool
    seconds: float
    why: str


class ExerciseResult(msgspec.Struct, frozen=True):
    """`ok` when every test is."""

    id: str
    track: str
    level: str
    ok: bool
    tests: list[TestResult]


class VerifyReport(msgspec.Struct, frozen=True):
    """`failed` counts exercises."""

    exercises: list[ExerciseResult]
    failed: int


@dataclass(frozen=True)
class Trial:
    """One solution to be tried on one seed."""

    exercise: Exercise
    test: AuthorTest
    seed: int

    @property
    def lab_name(self) -> str:
        return f"v-{self.exercise.id[:24]}-{self.exercise.tests.index(self.test)}-{self.seed}"

    @property
    def student(self) -> str:
        """Whose parameters are drawn."""
        return f"verify-{self.seed}"

    @property
    def check_seed(self) -> int:
        """That of the hidden runs."""
        return Draw(SECRET, self.exercise, self.student, "\0check").below(1 << 31)


Say = Callable[[Trial, TestResult], None]


def trials(exercise: Exercise, seeds: int) -> list[Trial]:
    """Every test of the exercise, on as many seeds as it wants and `seeds` allows."""
    return [
        Trial(exercise, test, seed)
        for test in exercise.tests
        for seed in range(1, min(test.seeds, seeds) + 1)
    ]


def verify(
    exercises: Sequence[Exercise],
    labs: Labs,
    *,
    jobs: int = 1,
    seeds: int = SEEDS,
    runtime: str = "local",
    check_rules: Callable[[str], object] = lambda _text: None,
    say: Say = lambda _trial, _result: None,
    sleep: Callable[[float], object] = time.sleep,
    spare: Callable[[], bool] = machine_rests,
) -> VerifyReport:
    """Try everything on labs of `runtime`; `say` is told each result as it comes.

    `jobs` labs at once, and `LABS_A_JOB` times as many while the machine has room, as `spare` tells; no more than `jobs`
    where each device has a container.

    Hidden runs are played from the first moment, once for all the solutions of a seed, which begin when theirs are there: before
    others, for they take the longest, and what begins last is waited for alone.
    """

    def attempt() -> tuple[str, TestResult]:
        with room.taken():
            trial = queue.get_nowait()[-1]
            result = run_trial(trial, labs, check_rules, sleep, runtime)
        say(trial, result)
        return trial.lab_name, result

    def begin(ready: Iterable[Trial], rank: int) -> None:
        for trial in ready:
            queue.put((rank, next(number), trial))
            begun.append(at_work.submit(attempt))

    todo = {trial.lab_name: trial for exercise in exercises for trial in trials(exercise, seeds)}
    hidden = {_key(trial): trial for trial in todo.values() if hidden_runs(trial.exercise)}
    sure, most = max(1, jobs), max(1, jobs) * LABS_A_JOB.get(runtime, 1)
    room = Room(sure, most, spare)
    at_work = ThreadPoolExecutor(most, "trial")
    before = ThreadPoolExecutor(max(1, len(hidden)), "hidden runs")
    queue: PriorityQueue[tuple[int, int, Trial]] = PriorityQueue()
    number, begun = itertools.count(), list[Future[tuple[str, TestResult]]]()
    try:
        played = {
            before.submit(_play_hidden_runs, trial, labs, runtime): key for key, trial in hidden.items()
        }
        begin((trial for trial in todo.values() if _key(trial) not in hidden), LATER)
        for done in as_completed(played):
            begin((trial for trial in todo.values() if _key(trial) == played[done]), SOON)
        told = dict(each.result() for each in begun)
        results = [(trial, told[name]) for name, trial in todo.items()]
    finally:
        # Interrupted, it does not wait: what still runs fails as soon as its lab is gone.
        for pool in (at_work, before):
            pool.shutdown(wait=False, cancel_futures=True)
    return report([_summary(e, [r for t, r in results if t.exercise is e]) for e in exercises])


def _key(trial: Trial) -> tuple[str, int]:
    """What the hidden runs of a trial are shared by."""
    return trial.exercise.id, trial.seed


def _play_hidden_runs(trial: Trial, labs: Labs, runtime: str) -> None:
    """What goes wrong here goes wrong again in the check, and is told there."""
    wanted = Ahead(find_line(trial.exercise.line), labs, trial.check_seed, runtime)
    with contextlib.suppress(UsineError):
        for play in hidden_runs(trial.exercise):
            play(wanted)


def report(results: Iterable[ExerciseResult]) -> VerifyReport:
    """The results put together."""
    every = list(results)
    return VerifyReport(every, sum(not result.ok for result in every))


def refused(exercise_id: str, track: str, level: str, why: str) -> ExerciseResult:
    """An exercise that is not tried at all, for it does not pass `lab lint` or cannot run here."""
    return ExerciseResult(
        exercise_id, track, level, False, [TestResult("lint", 0, None, "", False, 0.0, why)]
    )


def run_trial(
    trial: Trial,
    labs: Labs,
    check_rules: Callable[[str], object],
    sleep: Callable[[float], object] = time.sleep,
    runtime: str = "local",
) -> TestResult:
    """One solution on one seed. Does not raise: an error is a failure with its reason."""
    begun = time.monotonic()
    score, why = None, ""
    try:
        graded = _graded(trial, labs, check_rules, sleep, runtime)
        score, why = round(score_of(trial.exercise, graded), 2), _why(graded)
        ok = _meets(trial.test, score) and (graded.conclusive or _left_nothing(trial.test, graded))
    except UsineError as error:
        ok, why = False, str(error)
    except Exception as error:  # an author's solution may raise anything
        ok, why = False, f"{type(error).__name__}: {error}"
    return TestResult(
        solution=trial.test.solution,
        seed=trial.seed,
        score=score,
        expected=expected(trial.test),
        ok=ok,
        seconds=round(time.monotonic() - begun, 1),
        why="" if ok else why[:WHY_MAX],
    )


def expected(test: AuthorTest) -> str:
    """What the score must be: `= 100`, `>= 85 and <= 95`."""
    bounds = (("=", test.score), (">=", test.at_least), ("<=", test.at_most))
    return " and ".join(f"{sign} {limit:g}" for sign, limit in bounds if limit is not None)


def _graded(
    trial: Trial,
    labs: Labs,
    check_rules: Callable[[str], object],
    sleep: Callable[[float], object],
    runtime: str,
) -> CheckReport:
    """Start, set up, look at the baseline, solve, check; the lab is gone afterwards."""
    exercise, name = trial.exercise, trial.lab_name
    solve = solution(exercise, trial.test.solution)
    line = find_line(exercise.line)
    values = drawn(exercise, line, secret=SECRET, student=trial.student)
    seed = trial.check_seed
    status = labs.start(exercise.line, name, trial.seed, progress=lambda _message: None, runtime=runtime)
    try:
        with Addressed(labs.attach(name), addressing(line, status)) as lab:
            apply(exercise, lab, values, speed=max(exercise.setup.speed, exercise.setup.verify_speed))
            first = baseline(exercise, labs=labs, lab_name=name, parameters=values, seed=seed)
            if not first.conclusive:
                raise _lab_at_fault(first)
            desk = LabDesk(exercise, line, lab, visible(exercise, values), trial.seed, check_rules)
            solve(desk)
            if trial.test.solution != NO_SOLUTION:
                sleep(SETTLE_S)
        return run_check(exercise, labs=labs, lab_name=name, parameters=values, rules=desk.rules, seed=seed)
    finally:
        labs.stop(name, forget=True)


def _lab_at_fault(first: CheckReport) -> StartError:
    why = first.trouble or Text(fr="état de départ incorrect", en="wrong starting state")
    return StartError(f"État de départ : {why.fr} {_why(first)}", f"Starting state: {why.en} {_why(first)}")


def _meets(test: AuthorTest, score: float) -> bool:
    return (
        (test.score is None or abs(score - test.score) <= TOLERANCE)
        and (test.at_least is None or score >= test.at_least - TOLERANCE)
        and (test.at_most is None or score <= test.at_most + TOLERANCE)
    )


def _left_nothing(test: AuthorTest, graded: CheckReport) -> bool:
    """Whether it is the solution that left nothing to observe, and not a lab that could not be graded.

    A solution that breaks the service may; `none` and those that earn may not.
    """
    looked = bool(graded.steps) and all(gate.outcome != "inconclusive" for gate in graded.gates)
    return looked and test.solution != NO_SOLUTION and test.score is None and not test.at_least


def _why(graded: CheckReport) -> str:
    """Every step that is not earned and every gate that is breached, with the reason."""
    wrong = [
        f"{step.step}: {verdict.outcome} ({verdict.phase}, {verdict.evidence.probe}: {verdict.evidence.observed}) {verdict.why}"
        for step in graded.steps
        for verdict in step.verdicts
        if verdict.outcome != "pass"
    ]
    wrong += [f"{gate.gate}: {gate.why}" for gate in graded.gates if gate.outcome != "pass"]
    return " · ".join(([str(graded.trouble)] if graded.trouble else []) + wrong)


def _summary(exercise: Exercise, tests: list[TestResult]) -> ExerciseResult:
    ok = bool(tests) and all(test.ok for test in tests)
    return ExerciseResult(exercise.id, exercise.track, exercise.level, ok, tests)
