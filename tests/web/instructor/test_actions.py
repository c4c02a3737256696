"""Actions: parsed, done to every lab that was asked, answered lab by lab, with the way back."""

from typing import Any

import pytest
from flask.testing import FlaskClient

from lab.training.contract import (
    Action,
    Extend,
    Inject,
    Mend,
    Pause,
    Reset,
    Resume,
    Row,
    Start,
    Stop,
    Strike,
)
from tests.web.instructor.fake_class import FakeClassroom
from web.instructor.actions import undo

ACT = "/instructor/act"


def act(client: FlaskClient, csrf: dict[str, str], sittings: list[Any], action: Any) -> tuple[int, Any]:
    answer = client.post(ACT, json={"sittings": sittings, "action": action}, headers=csrf)
    return answer.status_code, answer.get_json()


@pytest.mark.parametrize(
    ("sent", "meant", "back"),
    [
        (
            {"do": "fault", "asset": "pump", "mode": "wear", "severity": 0.4},
            Inject("pump", "wear", 0.4),
            Mend("pump", "wear"),
        ),
        ({"do": "mend"}, Mend(), None),
        ({"do": "attack", "attack": "rogue_scan"}, Strike("rogue_scan"), None),
        ({"do": "pause"}, Pause(), Resume()),
        ({"do": "resume"}, Resume(), Pause()),
        ({"do": "extend", "minutes": 30}, Extend(30), Extend(-30)),
        ({"do": "reset", "what": "checkpoint"}, Reset("checkpoint"), None),
        ({"do": "stop"}, Stop(), Start()),
        ({"do": "start"}, Start(), None),
    ],
)
def test_every_action_reaches_every_lab(
    client: FlaskClient,
    csrf: dict[str, str],
    classroom: FakeClassroom,
    rows: list[Row],
    sent: dict[str, Any],
    meant: Action,
    back: Action | None,
) -> None:
    numbers = [row.sitting for row in rows]
    code, answer = act(client, csrf, [*numbers, numbers[0]], sent)
    assert code == 200
    assert classroom.asked == [(numbers, meant)]
    assert [(r["sitting"], r["ok"]) for r in answer["results"]] == [(n, True) for n in numbers]
    assert undo(meant) == back
    assert (answer["undo"] is None) == (back is None)
    if answer["undo"] is not None:
        assert act(client, csrf, numbers, answer["undo"])[0] == 200
        assert classroom.asked[-1] == (numbers, back)


def test_one_failure_stops_nobody_and_is_named(
    client: FlaskClient, csrf: dict[str, str], classroom: FakeClassroom, rows: list[Row]
) -> None:
    numbers = [row.sitting for row in rows]
    act(client, csrf, [numbers[1]], {"do": "stop"})
    _, answer = act(client, csrf, numbers, {"do": "pause"})
    assert [result["ok"] for result in answer["results"]] == [True, False, True]
    assert answer["results"][1]["said"] == "the lab does not run; start it"


@pytest.mark.parametrize(
    ("sittings", "action", "named"),
    [
        ([], {"do": "pause"}, "sittings"),
        ([1], {"do": "explode"}, "explode"),
        ([1], {"do": "fault", "asset": "pump", "mode": "wear", "severity": 2}, "severity"),
        ([1], {"do": "extend", "minutes": 1e9}, "minutes"),
        ([1], {"do": "reset", "what": "everything"}, "what"),
        ([1], {"do": "pause", "really": True}, "really"),
        (["one"], {"do": "pause"}, "sittings"),
    ],
)
def test_a_wrong_order_is_refused_with_the_reason(
    client: FlaskClient,
    csrf: dict[str, str],
    classroom: FakeClassroom,
    sittings: list[Any],
    action: Any,
    named: str,
) -> None:
    code, answer = act(client, csrf, sittings, action)
    assert code == 400
    assert named in answer["error"]
    assert not classroom.asked


def test_an_order_needs_the_page_s_token(
    client: FlaskClient, classroom: FakeClassroom, rows: list[Row]
) -> None:
    assert act(client, {}, [row.sitting for row in rows], {"do": "stop"})[0] == 400
    assert not classroom.asked


def test_a_trainee_gives_no_orders(alice: FlaskClient, classroom: FakeClassroom, rows: list[Row]) -> None:
    alice.application.config["WTF_CSRF_ENABLED"] = False
    assert act(alice, {}, [rows[0].sitting], {"do": "stop"})[0] == 403
    assert not classroom.asked
