"""One readable training loop: crops in, weights out, resumable at any checkpoint."""

from __future__ import annotations

import ctypes
import math
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from time import monotonic

import torch
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn
from torch import Tensor
from torch.utils.data import DataLoader
from torch.utils.tensorboard import SummaryWriter

from ..models.checkpoint import save_model
from ..models.devices import choose_device, has_bfloat16
from ..models.library import open_model
from ..models.network import Network, Said
from ..streaming.contracts import NotewireError
from .config import TrainConfig
from .data import CropConfig, Crops
from .loss import losses
from .packing import pack, pack_noises
from .players import Players, open_players
from .recolour import recolour
from .resume import checkpoint, resume, weights_path
from .schedule import Done, done_share, learning_rate
from .splits import learnable, split
from .tune import tune

M_TRIM_THRESHOLD, M_MMAP_MAX = -1, -4  # of mallopt(3)
Batch = tuple[Tensor, Tensor, Tensor]


def train(config: TrainConfig) -> Path:
    """Run, or go on with, the training that ``config`` describes; the path of the weights."""
    _keep_freed_memory()
    torch.set_num_threads(config.threads)
    torch.manual_seed(config.seed)
    config.output.mkdir(parents=True, exist_ok=True)
    device = choose_device(config.device)
    network = _begin(config).to(device)
    learning = [weight for weight in network.parameters() if weight.requires_grad]
    optimiser = torch.optim.AdamW(learning, config.learning_rate, weight_decay=config.weight_decay)
    done = resume(config, network, optimiser)
    if config.bfloat16 and not has_bfloat16(device):
        print("This processor has no bfloat16: training in float32, some three times slower")
        config = config.model_copy(update={"bfloat16": False})
    if done_share(config, done) < 1:
        _loop(config, network, optimiser, done)
    return _finish(config, network)


def _begin(config: TrainConfig) -> Network:
    """A network with random weights, or with those of another training, as far as they fit.

    Raises NotewireError where the pedal alone is to learn and the network does not listen for it.
    """
    network = Network(config.model)
    if config.start_from:
        network.adopt(open_model(str(config.start_from), "cpu")[0])
    if config.learn != "all":
        learning = network.heads if config.learn == "heads" else network.pedal
        if learning is None:
            raise NotewireError("learn: pedal needs model.network.pedal, the number of its units")
        network.requires_grad_(False)
        learning.requires_grad_(True)
    return network


def _loop(
    config: TrainConfig, network: Network, optimiser: torch.optim.Optimizer, done: Done
) -> None:
    """From where an earlier run ended to the last step or minute, with checkpoints on the way."""
    batches = _batches(config, network.vqt.memory, config.seed + done.steps)
    random = torch.Generator(network.heads.weight.device).manual_seed(config.seed + done.steps)
    curves, begun = SummaryWriter(config.output / "curves", purge_step=done.steps), monotonic()
    with curves, _progress() as progress:
        bar = progress.add_task("Training", total=1.0, step=done.steps, loss=math.nan)
        while done_share(config, done) < 1:
            parts = _learn(config, network, optimiser, next(batches), random, done)
            for name, value in parts.items():
                curves.add_scalar(f"loss/{name}", value, done.steps)
            now = monotonic()
            begun, done = now, Done(done.steps + 1, done.seconds + now - begun)
            share, loss = done_share(config, done), sum(parts.values())
            progress.update(bar, completed=share, step=done.steps, loss=loss)
            if done.steps % config.checkpoint_every == 0:
                checkpoint(config, network, optimiser, done)
    checkpoint(config, network, optimiser, done)


def _keep_freed_memory() -> None:
    """Let glibc keep what a step frees for the next one.

    A step's activations are large blocks, which malloc otherwise gives back to the system and asks
    for again: half of the processor time went into that (0.43 s a step instead of 1 s).
    """
    with suppress(OSError, AttributeError):
        libc = ctypes.CDLL("libc.so.6")
        libc.mallopt(M_MMAP_MAX, 0)
        libc.mallopt(M_TRIM_THRESHOLD, 2**31 - 1)


def _batches(config: TrainConfig, memory: int, seed: int) -> Iterator[Batch]:
    learn, held = split(config)
    vqt, sizes = config.model.vqt, config.model.network
    packed = pack(learn, vqt.rate, config.cache)
    hours = sum(len(p.audio) for p in packed) / vqt.rate / 3600
    print(f"{len(learn)} recordings to learn from ({hours:.1f} h), {len(held)} held out")
    hops = round(config.crop_seconds * vqt.rate / vqt.hop)
    crop = CropConfig(vqt.rate, vqt.hop, hops, memory, sizes.look_aheads)
    noises = pack_noises(config.noises, vqt.rate)
    crops = Crops(packed, crop, config.augment, seed, noises, *_players(config))
    loader = DataLoader(crops, config.batch, num_workers=config.workers, worker_init_fn=_give_way)
    return iter(loader)


def _give_way(worker: int) -> None:
    """Let a step that learns have the cores before those who prepare the next ones."""
    with suppress(AttributeError, OSError):
        os.nice(10)


def _players(config: TrainConfig) -> tuple[Players | None, float]:
    """Who plays, if anybody, and their share of the crops."""
    if config.played is None:
        return None, 0.0
    rate = config.model.vqt.rate
    players = open_players(config.played, rate, learnable(config), config.seed)
    return players, config.played.share


def _learn(
    config: TrainConfig,
    network: Network,
    optimiser: torch.optim.Optimizer,
    batch: Batch,
    random: torch.Generator,
    done: Done,
) -> dict[str, float]:
    """One step of gradient descent; the loss per output."""
    audio, wish, foot = (part.to(network.heads.weight.device) for part in batch)
    for group in optimiser.param_groups:
        group["lr"] = learning_rate(config, done)
    with torch.no_grad():
        audio = recolour(audio, config.model.vqt.rate, config.augment, random)
        past, audio = audio.tensor_split([network.vqt.memory], dim=1)
        features, _ = network.vqt(audio, past)
    with torch.autocast(audio.device.type, torch.bfloat16, enabled=config.bfloat16):
        said, _ = network.read(features, None)
    parts = losses(said, Said(wish.float(), foot.float()), config.burn_in_hops)
    values = torch.stack(list(parts.values()))
    optimiser.zero_grad(set_to_none=True)
    values.sum().backward()
    torch.nn.utils.clip_grad_norm_(network.parameters(), config.gradient_norm)
    optimiser.step()
    return dict(zip(parts, values.tolist(), strict=True))


def _finish(config: TrainConfig, network: Network) -> Path:
    """Choose the decoder on the held-out titles and write the finished weights."""
    model = config.model
    held = split(config)[1] if config.tune_on != "nothing" else []
    if config.tune_on == "pianos":
        held = [each for each in held if (pedals := each.pedals()) is not None and len(pedals)]
    if held:
        packed = pack(held, model.vqt.rate, config.cache)
        clips = pack_noises(config.noises, model.vqt.rate)
        model = tune(network.eval(), model, packed, config.seed, clips)
    save_model(network, model, weights_path(config))
    return weights_path(config)


def _progress() -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("step {task.fields[step]}, loss {task.fields[loss]:.3f}"),
        TimeRemainingColumn(),
    )
