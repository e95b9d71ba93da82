"""FastGAN and Projected GAN: what of D learns, what is kept, and what fakes do not pay for."""

import pytest
import torch

from gan_core.models import FAMILIES, Spec
from gan_core.models.fast_generator import ConditionalBatchNorm, FastGenerator, NoiseInjection, glu
from gan_core.models.fastgan import cut
from gan_core.models.layers import PatchProjectionHead
from gan_core.models.projected import FrozenBackbone, RandomProjections
from gan_core.training import checkpoint, step
from gan_core.training.losses import LOSSES

CPU = torch.device("cpu")
FEW_SHOT = ("fastgan", "projected")


def networks(family, size=32, channels=3, classes=3):
    torch.manual_seed(0)
    spec = Spec(size, channels, classes, z_dim=8, width=4)
    return FAMILIES[family].Generator(spec), FAMILIES[family].Discriminator(spec)


def fresh(config, channels=3):
    return step.new_state(config, size=32, channels=channels, num_classes=3, device=CPU)


def batch(n=6, size=32):
    torch.manual_seed(1)
    return torch.rand(n, 3, size, size) * 2 - 1, torch.arange(n) % 3


# -- both --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("family, size, k", [("fastgan", 32, 50), ("fastgan", 128, 50), ("projected", 64, 4)])
def test_d_judges_several_places(family, size, k):
    G, D = networks(family, size)
    z, y = torch.randn(2, 8), torch.tensor([0, 2])
    assert D(G(z, y), y).shape == (2, k) == D.logits_and_auxiliary(G(z, y), y)[0].shape


@pytest.mark.parametrize("family", FEW_SHOT)
def test_judging_gives_the_same_logits_as_asking(family):
    _, D = networks(family)
    x, y = batch()
    D.eval()
    with torch.no_grad():
        assert torch.equal(D.logits_and_auxiliary(x, y)[0], D(x, y))


@pytest.mark.parametrize("family", FEW_SHOT)
def test_the_first_layer_of_g_is_told_the_class(family):
    G, _ = networks(family, size=64)
    seen = []
    G.net.stem.register_forward_pre_hook(lambda module, taken: seen.append(taken[0]))
    with torch.no_grad():
        G(torch.ones(2, 8), torch.tensor([0, 1]))
    assert not torch.equal(*seen[0])


@pytest.mark.parametrize("family", FEW_SHOT)
def test_the_gradient_reaches_every_part_of_g(family):
    G, D = networks(family, size=64)
    D.requires_grad_(False)
    D(G(torch.randn(4, 8), torch.arange(4) % 3), torch.arange(4) % 3).mean().backward()
    still = [name for name, p in G.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0]
    assert not still


@pytest.mark.slow
@pytest.mark.parametrize("family", FEW_SHOT)
def test_a_restored_checkpoint_judges_and_draws_the_same(tiny, tmp_path, family):
    config = tiny(family=family, width=4)
    state, (x, y) = fresh(config), batch()
    for _ in range(2):
        step.train_step(state, x, y, config)
    checkpoint.save(tmp_path, state, {})
    other = fresh(tiny(family=family, width=4, seed=5))
    before = other.D.eval()(x, y)
    checkpoint.restore(other, checkpoint.newest(tmp_path)[0])
    z = torch.randn(6, config.z_dim)
    with torch.no_grad():
        wanted = state.D.eval()(x, y)
        assert torch.equal(other.D(x, y), wanted) and not torch.equal(before, wanted)
        assert torch.equal(other.G_ema(z, y), state.G_ema(z, y))


def test_the_projection_is_heard_as_much_as_the_logit_without_it():
    torch.manual_seed(0)
    head = PatchProjectionHead(32, 10)
    h, y = torch.randn(64, 32, 4, 4), torch.arange(64) % 10
    with torch.no_grad():
        whole = head(h, y)
        head.embed.share.fill_(0.0)
        plain = head(h, y)
    assert 0.5 < (whole - plain).std() / plain.std() < 2


# -- the generator -----------------------------------------------------------------------------------------------------


def test_a_gated_unit_is_torchs():
    x = torch.randn(2, 6, 3, 3)
    assert torch.allclose(glu(x), torch.nn.functional.glu(x, 1))


def test_small_maps_gate_the_wide_ones():
    """With its gate shut, a map of 64 px says nothing: the image is then the same whatever came before."""
    torch.manual_seed(0)
    net = FastGenerator(Spec(64, 3, 3, z_dim=8, width=4), 8, torch.nn.BatchNorm2d, double=False).eval()
    assert list(net.gates) == ["64"]
    net.gates["64"].forward = lambda small: torch.zeros(len(small), 1, 1, 1)
    c = torch.zeros(2, 0)
    with torch.no_grad():
        assert torch.equal(net(torch.randn(2, 8), c), net(torch.randn(2, 8), c))


def test_noise_is_for_training():
    noise, x = NoiseInjection(), torch.zeros(2, 3, 4, 4)
    torch.nn.init.ones_(noise.amount)
    drawn = noise(x)
    assert drawn.std() > 0.5 and torch.equal(drawn[:, 0], drawn[:, 1])
    assert torch.equal(noise.eval()(x), x)


def test_the_class_moves_gain_and_shift():
    norm = ConditionalBatchNorm(2, 3).eval()
    for linear in (norm.gain, norm.shift):
        torch.nn.init.ones_(linear.weight)
    x = torch.randn(1, 3, 2, 2)
    assert torch.allclose(norm(x, torch.tensor([[0.5, 1.0]])), x * 2.5 + 1.5, atol=1e-4)


# -- FastGAN -----------------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_only_reals_are_redrawn_and_d_gets_better_at_it(tiny):
    config = tiny(family="fastgan", width=4, loss="hinge", lr_D=2e-3)
    state, (x, y) = fresh(config), batch()
    assert state.D.auxiliary_weight_g == 0 and state.D.auxiliary_weight_d > 0
    x = torch.nn.functional.interpolate(x[:1, :, ::8, ::8], size=32, mode="bilinear").expand(6, -1, -1, -1)
    errors = []
    for _ in range(30):
        errors.append(state.D.logits_and_auxiliary(x, y)[1].mean().item())
        step.train_step(state, x, y, config)
    assert sum(errors[-5:]) < 0.7 * sum(errors[:5]), errors


def test_a_quarter_is_one_of_the_four():
    x = torch.arange(32.0).view(1, 2, 4, 4)
    quarters = [cut(x, torch.tensor([q])) for q in range(4)]
    assert torch.equal(quarters[1], x[:, :, :2, 2:]) and torch.equal(quarters[2], x[:, :, 2:, :2])
    assert torch.equal(sum(q.sum() for q in quarters), x.sum())


# -- Projected GAN -----------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_trunk_and_projections_stay_as_they_are_while_heads_learn(tiny):
    config = tiny(family="projected", width=4, loss="hinge", freeze_d=0)
    state, (x, y) = fresh(config), batch()
    fixed = [state.D.trunk, state.D.mix]
    before = [b.clone() for part in fixed for b in part.buffers()]
    heads = [p.clone() for p in state.D.heads.parameters()]
    assert len(before) > 50 and not [p for part in fixed for p in part.parameters()]
    for _ in range(5):
        step.train_step(state, x, y, config)
    assert all(torch.equal(a, b) for a, b in zip(before, [b for part in fixed for b in part.buffers()], strict=True))
    assert not any(torch.equal(a, b) for a, b in zip(heads, state.D.heads.parameters(), strict=True))


def test_a_checkpoint_has_the_random_projections_and_not_the_trunk():
    _, D = networks("projected")
    names = D.state_dict().keys()
    assert {
        f"mix.{way}.{i}.{kind}" for way in ("across", "down") for i in range(4) for kind in ("weight", "bias")
    } <= names
    assert not [name for name in names if name.startswith("trunk")]


def test_training_mode_changes_nothing_in_the_trunk():
    trunk, x = FrozenBackbone(128), batch(2, 128)[0]
    with torch.no_grad():
        resting = trunk.eval()(x)
        working = trunk.train()(x)
    assert [tuple(h.shape[1:]) for h in resting] == [(24, 32, 32), (40, 16, 16), (112, 8, 8), (320, 4, 4)]
    assert all(torch.equal(a, b) for a, b in zip(resting, working, strict=True))


def test_the_coarsest_map_reaches_every_mixed_one():
    torch.manual_seed(0)
    mix = RandomProjections()
    maps = [torch.randn(1, c, 32 >> i, 32 >> i) for i, c in enumerate((24, 40, 112, 320))]
    other = [*maps[:3], torch.randn(1, 320, 4, 4)]
    a, b = mix(maps), mix(other)
    assert [tuple(h.shape[1:]) for h in a] == [(64, 64, 64), (64, 32, 32), (128, 16, 16), (256, 8, 8)]
    assert all((x - y).abs().max() > 1e-4 for x, y in zip(a, b, strict=True))


def test_grey_is_shown_as_colour_without_colour():
    _, D = networks("projected", channels=1)
    D.eval()
    x, y = batch(2)[0][:, :1], torch.tensor([0, 1])
    with torch.no_grad():
        assert torch.equal(D(x, y), D(x.expand(-1, 3, -1, -1), y))


# -- the layers of the authors' code -----------------------------------------------------------------------------------


def published(family, size, classes=3, feature_size=128):
    torch.manual_seed(0)
    spec = Spec(size, 3, classes, z_dim=8, width=4, published_layers=True, feature_size=feature_size)
    return FAMILIES[family].Generator(spec), FAMILIES[family].Discriminator(spec)


@pytest.mark.parametrize("size", [32, 64, 256])
def test_the_papers_fastgan_scales_maps_of_d_and_draws_without_bounds(size):
    G, D = published("fastgan", size)
    y = torch.tensor([0, 2])
    with torch.no_grad():
        images = G(torch.randn(2, 8), y)
        logits, error = D.logits_and_auxiliary(images, y)
    assert images.shape == (2, 3, size, size) and logits.shape == (2, 50) and error.shape == (2,)
    assert G.net.bounded is False and G.net.to_image.bias is None
    assert [int(side) for side in D.near.gates] == [side for side in (32, 16, 8) if 8 * side <= size]


def test_a_gate_of_the_papers_d_that_is_shut_hides_its_map():
    _, D = published("fastgan", 64)
    D.near.gates["8"].forward = lambda map: torch.zeros(len(map), 1, 1, 1)
    x, _ = batch(2, 64)
    with torch.no_grad():
        maps = D.near(x)
    assert [h.shape[-1] for h in maps] == [64, 32, 16, 8] and not maps[-1].any() and maps[-2].any()


@pytest.mark.slow
@pytest.mark.parametrize("classes, feature_size, k", [(3, 224, 64), (1, 224, 64), (3, 128, 4)])
def test_the_papers_projected_gan_judges_patches_where_features_are_large(classes, feature_size, k):
    _, D = published("projected", 32, classes, feature_size)
    x, y = batch(2)
    y = y % classes
    with torch.no_grad():
        logits = D(x, y)
        assert logits.shape == (2, k)
        if classes > 1:
            assert not torch.equal(logits, D(x, (y + 1) % classes))


def test_in_the_papers_projected_gan_the_class_moves_the_norms_alone():
    G, _ = published("projected", 64)
    seen = []
    G.net.stem_norm.register_forward_hook(lambda module, taken, out: seen.append(out))
    with torch.no_grad():
        images = G.eval()(torch.ones(2, 8), torch.tensor([0, 1]))
    assert torch.equal(seen[0][0], seen[0][1]) and not torch.equal(images[0], images[1])


@pytest.mark.slow
@pytest.mark.parametrize("family", FEW_SHOT)
def test_the_papers_layers_learn(tiny, family):
    config = tiny(family=family, width=4, loss="hinge", published_layers=True, margin_noise=0.2)
    state, (x, y) = fresh(config), batch()
    before = [p.clone() for net in (state.G, state.D) for p in net.parameters()]
    stats = step.train_step(state, x, y, config)
    assert all(value.isfinite() for value in stats.values())
    after = [p for net in (state.G, state.D) for p in net.parameters()]
    moved = [not torch.equal(a, b) for a, b in zip(before, after, strict=True)]
    assert sum(moved) > 0.8 * len(moved)


def test_margins_of_the_hinge_loss_are_drawn_below_one(tiny):
    real, fake = torch.full([400], 0.9), torch.full([400], -0.9)
    out = step.DOutput(real, fake, None, None)
    assert step.with_margin_noise(out, tiny(loss="hinge")) == (real, fake)
    shifted = step.with_margin_noise(out, tiny(loss="hinge", margin_noise=0.2))
    margins = 1 - (shifted[0] - real), 1 - (fake - shifted[1])
    for margin in margins:
        assert 0.8 <= margin.min() < 0.82 and 0.98 < margin.max() <= 1
    wanted = torch.relu(margins[0] - real).mean() + torch.relu(margins[1] + fake).mean()
    assert torch.allclose(LOSSES["hinge"].d(*shifted), wanted)
