"""A training run as YAML: what to learn from, how long, how."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from ..models.config import ModelConfig
from .augment import AugmentConfig
from .players import PlayersConfig


class TrainConfig(BaseModel):
    """Everything that a run depends on; a resumed run draws other crops than one in one go."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    data: list[Path] = Field(description="files or folders of labelled recordings")
    exclude_titles_of: str = Field(
        default="ENSTDk",
        description="leave out these instruments in `data`, and every title that they play there",
    )
    held_out_share: float = Field(
        default=0.08, ge=0.0, lt=1.0, description="titles kept for validation"
    )
    tune_on: Literal["all", "pianos", "nothing"] = Field(
        default="all",
        description="held-out recordings that choose thresholds; pianos: that use a pedal; "
        "nothing: those of `model` stay",
    )
    played: PlayersConfig | None = Field(
        default=None, description="music that sampled pianos play while training goes on"
    )
    noises: list[Path] = Field(
        default=[], description="files or folders of sounds without notes: speech, rooms"
    )
    start_from: Path | None = Field(
        default=None, description="weights to begin with instead of random ones"
    )
    learn: Literal["all", "pedal", "heads"] = Field(
        default="all",
        description="pedal: what hears notes stays as it is; heads: only what answers for each "
        "look-ahead learns",
    )
    output: Path = Field(description="folder for checkpoints, curves and the finished weights")
    cache: Path = Field(description="folder for decoded audio")
    model: ModelConfig = ModelConfig()
    augment: AugmentConfig = AugmentConfig()
    seed: int = 1
    steps: int = Field(default=8000, ge=1)
    minutes: float | None = Field(
        default=None, gt=0.0, description="of learning, if they are over before the steps are"
    )
    batch: int = Field(default=8, ge=1)
    crop_seconds: float = Field(default=4.0, gt=0.0)
    burn_in_hops: int = Field(
        default=12, ge=0, description="frames at a crop's start that do not count"
    )
    learning_rate: float = 3e-3
    warmup_steps: int = 200
    decay_steps: int | None = Field(
        default=None,
        ge=1,
        description="of `steps`, those in which the rate falls to zero; all, unless given",
    )
    weight_decay: float = 1e-2
    gradient_norm: float = 1.0
    bfloat16: bool = Field(default=True, description="where the processor has it")
    workers: int = 1
    threads: int = Field(default=2, ge=1)
    device: str = "auto"
    checkpoint_every: int = Field(default=250, ge=1, description="steps between checkpoints")
