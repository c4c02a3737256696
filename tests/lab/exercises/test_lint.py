"""Every rule, broken once in an exercise that has no other problem."""

from pathlib import Path

import pytest

from lab.exercises.lint import lint
from lab.exercises.lint.words import parts
from tests.lab.exercises.stage import BRIEF, EXERCISE, write_exercise

pytestmark = pytest.mark.usefixtures("probes")

CONTROL = "        control: {probe: stage.door, zone: control, device: plc2, user: guest, expect: accepted}\n"
FIRST_DOOR = "{probe: stage.door, zone: control, device: plc2, expect: accepted}\ngates"


def test_the_small_exercise_has_no_problem(tmp_path: Path) -> None:
    assert lint(write_exercise(tmp_path)) == []


@pytest.mark.parametrize(
    ("good", "bad", "place", "says"),
    [
        ("minutes: 45", "minutes: soon", "$.minutes", "expected a whole number"),
        ("title: {fr: La porte, en: The door}", "title: {fr: La porte}", "$.title", "translation 'en' is missing"),
        ("en: The door", 'en: " "', "$.title.en", "translation 'en' is empty"),
        ("fr: Regardez,", "fr: Regardez!,", "$.steps[0].hints[0].text.fr", "French wants a space"),
        ("minutes: 45", "minutes: 45\nminutes: 46", "minutes", "key minutes is written twice"),
        ("minutes: 45", "minutes: 45\nlength: 46", "$.length", "unknown key"),
        ("id: small-door", "id: large-door", "$.id", "in a folder small-door"),
        ("track: hardening", "track: detection", "$.track", "in the folder hardening"),
        ("line: bottling", "line: brewing", "$.line", "unknown line brewing"),
        ("SR 2.1 RE 1", "SR 2.1 RE 9", "$.standard.iec62443-3-3[1]", "no requirement SR 2.1 RE 9"),
        ("{iec62443-3-3:", "{iec62443-9-9:", "$.standard.iec62443-9-9", "unknown standard"),
        ("[security-standards]", "[security-habits]", "$.competences[0]", "unknown competence security-habits"),
        ("[mimic, configuration, rules]", "[mimic]", "$.panels", "without the panel configuration"),
        ("editable: [plc2]", "editable: [plc9]", "$.editable[0]", "unknown device plc9"),
        ("restart: [plc2]", "restart: [plc9]", "$.restart[0]", "unknown device plc9"),
        (
            "probe: stage.rules, word: \"${word}\", expect: found",
            "probe: stage.book, word: \"${word}\", expect: found",
            "$.steps[2].checks[0].probe",
            "unknown probe stage.book",
        ),
        ("user: \"${clerk}\"", "user: \"${clerk}\"\n        age: 3", "$.steps[1].checks[0].age", "unknown key"),
        ("user: \"${clerk}\"", "user: [\"${clerk}\"]", "$.steps[1].checks[0].user", "expected a text, not a list of 1"),
        ("expect: [rejected]", "expect: [refused]", "$.steps[1].checks[0].expect", "never sees 'refused'"),
        ("expect: [rejected]", "expect: []", "$.steps[1].checks[0].expect", "nothing is expected"),
        ("expect: [rejected]", "expect: [rejected, silent]", "$.steps[1].checks[0].expect", "silence is no refusal"),
        ("{words: \"<=3\"}", "{letters: \"<=3\"}", "$.steps[3].checks[0].expect.letters", "does not measure letters"),
        ("{words: \"<=3\"}", "{words: \"about 3\"}", "$.steps[3].checks[0].expect.words", "is not a bound"),
        ("throughput_pct: \">=95\"", "throughput: \">=95\"", "$.gates[0].require.throughput", "does not measure"),
        ("operate: [Filler.SetPoint]", "operate: [Filler.Rate]", "$.gates[0].operate[0]", "is no set point"),
        ("operate: [Filler.SetPoint]", "operate: [Filler.Speed]", "$.gates[0].operate[0]", "unknown tag"),
        (CONTROL, "", "$.steps[0].checks[0]", "'rejected' expected without a control"),
        (
            CONTROL,
            CONTROL.replace("accepted", "rejected"),
            "$.steps[0].checks[0].control.expect",
            "a control must be served",
        ),
        (FIRST_DOOR, FIRST_DOOR.replace("accepted", "silent"), "$.baseline[0]", "'silent' expected without a control"),
        (FIRST_DOOR, FIRST_DOOR.replace("plc2", "plc9"), "$.baseline[0].device", "unknown device plc9"),
        (FIRST_DOOR, FIRST_DOOR.replace("control", "moon"), "$.baseline[0].zone", "zone moon"),
        (FIRST_DOOR, FIRST_DOOR.replace("zone: control, ", ""), "$.baseline[0]", "zone missing"),
        (
            FIRST_DOOR,
            FIRST_DOOR.replace("device: plc2", "device: plc2, tags: [Filler.Speed, Filler.Sped]"),
            "$.baseline[0].tags",
            "unknown tag Filler.Sped",
        ),
        ("          accepted: {fr", "          accept: {fr", "$.steps[0].checks[0].feedback.accept", "never happens"),
        ("en: \"Refuse ${clerk}\"", "en: \"Refuse ${clerc}\"", "$.steps[1].text.en", "unknown parameter ${clerc}"),
        ("  word: {kind", "  spare: {kind: username}\n  word: {kind", "$.parameters.spare", "never used"),
        ("clerk: {kind: username}", "clerk: {kind: choice}", "$.parameters.clerk", "nothing to draw from"),
        ("points: 40", "points: 41", "$.steps", "the steps make 101 points"),
        ("cost: 25%", "cost: 125%", "$.steps[0].hints[1].cost", "price 125%"),
        ("cost: 25%", "cost: 41", "$.steps[0].hints[1].cost", "price 41"),
        ("  - id: clerk\n", "  - id: anonymous\n", "$.steps[1].id", "anonymous is defined 2 times"),
        ("{solution: none, score: 0}", "{solution: none, score: 10}", "$.tests", "a test is missing; {solution: none"),
        ("score: 100, seeds: 3", "score: 90, seeds: 3", "$.tests", "a test is missing; {solution: reference"),
        ("score: 100, seeds: 3", "score: 100", "$.tests", "a test is missing; {solution: reference"),
        (
            "  - {solution: deaf, at_most: 40}\n  - {solution: idle, at_most: 40}\n",
            "",
            "$.tests",
            "a test is missing; {solution: stop_server",
        ),
        ("{solution: deaf, at_most: 40}", "{solution: deaf}", "$.tests[3]", "no bound"),
        ("{solution: deaf,", "{solution: mute,", "$.tests[3].solution", "mute.py is not there"),
        ("parameters:", "setup: {configurations: {plc9: start.yaml}}\nparameters:", "$.setup.configurations.plc9", "start.yaml"),
        (
            "parameters:",
            "setup: {configurations: {plc2: ../../outside.yaml}}\nparameters:",
            "$.setup.configurations.plc2",
            "outside the exercise's folder",
        ),
        (
            "parameters:",
            "setup: {configurations: {plc2: solutions/stop.py}}\nparameters:",
            "$.setup.configurations.plc2",
            "stop.py:",
        ),
        (
            "parameters:",
            "setup: {faults: [{asset: pump, mode: laziness}]}\nparameters:",
            "$.setup.faults[0]",
            "unknown fault pump laziness",
        ),
        (
            "parameters:",
            "setup: {faults: [{asset: pump, kind: wear}]}\nparameters:",
            "$.setup.faults[0]",
            "a fault has asset, mode and severity",
        ),
    ],
)  # fmt: skip
def test_a_broken_rule_is_named_with_its_line_and_a_remedy(
    tmp_path: Path, good: str, bad: str, place: str, says: str
) -> None:
    assert good in EXERCISE
    text = EXERCISE.replace(good, bad, 1)
    found = lint(write_exercise(tmp_path, text))
    matching = [problem for problem in found if problem.place == place and says in problem.text.en]
    assert matching, "\n".join(str(problem.text) for problem in found) or "nothing found"
    problem = matching[0]
    assert problem.what.fr
    assert problem.remedy.fr
    assert problem.remedy.en
    assert 1 <= problem.line <= len(text.splitlines())


def test_the_line_is_the_one_to_change(tmp_path: Path) -> None:
    text = EXERCISE.replace("cost: 25%", "cost: 125%")
    (problem,) = lint(write_exercise(tmp_path, text))
    assert "cost: 125%" in text.splitlines()[problem.line - 1]


def test_all_problems_come_at_once(tmp_path: Path) -> None:
    text = (
        EXERCISE.replace("points: 40", "points: many")
        .replace("minutes: 45", "minutes: 2")
        .replace("fr: Mot, ", "")
    )
    assert [problem.place for problem in lint(write_exercise(tmp_path, text))] == [
        "$.minutes", "$.steps[0].points", "$.steps[2].name",
    ]  # fmt: skip
    text = (
        EXERCISE.replace("points: 40", "points: 1")
        .replace("SR 1.1", "SR 9")
        .replace("cost: 25%", "cost: 7%5")
    )
    assert len(lint(write_exercise(tmp_path, text, name="second"))) >= 4


def test_fewer_than_four_steps(tmp_path: Path) -> None:
    text = EXERCISE[: EXERCISE.index("  - id: brevity")] + EXERCISE[EXERCISE.index("tests:") :]
    assert any("3 step(s)" in problem.text.en for problem in lint(write_exercise(tmp_path, text)))


def test_a_brief_that_is_missing(tmp_path: Path) -> None:
    home = write_exercise(tmp_path)
    (home / "brief.en.md").unlink()
    (problem,) = lint(home)
    assert problem.file.endswith("brief.en.md")
    assert "brief missing" in problem.text.en


def test_briefs_with_different_headings(tmp_path: Path) -> None:
    home = write_exercise(tmp_path)
    path = home / "brief.en.md"
    path.write_text(path.read_text() + "\n### More\n\nEight words at least are written in this part.\n")
    assert ["do not have the same headings" in problem.text.en for problem in lint(home)] == [True]


@pytest.mark.parametrize(
    ("good", "bad", "says"),
    [
        ("A door has a lock, and a lock has a key, always.", "Later.", "part 'Know' is empty"),
        ("${word}", "${worth}", "unknown parameter ${worth}"),
        ("## Know", "Know", "3 part(s); a brief teaches"),
    ],
)
def test_a_brief_that_does_not_teach(tmp_path: Path, good: str, bad: str, says: str) -> None:
    home = write_exercise(tmp_path)
    path = home / "brief.en.md"
    assert good in path.read_text()
    path.write_text(path.read_text().replace(good, bad))
    found = [problem.text.en for problem in lint(home) if problem.file.endswith("brief.en.md")]
    assert any(says in words for words in found), found


def test_a_comment_in_a_block_of_code_is_no_heading() -> None:
    assert [title for _level, title, _body in parts(BRIEF)] == ["{title}", "{know}", "{task}", "{graded}"]


def test_a_solution_that_is_no_python(tmp_path: Path) -> None:
    home = write_exercise(tmp_path)
    (home / "solutions" / "stop.py").write_text("def solve(desk:\n")
    (problem,) = lint(home)
    assert (problem.place, "stop.py" in problem.text.en) == ("$.tests[2].solution", True)


def test_what_is_no_yaml_and_what_is_not_there(tmp_path: Path) -> None:
    home = write_exercise(tmp_path, "schema: [")
    assert "not valid YAML" in lint(home)[0].text.en
    assert "cannot be read" in lint(tmp_path / "nowhere")[0].text.en
