"""Carries out what a running engine is asked: panic, mode, sensitivity, settings read again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ..bridge.commands import (
    Answer,
    AnyCommand,
    Done,
    Mute,
    Panic,
    Refused,
    Reload,
    SetMode,
    SetSensitivity,
    SetTranspose,
    Snapshot,
    Standing,
    Take,
)
from ..bridge.midi_port import MidiPort
from ..bridge.takes import Takes
from ..bridge.touch import touch
from ..bridge.wire import TakeMessage
from ..bridge.zeromq import ZeroMqPublisher
from ..models.config import Mode
from ..streaming.contracts import NotewireError
from ..streaming.decoding import DecoderConfig
from .config import Config
from .engine import Engine

LIVE = ("mode", "decoder", "midi.velocity")  # settings that can change while notes sound


class Conductor:
    """``act`` on the engine, from the engine's own thread.

    bus: for those who ask how things stand; reread: reads the settings again, raising NotewireError
    for mistakes in them; recorder: of takes, where there is a folder for them.
    """

    def __init__(
        self,
        engine: Engine,
        bus: ZeroMqPublisher | None,
        config: Config,
        ports: Sequence[MidiPort],
        reread: Callable[[], Config] = Config,
        recorder: Takes | None = None,
    ) -> None:
        self._engine, self._bus, self._config, self._ports = engine, bus, config, ports
        self._reread, self._begun, self._recorder = reread, config, recorder
        self.on_reread: Callable[[], object] = lambda: None  # called before

    def act(self, command: AnyCommand) -> Answer:
        """Do it and say so, or say why not."""
        match command:
            case Panic():
                answer = self._panic()
            case SetMode(mode):
                answer = self._switch(mode)
            case SetSensitivity(value):
                answer = self._change("sensitivity", value)
            case SetTranspose(semitones):
                answer = self._change("transpose", semitones)
            case Mute(on):
                answer = self._mute(on)
            case Take(on):
                answer = self._take(on)
            case Reload():
                answer = self._reload()
            case Snapshot():
                answer = self._standing()
        return answer

    def _mute(self, on: bool) -> Answer:
        self._engine.mute(on)
        return Done()

    def _panic(self) -> Answer:
        self._engine.release()
        try:
            for port in self._ports:
                port.panic()
        except Exception as error:  # the port may be gone; the notes have ended all the same
            return Refused(f"the MIDI port does not listen: {error}")
        return Done()

    def _take(self, on: bool) -> Answer:
        if self._recorder is None:
            return Refused("there is no folder for takes: set output.takes")
        try:
            file = self._recorder.start(self._engine.position) if on else self._recorder.stop()
        except NotewireError as error:
            return Refused(str(error))
        if self._bus:
            self._bus.tell(TakeMessage(on, str(file or "")))
        return Done(file=str(file or ""))

    def _reload(self) -> Answer:
        """A mistake in the settings changes nothing."""
        self.on_reread()
        try:
            config = self._reread()
        except NotewireError as error:
            return Refused(str(error))
        answer = self._adopt(config)
        waiting = changed(self._begun, config)
        if waiting and isinstance(answer, Done):
            return Done(f"the next start will heed {', '.join(waiting)}")
        return answer

    def _adopt(self, config: Config) -> Answer:
        before, self._config = self._config, config
        answer = self._switch(config.mode)
        if isinstance(answer, Refused):
            self._config = before
        else:
            for port in self._ports:
                port.velocities = touch(**config.midi.velocity.model_dump())
        return answer

    def _decoder(self, mode: Mode) -> DecoderConfig:
        """The model's own for this mode, with what the user has set."""
        return self._config.decoder_for(self._engine.transcriber.config.tuned(mode))

    def _change(self, knob: str, value: float) -> Answer:
        """Turn a knob of the user's settings; it stays turned in other modes."""
        chosen = self._config.decoder.model_dump(exclude_unset=True) | {knob: value}
        self._config = self._config.model_copy(
            update={"decoder": DecoderConfig.model_validate(chosen)}
        )
        return self._switch(self._engine.transcriber.mode)

    def _switch(self, mode: Mode) -> Answer:
        if mode not in self._engine.transcriber.config.network.look_ahead:
            return Refused(f"the model has no mode '{mode}'")
        later = self._engine.transcriber.later
        self._engine.switch(mode, self._decoder(mode), self._decoder(later) if later else None)
        return Done()

    def _standing(self) -> Answer:
        if self._bus is None:
            return Refused("there is no bus")
        transcriber = self._engine.transcriber
        decoder = transcriber.decoder.config
        return Standing(
            *self._bus.standing(),
            transcriber.mode,
            decoder.sensitivity,
            decoder.transpose,
            self._engine.muted,
        )


def changed(old: Config, new: Config) -> list[str]:
    """The settings that differ and that a running engine cannot change, as dotted keys."""
    before, after = _leaves(old.model_dump()), _leaves(new.model_dump())
    differ = [key for key in before if before[key] != after[key]]
    return [key for key in differ if not any(f"{key}.".startswith(f"{live}.") for live in LIVE)]


def _leaves(tree: dict[str, Any], above: str = "") -> dict[str, Any]:
    leaves: dict[str, Any] = {}
    for key, value in tree.items():
        where = above + key
        leaves |= _leaves(value, f"{where}.") if isinstance(value, dict) else {where: value}
    return leaves
