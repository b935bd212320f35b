"""The life of a violation as values: every act in every state, every movement of recalculation, what makes it worse."""

from __future__ import annotations

from itertools import product

import pytest

from app.domain.refusals import Conflict
from app.domain.violations import (
    CLOSED,
    MOVES,
    Act,
    Figures,
    Ground,
    Movement,
    Outcome,
    State,
    ViolationDecided,
    ViolationWithdrawn,
    after,
    movement,
    why_worse,
)

# What follows an act in a state: `=` where it stays as it is, `.` where the act is not allowed.
TABLE = """
                          open       in_review  waiting_on_rep  escalated  waiting_on_second_person  decided  withdrawn
assign                    in_review  =          =               =          =                         .        .
unassign                  =          open       =               =          =                         .        .
comment                   =          =          =               =          =                         =        =
ask                    waiting_on_rep waiting_on_rep =          =          waiting_on_rep            .        .
answer                    =          =          =               =          =                         .        .
answer_last               =          =          in_review       =          =                         .        .
snooze                    =          =          =               =          .                         .        .
link                      =          =          =               =          =                         =        =
escalate                  escalated  escalated  escalated       .          escalated                 .        .
decide                    decided    decided    decided         decided    decided                   .        .
propose   waiting_on_second_person waiting_on_second_person waiting_on_second_person waiting_on_second_person =  .  .
confirm                   .          .          .               .          decided                   .        .
reopen                    .          .          .               .          .                         open     .
"""


def expected() -> dict[tuple[State, Act], State | None]:
    heading, *rows = TABLE.strip("\n").splitlines()
    states = [State(word) for word in heading.split()]
    found: dict[tuple[State, Act], State | None] = {}
    for act, *cells in (row.split() for row in rows):
        for state, cell in zip(states, cells, strict=True):
            found[state, Act(act)] = None if cell == "." else state if cell == "=" else State(cell)
    return found


@pytest.mark.parametrize(("state", "act"), list(product(State, Act)))
def test_every_act_in_every_state_leads_where_the_table_says_or_is_refused(state, act):
    following = expected()[state, act]
    if following is not None:
        assert after(state, act) is following
        return
    with pytest.raises(Conflict) as refused:
        after(state, act)
    kind = {State.WITHDRAWN: ViolationWithdrawn, State.DECIDED: ViolationDecided}.get(state)
    assert kind is None or refused.type is kind


def test_a_proposal_can_be_made_wherever_a_decision_can():
    assert all((Act.DECIDE in moves) == (Act.PROPOSE in moves) for moves in MOVES.values())


def test_a_closed_case_is_opened_by_reopening_alone():
    leaving = {(state, act) for state in CLOSED for act, then in MOVES[state].items() if then not in CLOSED}
    assert leaving == {(State.DECIDED, Act.REOPEN)}


def test_a_decision_is_reached_by_deciding_or_by_a_second_persons_word_alone():
    acts = {act for state, moves in MOVES.items() for act, then in moves.items() if then is State.DECIDED != state}
    assert acts == {Act.DECIDE, Act.CONFIRM}
    assert [state for state, moves in MOVES.items() if Act.CONFIRM in moves] == [State.WAITING_ON_SECOND_PERSON]


UNDECIDED = [State.OPEN, State.IN_REVIEW, State.WAITING_ON_REP, State.ESCALATED]
RESTED = [State.DECIDED, State.WAITING_ON_SECOND_PERSON]


@pytest.mark.parametrize(("worse", "same", "decided"), list(product([True, False], repeat=3)))
def test_what_no_longer_violates_is_withdrawn_once_and_never_deleted(worse, same, decided):
    facts = {"violates": False, "worse": worse, "same": same, "decided": decided}
    assert movement(None, **facts) is None
    for state in State:
        assert movement(state, **facts) is (None if state is State.WITHDRAWN else Movement.WITHDRAWN)


@pytest.mark.parametrize(("worse", "decided"), list(product([True, False], repeat=2)))
def test_what_violates_and_is_undecided_stays_where_it_is(worse, decided):
    assert movement(None, violates=True, worse=worse, same=False, decided=decided) is Movement.OPENED
    for state in UNDECIDED:
        assert movement(state, violates=True, worse=worse, same=False, decided=decided) is Movement.CHANGED
        assert movement(state, violates=True, worse=worse, same=True, decided=decided) is None


@pytest.mark.parametrize("state", RESTED)
def test_a_decision_holds_until_something_is_worse(state):
    assert movement(state, violates=True, worse=True, same=False, decided=True) is Movement.REOPENED
    assert movement(state, violates=True, worse=True, same=True, decided=True) is Movement.REOPENED
    assert movement(state, violates=True, worse=False, same=False, decided=True) is Movement.CHANGED
    assert movement(state, violates=True, worse=False, same=True, decided=True) is None


@pytest.mark.parametrize("same", [True, False])
def test_a_withdrawn_case_comes_back_decided_where_it_was_and_nothing_is_worse(same):
    came_back = {"violates": True, "same": same}
    assert movement(State.WITHDRAWN, worse=False, decided=True, **came_back) is Movement.RESTORED
    assert movement(State.WITHDRAWN, worse=True, decided=True, **came_back) is Movement.REOPENED
    assert movement(State.WITHDRAWN, worse=False, decided=False, **came_back) is Movement.REOPENED


DECIDED_ON = Ground(Figures(counted=100, aggregate=350, limit=300), "USD", "rhea")


def on(
    counted: int = 100, aggregate: int = 350, limit: int = 300, giver: str = "rhea", unit: str = "USD", **more: bool
) -> Ground:
    return Ground(Figures(counted, aggregate, limit), unit, giver, **more)


@pytest.mark.parametrize(
    ("now", "outcome", "why"),
    [
        pytest.param(on(), Outcome.CONFIRMED, None, id="the same"),
        pytest.param(on(aggregate=349), Outcome.CONFIRMED, None, id="less over"),
        pytest.param(on(counted=60, aggregate=310), Outcome.WAIVED, None, id="less of it counts"),
        pytest.param(on(aggregate=550, limit=500), Outcome.WAIVED, None, id="as much over another limit"),
        pytest.param(on(aggregate=351), Outcome.CONFIRMED, "more is over the limit", id="more over"),
        pytest.param(on(limit=299), Outcome.NO_VIOLATION, "more is over the limit", id="a lower limit"),
        pytest.param(on(counted=101), Outcome.DUPLICATE, "more of this entry counts", id="more of it counts"),
        pytest.param(on(aggregate=310, giver="ravi"), Outcome.CONFIRMED, "the giver is another", id="another giver"),
        pytest.param(on(1, 3, 2, unit="count"), Outcome.CONFIRMED, "adds up something else", id="times, not money"),
        pytest.param(on(90, 310, 300, unit="EUR"), Outcome.CONFIRMED, "adds up something else", id="another currency"),
        pytest.param(on(waivable=False), Outcome.WAIVED, "a regulator's", id="waived, and now a regulator's rule"),
        pytest.param(on(waivable=False), Outcome.CONFIRMED, None, id="confirmed under what is now a regulator's rule"),
        pytest.param(on(covered=False), Outcome.NO_VIOLATION, "the exemption", id="outside the exemption"),
    ],
)
def test_a_decision_says_why_it_no_longer_holds(now, outcome, why):
    found = why_worse(DECIDED_ON, now, outcome)
    assert (found is None) == (why is None)
    assert why is None or why in found
