"""Checkpoints: one file of plain tensors and numbers, with its SHA-256 in a manifest beside it; whole or absent.

checkpoints/ck-<images seen>.pt and ck-<images seen>.json. The manifest is written last and is the commit point: a file
without one does not exist. The newest manifest whose hash matches wins; a file that does not match is moved to bad/.
"""

import contextlib
import hashlib
import io
from pathlib import Path
from typing import Any

import torch

from gan_core.errors import UserError
from gan_core.generation.sampling import device_of, weights_fit
from gan_core.models.spectral_norm import renamed
from gan_core.settings.schema import CHECKPOINTS_KEPT
from gan_core.storage import checkpoints
from gan_core.storage.workspace import atomic_write, read_json, write_json
from gan_core.training.state import State


def save(folder: Path, state: State, extra: dict[str, Any]) -> Path:
    """Write a checkpoint of the state, torch's random number generators and `extra` (plain values); delete old ones.

    Raises FloatingPointError and writes nothing where a weight is not finite.
    """
    if not all(torch.isfinite(p).all() for p in [*state.G.parameters(), *state.D.parameters()]):
        raise FloatingPointError("a weight is not finite")
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
    buffer = io.BytesIO()
    torch.save(values, buffer)
    content = buffer.getbuffer()
    folder.mkdir(exist_ok=True)
    manifest = checkpoints.manifest(folder, state.images_seen)
    path = checkpoints.values_of(manifest)
    atomic_write(path, lambda file: file.write(content))
    write_json(
        manifest,
        {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content), "images_seen": state.images_seen},
    )
    for old in checkpoints.superseded(folder, CHECKPOINTS_KEPT):
        old.unlink()
        checkpoints.values_of(old).unlink(missing_ok=True)
    return path


def newest(folder: Path, set_aside: bool = False, at: int | None = None) -> tuple[dict[str, Any], str] | None:
    """(values, sha256) of the newest valid checkpoint, or None. Damaged ones are skipped. at: only the one at so many images.

    The file is hashed in pieces and then mapped: a tensor takes memory only once it is used, so sampling loads the averaged G
    alone. set_aside moves damaged files to bad/; only the trainer does that, as a reader may come while one is being written.
    """
    for manifest_path in checkpoints.manifests(folder) if at is None else [checkpoints.manifest(folder, at)]:
        path = checkpoints.values_of(manifest_path)
        try:
            manifest = read_json(manifest_path)
            with open(path, "rb") as file:
                if hashlib.file_digest(file, "sha256").hexdigest() != manifest["sha256"]:
                    raise ValueError("the hash does not match")
            return torch.load(path, map_location="cpu", weights_only=True, mmap=True), manifest["sha256"]
        except (ValueError, KeyError, TypeError, FileNotFoundError):
            if not set_aside:
                continue
            (folder / "bad").mkdir(exist_ok=True)
            for damaged in (path, manifest_path):
                with contextlib.suppress(FileNotFoundError):
                    damaged.rename(folder / "bad" / damaged.name)
    return None


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
