"""Exemptions: what a document covers, and why not what it does not."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from app.domain.exemptions import Exemption

OF_2026 = (date(2026, 1, 1), date(2026, 12, 31))


def exempts(people: tuple[str, ...] = (), employers: tuple[str, ...] = ()) -> Exemption:
    return Exemption(("gifts", "meals"), people, employers, *OF_2026)


CASE: dict[str, Any] = {"rule_id": "gifts", "recipients": {"rec_1", "rec_9"}, "employers": {"emp_1"}}


@pytest.mark.parametrize(
    ("exemption", "case", "why_not"),
    [
        pytest.param(exempts(), {}, None, id="everybody"),
        pytest.param(exempts(), {"on": OF_2026[0]}, None, id="the first day"),
        pytest.param(exempts(), {"on": OF_2026[1]}, None, id="the last day"),
        pytest.param(exempts(), {"on": date(2025, 12, 31)}, "not on 2025-12-31", id="the day before"),
        pytest.param(exempts(), {"on": date(2027, 1, 1)}, "not on 2027-01-01", id="the day after"),
        pytest.param(exempts(), {"rule_id": "travel"}, "not travel", id="another rule"),
        pytest.param(exempts(people=("rec_1",)), {}, None, id="the person"),
        pytest.param(exempts(people=("rec_9",)), {}, None, id="another record of the person"),
        pytest.param(exempts(people=("rec_2",)), {}, "other recipients", id="another person"),
        pytest.param(exempts(employers=("emp_1", "emp_2")), {}, None, id="the employer"),
        pytest.param(exempts(employers=("emp_2",)), {}, "other employers", id="another employer"),
        pytest.param(exempts(("rec_1",), ("emp_1",)), {}, None, id="the person there"),
        pytest.param(exempts(("rec_1",), ("emp_2",)), {}, "other employers", id="the person elsewhere"),
        pytest.param(exempts(employers=("emp_1",)), {"employers": set()}, "other employers", id="no employer known"),
    ],
)
def test_a_document_covers_its_rules_days_and_people(exemption, case, why_not):
    found = exemption.why_not(**({"on": date(2026, 5, 4)} | CASE | case))
    assert (found is None) == (why_not is None)
    assert why_not is None or why_not in found
