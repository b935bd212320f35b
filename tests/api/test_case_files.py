"""The case file of a violation, read back from the PDF: what it says, that text stays text, and that long ones flow."""

from __future__ import annotations

import hashlib
import io
import re
from typing import Any

import httpx
import pytest
from pypdf import PdfReader

from app.services import papers
from tests.api.reviewing import CONFIRMED, act, done, now, over_the_gift_limit, recorded, refused
from tests.api.test_corrections import gift
from tests.server import Caller

Json = dict[str, Any]
PERSON = {"name": "Priya Raman", "employer": "Calder Ridge", "type": "institutional_employee"}
HOSTILE = '#panic("x") $x$ *b* _i_ <l> @r `raw` [y] \\ // /* = - + ~ #{1} "q" \'a\' {{ }} %s'


def paper(caller: Caller, case: Json, **query: str) -> httpx.Response:
    answer = caller.get(f"/v1/violations/{case['id']}/proof", params={"format": "pdf", **query})
    assert answer.status_code == 200, answer.text
    return answer


def read(answer: httpx.Response) -> PdfReader:
    return PdfReader(io.BytesIO(answer.content))


def text_of(answer: httpx.Response) -> str:
    """All its words, with single spaces."""
    return " ".join(" ".join(page.extract_text() for page in read(answer).pages).split())


def squeezed(text: str) -> str:
    """Without any space: lines may break anywhere."""
    return re.sub(r"\s", "", text)


def test_a_case_file_says_the_sentence_the_sums_the_proof_the_decision_and_the_history(officer: Caller, rep: Caller):
    recorded(rep, gift("120.00", "2026-03-02", PERSON, purpose="Flowers for the go-live"))
    case = over_the_gift_limit(rep, "226.50", PERSON, purpose="Two bottles of wine")
    case = done(act(officer, case, "comments", {"text": "looked at the receipt"}))
    done(act(officer, case, "dispositions", CONFIRMED))
    answer = paper(officer, case)
    assert answer.headers["content-type"] == "application/pdf"
    assert case["id"] in answer.headers["content-disposition"]
    said, proof = text_of(answer), done(officer.get(f"/v1/violations/{case['id']}/proof"))
    for words in (
        case["id"],
        proof["sentence"],
        "Counted before 120.00 USD",
        "This entry 226.50 USD",
        "Running total 346.50 USD",
        "Limit 300.00 USD",
        "Over by 46.50 USD",
        "15.5 % above the limit",
        "Flowers for the go-live",
        "Two bottles of wine",
        "2 entries read, 2 count",
        proof["rule"]["source"][:40],
        f"version {proof['rule']['policy_version']}",
        "breach education",
        "training",
        "looked at the receipt",
        "over the limit",
        "rhea",
        "olivia",
        "Page 1 of",
    ):
        assert words in said, words
    for line in proof["lines"]:
        assert squeezed(line["entry_id"]) in squeezed(said)


def test_its_digest_is_that_of_the_proof_as_json(officer: Caller, rep: Caller):
    case = over_the_gift_limit(rep, "400.00", PERSON)
    as_json = officer.get(f"/v1/violations/{case['id']}/proof")
    said = squeezed(text_of(paper(officer, case)))
    assert hashlib.sha256(as_json.content).hexdigest() in said
    assert f"/v1/violations/{case['id']}/proof" in said


def test_it_is_tagged_and_has_a_title_and_a_language(officer: Caller, rep: Caller):
    case = over_the_gift_limit(rep, "400.00", PERSON)
    pdf = read(paper(officer, case))
    root = pdf.trailer["/Root"]
    assert root["/MarkInfo"]["/Marked"]
    assert "/StructTreeRoot" in root
    assert str(root["/Lang"]).startswith("en")
    assert "FINRA 3220" in pdf.metadata.title
    assert "pdfuaid" in pdf.trailer["/Root"]["/Metadata"].get_data().decode()


def test_text_is_never_read_as_markup(officer: Caller, rep: Caller):
    person = PERSON | {"name": "Eve #set page(fill: red)"}
    case = over_the_gift_limit(rep, "400.00", person, purpose=HOSTILE)
    done(act(officer, case, "comments", {"text": HOSTILE}))
    said = squeezed(text_of(paper(officer, case)))
    assert said.count(squeezed(HOSTILE)) == 2


@pytest.mark.parametrize(
    "purpose", ["漢字かな交じり文", "\u202eright to left", "👩\u200d👩\u200d👧", "ﷺ" * 40, "W" * 1500]
)
def test_letters_that_no_font_has_and_words_without_end_are_set_all_the_same(
    officer: Caller, rep: Caller, purpose: str
):
    case = over_the_gift_limit(rep, "400.00", PERSON, purpose=purpose)
    assert len(read(paper(officer, case)).pages) >= 1


def test_a_long_proof_flows_over_pages_and_its_head_stands_on_each(officer: Caller, rep: Caller):
    bodies = [gift("2.00", f"2026-{1 + n % 4:02}-{1 + n % 28:02}", PERSON) for n in range(80)]
    answer = rep.post("/v1/entries/batch", json={"entries": bodies}, headers={"Idempotency-Key": "many"})
    assert answer.json()["recorded"] == 80
    case = over_the_gift_limit(rep, "299.00", PERSON)
    pages = [page.extract_text() for page in read(paper(officer, case)).pages]
    assert len(pages) > 3
    assert "81 entries read" in pages[0]
    assert all(case["id"] in page for page in pages)
    assert sum("Running total" in page and "How the share" in page for page in pages) >= 3
    assert f"Page {len(pages)} of {len(pages)}" in pages[-1]


def test_accept_asks_for_it_too(officer: Caller, rep: Caller):
    case = over_the_gift_limit(rep, "400.00", PERSON)
    path = f"/v1/violations/{case['id']}/proof"
    asked = {accept: officer.get(path, headers={"Accept": accept}) for accept in ("application/pdf", "*/*", "text/csv")}
    assert asked["application/pdf"].content.startswith(b"%PDF")
    assert asked["*/*"].headers["content-type"] == "application/json"
    refused(asked["text/csv"], 406, "not_acceptable")
    refused(officer.get(path, params={"format": "docx"}), 400, "invalid_parameter")


def test_a_rep_has_the_file_of_their_own_without_what_is_not_theirs(officer: Caller, rep: Caller, other_rep: Caller):
    recorded(other_rep, gift("150.00", "2026-03-02", PERSON, purpose="A secret of ravi"))
    case = over_the_gift_limit(rep, "226.50", PERSON)
    done(act(officer, case, "comments", {"text": "between us reviewers"}))
    said = text_of(paper(rep, now(rep, case)))
    assert "An entry of somebody else" in said
    for secret in ("ravi", "A secret", "between us reviewers", "olivia"):
        assert secret not in said
    refused(other_rep.get(f"/v1/violations/{case['id']}/proof", params={"format": "pdf"}), 404, "violation_not_found")


def test_it_is_as_it_was_known(officer: Caller, rep: Caller, clock: Any):
    case = over_the_gift_limit(rep, "400.00", PERSON)
    then = clock.now.isoformat().replace("+00:00", "Z")
    clock.forward(days=1)
    done(act(officer, case, "dispositions", CONFIRMED))
    clock.forward(seconds=1)
    before = paper(officer, case, as_of=(clock.now.replace(day=15)).isoformat().replace("+00:00", "Z"))
    assert "None yet." in text_of(before)
    assert "training" in text_of(paper(officer, case))
    assert then


def test_the_template_needs_no_network_and_no_file_beside_it():
    """What ships is one template; it imports nothing."""
    template = papers._template("case-file.typ").decode()
    assert "import" not in template
    assert "@preview" not in template
