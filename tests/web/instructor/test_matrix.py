"""The matrix: whole at first, then what changed; evidence; one trainee; grades."""

import json
import re
from typing import Any

from flask.testing import FlaskClient

from lab.training.contract import Cohort, Row
from simulators.errors import StartError
from tests.web.fake_labs import FakeLabs
from tests.web.fake_training import OWNER, STRONG, FakeSittings
from tests.web.instructor.conftest import EXERCISE
from tests.web.instructor.fake_class import FakeClass
from web.instructor.matrix import events, view


class Pace:
    """Runs `between` in place of sleeping."""

    def __init__(self, *between: Any) -> None:
        self.between = list(between)

    def __call__(self, _seconds: float) -> None:
        self.between.pop(0)()


def stop() -> None:
    raise StartError("fini", "over")


def parsed(texts: list[str]) -> list[dict[str, Any]]:
    return [json.loads(text.partition("data: ")[2]) for text in texts if text.startswith("event: rows")]


def test_all_rows_then_those_that_changed(cohorts: FakeClass, cohort: Cohort, rows: list[Row]) -> None:
    who = rows[1]
    assert who.sitting is not None
    number = who.sitting

    def check() -> None:
        cohorts.sittings.work[number].texts["plc2"].append(STRONG)
        cohorts.sittings.check(number, who.person)

    pace = Pace(lambda: None, check, stop)
    told = list(events(lambda: cohorts.matrix(cohort.id, EXERCISE), 1.0, lambda: 5.0, pace))
    whole, same, changed = parsed(told)
    assert len(whole["rows"]) == 3
    assert same == {"unix_s": 5.0, "rows": []}
    assert [row["person"] for row in changed["rows"]] == [who.person.id]
    assert changed["rows"][0]["cells"] == {"anonymous": ["pass", 0], "trust": ["pass", 0]}
    assert changed["rows"][0]["score"] == 100
    assert told[-1].startswith("event: lost")


def test_a_paused_lab_shows_as_paused_while_it_runs(
    rows: list[Row], cohorts: FakeClass, cohort: Cohort
) -> None:
    assert rows[0].sitting is not None
    cohorts.paused.add(rows[0].sitting)
    states = [view(row)["state"] for row in cohorts.matrix(cohort.id, EXERCISE)]
    assert states == ["paused", "running", "running"]
    cohorts.sittings.stop_lab(rows[0].sitting, OWNER)
    assert view(cohorts.matrix(cohort.id, EXERCISE)[0])["state"] == "none"


def test_the_stream_over_http_gives_its_place_back(
    client: FlaskClient, cohort: Cohort, rows: list[Row]
) -> None:
    answer = client.get(f"/instructor/cohorts/{cohort.id}/exercises/{EXERCISE}/stream", buffered=False)
    assert answer.mimetype == "text/event-stream"
    assert "retry" in str(next(iter(answer.response)))
    assert client.application.extensions["usine_ecole_streams"].open == 1
    answer.close()
    assert client.application.extensions["usine_ecole_streams"].open == 0


def test_the_page_carries_steps_people_and_faults(
    client: FlaskClient, cohort: Cohort, rows: list[Row]
) -> None:
    page = client.get(f"/instructor/cohorts/{cohort.id}/exercises/{EXERCISE}").get_data(as_text=True)
    found = re.search(r'<script type="application/json" id="page-data">(.*?)</script>', page, re.DOTALL)
    assert found
    data = json.loads(found[1])
    assert data["steps"] == ["anonymous", "trust"]
    assert list(data["names"].values()) == ["Chloé Lefèvre", "David Nguyen", "Émilie Rousseau"]
    assert '<option value="cavitation" data-asset="pump">Cavitation</option>' in page
    assert "Scan by a rogue device (T0846)" in page
    assert re.search(r'<option value="flood" disabled>Modbus flood \(T0814\): Zones are needed\.', page)
    assert not re.search(r"\sstyle=|\son\w+=|<style", page)


def test_the_page_of_a_trainee_tells_what_carries_their_lab(
    client: FlaskClient, sittings: FakeSittings, rows: list[Row]
) -> None:
    here = f"/instructor/sittings/{rows[0].sitting}"
    assert rows[0].sitting is not None
    sittings.start_lab(rows[0].sitting, rows[0].person)
    assert "Runtime: local" in client.get(here).get_data(as_text=True)
    sittings.stop_lab(rows[0].sitting, rows[0].person)
    assert "Runtime:" not in client.get(here).get_data(as_text=True)


def test_evidence_tells_what_was_observed(
    client: FlaskClient, sittings: FakeSittings, rows: list[Row]
) -> None:
    number = rows[0].sitting
    here = f"/instructor/sittings/{number}/steps/anonymous"
    assert "No check of this step yet" in client.get(here).get_data(as_text=True)
    assert number is not None
    sittings.take_hint(number, rows[0].person, "anonymous")
    sittings.check(number, rows[0].person)
    part = client.get(f"{here}?part=1").get_data(as_text=True)
    assert "<html" not in part
    for words in (
        "The server accepts.",
        "CreateSession &lt;None&gt;",
        "opcua.session",
        "<code>None</code>",
        "hints taken: 1",
    ):
        assert words in part
    assert client.get(f"/instructor/sittings/{number}/steps/nothing").status_code == 400


def test_one_trainee_has_neighbours_truth_and_timeline(client: FlaskClient, rows: list[Row]) -> None:
    page = client.get(f"/instructor/sittings/{rows[1].sitting}").get_data(as_text=True)
    assert "Previous: Chloé Lefèvre" in page
    assert "Next: Émilie Rousseau" in page
    assert f'href="/labs/{rows[1].lab}"' in page
    assert 'data-truth="RawTank.Level"' in page
    assert "Lab started" in page
    first = client.get(f"/instructor/sittings/{rows[0].sitting}").get_data(as_text=True)
    assert "Previous:" not in first


def test_a_sitting_of_no_cohort_opens_too(
    client: FlaskClient, sittings: FakeSittings, rows: list[Row]
) -> None:
    alone = sittings.open(OWNER, EXERCISE)
    page = client.get(f"/instructor/sittings/{alone.id}").get_data(as_text=True)
    assert "No lab runs: nothing to compare." in page


def test_grades_are_shown_by_step_and_downloaded(
    client: FlaskClient, sittings: FakeSittings, cohort: Cohort, rows: list[Row]
) -> None:
    number = rows[0].sitting
    assert number is not None
    sittings.work[number].texts["plc2"].append(STRONG)
    sittings.check(number, rows[0].person)
    here = f"/instructor/cohorts/{cohort.id}/exercises/{EXERCISE}/grades"
    page = client.get(here).get_data(as_text=True)
    assert re.findall(r'<td class="number">([\d.–]+)</td>', page)[:3] == ["25", "75", "100"]
    assert "Left out of the file: Émilie Rousseau." in page
    file = client.get(f"{here}.csv")
    assert file.mimetype == "text/csv"
    assert re.search(r'filename="group-a-opcua-fake-\d{8}T\d{4}Z\.csv"', file.headers["Content-Disposition"])
    assert file.get_data(as_text=True).splitlines()[1] == "chloe@example.org,100"


def test_no_check_is_no_grade(client: FlaskClient, cohorts: FakeClass, cohort: Cohort) -> None:
    here = f"/instructor/cohorts/{cohort.id}"
    for _ in ("not begun", "begun"):
        page = client.get(f"{here}/exercises/{EXERCISE}/grades").get_data(as_text=True)
        assert page.count('<td class="number">–</td>') == 12
        cohorts.launch(cohort.id, EXERCISE, OWNER)
    assert '<td class="number">–</td>' in client.get(here).get_data(as_text=True), "nor a mean of none"


def test_unknown_cohorts_and_exercises_are_not_found(client: FlaskClient, cohort: Cohort) -> None:
    assert client.get("/instructor/cohorts/99").status_code == 404
    for part in ("", "/launch", "/grades", "/grades.csv"):
        assert client.get(f"/instructor/cohorts/99/exercises/{EXERCISE}{part}").status_code == 404
        assert client.get(f"/instructor/cohorts/{cohort.id}/exercises/nothing{part}").status_code == 404


def test_nothing_is_offered_to_an_archived_cohort(
    client: FlaskClient, cohorts: FakeClass, cohort: Cohort, rows: list[Row]
) -> None:
    here = f"/instructor/cohorts/{cohort.id}/exercises/{EXERCISE}"
    assert 'data-act="stop"' in client.get(here).get_data(as_text=True)
    cohorts.archive(cohort.id)
    page = client.get(here).get_data(as_text=True)
    assert 'data-act="stop"' not in page
    assert "This cohort is archived" in page
    assert "these scores are frozen" in client.get(f"{here}/grades").get_data(as_text=True)
    assert "Go on…" not in client.get(f"/instructor/cohorts/{cohort.id}").get_data(as_text=True)


def test_the_first_page_lists_cohorts_and_the_labs_of_people(
    client: FlaskClient, labs: FakeLabs, cohort: Cohort, rows: list[Row]
) -> None:
    labs.labs["hidden-run"] = labs.labs["one"]
    page = client.get("/instructor").get_data(as_text=True)
    assert f'href="/instructor/cohorts/{cohort.id}"' in page
    assert "Harden the server" in page
    assert f'href="/labs/{rows[0].lab}"' in page
    assert "hidden-run" not in page
    assert "Processor, last minute" in page
