"""What the checks share: the device, made-up images, networks with a sampler, and draws that do not depend on the device."""

import contextlib
import gc
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch.nn import functional as F

from gan_core.settings import recipes
from gan_core.settings.schema import TrainConfig
from gan_core.training import device as devices
from gan_core.training.batches import BatchSampler, TrainingSet
from gan_core.training.cuda_graph import TrainSteps
from gan_core.training.hooks import Hooks
from gan_core.training.loop import build_state, first_state, steps_in
from gan_core.training.state import State
from gan_core.training.step import train_step

ROOT = Path(__file__).parent.parent.parent
PROGRESS = 0.3  # share of the run at which steps are taken: after the first growth, before the last
CLASSES = 10
CPU = torch.device("cpu")


class Skipped(Exception):
    """The check has no sense here; its message says why."""


class Finding(NamedTuple):
    """ok: whether the check holds. facts: what was measured, plain values."""

    ok: bool
    facts: dict[str, Any]


@dataclass(frozen=True)
class Bench:
    """device: what is checked. tiny: small networks and short times, for the test suite. data: a zip or a folder of class
    folders, or None for the handwritten digits. out: a folder for grids of samples.
    """

    device: torch.device
    tiny: bool
    data: str | None
    out: Path

    @property
    def cuda(self) -> bool:
        return self.device.type == "cuda"

    def need_gpu(self) -> None:
        if not self.cuda:
            raise Skipped("only on a GPU")

    def synchronize(self) -> None:
        devices.synchronize(self.device)

    def free(self) -> None:
        gc.collect()  # networks are in reference cycles
        if self.cuda:
            torch.cuda.empty_cache()

    def setup(self, recipe: str, size: int, where: torch.device | None = None, **changes: Any) -> "Setup":
        """Fresh networks of a recipe at `size` px, on made-up images of ten classes. changes: settings."""
        where = where or self.device
        config = recipes.start(recipe, size=size, train_images=2000)
        config = config.model_copy(update={"device": where.type, "guide": False, **changes})
        data = TrainingSet.of(made_up(256, size), config)
        return Setup(config, build_state(config, data, where), BatchSampler(data, config, where))

    def seconds(self, work: Callable[[], Any], least: float) -> float:
        """Seconds of one call of work, from as many calls as fill `least` seconds, after one that is not counted."""
        work()
        self.synchronize()
        started, calls = time.perf_counter(), 0
        while time.perf_counter() - started < least:
            work()
            calls += 1
        self.synchronize()
        return (time.perf_counter() - started) / calls


class Setup(NamedTuple):
    config: TrainConfig
    state: State
    sampler: BatchSampler

    def step(self) -> dict[str, torch.Tensor]:
        return train_step(self.state, *self.sampler(), self.config, PROGRESS)


class LoopSteps(NamedTuple):
    """The steps that a run on this device takes, in the compute mode that it chose."""

    config: TrainConfig
    state: State
    steps: TrainSteps
    said: list[str]  # the log, and notices of steps that could not be replayed

    def step(self) -> dict[str, torch.Tensor]:
        return self.steps(PROGRESS)


def loop_steps(config: TrainConfig, data: TrainingSet, device: torch.device) -> LoopSteps:
    said: list[str] = []
    sampler = BatchSampler(data, config, device)
    with tempfile.TemporaryDirectory() as folder:
        config, state, mode = first_state(config, data, sampler, Path(folder), Hooks(log=said.append))
    return LoopSteps(config, state, steps_in(mode, state, sampler, config, said.append), said)


def made_up(count: int, size: int, seed: int = 0) -> TrainingSet:
    """Images of ten classes: a mosaic of 4 x 4 colors for each class, and noise."""
    numbers = np.random.default_rng(seed)
    mosaic = numbers.integers(0, 255, (CLASSES, 4, 4, 3)).repeat(size // 4, 1).repeat(size // 4, 2)
    labels = np.arange(count) % CLASSES
    images = np.clip(mosaic[labels] + numbers.normal(0, 30, (count, size, size, 3)), 0, 255).astype(np.uint8)
    return TrainingSet(images, labels.astype(np.int64), [str(c) for c in range(CLASSES)])


def smallest_case(recipe: str) -> tuple[int, dict[str, Any]]:
    """(px, settings) of a recipe's smallest networks that are still its own."""
    found = recipes.RECIPES[recipe]
    narrow = 4 if found.config.family in ("projected", "garbage128") else 8 if found.config.width <= 64 else 16
    return min(found.sizes), {"width": narrow, "batch": 8}


def weights_of(state: State) -> list[torch.Tensor]:
    """All weights and buffers of G, D and the average of G, float64 on the CPU."""
    nets = (state.G, state.D, state.G_ema)
    return [tensor.detach().to("cpu", torch.float64) for net in nets for tensor in net.state_dict().values()]


def share_off(mine: list[torch.Tensor], other: list[torch.Tensor], limit: float) -> float:
    """The largest share of values of one tensor that differ by more than `limit`."""
    return max(((a - b).abs() > limit).double().mean().item() for a, b in zip(mine, other, strict=True) if a.numel())


DRAWS = ("rand", "randn", "randint", "randperm", "rand_like", "randn_like")


@contextlib.contextmanager
def drawn_on_the_cpu(double: bool) -> Iterator[None]:
    """torch's random numbers come from the CPU's generator whatever the device, and dropout is off; double: in float64.

    Two devices can then be compared number by number.
    """
    kept = {name: getattr(torch, name) for name in DRAWS}
    dropout, to_single = F.dropout, torch.Tensor.float

    def on_the_cpu(name: str) -> Callable[..., torch.Tensor]:
        def draw(*shape: Any, **options: Any) -> torch.Tensor:
            if name.endswith("_like"):
                like = shape[0]
                return kept[name.removesuffix("_like")](like.shape, dtype=like.dtype).to(like.device)
            where = options.pop("device", None) or "cpu"
            if double and options.get("dtype") == torch.float32:
                options["dtype"] = torch.float64
            return kept[name](*shape, **options).to(where)

        return draw

    try:
        for name in DRAWS:
            setattr(torch, name, on_the_cpu(name))
        F.dropout = lambda x, *_, **__: x
        if double:
            torch.set_default_dtype(torch.float64)
            torch.Tensor.float = lambda x, *_, **__: x.double()  # type: ignore[method-assign]
        yield
    finally:
        for name, original in kept.items():
            setattr(torch, name, original)
        F.dropout, torch.Tensor.float = dropout, to_single  # type: ignore[method-assign]
        torch.set_default_dtype(torch.float32)


@contextlib.contextmanager
def full_float32() -> Iterator[None]:
    """No TF32 inside."""
    matmul, convolution = torch.get_float32_matmul_precision(), torch.backends.cudnn.allow_tf32
    torch.set_float32_matmul_precision("highest")
    torch.backends.cudnn.allow_tf32 = False
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(matmul)
        torch.backends.cudnn.allow_tf32 = convolution


def start_command(workspace: Path, *words: str) -> subprocess.Popen[str]:
    """`python -m gan_core` with --json, started."""
    command = [sys.executable, "-m", "gan_core", "--workspace", str(workspace), *words, "--json"]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
