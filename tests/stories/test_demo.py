"""The demonstration tells the same year for the same seed, its proof adds up on paper, and it leaves nothing behind."""

import io
import re
import subprocess
import sys
from collections import Counter
from datetime import date
from decimal import Decimal
from itertools import accumulate

import httpx
import pytest
from rich.console import Console
from typer.testing import CliRunner

from app.cli import cli
from app.demo import FileThere, playing, proving
from app.demo import play as play_year
from app.demo.drafts import gift
from app.demo.firm import EMPLOYERS, RECIPIENTS, REPS, people_at
from app.demo.playing import connected
from app.demo.scenes import scenes
from app.demo.serving import ToldClock, serving, settings_for
from app.demo.year import year

ENTRIES = 150
FIGURES = re.compile(r"(\d+\.\d\d) +(\d+\.\d\d) +(\d+\.\d\d)$")


def told(*, seed=7, entries=ENTRIES, keep=None):
    """What came out of a year, and what was printed of it."""
    paper = io.StringIO()
    outcome = play_year(seed=seed, entries=entries, keep=keep, console=Console(file=paper, width=100))
    return outcome, paper.getvalue()


@pytest.fixture(scope="module")
def first():
    return told()


@pytest.fixture(scope="module")
def second():
    return told()


@pytest.fixture(scope="module")
def findings(first):
    return first[0].findings


@pytest.fixture(scope="module")
def printed(first):
    return first[1]


def flags(findings):
    """Every result of every entry, without ids and moments, which differ from run to run."""
    return Counter(
        (
            *(entry["occurred_on"], entry["giver"], entry["purpose"], entry["total"]["amount"]),
            *(result["rule_id"], findings.people[result["recipient_id"]]),
            *(result["outcome"], result["exclusion"], result["counted"], result["aggregate"], result["limit"]),
        )
        for entry in findings.entries
        for result in entry["assessments"]
    )


def section(printed, title):
    """What is printed between a heading and the next."""
    return printed.split(title, 1)[1].split("\n\n──", 1)[0]


# The year


def test_the_same_seed_gives_the_same_flags(first, second):
    assert flags(first[0].findings) == flags(second[0].findings)
    assert cases(first[0].findings) == cases(second[0].findings)


def cases(findings):
    return Counter(
        (one["rule_id"], findings.people[one["recipient_id"]], one["occurred_on"], one["aggregate"], one["state"])
        for one in findings.violations
    )


def test_every_answer_is_a_success(first):
    assert {status // 100 for status in first[0].statuses} == {2}


def test_every_entry_is_recorded_once_although_some_are_sent_twice(first, findings):
    assert len(findings.entries) == ENTRIES
    assert first[0].sent_again > 0


def test_every_kind_and_direction_occurs(findings):
    assert {entry["kind"] for entry in findings.entries} == {"gift", "meal", "entertainment", "travel", "lodging"}
    assert {entry["direction"] for entry in findings.entries} == {"given", "received"}


def test_the_main_exclusions_occur(findings):
    assert findings.exclusions().keys() >= {
        *("business_entertainment", "promotional", "de_minimis", "commemorative", "bereavement", "personal"),
        *("compensation_agreement", "disaster_donation", "retail_customer", "own_associated_person"),
        *("non_member_affiliate", "prior_approval", "below_item_floor", "direction_not_covered"),
    }


def test_what_the_rules_differ_in_occurs(findings):
    assert {one["rule_id"] for one in findings.standing} >= {
        *("finra-3220-gifts", "finra-2070-staff", "finra-2341-gifts-received", "finra-2341-sales-precondition"),
        *("finra-2341-training-guest-expense", "msrb-g20-gifts", "msrb-g20-offering-proceeds"),
        *("erisa-fiduciary-year", "executive-branch-occasion", "firm-entertainment-event", "firm-travel-approval"),
    }


def test_a_claim_that_its_facts_do_not_carry_counts(findings):
    [bowl] = [entry for entry in findings.entries if entry["purpose"] == "Silver bowl of the offering"]
    [result] = [one for one in bowl["assessments"] if one["rule_id"] == "finra-3220-gifts"]
    assert (bowl["flags"], result["exclusion"], result["outcome"]) == (["commemorative"], None, "violation")


def test_tickets_without_a_host_are_a_gift_at_their_face_value(findings):
    [tickets] = [entry for entry in findings.entries if entry["purpose"] == "Tickets nobody of ours could use"]
    [result] = [one for one in tickets["assessments"] if one["rule_id"] == "finra-3220-gifts"]
    assert (tickets["treated_as"], result["counted"], result["outcome"]) == ("gift", "420.00", "violation")


def test_the_limit_itself_is_within_and_a_cent_more_is_not(findings):
    outcomes = {
        entry["total"]["amount"]: result["outcome"]
        for entry in findings.entries
        if entry["purpose"] == "Case of wine" and entry["occurred_on"] == "2026-05-12"
        for result in entry["assessments"]
        if result["rule_id"] == "finra-3220-gifts"
    }
    assert outcomes["300.00"] == "warning"
    assert outcomes["300.01"] == "violation"


def test_history_holds(first, printed):
    assert first[0].log.holds
    assert "the log holds" in printed


# What is printed


def test_the_printed_proof_adds_up(printed):
    page = section(printed, "One violation, proved")
    found = [FIGURES.search(line.rstrip()) for line in page.splitlines()]
    lines = [tuple(map(Decimal, one.groups())) for one in found if one]
    counted, so_far, limits = zip(*lines, strict=True)
    assert list(accumulate(counted)) == list(so_far)
    assert {Decimal("100.00"), Decimal("300.00")} == set(limits)
    assert so_far[-1] > limits[-1]
    assert f"= {so_far[-1]}; this agrees." in page
    assert f"{so_far[-1]} USD in 2026-01-01 to 2026-12-31 is over the limit of" in page


def test_the_proof_is_of_several_givers_with_a_foreign_and_a_divided_gift(printed, findings):
    page = section(printed, "One violation, proved")
    assert len({line["giver"] for line in findings.proof["lines"] if Decimal(line["counted"])}) >= 3
    assert "half up" in page
    assert "divided among 3" in page
    assert "excluded: business_entertainment" in page


def test_the_late_entry_is_said_to_have_taken_another_over(printed):
    page = " ".join(section(printed, "One violation, proved").split())
    assert "When the entry of 2026-03-19 was recorded on 2026-04-09, that of 2026-03-27 came to" in page


def test_the_same_gift_is_shown_on_either_side_of_the_limit_change(printed):
    page = section(printed, "The same gift before and after 30 March 2026")
    assert re.search(r"2026-03-26 +Carry-on bag .* 185.00 +100.00 +violation, 85.00 over", page)
    assert re.search(r"2026-03-31 +Carry-on bag .* 185.00 +300.00 +within, 115.00 left", page)


def test_nothing_is_wider_than_a_hundred_columns(printed):
    assert max(map(len, printed.splitlines())) <= 100


def test_a_proof_with_a_changed_figure_does_not_add_up(findings):
    changed = findings.proof | {"lines": [dict(line) for line in findings.proof["lines"]]}
    assert proving.adds_up(changed)
    changed["lines"][0]["counted"] = "44.01"
    assert not proving.adds_up(changed)


def test_the_exit_status_tells_when_the_proof_does_not_agree(monkeypatch):
    monkeypatch.setattr(proving, "adds_up", lambda _: False)
    with pytest.raises(SystemExit) as ended:
        told(entries=50)
    assert ended.value.code == 1


# The file that is kept


def test_a_kept_year_can_be_gone_on_with(tmp_path):
    file = tmp_path / "year.db"
    _, printed = told(entries=50, keep=file)
    assert [one.name for one in tmp_path.iterdir()] == ["year.db"]
    assert f"propriety serve --database sqlite:///{file}" in printed
    key = re.search(r"export KEY=(\S+)", printed)[1]
    with serving(settings_for(f"sqlite:///{file}"), ToldClock(date(2027, 2, 1))) as url:
        answer = httpx.get(f"{url}/v1/violations", headers={"Authorization": f"Bearer {key}"}, trust_env=False)
        documents = httpx.get(f"{url}/docs", trust_env=False)
    assert answer.status_code == 200
    assert answer.json()["data"]
    assert documents.status_code == 200


def test_a_file_that_exists_is_left_as_it_is(tmp_path):
    file = tmp_path / "mine.db"
    file.write_text("mine")
    with pytest.raises(FileThere):
        told(keep=file)
    assert file.read_text() == "mine"


def test_the_command_line_refuses_a_file_that_exists_in_one_sentence(tmp_path):
    file = tmp_path / "mine.db"
    file.write_text("mine")
    command = [sys.executable, "-c", "from app.cli import main; main()", "demo", "--keep", str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 1
    assert "exists and is left as it is" in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr
    assert file.read_text() == "mine"


def test_a_year_that_is_broken_off_leaves_no_file(tmp_path, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(playing, "play", interrupted)
    with pytest.raises(KeyboardInterrupt):
        told(keep=tmp_path / "year.db")
    assert list(tmp_path.iterdir()) == []


def test_the_command_line_explains_itself():
    done = CliRunner().invoke(cli, ["demo", "--help"], env={"COLUMNS": "100", "NO_COLOR": "1", "TERM": "dumb"})
    assert done.exit_code == 0
    assert {"--seed", "--entries", "--keep"} <= set(re.findall(r"--\w+", done.output))


# The story behind it


def test_the_cast_is_complete():
    assert (len(REPS), len(EMPLOYERS), len(RECIPIENTS)) == (40, 60, 400)
    assert len({one.name for one in RECIPIENTS}) == 400


def test_the_scenes_fit_into_the_smallest_year():
    assert len(scenes()) <= 50


@pytest.mark.parametrize("seed", [1, 2, 2026])
def test_every_entry_is_of_2026_and_recorded_afterwards(seed):
    planned = year(seed=seed, entries=2000)
    assert len(planned) == 2000
    assert {one.occurred_on.year for one in planned} == {2026}
    assert all(one.recorded_on >= one.occurred_on for one in planned)
    assert [one.recorded_on for one in planned] == sorted(one.recorded_on for one in planned)


def test_entries_with_a_person_in_common_are_sent_in_their_order():
    one, two, three, four = (person.named() for person in people_at("Redwing Macro")[:4])
    day = date(2026, 5, 4)
    guests = [[one], [two], [one, three], [four], [two, three]]
    planned = list(enumerate(gift(day, "Rhea Castell", to, "10.00", "Pen") for to in guests))
    groups = sorted([number for number, _ in group] for group in connected(planned))
    assert groups == [[0, 1, 2, 4], [3]]
