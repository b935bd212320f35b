"""Rates: so many requests a minute, spent at once or evenly, and never more than that in any minute."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from app.domain.rates import Bucket
from app.services.rates import Rates

NOON = datetime(2026, 6, 15, 12, tzinfo=UTC)


def test_what_was_not_used_is_there_at_once_and_comes_back_evenly():
    bucket = Bucket.full(6, NOON)
    assert [bucket.take(NOON)[:2] for _ in range(7)] == [(True, left) for left in (5, 4, 3, 2, 1, 0)] + [(False, 0)]
    assert bucket.take(NOON).wait_s == 10
    assert bucket.take(NOON + timedelta(seconds=9.5)) == (False, 0, 1)
    assert bucket.take(NOON + timedelta(seconds=10)).allowed
    assert not bucket.take(NOON + timedelta(seconds=10)).allowed
    assert bucket.take(NOON + timedelta(hours=9)).left == 5, "nothing is saved up"


@given(st.integers(1, 50), st.lists(st.integers(0, 20_000), max_size=200))
def test_no_minute_has_more_than_twice_and_whoever_waits_may_go_on(a_minute: int, pauses: list[int]):
    """A bucket lets through what it holds and what flows in meanwhile: at most twice the rate in one minute."""
    bucket, now, let = Bucket.full(a_minute, NOON), NOON, []
    for pause in pauses:
        now += timedelta(milliseconds=pause)
        taken = bucket.take(now)
        if taken.allowed:
            let.append(now)
        else:
            assert Bucket(a_minute, bucket.empty_until).take(now + timedelta(seconds=taken.wait_s)).allowed
    for start in let:
        assert sum(start <= one < start + timedelta(minutes=1) for one in let) <= 2 * a_minute


def test_everybody_has_a_bucket_and_the_longest_silent_is_forgotten(monkeypatch):
    monkeypatch.setattr("app.services.rates._MOST", 2)
    rates = Rates(1)
    assert [rates.take(who, NOON).allowed for who in ("a", "b", "a", "c")] == [True, True, False, True]
    assert rates.take("a", NOON).allowed is False, "b was silent for longest"
    assert rates.take("b", NOON).allowed
