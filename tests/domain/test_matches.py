"""Matches: how firms, mailboxes, phones and words are compared, the keys people meet under, and how reasons weigh."""

from __future__ import annotations

import pytest

from app.domain.matches import LIKELY, WEIGHTS, Reason, score
from app.domain.names import (
    STRONG,
    SURNAME_ONLY,
    Firm,
    Look,
    Mailbox,
    PersonName,
    firm_words,
    fold,
    is_part_of,
    keys,
    mailbox,
    outside_value,
    phone_digits,
    skeleton,
)


def firm(name: str) -> Firm:
    return Firm(name, name, firm_words(name))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("mariya", "maria"),
        ("katherine", "catherine"),
        ("stephen", "steven"),
        ("juergen", "jurgen"),
        ("ivanov", "ivanoff"),
        ("meyer", "meier"),
        ("philip", "filip"),
        ("jack", "jak"),
    ],
)
def test_words_that_sound_alike_are_one(one, other):
    assert fold(one) == fold(other)


@pytest.mark.parametrize(("one", "other"), [("smith", "smyth"), ("schmidt", "schmitt"), ("will", "wall")])
def test_surnames_that_sound_much_alike_have_one_skeleton(one, other):
    assert skeleton(one) == skeleton(other)


@pytest.mark.parametrize(("one", "other"), [("will", "phil"), ("anna", "hanna"), ("jones", "james")])
def test_words_that_do_not_sound_alike_are_two(one, other):
    assert fold(one) != fold(other)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        pytest.param("Northgate", "Northgate, Inc.", True, id="legal form"),
        pytest.param("Goldman Sachs", "Goldman Sachs & Co. LLC", True, id="two legal forms"),
        pytest.param("J.P. Morgan", "JPMorgan", True, id="full stops and spaces"),
        pytest.param("The Carlyle Group", "Carlyle Group L.P.", True, id="article"),
        pytest.param("Calder Bank", "Calder Capital", False, id="another business"),
        pytest.param("S.A.", "S.A.", True, id="nothing but a legal form"),
    ],
)
def test_firms_are_compared_without_their_legal_form(one, other, same):
    assert (firm(one).key == firm(other).key) is same


@pytest.mark.parametrize(
    ("one", "other", "part"),
    [
        pytest.param("Northgate", "Northgate Capital Partners", True, id="house and branch"),
        pytest.param("JPMorgan", "JPMorgan Chase & Co.", True, id="short form"),
        pytest.param("Bank", "Bank of America", False, id="a common word is no name"),
        pytest.param("First National", "First National Bank of Omaha", False, id="nor are two"),
        pytest.param("Calder Bank", "Calder Capital", False, id="two branches"),
    ],
)
def test_a_firm_can_be_part_of_another(one, other, part):
    assert is_part_of(firm(one), firm(other)) is is_part_of(firm(other), firm(one)) is part
    assert not part or firm(one).stem == firm(other).stem


@pytest.mark.parametrize(
    ("phone", "digits"),
    [
        ("+1 (212) 555-0100", "125550100"),
        ("212-555-0100 ext. 12", "125550100"),
        ("+44 20 7946 0958", "079460958"),
        ("020 7946 0958", "079460958"),
        ("555-0100", "5550100"),
        ("0100", ""),
    ],
)
def test_phones_are_compared_by_their_last_digits(phone, digits):
    assert phone_digits(phone) == digits


@pytest.mark.parametrize(
    ("email", "box", "corporate"),
    [
        ("Dana.Reyes@Northgate.com", Mailbox("dana.reyes", "northgate.com"), True),
        ("dana+gifts@gmail.com", Mailbox("dana", "gmail.com"), False),
        ("dana@yahoo.co.uk", Mailbox("dana", "yahoo.co.uk"), False),
    ],
)
def test_an_address_says_whom_somebody_works_for_unless_anybody_can_have_one(email, box, corporate):
    assert (mailbox(email), mailbox(email).corporate) == (box, corporate)


def test_a_short_id_elsewhere_means_nothing():
    assert [outside_value(id) for id in ("42", " AB-4711 ")] == ["", "ab-4711"]


def roots(given: str) -> list[str]:
    return {"bob": ["robert"]}.get(given, [])


def test_people_meet_under_what_they_have_in_common():
    bob = Look(
        "rec_1",
        False,
        (PersonName("Bob Smith", "bob", ("smith",)),),
        (firm("Northgate, Inc."),),
        (mailbox("bob.smith@northgate.com"),),
        (phone_digits("212 555 0100"),),
        (("crm", "ab-4711"),),
    )
    assert keys(bob, roots) == {
        "d:northgate.com|smt|b",
        "d:northgate.com|smt|r",
        "e:bob.smith@northgate.com",
        "f:northgate|bob smith",
        "f:northgate|smt|b",
        "f:northgate|smt|r",
        "i:ab-4711",
        "p:125550100",
        "r:bp|smt",
        "r:rprt|smt",
        "s:smith|b",
        "s:smith|r",
        "w:bob smith",
    }


def test_what_says_much_sorts_before_what_says_little():
    assert all(kind < STRONG for kind in "defip")
    assert all(kind > STRONG for kind in ("r", SURNAME_ONLY, "w"))


def test_the_same_mailbox_with_anybody_is_no_firm_in_common():
    free = Look("rec_1", False, (PersonName("Dana Reyes", "dana", ("reyes",)),), (), (mailbox("dana@gmail.com"),))
    assert not [key for key in keys(free, roots) if key.startswith("d:")]


def test_keys_are_of_a_length_that_every_index_takes():
    long = "x" * 3000
    person = Look("rec_1", False, (PersonName(long, long, (long,), (long,)),), (firm(long),), (), (), (("crm", long),))
    assert max(map(len, keys(person, roots))) <= 160


# Weighing


def weighed(*codes: str) -> int:
    return score(Reason(code, "") for code in codes)


@pytest.mark.parametrize(
    ("codes", "points"),
    [
        pytest.param((), 0, id="nothing"),
        pytest.param(("same_name",), 50, id="a name"),
        pytest.param(("same_name", "same_employer", "same_email", "same_phone"), 100, id="never more than certain"),
        pytest.param(("different_first_names", "different_employers"), 0, id="never less than nothing"),
        pytest.param(("initial", "same_employer"), 60, id="an initial at one employer"),
        pytest.param(("same_name", "same_employer", "different_generation"), 35, id="father and son"),
        pytest.param(("same_name", "different_employers"), 40, id="namesakes"),
    ],
)
def test_reasons_add_up(codes, points):
    assert weighed(*codes) == points


def test_no_name_alone_outweighs_that_the_people_are_of_different_generations():
    names = [
        code for code, weight in WEIGHTS.items() if weight > 0 and ("name" in code or code in ("nickname", "spelling"))
    ]
    assert all(weighed(name, "same_employer", "different_generation") < LIKELY for name in names)


def test_the_same_reason_weighs_the_same_for_everybody():
    assert Reason("nickname", "Bob / Robert").weight == Reason("nickname", "Liz / Elizabeth").weight == 42
