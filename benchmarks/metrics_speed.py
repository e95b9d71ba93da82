"""Seconds of every score, beside torch-fidelity's own command on the same images, weights file and cores.

    python benchmarks/metrics_speed.py [--images 2000] [--real FOLDER_OR_ZIP --fake FOLDER_OR_ZIP]

The reference is `fidelity --fid --kid --isc --prc` as a user calls it, over all images and then once per class of ten; ours
is one process that reads the same files: all scores, then the table per class. Both sides are whole processes, with the
start of Python. Ours runs three times: nothing cached, the real side cached, both cached. Without folders the images are
drawn: noisy discs and boxes. A folder or zip holds a folder per class, or is dealt to ten. The weights are random ones.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path

import numpy as np
from PIL import Image

ROOT = Path(__file__).parent.parent
sys.path[:0] = [str(ROOT)]
CLASSES = 10
SIDE_PIXELS = 64
NEIGHBOURS = 3  # of torch-fidelity's --prc
SHUFFLE_SEED = 2020  # of torch-fidelity, for the Inception Score
ENDINGS = (".png", ".jpg", ".jpeg")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=2000, help="on each side")
    parser.add_argument("--real", type=Path)
    parser.add_argument("--fake", type=Path)
    parser.add_argument(
        "--class-runs", type=int, default=CLASSES, help="classes timed; ten runs are taken from their mean"
    )
    parser.add_argument("--ours", type=Path, help=argparse.SUPPRESS)  # how this script calls itself
    parser.add_argument("--started", type=float, help=argparse.SUPPRESS)
    wanted = parser.parse_args()
    if wanted.ours:
        print(json.dumps(our_process(wanted.ours, wanted.started)))
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for side, given in (("real", wanted.real), ("fake", wanted.fake)):
            images = read_images(given, wanted.images) if given else drawn(wanted.images, side)
            write_images(images, folder / side)
        from tests.builders.inception_weights import write_lively_weights

        write_lively_weights(folder / "weights.pth")
        compare(folder, wanted.images, wanted.class_runs)


def compare(folder: Path, n: int, class_runs: int) -> None:
    print(f"{n:,} + {n:,} images; {machine()}", flush=True)
    reference, a = fidelity(folder, "", n)
    print(f"fidelity --fid --kid --isc --prc: {a:.1f} s", flush=True)
    cold = our_seconds(folder)
    empty(folder / "cache-fake")
    real_cached = our_seconds(folder)
    both_cached = our_seconds(folder)
    for name, ours in (("cold", cold), ("real side cached", real_cached), ("both cached", both_cached)):
        print(f"ours, {name}: {ours['all_seconds']:.1f} s, {a / ours['all_seconds']:.2f} x as fast", flush=True)
    side_by_side(cold["scores"], reference, cold["kid_ci"])

    per_class = [fidelity(folder, f"class-{label}", n // CLASSES) for label in range(class_runs)]
    d = sum(seconds for _, seconds in per_class) * CLASSES / class_runs
    timed = "" if class_runs == CLASSES else f" (from the mean of {class_runs})"
    print(f"ten runs of fidelity, one per class of {n // CLASSES} + {n // CLASSES}: {d:.1f} s{timed}")
    print(f"a run over all and ten per class: {a + d:.1f} s")
    for name, ours in (("cold", cold), ("real side cached", real_cached), ("both cached", both_cached)):
        seconds = ours["table_seconds"]
        print(f"ours with the table per class, {name}: {seconds:.1f} s, {d / seconds:.2f} x the ten runs alone", end="")
        print(f", {(a + d) / seconds:.2f} x the eleven")
    for label, (scores, _) in enumerate(per_class):
        key = "frechet_inception_distance"
        ours = cold["table"][label][key]
        print(
            f"class {label}: Frechet distance {ours:.6g}, fidelity's {scores[key]:.6g}, {relative(ours, scores[key])}"
        )


def side_by_side(ours: dict, reference: dict, kid_ci: list[float] | None) -> None:
    for key, value in ours.items():
        if key == "kid_of_the_whole_sets":
            continue
        if value is None or key not in reference:
            print(f"{key}: ours {value}, not in fidelity")
            continue
        print(f"{key}: ours {value:.6g}, fidelity's {reference[key]:.6g}, {relative(value, reference[key])}")
    spread = reference["kernel_inception_distance_std"]
    whole = ours["kid_of_the_whole_sets"]
    print(f"KID of the whole sets: {whole:.6g}, {relative(whole, reference['kernel_inception_distance_mean'])}")
    print(f"KID is over disjoint blocks here, 95 % {kid_ci}; over random subsets there, spread {spread:.2g}")


def relative(ours: float, reference: float) -> str:
    return f"relative difference {abs(ours - reference) / max(abs(reference), 1e-12):.1e}"


def fidelity(folder: Path, part: str, n: int) -> tuple[dict, float]:
    """What the command reports and its seconds, from start to exit."""
    command = [str(Path(sys.executable).with_name("fidelity")), "--cpu", "--json", "--fid", "--kid", "--isc", "--prc"]
    command += ["--input1", str(folder / "fake" / part), "--input2", str(folder / "real" / part)]
    command += ["--feature-extractor", "inception-v3-compat", "--samples-find-deep", "--silent"]
    command += ["--feature-extractor-weights-path", str(folder / "weights.pth")]
    command += ["--kid-subset-size", str(min(1000, n)), "--isc-splits", str(min(10, n))]
    started = time.time()
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    seconds = time.time() - started
    if done.returncode:
        sys.exit(f"{' '.join(command)}\n{done.stderr}")
    return json.loads(done.stdout[done.stdout.index("{") :]), seconds


def our_seconds(folder: Path) -> dict:
    """The result of one process of ours; its seconds count from here."""
    command = [sys.executable, __file__, "--ours", str(folder), "--started", str(time.time())]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(done.stderr)
    return json.loads(done.stdout)


def our_process(folder: Path, started: float) -> dict:
    sides = []
    for side in ("real", "fake"):
        paths = sorted((folder / side).glob("*/*.png"))
        sides.append(np.stack([np.asarray(Image.open(path).convert("RGB")) for path in paths]))
        labels = np.array([int(path.parent.name.split("-")[1]) for path in paths])
    return our_scores(*sides, labels, folder, started)


def our_scores(real: np.ndarray, fake: np.ndarray, labels: np.ndarray, folder: Path, started: float) -> dict:
    """Features through the cache, all scores, the table per class; and the seconds since `started` at two points."""
    import torch

    from gan_core.evaluation.features.cache import FeatureCache
    from gan_core.evaluation.features.extractors import load_inception_v3
    from gan_core.evaluation.scores.inception_score import inception_score
    from gan_core.evaluation.scores.kid import squared_mmd

    if threads := os.environ.get("GANVAS_THREADS"):
        torch.set_num_threads(int(threads))
    extractor = load_inception_v3(folder / "weights.pth")
    real_features = FeatureCache(folder / "cache-real").get(extractor, real)
    fake_features = FeatureCache(folder / "cache-fake").get(extractor, fake)
    shuffled = fake_features.logits[np.random.RandomState(SHUFFLE_SEED).permutation(len(fake))]
    kid_ci, scores = pair_scores(real_features.features, fake_features.features)
    scores["inception_score_mean"] = inception_score(shuffled, min(10, len(fake)))["inception_score"]
    all_seconds = time.time() - started
    table = []
    for label in range(CLASSES):
        rows = labels == label
        _, row = pair_scores(real_features.features[rows], fake_features.features[rows])
        logits = fake_features.logits[rows]
        table.append(row | {"inception_score_mean": inception_score(logits, min(10, len(logits)))["inception_score"]})
    table_seconds = time.time() - started
    scores["kid_of_the_whole_sets"] = squared_mmd(real_features.features, fake_features.features)  # no score of the app
    return {
        "scores": scores,
        "kid_ci": kid_ci,
        "table": table,
        "all_seconds": all_seconds,
        "table_seconds": table_seconds,
    }


def pair_scores(real: np.ndarray, fake: np.ndarray) -> tuple[list[float] | None, dict]:
    from gan_core.errors import UserError
    from gan_core.evaluation.scores.fid import frechet_distance
    from gan_core.evaluation.scores.kid import kernel_distance
    from gan_core.evaluation.scores.prdc import manifold_scores

    try:
        kid = kernel_distance(real, fake, seed=0)
    except UserError:
        kid = {"kid": None, "kid_ci": None}
    return kid["kid_ci"], {
        "frechet_inception_distance": frechet_distance(real, fake),
        "kernel_inception_distance_mean": kid["kid"],
        **manifold_scores(real, fake, NEIGHBOURS),
    }


def drawn(n: int, side: str) -> np.ndarray:
    """uint8 [n, 64, 64, 3]: by turns of ten kinds a disc or a box of one of five sizes on a coloured ground, with noise."""
    rng = np.random.default_rng(side == "fake")
    y, x = np.indices((SIDE_PIXELS, SIDE_PIXELS)) - (SIDE_PIXELS - 1) / 2
    images = np.empty((n, SIDE_PIXELS, SIDE_PIXELS, 3), np.uint8)
    for i in range(n):
        kind, (dy, dx) = i % CLASSES, rng.normal(0, 6, 2)
        reach = np.hypot(y - dy, x - dx) if kind % 2 else np.maximum(abs(y - dy), abs(x - dx))
        inside = (reach < 6 + 4 * (kind // 2))[..., None]
        picture = np.where(inside, rng.uniform(60, 255, 3), rng.uniform(0, 160, 3))
        images[i] = (picture + rng.normal(0, 25 if side == "fake" else 10, images[i].shape)).clip(0, 255)
    return images


def read_images(place: Path, n: int) -> np.ndarray:
    """uint8 [n, 64, 64, 3] of a folder or zip, evenly over the sorted names and then ordered so that classes alternate."""
    if place.is_dir():
        files = sorted(path for path in place.rglob("*") if path.suffix.lower() in ENDINGS)
        opened = [lambda path=path: Image.open(path) for path in files]
    else:
        archive = zipfile.ZipFile(place)
        files = sorted(name for name in archive.namelist() if name.lower().endswith(ENDINGS))
        opened = [lambda name=name: Image.open(archive.open(name)) for name in files]
    if len(opened) < n:
        sys.exit(f"{place} holds {len(opened)} images, and {n} are needed.")
    chosen = np.linspace(0, len(opened) - 1, n).astype(int).reshape(-1)
    order = np.concatenate([chosen[part :: -(-n // CLASSES)] for part in range(-(-n // CLASSES))])
    size = (SIDE_PIXELS, SIDE_PIXELS)
    return np.stack([np.asarray(opened[i]().convert("RGB").resize(size, Image.Resampling.LANCZOS)) for i in order])


def write_images(images: np.ndarray, folder: Path) -> None:
    """Image i goes to class i mod 10."""
    for label in range(CLASSES):
        (folder / f"class-{label}").mkdir(parents=True)
    for i, image in enumerate(images):
        Image.fromarray(image).save(folder / f"class-{i % CLASSES}" / f"{i:06}.png")


def empty(folder: Path) -> None:
    for path in sorted(folder.iterdir()):
        path.unlink()


def machine() -> str:
    import torch

    cpu = platform.processor() or platform.machine()
    cpu_info = Path("/proc/cpuinfo")
    if cpu_info.exists():
        cpu = next(
            (line.split(":")[1].strip() for line in cpu_info.read_text().splitlines() if "model name" in line), cpu
        )
    threads = ", ".join(
        f"{key}={os.environ[key]}" for key in ("GANVAS_THREADS", "OMP_NUM_THREADS") if key in os.environ
    )
    return f"{os.cpu_count()} cores of {cpu}, torch {torch.__version__}, Python {platform.python_version()} {threads}".strip()


if __name__ == "__main__":
    main()
