"""Who may judge what: nobody their own, nobody both persons of two, and what an officer may waive alone."""

from __future__ import annotations

from datetime import date
from itertools import product

import pytest

from app.domain.entries import Direction, Entry, Kind, Listed
from app.domain.money import Currency
from app.domain.reviews import (
    Named,
    SelfConfirmation,
    SelfReview,
    involved,
    may_waive_alone,
    require_impartial,
    require_second_person,
)

USD = Currency("USD", 2)


def entry(giver: str = "rhea", hosts: tuple[str, ...] | None = None) -> Entry:
    listed = (Listed("rec_1", "emp_1", "institutional_employee"),)
    return Entry("ent_1", 1, date(2026, 5, 4), Kind.MEAL, Direction.GIVEN, giver, 10000, USD, listed, True, hosts)


DANA = Named("rec_1", "Dana Reyes", "dana@example.com", (("crm", "007"), ("hr", "dana")))

# How somebody can have to do with what is to be judged: the relation, and everybody involved then.
RELATIONS = {
    "submitted": involved(entry(), "olivia", [DANA]),
    "gave": involved(entry(giver="olivia"), "rhea", [DANA]),
    "hosted": involved(entry(hosts=("rhea", "olivia")), "rhea", [DANA]),
    "received, as personnel": involved(entry(), "rhea", [Named("rec_2", "O. Officer", None, (("hr", "olivia"),))]),
    "received, by name": involved(entry(), "rhea", [Named("rec_2", "olivia")]),
    "received, by mail": involved(entry(), "rhea", [Named("rec_2", "O. Officer", "olivia")]),
    "received, by record": involved(entry(), "rhea", [Named("olivia", "O. Officer")]),
}
STRANGER = involved(entry(), "rhea", [DANA, Named("rec_3", "Olive", "olive@example.com", (("crm", "olivia"),))])


@pytest.mark.parametrize(("relation", "spelling"), list(product(RELATIONS, ["olivia", "Olivia", " OLIVIA "])))
def test_nobody_judges_what_they_have_to_do_with_however_they_are_spelt(relation, spelling):
    with pytest.raises(SelfReview):
        require_impartial(spelling, RELATIONS[relation])


def test_somebody_else_judges_it():
    require_impartial("olivia", STRANGER)
    for person in RELATIONS.values():
        require_impartial("oscar", person)


@pytest.mark.parametrize(("first", "second"), list(product(["olivia", "oscar", "Olivia"], repeat=2)))
def test_two_persons_are_two_whatever_keys_they_use(first, second):
    if first.casefold() == second.casefold():
        with pytest.raises(SelfConfirmation):
            require_second_person(second, first)
    else:
        require_second_person(second, first)


@pytest.mark.parametrize(
    ("over_by", "currency", "limit", "alone"),
    [
        pytest.param(5000, "USD", 5000, True, id="up to the own amount"),
        pytest.param(5001, "USD", 5000, False, id="a cent above it"),
        pytest.param(0, "USD", 0, False, id="nothing was granted"),
        pytest.param(0, "USD", 1, True, id="nothing over, under a rule that forbids the limit itself"),
        pytest.param(1, "EUR", 5000, False, id="another currency"),
        pytest.param(1, None, 5000, False, id="a number of events"),
    ],
)
def test_an_officer_waives_up_to_the_own_amount_alone(over_by, currency, limit, alone):
    assert may_waive_alone(over_by, currency, own_limit=limit, own_currency="USD") is alone
