"""The runs as rows of a table, and the settings in which several differ, read with few queries of the index."""

import functools
from collections.abc import Sequence
from typing import Any, NamedTuple

from gan_core.evaluation.names_and_thresholds import DISTANCES
from gan_core.settings.schema import TrainConfig
from gan_core.storage import checkpoints, run_folder
from gan_core.storage.store import Job, Run, Store
from gan_core.storage.workspace import Workspace

SHARES = ("precision", "recall", "coverage")
SHOWN = ("images_seen", "epoch", "extractor", "extractor_title", "n_fake", "kid", *DISTANCES, *SHARES)


class Row(NamedTuple):
    """A run with how far its training came, and the scores of its newest evaluation, {} where there is none."""

    run: Run
    job: Job | None  # its newest training
    status: dict[str, Any]
    scores: dict[str, Any]
    best: checkpoints.Best | None = None


def rows(store: Store, workspace: Workspace) -> list[Row]:
    """Every run, newest first."""
    trainings = {job.subject: job for job in reversed(store.jobs(kind="train", limit=100_000))}
    evaluated = store.latest_jobs("evaluate", ("finished",))
    return [
        Row(
            run,
            trainings.get(run.id),
            run_folder.read_status(workspace.run(run.id)),
            scores(store, evaluated[run.id]) if run.id in evaluated else {},
            checkpoints.best(workspace.run(run.id) / "checkpoints"),
        )
        for run in store.runs()
    ]


@functools.lru_cache(maxsize=4096)
def scores(store: Store, job_id: str) -> dict[str, Any]:
    """The few numbers of a finished evaluation that a table shows; they never change."""
    found = store.job(job_id).result or {}
    agreement = found.get("agreement") or {}
    return {key: found.get(key) for key in SHOWN} | {"agreement": agreement.get("overall")}


def differing_settings(runs: Sequence[Run]) -> dict[str, list[Any]]:
    """{title of a setting: its value in each run}, only those in which the runs differ, in the order of the form."""
    fields = TrainConfig.model_fields
    differing = {}
    for name, field in fields.items():
        values = [run.config.get(name, field.default) for run in runs]
        if any(value != values[0] for value in values):
            differing[str(field.title)] = values
    return differing
