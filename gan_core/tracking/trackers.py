"""MLflow and Weights & Biases, where they are installed. Neither reaches the network unless the user's environment says so.

A run goes on under the same id after a resume, kept in trackers.json of its folder. Neither tool can take rows back: those between
the last checkpoint and a crash stand there twice.
"""

import os
import time
from pathlib import Path
from typing import Any

from gan_core.storage.workspace import read_json, write_json

FILE = "trackers.json"
PROJECT = "ganvas"
MLFLOW_STATES = {"finished": "FINISHED", "stopped": "KILLED", "failed": "FAILED", "": "FINISHED"}


def remembered(folder: Path, tracker: str, value: str | None = None) -> str | None:
    """The id under which a tracker knows this run; with value, it is noted first."""
    known = read_json(folder / FILE) or {}
    if value is not None and known.get(tracker) != value:
        known[tracker] = value
        write_json(folder / FILE, known)
    return known.get(tracker)


class Mlflow:
    """A run of the experiment `ganvas`, in mlruns/ of the workspace or at $MLFLOW_TRACKING_URI."""

    def __init__(self, folder: Path, settings: dict[str, Any], images_seen: int):
        os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
        if not os.environ.get("MLFLOW_TRACKING_URI"):
            os.environ.setdefault("MLFLOW_ALLOW_FILE_STORE", "true")
        from mlflow import MlflowClient
        from mlflow.entities import Metric, Param

        self.metric = Metric
        place = os.environ.get("MLFLOW_TRACKING_URI") or (folder.parent.parent / "mlruns").as_uri()
        self.client = MlflowClient(tracking_uri=place)
        self.run = remembered(folder, "mlflow") or ""
        self.trains, self.is_new = False, not self.run
        if self.is_new:
            known = self.client.get_experiment_by_name(PROJECT)
            experiment = known.experiment_id if known else self.client.create_experiment(PROJECT)
            name = (read_json(folder / "config.json") or {}).get("name", folder.name)
            self.run = self.client.create_run(experiment, run_name=name, tags={"ganvas.run": folder.name}).info.run_id
            remembered(folder, "mlflow", self.run)
            params = [Param(name, str(value)[:500]) for name, value in settings.items()]
            self.client.log_batch(self.run, params=params)

    def row(self, images_seen: int, values: dict[str, float]) -> None:
        if not self.trains:
            self.trains = True
            self.client.update_run(self.run, status="RUNNING")
        self.scores(images_seen, values)

    def scores(self, images_seen: int, values: dict[str, float]) -> None:
        now = int(time.time() * 1000)
        self.client.log_batch(
            self.run, metrics=[self.metric(name, value, now, images_seen) for name, value in values.items()]
        )

    def grid(self, images_seen: int, path: Path) -> None:
        self.client.log_artifact(self.run, str(path), "samples")

    def close(self, ended: str) -> None:
        if ended or self.is_new:  # scores alone leave the state of a run as it is: it may be training
            self.client.set_terminated(self.run, MLFLOW_STATES[ended])


class Wandb:
    """A run of the project `ganvas`: offline, in wandb/ of the workspace, unless $WANDB_MODE says otherwise."""

    def __init__(self, folder: Path, settings: dict[str, Any], images_seen: int):
        os.environ.setdefault("WANDB_MODE", "offline")
        os.environ.setdefault("WANDB_ERROR_REPORTING", "false")
        import wandb

        self.wandb, self.folder, place = wandb, folder, folder.parent.parent
        self.run = wandb.init(
            project=os.environ.get("WANDB_PROJECT") or PROJECT,
            id=folder.name,
            name=(read_json(folder / "config.json") or {}).get("name", folder.name),
            dir=str(place),
            config=settings,
            resume="allow",
            reinit="create_new",
            settings=wandb.Settings(silent=True, console="off", disable_git=True, disable_code=True),
        )
        self.run.define_metric("*", step_metric="images_seen")  # its own steps may only grow; a resumed run goes back

    def row(self, images_seen: int, values: dict[str, Any]) -> None:
        self.run.log({"images_seen": images_seen, **values})

    def grid(self, images_seen: int, path: Path) -> None:
        self.row(images_seen, {"samples": self.wandb.Image(str(path))})

    def scores(self, images_seen: int, values: dict[str, float]) -> None:
        self.row(images_seen, values)

    def close(self, ended: str) -> None:
        before = remembered(self.folder, "wandb_exit") or "0"
        code = str(int(ended == "failed")) if ended else before  # scores alone leave it as it is
        remembered(self.folder, "wandb_exit", code)
        self.run.finish(exit_code=int(code))
