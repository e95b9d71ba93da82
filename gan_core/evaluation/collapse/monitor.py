"""The look for mode collapse while a run trains: a few hundred fakes, one row of collapse.jsonl, a verdict that takes its time.

One check may be chance or a moment; a level counts once two checks in a row have it. Nothing is said before EARLY_IMAGES, when
every generator still looks collapsed. All state is in the rows, so that a resumed run goes on where its file ends.
"""

import contextlib
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from gan_core.errors import UserError
from gan_core.evaluation.collapse.discriminator import Answers
from gan_core.evaluation.collapse.reference import Reference, z_sensitivity
from gan_core.evaluation.collapse.verdict import Examination, examine
from gan_core.evaluation.features.extractors import Features
from gan_core.evaluation.mode_counting import KnownModes
from gan_core.evaluation.scores.kid import squared_mmd
from gan_core.evaluation.vocabulary import INDICATORS, severity
from gan_core.storage.run_folder import TAIL_BYTES, read_lines

EARLY_IMAGES = 20_000
FILE, METRICS = "collapse.jsonl", "metrics.jsonl"
TOLD_OF_MODES = ("found", "of", "kl", "rejected", "sentence")
JUDGED_IMAGES = 128  # of a kind that D is asked about
REAL_IMAGES = 512  # whose pixels say how much noise should matter

Draw = Callable[[np.ndarray, np.ndarray], np.ndarray]
Judge = Callable[[np.ndarray, np.ndarray], np.ndarray]


def balanced_rows(labels: np.ndarray, n: int, rng: np.random.Generator) -> np.ndarray:
    """labels [N] -> rows [min(n, N)] in random order, of as many images a class as there are: rare classes are seen too."""
    order = rng.permutation(len(labels))
    place = np.empty(len(labels), np.int64)  # how many of its class come before an image
    for c in np.unique(labels):
        mine = order[labels[order] == c]
        place[mine] = np.arange(len(mine))
    chosen = order[np.argsort(place[order], kind="stable")][:n]
    return rng.permutation(chosen)


class Panel:
    """Watches one run. classify: uint8 images -> Features by the network that `reference` was built with."""

    def __init__(
        self,
        reference: Reference,
        classify: Callable[[np.ndarray], Features],
        folder: Path,
        classes: list[str],
        z_dim: int,
        seed: int,
        images_per_check: int = 256,
        conditional: bool = True,
        *,
        held_out_images: np.ndarray,
        held_out_labels: np.ndarray,
        train_images: np.ndarray,
        train_labels: np.ndarray,
        d_level: float | None = None,
        d_blank_loss: float | None = None,
        known: KnownModes | None = None,
    ):
        """Images uint8 [*, H, W, C], perhaps memory maps, of which a few hundred are read; labels int64 [*] index classes.

        conditional: False for a run whose G ignores labels: it is asked for label 0 throughout. d_level,
        d_blank_loss: of the loss that D is trained with, see discriminator.Answers. known: of a set whose modes are known.
        """
        self.d_level, self.d_blank_loss, self.known = d_level, d_blank_loss, known
        self.reference, self.classify, self.folder, self.classes = reference, classify, Path(folder), classes
        self.z_dim, self.seed, self.conditional = z_dim, seed, conditional and len(classes) > 1
        rng, train_labels, held_labels = (
            np.random.default_rng(seed),
            np.asarray(train_labels),
            np.asarray(held_out_labels),
        )
        rows = balanced_rows(train_labels, images_per_check, rng)
        self.asked = (
            np.resize(train_labels[rows], images_per_check)
            if self.conditional
            else np.zeros(images_per_check, np.int64)
        )
        self.real, self.real_labels = self.some(train_images, train_labels, JUDGED_IMAGES, rng)
        self.held, self.held_labels = self.some(held_out_images, held_labels, JUDGED_IMAGES, rng)
        self.real_share = (
            z_sensitivity(*self.some(train_images, train_labels, REAL_IMAGES, rng)) if self.conditional else None
        )
        self.rows = read_rows(self.folder / FILE)

    def some(
        self, images: np.ndarray, labels: np.ndarray, n: int, rng: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        rows = np.sort(balanced_rows(labels, n, rng))
        return np.asarray(images[rows]), labels[rows] if self.conditional else np.zeros(len(rows), np.int64)

    def check(self, draw: Draw, judge: Judge | None, images_seen: int, epoch: float) -> dict[str, Any]:
        """One look: appends its row to collapse.jsonl and returns it.

        draw(z float32 [N, z_dim], y int64 [N]) -> uint8 [N, H, W, C]; judge(uint8 [N, H, W, C], y) -> logits of D [N], or
        None where there is no D. The noise is new each time, a function of (seed, images_seen), so that two checks are two
        witnesses.
        """
        started = time.monotonic()
        rng = np.random.default_rng([self.seed, images_seen])
        y = rng.permutation(self.asked)
        images = draw(rng.standard_normal((len(y), self.z_dim), dtype=np.float32), y)
        n, seen = JUDGED_IMAGES, self.classify(images)
        found = examine(
            self.reference,
            seen,
            y if self.conditional else None,
            z_sensitivity=z_sensitivity(images, y) if self.conditional else None,
            z_sensitivity_real=self.real_share,
            d=self.answers(judge, images[:n], y[:n]) if judge else Answers(),
            classes=self.classes,
        )
        row = self.row(found, images_seen, epoch)
        if self.known is not None:
            with contextlib.suppress(UserError):  # too few images of a kind: nothing is counted
                counted = self.known.count(images)
                row["modes"] = {key: counted[key] for key in TOLD_OF_MODES}
                row["modes"]["expected"] = round(counted["of"] * (1 - (1 - 1 / counted["of"]) ** len(images)))
        row["values"]["kernel_distance"] = squared_mmd(self.reference.features, seen.features)
        row["seconds"] = time.monotonic() - started
        with open(self.folder / FILE, "a") as file:
            file.write(json.dumps(row, allow_nan=False) + "\n")
        self.rows.append(row)
        return row

    def answers(self, judge: Judge, fakes: np.ndarray, asked: np.ndarray) -> Answers:
        """What D says of a few images of each kind, and how its loss went of late."""
        other = (self.real_labels + 1) % len(self.classes)
        ticks = self.folder / METRICS
        return Answers(
            real=judge(self.real, self.real_labels),
            held_out=judge(self.held, self.held_labels) if len(self.held) else None,
            fake=judge(fakes, asked),
            other_label=judge(self.real, other) if self.conditional else None,
            level=self.d_level,
            blank_loss=self.d_blank_loss,
            ticks=read_lines(ticks, max(0, ticks.stat().st_size - TAIL_BYTES))[0] if ticks.exists() else (),
        )

    def row(self, found: Examination, images_seen: int, epoch: float) -> dict[str, Any]:
        """What is written of one check. "now" is its own verdict, "verdict" what it says together with the check before."""
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


def read_rows(path: Path) -> list[dict[str, Any]]:
    """The rows of an earlier attempt; a torn line is not there."""
    rows = []
    for line in path.read_text().splitlines() if path.exists() else []:
        try:
            row = json.loads(line)
        except ValueError:
            continue
        if isinstance(row, dict) and "epoch" in row:
            rows.append(row)
    return rows
