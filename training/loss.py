"""How wrong an answer is, for every look-ahead at once."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits as cross_entropy

from ..models.network import OUTPUTS, Said

ONSET_WEIGHT = 2.0  # onsets are rare: one frame in a hundred
# cross-entropies are means over every key and frame, most of them silent: hence the large numbers
WEIGHTS = {"onset": 100.0, "frame": 20.0, "offset": 20.0, "velocity": 20.0, "shift": 0.5}
WEIGHTS |= {"pedal": 1.0}


def losses(answer: Said, wish: Said, burn_in: int) -> dict[str, Tensor]:
    """Weighted loss per output over all look-aheads, the first ``burn_in`` hops left out.

    A wish for the pedal is NaN where nobody knows.
    """
    parts = _note_losses(answer.notes[:, burn_in:].float(), wish.notes[:, burn_in:])
    if answer.pedal is not None and wish.pedal is not None:
        parts["pedal"] = _pedal_loss(answer.pedal[:, burn_in:].float(), wish.pedal[:, burn_in:])
    return {name: WEIGHTS[name] * value for name, value in parts.items()}


def _note_losses(logits: Tensor, wish: Tensor) -> dict[str, Tensor]:
    said = dict(zip(OUTPUTS, logits.unbind(3), strict=True))
    true = dict(zip(OUTPUTS, wish.unbind(3), strict=True))
    struck = true["onset"]
    known = struck * (true["velocity"] > 0)  # some data sets have no velocities
    return {
        "onset": cross_entropy(said["onset"], struck, 1 + (ONSET_WEIGHT - 1) * struck),
        "frame": cross_entropy(said["frame"], true["frame"]),
        "offset": cross_entropy(said["offset"], true["offset"]),
        "velocity": _error(torch.sigmoid(said["velocity"]), true["velocity"], known),
        "shift": _error(torch.tanh(said["shift"]), true["shift"], struck),
    }


def _pedal_loss(said: Tensor, true: Tensor) -> Tensor:
    known = ~true.isnan()
    loss = cross_entropy(said, true.nan_to_num(), reduction="none")
    return (known * loss).sum() / known.sum().clamp(min=1)


def _error(said: Tensor, true: Tensor, struck: Tensor) -> Tensor:
    """Mean squared error where a note begins."""
    return (struck * (said - true) ** 2).sum() / struck.sum().clamp(min=1)
