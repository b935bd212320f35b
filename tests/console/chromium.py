"""Where the browser is that tests run in. It imports nothing of ours, because every test run asks it what to say."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

NO_BROWSER = "no Chromium on this machine"
REQUIRED_VARIABLE = "PROPRIETY_REQUIRE_CHROMIUM"
CHROMIUM_VARIABLE = "PROPRIETY_TEST_CHROMIUM"


def chromium() -> str | None:
    """The browser that tests run in: the one that is named, or Debian's."""
    named = os.environ.get(CHROMIUM_VARIABLE)
    found = named or shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    return found if found and Path(found).exists() else None
