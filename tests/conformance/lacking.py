"""What worked examples need and the service does not offer yet: said in the skip, summed up at the end of a run."""

from __future__ import annotations

import re
from collections import Counter

import pytest

NOT_YET = "not yet supported: "


def summarise(terminalreporter: pytest.TerminalReporter) -> None:
    """How many cases were not driven to their end, and for want of what."""
    reasons = (str(report.longrepr) for report in terminalreporter.stats.get("skipped", []))
    found = Counter(lacking[1] for reason in reasons if (lacking := re.search(f"{NOT_YET}(\\w+)", reason)))
    if not found:
        return
    terminalreporter.section("NOT YET SUPPORTED", sep="!", yellow=True, bold=True)
    for capability, cases in found.most_common():
        terminalreporter.line(f"{capability}: {cases} tests stopped at the first step that needs it", yellow=True)
