"""The job `improve`: find what helps a classifier of a dataset, within the minutes given."""

import contextlib
import hashlib
import json
import os
import shutil
from pathlib import Path
from typing import Any

from gan_core.data import dataset as dataset_folder
from gan_core.evaluation.utility import found as found_file
from gan_core.evaluation.utility.found import obstacle
from gan_core.jobs import queue
from gan_core.jobs.progress import Reporter
from gan_core.jobs.shared.search import Search
from gan_core.jobs.shared.search_result import nothing
from gan_core.requests.improve import ImproveRequest
from gan_core.storage import checkpoints
from gan_core.storage.cleanup import SEARCHES
from gan_core.storage.store import Job, Store
from gan_core.storage.workspace import Workspace, new_id


def improve(store: Store, workspace: Workspace, job: Job, watch: queue.Watch) -> dict[str, Any]:
    """Race the ways on the validation images, then compare the winner with the plain baseline once on the test images.

    found.json in the folder of the run or dataset that was named. A search that was killed goes on from its last scored arm.
    """
    request = ImproveRequest.from_payload(job.payload)
    request = request.replace(notes=(*request.notes, *failed_training(store, job)))
    dataset = workspace.dataset(request.dataset)
    dataset_folder.load(dataset, "validation")  # an older dataset gets its validation split now
    info = dataset_folder.read_info(dataset)
    folder = dataset / SEARCHES / digest(request, workspace)
    hindered = obstacle(info.classes, info.train_counts, info.validation_counts, info.test_counts)
    if hindered:
        found = nothing(request, hindered.reason, hindered.sentence, list(request.notes))
    else:
        folder.mkdir(parents=True, exist_ok=True)
        found = Search(store, workspace, request, folder, Reporter(store, job), watch).run()
    target = workspace.run(job.subject) if job.subject.startswith("r") else dataset
    earlier = found_file.read(target)
    if (
        found.reason != "too_little_time" or earlier is None or earlier.reason
    ):  # else it would replace a real answer by none
        found_file.write(target, found)
    discard(workspace, folder)
    return found.to_json()


def failed_training(store: Store, job: Job) -> list[str]:
    """A note, where the training that the search has waited for did not come to its end."""
    if job.after is None or (training := store.job(job.after)).state != "failed":
        return []
    return [f"The training of a generator failed: {(training.error or {}).get('what', 'its log has the reason.')}"]


def discard(workspace: Workspace, folder: Path) -> None:
    """Remove what a search has kept, at one stroke for the next search with this request: a kill leaves it whole or gone."""
    aside = workspace.root / "staging" / f"{new_id('job')}-search"
    with contextlib.suppress(OSError):
        os.replace(folder, aside)
        shutil.rmtree(aside, ignore_errors=True)  # what stays is a leftover of staging
    with contextlib.suppress(OSError):  # another search of the dataset has not ended
        folder.parent.rmdir()


def digest(request: ImproveRequest, workspace: Workspace) -> str:
    """The same for a request that asks for the same, so that an attempt after a kill finds what the one before has done.

    Another one where the run has trained on meanwhile: what was kept is of images of the checkpoint before.
    """
    asked = request.model_dump(mode="json", exclude={"notes", "training_minutes"})
    asked["images_seen"] = checkpoints.chosen(workspace.run(request.run), request.at) if request.run else None
    return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()[:16]
