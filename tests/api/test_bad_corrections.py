"""Corrections that must not be: each is refused with a clear word of its own, and nothing at all is written."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from tests.api.reviewing import kept
from tests.api.test_corrections import LEE, gift, post, recorded
from tests.api.test_identity import DANA_AGAIN, OWN, person_of
from tests.server import Caller, Server

Scene = SimpleNamespace
Act = Callable[[Scene], httpx.Response]


def amend(caller: Caller, entry_id: str, version: int = 1, **changes: Any) -> httpx.Response:
    return post(caller, f"/v1/entries/{entry_id}/amendments", {"reason": "x", "set": changes}, version)


def take_back(caller: Caller, entry_id: str, version: int) -> httpx.Response:
    return post(caller, f"/v1/entries/{entry_id}/withdrawal", {"reason": "x"}, version)


def give_back(caller: Caller, entry_id: str, version: int, repaid: dict[str, str] | None = None) -> httpx.Response:
    more = {"repaid": repaid} if repaid else {}
    return post(caller, f"/v1/entries/{entry_id}/returns", {"reason": "x", **more}, version)


def merge(caller: Caller, keep: str, drop: str) -> httpx.Response:
    return post(caller, f"/v1/recipients/{keep}/merges", {"recipient_id": drop, "reason": "x"})


def change(caller: Caller, person: str, version: int = 1, **said: Any) -> httpx.Response:
    headers = {"If-Match": f'"v{version}"'}
    return caller.patch(f"/v1/recipients/{person}", json={"reason": "x", **said}, headers=headers)


def bad(id: str, status: int, code: str, act: Act) -> Any:
    return pytest.param(act, status, code, id=id)


def usd(amount: str, currency: str = "USD") -> dict[str, str]:
    return {"amount": amount, "currency": currency}


BAD = [
    bad("somebody else's", 404, "entry_not_found", lambda on: amend(on.other_rep, on.gift, venue="Y")),
    bad("somebody else's, taken back", 404, "entry_not_found", lambda on: take_back(on.other_rep, on.gift, 1)),
    bad("an absent one", 404, "entry_not_found", lambda on: amend(on.officer, "ent_0", venue="Y")),
    bad("a withdrawn one", 409, "entry_withdrawn", lambda on: amend(on.rep, on.withdrawn, 2, venue="Y")),
    bad(
        "a withdrawn one, by an officer",
        409,
        "entry_withdrawn",
        lambda on: amend(on.officer, on.withdrawn, 2, venue="Y"),
    ),
    bad("a withdrawn one, withdrawn", 409, "entry_withdrawn", lambda on: take_back(on.rep, on.withdrawn, 2)),
    bad("a withdrawn one, returned", 409, "entry_withdrawn", lambda on: give_back(on.rep, on.withdrawn, 2)),
    bad("a returned one", 409, "entry_returned", lambda on: amend(on.rep, on.returned, 2, venue="Y")),
    bad("a returned one, withdrawn", 409, "entry_returned", lambda on: take_back(on.rep, on.returned, 2)),
    bad("a stale version", 412, "entry_changed", lambda on: amend(on.rep, on.withdrawn, 1, venue="Y")),
    bad("a version yet to come", 412, "entry_changed", lambda on: take_back(on.rep, on.gift, 2)),
    bad("no version", 428, "if_match_required", lambda on: amend(on.rep, on.gift, 0, venue="Y")),
    bad("nobody left on it", 422, "entry_not_valid", lambda on: amend(on.rep, on.gift, recipients=[])),
    bad("a future date", 422, "in_the_future", lambda on: amend(on.rep, on.gift, occurred_on="2026-06-17")),
    bad("one person twice", 422, "listed_twice", lambda on: amend(on.rep, on.gift, recipients=[LEE, LEE])),
    bad("an unheard-of currency", 422, "no_exchange_rate", lambda on: amend(on.rep, on.gift, total=usd("5.00", "SEK"))),
    bad(
        "repaid in another currency",
        422,
        "repaid_in_other_currency",
        lambda on: give_back(on.rep, on.gift, 1, usd("5.00", "EUR")),
    ),
    bad("nothing repaid", 422, "repayment_invalid", lambda on: give_back(on.rep, on.gift, 1, usd("0.00"))),
    bad("a person and themselves", 422, "merged_with_self", lambda on: merge(on.officer, on.dana, on.dana)),
    bad("a person and nobody", 404, "recipient_not_found", lambda on: merge(on.officer, on.dana, "rec_0")),
    bad("a record that is merged", 409, "already_merged", lambda on: merge(on.officer, on.lee, on.again)),
    bad("a circle", 409, "merged_in_circle", lambda on: merge(on.officer, on.again, on.dana)),
    bad("a client and one of our own", 422, "not_one_person", lambda on: merge(on.officer, on.dana, on.own)),
    bad("one of our own and a merged client", 422, "not_one_person", lambda on: merge(on.officer, on.again, on.own)),
    bad(
        "a merged client becomes our own",
        422,
        "not_one_person",
        lambda on: change(on.officer, on.dana, type="own_associated_person"),
    ),
    bad(
        "a dropped client becomes our own",
        422,
        "not_one_person",
        lambda on: change(on.officer, on.again, type="own_associated_person"),
    ),
    bad("nothing about a recipient", 422, "nothing_said", lambda on: change(on.officer, on.lee, 3)),
    bad("nothing but a null", 422, "nothing_said", lambda on: change(on.officer, on.lee, 3, email=None)),
    bad(
        "a day from which nothing holds",
        422,
        "nothing_said",
        lambda on: change(on.officer, on.lee, 3, name="L", effective_from="2026-05-01"),
    ),
    bad("a recipient at a stale version", 412, "recipient_changed", lambda on: change(on.officer, on.lee, 3, name="L")),
    bad("a merge by a rep", 403, "role_forbids", lambda on: merge(on.rep, on.dana, on.lee)),
    bad("a merge undone twice", 409, "merge_undone", lambda on: on.officer.delete(f"/v1/merges/{on.undone}?reason=x")),
    bad("an absent merge undone", 404, "merge_not_found", lambda on: on.officer.delete("/v1/merges/mrg_0?reason=x")),
    bad(
        "a merge undone without a reason",
        400,
        "invalid_parameter",
        lambda on: on.officer.delete(f"/v1/merges/{on.merge}"),
    ),
]


@pytest.fixture
def scene(rep: Caller, other_rep: Caller, officer: Caller) -> Scene:
    """A gift, one withdrawn, one returned; two records that are one person, and two that no longer are."""
    first = recorded(rep, gift("50.00"))
    withdrawn, returned = (recorded(rep, gift("20.00", day)) for day in ("2026-05-05", "2026-05-06"))
    assert take_back(rep, withdrawn["id"], 1).status_code == 201
    assert give_back(rep, returned["id"], 1).status_code == 201
    dana, again = person_of(first), person_of(recorded(rep, gift("10.00", "2026-05-07", DANA_AGAIN)))
    lee, own = (person_of(recorded(officer, gift("10.00", "2026-05-08", one))) for one in (LEE, OWN))
    undone = merge(officer, lee, dana).json()["merge"]["id"]
    assert officer.delete(f"/v1/merges/{undone}", params={"reason": "two"}).status_code == 200
    made = merge(officer, dana, again).json()["merge"]["id"]
    people = {"dana": dana, "again": again, "lee": lee, "own": own}
    entries = {"gift": first["id"], "withdrawn": withdrawn["id"], "returned": returned["id"]}
    who = {"rep": rep, "other_rep": other_rep, "officer": officer}
    return SimpleNamespace(**who, **people, **entries, merge=made, undone=undone)


@pytest.mark.parametrize(("act", "status", "code"), BAD)
def test_it_is_refused_and_nothing_is_written(server: Server, scene: Scene, act: Act, status: int, code: str):
    before = kept(server)
    answer = act(scene)
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    assert answer.json()["detail"] or answer.json()["errors"]
    assert kept(server) == before


def test_into_a_merged_record_is_into_whom_it_turned_out_to_be(scene: Scene):
    made = merge(scene.officer, scene.again, scene.lee)
    assert made.status_code == 201, made.text
    assert scene.officer.get(f"/v1/recipients/{scene.lee}").json()["merged_into"] == scene.dana
