"""Render MIDI with sampled instruments: recordings whose notes are known exactly.

    python -m notewire.training.render SAMPLES MIDI_FOLDER OUT --hours 2 --middle-c 3

SAMPLES holds one sound file a note, its name ending in the pitch ("FF A#2.flac", "Ds4.mp3"), what
comes before it naming the layer; layers in alphabetical order unless ``--layers`` says softest to
loudest. OUT gets a flac at 16 kHz and a tsv (onset, offset, pitch, velocity) for each piece.
"""

from __future__ import annotations

import argparse
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray
from rich.progress import Progress

from ..streaming.contracts import NotewireError
from .midi_notes import read_midi
from .scores import Notes

RATE = 16_000
MIDDLE_C = 60
NAME = re.compile(r"^(?P<layer>.*?)\s*(?P<step>[A-Ga-g])(?P<sharp>[#s]?)(?P<octave>-?\d)$")
STEPS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
RELEASE = (0.08, 0.6)  # s that dampers take at middle C, light felt to worn; drawn for each piece
UNDAMPED = 90  # a piano has no dampers from about F#6 on: those notes ring out
RINGING = 4.0  # s, more than they need
LOW_CHANCE = 0.3  # of playing a piece an octave lower: bass is rare in music and hard to hear


@dataclass(frozen=True)
class Sample:
    pitch: int
    audio: NDArray[np.float32]


class SampledInstrument:
    """Layers of samples, softest first, all at 16 kHz and brought to one loudness."""

    def __init__(self, folder: Path, middle_c: int, layers: list[str] | None = None) -> None:
        found: dict[str, list[Sample]] = {}
        for path in sorted(p for p in folder.iterdir() if (NAME.match(p.stem))):
            layer, pitch = parse_name(path.stem, middle_c)
            found.setdefault(layer, []).append(Sample(pitch, _load(path)))
        self.layers = [found[name.upper()] for name in (layers or sorted(found))]

    def play(self, note: NDArray[np.float64], release: float) -> NDArray[np.float32]:
        """The sound of one note (onset, offset, pitch, velocity); release: s at middle C."""
        _, _, pitch, velocity = note
        release = damping(int(pitch), release)
        layer = self.layers[min(int(velocity / 128 * len(self.layers)), len(self.layers) - 1)]
        sample = min(layer, key=lambda s: abs(s.pitch - pitch))
        ratio = 2 ** ((pitch - sample.pitch) / 12)
        length = int(min(len(sample.audio) / ratio - 1, (note[1] - note[0] + release) * RATE))
        sound = np.interp(np.arange(length) * ratio, np.arange(len(sample.audio)), sample.audio)
        held = int((note[1] - note[0]) * RATE)
        if pitch < UNDAMPED:
            sound[held:] *= np.exp(-6 * np.arange(max(0, length - held)) / (release * RATE))
        return (sound * (velocity / 127) ** 1.7).astype(np.float32)


def damping(pitch: int, release: float) -> float:
    """Seconds until a note's string is still after its key: longer for heavy strings."""
    return RINGING if pitch >= UNDAMPED else release * 2 ** ((MIDDLE_C - pitch) / 24)


def parse_name(stem: str, middle_c: int) -> tuple[str, int]:
    """Layer and MIDI pitch of a sample's file name; ``middle_c`` is the octave its C4 is called."""
    match = NAME.match(stem)
    assert match
    step = STEPS[match["step"].upper()] + bool(match["sharp"])
    return match["layer"].upper(), MIDDLE_C + step + 12 * (int(match["octave"]) - middle_c)


def render(
    notes: Notes, instrument: SampledInstrument, random: np.random.Generator
) -> NDArray[np.float32]:
    """Mix all notes; the peak is brought to a drawn level."""
    release = float(np.exp(random.uniform(*np.log(RELEASE))))
    audio = np.zeros(int((notes[:, 1].max() + 1.0) * RATE), np.float32)
    for note in notes:
        begin = int(note[0] * RATE)
        sound = instrument.play(note, release)[: len(audio) - begin]
        audio[begin : begin + len(sound)] += sound
    return audio * np.float32(random.uniform(0.1, 0.9) / (np.abs(audio).max() + 1e-9))


def vary(notes: Notes, random: np.random.Generator) -> Notes:
    """Another tempo, key and touch, so that a piece is worth hearing twice."""
    varied = notes.copy()
    varied[:, :2] /= random.uniform(0.85, 1.15)
    varied[:, 2] += random.integers(-4, 5) - 12 * (random.random() < LOW_CHANCE)
    varied[:, 3] = np.clip(varied[:, 3] * random.uniform(0.75, 1.2), 5, 127)
    return varied[(varied[:, 2] >= 21) & (varied[:, 2] <= 108)]


def render_folder(
    midis: list[Path], instrument: SampledInstrument, out: Path, hours: float, seed: int
) -> None:
    """Render pieces drawn at random, at most five minutes of each, until ``hours`` are made."""
    random = np.random.default_rng(seed)
    grand = out.name.replace("_", "-")  # a name's last underscore parts title and instrument
    out.mkdir(parents=True, exist_ok=True)
    made, number = 0.0, 0
    with Progress() as progress:
        bar = progress.add_task("Rendering", total=hours * 3600)
        while made < hours * 3600:
            midi, played = _draw(midis, random)
            notes = vary(played, random)
            notes[:, :2] += 0.5 - notes[:, 0].min()
            notes = notes[notes[:, 1] < 300]
            name = f"{midi.stem}_{grand}{number}"  # the title, then the instrument
            audio = render(notes, instrument, random)
            soundfile.write(out / f"{name}.flac", audio, RATE)
            np.savetxt(out / f"{name}.tsv", notes, fmt="%.6f", delimiter="\t")
            made, number = made + len(audio) / RATE, number + 1
            progress.update(bar, completed=made)


def _draw(midis: list[Path], random: np.random.Generator) -> tuple[Path, Notes]:
    """A file with notes and its notes; one that has none is taken from the list."""
    while midis:
        number = int(random.integers(len(midis)))
        if len(notes := read_midi(midis[number])):
            return midis[number], notes
        del midis[number]
    raise NotewireError("there is no MIDI file with notes to render")


def _load(path: Path) -> NDArray[np.float32]:
    audio, rate = soundfile.read(path, dtype="float32", always_2d=True)
    mono = soxr.resample(audio.mean(axis=1), rate, RATE)
    loud = np.flatnonzero(np.abs(mono) > 0.02 * np.abs(mono).max())
    mono = mono[max(0, loud[0] - 16) :]  # the attack is where the file says it is: at its start
    return (mono * 0.2 / (np.sqrt((mono[:4000] ** 2).mean()) + 1e-9)).astype(np.float32)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("samples", type=Path)
    parser.add_argument("midis", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--hours", type=float, default=1.0)
    parser.add_argument("--middle-c", type=int, default=4, help="octave in which C is MIDI 60")
    parser.add_argument("--layers", nargs="*", help="softest to loudest")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    instrument = SampledInstrument(given.samples, given.middle_c, given.layers)
    midis = sorted(given.midis.rglob("*.mid"))
    render_folder(midis, instrument, given.out, given.hours, given.seed)


if __name__ == "__main__":
    main()
