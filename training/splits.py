"""What is learned from, what chooses thresholds, and what must not be heard before the test."""

from __future__ import annotations

from collections.abc import Callable

from ..streaming.contracts import NotewireError
from .config import TrainConfig
from .recordings import Recording, find_recordings, held_out


def split(config: TrainConfig) -> tuple[list[Recording], list[Recording]]:
    """Recordings to learn from and recordings held out, with no title in both."""
    found = find_recordings(list(config.data))
    titles = _barred_titles(found, config)
    usable = [r for r in found if not _barred(r, config) and r.title not in titles]
    held = [r for r in usable if held_out(r.title, config.held_out_share)]
    learn = [r for r in usable if r not in held]
    if config.learn == "pedal":
        learn, held = ([r for r in part if r.pedals() is not None] for part in (learn, held))
    if not learn:
        raise NotewireError(f"no labelled recordings to learn from in {config.data}")
    return learn, held


def learnable(config: TrainConfig) -> Callable[[str], bool]:
    """Whether a title may be learned from. Titles are compared by name, as their files say it."""
    barred = _barred_titles(find_recordings(list(config.data)), config)
    share = config.held_out_share
    return lambda title: title not in barred and not held_out(title, share)


def _barred_titles(found: list[Recording], config: TrainConfig) -> set[str]:
    return {recording.title for recording in found if _barred(recording, config)}


def _barred(recording: Recording, config: TrainConfig) -> bool:
    prefix = config.exclude_titles_of
    return bool(prefix) and recording.instrument.startswith(prefix)
