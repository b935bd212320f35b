"""A read replica: files come from there, nothing that is decided does. A second database stands for one that lags."""

from __future__ import annotations

import pytest

from app.domain.access import Role
from tests.server import serving

GIFT = {
    "occurred_on": "2026-06-15",
    "kind": "gift",
    "giver": "rhea",
    "total": {"amount": "250.00", "currency": "USD"},
    "recipients": [{"name": "Ann Lee", "employer": "Northgate", "type": "institutional_employee"}],
}


@pytest.fixture
def replica_url(fresh_database, database_kind):
    url = fresh_database(database_kind)
    with serving(url):
        pass  # the default policy is put in force when a service first starts
    return url


@pytest.fixture
def server_settings(replica_url):
    return {"read_database_url": replica_url}


def test_files_come_from_the_replica_and_answers_do_not(server):
    officer = server.as_(Role.OFFICER, "olivia")
    first = officer.post("/v1/entries", json=GIFT)
    second = officer.post("/v1/entries", json=GIFT)
    assert (first.status_code, second.status_code) == (201, 201)
    person = second.json()["recipients"][0]["id"]
    # 500.00 against 300.00: the total, the case and what is left are those of the primary.
    assert [one["rule_id"] for one in second.json()["violations"]] == ["finra-3220-gifts"]
    assert len(officer.get("/v1/entries").json()["data"]) == 2
    [left] = [
        one["left"]
        for one in officer.get(f"/v1/recipients/{person}/headroom").json()["rules"]
        if one["rule_id"] == "finra-3220-gifts"
    ]
    assert left == "-200.00"
    # The file is of the replica, where nothing has arrived yet: a heading and no line.
    assert len(officer.get("/v1/entries", params={"format": "csv"}).text.splitlines()) == 1


def test_without_a_replica_files_have_what_was_just_recorded(database_url):
    with serving(database_url) as server:
        officer = server.as_(Role.OFFICER, "olivia")
        officer.post("/v1/entries", json=GIFT)
        assert len(officer.get("/v1/entries", params={"format": "csv"}).text.splitlines()) == 2
