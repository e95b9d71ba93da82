"""Every score against torch-fidelity, from the pixels on and with the same weights file."""

import numpy as np
import pytest
import torch
from torch.utils.data import Dataset
from torch_fidelity import calculate_metrics

from gan_core.evaluation.features.extractors import load_inception_v3
from gan_core.evaluation.scores.fid import frechet_distance
from gan_core.evaluation.scores.inception_score import inception_score
from gan_core.evaluation.scores.kid import squared_mmd
from gan_core.evaluation.scores.prdc import manifold_scores
from tests.builders.inception_weights import write_lively_weights

pytestmark = pytest.mark.slow

N = 16  # torch-fidelity takes some 0.3 s an image and thread
NEIGHBORS, SPLITS = 3, 2


def blotches(seed: int, tone: float, spread: float) -> np.ndarray:
    """uint8 [N, 24, 24, 3]: a random colour within spread of a tone, coarse patches and noise on it."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 2, (N, 6, 6, 1)).repeat(4, axis=1).repeat(4, axis=2)
    contrast, colour = rng.uniform(0, 120, (N, 1, 1, 3)), tone + spread * rng.uniform(-1, 1, (N, 1, 1, 3))
    fine = rng.normal(0, 1, (N, 24, 24, 3)) * rng.uniform(0, 30, (N, 1, 1, 1))
    return (colour + contrast * (coarse - 0.5) + fine).clip(0, 255).astype(np.uint8)


class Pictures(Dataset):
    """images uint8 [N, H, W, 3] as torch-fidelity reads them."""

    def __init__(self, images: np.ndarray):
        self.images = torch.from_numpy(images).permute(0, 3, 1, 2)

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, row: int) -> torch.Tensor:
        return self.images[row]


@pytest.fixture(scope="module")
def both(tmp_path_factory):
    """(our features of real and fake, what torch-fidelity reports)."""
    real, fake = blotches(0, 110, 60), blotches(1, 190, 40)
    path = tmp_path_factory.mktemp("lively") / "weights.pth"
    write_lively_weights(path)
    extractor = load_inception_v3(path)
    reference = calculate_metrics(
        input1=Pictures(fake),
        input2=Pictures(real),
        cuda=False,
        isc=True,
        fid=True,
        kid=True,
        prc=True,
        feature_extractor="inception-v3-compat",
        feature_extractor_weights_path=str(path),
        isc_splits=SPLITS,
        samples_shuffle=False,
        kid_subsets=1,
        kid_subset_size=N,
        prc_neighborhood=NEIGHBORS,
        batch_size=16,
        cache=False,
        save_cpu_ram=True,
        verbose=False,
    )
    return extractor.extract(real), extractor.extract(fake), reference


def test_the_scores_are_those_of_torch_fidelity(both):
    real, fake, reference = both
    manifold = manifold_scores(real.features, fake.features, NEIGHBORS)
    ours = {
        "frechet_inception_distance": frechet_distance(real.features, fake.features),
        "kernel_inception_distance_mean": squared_mmd(real.features, fake.features),
        "inception_score_mean": inception_score(fake.logits, SPLITS)["inception_score"],
        "precision": manifold["precision"],
        "recall": manifold["recall"],
    }
    assert ours == pytest.approx({key: reference[key] for key in ours}, rel=1e-3)
    # Random classes hardly tell the images apart, so what is compared is how far above 1 the score lies.
    above_1 = ours["inception_score_mean"] - 1
    assert above_1 > 1e-4
    assert above_1 == pytest.approx(reference["inception_score_mean"] - 1, rel=1e-3)
    assert 0 < ours["precision"] < 1 and 0 < ours["recall"] < 1, "equal zeros or ones would say little"
