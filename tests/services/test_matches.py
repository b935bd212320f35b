"""Matches: which names can be one person's and which must not be, whichever stands first."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as some

from app.domain.matches import LIKELY, score
from app.domain.names import SURNAME_ONLY, Look
from app.services import names


def look(id: str, name: str, employer: str | None = "Northgate", **more: object) -> Look:
    type = str(more.pop("type", "institutional_employee"))
    return names.look(id, type, [name], employers=[(employer, employer)], **more)  # type: ignore[arg-type]


def codes(one: Look, other: Look) -> list[str]:
    return [reason.code for reason in names.compare(one, other)]


def meets(one: Look, other: Look) -> bool:
    """Whether the whole list proposes the two to be compared."""
    return any(not key.startswith(SURNAME_ONLY) for key in names.keys_of(one) & names.keys_of(other))


@pytest.mark.parametrize(
    ("one", "other", "code"),
    [
        ("Robert Smith", "Robert Smith", "same_name"),
        ("robert  SMITH", "Robert Smith", "same_name"),
        ("Dr. Robert Smith, CFA", "Robert Smith", "same_name"),
        ("Smith, Robert J.", "Robert Smith", "same_name"),
        ("Robert James Smith", "Robert J. Smith", "same_name"),
        ("J. Robert Smith", "Robert Smith", "same_name"),
        ("Prince Okafor", "Okafor, Prince", "same_name"),
        ("Bob Smith", "Robert Smith", "nickname"),
        ("Bill Jones", "William Jones", "nickname"),
        ("Liz Brown", "Elizabeth Brown", "nickname"),
        ("Liz Brown", "Beth Brown", "nickname"),
        ('Robert "Bob" Smith', "Bob Smith", "same_name"),
        ("Bob Smith Jr.", "Robert Smith Jr.", "nickname"),
        ("D. Reyes", "Dana Reyes", "initial"),
        ("R. Smith", "Bob Smith", "initial"),
        ("J.R. Smith", "John R. Smith", "initial"),
        ("José García", "Jose Garcia", "transliterated_name"),
        ("Мария Иванова", "Maria Ivanova", "transliterated_name"),
        ("Сергей Иванов", "Sergei Ivanov", "transliterated_name"),
        ("王伟", "Wang Wei", "word_order"),
        ("Jürgen Müller", "Juergen Mueller", "transliterated_name"),
        ("Smith Robert", "Robert Smith", "word_order"),
        ("Nguyễn Văn An", "An Van Nguyen", "word_order"),
        ("Katherine Meyer", "Catherine Meier", "spelling"),
        ("Stephen Clark", "Steven Clark", "spelling"),
        ("Aleksandr Petrov", "Alexander Petrov", "spelling"),
        ("Anna Smith-Jones", "Anna Smith", "surname_part"),
        ("Anna Smith-Jones", "Anna Jones", "surname_part"),
        ("Mary Smith née Jones", "Mary Jones", "surname_part"),
        ("Juan de la Vega", "Juan Vega", "same_name"),
        ("Jonh Smith", "John Smith", "similar_name"),
        ("Dana Rayes", "Dana Reyes", "similar_name"),
        ("Erik Schmidt", "Erik Schmitt", "similar_name"),
        ("Mary Ann Smith", "Maryann Smith", "similar_name"),
        ("Robert Smith III", "Robert Smith", "same_name"),
    ],
)
def test_names_that_can_be_one_persons(one, other, code):
    first, second = look("rec_1", one), look("rec_2", other)
    assert codes(first, second)[0] == code
    assert score(names.compare(first, second)) >= LIKELY
    assert meets(first, second)


@pytest.mark.parametrize(
    ("one", "other", "code"),
    [
        ("John Smith Jr.", "John Smith Sr.", "different_generation"),
        ("John Smith II", "John Smith III", "different_generation"),
        ("Bob Smith Jr", "Robert Smith Sr", "different_generation"),
        ("John Smith", "Mary Smith", "different_first_names"),
        ("John Smith", "Joan Smith", "different_first_names"),
        ("Maria Lopez", "Mario Lopez", "different_first_names"),
        ("Daniel Kim", "Daniela Kim", "different_first_names"),
        ("Christian Day", "Christina Day", "different_first_names"),
        ("Bill Smith", "Robert Smith", "different_first_names"),
        ("J. Smith", "Robert Smith", "different_first_names"),
        ("Will Smith", "Phil Smith", "different_first_names"),
        ("Wei Li", "Wei Zhang", "different_names"),
        ("John Lang", "John Long", "different_names"),
        ("Dana Reyes", "Lee Okafor", "different_names"),
        ("Person 12", "Person 13", "different_names"),
    ],
)
def test_names_that_are_two_peoples_even_at_one_employer(one, other, code):
    first, second = look("rec_1", one), look("rec_2", other)
    assert code in codes(first, second)
    assert score(names.compare(first, second)) < LIKELY


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        pytest.param(("Northgate", {}), ("Northgate, Inc.", {}), ["same_name", "same_employer"], id="legal form"),
        pytest.param(("Northgate", {}), ("Northgate Capital", {}), ["same_name", "similar_employer"], id="branch"),
        pytest.param(("Northgate", {}), ("Nortgate", {}), ["same_name", "similar_employer"], id="slip of the pen"),
        pytest.param(("Northgate", {}), ("Calder Bank", {}), ["same_name", "different_employers"], id="moved on"),
        pytest.param(("Northgate", {}), (None, {}), ["same_name"], id="nobody knows where"),
        pytest.param(
            (None, {"emails": ["dana@northgate.com"]}),
            (None, {"emails": ["DANA+gifts@northgate.com"]}),
            ["same_name", "same_email"],
            id="one mailbox",
        ),
        pytest.param(
            (None, {"emails": ["dana.reyes@northgate.com"]}),
            (None, {"emails": ["dana.reyes@gmail.com"]}),
            ["same_name", "same_mailbox_name"],
            id="one name of a mailbox",
        ),
        pytest.param(
            ("Northgate", {"emails": ["dana@northgate.com"]}),
            ("Northgate", {"emails": ["d.reyes@northgate.com"]}),
            ["same_name", "same_employer", "same_email_domain", "different_email"],
            id="two mailboxes at one firm",
        ),
        pytest.param(
            (None, {"emails": ["dana@gmail.com"]}),
            (None, {"emails": ["reyes@gmail.com"]}),
            ["same_name"],
            id="free mail",
        ),
        pytest.param(
            (None, {"phones": ["+1 212 555 0100"]}),
            (None, {"phones": ["(212) 555-0100 x7"]}),
            ["same_name", "same_phone"],
            id="one phone",
        ),
        pytest.param(
            (None, {"outside": [("hubspot", "ab-4711")]}),
            (None, {"outside": [("salesforce", "AB-4711")]}),
            ["same_name", "shared_external_id"],
            id="one id in two systems",
        ),
    ],
)
def test_what_else_speaks_for_or_against_it(one, other, expected):
    (employer, more), (another, still_more) = one, other
    first, second = look("rec_1", "Dana Reyes", employer, **more), look("rec_2", "Dana Reyes", another, **still_more)
    assert codes(first, second) == expected


def test_middle_names_that_differ_speak_against_it():
    assert "different_middle_names" in codes(look("rec_1", "Robert J. Smith"), look("rec_2", "Robert K. Smith"))
    assert "different_middle_names" not in codes(look("rec_1", "Robert J. Smith"), look("rec_2", "Robert James Smith"))


def test_an_alias_is_as_good_as_the_name():
    known = names.look("rec_1", "institutional_employee", ["Dana Whitfield", "Dana Reyes"])
    assert codes(known, look("rec_2", "D. Reyes", None)) == ["initial"]
    assert meets(known, look("rec_2", "Dana Reyes", None))


def test_our_own_people_look_like_nobody_elses():
    own, client = look("rec_1", "Dana Reyes", type="own_associated_person"), look("rec_2", "Dana Reyes")
    assert names.look_alikes(own, [client]) == names.look_alikes(client, [own]) == []
    assert [one.id for one in names.look_alikes(client, [look("rec_3", "Dana Reyes")])] == ["rec_3"]


def test_look_alikes_stand_in_order_and_are_few():
    people = [look(f"rec_{place}", "Dana Reyes") for place in range(2, 12)]
    found = names.look_alikes(look("rec_1", "Dana Reyes"), [*people, look("rec_0", "D. Reyes")])
    assert [one.id for one in found] == [one.id for one in sorted(people, key=lambda one: one.id)[:5]]


GIVEN = [
    "Bob",
    "Robert",
    "R.",
    "José",
    "Мария",
    "Mary Ann",
    "J. Robert",
    "Katherine",
    "王伟",
    "Jonh",
    "",
    "Dr. Liz",
    "12",
]
FAMILY = ["Smith", "Smith-Jones", "de la Vega III", "Иванова", "O'Neil Jr.", "Müller", "Li", "", "née Jones", "🎁"]
FIRMS = [None, "Northgate", "Northgate, Inc.", "J.P. Morgan", "Bank", "S.A.", "银行", "…"]
EMAILS = [None, "bob.smith@northgate.com", "bob.smith@gmail.com", "@", "x@yahoo.de"]

people = some.builds(
    lambda id, given, family, at, email, phone: names.look(
        f"rec_{id}",
        "institutional_employee",
        [f"{given} {family}"],
        employers=[(at, at)],
        emails=[email],
        phones=[phone],
    ),
    some.integers(0, 9**9),
    some.sampled_from(GIVEN) | some.text(max_size=12),
    some.sampled_from(FAMILY) | some.text(max_size=12),
    some.sampled_from(FIRMS) | some.text(max_size=12),
    some.sampled_from(EMAILS),
    some.sampled_from([None, "+1 212 555 0100", "anything"]),
)


@given(people, people)
def test_either_may_stand_first_and_the_answer_is_always_the_same(one, other):
    found = names.compare(one, other)
    assert names.compare(one, other) == found
    if one.id != other.id:
        assert names.compare(other, one) == found
    assert 0 <= score(found) <= 100


@given(people)
def test_everybody_is_like_themselves_and_has_keys_that_can_be_kept(one):
    again = names.look("rec_z", "institutional_employee", [one.names[0].written])
    assert codes(again, again)[0] in ("same_name", "initial", "word_order", "different_names")
    assert all(0 < len(key) <= 160 and key.isprintable() for key in names.keys_of(one))


def test_a_server_that_meets_nobody_new_starts_without_the_word_lists():
    loaded = "[name for name in ('rapidfuzz', 'nameparser', 'nicknames', 'anyascii') if name in sys.modules]"
    said = [sys.executable, "-c", f"import sys, app.main; print({loaded})"]
    told = subprocess.run(said, capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "[]"
