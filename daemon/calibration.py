"""What inputs need for themselves, as ``notewire calibrate`` measured it, kept for later runs."""

from __future__ import annotations

import json
from pathlib import Path

import structlog
import typer
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from ..bridge.files import naming

log = structlog.get_logger()


class Profile(BaseModel):
    """Of one input: the way from an output back into it, and what of that is its own."""

    model_config = ConfigDict(frozen=True)

    output: str = Field(description="what played the clicks")
    round_trip_ms: float
    input_ms: float
    measured: str = Field(description="date, ISO 8601")


Profiles = TypeAdapter(dict[str, Profile])


def profiles_file() -> Path:
    return Path(typer.get_app_dir("notewire")) / "calibration.json"


def input_latency(name: str) -> float | None:
    """Seconds that the input ``name`` needs for itself; None where that was not measured."""
    profile = read_profiles().get(name)
    return profile.input_ms / 1000 if profile else None


def read_profiles() -> dict[str, Profile]:
    """By name of the input. A file that cannot be read counts as none, with a warning."""
    file = profiles_file()
    try:
        return Profiles.validate_json(file.read_bytes())
    except FileNotFoundError:
        return {}
    except (OSError, ValidationError) as error:
        log.warning("calibration not read", file=str(file), error=str(error))
        return {}


def keep_profile(name: str, profile: Profile) -> Path:
    """Write it beside the others, whole or not at all. Raises NotewireError if it cannot be."""
    file = profiles_file()
    everything = {key: p.model_dump() for key, p in (read_profiles() | {name: profile}).items()}
    with naming(file):
        file.parent.mkdir(parents=True, exist_ok=True)
        unfinished = file.with_suffix(".tmp")
        unfinished.write_text(json.dumps(everything, indent=2) + "\n")
        unfinished.replace(file)
    return file
