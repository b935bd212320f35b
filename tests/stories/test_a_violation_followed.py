"""A violation followed from its first cause to its last, by nothing but what is there to read over HTTP."""

from __future__ import annotations

from typing import Any, NamedTuple

from tests.api.reviewing import CONFIRMED, Json, act, done, history
from tests.api.test_corrections import DANA, gift, open_violations, post, recorded
from tests.api.test_identity import DANA_AGAIN, person_of
from tests.api.test_publications import document, published
from tests.server import Caller

JUST_DANA = {"external_id": DANA["external_id"]}


class Told(NamedTuple):
    """What a reader finds under a cause: what it was, who did it, and why."""

    what: str
    by: str
    why: str | None


def followed(reader: Caller, cause: str) -> Told:
    """Reads what a cause names, where its kind is to be read."""
    id, _, version = cause.partition(":")
    match id.partition("_")[0]:
        case "ent":
            one = done(reader.get(f"/v1/entries/{id}/versions"))["data"][int(version) - 1]
            return Told(one["action"], one["recorded_by"], one["reason"])
        case "mrg":
            one = done(reader.get(f"/v1/merges/{id}"))
            made = Told("merge.made", one["merged_by"], one["reason"])
            return Told("merge.undone", one["undone_by"], one["undone_reason"]) if one["undone_by"] else made
        case "pol":
            one = done(reader.get(f"/v1/policies/{id}"))
            return Told("policy.published", one["published_by"], f"{one['name']} from {one['effective_from']}")
        case _:
            records = done(reader.get("/v1/audit/records", params={"entity_id": id}))["data"]
            [record] = [one for one in records if one["entity_version"] == int(version)]
            return Told(record["action"], record["actor"], None)


def amended(caller: Caller, entry: Json, version: int, why: str, **changes: Any) -> None:
    done(post(caller, f"/v1/entries/{entry['id']}/amendments", {"reason": why, "set": changes}, version))


def usd(amount: str) -> Json:
    return {"amount": amount, "currency": "USD"}


def test_every_turn_of_a_violation_names_its_cause_who_and_why(rep, officer, second_officer):
    first = recorded(rep, gift("200.00", "2026-05-04"))
    dana = person_of(first)
    second = recorded(rep, gift("150.00", "2026-05-05", JUST_DANA))
    [case] = second["violations"]
    path = f"/v1/violations/{case['id']}"

    def decided() -> None:
        done(act(second_officer, officer.get(path).json(), "dispositions", CONFIRMED))

    amended(rep, first, 1, "the receipt says 250", total=usd("250.00"))
    again = person_of(recorded(rep, gift("50.00", "2026-05-01", DANA_AGAIN)))
    merged = done(post(officer, f"/v1/recipients/{dana}/merges", {"recipient_id": again, "reason": "same e-mail"}))
    moved = {"employer": "Calder Bank", "effective_from": "2026-05-05", "reason": "her new card says so"}
    done(officer.patch(f"/v1/recipients/{dana}", json=moved, headers={"If-Match": '"v1"'}))
    decided()
    assert published(officer, second_officer, document("250.00"), "2026-05-01").status_code == 201
    policy = officer.get(path).json()["policy_id"]
    decided()
    undone = officer.delete(f"/v1/merges/{merged['merge']['id']}", params={"reason": "two people after all"})
    assert undone.status_code == 200
    amended(rep, first, 2, "it was a pen", total=usd("10.00"))
    assert open_violations(officer) == []
    amended(rep, second, 2, "the bill was forgotten", total=usd("250.00"))

    entry_1, entry_2 = first["id"], second["id"]
    lines = history(officer, case)
    turns = [
        (
            line["action"].removeprefix("violation."),
            line["state"],
            line["details"]["cause"],
            line["details"]["aggregate"],
        )
        for line in lines
        if "cause" in line["details"]
    ]
    merge_id = merged["merge"]["id"]
    assert turns == [
        ("opened", "open", f"{entry_2}:1", "350.00"),
        ("changed", "open", f"{entry_1}:2", "400.00"),
        ("changed", "open", merge_id, "450.00"),
        ("changed", "open", f"{dana}:2", "450.00"),
        ("reopened", "open", policy, "450.00"),
        ("changed", "decided", merge_id, "400.00"),
        ("withdrawn", "withdrawn", f"{entry_1}:3", "400.00"),
        ("reopened", "open", f"{entry_2}:3", "260.00"),
    ]
    assert [line["action"] for line in lines if "cause" not in line["details"]] == ["violation.decided"] * 2
    assert [line["version"] for line in lines] == list(range(1, 11))

    causes = {cause: followed(officer, cause) for _, _, cause, _ in turns}
    assert causes == {
        f"{entry_2}:1": Told("entry.recorded", "rhea", None),
        f"{entry_1}:2": Told("entry.amended", "rhea", "the receipt says 250"),
        merge_id: Told("merge.undone", "olivia", "two people after all"),
        f"{dana}:2": Told("recipient.changed", "olivia", None),
        policy: Told("policy.published", "oscar", "Stricter from 2026-05-01"),
        f"{entry_1}:3": Told("entry.amended", "rhea", "it was a pen"),
        f"{entry_2}:3": Told("entry.amended", "rhea", "the bill was forgotten"),
    }
    for line in lines:
        if (cause := line["details"].get("cause")) and cause != merge_id:
            assert line["by"] == causes[cause].by
    assert [line["reason"] for line in lines if line["details"].get("cause") == merge_id] == [
        "same e-mail",
        "two people after all",
    ]
    [moved_line] = [line for line in lines if line["details"].get("cause") == f"{dana}:2"]
    assert (moved_line["by"], moved_line["reason"]) == ("olivia", "her new card says so")
    assert [line["details"]["why"] for line in lines if line["action"] == "violation.reopened"] == [
        "more is over the limit than when it was decided",
        "more of this entry counts than when it was decided",
    ]


def test_the_proof_tells_every_answer_there_was_and_what_replaced_it(rep, officer):
    first = recorded(rep, gift("200.00", "2026-05-04"))
    second = recorded(rep, gift("150.00", "2026-05-05"))
    [case] = second["violations"]
    amended(rep, first, 1, "the receipt says 250", total=usd("250.00"))
    third = recorded(rep, gift("1.00", "2026-05-03"))
    proof = done(officer.get(f"/v1/violations/{case['id']}/proof"))
    assert [(one["aggregate"], one["cause"]) for one in proof["history"]] == [
        ("350.00", None),
        ("400.00", f"{first['id']}:2"),
        ("401.00", f"{third['id']}:1"),
    ]


def test_a_rep_follows_their_own_entries_and_is_not_told_of_others(rep, other_rep, officer):
    recorded(rep, gift("200.00", "2026-05-04"))
    [case] = recorded(rep, gift("150.00", "2026-05-05"))["violations"]
    theirs = recorded(other_rep, gift("20.00", "2026-05-03"))
    assert [line["details"]["cause"] for line in history(officer, case)] == [
        f"{case['entry_id']}:1",
        f"{theirs['id']}:1",
    ]
    assert [line["details"]["cause"] for line in history(rep, case)] == [f"{case['entry_id']}:1", None]
