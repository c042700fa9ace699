"""The settings: one schema for YAML, environment and flags."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from ..bridge.expression import Expression
from ..models.config import Mode, ModelConfig
from ..streaming.contracts import NotewireError
from ..streaming.decoding import DecoderConfig
from .logs import Format, Level


def _at_home(path: Path) -> Path:
    """``~`` is home, also in a file."""
    try:
        return path.expanduser()
    except RuntimeError as error:
        raise ValueError(f"{path}: {error}") from error


UserPath = Annotated[Path, AfterValidator(_at_home)]
MOST_THREADS = 4  # that a network of this size has work for


class Section(BaseModel):
    """Frozen, and a key it does not know is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class InputConfig(Section):
    """Where the sound comes from."""

    device: str = Field(
        default="auto",
        description="input by name, see `notewire devices`; auto: the default one, else the demo",
    )
    loopback: bool = Field(default=False, description="listen to what the computer plays")
    file: UserPath | None = Field(default=None, description="listen to this file at its own pace")
    demo: bool = Field(default=True, description="play the demo clip where there is no input")
    channels: int = Field(default=2, ge=1, le=64, description="channels mixed into one, at most")
    block: int = Field(default=0, ge=0, le=8192, description="frames a block; 0: the device's own")


class TouchConfig(Section):
    """What becomes of the velocity on its way to the port."""

    curve: float = Field(
        default=1.0, gt=0.1, lt=10.0, description="under 1 soft notes get louder, over 1 softer"
    )
    softest: int = Field(default=1, ge=1, le=127, description="what velocity 1 becomes")
    loudest: int = Field(default=127, ge=1, le=127, description="what velocity 127 becomes")


class PartConfig(Section):
    """Keys that have a channel, and perhaps a sound, of their own."""

    lowest: int = Field(default=0, ge=0, le=127, description="MIDI pitch, 60 is middle C")
    highest: int = Field(default=127, ge=0, le=127)
    channel: int = Field(ge=1, le=16)
    program: int | None = Field(default=None, ge=1, le=128, description="sound, as General MIDI")


class MidiConfig(Section):
    """The virtual MIDI port."""

    enabled: bool = True
    backend: Literal["auto", "alsa", "jack", "coremidi", "winmm"] = "auto"
    port: str | None = Field(
        default=None, description="an existing port to send to, needed on Windows; else a new one"
    )
    channel: int = Field(default=1, ge=1, le=16)
    program: int | None = Field(
        default=None, ge=1, le=128, description="sound to ask the instrument for, as General MIDI"
    )
    parts: list[PartConfig] = Field(
        default=[], description="keys for other channels, the first that fits; mpe has its own"
    )
    velocity: TouchConfig = TouchConfig()
    bend: Expression = Field(
        default="off",
        description="follow pitch: mono, one voice, range 2; or mpe, a channel a note, range 48",
    )
    clock: str | None = Field(
        default=None,
        description="MIDI clock for takes and bus: an input's name, or virtual for a port of ours",
    )
    control: str | None = Field(
        default=None,
        description="panics by MIDI (CC 120, 123): an input's name, or virtual for a port of ours",
    )
    latency_ms: float | None = Field(
        default=None,
        ge=0.0,
        le=2000.0,
        description="hold every note back until so long after it sounded; none: as soon as known",
    )

    @property
    def listens(self) -> str | None:
        """The setting that wants a MIDI input, if there is one."""
        wishes = {"midi.clock": self.clock, "midi.control": self.control}
        return next((name for name, wish in wishes.items() if wish), None)


class BusConfig(Section):
    """The ZeroMQ bus."""

    enabled: bool = True
    address: str = Field(
        default="tcp://127.0.0.1:5556", description="loopback or ipc://; others with keys"
    )
    bends: bool = Field(default=False, description="say how sounding notes bend, in cents")
    corrections: bool = Field(
        default=False, description="take back, put right and add what output.mode hears otherwise"
    )
    codec: Literal["json", "msgpack"] = Field(
        default="json", description="how messages are written on the bus"
    )
    control: str | None = Field(
        default=None, description="where commands are taken; else the port after the address"
    )
    keys: UserPath | None = Field(
        default=None, description="folder of keys, see `notewire keys`: only their holders come in"
    )


class MetricsConfig(Section):
    """Figures for Prometheus."""

    address: str | None = Field(default=None, description="HOST:PORT, 127.0.0.1:9464 say; or none")


class LogConfig(Section):
    """What the program reports on stderr while it runs."""

    format: Format = "text"
    level: Level = "info"


class OscConfig(Section):
    """Notes to programs that read Open Sound Control."""

    address: str | None = Field(default=None, description="HOST:PORT; none: no OSC is sent")


class OutputConfig(Section):
    """Files written while running."""

    events: UserPath | None = Field(default=None, description="event log, JSON lines")
    midi: UserPath | None = Field(default=None, description="standard MIDI file")
    takes: UserPath | None = Field(
        default=None, description="folder for takes: a MIDI file from the start, and for each take"
    )
    mode: Mode | None = Field(
        default=None,
        description="how long to listen before writing to MIDI files; none: as long as is known",
    )


def most_patient(look_aheads: dict[Mode, int]) -> Mode:
    """The mode that listens longest."""
    return max(look_aheads, key=look_aheads.__getitem__)


def processors() -> int:
    """Those that this process may use."""
    if sys.platform == "linux":
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class Config(Section):
    """Everything that can be set."""

    model: str = Field(default="piano", description="a shipped model, or a .safetensors file")
    mode: Mode = Field(default="balanced", description="longest wait before speaking")
    device: str = Field(default="auto", description="auto, cpu, cuda or mps")
    threads: int = Field(
        default=1,
        ge=1,
        le=64,
        description="processor threads; files get up to four unless it is set",
    )
    pedal: bool = Field(
        default=False, description="hear a piano's sustain pedal: CC64, bus, log; a first attempt"
    )
    view: Literal["auto", "on", "off"] = Field(default="auto", description="the live view")
    input: InputConfig = InputConfig()
    decoder: DecoderConfig = Field(
        default=DecoderConfig(), description="what is set here wins over the model's own values"
    )
    midi: MidiConfig = MidiConfig()
    bus: BusConfig = BusConfig()
    osc: OscConfig = OscConfig()
    metrics: MetricsConfig = MetricsConfig()
    log: LogConfig = LogConfig()
    output: OutputConfig = OutputConfig()

    def second_mode(self, look_aheads: dict[Mode, int]) -> Mode | None:
        """The mode of the second thoughts, where anything asks for them; of the model's own."""
        if not (self.output.midi or self.output.takes or self.bus.corrections):
            return None
        return self.output.mode or most_patient(look_aheads)

    def check(self, model: ModelConfig) -> None:
        """Raises NotewireError where it asks for what the model cannot do."""
        if self.pedal and not model.network.pedal:
            cure = "leave `pedal` off, or choose another model"
            raise NotewireError(f"the model '{model.name}' does not hear the pedal: {cure}")

    def threads_for_files(self) -> int:
        """What was set; else as many as there is work for, as nobody waits for a hop."""
        given = "threads" in self.model_fields_set
        return self.threads if given else min(MOST_THREADS, processors())

    def decoder_for(self, tuned: DecoderConfig) -> DecoderConfig:
        """The model's tuned decoder with what the user has set."""
        return tuned.model_copy(update=self.decoder.model_dump(exclude_unset=True))
