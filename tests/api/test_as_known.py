"""As it was known: every answer can be had as it was at a moment, proof included."""

from __future__ import annotations

from tests.api.test_corrections import gift, gifts_rule, open_violations, post, recorded
from tests.api.test_identity import DANA_AGAIN, person_of


def test_what_was_known_before_a_correction_is_still_known(rep, officer, server):
    first = recorded(rep, gift("200.00", "2026-05-04"))
    second = recorded(rep, gift("150.00", "2026-05-05"))
    [case] = second["violations"]
    dana = first["recipients"][0]["id"]
    before = server.clock.now.isoformat().replace("+00:00", "Z")
    server.clock.forward(days=1)
    reduced = {"total": {"amount": "120.00", "currency": "USD"}}
    post(rep, f"/v1/entries/{first['id']}/amendments", {"reason": "receipt", "set": reduced}, 1)

    def known(path, **more):
        now, then = officer.get(path, params=more), officer.get(path, params={"as_of": _after(before), **more})
        assert (now.status_code, then.status_code) == (200, 200), (now.text, then.text)
        return now.json(), then.json()

    now, then = known(f"/v1/entries/{first['id']}")
    assert [(one["version"], gifts_rule(one)["aggregate"]) for one in (now, then)] == [(2, "120.00"), (1, "200.00")]
    now, then = known("/v1/entries")
    assert [[one["total"]["amount"] for one in page["data"]] for page in (now, then)] == [
        ["150.00", "120.00"],
        ["150.00", "200.00"],
    ]
    now, then = known("/v1/violations", state="open")
    assert [[one["aggregate"] for one in page["data"]] for page in (now, then)] == [[], ["350.00"]]
    now, then = known(f"/v1/violations/{case['id']}")
    assert [one["state"] for one in (now, then)] == ["withdrawn", "open"]
    now, then = known(f"/v1/violations/{case['id']}/proof")
    assert [(one["assessment"]["aggregate"], one["agrees"]) for one in (now, then)] == [
        ("270.00", True),
        ("350.00", True),
    ]
    now, then = known(f"/v1/recipients/{dana}/headroom", on="2026-05-05")
    assert [one["rules"][0]["left"] for one in (now, then)] == ["30.00", "-50.00"]
    now, then = known(f"/v1/recipients/{dana}/statement", period="2026")
    assert [[line["aggregate"] for line in one["rules"][0]["lines"]] for one in (now, then)] == [
        ["120.00", "270.00"],
        ["200.00", "350.00"],
    ]
    assert [one["rules"][0]["counted"] for one in (now, then)] == ["270.00", "350.00"]
    assert officer.get(f"/v1/entries/{first['id']}", params={"as_of": "2020-01-01T00:00:00Z"}).status_code == 404


def headroom(officer, recipient_id, **more):
    answer = officer.get(f"/v1/recipients/{recipient_id}/headroom", params={"on": "2026-05-10", **more})
    assert answer.status_code == 200, answer.text
    gifts = [one for one in answer.json()["rules"] if one["rule_id"] == "finra-3220-gifts"]
    return answer.json()["recipient_id"], [one["left"] for one in gifts]


def a_day_later(server):
    """A moment after all that has happened, with nothing for a day."""
    now = server.clock.now.isoformat().replace("+00:00", "Z")
    server.clock.forward(days=1)
    return _after(now)


def test_headroom_knows_who_was_one_person_at_the_time(rep, officer, server):
    dana = person_of(recorded(rep, gift("200.00", "2026-05-04")))
    again = person_of(recorded(rep, gift("150.00", "2026-05-05", DANA_AGAIN)))
    two = a_day_later(server)
    made = post(officer, f"/v1/recipients/{dana}/merges", {"recipient_id": again, "reason": "x"}).json()["merge"]["id"]
    assert headroom(officer, again) == (dana, ["-50.00"])
    assert headroom(officer, again, as_of=two) == (again, ["150.00"])
    assert headroom(officer, dana, as_of=two) == (dana, ["100.00"])
    one = a_day_later(server)
    assert officer.delete(f"/v1/merges/{made}", params={"reason": "two after all"}).status_code == 200
    assert headroom(officer, again) == (again, ["150.00"])
    assert headroom(officer, again, as_of=one) == (dana, ["-50.00"])


def test_headroom_knows_what_people_were_taken_to_be_at_the_time(rep, officer, server):
    dana = person_of(recorded(rep, gift("200.00", "2026-05-04")))
    moments = []
    for version, (type, since) in enumerate(
        [("retail_customer", "2026-05-08"), ("official", "2026-05-08"), ("retail_customer", "2026-01-01")], start=1
    ):
        moments.append(a_day_later(server))
        body = {"type": type, "effective_from": since, "reason": "found out"}
        changed = officer.patch(f"/v1/recipients/{dana}", json=body, headers={"If-Match": f'"v{version}"'})
        assert changed.status_code == 200, changed.text
    moments.append(a_day_later(server))
    left = [headroom(officer, dana, as_of=moment)[1] for moment in moments]
    # The rule leaves retail customers out. The last change holds until the day from which she is an official.
    assert left == [["100.00"], [], ["100.00"], ["100.00"]]
    assert headroom(officer, dana)[1] == left[-1]


def _after(moment):
    """A second later: several records of one moment follow each other by microseconds."""
    return moment.replace(":00Z", ":01Z")


def test_a_bad_moment_is_refused(officer):
    for moment in ("yesterday", "2026-05-05", "2026-05-05T10:00:00", "2026-13-05T10:00:00Z"):
        answer = officer.get("/v1/entries", params={"as_of": moment})
        assert (answer.status_code, answer.json()["code"]) == (400, "invalid_parameter"), moment


def test_an_approval_is_a_second_persons_and_falls_when_the_entry_changes(rep, officer, second_officer):
    entry = recorded(officer, gift("20.00"))
    own = post(officer, f"/v1/entries/{entry['id']}/approvals", {"note": "fine"}, 1)
    assert (own.status_code, own.json()["code"]) == (403, "self_review")
    given = post(second_officer, f"/v1/entries/{entry['id']}/approvals", {"note": "receipt seen"}, 1)
    assert given.status_code == 201, given.text
    assert given.json()["approval"]["note"] == "receipt seen"
    again = post(second_officer, f"/v1/entries/{entry['id']}/approvals", {"note": "twice"}, 1)
    assert (again.status_code, again.json()["code"]) == (409, "not_approvable")
    post(officer, f"/v1/entries/{entry['id']}/amendments", {"reason": "x", "set": {"venue": "Club"}}, 1)
    assert officer.get(f"/v1/entries/{entry['id']}").json().get("approval") is None
    actions = [one["action"] for one in officer.get("/v1/audit/records?limit=200").json()["data"]]
    assert actions[-3:] == ["approval.given", "entry.amended", "approval.fell"]
    assert open_violations(officer) == []
