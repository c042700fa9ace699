"""Files that reports are written to: refused before the work, not after it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ..bridge.files import naming
from ..streaming.contracts import NotewireError


def check_writable(*paths: Path | None) -> None:
    """Raises NotewireError for a path whose folder is not there."""
    for path in paths:
        if path is not None and not path.parent.is_dir():
            raise NotewireError(f"{path}: there is no folder {path.parent}; make it first")


def write_json(path: Path, value: Any) -> None:
    with naming(path):
        path.write_text(json.dumps(value, indent=2) + "\n")
