"""One network that listens several times, each part of a hop later than the last.

Its answers come that much more often, and two that are half a hop apart err less alike than their
frames overlap: what is in doubt in one is often sure in the other. The weights are the same. Each
phase has its own place in the stream; its answers are put in their order here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from .network import NetworkState, Said


class Heard(NamedTuple):
    """What was said of the newest hops of one phase, and their level, (hops,), dBFS."""

    said: Said  # of one stream, without the batch
    level: NDArray[np.floating]


class Place(NamedTuple):
    """How far one phase has come: the samples of an unfinished hop, and what it remembers."""

    rest: NDArray[np.floating]
    network: NetworkState | None = None


def at_start(phases: int, hop: int, dtype: np.dtype) -> tuple[Place, ...]:
    """All phases at a stream's start: each later one has heard a part of a hop of silence more."""
    return tuple(Place(np.zeros(phase * hop // phases, dtype)) for phase in range(phases))


def refit(places: tuple[Place, ...], phases: int, hop: int) -> tuple[Place, ...]:
    """Places for another number of phases, in the middle of a stream."""
    if phases <= len(places):
        return places[:phases]
    return *places, *(_behind(places[0], phase * hop // phases) for phase in range(1, phases))


def in_turn(parts: Sequence[Tensor], answered: int) -> Tensor:
    """The newest answers of all phases, (hops, ...) each, as they come: the last phase is ahead.

    answered: how many came before them.
    """
    phases = len(parts)
    answers = torch.cat([*parts])
    if len(answers) < 2:  # as live
        return answers
    for phase, part in enumerate(parts):
        answers[(phases - 1 - phase - answered) % phases :: phases] = part
    return answers


def steadied(logits: Tensor, before: Tensor | None, phases: int) -> tuple[Tensor, Tensor | None]:
    """Each answer's mean with the last of every other phase, and what the next call needs.

    logits: (answers, ...); before: (phases - 1, ...), None at a stream's start.
    """
    if phases == 1 or not len(logits):
        return logits, before
    past = logits[:1].expand(phases - 1, *logits.shape[1:]) if before is None else before
    known = torch.cat([past, logits])
    newest = [known[phase : phase + len(logits)] for phase in range(phases)]
    return torch.stack(newest).mean(0), known[len(logits) :]


def _behind(place: Place, late: int) -> Place:
    """Another phase that goes on from ``place``, its hops ending ``late`` samples after its own.

    Its memory is of what ended that much sooner: a part of a hop, once.
    """
    state = place.network
    if state is None:
        return Place(np.concatenate([np.zeros(late, place.rest.dtype), place.rest]))
    newest = state.audio[0, -late:].cpu().numpy()
    earlier = torch.nn.functional.pad(state.audio, (late, 0))[:, : state.audio.shape[1]]
    rest = np.concatenate([newest.astype(place.rest.dtype), place.rest])
    return Place(rest, state._replace(audio=earlier))
