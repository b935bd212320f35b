"""Proposed entries: kept without loss, brought up to date without losing what a person said, complete or not."""

from __future__ import annotations

import json
from dataclasses import fields
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.drafts import (
    DraftIncomplete,
    ProposedEntry,
    brought_up_to_date,
    differences,
    fitted,
    from_document,
    to_document,
)
from app.domain.entries import Direction, DraftPerson, Kind, Value
from app.domain.money import Currency
from app.domain.recipients import Named

TEXT = st.text(st.characters(exclude_categories=["C"]), max_size=20)
NAMES = st.builds(
    Named,
    id=st.none() | TEXT,
    source=st.none() | TEXT,
    external_id=st.none() | TEXT,
    name=st.none() | TEXT,
    email=st.none() | TEXT,
    type=st.none() | TEXT,
)
SOMEBODY = NAMES.filter(lambda one: any(getattr(one, field.name) for field in fields(one)))
PEOPLE = st.builds(DraftPerson, NAMES, guest_of=st.none() | SOMEBODY, share=st.none() | st.integers(0, 10**9))
MONEY = st.one_of(
    st.just((None, None)),
    st.tuples(st.integers(1, 10**12), st.sampled_from([Currency("USD", 2), Currency("JPY", 0)])),
)
DAYS = st.none() | st.dates(date(2000, 1, 1), date(2030, 1, 1))


@st.composite
def proposals(draw: st.DrawFn) -> ProposedEntry:
    total, currency = draw(MONEY)
    return ProposedEntry(
        occurred_on=draw(DAYS),
        kind=draw(st.none() | st.sampled_from(Kind)),
        direction=draw(st.sampled_from(Direction)),
        giver=draw(TEXT),
        total=total,
        currency=currency,
        people=tuple(draw(st.lists(PEOPLE, max_size=3))),
        hosts_present=draw(st.none() | st.booleans()),
        hosts=draw(st.none() | st.lists(TEXT, max_size=2).map(tuple)),
        hosts_share=draw(st.integers(0, 100)),
        flags=draw(st.frozensets(st.sampled_from(["promotional", "unnamed_group"]))),
        facts=tuple(draw(st.lists(st.sampled_from([("logo", True), ("agreement_on", date(2026, 1, 5))]), max_size=2))),
        value=draw(st.builds(Value, tax=st.integers(0, 9), face=st.none() | st.integers(0, 9))),
        preapproved_on=draw(DAYS),
        purpose=draw(TEXT),
        venue=draw(TEXT),
    )


@given(proposals())
def test_nothing_is_lost_on_the_way_through_json(one: ProposedEntry):
    assert from_document(json.loads(json.dumps(to_document(one)))) == one


@given(proposals(), proposals(), proposals())
def test_what_a_person_changed_stays_and_everything_else_follows_the_source(now, before, latest):
    after = brought_up_to_date(now, before, latest)
    touched = differences(now, before)
    assert set(differences(after, latest)) <= set(touched)
    assert set(differences(after, now)).isdisjoint(touched)


@given(proposals(), proposals())
def test_a_draft_that_nobody_touched_is_what_its_source_says(before, latest):
    assert brought_up_to_date(before, before, latest) == latest
    assert brought_up_to_date(before, latest, latest) == before


@given(proposals())
def test_a_proposal_is_an_entry_when_nothing_is_missing_and_only_then(one: ProposedEntry):
    if one.missing:
        with pytest.raises(DraftIncomplete) as refused:
            one.draft()
        assert [fault.pointer for fault in refused.value.faults] == [f"/{name}" for name in one.missing]
    else:
        draft = one.draft()
        assert (draft.total, draft.occurred_on, draft.people) == (one.total, one.occurred_on, one.people)


@pytest.mark.parametrize(
    ("one", "missing"),
    [
        pytest.param(ProposedEntry(), ("occurred_on", "kind", "total", "recipients"), id="everything"),
        pytest.param(
            ProposedEntry(kind=Kind.MEAL), ("occurred_on", "total", "hosts_present", "recipients"), id="hosts"
        ),
        pytest.param(
            ProposedEntry(kind=Kind.GIFT, flags=frozenset({"unnamed_group"})), ("occurred_on", "total"), id="a group"
        ),
    ],
)
def test_what_is_missing(one: ProposedEntry, missing: tuple[str, ...]):
    assert one.missing == missing


@given(st.text(max_size=300))
def test_whatever_a_system_writes_can_be_kept(text: str):
    one = fitted(ProposedEntry(people=(DraftPerson(Named(name=text, email=text)),), purpose=text, venue=text))
    assert fitted(one) == one
    json.dumps(to_document(one)).encode().decode()
    assert all(letter.isprintable() for letter in one.purpose + one.venue)
