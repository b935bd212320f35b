"""Rounds of simultaneous posts against real processes: every violation found, no other, every sum exact.

The numbers here are a bounded share; `-m soak` plays the full ones. Run again with the seed that was printed:
`PROPRIETY_TEST_SEED=… pytest tests/races`.
"""

from __future__ import annotations

import pytest

from tests.faults.races import planted, restarts
from tests.processes import PROPRIETY, serving
from tests.races import naive
from tests.races.conftest import INSTALLATIONS
from tests.races.rounds import Shape, play, play_rings
from tests.soaking import share

pytestmark = pytest.mark.race

SOME = [Shape(2, 60), Shape(8, 15), Shape(32, 4)]
MANY = [Shape(clients, share(rounds)) for clients, rounds in ((2, 2000), (8, 300), (16, 100), (32, 50))]
TRIES = 8  # how often a control may fail to show anything, where a machine is too busy for two things at one instant
BUSY = ("locked", "busy", "deadlock", "serialize")


def busy(servers) -> int:
    """How often a transaction started again for another reason than a lost race for a unique key."""
    reasons = sum((restarts(server.log) for server in servers), restarts(""))
    return sum(count for reason, count in reasons.items() if any(word in reason for word in BUSY))


@pytest.mark.parametrize(("database_kind", "processes"), INSTALLATIONS, indirect=["database_kind"])
def test_nothing_is_missed_invented_or_kept_twice(database_url, processes, seed, tell):
    with serving(database_url, processes, program=planted("none")) as servers:
        for shape in SOME:
            for found in (
                play(database_url, servers, shape, seed=seed),
                play_rings(database_url, servers, shape, seed=seed),
            ):
                tell(f"{shape} {found}")
                assert found.wrong == {}
                assert found.recorded == shape.clients * shape.rounds
        assert busy(servers) == 0, "writers wait for each other, they do not collide"
        assert not [line for server in servers for line in server.log.splitlines() if "Traceback" in line]


@pytest.mark.soak
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("shape", MANY, ids=str)
@pytest.mark.parametrize(("database_kind", "processes"), INSTALLATIONS, indirect=["database_kind"])
def test_nothing_is_missed_in_many_rounds(database_url, processes, shape, seed, tell):
    with serving(database_url, processes, program=PROPRIETY) as servers:
        for found in (
            play(database_url, servers, shape, seed=seed),
            play_rings(database_url, servers, shape, seed=seed),
        ):
            tell(f"{shape} {found}")
            assert found.wrong == {}
            assert found.recorded == shape.clients * shape.rounds


@pytest.mark.parametrize("database_kind", ["sqlite", "postgres"], indirect=True)
def test_the_order_of_record_needs_no_common_clock(database_url, seed, tell):
    behind = [{}, {"CLOCK_BEHIND_S": "3600"}]
    with serving(database_url, 2, program=planted("none"), each=behind) as servers:
        found = play(database_url, servers, Shape(2, 30), seed=seed)
        tell(str(found))
        assert found.wrong == {}


# Controls


def test_the_naive_way_misses_most(fresh_database, database_kind, tell):
    shape, worst = Shape(2, 60), 0
    for _ in range(TRIES):
        worst = max(worst, naive.missed(fresh_database(database_kind), shape))
        if worst >= shape.rounds / 2:
            break
    tell(f"{shape} naive: {worst} of {shape.rounds} missed")
    assert worst >= shape.rounds / 2, "these rounds are not simultaneous enough to prove anything; the run is void"


WITH_CLOCKS_APART = [{}, {"CLOCK_BEHIND_S": "3600"}]
CHANCES = 5  # whether two are ever at the same place at once is up to the machine
PLANTED = [
    ("no_row_lock", "postgres", play, Shape(2, 30), "missed"),
    ("lock_of_the_process", "postgres", play, Shape(2, 30), "missed"),
    ("repeatable_read", "postgres", play, Shape(2, 30), "missed"),
    ("snapshot_before_the_lock", "postgres", play, Shape(2, 30), "missed"),
    ("snapshot_before_the_lock", "sqlite", play, Shape(2, 30), "missed"),
    ("only_the_first_is_held", "postgres", play_rings, Shape(8, 20), "missed"),
    ("answer_before_commit", "postgres", play, Shape(2, 10), "unseen"),
    ("answer_before_commit", "sqlite", play, Shape(2, 10), "unseen"),
    ("wall_clock_order", "postgres", play, Shape(2, 20), "wrong_sums"),
    ("wall_clock_order", "sqlite", play, Shape(2, 20), "wrong_sums"),
    ("held_as_listed", "postgres", play_rings, Shape(8, 15), "busy"),
    ("deferred_begin", "sqlite", play, Shape(2, 60), "busy"),
]


@pytest.mark.parametrize(
    ("defect", "database_kind", "way", "shape", "sign"),
    [pytest.param(*one, id=f"{one[0]}-{one[1]}", marks=getattr(pytest.mark, one[1])) for one in PLANTED],
    indirect=["database_kind"],
)
def test_a_planted_defect_is_caught(database_url, defect, way, shape, sign, seed, tell):
    each = WITH_CLOCKS_APART if defect == "wall_clock_order" else ()
    with serving(database_url, 2, program=planted(defect), each=each) as servers:
        for number in range(TRIES):
            found = way(database_url, servers, shape, seed=seed + number)
            signs = found.wrong | {"busy": busy(servers)}
            found.books = found.books[:1]
            tell(f"{defect}: {found}, busy {signs['busy']}")
            if signs.get(sign):
                return
    pytest.fail(f"{sign} shows nothing of {defect}: these rounds prove nothing")
