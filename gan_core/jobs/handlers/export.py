"""The job `export`: a balanced dataset as a zip."""

import hashlib
import math
from pathlib import Path
from typing import Any

import numpy as np

from gan_core.data import dataset as dataset_folder
from gan_core.errors import UserError
from gan_core.export.quality_filter import Chosen, choose
from gan_core.jobs import queue
from gan_core.jobs.handlers.evaluate import check_copies, check_disk
from gan_core.jobs.progress import Reporter
from gan_core.jobs.shared.evaluation_inputs import feature_cache
from gan_core.jobs.shared.fill_classes import makers
from gan_core.storage.store import Job, Store
from gan_core.storage.workspace import Workspace, write_json

COPIED_SHARE = 0.1  # of what is drawn: the red line of metrics/memorisation.py
LEAST_CHECKED = 40  # images that are looked at for copies


def export(store: Store, workspace: Workspace, job: Job, watch: queue.Watch) -> dict[str, Any]:
    """The balanced zip, by way of staging."""
    from gan_core.export import plan, zip_writer
    from gan_core.export.safe_names import plain_folder
    from gan_core.export.unpad import Unpad

    wanted = job.payload
    run = store.run(wanted["run"]) if wanted["run"] else None
    folder = workspace.dataset(run.dataset_id if run else wanted["dataset"])
    info = dataset_folder.read_info(folder)
    train_set, test_set = (dataset_folder.load(folder, split) for split in ("train", "test"))
    counts = dict(zip(info.classes, info.train_counts, strict=True))
    rows = plan.deficits(counts, wanted["balance"], wanted["originals"])
    shares, small = plan.shares(rows, counts, wanted.get("methods", {"gan": 1.0}))
    name = f"{plain_folder(info.name)}-balanced.zip"
    progress = Reporter(store, job)
    made = makers(run, workspace, folder, shares, small, wanted, progress, watch)
    as_it_is = lambda group, number, pixels: pixels
    background = info.source.get("background", "white")
    unpad = Unpad(folder, train_set, test_set, background, made.by_method) if wanted.get("unpad") else as_it_is
    generator, gate, copying = made.generator, made.gate, {"verdict": "not checked", "sentence": "not checked"}
    with workspace.staging(workspace.export(job.subject)) as staging:
        if generator and gate:
            drawn = [share.get("gan", 0) for share in shares.values()]
            shape = train_set.images.shape[1:]
            check_disk(staging, sum(drawn) * math.prod(shape))
            chosen = choose(gate, drawn, shape, staging / "chosen.tmp", lambda done, said: progress(0.5 * done, said))
            made.by_method["gan"] = chosen
            for share, count in zip(shares.values(), chosen.counts, strict=True):
                share["gan"] = count
            if wanted.get("gate", True):
                progress(0.5, "Looking for copies of training images")
                copying = copying_of(workspace, folder, chosen, generator.device.type, watch)
            if copying["verdict"] == "red":
                raise UserError(
                    "copies",
                    copying["sentence"],
                    "Look at the closest pairs on the Measure page; to export all the same, switch the check off (--no-gate).",
                )
        images = sum(sum(share.values()) for share in shares.values()) + sum(info.test_counts)
        images += sum(info.train_counts) if wanted["originals"] else 0
        summary = zip_writer.write_zip(
            staging / name,
            train=train_set,
            test=test_set,
            shares=shares,
            run_id=run.id if run else "",
            seed=wanted["seed"],
            makers=made.by_method,
            copying=copying["sentence"],
            gate=gate.report() if gate else None,
            gate_said=gate.sentence() if gate else "nothing was drawn.",
            checkpoint_sha256=generator.sha256 if generator else "",
            dataset_name=info.name,
            recipe=generator.config.recipe if generator else "",
            originals=wanted["originals"],
            notes=made.notes,
            encode=zip_writer.Encoding(wanted.get("format", "png"), wanted.get("side")),
            unpad=unpad,
            unpadded=bool(wanted.get("unpad")),
            layout=plan.layout_of(wanted.get("layout", "imagefolder"), images),
            on_progress=lambda done, said: progress(0.5 + 0.5 * done if gate else done, said),
            should_stop=watch,
        )
        (staging / "chosen.tmp").unlink(missing_ok=True)
        with open(staging / name, "rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        result = {
            **summary,
            "run": run.id if run else None,
            "dataset": folder.name,
            "name": info.name,
            "file": name,
            "bytes": (staging / name).stat().st_size,
            "sha256": sha256,
            "too_small_for_gan": small,
            "without_object": made.without_object,
            "notes": made.notes,
            "copying": copying["verdict"],
            "per_class": {
                row["name"]: {"real": row["real"], "synthetic": row["synthetic"]} for row in summary["classes"]
            },
        }
        write_json(staging / "export.json", result)
    return result


def copying_of(workspace: Workspace, folder: Path, chosen: Chosen, device: str, watch: queue.Watch) -> dict[str, Any]:
    """memorisation.copying of what was chosen; red as well where near copies were a large part of what was drawn."""
    gate, images = chosen.gate, chosen.images
    copied, drawn = gate.refused_for("copy"), sum(gate.drawn.values())
    if copied > COPIED_SHARE * drawn:
        said = f"{copied:,} of {drawn:,} drawn images are near copies of training images."
        return {"verdict": "red", "sentence": said}
    if 0 < len(images) < LEAST_CHECKED:  # too few to say anything: more of the same are looked at
        more = [gate.draw(label, -(-LEAST_CHECKED // len(gate.drawn)), 0, gate.noise_of(label)) for label in gate.drawn]
        images = np.concatenate([images, *more])
    found = check_copies(folder, feature_cache(workspace), images, device, watch)
    return found | {
        "sentence": f"{found['sentence']} {copied:,} near copies were left out." if copied else found["sentence"]
    }
