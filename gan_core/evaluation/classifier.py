"""A small convolutional classifier: of the dataset classifier and of the utility comparison.

It trains in seconds on two cores, so it is five layers deep and sees 64 px at the most.
"""

import hashlib
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import safetensors.torch
import torch
import torch.nn.functional as F
from safetensors import SafetensorError
from torch import nn

from gan_core.errors import Stopped, UserError
from gan_core.evaluation.classifier_augment import augmented
from gan_core.evaluation.features.extractors import Features, without_tf32
from gan_core.evaluation.inputs import Progress
from gan_core.evaluation.utility.protocol import Policy
from gan_core.models.backbones.classifier import LARGEST_SIDE, convolutions
from gan_core.storage.workspace import atomic_write

VERSION = 1  # of network and file; another version is not read
FEATURES = 128
PEAK_RATE, WARM_UP, WEIGHT_DECAY = 3e-3, 0.2, 0.05  # measured: 3e-3 with a fifth of warm-up trains best in few updates
LABEL_SMOOTHING = 0.05
CPU_BATCH, CUDA_BATCH = 128, 1024  # images at once when classifying


class Network(nn.Module):
    """uint8 [N, >= C, H, W] -> features [N, 128] after a ReLU, logits [N, classes]."""

    def __init__(self, size: int, channels: int, num_classes: int):
        super().__init__()
        self.channels, self.side = channels, min(size, LARGEST_SIDE)
        layers, numbers = convolutions(self.side, channels)
        layers += [nn.Flatten(), nn.Linear(numbers, FEATURES, bias=False), nn.BatchNorm1d(FEATURES)]
        self.body = nn.Sequential(*layers, nn.ReLU())
        self.head = nn.Linear(FEATURES, num_classes)

    def prepare(self, pixels: torch.Tensor) -> torch.Tensor:
        """float [N, C, side, side] in [-1, 1]. Grey that was repeated to three channels is grey again."""
        x = pixels[:, : self.channels].float()
        if x.shape[-1] != self.side or x.shape[-2] != self.side:
            x = F.interpolate(x, size=(self.side, self.side), mode="bilinear", antialias=True, align_corners=False)
        return (x / 127.5 - 1).contiguous(memory_format=torch.channels_last)

    def forward(self, pixels: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        features = self.body(self.prepare(pixels))
        return features, self.head(features)


class Classifier:
    """A trained network. size in px and channels are those of its images; notes: JSON facts that travel in its file."""

    def __init__(self, network: Network, size: int, channels: int, num_classes: int, notes: dict[str, Any]):
        self.network = network.eval().requires_grad_(False)
        self.size, self.channels, self.num_classes, self.notes = size, channels, num_classes, notes

    @torch.inference_mode()
    def classify(
        self, images: np.ndarray, device: str = "cpu", should_stop: Callable[[], bool] | None = None
    ) -> Features:
        """images uint8 [N, size, size, channels], also a memmap -> Features [N, 128], [N, classes]. May raise Stopped."""
        if images.shape[1:] != (self.size, self.size, self.channels):
            raise ValueError(f"images {images.shape} for a classifier of {self.size} px, {self.channels} channels")
        network = self.network.to(device)
        batch = CPU_BATCH if torch.device(device).type == "cpu" else CUDA_BATCH
        features = np.empty((len(images), FEATURES), np.float32)
        logits = np.empty((len(images), self.num_classes), np.float32)
        for start in range(0, len(images), batch):
            if should_stop and should_stop():
                raise Stopped
            pixels = torch.from_numpy(np.array(images[start : start + batch])).to(device).permute(0, 3, 1, 2)
            with without_tf32():
                found, classes = network(pixels)
            features[start : start + batch], logits[start : start + batch] = found.cpu().numpy(), classes.cpu().numpy()
        return Features(features, logits)

    def to_bytes(self) -> bytes:
        """The file's bytes: the same weights and notes give the same bytes."""
        facts = {"size": self.size, "channels": self.channels, "num_classes": self.num_classes, "notes": self.notes}
        text = json.dumps({"version": VERSION, **facts}, sort_keys=True, allow_nan=False)
        state = {name: value.detach().cpu().contiguous() for name, value in self.network.state_dict().items()}
        return safetensors.torch.save(state, {"ganvas_classifier": text})

    def save(self, path: Path) -> str:
        """Write the safetensors file, whole or not at all; returns the first 8 hex digits of its SHA-256."""
        data = self.to_bytes()
        atomic_write(path, lambda file: file.write(data))
        return digest(data)

    @staticmethod
    def load(path: Path) -> "Classifier":
        """Raises UserError bad_weights where the file is torn, foreign or of another version."""
        return from_bytes(read(path), Path(path).name)


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:8]


def read(path: Path) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise UserError(
            "no_such_path", f"The classifier {Path(path).name!r} cannot be read.", "Train it again."
        ) from error


def from_bytes(data: bytes, name: str) -> Classifier:
    """What Classifier.to_bytes wrote, or UserError bad_weights. name: for the sentence."""
    try:
        state = safetensors.torch.load(data)
        header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
        facts = json.loads(header["__metadata__"]["ganvas_classifier"])
        size, channels, num_classes = (int(facts[key]) for key in ("size", "channels", "num_classes"))
        if facts["version"] != VERSION or not all(value.isfinite().all() for value in state.values()):
            raise ValueError("another version, or weights that are not finite")
        network = blank(size, channels, num_classes)
        network.load_state_dict(state)
        return Classifier(network, size, channels, num_classes, dict(facts["notes"]))
    except (SafetensorError, ValueError, KeyError, TypeError, RuntimeError) as error:
        raise UserError(
            "bad_weights", f"The classifier {name!r} is damaged or of another version.", "Train it again."
        ) from error


def blank(size: int, channels: int, num_classes: int) -> Network:
    """A network on the CPU without values: torch's own start values would take random numbers from the global state."""
    if not (1 <= size <= 4096 and channels in (1, 3) and 1 <= num_classes <= 100_000):
        raise ValueError("sizes of a classifier out of bounds")
    with torch.device("meta"):
        network = Network(size, channels, num_classes)
    return network.to_empty(device="cpu").to(memory_format=torch.channels_last)


def fresh(size: int, channels: int, num_classes: int, generator: torch.Generator) -> Network:
    """A network with start values from the generator, on torch's usual scale: measured, larger ones learn less in few updates."""
    network = blank(size, channels, num_classes)
    for module in network.modules():
        if isinstance(module, (nn.Conv2d, nn.Linear)):
            nn.init.kaiming_uniform_(module.weight, a=5**0.5, generator=generator)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
        elif isinstance(module, (nn.BatchNorm1d, nn.BatchNorm2d)):
            module.reset_parameters()  # ones and zeros: takes no random numbers
    return network


class FitOptions(NamedTuple):
    """How a classifier is trained: exactly `updates` batches. balanced: every class is shown equally often, on top of weights.

    weights [N]: how often an image is shown, relative to the others; 0 is never, None the same for all. flips: with left-right
    mirrors.
    """

    updates: int
    batch: int = 128
    seed: int = 0
    balanced: bool = False
    weights: np.ndarray | None = None
    augment: Policy = "none"
    flips: bool = False
    device: str = "cpu"


def fit(
    images: np.ndarray | Sequence[np.ndarray],
    labels: np.ndarray,
    num_classes: int,
    options: FitOptions,
    progress: Progress = Progress(),  # noqa: B008  it is immutable
) -> Classifier:
    """Train with AdamW; the same arguments give the same classifier on the same CPU.

    images: uint8 [N, S, S, C], or several such arrays whose rows are numbered through; labels int64 [N] of them all. torch's
    global random numbers are neither used nor changed. Raises Stopped.
    """
    parts = [images] if isinstance(images, np.ndarray) else list(images)
    labels = np.asarray(labels, np.int64)
    _, size, _, channels = parts[0].shape
    rows = order(
        shown(labels, num_classes, options), options.updates * options.batch, np.random.default_rng(options.seed)
    )
    generator = torch.Generator().manual_seed(options.seed)
    with torch.inference_mode(False), torch.enable_grad():
        network = fresh(size, channels, num_classes, generator).to(options.device).train()
        optimizer = torch.optim.AdamW(
            network.parameters(), PEAK_RATE, betas=(0.9, 0.99), weight_decay=WEIGHT_DECAY, fused=True
        )
        for done in range(options.updates):
            progress.check()
            chosen = rows[done * options.batch : (done + 1) * options.batch]
            pixels = torch.from_numpy(gather(parts, chosen)).to(options.device).permute(0, 3, 1, 2)
            x = augmented(network.prepare(pixels), options.augment, generator, options.flips)
            logits = network.head(network.body(x.contiguous(memory_format=torch.channels_last)))
            y = torch.from_numpy(labels[chosen]).to(options.device)
            loss = F.cross_entropy(logits, y, label_smoothing=LABEL_SMOOTHING)
            for group in optimizer.param_groups:
                group["lr"] = rate(done / options.updates)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            if (done + 1) % 10 == 0 or done + 1 == options.updates:
                progress.report((done + 1) / options.updates, "Training a classifier")
    notes = {"updates": options.updates, "batch": options.batch, "seed": options.seed}
    return Classifier(network, size, channels, num_classes, notes)


def shown(labels: np.ndarray, num_classes: int, options: FitOptions) -> np.ndarray:
    """How often each image is shown, relative to the others [N]."""
    weights = np.ones(len(labels)) if options.weights is None else np.asarray(options.weights, float)
    if not options.balanced:
        return weights
    share = np.bincount(labels, weights=weights, minlength=num_classes)
    return weights / np.where(share > 0, share, 1)[labels]


def rate(at: float) -> float:
    """One cycle: up in a line, down as a cosine. at: share of the updates done."""
    fall = max(0.0, (at - WARM_UP) / (1 - WARM_UP))
    return PEAK_RATE * min(1.0, at / WARM_UP + 0.01) * (1 + np.cos(np.pi * fall)) / 2


def order(weights: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """`count` row numbers, pass after pass; within a pass a row comes as often as its weight says, to less than one.

    Equal weights: plain shuffled epochs.
    """
    if not (np.isfinite(weights).all() and (weights >= 0).all() and weights.any()):
        raise ValueError("weights must be finite, none below 0, some above")
    edges = np.cumsum(weights) / weights.sum()
    a_pass, passes, have = int(np.count_nonzero(weights)), [], 0
    last = int(np.flatnonzero(weights)[-1])
    while have < count:
        ticks = (rng.random() + np.arange(a_pass)) / a_pass
        passes.append(rng.permutation(np.minimum(np.searchsorted(edges, ticks, side="right"), last)))
        have += a_pass
    return np.concatenate(passes)[:count]


def gather(parts: Sequence[np.ndarray], rows: np.ndarray) -> np.ndarray:
    """Rows, numbered through all parts, as one array; only they are read."""
    if len(parts) == 1:
        return np.array(parts[0][rows])
    found, start = np.empty((len(rows), *parts[0].shape[1:]), np.uint8), 0
    for part in parts:
        here = (rows >= start) & (rows < start + len(part))
        if here.any():
            found[here] = part[rows[here] - start]
        start += len(part)
    return found
