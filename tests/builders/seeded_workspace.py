"""A workspace written by hand, in every state that a page can meet: no job ran, no network was trained."""

import json
import os
import time
import zipfile
from pathlib import Path

import numpy as np
import psutil
from PIL import Image, ImageDraw

from gan_core.data.dataset import DatasetInfo, write_info
from gan_core.jobs.queue import LANES
from gan_core.settings.schema import TrainConfig
from gan_core.storage.store import Store
from gan_core.storage.workspace import Workspace, write_json

HOSTILE = "<script>alert(1)</script> ![x](http://evil.example/x.png) :red[y] $z$"
CLASSES = ["cat", "owl & <b>kiwi</b>", HOSTILE]
DATASET = "d" + "1" * 16
EXPORT = "e" + "1" * 16
RUNS = {
    state: f"r{number:016x}"
    for number, state in enumerate(("finished", "running", "failed", "queued", "interrupted", "stopped"))
}
SCORES = {
    "extractor": "efficientnet-lite0",
    "extractor_title": "EfficientNet-Lite0",
    "weights": "ab" * 32,
    "resize": "bicubic",
    "seed": 0,
    "n_real": 300,
    "n_fake": 300,
    "n_real_available": 620,
    "n_fake_available": 1000,
    "frechet_distance": 31.25,
    "kid": 0.0123,
    "kid_ci": [0.010, 0.015],
    "inception_score_formula": None,
    "inception_score_formula_std": None,
    "floor": {"n": 300, "frechet_distance": 10.0, "kid": 0.0001, "kid_ci": [0, 0.001], "held_out": None},
    "times_floor": 3.125,
    "labels": {
        "frechet_distance": "Frechet distance, EfficientNet-Lite0",
        "kid": "Kernel distance, EfficientNet-Lite0",
        "inception_score_formula": "Inception Score formula, EfficientNet-Lite0",
    },
    "caveats": ["Fewer than 2,048 images were compared."],
    "absent": {"inception_score_formula": "Too few images."},
    "run": RUNS["finished"],
    "images_seen": 1200,
    "against": "train",
    "ema": True,
}


def seed(root: Path) -> Workspace:
    """One dataset, a run in each state, an evaluation and an export."""
    workspace = Workspace(root)
    store = Store(workspace)
    seed_dataset(workspace, store)
    for number, (state, run) in enumerate(RUNS.items()):
        name = HOSTILE if state == "finished" else f"Birds, {state}"
        seed_run(workspace, store, run, name, state, created_at=time.time() - 4000 * (number + 1))
    add_job(store, "evaluate", RUNS["finished"], "finished", {"samples": 300}, result=SCORES)
    folder = workspace.export(EXPORT)
    folder.mkdir()
    with zipfile.ZipFile(folder / "birds.zip", "w") as archive:
        archive.writestr("train/cat/0.png", b"x" * 5000)
    add_job(
        store,
        "export",
        EXPORT,
        "finished",
        {"run": RUNS["finished"]},
        result={
            "file": "birds.zip",
            "bytes": (folder / "birds.zip").stat().st_size,
            "sha256": "cd" * 32,
            "per_class": {name: {"real": 10, "synthetic": 5} for name in CLASSES},
        },
    )
    return workspace


def seed_dataset(workspace: Workspace, store: Store) -> None:
    folder = workspace.dataset(DATASET)
    (folder / "contact").mkdir(parents=True)
    np.save(folder / "train_images.npy", np.zeros((620, 32, 32, 3), np.uint8))
    np.save(folder / "train_labels.npy", np.repeat([0, 1, 2], [500, 100, 20]))
    for index in range(len(CLASSES)):
        picture(folder / "contact" / f"{index}.webp", 400, index)
    write_info(
        folder,
        DatasetInfo(
            name=HOSTILE,
            size=32,
            mode="RGB",
            fit="crop",
            classes=CLASSES,
            train_counts=[500, 100, 20],
            validation_counts=[80, 18, 3],
            test_counts=[80, 18, 4],
            source={"kind": "zip"},
            seed=0,
            notices=["Only a few pictures in kiwi."],
            rejected=[{"file": "cat/=1+1.txt", "reason": "not an image"}],
            health={
                "images": 823,
                "source_sizes": {"min": [20, 20], "median": [64, 60], "max": [900, 640]},
                "source_modes": {"RGB": 821, "L": 2},
                "duplicates": 3,
                "conflicts": 0,
                "ignored": 0,
                "rejected": 1,
                "imbalance": 24.17,
            },
        ),
    )
    store.add_dataset(DATASET, HOSTILE)


def seed_run(workspace: Workspace, store: Store, run: str, name: str, state: str, created_at: float) -> None:
    folder = workspace.run(run)
    (folder / "samples").mkdir(parents=True)
    (folder / "checkpoints").mkdir()
    config = TrainConfig(recipe="quick").model_dump()
    write_json(folder / "config.json", {"schema": 1, "run": run, "name": name, "dataset": DATASET, "config": config})
    store.add_run(run, name, DATASET, config, created_at)
    error = (
        {"code": "out_of_memory", "what": "Memory ran out.", "todo": "Choose a smaller batch."}
        if state == "failed"
        else None
    )
    if state == "interrupted":
        error = {"code": "interrupted", "what": "The process that did this is gone.", "todo": "Resume the run."}
    add_job(store, "train", run, state, {}, error=error, progress={"finished": 1.0, "running": 0.43}.get(state, 0.0))
    if state == "queued":
        return
    rows = [
        {
            "images_seen": 64 * at,
            "epoch": at / 10,
            "elapsed_seconds": at * 1.0,
            "loss_d": 0.7 - at / 500,
            "loss_g": 0.7 + at / 300,
            "d_real": 0.5 + at / 600,
            "d_fake": 0.5 - at / 700,
            "penalty": 0.01,
            "images_per_second": 640.0,
        }
        for at in range(1, 121)
    ]
    (folder / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows) + '{"images_seen": 99')
    picture(folder / "samples" / "reals.png", 320, 9)
    grids = []
    for number in (400, 800, 1200):
        picture(folder / "samples" / f"fakes-{number:09d}.png", 320, number)
        grids.append({"images_seen": number, "epoch": number / 400, "file": f"fakes-{number:09d}.png"})
    (folder / "samples" / "index.jsonl").write_text("".join(json.dumps(row) + "\n" for row in grids))
    write_json(folder / "checkpoints" / "ck-000001200.json", {"images_seen": 1200})
    write_json(
        folder / "status.json",
        {
            "images_seen": 1200,
            "images_total": 2800,
            "epoch": 3.0,
            "epochs": 7.0,
            "images_per_second": 640.0,
            "eta_seconds": 150.0,
            "elapsed_seconds": 65.0,
            "memory_bytes": 900_000_000,
            "device": "cpu",
            "latest_grid": "fakes-000001200.png",
            "phase": "training",
        },
    )
    (folder / "log.txt").write_text("started\nepoch 1\n")
    if state == "finished":
        picture(folder / "timelapse.webp", 320, 3)


def add_job(
    store: Store,
    kind: str,
    subject: str,
    state: str,
    payload: dict,
    result: dict | None = None,
    error: dict | None = None,
    progress: float = 1.0,
) -> str:
    """A row of the queue as a worker leaves it; a running one belongs to this very process, so it counts as alive."""
    lane = LANES[kind]
    pid = os.getpid() if state == "running" else None
    with store.transaction() as db:
        number = db.execute("SELECT count(*) FROM jobs").fetchone()[0]
        job = f"j{number:016x}"
        db.execute(
            "INSERT INTO jobs (id, kind, lane, subject, payload, state, pid, pid_started_at, progress, message, "
            "result, error, "
            "created_at, finished_at, attempt) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, '', ?, ?, ?, ?, 1)",
            (
                job,
                kind,
                lane,
                subject,
                json.dumps(payload),
                state,
                pid,
                psutil.Process().create_time() if pid else None,
                progress,
                json.dumps(result) if result else None,
                json.dumps(error) if error else None,
                time.time() - 60,
                time.time() - 30,
            ),
        )
    return job


def picture(path: Path, side: int, number: int) -> None:
    image = Image.new("RGB", (side, side), (30 + number % 200, 90, 160))
    pen = ImageDraw.Draw(image)
    for step in range(0, side, 40):
        pen.ellipse((step, step, step + 34, step + 34), fill=(240, 150, 40))
    image.save(path)
