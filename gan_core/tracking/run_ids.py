"""The name and id of a run in an experiment tracker, kept in trackers.json of the run's folder.

A resumed run goes on under the same id. Neither MLflow nor Weights & Biases can take rows back: those between the last
checkpoint and a crash stand there twice. Neither reaches the network unless the user's environment says so.
"""

from pathlib import Path

from gan_core.storage.workspace import read_json, write_json

FILE = "trackers.json"
PROJECT = "ganvas"


def run_id(folder: Path, key: str, value: str | None = None) -> str | None:
    """What is kept under a key. With a value, that is kept first."""
    kept = read_json(folder / FILE) or {}
    if value is not None and kept.get(key) != value:
        kept[key] = value
        write_json(folder / FILE, kept)
    return kept.get(key)


def run_name(folder: Path) -> str:
    return (read_json(folder / "config.json") or {}).get("name", folder.name)
