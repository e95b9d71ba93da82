"""Under autocast a bfloat16 step has the gradient of float64 where rounding would spoil it: logits, styles, coarse layers."""

import copy

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from gan_core.models import FAMILIES, Spec, progressive, stylegan2
from gan_core.models.guided import GuidedDiscriminator
from gan_core.models.layers import MinibatchStd, PatchProjectionHead
from gan_core.models.precision import is_coarse
from gan_core.settings.families import TRAITS
from gan_core.training.penalties import r1_penalty

LEVEL = 300.0  # of all logits, in deviations of their differences; two bfloat16 numbers differ by 1/256 or not at all
Y = torch.arange(8) % 3


@pytest.fixture(autouse=True)
def seeded():
    torch.manual_seed(0)


def bf16():
    return torch.autocast("cpu", torch.bfloat16)


def apart(found: torch.Tensor, exact: torch.Tensor) -> float:
    return ((found.double() - exact).norm() / exact.norm()).item()


def gradient_of_step(D, real: torch.Tensor, fake: torch.Tensor, penalized: bool, sharpness: float) -> torch.Tensor:
    """The gradient of a relativistic step of D with R1, as one vector. sharpness: a factor on the logits' differences."""
    images = torch.cat([real, fake]).requires_grad_()
    logits, _ = D.logits_and_auxiliary(images, torch.cat([Y, Y]))
    loss = F.softplus(sharpness * (logits[8:] - logits[:8])).mean()
    if penalized:
        loss = loss + 0.5 * r1_penalty(images, logits).mean()
    loss.backward()
    return torch.cat([p.grad.flatten() for p in D.parameters() if p.grad is not None])


def biases_of_the_logits(D) -> list[nn.Parameter]:
    if isinstance(D, GuidedDiscriminator):
        return biases_of_the_logits(D.D)
    patches = [module.plain.bias for module in D.modules() if isinstance(module, PatchProjectionHead)]
    return patches or [D.head.bias]


# family: px, width, the most that the gradient of a step may be off; with heads in bfloat16 each is off by more
STEPS = {
    "r3lite": (32, 16, 0.06),
    "mlp": (32, 16, 0.1),
    "dcgan-sn": (32, 16, 0.09),
    "sngan-projection": (32, 16, 0.06),
    "stylegan2-lite": (32, 16, 0.07),
    "progressive": (32, 16, 0.15),
    "fastgan": (64, 4, 0.07),
    "cyclegan": (32, 8, 0.04),
    "guided": (32, 16, 0.1),
}


@pytest.mark.slow
@pytest.mark.parametrize("family", STEPS)
def test_the_gradient_of_a_bfloat16_step_is_that_of_float64_though_logits_are_large(family):
    size, width, most = STEPS[family]
    kind = "r3lite" if family == "guided" else family
    spec = Spec(size, 1, 3, width=width, condition="projection")
    D = FAMILIES[kind].Discriminator(spec)
    if family == "guided":
        D = GuidedDiscriminator(D, spec, size)
    D.eval()  # no dropout, and batch norm as it is
    real, fake = torch.randn(8, 1, size, size), 0.5 * torch.randn(8, 1, size, size)
    penalized = TRAITS[kind].per_image and family != "guided"
    with torch.no_grad():
        spread = (D(real, Y) - D(fake, Y)).std().item()
        for bias in biases_of_the_logits(D):
            bias.fill_(LEVEL * spread)
    sharpness = 3 / spread  # a D that is sure of some images and unsure of others
    exact = gradient_of_step(copy.deepcopy(D).double(), real.double(), fake.double(), penalized, sharpness)
    with bf16():
        found = gradient_of_step(D, real, fake, penalized, sharpness)
    assert apart(found, exact) < most


@pytest.mark.parametrize("condition", ["projection", "auxiliary"])
def test_the_head_itself_is_exact(condition):
    D = FAMILIES["r3lite"].Discriminator(Spec(32, 1, 3, width=16, condition=condition))
    h = 5 * torch.randn(8, D.head.in_features)
    with bf16():
        found = D.logit(h.bfloat16(), Y)
    exact = copy.deepcopy(D).double().logit(h.bfloat16().double(), Y)
    assert found.dtype == torch.float32 and apart(found, exact) < 1e-5


def test_styles_and_demodulation_are_exact():
    G = stylegan2.Generator(Spec(32, 1, 3, z_dim=16, width=16))
    z = torch.randn(8, 16)
    exact = copy.deepcopy(G).double()
    with bf16():
        w = G.mapping(z, Y)
        assert apart(w, exact.mapping(z.double(), Y)) < 1e-5
        conv = stylegan2.Modulated(16, 16, 16)
        kept = []
        conv.style.register_forward_hook(lambda *call: kept.append(call[-1]))
        flat = conv(torch.ones(8, 16, 3, 3), w)
    s = copy.deepcopy(conv.style).double()(w.double())
    assert apart(kept[0], s) < 1e-5
    # The length that demodulation divides by: the convolution is linear, so doubling the weights must change nothing.
    weight = conv.weight.detach().double() * conv.gain
    length = (s.square() @ weight.square().sum([2, 3]).T).sqrt()
    plain = F.conv2d(s[:, :, None, None].expand(-1, -1, 3, 3), weight, padding=1) / length[:, :, None, None]
    assert apart(flat, plain) < 6e-3  # bfloat16 convolves


def note(seen: dict[str, torch.dtype], at: str):
    """A forward hook that notes the precision of a layer's output."""

    def hook(module, given, out):
        seen.setdefault(at, out.dtype)

    return hook


@pytest.mark.parametrize("family", [stylegan2, progressive])
def test_only_the_four_largest_sizes_compute_in_bfloat16(family):
    assert [side for side in (4, 8, 16, 32, 64, 128, 256) if is_coarse(side, 256)] == [4, 8, 16]
    assert [side for side in (4, 8, 16, 32) if is_coarse(side, 32)] == [4]
    spec = Spec(128, 1, 3, z_dim=8, width=4, minibatch_std=True)
    G, D = family.Generator(spec), family.Discriminator(spec)
    seen: dict[str, torch.dtype] = {}
    for net, name in ((G, "G"), (D, "D")):
        for path, module in net.named_modules():
            if path.endswith(("conv", "conv1", "conv2", "dense", "variety", "head")) and module is not net:
                module.register_forward_hook(note(seen, f"{name}.{path}"))
    with torch.no_grad(), bf16():
        D(G(torch.randn(4, 8), Y[:4]), Y[:4])
    low = {at for at, dtype in seen.items() if dtype == torch.bfloat16}
    blocks = {at.split(".")[2] for at in low if at.startswith("D.blocks")}
    assert blocks == ({"0", "1", "2", "3"} if family is stylegan2 else {"1", "2", "3", "4"})
    assert not any(at.startswith(("D.conv", "D.dense", "D.variety", "D.head", "G.first", "G.conv.")) for at in low)
    coarse = [at for at in seen if at.startswith(("G.ups.0", "G.convs.0.", "G.blocks.0"))]
    assert coarse and not low & set(coarse) and any(at.startswith("G.") for at in low)


def test_minibatch_standard_deviation_keeps_float64():
    x = torch.randn(4, 2, 4, 4, dtype=torch.float64)
    assert MinibatchStd()(x)[0, 2, 0, 0].item() == pytest.approx(
        x.var(0, unbiased=False).add(1e-8).sqrt().mean().item(), rel=1e-12
    )
