"""Layers of the classic families against the reports and papers that they come from; the contract is in test_models.py."""

import pytest
import torch
from torch import nn

from gan_core.models import FAMILIES, Spec, dcgan
from gan_core.models.layers import EMBED, ClassEmbedding
from gan_core.settings.recipes import RECIPES
from gan_core.training import step

CLASSIC = ("mlp", "dcgan", "lsgan", "wgan-gp", "acgan", "sngan-tiny")
STUDENTS = ("clothing-cgan-28", "garbage-gan-128", "fashion-gan-28", "mnist-anime-gan", "mnist-cgan")


def without_memory(family: str, spec: Spec):
    """(G, D) that know their shapes and hold no numbers."""
    with torch.device("meta"):
        return FAMILIES[family].Generator(spec), FAMILIES[family].Discriminator(spec)


def layers(net: nn.Module, *kinds: type) -> list:
    return [module for module in net.modules() if isinstance(module, kinds)]


def outputs(net: nn.Module, kinds: tuple[type, ...], *inputs: torch.Tensor) -> list[tuple[int, ...]]:
    """Shapes, less the batch, of what each layer of these kinds gives out, in the order of the pass."""
    shapes: list[tuple[int, ...]] = []
    for module in layers(net, *kinds):
        module.register_forward_hook(lambda *a: shapes.append(tuple(a[2].shape[1:])))
    net(*inputs)
    return shapes


def test_the_garbage_gan_has_the_layers_of_its_report():
    spec = Spec(128, 3, 1, z_dim=32, width=256)
    G, D = without_memory("garbage128", spec)
    with torch.device("meta"):
        z, y, x = torch.empty(2, 32), torch.zeros(2, dtype=torch.int64), torch.empty(2, 3, 128, 128)
    kinds = (nn.Linear, nn.Conv2d, nn.ConvTranspose2d)
    assert outputs(G, kinds, z, y) == [
        (128 * 16 * 16,),
        (256, 16, 16),
        (256, 32, 32),
        (256, 64, 64),
        (256, 128, 128),
        (512, 128, 128),
        (512, 128, 128),
        (3, 128, 128),
    ]
    assert [m.kernel_size[0] for m in layers(G, nn.Conv2d, nn.ConvTranspose2d)] == [5, 4, 4, 4, 5, 5, 7]
    assert outputs(D, kinds, x, y) == [
        (256, 126, 126),
        (256, 62, 62),
        (256, 30, 30),
        (256, 14, 14),
        (256, 6, 6),
        (1,),
    ]
    assert [m.kernel_size[0] for m in layers(D, nn.Conv2d)] == [3, 4, 4, 4, 4]


def test_the_garbage_gan_has_as_many_weights_as_its_report_says():
    """Counted from the report's layers: inputs x outputs x kernel + biases; the label's part apart."""
    G, D = without_memory("garbage128", Spec(128, 3, 1, z_dim=32, width=256))
    dense = 32 * 32_768 + 32_768
    conv5 = 128 * 256 * 25 + 256
    three_up = 3 * (256 * 256 * 16 + 256)
    two_conv5 = (256 * 512 * 25 + 512) + (512 * 512 * 25 + 512)
    conv7 = 512 * 3 * 49 + 3
    label = EMBED * 32_768 + EMBED  # its rows of the dense layer, and its embedding
    assert sum(p.numel() for p in G.parameters()) == dense + conv5 + three_up + two_conv5 + conv7 + label
    conv3 = 3 * 256 * 9 + 256
    four_down = 4 * (256 * 256 * 16 + 256)
    one_logit = 256 * 36 + 1
    assert sum(p.numel() for p in D.parameters()) == conv3 + four_down + one_logit + 256 * 36


@pytest.mark.parametrize("family", ["garbage128", "fashion28"])
def test_a_projection_that_starts_at_zero_says_nothing_of_the_label(family):
    spec = Spec(128 if family == "garbage128" else 28, 1, 3, z_dim=8, width=8)
    D = FAMILIES[family].Discriminator(spec).eval()
    x = torch.randn(1, 1, spec.size, spec.size).expand(3, -1, -1, -1)
    with torch.no_grad():
        logits = D(x, torch.arange(3))
    assert torch.allclose(logits, logits[:1].expand(3), atol=1e-6)


@pytest.mark.parametrize(
    "size, channels",
    [
        (32, [256, 128, 64]),
        (64, [512, 256, 128, 64]),
        (128, [512, 512, 256, 128, 64]),
        (256, [512, 512, 512, 256, 128, 64]),
    ],
)
def test_dcgan_has_the_channels_of_its_paper_and_stops_growing_at_512(size, channels):
    assert dcgan.widths(size, 64) == channels
    for family in ("dcgan", "dcgan-sn"):
        G, D = without_memory(family, Spec(size, 3, 10, z_dim=100, width=64))
        assert [m.out_channels for m in layers(G, nn.ConvTranspose2d)] == [*channels, 3]
        assert [m.out_channels for m in layers(D, nn.Conv2d)] == channels[::-1]
        assert all(m.kernel_size == (4, 4) for m in layers(G, nn.ConvTranspose2d) + layers(D, nn.Conv2d))
        assert D.head.in_features == channels[0] * 4 * 4


def test_dcgan_has_batch_norm_but_for_the_first_and_last_layer_and_its_twin_has_none():
    spec = Spec(64, 3, 1, z_dim=100, width=64)
    G, D = without_memory("dcgan", spec)
    assert [m.num_features for m in layers(G, nn.BatchNorm2d)] == [512, 256, 128, 64]
    assert [m.num_features for m in layers(D, nn.BatchNorm2d)] == [128, 256, 512]
    assert not layers(without_memory("dcgan-sn", spec)[1], nn.BatchNorm2d)


def test_dcgan_starts_with_the_weights_of_its_paper():
    torch.manual_seed(0)
    for family in ("dcgan", "dcgan-sn"):
        G, D = (net(Spec(32, 3, 1, z_dim=100, width=16)) for net in FAMILIES[family])
        for module in layers(G, nn.ConvTranspose2d) + (layers(D, nn.Conv2d, nn.Linear) if family == "dcgan" else []):
            assert module.weight.std().item() == pytest.approx(0.02, rel=0.2) and abs(module.weight.mean()) < 0.005
        gains = torch.cat([module.weight for module in layers(G, nn.BatchNorm2d)])
        assert gains.std().item() == pytest.approx(0.02, rel=0.3) and gains.mean().item() == pytest.approx(1, abs=0.01)


def test_the_minibatch_plane_reaches_the_head_of_the_twin_only_where_it_is_chosen():
    plain = without_memory("dcgan-sn", Spec(32, 1, 1, width=16))[1].head.in_features
    chosen = without_memory("dcgan-sn", Spec(32, 1, 1, width=16, minibatch_std=True))[1].head.in_features
    assert chosen == plain + 4 * 4


@pytest.mark.parametrize("family, bounded", [("dcgan-sn", True), ("dcgan28", False)])
def test_spectral_norm_bounds_the_projection_unless_it_starts_at_zero(tiny, family, bounded):
    config = tiny(family=family, loss="hinge", penalty="none", spectral_norm=True)
    state = step.new_state(config, size=28, channels=1, num_classes=3, device=torch.device("cpu"))
    y = torch.arange(16) % 3
    for _ in range(10):
        step.train_step(state, torch.rand(16, 1, state.D.size, state.D.size) * 2 - 1, y, config)
    norm = torch.linalg.matrix_norm(state.D.embed.weight, 2).item()
    assert norm == pytest.approx(1, abs=0.2) if bounded else 0 < norm < 0.9


def test_the_tutorial_cgan_has_the_layers_of_its_tutorial():
    G, D = without_memory("cgan28", Spec(28, 1, 10, z_dim=100, width=128, condition="concat"))
    assert [(m.in_channels, m.out_channels, m.kernel_size[0]) for m in layers(G, nn.ConvTranspose2d, nn.Conv2d)] == [
        (129, 128, 4),
        (128, 128, 4),
        (128, 1, 7),
    ]
    assert {(m.in_features, m.out_features) for m in layers(G, nn.Linear)} == {(50, 49), (100, 6272)}
    assert [(m.in_channels, m.out_channels, m.kernel_size[0]) for m in layers(D, nn.Conv2d)] == [
        (2, 128, 3),
        (128, 128, 3),
    ]
    assert {(m.in_features, m.out_features) for m in layers(D, nn.Linear)} == {(50, 784), (6272, 1)}
    assert [m.embedding_dim for net in (G, D) for m in layers(net, ClassEmbedding)] == [50, 50]


def test_the_tutorial_cgan_starts_with_glorots_weights():
    """With PyTorch's own, a third as wide, D won at once and G drew black."""
    spec = Spec(28, 1, 10, 100, 128, "concat")
    for net in (FAMILIES["cgan28"].Generator(spec), FAMILIES["cgan28"].Discriminator(spec)):
        for layer in layers(net, nn.Conv2d, nn.ConvTranspose2d, nn.Linear):
            bound = layer.weight.abs().max().item()
            fan_in, fan_out = nn.init._calculate_fan_in_and_fan_out(layer.weight)
            assert bound == pytest.approx((6 / (fan_in + fan_out)) ** 0.5, rel=0.05) and not layer.bias.any()


def test_dense_networks_have_their_widths():
    G, D = without_memory("mlp", Spec(28, 1, 1, z_dim=100, width=64))
    assert [m.out_features for m in layers(G, nn.Linear)] == [256, 512, 1024, 784]
    assert sorted((m.in_features, m.out_features) for m in layers(D, nn.Linear)) == [(256, 1), (512, 256), (784, 512)]


def test_the_fashion_gan_draws_from_7_px_in_two_doublings():
    G, D = without_memory("fashion28", Spec(28, 1, 1, z_dim=100, width=64))
    with torch.device("meta"):
        z, y = torch.empty(2, 100), torch.zeros(2, dtype=torch.int64)
    assert outputs(G, (nn.Linear, nn.ConvTranspose2d), z, y) == [(128 * 7 * 7,), (64, 14, 14), (1, 28, 28)]
    assert [(m.out_channels, m.kernel_size[0]) for m in layers(D, nn.Conv2d)] == [(64, 5), (128, 5)]


@pytest.mark.parametrize("name", CLASSIC + STUDENTS)
def test_a_recipe_of_another_author_names_him_and_leaves_precision_to_the_machine(name):
    recipe = RECIPES[name]
    assert recipe.config.precision == "auto" and ("arXiv" in recipe.source or "report" in recipe.source)


def test_the_students_settings_are_theirs():
    """What their authors wrote down."""
    published = {
        "clothing-cgan-28": {"batch": 64, "condition": "concat", "z_dim": 100, "conditional": True},
        "garbage-gan-128": {
            "optimizer": "rmsprop", "lr_G": 1e-4, "lr_D": 1e-4, "clip_value": 1.0, "label_noise": 0.05, "z_dim": 32,
            "width": 256, "conditional": False,
        },
        "fashion-gan-28": {"lr_G": 1e-4, "lr_D": 1e-4, "beta1": 0.001, "batch": 24, "epochs": 20.0, "z_dim": 100},
        "mnist-anime-gan": {"epochs": 400.0, "conditional": False},
        "mnist-cgan": {"epochs": 400.0, "conditional": True, "condition": "concat"},
    }  # fmt: skip
    for name, values in published.items():
        config = RECIPES[name].config
        assert {key: getattr(config, key) for key in values} == values, name
        assert not config.has_penalty and config.ema_images == 0, name
