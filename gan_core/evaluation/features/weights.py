"""Where the weights of the Inception-v3 network of FID are found, how they are fetched, and safe reading."""

import hashlib
import http.client
import os
import pickle
import urllib.error
import urllib.request
from pathlib import Path
from typing import IO

import torch

from gan_core.errors import UserError
from gan_core.storage.workspace import atomic_write
from gan_core.system.info import INCEPTION_FILE

INCEPTION_URL = f"https://github.com/toshas/torch-fidelity/releases/download/v0.2.0/{INCEPTION_FILE}"
INCEPTION_SHA256 = "6726825d0af5f729cebd5821db510b11b1cfad8faad88a03f1befd49fb9129b2"
LITE0_SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
CHUNK_BYTES = 1 << 20
MAX_DOWNLOAD_BYTES = 200 << 20  # the file has 92 MB; a server that sends without end is cut off
CONNECT_SECONDS = 10


def file_sha256(path: Path) -> str:
    """64 hex digits."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def load_plain_state(path: Path) -> dict[str, torch.Tensor]:
    """The state dict of tensors in path, on the CPU, read without running code from it, or UserError bad_weights."""
    advice = "Use a file that holds nothing but a PyTorch state dict."
    try:
        state = torch.load(path, weights_only=True, map_location="cpu")
    except FileNotFoundError as error:
        raise UserError(
            "no_such_path", f"There is no weights file {path.name!r}.", "Check the path and try again."
        ) from error
    except (
        pickle.UnpicklingError,
        RuntimeError,
        EOFError,
        ValueError,
        LookupError,
        TypeError,
        AttributeError,
        OSError,
    ) as error:
        raise UserError("bad_weights", f"{path.name} cannot be read as PyTorch weights.", advice) from error
    if not isinstance(state, dict) or not all(type(k) is str and torch.is_tensor(v) for k, v in state.items()):
        raise UserError("bad_weights", f"{path.name} does not hold a plain table of named tensors.", advice)
    if any(v.layout != torch.strided or v.is_quantized for v in state.values()):
        raise UserError("bad_weights", f"{path.name} holds tensors that are not plain and dense.", advice)
    if not all(v.isfinite().all() for v in state.values()):
        raise UserError("bad_weights", f"{path.name} holds weights that are not finite numbers.", advice)
    return dict(state)


def inception_weights(weights_folder: Path, user_file: Path | None = None) -> Path | None:
    """The first there of user_file, $GANVAS_INCEPTION_WEIGHTS, weights_folder, torch hub's cache. Never goes online.

    A file that was named by the person or the environment but is not there raises UserError: a silent next choice
    would score with other weights than asked for.
    """
    for named in (user_file, os.environ.get("GANVAS_INCEPTION_WEIGHTS")):
        if named:
            path = Path(named).expanduser()
            if not path.is_file():
                raise UserError(
                    "no_such_path",
                    f"There is no weights file {str(named)!r} on this computer.",
                    "Check the path and try again.",
                )
            return path
    for folder in (Path(weights_folder), Path(torch.hub.get_dir()) / "checkpoints"):
        if (folder / INCEPTION_FILE).is_file():
            return folder / INCEPTION_FILE
    return None


def fetch_inception(weights_folder: Path, url: str = INCEPTION_URL) -> Path:
    """Download the published weights into weights_folder, checked and whole, or UserError no_network, bad_download."""
    path = Path(weights_folder) / INCEPTION_FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with urllib.request.urlopen(url, timeout=CONNECT_SECONDS) as response:
            atomic_write(path, lambda file: copy_checked(response, file))
    except (urllib.error.URLError, http.client.HTTPException, OSError) as error:
        raise UserError(
            "no_network",
            "The Inception-v3 weights could not be downloaded.",
            f"Put {INCEPTION_FILE} into {path.parent}, or choose efficientnet-lite0.",
        ) from error
    return path


def copy_checked(response: IO[bytes], file: IO[bytes]) -> None:
    """response -> file. Raises inside atomic_write, so a wrong or cut download leaves no file."""
    digest, size = hashlib.sha256(), 0
    while (chunk := response.read(CHUNK_BYTES)) and size <= MAX_DOWNLOAD_BYTES:
        digest.update(chunk)
        size += file.write(chunk)
    if digest.hexdigest() != INCEPTION_SHA256:
        raise UserError(
            "bad_download",
            "The downloaded Inception-v3 weights are damaged or not the published ones.",
            f"Try again, or get {INCEPTION_FILE} by hand.",
        )
