"""The front end's shape, apart from its code, so that reading settings needs no torch."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class VQTConfig(BaseModel):
    """The front end's shape. Frequencies in Hz, times in seconds."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rate: int = 16_000
    hop: int = Field(default=320, gt=0, multiple_of=2)  # two phases halve it
    lowest: float = 27.5  # frequency of pitch 0
    bins_per_semitone: int = 3
    bins: int = 288
    longest: float = 0.25
    peak: float = 0.68
    log_gain: float = 10_000.0

    @property
    def first_frequency(self) -> float:
        """Bins lie around their pitch: the middle one of each semitone is in tune."""
        below = self.bins_per_semitone // 2
        return self.lowest * 2 ** (-below / (12 * self.bins_per_semitone))
