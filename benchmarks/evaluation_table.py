"""Do the scores rank sets of images in the obvious order? Real held-out images, blurred ones, a run's, and a run's with two classes
missing, all against the training images of the run's dataset; prints the table of docs/evaluation.md.

    python benchmarks/evaluation_table.py --workspace DIR RUN [--samples 2000] [--draws 3] [--extractor efficientnet-lite0]
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
from scipy.ndimage import gaussian_filter

sys.path.insert(0, str(Path(__file__).parent.parent))

from gan_core.data.dataset import ImageSet
from gan_core.evaluation.inputs import Progress
from gan_core.jobs.handlers.evaluate import Source, evaluate_images
from gan_core.jobs.shared.evaluation_inputs import splits
from gan_core.jobs.shared.run_sampler import RunSampler
from gan_core.requests import EvaluateRequest
from gan_core.storage.store import Store
from gan_core.storage.workspace import Workspace

Draw = Callable[[np.ndarray, int, int], np.ndarray]
BLURS = (0.5, 1.0, 2.0)  # standard deviation, px
INCEPTION = ("inception_score", "inception_score_formula")  # the first on Inception-v3 only
COLUMNS = ("frechet_distance", "fid", "kid", *INCEPTION, "precision", "recall", "density", "coverage")


def real(split: ImageSet, blur_px: float = 0.0) -> Draw:
    """Real images of the asked classes, each at most once while they last, another order for each seed."""
    members = [np.flatnonzero(split.labels == label) for label in range(len(split.classes))]
    taken: dict[tuple[int, int], int] = {}

    def draw(labels: np.ndarray, seed: int, start: int) -> np.ndarray:
        rows = []
        for label in labels:
            at = taken.setdefault((seed, int(label)), 0)
            taken[seed, int(label)] += 1
            rows.append(np.random.default_rng([seed, label]).permutation(members[label])[at % len(members[label])])
        images = np.asarray(split.images[np.array(rows)])
        if blur_px:
            images = np.rint(gaussian_filter(images.astype(float), (0, blur_px, blur_px, 0))).astype(np.uint8)
        return images

    return draw


def without_two_classes(draw: Draw, classes: int) -> Draw:
    """Whoever asks for one of the first two classes gets one of the others."""
    return lambda labels, seed, start: draw(np.where(labels < 2, 2 + labels * 4 % (classes - 2), labels), seed, start)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run")
    parser.add_argument("--workspace", required=True)
    parser.add_argument("--samples", type=int, default=2000)
    parser.add_argument("--draws", type=int, default=3)
    parser.add_argument("--extractor", default="efficientnet-lite0")
    parser.add_argument("--weights", default="")
    arguments = parser.parse_args()
    workspace = Workspace(arguments.workspace)
    run = Store(workspace).run(arguments.run)
    generator, folder = RunSampler(run, workspace), workspace.dataset(run.dataset_id)
    train, _, test = splits(folder)
    made = lambda labels, seed, start: generator.draw(labels, seed=seed, start=start)
    sources: dict[str, Draw] = {
        "real, held out": real(test),
        **{f"training images, blur {blur:g} px": real(train, blur) for blur in BLURS},
        f"{generator.config.recipe}, {generator.images_seen:,} images shown": made,
        "the same without two classes": without_two_classes(made, len(train.classes)),
    }
    request = EvaluateRequest(
        samples=arguments.samples, draws=arguments.draws, extractor=arguments.extractor, weights=arguments.weights
    )
    rows = []
    for name, draw in sources.items():
        with tempfile.TemporaryDirectory() as out:
            source = Source(draw, conditional=True, device="cpu")
            result = evaluate_images(workspace, folder, Path(out), source, request, Progress()).to_json()
        rows.append((name, result))
        print(json.dumps({"name": name, **result}), flush=True)
    print_table(rows)


def print_table(rows: list[tuple[str, dict]]) -> None:
    first = rows[0][1]
    columns = [column for column in COLUMNS if column in first]
    print(f"\n{first['n_fake']:,} images a side, {first['draws']} draws, {first['extractor_title']}.\n")
    print("| images | " + " | ".join(columns) + " | times floor | agreement | detector accuracy | variety | copying |")
    print("|---|" + "---:|" * (len(columns) + 3) + "---|---|")
    for name, result in rows:
        cells = [with_interval(result[column], result.get(f"{column}_ci")) for column in columns]
        cells.append(f"{result['times_floor']:.2f}" if result["times_floor"] else "")
        cells.append(f"{result['agreement']['overall']:.3f}" if result["agreement"] else "")
        cells.append(f"{result['two_sample']['accuracy']:.3f}" if result["two_sample"] else "")
        cells += [(result[part] or {}).get("verdict", "") for part in ("collapse", "memorisation")]
        print(f"| {name} | " + " | ".join(cells) + " |")
    floor = first["floor"]
    print(
        "| floor, training half against half | "
        + " | ".join(f"{floor[column]:.4g}" if column in floor else "" for column in columns)
        + " | 1 | | | | |"
    )


def with_interval(value: float | None, interval: list[float] | None) -> str:
    if value is None:
        return ""
    return f"{value:.4g}" + (f" ± {(interval[1] - interval[0]) / 2:.2g}" if interval else "")


if __name__ == "__main__":
    main()
