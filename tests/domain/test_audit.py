"""The tree of history is the one of RFC 6962, and everything written into it has exactly one form."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.audit import EMPTY, Tree, canonical, iso, leaf_hash, node_hash, root_of

# The test vectors of the Certificate Transparency log: eight leaves, and the root after each.
LEAVES = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]

bodies = st.lists(st.binary(max_size=40), max_size=70)


def by_definition(leaves: list[bytes]) -> bytes:
    """MTH(D[n]) word for word from RFC 6962, section 2.1, on the bytes themselves."""
    n = len(leaves)
    if n == 0:
        return sha256().digest()
    if n == 1:
        return sha256(b"\x00" + leaves[0]).digest()
    k = 1
    while k * 2 < n:
        k *= 2
    return sha256(b"\x01" + by_definition(leaves[:k]) + by_definition(leaves[k:])).digest()


def grown(leaves: list[bytes], tree: Tree = EMPTY) -> Tree:
    return tree.plus(leaf_hash(leaf) for leaf in leaves)


@pytest.mark.parametrize("size", range(9))
def test_the_known_roots(size):
    leaves = [bytes.fromhex(leaf) for leaf in LEAVES[:size]]
    assert grown(leaves).root.hex() == ROOTS[size]
    assert root_of([leaf_hash(leaf) for leaf in leaves]).hex() == ROOTS[size]


@given(bodies)
def test_the_root_is_the_one_of_the_definition(leaves):
    assert grown(leaves).root == by_definition(leaves) == root_of([leaf_hash(leaf) for leaf in leaves])


@pytest.mark.parametrize("size", [*range(65), 127, 128, 129, 255, 256, 257, 1000])
def test_every_size_is_right(size):
    leaves = [str(number).encode() for number in range(size)]
    tree = grown(leaves)
    assert tree.root == by_definition(leaves)
    assert (tree.size, len(tree.frontier)) == (size, size.bit_count())


@given(bodies, bodies)
def test_it_makes_no_difference_in_how_many_parts_a_log_grew(first, then):
    assert grown(then, grown(first)) == grown(first + then)


@given(st.lists(st.binary(max_size=8), min_size=2, max_size=40, unique=True), st.data())
def test_whatever_is_done_to_a_log_its_root_is_another(leaves, data):
    place = data.draw(st.integers(0, len(leaves) - 1))
    other = data.draw(st.integers(0, len(leaves) - 1).filter(lambda number: number != place))
    swapped = list(leaves)
    swapped[place], swapped[other] = swapped[other], swapped[place]
    tampered = [
        leaves[:place] + leaves[place + 1 :],
        [*leaves[:place], leaves[place] + b"!", *leaves[place + 1 :]],
        [*leaves[:place], leaves[place], *leaves[place:]],
        swapped,
        leaves[:place],
    ]
    assert grown(leaves).root not in {grown(one).root for one in tampered}


@given(st.binary(max_size=32), st.binary(max_size=32))
def test_a_subtree_cannot_pass_for_a_record(left, right):
    node = node_hash(leaf_hash(left), leaf_hash(right))
    assert node != leaf_hash(leaf_hash(left) + leaf_hash(right))
    assert grown([left, right]).root == node


# Bytes

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(values)
def test_what_is_written_can_be_read_again(value):
    assert json.loads(canonical(value)) == value


@given(st.dictionaries(st.text(max_size=5), values, max_size=6), st.randoms())
def test_one_fact_has_one_form(facts, rng):
    shuffled = list(facts.items())
    rng.shuffle(shuffled)
    assert canonical(dict(shuffled)) == canonical(facts)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"b": 1, "a": [True, None, "x"]}, '{"a":[true,null,"x"],"b":1}'),
        ({"name": "Zoë «Łódź» 东京"}, '{"name":"Zoë «Łódź» 东京"}'),
        ({"quote": '"\\\n\x7f'}, '{"quote":"\\"\\\\\\n\x7f"}'),
        ({}, "{}"),
    ],
)
def test_the_form(value, text):
    assert canonical(value) == text


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_what_is_no_json_is_not_written(value):
    with pytest.raises(ValueError, match="not JSON compliant"):
        canonical({"amount": value})


@given(st.datetimes(timezones=st.just(UTC)), st.integers(-14, 14))
def test_a_moment_has_one_form_in_whatever_zone_it_was_said(moment, hours):
    elsewhere = moment.replace(year=2000 + moment.year % 100).astimezone(timezone(timedelta(hours=hours)))
    assert iso(elsewhere) == iso(elsewhere.astimezone(UTC))
    assert datetime.fromisoformat(iso(elsewhere)) == elsewhere
    assert len(iso(elsewhere)) == len("2026-03-30T12:00:00.000000Z")
