"""Users: added, changed, made inactive by administrators; what their keys allow; who decides what was escalated."""

from __future__ import annotations

from typing import Any

import pytest

from app.domain.access import Role
from app.services import access
from tests.api.reviewing import (
    CONFIRMED,
    WAIVED,
    act,
    done,
    gift,
    over_the_gift_limit,
    over_the_meal_limit,
    post,
    refused,
)
from tests.server import Caller, Server

MONEY = {"amount": "500.00", "currency": "USD"}


def user_of(admin: Caller, person: str = "uma", **more: Any) -> dict[str, Any]:
    body = {"person": person, "name": person.title(), "role": "rep", **more}
    reply = admin.post("/v1/users", json=body)
    assert reply.status_code == 201, reply.text
    made: dict[str, Any] = reply.json()
    assert reply.headers["location"] == f"/v1/users/{made['id']}"
    return made


def changed(admin: Caller, user: dict[str, Any], **what: Any) -> Any:
    return admin.patch(f"/v1/users/{user['id']}", json=what, headers={"If-Match": f'"v{user["version"]}"'})


def key_of(admin: Caller, person: str, role: str = "rep", **more: Any) -> Any:
    return admin.post("/v1/keys", json={"name": "key", "role": role, "person": person, **more})


def test_a_user_is_added_read_listed_and_changed(admin: Caller, officer: Caller):
    made = user_of(admin, "uma", role="officer", email="Uma@firm.example", waiver_limit=MONEY)
    assert (made["version"], made["active"], made["waiver_limit"]) == (1, True, MONEY)
    assert admin.get(f"/v1/users/{made['id']}").json() == made
    assert admin.get("/v1/users", params={"person": "UMA"}).json()["data"] == [made]
    assert admin.get("/v1/users", params={"role": "rep"}).json()["data"] == []
    after = changed(admin, made, name="Uma Upton", waiver_limit=None).json()
    assert (after["version"], after["name"], after["waiver_limit"]) == (2, "Uma Upton", None)
    assert after["email"] == "Uma@firm.example"
    records = officer.get("/v1/audit/records", params={"entity_id": made["id"]}).json()["data"]
    assert [(one["action"], one["actor"]) for one in records] == [("user.created", "ada"), ("user.changed", "ada")]


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"person": "UMA"}, 409, "person_taken"),
        ({"person": "vera", "email": "UMA@FIRM.example"}, 409, "email_taken"),
        ({"person": "ADA"}, 409, "person_spelled_otherwise"),
        ({"person": "vera", "waiver_limit": MONEY}, 422, "waiver_limit_not_theirs"),
        ({"person": "ada", "role": "officer", "waiver_limit": MONEY}, 403, "own_waiver_limit"),
        ({"person": "vera", "role": "king"}, 422, "invalid_body"),
    ],
)
def test_a_user_that_cannot_be_is_refused(admin: Caller, body, status, code):
    user_of(admin, "uma", email="uma@firm.example")
    reply = admin.post("/v1/users", json={"name": "Vera", "role": "rep", **body})
    assert (reply.status_code, reply.json()["code"]) == (status, code)
    assert len(admin.get("/v1/users").json()["data"]) == 1


def test_a_change_that_cannot_be_is_refused(admin: Caller):
    uma, vera = (
        user_of(admin, "uma", role="officer", waiver_limit=MONEY),
        user_of(admin, "vera", email="v@firm.example"),
    )
    own = user_of(admin, "ada", role="admin")
    refused = [
        (changed(admin, uma, role="rep"), 422, "waiver_limit_not_theirs"),
        (changed(admin, uma, email="V@firm.example"), 409, "email_taken"),
        (changed(admin, uma, role=None), 422, "null_refused"),
        (changed(admin, uma, name="Uma"), 422, "nothing_changes_on_user"),
        (changed(admin, uma | {"version": 2}, name="X"), 412, "user_changed"),
        (changed(admin, own, active=False), 403, "own_user"),
        (changed(admin, own, role="officer"), 403, "own_user"),
        (changed(admin, own, waiver_limit=MONEY), 403, "own_user"),
    ]
    assert [(one.status_code, one.json()["code"]) for one, *_ in refused] == [
        (status, code) for _, status, code in refused
    ]
    assert admin.get(f"/v1/users/{uma['id']}").json() == uma
    assert admin.get(f"/v1/users/{vera['id']}").json() == vera
    assert admin.patch(f"/v1/users/{uma['id']}", json={"name": "X"}).status_code == 428
    assert changed(admin, own, name="Ada A.").status_code == 200


# Keys of users


def test_a_key_of_somebody_who_left_opens_nothing_until_they_come_back(server: Server, admin: Caller):
    uma = user_of(admin, "uma")
    caller = server.as_(Role.REP, "uma")
    me = caller.get("/v1/me").json()
    assert (me["id"], me["user_id"]) == (caller.key_id, uma["id"])
    gone = changed(admin, uma, active=False).json()
    assert caller.get("/v1/me").status_code == 401
    assert caller.post("/v1/entries", json=gift("10.00", "2026-05-04")).status_code == 401
    assert key_of(admin, "uma").json()["code"] == "user_inactive"
    assert changed(admin, gone, active=True).status_code == 200
    assert caller.get("/v1/me").status_code == 200


def test_a_key_never_allows_more_than_its_user_may(server: Server, admin: Caller, rep: Caller):
    uma = user_of(admin, "uma", role="officer", waiver_limit=MONEY)
    for role in ("admin", "senior_officer"):
        assert key_of(admin, "uma", role).json()["code"] == "beyond_user"
    assert key_of(admin, "Uma", "rep").json()["code"] == "beyond_user"
    assert key_of(admin, "uma", "rep").status_code == 201
    caller = server.as_(Role.OFFICER, "uma", waiver=(90_000, "USD"))
    assert caller.get("/v1/violations").status_code == 200
    assert caller.get("/v1/me").json()["waiver_limit"] == MONEY, "the lower of the two"
    lower = changed(admin, uma, role="rep", waiver_limit=None).json()
    me = caller.get("/v1/me").json()
    assert me["waiver_limit"] is None
    assert set(me["permissions"]) == set(rep.get("/v1/me").json()["permissions"])
    assert caller.get("/v1/audit/records").json()["code"] == "role_forbids"
    assert lower["role"] == "rep"


def test_a_user_is_a_principal_however_they_sign_in(server: Server, admin: Caller):
    uma = user_of(admin, "uma", role="officer", waiver_limit=MONEY)
    with server.desk.database.reading() as connection:
        who = access.principal_of_user(connection, server.desk, uma["id"])
        assert access.principal_of_user(connection, server.desk, "usr_none") is None
    assert who is not None
    assert (who.id, who.person, who.role, who.waiver_minor) == (uma["id"], "uma", Role.OFFICER, 50_000)
    changed(admin, uma, active=False)
    with server.desk.database.reading() as connection:
        assert access.principal_of_user(connection, server.desk, uma["id"]) is None


# Senior officers


def test_what_was_escalated_is_decided_by_a_senior_officer(server: Server, rep: Caller, officer: Caller):
    senior = server.as_(Role.SENIOR_OFFICER, "selma")
    case = over_the_gift_limit(rep)
    up = done(act(officer, case, "escalation", {"reason": "a pattern"}))
    refused(act(officer, up, "dispositions", CONFIRMED), 403, "escalated")
    assert done(act(senior, up, "dispositions", CONFIRMED))["state"] == "decided"


def test_a_senior_officers_proposal_does_not_hand_what_was_escalated_back(
    server: Server, rep: Caller, officer: Caller, second_officer: Caller
):
    senior = server.as_(Role.SENIOR_OFFICER, "selma")
    case = done(act(officer, over_the_meal_limit(rep), "escalation", {"reason": "a pattern"}))
    case = done(act(senior, case, "dispositions", WAIVED))
    assert case["state"] == "waiting_on_second_person"
    refused(act(officer, case, "dispositions", CONFIRMED), 403, "escalated")
    asked = done(act(officer, case, "questions", {"text": "why?", "due_on": "2026-06-22"}))
    done(post(rep, f"/v1/questions/{asked['id']}/answer", {"text": "so"}, asked["violation_version"]))
    case = done(officer.get(f"/v1/violations/{case['id']}"))
    assert case["state"] == "in_review"
    refused(act(officer, case, "dispositions", CONFIRMED), 403, "escalated")
    case = done(act(senior, case, "dispositions", CONFIRMED))
    again = done(act(officer, case, "reopenings", {"reason": "another receipt"}))
    done(act(second_officer, again, "dispositions", CONFIRMED))
