"""Carries out what a running engine is asked: panic, mode, sensitivity, transpose, mute."""

from __future__ import annotations

from collections.abc import Sequence

from ..bridge.commands import (
    Answer,
    AnyCommand,
    Done,
    Mute,
    Panic,
    Refused,
    SetMode,
    SetSensitivity,
    SetTranspose,
    Standing,
)
from ..bridge.midi_port import MidiPort
from ..bridge.zeromq import ZeroMqPublisher
from ..models.config import Mode
from ..streaming.decoding import DecoderConfig
from .config import Config
from .engine import Engine


class Conductor:
    """``act`` on the engine, from the engine's own thread."""

    def __init__(
        self, engine: Engine, bus: ZeroMqPublisher, config: Config, ports: Sequence[MidiPort]
    ) -> None:
        self._engine, self._bus, self._config, self._ports = engine, bus, config, ports

    def act(self, command: AnyCommand) -> Answer:
        """Do it and say so, or say why not."""
        match command:
            case Panic():
                return self._panic()
            case SetMode(mode):
                return self._switch(mode, self._decoder(mode))
            case SetSensitivity(value):
                return self._change("sensitivity", value)
            case SetTranspose(semitones):
                return self._change("transpose", semitones)
            case Mute(on):
                self._engine.mute(on)
                return Done()
        return self._standing()

    def _panic(self) -> Answer:
        self._engine.release()
        try:
            for port in self._ports:
                port.panic()
        except Exception as error:  # the port may be gone; the notes have ended all the same
            return Refused(f"the MIDI port does not listen: {error}")
        return Done()

    def _decoder(self, mode: Mode) -> DecoderConfig:
        return self._config.decoder_for(self._engine.transcriber.config.decoder[mode])

    def _change(self, knob: str, value: float) -> Answer:
        """Turn a knob of the user's settings; it stays turned in other modes."""
        chosen = self._config.decoder.model_dump(exclude_unset=True) | {knob: value}
        self._config = self._config.model_copy(
            update={"decoder": DecoderConfig.model_validate(chosen)}
        )
        mode = self._engine.transcriber.mode
        return self._switch(mode, self._decoder(mode))

    def _switch(self, mode: Mode, decoder: DecoderConfig) -> Answer:
        if mode not in self._engine.transcriber.config.network.look_ahead:
            return Refused(f"the model has no mode '{mode}'")
        self._engine.switch(mode, decoder)
        return Done()

    def _standing(self) -> Standing:
        transcriber = self._engine.transcriber
        decoder = transcriber.decoder.config
        return Standing(
            *self._bus.standing(),
            transcriber.mode,
            decoder.sensitivity,
            decoder.transpose,
            self._engine.muted,
        )
