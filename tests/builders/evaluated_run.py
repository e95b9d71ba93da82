"""A measured run written by hand: dataset, run, evaluation folder, looks during training, a `utility` and a `detect` job."""

import json
import time
from pathlib import Path

import numpy as np

from gan_core.data.dataset import DatasetInfo, write_info
from gan_core.storage.store import Job, Store
from gan_core.storage.workspace import Workspace, write_json
from tests.builders import seeded_workspace
from tests.builders.toy_images import toy_images

DATASET, RUN = "d" + "3" * 16, "r" + "e" * 16
CLASSES = ["cat", "owl & <b>kiwi</b>", seeded_workspace.HOSTILE]
SCORES = ("frechet_distance", "kid", "inception_score_formula", "precision", "recall", "density", "coverage")
TITLE = "EfficientNet-Lite0"


def plant(
    workspace: Workspace,
    store: Store,
    *,
    dataset: str = DATASET,
    run: str = RUN,
    name: str = seeded_workspace.HOSTILE,
    classes: list[str] | None = None,
    train: tuple[np.ndarray, np.ndarray] | None = None,
    test: tuple[np.ndarray, np.ndarray] | None = None,
    n_fake: int = 120,
    changes: dict | None = None,
    bad: bool = True,
) -> Job:
    """Everything that a measured run leaves; returns its evaluation's job. bad: one class collapsed, some copies."""
    classes = CLASSES if classes is None else classes
    train = train or toy_images(60, 32, 1, len(classes), seed=1)
    test = test or toy_images(30, 32, 1, len(classes), seed=2)
    if not workspace.dataset(dataset).exists():
        write_dataset(workspace, store, dataset, classes, train, test)
    seeded_workspace.seed_run(workspace, store, run, name, "finished", time.time() - 500)
    config = store.run(run).config
    store.add_run(run, name, dataset, config, time.time() - 500)
    write_json(
        workspace.run(run) / "config.json",
        {"schema": 1, "run": run, "name": name, "dataset": dataset, "config": config},
    )
    write_looks(workspace.run(run) / "collapse.jsonl", classes, bad)
    seeded_workspace.add_job(store, "utility", run, "finished", {"seeds": 5, "shots": None}, result=utility(classes))
    seeded_workspace.add_job(store, "detect", run, "finished", {"folder": "/pictures"}, result=detection())
    fakes, samples = draw(train, len(classes), n_fake)
    found = result(run, classes, fakes, samples, len(train[0]), len(test[0]), train[0].shape[1], bad) | (changes or {})
    job = seeded_workspace.add_job(store, "evaluate", run, "finished", {"samples": n_fake}, result=found)
    folder = workspace.run(run) / "evaluations" / job
    folder.mkdir(parents=True)
    write_json(folder / "result.json", found)
    np.save(folder / "images.npy", fakes)
    np.savez(folder / "samples.npz", **samples)
    return store.job(job)


def write_dataset(workspace: Workspace, store: Store, id: str, classes, train, test) -> None:
    folder = workspace.dataset(id)
    (folder / "contact").mkdir(parents=True)
    validation = toy_images(len(test[0]), train[0].shape[1], train[0].shape[3], len(classes), seed=3)
    splits = {"train": train, "validation": validation, "test": test}
    for split, (images, labels) in splits.items():
        np.save(folder / f"{split}_images.npy", images)
        np.save(folder / f"{split}_labels.npy", labels)
    counts = [np.bincount(labels, minlength=len(classes)).tolist() for _, labels in splits.values()]
    write_info(
        folder,
        DatasetInfo(
            name="Measured",
            size=train[0].shape[1],
            mode="L" if train[0].shape[3] == 1 else "RGB",
            fit="crop",
            classes=classes,
            train_counts=counts[0],
            validation_counts=counts[1],
            test_counts=counts[2],
            source={"kind": "test"},
            seed=0,
            health={"images": sum(len(images) for images, _ in splits.values())},
            rejected=[],
            notices=[],
        ),
    )
    store.add_dataset(id, "Measured")


def draw(train, num_classes: int, n: int) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """n fakes: training images with noise, the first four exact copies, the second of them mirrored."""
    rng = np.random.default_rng(0)
    asked = np.sort(np.arange(n) % num_classes)
    nearest = np.array([rng.choice(np.flatnonzero(train[1] == label)) for label in asked])
    noise = rng.integers(-40, 41, (n, *train[0].shape[1:]))
    fakes = (train[0][nearest] + noise).clip(0, 255).astype(np.uint8)
    fakes[:4] = train[0][nearest[:4]]
    fakes[1] = fakes[1][:, ::-1]
    distance = np.where(np.arange(n) < 4, 0.0, 1.0 + 0.01 * np.arange(n))
    predicted = asked.copy()
    predicted[::9] = (asked[::9] + 1) % num_classes
    return fakes, {
        "asked": asked,
        "predicted": predicted,
        "confidence": np.where(asked == predicted, 0.9, 0.1),
        "nearest": nearest,
        "distance": distance,
    }


def result(run, classes, fakes, samples, n_train: int, n_test: int, size: int, bad: bool) -> dict:
    """result.json of schema 2."""
    values = dict(zip(SCORES, (31.25, 0.0123, None, 0.71, 0.48, 0.9, 0.55), strict=True))
    floor = dict(zip(SCORES, (10.0, 0.0001, None, 0.97, 0.97, 1.01, 0.96), strict=True))
    n = len(fakes)
    confusion = np.zeros((len(classes), len(classes)), int)
    np.add.at(confusion, (samples["asked"], samples["predicted"]), 1)
    return {
        "schema": 2,
        "run": run,
        "images_seen": 120_000,
        "epoch": 12.5,
        "checkpoint": "ab12cd34ef56",
        "against": "train",
        "ema": True,
        "truncation": 1.0,
        "extractor": "efficientnet-lite0",
        "extractor_title": TITLE,
        "weights": "ab" * 32,
        "resize": "bicubic",
        "seed": 0,
        "draws": 5,
        "n_real": n,
        "n_fake": n,
        "n_real_available": n_train,
        "n_fake_available": n,
        "size": size,
        "mode": "L",
        "classes": classes,
        **values,
        **{f"{key}_ci": None if value is None else [value * 0.9, value * 1.1] for key, value in values.items()},
        "floor": {"n": n // 2, **floor, "held_out": {"n": n_test, **floor}},
        "times_floor": 3.125,
        "labels": {
            "frechet_distance": f"Frechet distance, {TITLE}",
            "kid": f"Kernel distance, {TITLE}",
            "inception_score_formula": f"Inception Score formula, {TITLE}",
            **{key: f"{key.capitalize()}, {TITLE}" for key in SCORES[3:]},
        },
        "caveats": ["Fewer than 2,048 images were compared, so read the kernel distance first."],
        "absent": {"inception_score_formula": "Too few images."},
        "per_class": {
            name: {
                "n_real": 20 + at,
                "n_fake": 20,
                "n": 20,
                "frechet_distance": None,
                "kid": 0.01 * (at + 1) if at else None,
                "kid_ci": [0.005, 0.02] if at else None,
                "density": 0.9 if at else None,
                "coverage": 0.8 - 0.05 * at if at else None,
                "k": 5 if at else None,
                "variance_ratio": 0.21 if bad and at == 1 else 0.9,
                "agreement": 0.88,
                "real_agreement": 0.97,
                "absent": {"frechet_distance": "Too few of this class."}
                | ({} if at else {"kid": "Fewer than 50 images.", "coverage": "Fewer than 50 images."}),
            }
            for at, name in enumerate(classes)
        },
        "referee": {"accuracy": 0.97, "accuracy_ci": [0.9, 0.99], "n_test": n_test, "per_class": {}},
        "agreement": {"overall": 0.889, "real": 0.97, "confusion": confusion.tolist()} if len(classes) > 1 else None,
        "collapse": {
            "verdict": "red" if bad else "ok",
            "sentence": f"Class '{classes[-1]}' shows only 0.21 of the variety of its real images."
            if bad
            else "Nothing points at collapse.",
            "todo": "Clone the run with lower learning rates.",
            "indicators": [
                indicator("variance_ratio", "Variety within a class", 0.21 if bad else 0.9, 0.6, 0.3, classes[-1]),
                indicator("coverage_ratio", "Coverage", 0.57 if bad else 0.95, 0.6, 0.3, None),
                indicator("near_duplicates", "Near duplicates", 0.01, 0.02, 0.1, None),
            ],
            "absent": {"d_overfit": "D was not at hand."},
        },
        "memorisation": {
            "verdict": "amber" if bad else "ok",
            "sentence": "3.3 % of the generated images are near copies; of held-out images 0.0 % are.",
            "todo": "Look at the closest pairs.",
            "n_fake": n,
            "n_train": n_train,
            "n_held_out": n_test,
            "spaces": {
                space: {
                    "median_ratio": 0.91,
                    "ct_z": -1.2,
                    "authenticity": 0.8,
                    "authenticity_held_out": 0.85,
                    "near_copies": 0.033,
                    "near_copies_held_out": 0.0,
                }
                for space in ("pixels", "referee")
            },
            "histogram": {
                "space": "pixels",
                "edges": [0, 0.5, 1, 1.5, 2, 2.5],
                "fake": [4, 0, n // 2, n // 2 - 4, 0],
                "held_out": [0, 2, n_test - 6, 3, 1],
            },
            "pairs": [
                {
                    "fake": at,
                    "train": int(samples["nearest"][at]),
                    "distance": float(samples["distance"][at]),
                    "ratio": float(samples["distance"][at]) / 1.2,
                    "flipped": at == 1,
                }
                for at in range(16)
            ],
        },
        "modes": None,
        "two_sample": {
            "accuracy": 0.83,
            "ci95": [0.78, 0.88],
            "n_test": 200,
            "p_value": 1e-9,
            "sentence": "A simple classifier tells generated from real images more often than by chance.",
        },
    }


def indicator(key: str, name: str, value: float, amber: float, red: float, of: str | None) -> dict:
    worse = (lambda line: value > line) if red > amber else (lambda line: value < line)
    level = "red" if worse(red) else "amber" if worse(amber) else "ok"
    return {
        "key": key,
        "name": name,
        "value": value,
        "level": level,
        "amber": amber,
        "red": red,
        "class": of if level != "ok" else None,
        "sentence": f"{name} is {value}.",
    }


def write_looks(path: Path, classes: list[str], bad: bool) -> None:
    """collapse.jsonl: early, then well, then (bad) collapsing."""
    rows = []
    for at in range(1, 13):
        low = max(0.21, 0.95 - 0.07 * at) if bad else 0.9
        verdict = "early" if at < 3 else "ok" if low >= 0.6 else "amber" if low >= 0.3 else "red"
        values = {
            "variance_ratio": low,
            "coverage_ratio": 0.9 - 0.02 * at,
            "agreement": min(0.95, 0.3 + 0.07 * at),
            "near_duplicates": 0.01,
            "pairwise_ratio": 0.9,
        }
        rows.append(
            {
                "images_seen": 10_000 * at,
                "epoch": float(at),
                "seconds": 0.4,
                "values": values,
                "levels": {key: "ok" for key in values},
                "class_variance": [low] * len(classes),
                "class_agreement": [0.9] * len(classes),
                "verdict": verdict,
                "class": classes[-1] if verdict in ("amber", "red") else None,
                "since_epoch": 9.0 if verdict in ("amber", "red") else None,
                "sentence": f"Class '{classes[-1]}' shows only {low:.2f} of the variety of its real images since epoch 9."
                if verdict in ("amber", "red")
                else "Too early to say: a young model is not varied yet."
                if verdict == "early"
                else "Nothing points at collapse.",
                "todo": "Clone the run with lower learning rates." if verdict in ("amber", "red") else "",
            }
        )
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


def utility(classes: list[str]) -> dict:
    arm = lambda title, value: {
        "title": title,
        "balanced_accuracy": value,
        "ci95": [value - 0.01, value + 0.01],
        "values": [value] * 5,
        "per_class": {name: max(0.0, value - 0.02 * at) for at, name in enumerate(classes)},
    }
    return {
        "run": RUN,
        "checkpoint": "ab12cd34ef56",
        "images_seen": 120_000,
        "seeds": 5,
        "updates": 300,
        "shots": None,
        "n_train": 60,
        "n_test": 30,
        "n_synthetic": 60,
        "gan_seeds": 1,
        "arms": {
            "real": arm("Real images", 0.81),
            "oversampling": arm("Real, rare classes repeated", 0.815),
            "classical": arm("Real with classical augmentation", 0.83),
            "synthetic": arm("Real, classical and synthetic", 0.86),
            "synthetic_only": arm("Synthetic only", 0.7),
        },
        "gain": 0.03,
        "gain_ci95": [0.012, 0.048],
        "per_class_gain": {name: {"gain": 0.03, "ci95": [0.0, 0.06]} for name in classes},
        "test_bootstrap_ci95": [0.0, 0.06],
        "verdict": "helps",
        "sentence": "Synthetic images add 3.0 points over classical augmentation (1.2 to 4.8).",
        "sweep": [
            {
                "share": share,
                "balanced_accuracy": 0.83 + gain,
                "ci95": [0.8 + gain, 0.86 + gain],
                "gain": gain,
                "gain_ci95": [gain - 0.01, gain + 0.01],
            }
            for share, gain in ((0.25, 0.005), (0.5, 0.02), (1.0, 0.03), (2.0, 0.015))
        ],
        "caveats": ["The GAN was trained once."],
    }


def detection() -> dict:
    return {
        "folder": "pictures",
        "n": 3,
        "generated": 2,
        "accuracy": 0.83,
        "rejected": [{"file": "notes.txt", "reason": "not an image"}],
        "rows": [
            {
                "file": f"{seeded_workspace.HOSTILE}-{at}.png",
                "p_generated": p,
                "verdict": "generated" if p > 0.5 else "real",
            }
            for at, p in enumerate((0.97, 0.62, 0.08))
        ],
    }
