"""Where the network runs."""

from __future__ import annotations

import torch

from ..streaming.contracts import NotewireError


def available_devices() -> list[str]:
    """Best first: cuda, mps, cpu, as far as this machine has them."""
    found = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    return [*(name for name, there in found.items() if there), "cpu"]


def choose_device(wish: str) -> torch.device:
    """``auto`` takes the best there is; anything else must be there.

    Raises NotewireError for a device that this machine lacks.
    """
    have = available_devices()
    if wish == "auto":
        return torch.device(have[0])
    if wish not in have:
        raise NotewireError(f"device '{wish}' is not available here; available: {', '.join(have)}")
    return torch.device(wish)


def has_bfloat16(device: torch.device) -> bool:
    """Whether an LSTM trains in bfloat16 there: older processors have no such kernel."""
    lstm, x = torch.nn.LSTM(8, 8, device=device), torch.zeros(1, 1, 8, device=device)
    try:
        with torch.autocast(device.type, torch.bfloat16):
            lstm(x)
    except RuntimeError:
        return False
    return True
