"""As it was known: every answer can be had as it was at a moment, proof included."""

from __future__ import annotations

from tests.api.test_corrections import gift, gifts_rule, open_violations, post, recorded


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
