"""Review codes: the shipped ones are whole, and a firm's own file is refused by place."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest
from ruamel.yaml import YAML

from app.domain.review_codes import (
    WITHDRAWN_BY_RECALCULATION,
    CorrectiveActionRequired,
    InvalidReviewCodes,
    UnknownCorrectiveAction,
    UnknownReasonCode,
    read,
)
from app.domain.violations import Outcome
from app.services import review_codes

SHIPPED = review_codes.load(None)


def document() -> dict[str, Any]:
    return YAML(typ="safe", pure=True).load((review_codes._SHIPPED).read_text(encoding="utf-8"))


def test_the_shipped_codes_are_those_of_the_field_each_with_its_meaning():
    assert list(SHIPPED.reasons) == [
        "within_policy",
        "data_error_fixed",
        "exemption_accepted",
        "exception_granted_before",
        "exception_granted",
        "breach_education",
        "breach_reimbursed_or_returned",
        "breach_disciplinary",
        "breach_reported",
        "duplicate",
        "withdrawn_by_recalculation",
    ]
    assert all(one.definition.endswith(".") for one in (*SHIPPED.reasons.values(), *SHIPPED.actions.values()))
    assert SHIPPED.due_in_business_days == {"critical": 1, "high": 3, "medium": 5, "low": 10}


def test_nobody_gives_the_reason_that_only_recalculation_has():
    for outcome in Outcome:
        with pytest.raises(UnknownReasonCode):
            SHIPPED.reason(WITHDRAWN_BY_RECALCULATION, outcome)


@pytest.mark.parametrize(
    ("outcome", "code", "allowed"),
    [
        (Outcome.WAIVED, "breach_education", "exception_granted_before, exception_granted"),
        (Outcome.DUPLICATE, "no_such_code", "duplicate"),
        (Outcome.NO_VIOLATION, "duplicate", "within_policy, data_error_fixed, exemption_accepted"),
    ],
)
def test_an_unknown_reason_is_told_which_ones_go_with_the_outcome(outcome, code, allowed):
    with pytest.raises(UnknownReasonCode) as refused:
        SHIPPED.reason(code, outcome)
    [fault] = refused.value.faults
    assert (fault.pointer, fault.detail) == ("/reason_code", f"With {outcome}, write one of: {allowed}")


def test_a_confirmed_violation_says_what_is_done_about_it_and_the_others_need_not():
    assert SHIPPED.action("training", Outcome.CONFIRMED) == "training"
    assert SHIPPED.action("none", Outcome.CONFIRMED) == "none"
    assert SHIPPED.action(None, Outcome.WAIVED) == "none"
    with pytest.raises(CorrectiveActionRequired):
        SHIPPED.action(None, Outcome.CONFIRMED)
    with pytest.raises(UnknownCorrectiveAction):
        SHIPPED.action("training", Outcome.WAIVED)


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        pytest.param({"extra": {}}, "/extra", id="an unknown key"),
        pytest.param({"reason_codes": []}, "/reason_codes", id="a list"),
        pytest.param({"reason_codes": {"Bad Code": {}}}, "/reason_codes/Bad Code", id="a bad code"),
        pytest.param({"reason_codes": {"fine": {"outcomes": []}}}, "/reason_codes/fine/definition", id="no meaning"),
        pytest.param(
            {"reason_codes": {"fine": {"definition": "x", "outcomes": ["guilty"]}}},
            "/reason_codes/fine/outcomes",
            id="an unknown outcome",
        ),
        pytest.param(
            {"reason_codes": {"fine": {"definition": "x", "outcomes": [], "needs_exemption": "yes"}}},
            "/reason_codes/fine/needs_exemption",
            id="no truth value",
        ),
        pytest.param({"corrective_actions": {}}, "/corrective_actions", id="nothing to choose from"),
        pytest.param({"due_in_business_days": {"high": 3}}, "/due_in_business_days/low", id="a severity left out"),
        pytest.param(
            {"due_in_business_days": dict.fromkeys(("critical", "high", "medium", "low"), -1)},
            "/due_in_business_days/high",
            id="days below zero",
        ),
        pytest.param(
            {"due_in_business_days": {"critical": 1, "high": 3, "medium": 5, "low": 10, "odd": 1}},
            "/due_in_business_days/odd",
            id="an unknown severity",
        ),
    ],
)
def test_a_file_that_is_not_whole_is_refused_by_place(change, pointer):
    with pytest.raises(InvalidReviewCodes) as refused:
        read(deepcopy(document()) | change)
    assert pointer in [fault.pointer for fault in refused.value.faults]


def test_what_is_no_file_of_codes_is_refused(tmp_path):
    for text in ("[1, 2", "just text", "\x00"):
        file = tmp_path / "codes.yaml"
        file.write_text(text)
        with pytest.raises(InvalidReviewCodes):
            review_codes.load(file)
    with pytest.raises(InvalidReviewCodes):
        review_codes.load(tmp_path / "absent.yaml")
