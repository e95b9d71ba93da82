"""Train the classifier of an arm, on the real training images and on synthetic ones beside them.

The real part of every batch is the same in all arms of a baseline to the bit: rows, augmentation and mix take their random numbers
from generators of their own, and the synthetic part takes none of them.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple, cast

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from gan_core.errors import UserError
from gan_core.evaluation.classifier import LABEL_SMOOTHING, WARM_UP
from gan_core.evaluation.classifier_augment import augmented
from gan_core.evaluation.features.extractors import without_tf32
from gan_core.evaluation.features.weights import load_plain_state
from gan_core.evaluation.inputs import Labeled, Progress, RealImages
from gan_core.evaluation.utility import batches, gain
from gan_core.evaluation.utility.mixes import Batch, mixed
from gan_core.evaluation.utility.networks import built, started
from gan_core.evaluation.utility.protocol import BATCH, UPDATES, Arm, Baseline, ClassifierName
from gan_core.storage.workspace import atomic_write

PEAK_RATES: dict[ClassifierName, float] = {"small": 3e-3, "resnet": 3e-3, "lite0": 1e-3}
WEIGHT_DECAY = 0.05
NORM_BATCH = 128
NORM_BATCHES: dict[ClassifierName, int] = {"small": 8, "resnet": 8, "lite0": 3}  # that batch norm is estimated of again
SCORED_TOGETHER = 128
LEAST_GAIN = 0.005  # of balanced accuracy on validation, that more updates must bring


class Pool(NamedTuple):
    """Synthetic images uint8 [M, S, S, C] with labels int64 [M]. soft: float32 [M, K], the labels of a teacher."""

    images: np.ndarray
    labels: np.ndarray
    soft: np.ndarray | None = None


class ArmOptions(NamedTuple):
    """updates: batches with real images. batch: real images in each. flips: left-right mirrors, of all images in every arm."""

    classifier: ClassifierName = "small"
    updates: int = 600
    batch: int = BATCH["small"]
    seed: int = 0
    device: str = "cpu"
    flips: bool = False


class Shown(NamedTuple):
    """What the network sees in an update: float [n, C, S, S], targets float [n, K]."""

    x: torch.Tensor
    y: torch.Tensor


class Fitted:
    """A trained classifier. size in px and channels are those of its images."""

    def __init__(self, classifier: ClassifierName, network: nn.Module, size: int, channels: int, num_classes: int):
        self.classifier, self.size, self.channels, self.num_classes = classifier, size, channels, num_classes
        self.network = network.eval().requires_grad_(False)

    @torch.inference_mode()
    def logits(self, images: np.ndarray) -> np.ndarray:
        """images uint8 [N, S, S, C], also a memory map -> float32 [N, K]."""
        device, found = next(self.network.parameters()).device, np.empty((len(images), self.num_classes), np.float32)
        for start in range(0, len(images), SCORED_TOGETHER):
            with without_tf32():
                out = outputs(self.network, prepared(self.network, images[start : start + SCORED_TOGETHER], device))
            found[start : start + len(out)] = out.float().cpu().numpy()
        return found

    def right(self, split: Labeled) -> np.ndarray:
        """bool [N]."""
        return np.asarray(self.logits(split.images).argmax(1) == np.asarray(split.labels))

    def save(self, path: Path) -> None:
        """Write a plain state dict, whole or not at all; read it with torch.load(weights_only=True)."""
        state = {name: value.detach().cpu() for name, value in self.network.state_dict().items()}
        atomic_write(path, lambda file: torch.save(state, file))

    @staticmethod
    def load(path: Path, classifier: ClassifierName, size: int, channels: int, num_classes: int) -> "Fitted":
        """What `save` wrote. Raises UserError bad_weights, no_such_path."""
        network = built(classifier, size, channels, num_classes)
        try:
            network.load_state_dict(load_plain_state(Path(path)))
        except RuntimeError as error:
            what = f"{Path(path).name} holds the weights of another classifier."
            raise UserError("bad_weights", what, "Train it again.") from error
        return Fitted(classifier, network, size, channels, num_classes)


def train_arm(
    arm: Arm,
    real: RealImages,
    pools: Mapping[str, Pool],
    options: ArmOptions,
    progress: Progress = Progress(),  # noqa: B008  it is immutable
) -> Fitted:
    """Train on real.train and pools[arm.way]; the other splits are not looked at. The same arguments give the same classifier.

    torch's global random numbers are neither used nor changed. Raises Stopped, ValueError where the pool has no image to show.
    """
    labels = np.asarray(real.train.labels, np.int64)
    _, size, _, channels = real.train.images.shape
    pool = pools[arm.way] if arm.use else Pool(real.train.images[:0], labels[:0])
    sized = batches.Size(options.updates, options.batch, options.seed)
    plan = batches.plan(labels, np.asarray(pool.labels, np.int64), arm.baseline.sampling, arm.use, sized)
    with torch.inference_mode(False), torch.enable_grad():
        start = torch.Generator().manual_seed(options.seed)
        network = started(options.classifier, size, channels, len(real.classes), start).to(options.device).train()
        shows = Shows(network, real, pool, arm, options)
        before = len(plan.pretrain)
        whole = before + max(len(plan.real), len(plan.synthetic))
        if before:
            each = lambda update: shows.synthetic(plan.pretrain[update])
            learn(network, before, each, PEAK_RATES[options.classifier], progress.part(0, before / whole))
        each = lambda update: together(
            shows.real(update, plan.real) if len(plan.real) else None,
            shows.synthetic(plan.synthetic[update]) if update < len(plan.synthetic) else None,
        )
        learn(network, whole - before, each, PEAK_RATES[options.classifier], progress.part(before / whole, 1))
        shows.estimate_norms(labels)
    return Fitted(options.classifier, network, size, channels, len(real.classes))


class Shows:
    """The images of each batch as the network sees them: prepared, augmented, mixed."""

    def __init__(self, network: nn.Module, real: RealImages, pool: Pool, arm: Arm, options: ArmOptions):
        self.network, self.train, self.pool, self.arm, self.options = network, real.train, pool, arm, options
        self.num_classes = len(real.classes)
        self.pasted: np.ndarray | None = None
        if arm.baseline.mix == "cmo":
            size = batches.Size(options.updates, options.batch, options.seed)
            self.pasted = batches.pasted_rows(np.asarray(real.train.labels, np.int64), size)
        # Each part of a batch has its own random numbers: real, synthetic, pasted, and the real ones of batch norm.
        self.torch_of = [torch.Generator().manual_seed(options.seed * 8 + part) for part in range(1, 5)]
        self.numpy_of = [batches.generator(options.seed, 3 + part) for part in range(2)]

    def images(self, images: np.ndarray, rows: np.ndarray, part: int) -> torch.Tensor:
        x = prepared(self.network, images[rows], torch.device(self.options.device))
        return augmented(x, self.arm.baseline.policy, self.torch_of[part], self.options.flips)

    def targets(self, labels: np.ndarray) -> torch.Tensor:
        y = torch.from_numpy(np.asarray(labels, np.int64)).to(self.options.device)
        return smoothed(F.one_hot(y, self.num_classes).float())

    def real(self, update: int, rows: np.ndarray) -> Shown:
        batch = self.labeled(rows[update], 0)
        pasted = self.labeled(self.pasted[update], 2) if self.pasted is not None else None
        return Shown(*mixed(batch, self.arm.baseline.mix, self.numpy_of[0], pasted))

    def labeled(self, rows: np.ndarray, part: int) -> Batch:
        return self.images(self.train.images, rows, part), self.targets(np.asarray(self.train.labels)[rows])

    def synthetic(self, rows: np.ndarray) -> Shown:
        """Nothing is pasted on synthetic images: what CMO pastes is real."""
        use, pool, mix = self.arm.use, self.pool, self.arm.baseline.mix
        x = self.images(pool.images, rows, 1)
        if use is not None and use.labels == "soft" and pool.soft is not None:
            y = torch.from_numpy(pool.soft[rows]).to(x)
        else:
            y = self.targets(pool.labels[rows])
        return Shown(*mixed((x, y), "none" if mix == "cmo" else mix, self.numpy_of[1]))

    def estimate_norms(self, labels: np.ndarray) -> None:
        """Mean and variance of batch norm anew, of real training images as they are sampled last, augmented but not mixed.

        Those of training are of the mixture with synthetic images, and what is classified later is real.
        """
        norms = [
            one for one in self.network.modules() if isinstance(one, nn.modules.batchnorm._BatchNorm) and one.training
        ]
        for norm in norms:
            norm.reset_running_stats()
            norm.momentum = None  # the plain average
        sampling = "natural" if self.arm.baseline.sampling == "natural" else "balanced"
        rows = batches.real_rows(
            labels,
            cast(Any, sampling),
            batches.Size(NORM_BATCHES[self.options.classifier], NORM_BATCH, self.options.seed),
        )
        with torch.no_grad():
            for some in rows:
                outputs(self.network, self.images(self.train.images, some, 3))


def prepared(network: nn.Module, images: np.ndarray, device: torch.device) -> torch.Tensor:
    """uint8 [N, S, S, C] -> float [N, C, side, side] in [-1, 1]."""
    return cast(Any, network).prepare(torch.from_numpy(np.array(images)).to(device).permute(0, 3, 1, 2))


def outputs(network: nn.Module, x: torch.Tensor) -> torch.Tensor:
    """Logits [N, K] of what `prepared` returned."""
    parts = cast(Any, network)
    return parts.head(parts.body(x.contiguous(memory_format=torch.channels_last)))


def smoothed(y: torch.Tensor) -> torch.Tensor:
    return y * (1 - LABEL_SMOOTHING) + LABEL_SMOOTHING / y.shape[1]


def together(real: Shown | None, synthetic: Shown | None) -> Shown:
    if real is None or synthetic is None:
        return cast(Shown, real or synthetic)
    return Shown(*(torch.cat(parts) for parts in zip(real, synthetic, strict=True)))


def learn(network: nn.Module, updates: int, shown: Callable[[int], Shown], peak: float, progress: Progress) -> None:
    """AdamW under one cycle of the learning rate, over the mean of the cross-entropies of a batch."""
    parameters = [one for one in network.parameters() if one.requires_grad]
    optimizer = torch.optim.AdamW(parameters, peak, betas=(0.9, 0.99), weight_decay=WEIGHT_DECAY, fused=True)
    for update in range(updates):
        progress.check()
        x, y = shown(update)
        loss = F.cross_entropy(outputs(network, x), y)
        for group in optimizer.param_groups:
            group["lr"] = peak * cycle(update / updates)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        if (update + 1) % 10 == 0 or update + 1 == updates:
            progress.report((update + 1) / updates, "Training a classifier")


def cycle(at: float) -> float:
    """Up in a line, down as a cosine. at: share of the updates done."""
    fall = max(0.0, (at - WARM_UP) / (1 - WARM_UP))
    return float(min(1.0, at / WARM_UP + 0.01) * (1 + np.cos(np.pi * fall)) / 2)


def validated(fitted: Fitted, real: RealImages) -> float:
    """Balanced accuracy on the validation images."""
    labels = np.asarray(real.validation.labels, np.int64)
    return float(gain.balanced_accuracy(fitted.right(real.validation), labels, len(real.classes)))


def choose_updates(
    real: RealImages,
    options: ArmOptions,
    progress: Progress = Progress(),  # noqa: B008  it is immutable
    most: int | None = None,
) -> int:
    """How many updates the plain baseline needs: the next number of UPDATES while it is better on validation by LEAST_GAIN.

    options.updates is not used. most: at most so many. Without validation images: the third of them. Raises Stopped.
    """
    tries = [number for number in UPDATES[options.classifier] if most is None or number <= most] or [most or 1]
    if not len(real.validation.labels):
        return tries[min(2, len(tries) - 1)]
    whole, done, best, found = sum(tries), 0, -1.0, tries[0]
    for number in tries:
        part = progress.part(done / whole, (done + number) / whole, "How many updates a classifier needs")
        score = validated(train_arm(Arm(baseline=Baseline()), real, {}, options._replace(updates=number), part), real)
        done += number
        if score < best + LEAST_GAIN:
            break
        best, found = score, number
    progress.report(1.0, "")
    return found
