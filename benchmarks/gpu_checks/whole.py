"""Checks of whole runs: against the textbook loop, when memory runs out, through the command line, and what is learnt."""

import json
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from benchmarks.gpu_checks.bench import Bench, Finding, LoopSteps, loop_steps, made_up, start_command
from benchmarks.train_speed import textbook, write_pngs
from gan_core.data import dataset as dataset_folder
from gan_core.data.dataset import ImageSet
from gan_core.errors import UserError
from gan_core.evaluation.features.extractors import Extractor, load_efficientnet_lite0
from gan_core.evaluation.scores.kid import kernel_distance
from gan_core.generation.sampling import draw, fixed_noise, generate, grid, save_png
from gan_core.settings import recipes
from gan_core.settings.schema import TrainConfig
from gan_core.training import device as devices
from gan_core.training import largest_batch
from gan_core.training.batches import BatchSampler, TrainingSet
from gan_core.training.loop import build_state
from gan_core.training.step import train_step

TEXTBOOK_GOAL, TEXTBOOK_FLOOR = 6.0, 3.0
JUDGED = 1000  # images on each side of a kernel distance
QUALITY_SECONDS, TINY_IMAGES = 15, 1600
QUALITY_RECIPES = ("quick", "best", "stylegan2-ada", "projected")
COMMAND_SECONDS = 240  # for one command on a GPU; a busy CPU may take any time
NOT_FITTING = 0.02  # share of a GPU's memory that is left to a run that must not fit


def end(bench: Bench, process: "subprocess.Popen[str]") -> dict[str, Any]:
    """What a command printed last. Raises RuntimeError where it failed."""
    out, errors = process.communicate(timeout=COMMAND_SECONDS if bench.cuda else None)
    if process.returncode:
        raise RuntimeError(errors[-300:])
    return json.loads(out.splitlines()[-1])


def imported(bench: Bench, workspace: Path, size: int) -> ImageSet:
    """The training split of the data, at `size` px."""
    found = end(bench, start_command(workspace, "import", bench.data or "demo:digits", "--size", str(size)))
    return dataset_folder.load(workspace / "datasets" / found["dataset"], "train")


class Judge:
    """Kernel distance, on EfficientNet-Lite0, of samples to the training images of their classes."""

    def __init__(self, bench: Bench, data: ImageSet):
        self.bench, self.data = bench, data
        count = 60 if bench.tiny else JUDGED
        self.rows = np.sort(np.random.default_rng(0).permutation(len(data.images))[:count])
        self.network: Extractor = load_efficientnet_lite0()
        self.real = self.features(np.asarray(data.images[self.rows]))

    def features(self, images: np.ndarray) -> np.ndarray:
        return self.network.extract(images, self.bench.device.type).features

    def __call__(self, G: nn.Module, z_dim: int) -> float:
        labels = np.asarray(self.data.labels)[self.rows].astype(np.int64)
        fake = draw(G.eval(), labels, z_dim=z_dim, size=self.data.images.shape[1], seed=1)
        return kernel_distance(self.real, self.features(fake), seed=0)["kid"]

    def largest_difference_to_the_cpu(self) -> float:
        """Of the features of a few images, as a share of the largest feature."""
        few = np.asarray(self.data.images[self.rows[:32]])
        mine, on_cpu = self.features(few), self.network.extract(few, "cpu").features
        return float(np.abs(mine - on_cpu).max() / np.abs(on_cpu).max())


def textbook_loop(bench: Bench) -> Finding:
    """Whole steps at 64 px, with sampling and augmentation, against benchmarks/train_speed.py's loop of a tutorial."""
    with tempfile.TemporaryDirectory() as scratch:
        data = imported(bench, Path(scratch, "workspace"), 64)
        write_pngs(data, Path(scratch, "png"))
        devices.prepare(bench.device)
        judge = Judge(bench, data)
        start = recipes.start("quick", size=64, train_images=len(data.images))
        small = {"width": 8, "batch": 8} if bench.tiny else {}
        config = start.model_copy(update={"device": bench.device.type, "guide": False, **small})
        images = 160 if bench.tiny else 60_000 if bench.cuda else 2000
        shape = {"channels": data.images.shape[3], "classes": len(data.classes), "size": 64, "images": images}
        average, slow = textbook(config, Path(scratch, "png"), **shape, where=bench.device)
        ours = loop_steps(config, TrainingSet.of(data, config), bench.device)
        fast = seconds_of_steps(bench, ours, images)
        ratio, distances = (
            slow / fast,
            {"textbook": judge(average, config.z_dim), "ours": judge(ours.state.G_ema, config.z_dim)},
        )
    equal = distances["ours"] <= 1.5 * distances["textbook"] + 0.1
    found = {
        "ratio": round(ratio, 2),
        "goal": TEXTBOOK_GOAL,
        "floor": TEXTBOOK_FLOOR,
        "images": images,
        "ours_images_per_second": round(images / fast),
        "textbook_images_per_second": round(images / slow),
        "kernel_distance": {name: round(value, 3) for name, value in distances.items()},
    }
    return Finding(equal and (ratio > TEXTBOOK_FLOOR or not bench.cuda), found)


def seconds_of_steps(bench: Bench, steps: LoopSteps, images: int) -> float:
    started = time.perf_counter()
    while steps.state.images_seen < images:
        steps.step()
    bench.synchronize()
    return time.perf_counter() - started


def memory_runs_out(bench: Bench) -> Finding:
    """A batch that does not fit is refused with the largest one that does, which then runs; memory is given back."""
    bench.need_gpu()
    bench.free()
    data = made_up(1024, 128)
    config = recipes.start("quick", size=128, train_images=1024)
    config = config.model_copy(update={"batch": 1024, "device": "cuda", "guide": False})
    torch.cuda.set_per_process_memory_fraction(NOT_FITTING)
    try:
        largest_batch.explained(config, data, lambda: two_steps(bench, config, data))
        return Finding(False, {"why": "it fitted: NOT_FITTING is too large for this GPU"})
    except UserError as error:
        code, told = error.code, error.what
        numbers = [int(word.strip(".:")) for word in told.split() if word.strip(".:").isdigit()]
        runs = largest_batch.runs(config.model_copy(update={"batch": numbers[-1]}), data)
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)
    bench.free()
    left = torch.cuda.memory_reserved(bench.device) / 2**30
    return Finding(code == "out_of_memory" and runs and left < 1, {"told": told, "left_gib": round(left, 2)})


def two_steps(bench: Bench, config: TrainConfig, data: TrainingSet) -> dict[str, Any]:
    state, sampler = build_state(config, data, bench.device), BatchSampler(data, config, bench.device)
    for _ in range(2):
        train_step(state, *sampler(), config)
    bench.synchronize()
    return {}


def through_the_command_line(bench: Bench) -> Finding:
    """Import, train, and train again while the first run is evaluated on the same device."""
    minutes = "0.05" if bench.tiny else "0.4"
    words = ["--recipe", "quick", "--minutes", minutes, "--device", bench.device.type]
    words += ["--set", "guide=false", *(["--set", "width=8", "--set", "batch=8"] if bench.tiny else [])]
    judged = ["--samples", "40" if bench.tiny else "300", "--draws", "1", "--extractor", "efficientnet-lite0"]
    with tempfile.TemporaryDirectory() as scratch:
        workspace = Path(scratch)
        size = "32" if bench.tiny else "64"
        data = end(bench, start_command(workspace, "import", bench.data or "demo:digits", "--size", size))["dataset"]
        alone = end(bench, start_command(workspace, "train", data, *words))
        second = start_command(workspace, "train", data, *words, "--seed", "1")
        try:
            evaluated = end(bench, start_command(workspace, "evaluate", alone["run"], *judged))
            beside = end(bench, second)
        finally:
            second.kill()
    speed, slower = (run["images_per_second"] or 0.0 for run in (alone, beside))
    share = slower / max(speed, 1e-9)
    found = {
        "device": alone["device"],
        "images_per_second": round(speed),
        "memory_gib": round(alone["memory_bytes"] / 2**30, 2),
        "share_of_speed_beside_an_evaluation": round(share, 2),
        "evaluated": sorted(evaluated)[:20],
    }
    return Finding(alone["device"].startswith(bench.device.type) and (share > 0.3 or not bench.cuda), found)


def quality_in_minutes(bench: Bench) -> Finding:
    """Each recipe learns within seconds, and features are those of the CPU; grids of samples go into bench.out."""
    rows: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as scratch:
        data = imported(bench, Path(scratch), 32 if bench.tiny else 64)
        devices.prepare(bench.device)
        judge = Judge(bench, data)
        off = judge.largest_difference_to_the_cpu()
        for name in QUALITY_RECIPES[:1] if bench.tiny else QUALITY_RECIPES:
            rows[name] = learnt(bench, judge, name)
            bench.free()
    most = 0.9 if bench.tiny else 0.7  # of the untrained networks' distance
    learns = all(row["kernel_distance"] < most * row["untrained"] for row in rows.values())
    close = bench.tiny or rows["best"]["kernel_distance"] < 1.5 * rows["quick"]["kernel_distance"]
    return Finding(learns and close and off < 1e-3, {"features_off": off, **rows})


def learnt(bench: Bench, judge: Judge, recipe: str) -> dict[str, Any]:
    """After QUALITY_SECONDS, or TINY_IMAGES images where the bench is tiny."""
    data = judge.data
    size, classes = data.images.shape[1], len(data.classes)
    config = recipes.start(recipe, size=size, train_images=len(data.images))
    small = {"width": 16, "batch": 16} if bench.tiny else {}
    config = config.model_copy(update={"device": bench.device.type, "guide": False, **small})
    steps = loop_steps(config, TrainingSet.of(data, config), bench.device)
    untrained = judge(steps.state.G_ema, config.z_dim)
    started = time.perf_counter()
    seen = lambda: steps.state.images_seen
    while seen() < TINY_IMAGES if bench.tiny else time.perf_counter() - started < QUALITY_SECONDS:
        steps.step()
    bench.synchronize()
    G = steps.state.G_ema.eval()
    z, labels = fixed_noise(config.z_dim, classes, seed=2)
    images = generate(G, z.numpy(), labels.numpy(), size)
    save_png(bench.out / f"{recipe}.png", grid(images, list(data.classes)))
    return {
        "images": steps.state.images_seen,
        "untrained": round(untrained, 3),
        "kernel_distance": round(judge(G, config.z_dim), 3),
    }
