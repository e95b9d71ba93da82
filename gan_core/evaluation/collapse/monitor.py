"""The collapse monitor: watches a run while it trains. Each check examines a few hundred fakes and writes a row of collapse.jsonl.

One check may be chance; a level counts once two checks in a row have it. There is no verdict before EARLY_IMAGES, when every
generator still looks collapsed. All state is in the rows, so that a resumed run goes on where its file ends.
"""

import contextlib
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from gan_core.errors import UserError
from gan_core.evaluation.collapse.discriminator import Answers
from gan_core.evaluation.collapse.reference import Reference
from gan_core.evaluation.collapse.variety import z_sensitivity
from gan_core.evaluation.collapse.verdict import Examination, examine
from gan_core.evaluation.features.extractors import Features
from gan_core.evaluation.inputs import Labeled, RealImages
from gan_core.evaluation.mode_counting import KnownModes
from gan_core.evaluation.names_and_thresholds import INDICATORS, severity
from gan_core.evaluation.scores.kid import squared_mmd, squared_mmd_error
from gan_core.storage.run_folder import TAIL_BYTES, read_lines

EARLY_IMAGES = 20_000
FILE, METRICS = "collapse.jsonl", "metrics.jsonl"
MODE_KEYS = ("found", "of", "kl", "rejected", "sentence")
D_IMAGES = 128  # training, held-out and generated images whose outputs of D are compared
PIXEL_IMAGES = 512  # real images whose pixels say how much the noise should matter

Draw = Callable[[np.ndarray, np.ndarray], np.ndarray]
Discriminate = Callable[[np.ndarray, np.ndarray], np.ndarray]


def balanced_rows(labels: np.ndarray, n: int, rng: np.random.Generator) -> np.ndarray:
    """labels [N] -> rows [min(n, N)] in random order, of as many images a class as there are: rare classes are seen too."""
    order = rng.permutation(len(labels))
    place = np.empty(len(labels), np.int64)  # how many of its class come before an image
    for c in np.unique(labels):
        mine = order[labels[order] == c]
        place[mine] = np.arange(len(mine))
    chosen = order[np.argsort(place[order], kind="stable")][:n]
    return rng.permutation(chosen)


class Options(NamedTuple):
    """conditional: False for a run whose G ignores labels; it always gets label 0. d_level, d_blank_loss: of the loss
    that D is trained with, see discriminator.Answers.
    """

    z_dim: int
    seed: int
    images_per_check: int = 256
    conditional: bool = True
    d_level: float | None = None
    d_blank_loss: float | None = None


class CollapseMonitor:
    """Watches one run for mode collapse."""

    def __init__(
        self,
        reference: Reference,
        classify: Callable[[np.ndarray], Features],
        folder: Path,
        real: RealImages,
        options: Options,
        known: KnownModes | None = None,
    ):
        """classify: uint8 images -> Features by the network that `reference` was built with. folder: of the run.

        real: perhaps memory maps, of which a few hundred images are read. known: of a set whose modes are known.
        """
        self.reference, self.classify, self.folder = reference, classify, Path(folder)
        self.classes, self.options, self.known = real.classes, options, known
        self.conditional = options.conditional and len(real.classes) > 1
        rng, n = np.random.default_rng(options.seed), options.images_per_check
        labels = np.asarray(real.train.labels)
        rows = balanced_rows(labels, n, rng)
        self.requested = np.resize(labels[rows], n) if self.conditional else np.zeros(n, np.int64)
        self.train, self.held = (self.some(split, D_IMAGES, rng) for split in (real.train, real.validation))
        self.real_sensitivity = z_sensitivity(*self.some(real.train, PIXEL_IMAGES, rng)) if self.conditional else None
        self.rows = [row for row in read_lines(self.folder / FILE)[0] if "epoch" in row]

    def some(self, split: Labeled, n: int, rng: np.random.Generator) -> Labeled:
        labels = np.asarray(split.labels)
        rows = np.sort(balanced_rows(labels, n, rng))
        return Labeled(
            np.asarray(split.images[rows]), labels[rows] if self.conditional else np.zeros(len(rows), np.int64)
        )

    def check(self, draw: Draw, discriminate: Discriminate | None, images_seen: int, epoch: float) -> dict[str, Any]:
        """One check: appends its row to collapse.jsonl and returns it.

        draw(z float32 [N, z_dim], y int64 [N]) -> uint8 [N, H, W, C]; discriminate(uint8 [N, H, W, C], y) -> logits of D [N],
        or None where there is no D. The noise is new each time, a function of (seed, images_seen), so that two checks are
        independent.
        """
        started = time.monotonic()
        rng = np.random.default_rng([self.options.seed, images_seen])
        y = rng.permutation(self.requested)
        images = draw(rng.standard_normal((len(y), self.options.z_dim), dtype=np.float32), y)
        seen = self.classify(images)
        fakes = Labeled(images[:D_IMAGES], y[:D_IMAGES])
        found = examine(
            self.reference,
            seen,
            y if self.conditional else None,
            z_sensitivity=(z_sensitivity(images, y) if self.conditional else None, self.real_sensitivity),
            d=self.answers(discriminate, fakes) if discriminate else Answers(),
            classes=self.classes,
        )
        row = self.row(found, images_seen, epoch)
        if self.known is not None:
            with contextlib.suppress(UserError):  # too few images of a mode: nothing is counted
                row["modes"] = self.modes(self.known, images)
        row["values"]["kernel_distance"] = squared_mmd(self.reference.features, seen.features)
        row["kernel_distance_error"] = squared_mmd_error(self.reference.features, seen.features)
        row["coverage_floor"] = INDICATORS["coverage_ratio"].threshold.amber
        row["seconds"] = time.monotonic() - started
        with open(self.folder / FILE, "a") as file:
            file.write(json.dumps(row, allow_nan=False) + "\n")
        self.rows.append(row)
        return row

    def modes(self, known: KnownModes, images: np.ndarray) -> dict[str, Any]:
        """ "expected": how many modes would appear in so many images if all were drawn equally often."""
        counted = known.count(images)
        expected = round(counted["of"] * (1 - (1 - 1 / counted["of"]) ** len(images)))
        return {key: counted[key] for key in MODE_KEYS} | {"expected": expected}

    def answers(self, discriminate: Discriminate, fakes: Labeled) -> Answers:
        """Outputs of D for a few images, and the newest records of its loss."""
        other = (self.train.labels + 1) % len(self.classes)
        ticks = self.folder / METRICS
        return Answers(
            real=discriminate(*self.train),
            held_out=discriminate(*self.held) if len(self.held.images) else None,
            fake=discriminate(*fakes),
            other_label=discriminate(self.train.images, other) if self.conditional else None,
            level=self.options.d_level,
            blank_loss=self.options.d_blank_loss,
            ticks=read_lines(ticks, max(0, ticks.stat().st_size - TAIL_BYTES))[0] if ticks.exists() else (),
        )

    def row(self, found: Examination, images_seen: int, epoch: float) -> dict[str, Any]:
        """ "now" is the verdict of this check alone, "verdict" that of this check and the one before."""
        alarms = {one["key"]: one["classes"] for one in found.indicators if one["level"] != "ok"}
        row: dict[str, Any] = {
            "images_seen": images_seen,
            "epoch": epoch,
            "seconds": 0.0,
            "values": {key: found.values.get(key) for key in INDICATORS},
            "levels": {one["key"]: one["level"] for one in found.indicators},
            "class_variance": [one["variance_ratio"] for one in found.per_class],
            "class_agreement": [one["agreement"] for one in found.per_class],
            "now": found.verdict,
            "alarms": alarms,
            "verdict": "ok",
            "class": None,
            "since_epoch": None,
            "sentence": found.sentence if found.verdict == "ok" else "No sign of mode collapse in two checks in a row.",
            "todo": "",
        }
        if images_seen < EARLY_IMAGES or not self.rows:
            sentence = f"Too early to tell: it takes two checks and {EARLY_IMAGES:,} images."
            return row | {"verdict": "early", "sentence": sentence}
        verdict = min(found.verdict, self.rows[-1].get("now", "ok"), key=severity)
        if verdict == "ok":
            return row
        key = found.key or ""
        named = next((one["class"] for one in found.indicators if one["key"] == key), None)
        since = epoch
        for earlier in reversed(self.rows):
            classes = earlier.get("alarms", {}).get(key)
            if classes is None or (named is not None and named not in classes):
                break
            since = earlier["epoch"]
        sentence = f"{found.sentence.removesuffix('.')}, since epoch {since:.3g}."
        return row | {
            "verdict": verdict,
            "class": named,
            "since_epoch": since,
            "sentence": sentence,
            "todo": found.todo,
        }
