"""Make the demo clip: ``python -m notewire.daemon.make_demo SOUNDFONT``.

The first bars of J. S. Bach's Prelude in C, BWV 846 (1722, public domain), played with a little
human unevenness, rendered by FluidSynth with a General MIDI sound font. The clip that ships was
rendered with FluidR3 GM (MIT licence).
"""

from __future__ import annotations

import random
import subprocess
import sys
import tempfile
from pathlib import Path

import mido

FOLDER = Path(__file__).parent
SIXTEENTH = 0.19  # seconds
FIGURE = (0, 1, 2, 3, 4, 2, 3, 4)  # each half bar walks its chord like this
CHORDS = (
    (60, 64, 67, 72, 76),
    (60, 62, 69, 74, 77),
    (59, 62, 67, 74, 77),
    (60, 64, 67, 72, 76),
    (60, 64, 69, 76, 81),
    (60, 62, 66, 69, 74),
    (59, 62, 67, 74, 79),
    (59, 60, 64, 67, 72),
    (57, 60, 64, 67, 72),
    (50, 57, 62, 66, 72),
    (55, 59, 62, 67, 71),
)
LAST = (48, 55, 60, 64, 72)
Note = tuple[float, float, int, int]  # onset s, offset s, pitch, velocity


def notes(random: random.Random) -> list[Note]:
    """The music as it is played."""
    played, now = [], 0.5
    for bar, chord in enumerate(CHORDS):
        swell = 62 + 3 * min(bar, len(CHORDS) - bar)
        for half in range(2):
            for step, voice in enumerate(FIGURE):
                onset = now + (8 * half + step) * SIXTEENTH + random.gauss(0, 0.006)
                held = 8 - step if voice < 2 else 1.1
                velocity = round(swell + 8 * (step == 0) + random.gauss(0, 4))
                played.append((onset, onset + held * SIXTEENTH, chord[voice], velocity))
        now += 16 * SIXTEENTH
    spread = [(now + 0.03 * i, now + 3.0, pitch, 66) for i, pitch in enumerate(LAST)]
    return released(sorted(played + spread))


def released(played: list[Note]) -> list[Note]:
    """A key that is struck again was let go 30 ms before."""
    free: dict[int, float] = {}  # when each pitch is next struck, going backwards
    out = []
    for onset, offset, pitch, velocity in reversed(played):
        out.append((onset, min(offset, free.get(pitch, offset + 1) - 0.03), pitch, velocity))
        free[pitch] = onset
    return out[::-1]


def write_midi(played: list[Note], path: Path) -> None:
    """A MIDI file at 120 bpm, in which a second is 960 ticks."""
    edges = [(on, 1, pitch, velocity) for on, _, pitch, velocity in played]
    edges += [(off, 0, pitch, 0) for _, off, pitch, _ in played]
    track, before = mido.MidiTrack(), 0
    for time, begins, pitch, velocity in sorted(edges):
        tick = round(time * 960)
        kind = "note_on" if begins else "note_off"
        track.append(mido.Message(kind, note=pitch, velocity=velocity, time=tick - before))
        before = tick
    mido.MidiFile(tracks=[track], ticks_per_beat=480).save(path)


def render(midi: Path, soundfont: str, clip: Path) -> None:
    """MIDI to a mono FLAC at 24 kHz, by fluidsynth and ffmpeg."""
    with tempfile.TemporaryDirectory() as folder:
        wave = f"{folder}/demo.wav"
        synth = ["fluidsynth", "-ni", "-q", "-g", "0.8", "-r", "48000", "-F", wave]
        subprocess.run([*synth, soundfont, str(midi)], check=True)
        convert = ["ffmpeg", "-y", "-loglevel", "error", "-i", wave, "-ac", "1", "-ar", "24000"]
        subprocess.run([*convert, "-sample_fmt", "s16", str(clip)], check=True)


if __name__ == "__main__":
    write_midi(notes(random.Random(846)), FOLDER / "demo.mid")
    render(FOLDER / "demo.mid", sys.argv[1], FOLDER / "demo.flac")
