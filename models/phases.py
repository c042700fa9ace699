"""One network that listens twice, the second time half a hop ahead.

Its answers come twice as often, and two that are half a hop apart err less alike than their frames
overlap: what is in doubt in one is often sure in the other. The weights are the same. Each phase
has its own place in the stream; its answers are put in their order here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from .network import NetworkState, Said

Values = NDArray[np.floating]


class Answers(NamedTuple):
    """What was said of the newest hops of one phase, and their level, (hops,), dBFS."""

    said: Said  # of one stream, without the batch
    level: NDArray[np.floating]


class Place(NamedTuple):
    """How far one phase has come."""

    rest: NDArray[np.floating]  # samples of an unfinished hop
    network: NetworkState | None = None
    hops: int = 0  # answered


def at_start(phases: int, hop: int, dtype: np.dtype) -> tuple[Place, ...]:
    """All phases at a stream's start: each is ahead of the last by a part of a hop of silence."""
    return tuple(Place(np.zeros(phase * hop // phases, dtype)) for phase in range(phases))


def refit(places: tuple[Place, ...], phases: int, hop: int) -> tuple[Place, ...]:
    """Places for another number of phases, in the middle of a stream."""
    first = places[0]
    if phases == len(places):
        return places
    return first, *(_ahead(first, phase * hop // phases, hop) for phase in range(1, phases))


def in_turn(parts: Sequence[Values], answered: int) -> Values:
    """The newest answers of all phases, (hops, ...) each, as they come: the last phase is ahead.

    answered: how many came before them.
    """
    phases = len(parts)
    answers = np.empty((sum(map(len, parts)), *parts[0].shape[1:]), parts[0].dtype)
    for phase, part in enumerate(parts):
        answers[(phases - 1 - phase - answered) % phases :: phases] = part
    return answers


def steadied(logits: Values, before: Values | None, phases: int) -> tuple[Values, Values | None]:
    """Each answer's mean with the last of every other phase, and what the next call needs.

    logits: (answers, ...); before: (phases - 1, ...), None at a stream's start.
    """
    if phases == 1 or not len(logits):
        return logits, before
    past = np.repeat(logits[:1], phases - 1, axis=0) if before is None else before
    known = np.concatenate([past, logits])
    mean = sum(known[phase : phase + len(logits)] for phase in range(phases)) / phases
    return np.asarray(mean, logits.dtype), known[len(logits) :]


def _ahead(first: Place, by: int, hop: int) -> Place:
    """A phase that joins the first one, its hops ending ``by`` samples before those of the first.

    It remembers what the first does, and has heard the same; the samples between the end of its own
    last hop and that of the first it will hear once more.
    """
    filled = len(first.rest) + by
    hops, left = divmod(filled, hop)
    state, past = first.network, np.zeros(by, first.rest.dtype)
    if state is not None:
        past = state.audio[0].cpu().numpy().astype(past.dtype)
    known = np.concatenate([past, first.rest])
    rest = known[len(known) - left :]
    if state is not None:
        memory = torch.from_numpy(known[: len(known) - left]).to(state.audio)
        size = state.audio.shape[1]
        memory = torch.nn.functional.pad(memory, (max(0, size - len(memory)), 0))[-size:]
        state = state._replace(audio=memory[None])
    return Place(rest, state, first.hops + hops)
