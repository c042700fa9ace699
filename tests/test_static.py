"""ruff and pyright are clean, as part of the tests."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
CHECKS = {"lint": ["ruff", "check"], "format": ["ruff", "format", "--check"], "types": ["pyright"]}


@pytest.mark.parametrize("check", CHECKS)
def test_clean(check: str) -> None:
    command = [sys.executable, "-m", *CHECKS[check]]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
