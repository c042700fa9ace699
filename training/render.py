"""Render MIDI with sampled instruments and sound fonts: recordings whose notes are known exactly.

    python -m notewire.training.render SAMPLES MIDI_FOLDER OUT --hours 2 --middle-c 3
    python -m notewire.training.render FONT.sf2 MIDI_FOLDER OUT --programs 24 25 --range 40 88

SAMPLES holds one sound file a note, its name ending in the pitch ("FF A#2.flac", "Ds4.mp3"), what
comes before it naming the layer; layers in alphabetical order unless ``--layers`` says softest to
loudest. A sound font plays each piece with one of ``--programs``. OUT gets a flac at 16 kHz and a
tsv (onset, offset, pitch, velocity) for each piece, and a ``.pedal``. With ``--piano`` notes end
there with their keys and the pedal holds them; else with their sound, and there is no pedal. With
``--varied`` each piece has a piano of its own (training/pianos.py).
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray
from rich.progress import Progress

from ..streaming.contracts import NotewireError
from .instruments import RATE, Instrument, open_instrument
from .midi_notes import midi_files, read_midi
from .pedals import SUFFIX, Pedals, midi_pedals
from .pianos import draw_mechanism, draw_strings, in_wood
from .scores import Notes

DOUBLED = 0.02  # s between onsets of one key that are one
LONGEST = 300  # s of a piece
SHORTEST = 0.05  # s that a key is down
LOW_CHANCE = 0.3  # of playing a piece an octave lower: bass is rare in music and hard to hear


def render(
    notes: Notes,
    instrument: Instrument,
    random: np.random.Generator,
    pedals: Pedals | None = None,
) -> NDArray[np.float32]:
    """What the instrument plays, its peak at a drawn level.

    pedals: of a piano that is to knock, and whose strings sound along; None for none of both.
    """
    audio = instrument.perform(notes, random)
    if pedals is not None:
        works = draw_mechanism(random, draw_strings(RATE, random))
        audio = in_wood(audio, RATE, notes, pedals, works, random)
    return audio * np.float32(random.uniform(0.1, 0.9) / (np.abs(audio).max() + 1e-9))


@dataclass(frozen=True)
class Variation:
    """Another tempo, key and touch, so that a piece is worth hearing twice."""

    tempo: float
    transposed: int  # semitones
    touch: float

    def __call__(self, notes: Notes) -> Notes:
        varied = notes / [self.tempo, self.tempo, 1, 1] + [0, 0, self.transposed, 0]
        varied[:, 3] = np.clip(varied[:, 3] * self.touch, 5, 127)
        return varied[(varied[:, 2] >= 21) & (varied[:, 2] <= 108)]


def draw_variation(random: np.random.Generator) -> Variation:
    tempo = random.uniform(0.85, 1.15)
    transposed = random.integers(-4, 5) - 12 * (random.random() < LOW_CHANCE)
    return Variation(tempo, int(transposed), random.uniform(0.75, 1.2))


def folded(notes: Notes, lowest: int, highest: int) -> Notes:
    """Every note within an instrument's range, moved by octaves; a key sounds once at a time."""
    if not len(notes):
        return notes
    pitch = notes[:, 2]
    up = np.ceil(np.maximum(lowest - pitch, 0) / 12) - np.ceil(np.maximum(pitch - highest, 0) / 12)
    moved = notes + 12 * up[:, None] * np.array([0, 0, 1, 0])
    moved = moved[np.lexsort((-moved[:, 1], moved[:, 0], moved[:, 2]))]
    same = np.diff(moved[:, 2]) == 0
    fresh = np.append(True, ~same | (np.diff(moved[:, 0]) > DOUBLED))
    moved = moved[fresh]
    struck_again = np.diff(moved[:, 2]) == 0
    ends = np.where(struck_again, np.minimum(moved[:-1, 1], moved[1:, 0]), moved[:-1, 1])
    moved[:-1, 1] = ends
    return moved[np.argsort(moved[:, 0], kind="stable")]


def key_ends(sounding: Notes, held: Notes, begin: float) -> NDArray[np.float64]:
    """When the key of each sounding note went up, ``begin`` s later than ``held`` has it.

    A file may let a key up at once and leave its note to the pedal: that key was down for a moment.
    """
    ends = {(onset + begin, pitch): offset + begin for onset, offset, pitch, _ in held}
    shortest = np.minimum(sounding[:, 0] + SHORTEST, sounding[:, 1])
    struck = zip(sounding[:, 0], sounding[:, 2], shortest, strict=True)
    return np.array([ends.get((onset, pitch), least) for onset, pitch, least in struck])


def shifted(pedals: Pedals, begin: float) -> Pedals:
    """``begin`` s later; what lies before 0 then is left out."""
    later = np.maximum(pedals + begin, 0.0)
    return later[later[:, 1] > 0]


def render_folder(
    midis: list[Path],
    instrument: Instrument,
    out: Path,
    hours: float,
    seed: int,
    keys: tuple[int, int] = (0, 127),
    track: str = "",
    piano: bool = False,
    varied: bool = False,
) -> None:
    """Render pieces drawn at random, at most five minutes of each, until ``hours`` are made.

    keys: lowest and highest pitch of the instrument; what lies outside is moved by octaves. track:
    name of the only one to play. piano: whether the labels tell keys and pedal apart. varied:
    whether its strings sound along and its keys knock.
    """
    random = np.random.default_rng(seed)
    grand = out.name.replace("_", "-")  # a name's last underscore parts title and instrument
    out.mkdir(parents=True, exist_ok=True)
    made, number = 0.0, 0
    with Progress() as progress:
        bar = progress.add_task("Rendering", total=hours * 3600)
        while made < hours * 3600:
            midi, played = _draw(midis, random, track)
            vary = draw_variation(random)
            notes = folded(vary(played), *keys)
            begin = 0.5 - notes[:, 0].min()
            notes[:, :2] += begin
            kept = notes[:, 1] < LONGEST
            name = f"{midi.stem}_{grand}{number}"  # the title, then the instrument
            pedals = shifted(midi_pedals(midi) / vary.tempo, begin) if piano else np.zeros((0, 2))
            audio = render(notes[kept], instrument, random, pedals if varied else None)
            soundfile.write(out / f"{name}.flac", audio, RATE)
            if piano:
                notes[:, 1] = key_ends(notes, folded(vary(read_midi(midi, track)), *keys), begin)
            _write(out / f"{name}{SUFFIX}", pedals[pedals[:, 0] < LONGEST])
            _write(out / f"{name}.tsv", notes[kept])
            made, number = made + len(audio) / RATE, number + 1
            progress.update(bar, completed=made)


def _write(path: Path, table: NDArray[np.float64]) -> None:
    np.savetxt(path, table, fmt="%.6f", delimiter="\t")


def _draw(midis: list[Path], random: np.random.Generator, track: str) -> tuple[Path, Notes]:
    """A file with notes and its notes; one that has none is taken from the list."""
    while midis:
        number = int(random.integers(len(midis)))
        if len(notes := read_midi(midis[number], track, sounding=True)):
            return midis[number], notes
        del midis[number]
    raise NotewireError("there is no MIDI file with notes to render")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("samples", type=Path)
    parser.add_argument("midis", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--hours", type=float, default=1.0)
    parser.add_argument("--middle-c", type=int, default=4, help="octave in which C is MIDI 60")
    parser.add_argument("--layers", nargs="*", help="softest to loudest")
    parser.add_argument("--programs", nargs="*", type=int, default=[0], help="General MIDI, 0..127")
    parser.add_argument("--range", nargs=2, type=int, default=[21, 108], help="lowest, highest key")
    parser.add_argument("--track", default="", help="name of the only one to play")
    parser.add_argument("--piano", action="store_true", help="notes end with their keys")
    parser.add_argument("--varied", action="store_true", help="every piece on another piano")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    midis = midi_files(given.midis)
    keys = (given.range[0], given.range[1])
    render_folder(
        midis,
        open_instrument(given.samples, given.middle_c, given.layers, given.programs, given.varied),
        given.out,
        given.hours,
        given.seed,
        keys,
        given.track,
        given.piano,
        given.varied,
    )


if __name__ == "__main__":
    main()
