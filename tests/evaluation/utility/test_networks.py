"""EfficientNet-Lite0 in plain torch is the package's network; what is frozen stays."""

import numpy as np
import torch

from gan_core.evaluation.inputs import Labeled, RealImages
from gan_core.evaluation.utility import arms
from gan_core.evaluation.utility.arms import ArmOptions, train_arm
from gan_core.evaluation.utility.networks import LITE0_SIDE, started
from gan_core.evaluation.utility.protocol import Arm
from gan_core.models.backbones.lite0 import folded, package_state

torch.set_num_threads(1)


def test_lite0_has_the_features_of_the_package():
    network = started("lite0", LITE0_SIDE, 3, 5, torch.Generator()).eval()
    x = torch.rand(2, 3, LITE0_SIDE, LITE0_SIDE, generator=torch.Generator().manual_seed(0)) * 2 - 1
    with torch.no_grad():
        expected = folded(package_state(), LITE0_SIDE).extract_features(x).mean((2, 3))
        assert torch.allclose(network.body(x), expected, atol=1e-3)
        assert network.head(network.body(x)).shape == (2, 5)


def test_lite0_trains_its_last_stages_alone(monkeypatch):
    monkeypatch.setattr(arms, "NORM_BATCH", 8)
    images = np.random.default_rng(0).integers(0, 256, (8, 12, 12, 1), dtype=np.uint8)
    some = Labeled(images, np.arange(8) % 2)
    start = started("lite0", 12, 1, 2, torch.Generator()).state_dict()
    fitted = train_arm(Arm(), RealImages(some, some, some, ["a", "b"]), {}, ArmOptions("lite0", 1, 4))
    now = fitted.network.body.state_dict(prefix="body.")
    changed = {name.split(".")[1] for name, value in now.items() if not torch.equal(value, start[name])}
    assert changed == {"tuned"}
