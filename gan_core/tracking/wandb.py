"""Weights & Biases, where it is installed."""

import os
from pathlib import Path
from typing import Any

from gan_core.tracking.run_ids import PROJECT, run_id, run_name


class Wandb:
    """A run of the project `ganvas`: offline, in wandb/ of the workspace, unless $WANDB_MODE says otherwise."""

    def __init__(self, folder: Path, settings: dict[str, Any], images_seen: int) -> None:
        os.environ.setdefault("WANDB_MODE", "offline")
        os.environ.setdefault("WANDB_ERROR_REPORTING", "false")
        import wandb

        self.wandb, self.folder, place = wandb, folder, folder.parent.parent
        self.run = wandb.init(
            project=os.environ.get("WANDB_PROJECT") or PROJECT,
            id=folder.name,
            name=run_name(folder),
            dir=str(place),
            config=settings,
            resume="allow",
            reinit="create_new",
            settings=wandb.Settings(silent=True, console="off", disable_git=True, disable_code=True),
        )
        self.run.define_metric(
            "*", step_metric="images_seen"
        )  # its own steps may only grow, and a resumed run goes back

    def row(self, images_seen: int, values: dict[str, Any]) -> None:
        self.run.log({"images_seen": images_seen, **values})

    def grid(self, images_seen: int, path: Path) -> None:
        self.row(images_seen, {"samples": self.wandb.Image(str(path))})

    def scores(self, images_seen: int, values: dict[str, float]) -> None:
        self.row(images_seen, values)

    def close(self, ended: str) -> None:
        before = run_id(self.folder, "wandb_exit") or "0"
        code = str(int(ended == "failed")) if ended else before  # scores alone do not change it
        run_id(self.folder, "wandb_exit", code)
        self.run.finish(exit_code=int(code))
