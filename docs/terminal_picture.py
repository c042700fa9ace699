"""A terminal's picture for the README, from a real run.

tmux new-session -d -x 92 -y 30 -s run .venv/bin/notewire run; sleep 20
tmux capture-pane -e -p -t run | python docs/terminal_picture.py docs/live-view.svg
"""

from __future__ import annotations

import io
import sys

from rich.console import Console
from rich.text import Text

WIDTH = 92


def save(ansi: str, path: str) -> None:
    """Write what a terminal of ``WIDTH`` columns shows as SVG."""
    console = Console(record=True, width=WIDTH, file=io.StringIO(), force_terminal=True)
    console.print(Text.from_ansi(ansi), no_wrap=True)
    console.save_svg(path, title="notewire run")


if __name__ == "__main__":
    save(sys.stdin.read(), sys.argv[1])
