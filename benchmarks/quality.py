"""The quality of a recipe after a given training time: several seeds through the command line, each run evaluated by utility.

    python benchmarks/quality.py --workspace DIR DATASET [--recipe quick] [--minutes 5] [--seeds 3] [--first-seed 0] [--images N]
                                  [--set K=V ...]

For each seed: the accuracy on the real test images of a small classifier that was trained on synthetic images only, as many as
there are training images (30,000 at the most) or --images, beside the same classifier trained on the real ones; the same after
the images were left out in which the dataset classifier (trained on the training split alone) does not predict the requested
class ("gated"), and the same with truncation 1.2 (both after GaFi, arXiv:2305.10118); label agreement beside the accuracy
of the dataset classifier on real images; the variance of its features within each class, fakes over reals (mean and least class),
of all images and of the kept ones with truncation 1.2; and the verdict on memorization.
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent.parent))

from gan_core.evaluation.classifier import FitOptions, fit
from gan_core.evaluation.memorization import copying
from gan_core.jobs.shared.evaluation_inputs import dataset_classifier_of, splits
from gan_core.jobs.shared.run_sampler import RunSampler
from gan_core.storage.store import Store
from gan_core.storage.workspace import Workspace

ROOT = Path(__file__).parent.parent
MOST_IMAGES = 30_000
UPDATES, BATCH = 2000, 64  # of each classifier
COPY_IMAGES = 1000
TRUNCATION = 1.2
never = lambda: False


def train(workspace: Path, dataset: str, recipe: str, minutes: float, seed: int, settings: list[str]) -> dict:
    words = ["train", dataset, "--recipe", recipe, "--minutes", str(minutes), "--seed", str(seed), "--json"]
    command = [sys.executable, "-m", "gan_core", "--workspace", str(workspace), *words]
    command += [word for setting in settings for word in ("--set", setting)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
    return json.loads(done.stdout.splitlines()[-1])


def spread(features: np.ndarray, labels: np.ndarray, classes: int) -> np.ndarray:
    return np.array([features[labels == c].var(0).sum() for c in range(classes)])


def accuracy(images: np.ndarray, labels: np.ndarray, test, seed: int) -> float:
    """Balanced accuracy on the test split of a classifier trained on these images."""
    classifier = fit(images, labels, len(test.classes), FitOptions(UPDATES, BATCH, seed, balanced=True))
    right = classifier.classify(np.asarray(test.images)).logits.argmax(1) == np.asarray(test.labels)
    return float(np.mean([right[test.labels == c].mean() for c in np.unique(test.labels)]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dataset")
    parser.add_argument("--workspace", type=Path, required=True)
    parser.add_argument("--recipe", default="quick")
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--images", type=int, help="synthetic images to evaluate")
    parser.add_argument("--run", action="append", default=[], help="evaluate this run instead of training one")
    parser.add_argument("--set", action="append", default=[], dest="settings")
    arguments = parser.parse_args()
    workspace = Workspace(arguments.workspace)
    folder = workspace.dataset(arguments.dataset)
    train_split, _, test = splits(folder)
    real_images, real_labels = np.asarray(train_split.images), np.asarray(train_split.labels)
    classes, count = len(train_split.classes), arguments.images or min(MOST_IMAGES, len(real_labels))
    dataset_classifier = dataset_classifier_of(folder, "cpu", None, never)
    seen = dataset_classifier.classifier.classify(real_images)
    real_spread = spread(seen.features, real_labels, classes)
    real_accuracy = round(accuracy(real_images, real_labels, test, 0), 4)
    runs = arguments.run or [None] * arguments.seeds
    rows = []
    for seed, run in enumerate(runs, arguments.first_seed):
        trained = {"run": run} if run else train(
            arguments.workspace, arguments.dataset, arguments.recipe, arguments.minutes, seed, arguments.settings
        )  # fmt: skip
        generator = RunSampler(Store(workspace).run(trained["run"]), workspace)
        labels = np.arange(count) % classes
        images = generator.draw(labels, seed=1)
        amplified = generator.draw(labels, seed=2, truncation=TRUNCATION)
        fakes, amplified_fakes = (
            dataset_classifier.classifier.classify(images),
            dataset_classifier.classifier.classify(amplified),
        )
        kept, amplified_kept = (found.logits.argmax(1) == labels for found in (fakes, amplified_fakes))
        ratio = spread(fakes.features, labels, classes) / real_spread
        kept_ratio = spread(amplified_fakes.features[amplified_kept], labels[amplified_kept], classes) / real_spread
        rows.append(
            {
                "run": trained["run"],
                "seed": seed,
                "images_seen": generator.images_seen,
                "images_per_second": trained.get("images_per_second"),
                "synthetic_only": round(accuracy(images, labels, test, seed), 4),
                "gated": round(accuracy(images[kept], labels[kept], test, seed), 4),
                "wide_gated": round(accuracy(amplified[amplified_kept], labels[amplified_kept], test, seed), 4),
                "real": real_accuracy,
                "agreement": round(float((fakes.logits.argmax(1) == labels).mean()), 4),
                "real_agreement": round(float(dataset_classifier.accuracy), 4),
                "variance_ratio": round(float(ratio.mean()), 3),
                "least_variance_ratio": round(float(ratio.min()), 3),
                "wide_gated_variance_ratio": round(float(kept_ratio.mean()), 3),
                "copying": copying(
                    images[:COPY_IMAGES],
                    real_images,
                    np.asarray(test.images[:COPY_IMAGES]),
                    spaces={},
                    seed=0,
                    should_stop=never,
                )["verdict"],
            }
        )
        print(json.dumps(rows[-1]), flush=True)
    numbers = [name for name, value in rows[0].items() if isinstance(value, float)]
    means = {name: round(float(np.mean([row[name] for row in rows])), 4) for name in numbers}
    print(json.dumps({"recipe": arguments.recipe, "settings": arguments.settings, "synthetic_images": count, **means}))


if __name__ == "__main__":
    main()
