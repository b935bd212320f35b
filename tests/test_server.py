"""The server that all HTTP tests share: its clock, its cast, and what is left when one test ends and another begins."""

from __future__ import annotations

from datetime import date, timedelta

import httpx
import pytest

from tests.server import TODAY, Clock, Server, serving


def test_everybody_of_the_cast_is_known_by_role_and_name(
    officer, second_officer, rep, other_rep, supervisor, auditor, admin, integration
):
    cast = (officer, second_officer, rep, other_rep, supervisor, auditor, admin, integration)
    said = [(caller.get("/v1/me").json()["role"], caller.get("/v1/me").json()["person"]) for caller in cast]
    assert said == [(caller.role, caller.person) for caller in cast]
    assert len({caller.key_id for caller in cast}) == len(cast)


def test_nobody_without_a_key_is_served(server: Server):
    assert server.stranger().get("/v1/me").status_code == 401
    assert server.stranger("prp_nonsense").get("/v1/me").status_code == 401


def test_a_key_lasts_as_long_as_the_clock_says(server: Server, clock: Clock):
    caller = server.as_("rep", "rhea", lifetime=timedelta(days=1))
    clock.forward(hours=23)
    assert caller.get("/v1/me").status_code == 200
    clock.forward(hours=1)
    assert caller.get("/v1/me").status_code == 401


@pytest.mark.parametrize("day", [date(2026, 1, 1), date(2026, 7, 1), date(2031, 12, 31)])
def test_it_is_the_day_that_the_clock_was_moved_to(server: Server, clock: Clock, day: date):
    assert server.desk.today() == TODAY
    clock.noon_of(day)
    assert server.desk.today() == clock.today == day


@pytest.mark.sqlite
def test_two_servers_at_once_have_nothing_in_common(fresh_database):
    with (
        serving(fresh_database("sqlite")) as one,
        serving(fresh_database("sqlite"), clock=Clock(date(2027, 1, 1))) as other,
    ):
        assert one.app is not other.app
        assert one.desk.today() != other.desk.today()
        caller = one.as_("rep", "rhea")
        assert caller.get("/v1/me").status_code == 200
        assert other.stranger(caller.key).get("/v1/me").status_code == 401


@pytest.mark.sqlite
def test_one_server_after_the_other_knows_nothing_of_it(fresh_database):
    with serving(fresh_database("sqlite"), future_days=7) as one:
        key, address, settings = one.as_("rep", "rhea").key, one.url, one.desk.settings
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{address}/health/live")
    with serving(fresh_database("sqlite"), future_days=8) as other:
        assert other.desk.settings.future_days == 8
        assert settings.future_days == 7
        assert other.stranger(key).get("/v1/me").status_code == 401


@pytest.mark.sqlite
def test_a_server_that_cannot_start_says_so(fresh_database):
    with (
        pytest.raises(RuntimeError, match="did not start"),
        serving(fresh_database("sqlite", migrated=False)),
    ):
        pass
