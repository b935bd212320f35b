"""How long a soak is: the numbers in the tests are the whole ones, PROPRIETY_SOAK=0.01 plays a hundredth of each."""

from __future__ import annotations

import os

SHARE = float(os.environ.get("PROPRIETY_SOAK", "1"))


def share(whole: int) -> int:
    """As much of a number as this soak plays; at least one."""
    return max(1, round(whole * SHARE))
