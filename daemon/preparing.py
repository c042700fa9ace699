"""``notewire data`` and ``notewire gather``: what there is to learn from, and in which layout."""

from __future__ import annotations

from pathlib import Path

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from ..streaming.contracts import NotewireError
from .settings import load_yaml_as

try:
    from ..training.gather import Sources, gather
    from ..training.prepare import Holding, convert, holdings
    from ..training.recordings import find_recordings
except ImportError as error:
    raise NotewireError(f"{error.name} is missing: pip install 'notewire[train]'") from error


def prepare_data(paths: list[Path], out: Path | None, rate: int) -> None:
    """Print a table; with ``out``, convert. Raises NotewireError where nothing is found."""
    recordings = find_recordings(paths)
    if not recordings:
        names = ", ".join(str(path) for path in paths)
        raise NotewireError(
            f"{names}: no recordings with notes; `notewire data --help` has layouts"
        )
    console = Console()
    console.print(_table(holdings(recordings)))
    if out:
        written = sum(1 for _ in convert(recordings, out, rate))
        there = len(recordings) - written
        console.print(f"{out}: {written} recordings written, {there} were there", markup=False)


def gather_sources(sources: Path, out: Path) -> None:
    """Clone, copy and render what ``sources`` lists. Raises NotewireError for what fails."""
    gather(load_yaml_as(Sources, sources), out)


def _table(holdings: dict[str, Holding]) -> Table:
    table = Table(box=SIMPLE_HEAD)
    table.add_column("instrument")
    for name in ("recordings", "titles", "hours", "notes"):
        table.add_column(name, justify="right")
    for name, holding in holdings.items():
        counts = (holding.recordings, holding.titles, f"{holding.hours:.2f}", holding.notes)
        table.add_row(name, *(str(count) for count in counts))
    return table
