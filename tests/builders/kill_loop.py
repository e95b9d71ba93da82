"""python -m tests.builders.kill_loop KILLS [SEED]: kill trainings at random instants, resume them, compare with unbroken ones.

A parent that has imported everything, and computed nothing, forks a worker for each attempt. Each is killed by SIGKILL at an
instant drawn uniformly over the time that an unbroken attempt takes, so that start, checkpoints and end are hit too;
checkpoints follow each other in a twentieth of a second. Prints one JSON object.
"""

import json
import os
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

os.environ.update(GANVAS_THREADS="1", OMP_NUM_THREADS="1", GANVAS_SINKS="none")

import numpy as np
import torch

from gan_core import actions
from gan_core.data.dataset import DatasetInfo, write_info
from gan_core.jobs import queue, supervisor, worker
from gan_core.jobs.handlers import train  # noqa: F401  imported before any fork
from gan_core.settings.recipes import RECIPES
from gan_core.settings.schema import build
from gan_core.storage import checkpoints
from gan_core.storage.store import Store
from gan_core.storage.workspace import Workspace, new_id
from gan_core.training import checkpoint, loop, recorder  # noqa: F401
from tests.builders.toy_images import toy_images

EPOCHS = 8.0
SAME = ("G", "D", "G_ema", "opt_G", "opt_D", "memory", "rng", "images_seen", "extra")


def dataset(workspace: Workspace, store: Store) -> str:
    id, counts = new_id("dataset"), {"train": 60, "validation": 12, "test": 12}
    folder = workspace.dataset(id)
    folder.mkdir()
    for split, count in counts.items():
        images, labels = toy_images(count, 32, 1, 3, seed=len(split))
        np.save(folder / f"{split}_images.npy", images)
        np.save(folder / f"{split}_labels.npy", labels)
    facts: dict[str, Any] = {f"{split}_counts": [count // 3] * 3 for split, count in counts.items()}
    facts |= {"name": "Tones", "size": 32, "mode": "L", "fit": "crop", "classes": ["a", "b", "c"], "source": {}}
    write_info(folder, DatasetInfo(**facts, seed=0, health={}, rejected=[], notices=[]))
    store.add_dataset(id, "Tones")
    return id


def settings(seed: int):
    small = {"width": 8, "z_dim": 8, "batch": 16, "device": "cpu", "precision": "fp32", "guide": False, "train_size": 0}
    return build({**RECIPES["quick"].config.model_dump(), **small, "epochs": EPOCHS, "seed": seed, "ema_images": 200})


def child(work) -> int:
    """The pid of a fork that does this and ends."""
    pid = os.fork()
    if pid:
        return pid
    code = 1
    try:
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115
        work()
        code = 0
    finally:
        os._exit(code)


def attempt(workspace: Workspace, job_id: str) -> None:
    recorder.TICK_SECONDS, recorder.CHECKPOINT_SECONDS = 0.02, 0.05
    store = Store(workspace)
    if job := queue.claim_one(store, job_id):
        worker.carry_out(store, workspace, job, queue.Watch(store, job))


def values(folder: Path) -> dict[str, Any]:
    found = checkpoint.newest(folder / "checkpoints")
    assert found is not None
    return found[0]


def equal(a: Path, b: Path) -> None:
    mine, theirs = values(a), values(b)
    for name in SAME:
        one, other = list(checkpoint.tensors_in(mine[name])), list(checkpoint.tensors_in(theirs[name]))
        assert len(one) == len(other) and all(map(torch.equal, one, other)), name
    assert mine["images_seen"] == theirs["images_seen"]


def whole(folder: Path) -> None:
    """What must hold of a run at any instant."""
    if checkpoints.manifests(folder / "checkpoints"):
        values(folder)
    assert not (folder / "checkpoints" / "bad").exists()


def ended_well(pid: int) -> bool:
    return os.waitpid(pid, 0)[1] == 0


def rows_rise(folder: Path) -> bool:
    seen = [json.loads(line)["images_seen"] for line in (folder / "metrics.jsonl").read_text().splitlines()]
    return seen == sorted(set(seen))


def loop_of_kills(kills: int, seed: int, root: Path) -> dict[str, Any]:
    workspace, chance = Workspace(root), random.Random(seed)
    store = Store(workspace)
    context = actions.Context(store, workspace, starts_workers=False)
    data, found = dataset(workspace, store), Counter[str]()
    reference = actions.train(context, data, settings(0))
    started = time.monotonic()
    assert ended_well(child(lambda: attempt(workspace, reference.id)))
    assert store.job(reference.id).state == "finished", store.job(reference.id).error
    longest = time.monotonic() - started
    while found["kills"] < kills:
        job = actions.train(context, data, settings(0))
        run = workspace.run(job.subject)
        while store.job(job.id).state != "finished":
            pid = child(lambda job=job: attempt(workspace, job.id))
            until = time.monotonic() + chance.uniform(0, longest)
            while time.monotonic() < until and os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
                time.sleep(0.002)
            os.kill(pid, signal.SIGKILL)
            killed = os.waitpid(pid, 0)[1] == signal.SIGKILL
            supervisor.reconcile(store)
            state = store.job(job.id).state
            found["kills"] += killed
            found[f"left {state}"] += killed
            print(dict(found), file=sys.stderr, flush=True)
            found["corrupt"] += not ended_well(child(lambda run=run: whole(run)))
            if state in ("interrupted", "failed"):
                found["failed"] += state == "failed"
                job = actions.resume(context, job.subject)
            elif state not in ("queued", "finished"):
                found["stuck"] += 1
                break
        found["completed"] += 1
        found["unequal"] += not ended_well(child(lambda run=run: equal(workspace.run(reference.subject), run)))
        found["rows out of order"] += not rows_rise(run)
        found["files left"] += len(list((run / "checkpoints").glob("*.tmp-*")))
    return {**found, "seconds": round(time.monotonic() - started)}


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as root:
        numbers = [int(text) for text in sys.argv[1:]]
        print(json.dumps(loop_of_kills(numbers[0], numbers[1] if len(numbers) > 1 else 0, Path(root))))
