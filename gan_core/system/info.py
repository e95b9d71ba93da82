"""This computer: versions, devices as a worker found them, and optional parts. Imports none of the packages."""

import importlib.util
import os
import platform
import shutil
from importlib import metadata
from pathlib import Path
from typing import Any, NamedTuple

import psutil

from gan_core import places
from gan_core.storage.workspace import Workspace, read_json

DEVICES_FILE = "system.json"  # the job `system` writes it
INCEPTION_FILE = "weights-inception-2015-12-05-6726825d.pth"
PACKAGES = ("torch", "torchvision", "streamlit", "plotly", "numpy", "scipy", "scikit-learn", "pillow", "pydantic")
PIP = (
    "`.venv/bin/python -m pip install {0}`"
    if places.IS_CLONE
    else "`pipx inject ganvas {0}`, or `uv tool install ganvas --with {0}`"
)


class OptionalPart(NamedTuple):
    """An optional part. here: its version or place, None where it is absent; get: how to install it."""

    title: str
    use: str
    here: str | None
    get: str


def devices(workspace: Workspace) -> dict[str, Any] | None:
    """What a worker found about torch and the GPUs; None where no worker has looked yet."""
    try:
        facts = read_json(workspace.root / DEVICES_FILE)
    except (ValueError, OSError):
        return None
    return facts if isinstance(facts, dict) else None


def machine() -> dict[str, Any]:
    """Processor, cores, memory, system and Python."""
    memory = psutil.virtual_memory()
    return {
        "processor": processor(),
        "cores": psutil.cpu_count(logical=False) or 1,
        "threads": psutil.cpu_count() or 1,
        "memory_bytes": memory.total,
        "memory_free_bytes": memory.available,
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
    }


def processor() -> str:
    """The name of the processor, or its architecture where the name is unknown."""
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def version(package: str) -> str | None:
    """The version of a package; None where it is not installed."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def optional_parts(workspace: Workspace) -> list[OptionalPart]:
    """Every optional part."""
    facts = devices(workspace) or {}
    gpus = [gpu["name"] for gpu in facts.get("gpus", ())]
    weights = inception_weights(workspace)
    return [
        OptionalPart(
            "Inception-v3 weights",
            "scores that compare with published FID",
            weights,
            "choose Inception-v3 on the Evaluate page, which downloads them once, or put "
            f"{INCEPTION_FILE} into weights/ of the workspace",
        ),
        OptionalPart(
            "CUDA",
            "training on an NVIDIA GPU",
            ", ".join(gpus) or None,
            how_to_get_cuda(facts),
        ),
        package("PyAV", "av", "av", "timelapses as MP4"),
        package("onnxruntime", "onnxruntime", "onnxruntime", "the check that an exported model draws the same images"),
        package("TensorBoard", "tensorboard", "tensorboard", "curves and grids of runs in its own window"),
        package("MLflow", "mlflow", "mlflow", "copies of curves and scores in MLflow", ("mlflow-skinny",)),
        package("Weights & Biases", "wandb", "wandb", "copies of curves and scores for W&B"),
        package("submitit", "submitit", "submitit", "training on a Slurm cluster"),
    ]


def how_to_get_cuda(facts: dict[str, Any]) -> str:
    """What to do where training uses no GPU. facts: what a worker found, see training/device.py."""
    if obstacle := facts.get("obstacle"):
        return f"{obstacle['what']} {obstacle['todo']}".removesuffix(".")
    if shutil.which("nvidia-smi") is None:
        return "install NVIDIA's driver; the torch that `make setup` installs on Linux has the rest"
    return "the driver is here: press Check again, which tells why torch cannot use the GPU"


def package(title: str, module: str, name: str, use: str, also: tuple[str, ...] = ()) -> OptionalPart:
    """A package as an optional part. also: other distributions that hold the module."""
    found = importlib.util.find_spec(module) is not None
    here = next((at for at in map(version, (name, *also)) if at), "here") if found else None
    return OptionalPart(title, use, here, PIP.format(name))


def inception_weights(workspace: Workspace) -> str | None:
    """The place of the weights of Inception-v3 in words; evaluation/features/weights.py reads them in the same order."""
    named = os.environ.get("GANVAS_INCEPTION_WEIGHTS")
    if named:
        return "named by GANVAS_INCEPTION_WEIGHTS" if Path(named).expanduser().is_file() else None
    if (workspace.root / "weights" / INCEPTION_FILE).is_file():
        return "in weights/ of the workspace"
    cache = Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "torch"
    hub = Path(os.environ.get("TORCH_HOME") or cache) / "hub" / "checkpoints"
    return "in torch's cache" if (hub / INCEPTION_FILE).is_file() else None
