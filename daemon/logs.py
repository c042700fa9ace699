"""What the program reports while it runs: on stderr, for people or for machines."""

from __future__ import annotations

import sys
from typing import Literal

import structlog

LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40}  # as in logging
Level = Literal["debug", "info", "warning", "error"]
Format = Literal["text", "json"]


def log_to_stderr(form: Format = "text", level: Level = "info") -> None:
    """It must not get between the notes on stdout. ``json``: an object a line, times in UTC."""
    text: list[structlog.typing.Processor] = [
        structlog.processors.TimeStamper("%Y-%m-%d %H:%M:%S", utc=False),
        structlog.dev.ConsoleRenderer(colors=sys.stderr is not None and sys.stderr.isatty()),
    ]
    machine: list[structlog.typing.Processor] = [
        structlog.processors.TimeStamper("iso", utc=True, key="time"),
        structlog.processors.JSONRenderer(),
    ]
    structlog.configure(
        [structlog.processors.add_log_level, *(machine if form == "json" else text)],
        structlog.make_filtering_bound_logger(LEVELS[level]),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
