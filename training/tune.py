"""Choose the decoder's thresholds per mode, on held-out recordings in several rooms.

One knob at a time: onset F1, less what waiting and false notes in speech and noise take off,
decides the knobs that begin notes, the mean of frame F1 and onset+offset F1 those that end them,
and likewise for the pedal. The test recordings play no part in it.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from rich.progress import track

from ..models.config import MODES, Mode, ModelConfig
from ..models.network import Network, Said
from ..models.phases import Answers
from ..models.reader import Reader, level_db
from ..streaming.decoding import DecoderConfig, FrameClock
from ..streaming.notes import Activations, NoteDecoder
from ..streaming.pedal import PedalDecoder
from .augment import AugmentConfig
from .evaluate import notes_of, pedals_of, within
from .noises import Clip, no_music
from .packing import Packed
from .pedals import Pedals, as_notes
from .recolour import recoloured
from .scores import Notes, score_frames, score_offsets, score_onsets

SECONDS = 30.0  # of each recording
ROOMS = 2  # the recording as it is, and recoloured
NOISES = 12  # stretches of ``SECONDS`` without a note, at most, and one for each recording
PART = 500  # hops heard at once
PRICE = 0.005  # of onset F1, for a false note a minute
PATIENCE = 0.2  # of onset F1, for a second of waiting for notes: .002 for 10 ms
KNOBS: dict[str, tuple[float, ...]] = {
    "onset": (0.4, 0.5, 0.6, 0.7),
    "tilt": (-0.2, 0.0, 0.2),
    "support": (0.0, 0.2, 0.3, 0.4, 0.5),
    "restrike": (0.6, 0.7, 0.8),
    "rearm": (0.1, 0.2),
    "sure": (0.85, 0.9, 0.95, 0.97, 0.98, 1.0),
    "hold": (0.2, 0.3, 0.4, 0.5),
    "release_hops": (2, 3),
    "fade": (0.0, 0.5, 0.6, 0.7),
}
ROUND = (*KNOBS, "onset", "support", "hold")  # once more, with the others in place
ENDING = ("hold", "release_hops", "fade")
TREAD = (0.3, 0.4, 0.5, 0.6, 0.7)  # of `pedal`, and of `lift` up to it


Judge = Callable[[DecoderConfig, FrameClock, "Heard"], float]


@dataclass(frozen=True)
class Heard:
    """What the network said of a recording in one mode, and what is true."""

    said: Activations
    notes: Notes
    pressed: NDArray[np.floating] | None  # (answers,), probability that the pedal is down
    pedals: Pedals | None


def tune(
    network: Network, config: ModelConfig, held: list[Packed], seed: int, clips: list[Clip]
) -> ModelConfig:
    """The config with the decoder that did best on ``held``, for every mode; all cores work.

    clips: sounds without notes, beside the noises that are made.
    """
    random = np.random.default_rng(seed)
    heard = [
        _listen(network, config, piece, room, random)
        for piece in track(held, "Listening to held-out recordings")
        for room in range(ROOMS)
    ]
    noises = [_noise(config, clips, random) for _ in range(min(NOISES, len(held)))]
    quiet = [_listen(network, config, each, 0, random) for each in track(noises, "and to noise")]
    print("Tuning the decoder of each mode: some minutes")
    jobs = [(config, mode, [m[mode] for m in heard], [m[mode] for m in quiet]) for mode in MODES]
    with ProcessPoolExecutor(mp_context=multiprocessing.get_context("spawn")) as processes:
        decoders = dict(zip(MODES, processes.map(_tune_mode, jobs), strict=True))
    return config.model_copy(update={"decoder": decoders})


def _noise(config: ModelConfig, clips: list[Clip], random: np.random.Generator) -> Packed:
    audio = no_music(round(SECONDS * config.vqt.rate), config.vqt.rate, clips, random)
    return Packed((np.clip(audio, -1, 1) * 32767).astype(np.int16), np.zeros((0, 4)))


@torch.inference_mode()
def _listen(
    network: Network, config: ModelConfig, piece: Packed, room: int, random: np.random.Generator
) -> dict[Mode, Heard]:
    vqt = config.vqt
    size = min(len(piece.audio), int(SECONDS * vqt.rate)) // vqt.hop * vqt.hop
    audio = piece.audio[:size].astype(np.float32) / np.float32(32768)
    if room:
        audio = recoloured(audio, vqt.rate, AugmentConfig(), int(random.integers(2**31)))
    phases = max(config.decoder[mode].phases for mode in MODES)
    answers = [_answers(network, audio, vqt.hop, phase / phases) for phase in range(phases)]
    notes = within(piece.notes, size / vqt.rate)
    pedals = None if piece.pedals is None else piece.pedals[piece.pedals[:, 0] < size / vqt.rate]
    heard: dict[Mode, Heard] = {}
    for mode in MODES:
        said, pressed = Reader(config, mode).activations(answers)
        heard[mode] = Heard(said, notes, pressed, pedals)
    return heard


def _answers(network: Network, audio: NDArray[np.float32], hop: int, ahead: float) -> Answers:
    """Of the phase whose hops end ``ahead`` hops before those of the first."""
    audio = np.pad(audio, (round(ahead * hop), 0))
    audio = audio[: len(audio) // hop * hop]
    return Answers(_said(network, audio, PART * hop), level_db(audio.reshape(-1, hop)))


def _said(network: Network, audio: NDArray[np.float32], part_size: int) -> Said:
    """Without the batch, a part at a time."""
    state, notes, pedal = None, list[torch.Tensor](), list[torch.Tensor]()
    for part in torch.from_numpy(audio)[None].to(network.heads.weight.device).split(part_size, 1):
        said, _, state = network.hear(part, state)
        notes.append(said.notes[0].cpu())
        pedal += [] if said.pedal is None else [said.pedal[0].cpu()]
    return Said(torch.cat(notes), torch.cat(pedal) if pedal else None)


def _tune_mode(job: tuple[ModelConfig, Mode, list[Heard], list[Heard]]) -> DecoderConfig:
    config, mode, heard, quiet = job
    best = config.decoder[mode]
    clock = config.clock(mode, phases=best.phases)
    for knob in ROUND:
        tries = [best.model_copy(update={knob: value}) for value in KNOBS[knob]]
        if knob in ENDING:
            marks = [_mean(_judge_ends, decoder, clock, heard) for decoder in tries]
        else:
            marks = [_mark_onsets(decoder, clock, heard, quiet) for decoder in tries]
        best = tries[int(np.argmax(marks))]
    return _tune_pedal(best, clock, [piece for piece in heard if _pedalled(piece)])


def _tune_pedal(best: DecoderConfig, clock: FrameClock, heard: list[Heard]) -> DecoderConfig:
    """Both thresholds at once; as they are where no pedal is known."""
    if not heard:
        return best
    pairs = [{"pedal": down, "lift": up} for down in TREAD for up in TREAD if up <= down]
    tries = [best.model_copy(update=pair) for pair in pairs]
    marks = [_mean(_judge_pedal, decoder, clock, heard) for decoder in tries]
    return tries[int(np.argmax(marks))]


def _pedalled(heard: Heard) -> bool:
    return heard.pressed is not None and heard.pedals is not None and len(heard.pedals) > 0


def _judge_pedal(decoder: DecoderConfig, clock: FrameClock, heard: Heard) -> float:
    assert heard.pressed is not None
    assert heard.pedals is not None
    decode = PedalDecoder(decoder, clock)
    moves, state = decode(heard.pressed, None)
    moves += decode.release(state, clock.emitted(state.seen - 1))[0]
    said = as_notes(pedals_of([*moves], clock.rate))
    true = as_notes(heard.pedals)
    return score_frames(true, said)[0].f1 + score_onsets(true, said).f1


def _mean(judge: Judge, decoder: DecoderConfig, clock: FrameClock, heard: list[Heard]) -> float:
    return float(np.mean([judge(decoder, clock, piece) for piece in heard]))


def _mark_onsets(
    decoder: DecoderConfig, clock: FrameClock, heard: list[Heard], quiet: list[Heard]
) -> float:
    false = sum(len(_decoded(decoder, clock, noise.said)[0]) for noise in quiet)
    minutes = sum(len(noise.said.level) for noise in quiet) * clock.step / clock.rate / 60
    return _mean(_judge_onsets, decoder, clock, heard) - PRICE * false / minutes


def _judge_onsets(decoder: DecoderConfig, clock: FrameClock, heard: Heard) -> float:
    notes, emitted = _decoded(decoder, clock, heard.said)
    waited = float(np.mean(emitted - notes[:, 0])) if len(notes) else 0.0
    return score_onsets(heard.notes, notes).f1 - PATIENCE * waited


def _judge_ends(decoder: DecoderConfig, clock: FrameClock, heard: Heard) -> float:
    notes, _ = _decoded(decoder, clock, heard.said)
    return score_frames(heard.notes, notes)[0].f1 + score_offsets(heard.notes, notes).f1


def _decoded(
    decoder: DecoderConfig, clock: FrameClock, said: Activations
) -> tuple[Notes, NDArray[np.float64]]:
    """Notes, and when each was said, seconds."""
    decode = NoteDecoder(decoder, clock)
    events, state = decode(said, None)
    events += decode.release(state, clock.emitted(state.seen - 1))[0]
    return notes_of(events, clock.rate)
