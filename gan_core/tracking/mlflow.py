"""MLflow, where it is installed."""

import os
import time
from pathlib import Path
from typing import Any

from gan_core.tracking.run_ids import PROJECT, run_id, run_name

STATES = {"finished": "FINISHED", "stopped": "KILLED", "failed": "FAILED", "": "FINISHED"}


class Mlflow:
    """A run of the experiment `ganvas`, in mlruns/ of the workspace or at $MLFLOW_TRACKING_URI."""

    def __init__(self, folder: Path, settings: dict[str, Any], images_seen: int) -> None:
        os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
        if not os.environ.get("MLFLOW_TRACKING_URI"):
            os.environ.setdefault("MLFLOW_ALLOW_FILE_STORE", "true")
        from mlflow import MlflowClient
        from mlflow.entities import Metric, Param

        self.metric = Metric
        place = os.environ.get("MLFLOW_TRACKING_URI") or (folder.parent.parent / "mlruns").as_uri()
        self.client = MlflowClient(tracking_uri=place)
        self.run = run_id(folder, "mlflow") or ""
        self.trains, self.is_new = False, not self.run
        if self.is_new:
            known = self.client.get_experiment_by_name(PROJECT)
            experiment = known.experiment_id if known else self.client.create_experiment(PROJECT)
            self.run = self.client.create_run(
                experiment, run_name=run_name(folder), tags={"ganvas.run": folder.name}
            ).info.run_id
            run_id(folder, "mlflow", self.run)
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
        if ended or self.is_new:  # scores alone do not change the state of a run, which may be training
            self.client.set_terminated(self.run, STATES[ended])
