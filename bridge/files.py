"""What the sinks that write files share."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..streaming.contracts import NotewireError


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """Turn an OSError of the body into a NotewireError that names the file."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or error
        cure = "check the folder's rights and its free space, or choose another path"
        raise NotewireError(f"cannot write {path}: {reason}; {cure}") from error
