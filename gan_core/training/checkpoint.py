"""Checkpoints: one file of plain tensors and numbers, with its SHA-256 in a manifest beside it; whole or absent.

checkpoints/ck-<images seen>.pt and ck-<images seen>.json. The manifest is written last and is the commit point: a file
without one does not exist. The newest manifest whose hash matches wins; one that cannot be read is passed over, and moved to
bad/ by the next resume.
"""

import contextlib
import hashlib
import io
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import torch

from gan_core.errors import UserError, is_out_of_memory
from gan_core.generation.sampling import device_of, weights_fit
from gan_core.models.spectral_norm import renamed
from gan_core.settings.schema import CHECKPOINTS_KEPT
from gan_core.storage import checkpoints
from gan_core.storage.workspace import atomic_write, read_json, write_json
from gan_core.training.state import State


class NotSaved(Exception):
    """A checkpoint could not be written; the ones before it stay. error: why. bytes: the room that it needs."""

    def __init__(self, error: OSError, bytes: int) -> None:
        super().__init__(error, bytes)
        self.error, self.bytes = error, bytes


class Found(NamedTuple):
    """A valid checkpoint. passed_over: images seen of newer ones that could not be read, the newest first."""

    values: dict[str, Any]
    sha256: str
    passed_over: list[int]


def save(folder: Path, state: State, extra: dict[str, Any], may_write: Callable[[], bool] = lambda: True) -> Path:
    """Write a checkpoint of the state, torch's random number generators and `extra` (plain values); delete old ones.

    may_write: asked again before the manifest makes it count; see storage/run_lock.py. Raises FloatingPointError and writes
    nothing where a tensor of the state is not finite, and NotSaved where it cannot be written.
    """
    values = {
        "G": state.G.state_dict(),
        "D": state.D.state_dict(),
        "G_ema": state.G_ema.state_dict(),
        "opt_G": state.opt_G.state_dict(),
        "opt_D": state.opt_D.state_dict(),
        "opt_refiner": state.opt_refiner.state_dict() if state.opt_refiner else None,
        "memory": state.memory,
        "images_seen": state.images_seen,
        "elapsed_seconds": state.elapsed_seconds,
        **random_state(device_of(state.G)),
        "torch": str(torch.__version__),
        "threads": torch.get_num_threads(),
        "extra": extra,
    }
    check_finite(values)
    buffer = io.BytesIO()
    torch.save(values, buffer)
    content = buffer.getbuffer()
    manifest = checkpoints.manifest(folder, state.images_seen)
    path = checkpoints.values_of(manifest)
    facts = {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content), "images_seen": state.images_seen}
    try:
        folder.mkdir(exist_ok=True)
        atomic_write(path, lambda file: file.write(content), may_write)
        write_json(manifest, facts, may_write)
    except OSError as error:
        raise NotSaved(error, len(content)) from error
    for old in checkpoints.superseded(folder, CHECKPOINTS_KEPT):
        with contextlib.suppress(OSError):  # it takes room, no more
            old.unlink()
            checkpoints.values_of(old).unlink(missing_ok=True)
    return path


def check_finite(values: dict[str, Any]) -> None:
    """Raise FloatingPointError where a floating-point tensor holds NaN or infinity, at any depth."""
    answers: dict[torch.device, list[torch.Tensor]] = {}
    for tensor in tensors_in(values):
        if tensor.is_floating_point():
            answers.setdefault(tensor.device, []).append(torch.isfinite(tensor).all())
    if not all(torch.stack(found).all().item() for found in answers.values()):  # the GPU is waited for once
        raise FloatingPointError("a tensor of the state is not finite")


def tensors_in(value: Any) -> Iterator[torch.Tensor]:
    """Every tensor in nested dicts, lists and tuples."""
    if torch.is_tensor(value):
        yield value
    elif isinstance(value, dict | list | tuple):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from tensors_in(inner)


def newest(folder: Path, at: int | None = None) -> tuple[dict[str, Any], str] | None:
    """(values, sha256) of the newest valid checkpoint, or None. at: only the one at so many images.

    One that cannot be read, for whatever reason, is passed over; a reader changes nothing, as a run may be writing.
    """
    found = find(folder, at)
    return None if found is None else (found.values, found.sha256)


def find(folder: Path, at: int | None = None) -> Found | None:
    """As newest, with what was passed over."""
    passed_over: list[int] = []
    for manifest in checkpoints.manifests(folder) if at is None else [checkpoints.manifest(folder, at)]:
        try:
            return Found(*read(manifest), passed_over)
        except Exception as error:  # a file system and torch.load raise many kinds
            if is_out_of_memory(error):
                raise
            passed_over.append(checkpoints.images_seen(manifest) or 0)
    return None


def read(manifest: Path) -> tuple[dict[str, Any], str]:
    """(values, sha256) of one checkpoint. Raises where it is missing, cut short, changed or something else.

    The file is hashed in pieces and then mapped: a tensor takes memory only once it is used, so sampling loads the averaged G
    alone.
    """
    path, sha256 = checkpoints.values_of(manifest), read_json(manifest)["sha256"]
    with open(path, "rb") as file:
        if hashlib.file_digest(file, "sha256").hexdigest() != sha256:
            raise ValueError("the hash does not match")
    return values_in(path), sha256


def values_in(path: Path) -> dict[str, Any]:
    """The values of a checkpoint, mapped. Raises where the file holds something else."""
    values = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
    if not {"G", "D", "G_ema", "opt_G", "opt_D", "images_seen", "elapsed_seconds"} <= values.keys():
        raise ValueError("these values are no checkpoint")
    return values


def to_resume(folder: Path, had_saved: bool = False) -> Found | None:
    """The checkpoint that training goes on from; None where the run never saved one, so that it starts at its first image.

    had_saved: it is known that there was one, also where no file is left.
    Only here is the folder tidied, as only the run itself resumes: what cannot be read moves to bad/, and unfinished files are
    removed. Raises UserError damaged_checkpoints, and changes nothing, where there were checkpoints and none can be read.
    """
    found = find(folder) or salvaged(folder)
    if found is None:
        if had_saved or checkpoints.traces(folder):
            raise UserError(
                "damaged_checkpoints",
                "None of this run's checkpoints can be read, so it was not started: it would begin at its first image and "
                "lose its history.",
                f"Put the files in {folder} back from a backup, or clone the run to train it anew; nothing was changed.",
            )
        return None
    for damaged in checkpoints.unusable(folder, newer_than=int(found.values["images_seen"])):
        set_aside(damaged)
    for unfinished in folder.glob("*.tmp-*"):
        with contextlib.suppress(OSError):
            unfinished.unlink()
    return found


def salvaged(folder: Path) -> Found | None:
    """The newest values that are whole by the CRC-32 of their parts, although no manifest says so; they get a new manifest.

    So a run goes on whose manifests were lost, or that was killed between the two files of its first checkpoint.
    """
    passed_over = []
    for path in sorted(folder.glob("ck-*.pt"), reverse=True):
        try:
            with zipfile.ZipFile(path) as parts:
                if parts.testzip() is not None:
                    raise ValueError("a CRC-32 does not match")
            with open(path, "rb") as file:
                sha256 = hashlib.file_digest(file, "sha256").hexdigest()
            values = values_in(path)
            seen = int(values["images_seen"])
            manifest = checkpoints.manifest(folder, seen)
            if manifest != path.with_suffix(".json"):
                raise ValueError("the name is that of another checkpoint")
        except Exception as error:
            if is_out_of_memory(error):
                raise
            passed_over.append(checkpoints.images_seen(path) or 0)
            continue
        if manifest.exists():
            set_aside(manifest)
        write_json(manifest, {"sha256": sha256, "bytes": path.stat().st_size, "images_seen": seen})
        return Found(values, sha256, passed_over)
    return None


def set_aside(path: Path) -> None:
    """Move a damaged file to bad/, where the file system allows it."""
    with contextlib.suppress(OSError):
        (path.parent / "bad").mkdir(exist_ok=True)
        path.rename(path.parent / "bad" / path.name)


def restore(state: State, values: dict[str, Any]) -> None:
    """Put a checkpoint's values into a fresh state of the same settings, and into torch's random number generators.

    Raises UserError other_networks where the weights do not fit.
    """
    with weights_fit():
        for name in ("G", "D", "G_ema"):
            getattr(state, name).load_state_dict(renamed(values[name]))
        for name in ("opt_G", "opt_D"):
            restore_moments(getattr(state, name), values[name])
        if state.opt_refiner is not None:
            restore_moments(state.opt_refiner, values["opt_refiner"])
        for name, value in values.get("memory", {}).items():  # version 0.1 had none
            state.memory[name].copy_(value)
    state.images_seen, state.elapsed_seconds = values["images_seen"], values["elapsed_seconds"]
    restore_random(values, device_of(state.G))


def restore_moments(optimizer: torch.optim.Optimizer, values: dict[str, Any]) -> None:
    """Put the state of a saved optimizer into a fresh one of the same settings, each moment in the memory layout of its weight.

    load_state_dict alone keeps the layout that was saved, and a fused Adam then pairs moments with other weights. It also takes
    over how the saved optimizer computed (fused, capturable), which another device may refuse.
    """
    pairs = zip(optimizer.state_dict()["param_groups"], values["param_groups"], strict=True)
    groups = [{**mine, "params": theirs["params"]} for mine, theirs in pairs]
    optimizer.load_state_dict({"state": values["state"], "param_groups": groups})
    for weight, kept in optimizer.state.items():
        for name, value in kept.items():
            if torch.is_tensor(value):  # a tensor of its own: the loaded one may be a part of the mapped file
                like = weight if value.shape == weight.shape else value
                kept[name] = torch.empty_like(like, dtype=value.dtype, device=value.device).copy_(value)


def random_state(device: torch.device) -> dict[str, Any]:
    """torch's random number generators: of the CPU, and of the device where it is a GPU. Older versions saved those of all GPUs."""
    return {
        "rng": torch.get_rng_state(),
        "cuda_rng": [torch.cuda.get_rng_state(device)] if device.type == "cuda" else [],
    }


def restore_random(values: dict[str, Any], device: torch.device) -> None:
    """Every process draws the whole batch (global_batch.py), so each takes the state of rank 0, the first one that was saved."""
    torch.set_rng_state(values["rng"])
    if device.type == "cuda" and values["cuda_rng"]:
        torch.cuda.set_rng_state(values["cuda_rng"][0], device)


def generator_weights(folder: Path, at: checkpoints.At = None) -> tuple[dict[str, torch.Tensor], int, str]:
    """(state dict of the averaged G, images seen, sha256) of a valid checkpoint. at: see checkpoints.At.

    A marked best checkpoint that is damaged is skipped like any. Raises UserError no_checkpoint.
    """
    found = newest(folder, at=checkpoints.drawn_from(folder, at))
    if found is None and at is None:
        found = newest(folder)
    if found is None and isinstance(at, int):
        what = f"The checkpoint at {at:,} images is not there, or damaged."
        raise UserError("no_checkpoint", what, "Choose another: a run keeps its newest ones only.")
    if found is None:
        raise UserError(
            "no_checkpoint", "This run has no usable checkpoint.", "Train it for at least a minute, then try again."
        )
    values, sha256 = found
    return values["G_ema"], values["images_seen"], sha256
