"""A training run in miniature: it learns, stops, goes on, and its weights transcribe."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from notewire.daemon.settings import load_yaml_as
from notewire.models.checkpoint import load_model
from notewire.models.config import ModelConfig, NetworkConfig
from notewire.models.network import Network
from notewire.streaming.contracts import NotewireError
from notewire.training.augment import AugmentConfig
from notewire.training.config import TrainConfig
from notewire.training.data import CropConfig, Crops
from notewire.training.packing import pack, pack_noises
from notewire.training.recordings import find_recordings
from notewire.training.schedule import Done, done_share, learning_rate
from notewire.training.train import train

ROOT = Path(__file__).parent.parent
CROP = CropConfig(rate=16_000, hop=320, hops=50, memory=3680, look_aheads=(256, 640))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """One recording: a tone at 440 Hz from 1 s to 2 s, at 22.05 kHz, in stereo."""
    time = np.arange(22_050 * 3) / 22_050
    tone = 0.3 * np.sin(2 * np.pi * 440 * time) * ((time > 1) & (time < 2))
    soundfile.write(tmp_path / "take.wav", np.column_stack([tone, tone]), 22_050)
    (tmp_path / "take.tsv").write_text("1.0\t2.0\t69\t64\n")
    shutil.copy(tmp_path / "take.wav", tmp_path / "kept.wav")  # its name falls in the held-out half
    shutil.copy(tmp_path / "take.tsv", tmp_path / "kept.tsv")
    return tmp_path


SIZES = NetworkConfig(channels=8, summary=8, mixing_heads=2, hidden=8)


def config(folder: Path, steps: int, held_out: float = 0.0) -> TrainConfig:
    """held_out: 0.5 keeps a recording to choose thresholds on, which takes its time."""
    return TrainConfig(
        data=[folder],
        output=folder / "run",
        cache=folder / "cache",
        model=ModelConfig(name="tiny", network=SIZES),
        steps=steps,
        batch=2,
        crop_seconds=1.0,
        warmup_steps=2,
        held_out_share=held_out,
        workers=0,
        threads=1,
        checkpoint_every=3,
    )


def test_crops_have_their_true_past_and_their_notes(folder: Path) -> None:
    packed = pack(find_recordings([folder]), 16_000, folder / "cache")
    quiet = AugmentConfig(detune_chance=0, nothing_chance=0, beside_chance=0)
    crops = iter(Crops(packed, CROP, quiet, seed=4))
    for _ in range(10):
        audio, wish, _ = next(crops)
        assert audio.shape == (3680 + 50 * 320,)
        loud = audio[3680:].reshape(50, 320).abs().amax(1) > 0.2
        early, frame = wish[:, 0, 1, 48] > 0, loud.clone()
        frame[1:] = loud[:-1] | loud[1:]  # look-ahead 256: less than one hop late
        assert (early & ~frame).sum() == 0
        assert (early.sum() - loud.sum()).abs() <= 2


def test_a_folder_that_is_listed_often_is_packed_once(folder: Path) -> None:
    often = find_recordings([folder] * 8)
    packed = pack(often, 16_000, folder / "cache")
    assert len(packed) == len(often)
    assert len({id(each) for each in packed}) == len(often) / 8
    assert len(list((folder / "cache").iterdir())) == len(often) / 8


def test_the_same_seed_draws_the_same_crops(folder: Path) -> None:
    packed = pack(find_recordings([folder]), 16_000, folder / "cache")
    one, two = (next(iter(Crops(packed, CROP, AugmentConfig(), seed=4))) for _ in range(2))
    for a, b in zip(one, two, strict=True):
        assert torch.equal(a.nan_to_num(-1), b.nan_to_num(-1))


def test_it_trains_stops_and_goes_on(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    weights = train(config(folder, 6))
    before = load_model(weights)[0].heads.weight.clone()
    assert train(config(folder, 9, held_out=0.5)) == weights
    assert "Going on from step 6" in capsys.readouterr().out
    network, model = load_model(weights)
    assert not torch.equal(network.heads.weight, before)
    assert model.name == "tiny"
    assert list((folder / "run" / "curves").iterdir())


def test_noises_make_crops_without_notes(folder: Path) -> None:
    packed = pack(find_recordings([folder]), 16_000, folder / "cache")
    noises = pack_noises([folder / "take.wav"], 16_000)
    only = AugmentConfig(nothing_chance=1.0)
    crops = iter(Crops(packed, CROP, only, seed=4, noises=noises))
    drawn = [next(crops) for _ in range(5)]
    assert any(audio.any() for audio, _, _ in drawn)  # one may fall into a pause
    for _, wish, pedal in drawn:
        assert not wish.any()
        assert not pedal.any()


def test_a_training_begins_with_the_weights_of_another(folder: Path) -> None:
    theirs = load_model(train(config(folder, 3)))[0]
    audio = torch.randn(1, 20 * 320, generator=torch.Generator().manual_seed(1))
    more = SIZES.model_copy(update={"harmonics": (*SIZES.harmonics, 10, 12), "layers": 3})
    heard = Network(ModelConfig(network=more))
    heard.adopt(theirs)
    assert torch.allclose(heard(audio)[0], theirs(audio)[0], atol=1e-5)
    other = Network(ModelConfig(network=SIZES.model_copy(update={"summary": 9})))
    with pytest.raises(NotewireError, match=r"another shape: encoder\.summary"):
        other.adopt(theirs)


def test_a_new_look_ahead_begins_as_the_nearest_that_was_there(folder: Path) -> None:
    theirs = load_model(train(config(folder, 3)))[0]
    audio = torch.randn(1, 20 * 320, generator=torch.Generator().manual_seed(1))
    waits = {"sooner": (0, 2000), "look_ahead": {"balanced": 500}}
    mine = Network(ModelConfig(network=SIZES.model_copy(update=waits)))
    mine.adopt(theirs)
    assert SIZES.look_aheads == (256, 640, 2240)
    assert torch.allclose(mine(audio)[0], theirs(audio)[0][:, :, [0, 2, 1]], atol=1e-5)


def test_a_new_head_can_learn_on_a_network_as_it_is(folder: Path) -> None:
    first = train(config(folder, 3))
    model = ModelConfig(network=SIZES.model_copy(update={"sooner": (0,)}), name="tiny")
    changes = {"start_from": first, "output": folder / "more", "learn": "heads", "model": model}
    weights = train(config(folder, 3).model_copy(update={**changes, "tune_on": "nothing"}))
    before, after = (load_model(path)[0].state_dict() for path in (first, weights))
    learned = {name for name, weight in after.items() if not torch.equal(weight, before[name])}
    assert learned == {"heads.weight", "heads.bias"}
    assert load_model(weights)[1].decoder == model.decoder


def test_a_run_with_a_late_decay_may_be_made_longer(folder: Path) -> None:
    short, long = (config(folder, steps).model_copy(update={"decay_steps": 3}) for steps in (8, 20))
    rates = [[learning_rate(run, Done(i)) for i in range(11)] for run in (short, long)]
    assert rates[0][:5] == rates[1][:5]
    assert rates[0][4] == short.learning_rate
    assert 0 < rates[0][7] < rates[0][6] < short.learning_rate
    assert rates[1][10] == long.learning_rate


def test_a_run_by_the_clock_ends_with_its_minutes(folder: Path) -> None:
    run = config(folder, 1000).model_copy(update={"minutes": 2.0})
    assert learning_rate(run, Done(10, 0.0)) == pytest.approx(run.learning_rate, rel=0.01)
    assert learning_rate(run, Done(0, 110.0)) < run.learning_rate / 20  # were it still warming up
    assert learning_rate(run, Done(10, 60.0)) == pytest.approx(run.learning_rate / 2, rel=0.01)
    assert done_share(run, Done(10, 120.0)) == 1
    weights = train(run.model_copy(update={"minutes": 0.01}))
    assert 0 < torch.load(weights.with_name("resume.pt"))["step"] < 1000


def test_a_transposed_recording_has_its_notes_transposed(folder: Path) -> None:
    packed = pack(find_recordings([folder]), 16_000, folder / "cache")
    moving = AugmentConfig(transpose=2, transpose_chance=1, nothing_chance=0, beside_chance=0)
    crops, keys = iter(Crops(packed, CROP, moving, seed=4)), set[int]()
    for _ in range(20):
        audio, wish, _ = next(crops)
        if wish[:, 0, 1].sum() > 25:
            heard = np.abs(np.fft.rfft(audio.numpy() * np.hanning(len(audio)), 160_000)).argmax()
            key = int(wish[:, 0, 1].sum(0).argmax())
            assert 12 * np.log2(heard / 10 / 440) == pytest.approx(key - 48, abs=0.5)
            keys.add(key)
    assert len(keys) > 2


RUNS = [path for path in (ROOT / "training").glob("*.yaml") if "sources" not in path.name]


@pytest.mark.parametrize("run", sorted(RUNS), ids=lambda path: path.stem)
def test_every_run_can_be_read_and_leaves_out_what_it_is_judged_by(run: Path) -> None:
    shipped = load_yaml_as(TrainConfig, run)
    assert shipped.exclude_titles_of == "ENSTDk"
    assert shipped.model.licence != "unstated"
