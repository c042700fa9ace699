"""Instruments to render with: single-note samples, or a sound font played by FluidSynth.

``instrument.perform(notes, random)`` returns mono float32 at 16 kHz for a table of notes (onset s,
offset s, pitch, velocity), at any level.
"""

from __future__ import annotations

import re
import subprocess
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from ..streaming.contracts import NotewireError
from .midi_notes import write_midi
from .pianos import MIDDLE_C, Character, draw_character, draw_damping
from .scores import Notes

RATE = 16_000
NAME = re.compile(r"^(?P<layer>.*?)\s*(?P<step>[A-Ga-g])(?P<sign>[#sb]?)(?P<octave>-?\d)$")
NAMES = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")
STEPS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
SIGNS = {"": 0, "#": 1, "s": 1, "b": -1}
UNDAMPED = 90  # a piano has no dampers from about F#6 on: those notes ring out
RINGING = 4.0  # s, more than they need
LOUD, FAINT = 0.3, 0.02  # of the peak
LEAD = 0.03  # s from faint to loud, at most
TAIL = 1.0  # s after its end in which a damped note is still heard


class Instrument(Protocol):
    """Whatever can play a table of notes."""

    def perform(self, notes: Notes, random: np.random.Generator) -> NDArray[np.float32]: ...


@dataclass(frozen=True)
class Sample:
    pitch: int
    audio: NDArray[np.float32]


class SampledInstrument:
    """Layers of samples, softest first, all at 16 kHz and brought to one loudness.

    varied: whether every piece is played on another piano made of them (training/pianos.py). Raises
    NotewireError for a folder without samples or without one of the layers.
    """

    def __init__(
        self, folder: Path, middle_c: int, layers: list[str] | None = None, varied: bool = False
    ) -> None:
        found: dict[str, list[Sample]] = {}
        paths = sorted(p for p in folder.glob("*") if NAME.match(p.stem))
        with ThreadPoolExecutor() as threads:
            for path, audio in zip(paths, threads.map(_load, paths), strict=True):
                layer, pitch = parse_name(path.stem, middle_c)
                found.setdefault(layer, []).append(Sample(pitch, audio))
        wanted = [name.upper() for name in (layers or sorted(found))]
        missing = [name for name in wanted if name not in found]
        if missing or not wanted:
            raise NotewireError(_without(folder, missing, sorted(found)))
        self.layers = [found[name] for name in wanted]
        self.varied = varied

    def perform(self, notes: Notes, random: np.random.Generator) -> NDArray[np.float32]:
        """All notes mixed, on one drawn set of dampers, or one drawn piano."""
        ways = draw_character(random) if self.varied else Character(draw_damping(random))
        silent = (notes[:, 1] + dying(notes[:, 2])).max()
        audio = np.zeros(int(silent * RATE), np.float32)
        for note in notes:
            begin = int(note[0] * RATE)
            sound = self.play(note, ways)[: len(audio) - begin]
            audio[begin : begin + len(sound)] += sound
        return audio

    def play(self, note: NDArray[np.float64], ways: Character) -> NDArray[np.float32]:
        """The sound of one note (onset, offset, pitch, velocity)."""
        _, _, pitch, velocity = note
        release = damping(int(pitch), ways.damping)
        hard = (velocity / 128) ** ways.hardness
        layer = self.layers[min(int(hard * len(self.layers)), len(self.layers) - 1)]
        sample = min(layer, key=lambda s: abs(s.pitch - pitch - ways.borrowed))
        ratio = 2 ** ((pitch - sample.pitch + ways.cents[int(pitch)] / 100) / 12)
        length = int(min(len(sample.audio) / ratio - 1, (note[1] - note[0] + release) * RATE))
        sound = _slowed(sample.audio, ratio, length)
        held = int((note[1] - note[0]) * RATE)
        if pitch < UNDAMPED:
            left = np.arange(max(0, length - held), dtype=np.float32)
            sound[held:] *= np.exp(left * np.float32(-6 / (release * RATE)))
        return sound * np.float32((velocity / 127) ** ways.law)


def _slowed(audio: NDArray[np.float32], ratio: float, length: int) -> NDArray[np.float32]:
    """(length,) of ``audio`` read ``ratio`` times as fast, between its samples along lines."""
    place = np.arange(length) * ratio
    below = place.astype(np.int32)
    between = (place - below).astype(np.float32)
    low, high = audio[below], audio[np.minimum(below + 1, len(audio) - 1)]
    return np.asarray(low + between * (high - low), np.float32)


def dying(pitch: NDArray[np.float64]) -> NDArray[np.float64]:
    """Seconds after a note's end in which it is still heard."""
    return np.where(pitch >= UNDAMPED, RINGING, TAIL)


def damping(pitch: int, release: float) -> float:
    """Seconds until a note's string is still after its key: longer for heavy strings."""
    return RINGING if pitch >= UNDAMPED else release * 2 ** ((MIDDLE_C - pitch) / 24)


def parse_name(stem: str, middle_c: int) -> tuple[str, int]:
    """Layer and MIDI pitch of a sample's file name; ``middle_c`` is the octave its C4 is called."""
    match = NAME.match(stem)
    assert match
    step = STEPS[match["step"].upper()] + SIGNS[match["sign"]]
    return match["layer"].upper(), MIDDLE_C + step + 12 * (int(match["octave"]) - middle_c)


def midi_name(pitch: int) -> str:
    """A pitch as file names say it: 60 is C4. The reverse of ``parse_name`` with middle C at 4."""
    return f"{NAMES[pitch % 12]}{pitch // 12 - 1}"


class SoundFont:
    """A sound font's General MIDI programs, 0..127; each piece is played by one of them, drawn."""

    def __init__(self, file: Path, programs: list[int]) -> None:
        self.file, self.programs = file, programs

    def perform(self, notes: Notes, random: np.random.Generator) -> NDArray[np.float32]:
        """Raises NotewireError if FluidSynth is missing or cannot play the font."""
        with tempfile.TemporaryDirectory() as folder:
            midi, sound = Path(folder) / "piece.mid", Path(folder) / "piece.wav"
            write_midi(midi, notes, program=int(random.choice(self.programs)))
            self._play(midi, sound)
            return soundfile.read(sound, dtype="float32", always_2d=True)[0].mean(axis=1)

    def _play(self, midi: Path, sound: Path) -> None:
        """No reverb and no chorus: training puts the music into rooms of its own."""
        dry = ["-R", "0", "-C", "0", "-g", "0.5", "-r", str(RATE)]
        command = ["fluidsynth", "-niq", *dry, "-F", sound, self.file, midi]
        cure = "is fluidsynth installed, and the file a sound font?"
        try:
            done = subprocess.run(command, check=True, capture_output=True, text=True)
        except (OSError, subprocess.CalledProcessError) as error:
            raise NotewireError(f"{self.file}: cannot be played ({error}); {cure}") from error
        if wrong := [line for line in done.stderr.splitlines() if "error:" in line]:
            raise NotewireError(f"{self.file}: cannot be played ({wrong[0]}); {cure}")


def _without(folder: Path, missing: list[str], have: list[str]) -> str:
    """What to say of a folder that lacks layers, or samples at all."""
    if not have:
        return f"{folder}: no samples; one sound file a note, its name ending in the pitch"
    return f"{folder}: no layer {', '.join(missing)}; it has {', '.join(have)}"


def open_instrument(
    path: Path, middle_c: int, layers: list[str] | None, programs: list[int], varied: bool = False
) -> Instrument:
    """A sound font is a file, samples are a folder."""
    if path.is_file():
        return SoundFont(path, programs)
    return SampledInstrument(path, middle_c, layers, varied)


def _load(path: Path) -> NDArray[np.float32]:
    audio, rate = soundfile.read(path, dtype="float32", always_2d=True)
    mono = soxr.resample(audio.mean(axis=1), rate, RATE)
    mono = mono[attack(np.abs(mono)) :]  # sounds when the file says that it does
    return (mono * 0.2 / (np.sqrt((mono[:4000] ** 2).mean()) + 1e-9)).astype(np.float32)


def attack(level: NDArray[np.floating]) -> int:
    """Where a note begins in its sample: a little before it is loud, after breath and fingers."""
    loud = int(np.argmax(level > LOUD * level.max()))
    before = max(0, loud - int(LEAD * RATE))
    heard = np.argmax(level[before : loud + 1] > FAINT * level.max())
    return max(0, before + int(heard) - 16)
