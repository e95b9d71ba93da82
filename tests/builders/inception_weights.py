"""Random weights for the Inception network of FID under which a comparison of scores says something."""

from pathlib import Path

import torch
from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3


class Untrained(FeatureExtractorInceptionV3):
    def load_state_dict(self, *_):
        """Keep the random weights of the layers."""


def write_lively_weights(path: Path, seed: int = 0) -> None:
    """A weights file of the right keys and shapes, in which the signal neither dies out nor explodes.

    Under the layers' own random weights it dies out: features of 1e-8, a KID of exactly 0, an Inception Score of
    exactly 1, and nothing left to compare.
    """
    torch.save({}, path)
    state = Untrained("inception-v3-compat", ["2048", "logits_unbiased"], str(path)).state_dict()
    rng = torch.Generator().manual_seed(seed)
    for key, value in state.items():
        if value.dim() == 4:  # a convolution before a ReLU
            value.normal_(0, (2 / value[0].numel()) ** 0.5, generator=rng)
        elif value.dim() == 2:  # the classes
            value.normal_(0, 0.3, generator=rng)
        elif key.endswith(("bn.weight", "running_var")):
            value.uniform_(0.7, 1.3, generator=rng)
        elif value.is_floating_point():
            value.uniform_(-0.1, 0.1, generator=rng)
    torch.save(state, path)
