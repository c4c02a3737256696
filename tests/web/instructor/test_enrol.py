"""A cohort from a pasted roster: previewed, corrected, made; its links; archived and back."""

import re

import pytest
from flask.testing import FlaskClient

from lab.training.contract import Cohort, Person
from simulators.errors import NotFoundError
from tests.web.conftest import Enter
from tests.web.instructor.conftest import ROSTER
from tests.web.instructor.fake_class import FakeClass
from web.instructor.tray import KEPT_S, Tray

NEW = "/instructor/cohorts/new"


def fill(
    client: FlaskClient, csrf: dict[str, str], do: str, roster: str, name: str = "Group B"
) -> tuple[int, str]:
    answer = client.post(
        NEW, data={"name": name, "roster": roster, "do": do}, headers=csrf, follow_redirects=True
    )
    return answer.status_code, answer.get_data(as_text=True)


def test_an_empty_place_teaches_the_three_steps(client: FlaskClient) -> None:
    page = client.get("/instructor").get_data(as_text=True)
    assert page.index("Make a cohort") < page.index("Hand out the links") < page.index("Launch an exercise")
    assert NEW in page


def test_a_preview_makes_nothing(client: FlaskClient, csrf: dict[str, str], cohorts: FakeClass) -> None:
    code, page = fill(client, csrf, "preview", ROSTER)
    assert code == 200
    assert "Trainees: 3. Nothing to correct." in page
    assert "david@example.org" in page
    assert not cohorts.known


@pytest.mark.parametrize("do", ["preview", "create"])
def test_a_wrong_line_is_named_and_nothing_is_lost(
    client: FlaskClient, csrf: dict[str, str], cohorts: FakeClass, do: str
) -> None:
    roster = "Chloé Lefèvre;chloe@example.org\n\nDavid Nguyen;not an address"
    code, page = fill(client, csrf, do, roster)
    assert code == (400 if do == "create" else 200)
    told = page.partition('role="alert"')[2]
    said = re.sub(r"<[^>]+>", "", told.partition("</section>")[0])
    assert re.search(
        r"Lines to correct: 1.*Line 3 David Nguyen email refused: not an address", said, re.DOTALL
    )
    assert "Chloé" not in said
    assert page.index('role="alert"') < page.index("<textarea"), "before what is to be corrected"
    assert re.search(r'<td class="number">3</td><th scope="row">David Nguyen</th>', page)
    assert f"{roster}</textarea>" in page
    assert 'value="Group B"' in page
    assert not cohorts.known


def test_columns_of_a_spreadsheet_are_read(
    client: FlaskClient, csrf: dict[str, str], cohorts: FakeClass
) -> None:
    fill(client, csrf, "create", "Chloé Lefèvre\tchloe@example.org\t2003\r\n")
    (person,) = cohorts.cohort(1).people
    assert (person.display, person.email, person.id_number) == ("Chloé Lefèvre", "chloe@example.org", "2003")


def test_a_name_that_is_taken_is_said_and_nothing_is_lost(
    client: FlaskClient, csrf: dict[str, str], cohort: Cohort
) -> None:
    code, page = fill(client, csrf, "create", ROSTER, cohort.name)
    assert code == 400
    assert "exists already" in page
    assert ROSTER in page


def test_names_are_escaped(client: FlaskClient, csrf: dict[str, str]) -> None:
    _, page = fill(client, csrf, "create", "<script>alert(1)</script>", "<b>")
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert" in page


def test_links_are_shown_once_made_and_open_a_trainee_s_session(
    client: FlaskClient, csrf: dict[str, str], people: object
) -> None:
    _, page = fill(client, csrf, "create", ROSTER)
    links = re.findall(r'data-name="([^"]+)">(http://[^<]+)</code>', page)
    assert [name for name, _ in links] == ["Chloé Lefèvre", "David Nguyen", "Émilie Rousseau"]
    trainee = client.application.test_client()
    assert trainee.get(links[0][1]).status_code in {200, 302}
    assert trainee.get("/instructor").status_code == 403


def test_links_are_the_maker_s_alone(
    client: FlaskClient, csrf: dict[str, str], cohort: Cohort, enter: Enter, cohorts: FakeClass
) -> None:
    shown = client.post(f"/instructor/cohorts/{cohort.id}/links", data={"everybody": "1"}, headers=csrf)
    assert client.get(shown.location).status_code == 200
    other = Person(90, "other", "Another", "instructor")
    cohorts.people.known[other.id] = other
    assert enter(other).get(shown.location).status_code == 404


def test_links_can_be_renewed_for_some(client: FlaskClient, csrf: dict[str, str], cohort: Cohort) -> None:
    chosen = cohort.people[1]
    answer = client.post(
        f"/instructor/cohorts/{cohort.id}/links",
        data={"person": str(chosen.id)},
        headers=csrf,
        follow_redirects=True,
    )
    names = re.findall(r'data-name="([^"]+)"', answer.get_data(as_text=True))
    assert names == [chosen.display]


def test_nobody_ticked_is_said(client: FlaskClient, csrf: dict[str, str], cohort: Cohort) -> None:
    answer = client.post(f"/instructor/cohorts/{cohort.id}/links", headers=csrf)
    assert answer.status_code == 400
    assert "tick at least one" in answer.get_data(as_text=True)


def test_links_as_a_file(client: FlaskClient, csrf: dict[str, str], cohorts: FakeClass) -> None:
    cohort, _ = cohorts.create("Group C", "=cmd();eve@example.org")
    shown = client.post(f"/instructor/cohorts/{cohort.id}/links", data={"everybody": "1"}, headers=csrf)
    answer = client.get(f"{shown.location}/links.csv")
    assert answer.mimetype == "text/csv"
    head, line = answer.get_data(as_text=True).lstrip("\ufeff").splitlines()
    assert head == "name,login,email,idnumber,link"
    assert line.startswith("'=cmd()")
    assert "/login/" in line


def test_links_are_forgotten_in_time() -> None:
    now = [0.0]
    tray = Tray(lambda: now[0])
    key = tray.put(1, 2, [])
    now[0] = KEPT_S - 1
    assert tray.find(key, 1, 2) == []
    for cohort, owner in ((1, 3), (2, 2)):
        with pytest.raises(NotFoundError):
            tray.find(key, cohort, owner)
    now[0] = KEPT_S
    with pytest.raises(NotFoundError):
        tray.find(key, 1, 2)


def test_who_uses_this_machine_s_own_address_is_warned(
    client: FlaskClient, csrf: dict[str, str], cohort: Cohort
) -> None:
    shown = client.post(f"/instructor/cohorts/{cohort.id}/links", data={"everybody": "1"}, headers=csrf)
    assert "other computers cannot reach" in client.get(shown.location).get_data(as_text=True)
    away = client.get(shown.location, base_url="http://factory.example.org")
    assert away.status_code in {200, 401}
    assert "other computers cannot reach" not in away.get_data(as_text=True)


def test_a_cohort_is_archived_and_restored(client: FlaskClient, csrf: dict[str, str], cohort: Cohort) -> None:
    here = f"/instructor/cohorts/{cohort.id}"
    page = client.post(f"{here}/archive", headers=csrf, follow_redirects=True).get_data(as_text=True)
    assert "This cohort is archived" in page
    assert "Archived cohorts: 1" in client.get("/instructor").get_data(as_text=True)
    page = client.post(f"{here}/restore", headers=csrf, follow_redirects=True).get_data(as_text=True)
    assert "This cohort is archived" not in page


@pytest.mark.parametrize("path", ["/archive", "/restore", "/links"])
def test_nothing_is_done_without_the_page_s_token(client: FlaskClient, cohort: Cohort, path: str) -> None:
    answer = client.post(f"/instructor/cohorts/{cohort.id}{path}", data={"everybody": "1"})
    assert answer.status_code == 400
    assert client.post(NEW, data={"name": "x", "roster": "y", "do": "create"}).status_code == 400
