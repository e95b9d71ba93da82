"""1 x 1 convolutions that oneDNN cannot differentiate twice in bfloat16 (SIGFPE on a Xeon with AMX) compute in float32."""

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from gan_core.models import FAMILIES, Spec
from gan_core.models.precision import fails_in_bfloat16
from gan_core.settings.families import TRAITS, inner_size
from gan_core.settings.recipes import RECIPES
from gan_core.training import step

NARROW = {"width": 24, "z_dim": 8, "batch": 4, "precision": "bf16"}
# Recipes with a penalty; all families whose D has 1 x 1 convolutions under one are among them.
PENALIZED = ("quick", "stylegan2-ada", "r3gan", "progressive", "sngan-projection")


class Convolutions(TorchDispatchMode):
    """Collects (dtype, weight) of every convolution, forward and backward, differentiated once or twice."""

    def __init__(self):
        super().__init__()
        self.seen = []

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        if func is torch.ops.aten.convolution.default:
            self.seen.append((args[0].dtype, args[1]))
        if func is torch.ops.aten.convolution_backward.default:
            self.seen.append((args[0].dtype, args[2]))
        return func(*args, **(kwargs or {}))


def test_such_convolutions_are_known():
    weight = lambda *shape: torch.zeros(shape)
    assert fails_in_bfloat16(weight(24, 24, 1, 1)) and fails_in_bfloat16(weight(32, 3, 1, 1))
    assert not fails_in_bfloat16(weight(32, 16, 1, 1)) and not fails_in_bfloat16(weight(24, 24, 3, 3))
    assert not fails_in_bfloat16(torch.zeros(24, 24, 1, 1, device="meta"))  # another device has other kernels


@pytest.mark.slow
@pytest.mark.parametrize("recipe", PENALIZED)
def test_no_penalised_step_on_a_cpu_computes_one_in_bfloat16(tiny, recipe):
    more = {"stylegan2-ada": {"path_length": 2.0}, "sngan-projection": {"penalty": "r1", "gamma": 1.0}}
    config = tiny(recipe, **{**NARROW, **more.get(recipe, {})})
    assert config.has_penalty
    state = step.new_state(config, size=32, channels=1, num_classes=2, device=torch.device("cpu"))
    with Convolutions() as found:
        step.train_step(state, torch.rand(4, 1, 32, 32) * 2 - 1, torch.arange(4) % 2, config, progress=0.99)
    assert any(dtype == torch.bfloat16 for dtype, _ in found.seen)
    assert not [tuple(w.shape) for dtype, w in found.seen if dtype == torch.bfloat16 and fails_in_bfloat16(w)]


def test_every_family_that_has_one_under_a_penalty_is_tried():
    reached = set()
    for recipe in RECIPES.values():
        config, traits = recipe.config, TRAITS[recipe.config.family]
        if config.has_penalty and traits.per_image:
            size = inner_size(config.family, traits.sizes[0])
            with torch.device("meta"):
                D = FAMILIES[config.family].Discriminator(Spec.of(config, size=size, channels=3, num_classes=3))
            if any(p.ndim == 4 and p.shape[2:] == (1, 1) for p in D.parameters()):
                reached.add(config.family)
    assert reached and reached <= {RECIPES[name].config.family for name in PENALIZED}
