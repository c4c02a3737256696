"""Points, hints, references, the start, the author tests."""

from collections import Counter
from collections.abc import Callable, Iterable
from functools import partial
from itertools import chain

from lab.exercises.folder import NO_SOLUTION, file_text, solution_path
from lab.exercises.lint.found import Problems, Subject
from lab.exercises.model import AuthorTest
from lab.exercises.references import competences, knows, standards
from lab.exercises.score import cost_points
from simulators import devices
from simulators.errors import InputError, UsineError
from simulators.plant.engine import Plant

STEPS_MIN, POINTS, LAZY_MIN, REFERENCE_SEEDS_MIN = 4, 100.0, 2, 3
REFERENCE = "reference"


def content_problems(subject: Subject) -> Problems:
    """All that is wrong with these."""
    yield from chain(
        _place(subject),
        _points(subject),
        _references(subject),
        _ids(subject),
        _setup(subject),
        _tests(subject),
    )


def _place(subject: Subject) -> Problems:
    exercise = subject.exercise
    if subject.folder.parent.name != exercise.track:
        yield subject.wrong(
            "$.track",
            (f"parcours {exercise.track} dans le dossier {subject.folder.parent.name}",
             f"track {exercise.track} in the folder {subject.folder.parent.name}"),
            ("donnez-leur le même nom", "give them the same name"),
        )  # fmt: skip
    if exercise.editable and "configuration" not in exercise.panels:
        yield subject.wrong(
            "$.panels",
            ("editable sans le panneau configuration", "editable without the panel configuration"),
            ("ajoutez configuration à panels", "add configuration to panels"),
        )


def _points(subject: Subject) -> Problems:
    exercise = subject.exercise
    if len(exercise.steps) < STEPS_MIN:
        yield subject.wrong(
            "$.steps",
            (f"{len(exercise.steps)} étape(s)", f"{len(exercise.steps)} step(s)"),
            (f"faites-en {STEPS_MIN} au moins", f"make at least {STEPS_MIN}"),
        )
    if abs(exercise.points - POINTS) > 1e-6:
        yield subject.wrong(
            "$.steps",
            (f"les étapes font {exercise.points:g} points", f"the steps make {exercise.points:g} points"),
            (f"il en faut {POINTS:g}", f"they must make {POINTS:g}"),
        )
    for number, step in enumerate(exercise.steps):
        for nth, hint in enumerate(step.hints):
            try:
                cost_points(hint.cost, step.points)
            except InputError as error:
                place = f"$.steps[{number}].hints[{nth}].cost"
                yield subject.wrong(place, (error.text.fr, error.text.en), ("corrigez-le", "correct it"))


def _references(subject: Subject) -> Problems:
    for standard, entries in subject.exercise.standard.items():
        if standard not in standards():
            known = ", ".join(standards())
            yield subject.wrong(
                f"$.standard.{standard}",
                (f"norme {standard} inconnue", f"unknown standard {standard}"),
                (f"choisissez parmi : {known}", f"choose one of: {known}"),
            )
        for number, entry in enumerate(entries):
            if not knows(standard, entry):
                yield subject.wrong(
                    f"$.standard.{standard}[{number}]",
                    (f"{standard} n'a pas d'exigence {entry}", f"{standard} has no requirement {entry}"),
                    (
                        "écrivez par exemple « SR 1.1 » ou « SR 2.1 RE 1 »",
                        "write for example 'SR 1.1' or 'SR 2.1 RE 1'",
                    ),
                )
    for number, competence in enumerate(subject.exercise.competences):
        if competence not in competences():
            known = ", ".join(competences())
            yield subject.wrong(
                f"$.competences[{number}]",
                (f"compétence {competence} inconnue", f"unknown competence {competence}"),
                (f"choisissez parmi : {known}", f"choose one of: {known}"),
            )


def _ids(subject: Subject) -> Problems:
    exercise = subject.exercise
    yield from _twice(subject, "steps", [step.id for step in exercise.steps])
    yield from _twice(subject, "gates", [gate.id for gate in exercise.gates])
    for key in ("editable", "restart"):
        yield from _devices(subject, f"$.{key}", getattr(exercise, key))


def _twice(subject: Subject, key: str, ids: list[str]) -> Problems:
    for name, count in Counter(ids).items():
        if count > 1:
            yield subject.wrong(
                f"$.{key}[{len(ids) - 1 - ids[::-1].index(name)}].id",
                (f"{name} est défini {count} fois", f"{name} is defined {count} times"),
                ("donnez un id à chacun", "give each an id"),
            )


def _devices(subject: Subject, place: str, names: Iterable[str]) -> Problems:
    for number, name in enumerate(names):
        yield from _refused(subject, f"{place}[{number}]", partial(subject.line.device, name))


def _refused(subject: Subject, place: str, act: Callable[[], object]) -> Problems:
    """The error that `act` raises, if any, as a problem."""
    try:
        act()
    except UsineError as error:
        yield subject.wrong(place, (error.text.fr, error.text.en), ("corrigez-le", "correct it"))


def _setup(subject: Subject) -> Problems:
    for device, name in subject.exercise.setup.configurations.items():
        place = f"$.setup.configurations.{device}"
        yield from _refused(subject, place, partial(_parse, subject, device, name))
    modes = Plant(subject.line, 1).fault_modes() if subject.exercise.setup.faults else {}
    for number, fault in enumerate(subject.exercise.setup.faults):
        if not {"asset", "mode"} <= set(fault) <= {"asset", "mode", "severity"}:
            yield subject.wrong(
                f"$.setup.faults[{number}]",
                ("un défaut a asset, mode et severity", "a fault has asset, mode and severity"),
                ("{asset: pump, mode: wear, severity: 0.5}",) * 2,
            )
        elif fault["mode"] not in modes.get(fault["asset"], []):
            known = ", ".join(modes.get(fault["asset"], modes))
            yield subject.wrong(
                f"$.setup.faults[{number}]",
                (
                    f"défaut {fault['asset']} {fault['mode']} inconnu",
                    f"unknown fault {fault['asset']} {fault['mode']}",
                ),
                (f"choisissez parmi : {known}", f"choose one of: {known}"),
            )


def _parse(subject: Subject, device: str, name: str) -> None:
    """Raises: UsineError: no such device, no such file, or not a configuration of the device."""
    text = file_text(subject.exercise, name, subject.values)
    devices.kind(subject.line.device(device).kind).parse(text, name)


def _tests(subject: Subject) -> Problems:
    tests = subject.exercise.tests
    for number, test in enumerate(tests):
        if test.solution != NO_SOLUTION and not solution_path(subject.exercise, test.solution).is_file():
            path = solution_path(subject.exercise, test.solution)
            yield subject.wrong(
                f"$.tests[{number}].solution",
                (f"{path} absent", f"{path} is not there"),
                ("écrivez-le", "write it"),
            )
        else:
            yield from _refused(
                subject, f"$.tests[{number}].solution", partial(_compile, subject, test.solution)
            )
        if (test.score, test.at_least, test.at_most) == (None, None, None):
            yield subject.wrong(
                f"$.tests[{number}]", ("aucune borne", "no bound"), ("score, at_least, at_most",) * 2
            )
    wanted = (
        (any(t.solution == NO_SOLUTION and t.score == 0 for t in tests), "{solution: none, score: 0}"),
        (any(map(_proves, tests)), f"{{solution: {REFERENCE}, score: 100, seeds: {REFERENCE_SEEDS_MIN}}}"),
        (sum(map(_lazy, tests)) >= LAZY_MIN, f"{{solution: stop_server, at_most: 40}} × {LAZY_MIN}"),
    )
    for there, example in wanted:
        if not there:
            yield subject.wrong("$.tests", ("il manque un test", "a test is missing"), (example, example))


def _compile(subject: Subject, solution: str) -> None:
    """Raises: InputError: the solution is not Python."""
    if solution == NO_SOLUTION:
        return
    path = solution_path(subject.exercise, solution)
    try:
        compile(path.read_bytes(), str(path), "exec")
    except (SyntaxError, ValueError) as error:
        raise InputError(f"{path} : {error}", f"{path}: {error}") from error


def _proves(test: AuthorTest) -> bool:
    return test.solution == REFERENCE and test.score == 100 and test.seeds >= REFERENCE_SEEDS_MIN


def _lazy(test: AuthorTest) -> bool:
    """A solution that is wrong, and must stay under a bound."""
    bounds = [limit for limit in (test.at_most, test.score) if limit is not None]
    return test.solution not in (NO_SOLUTION, REFERENCE) and bool(bounds) and min(bounds) < 100
