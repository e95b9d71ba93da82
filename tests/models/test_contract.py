"""The contract of models/__init__.py, for every family, size, colour, class count and conditioning it offers."""

import copy

import pytest
import torch

from gan_core.models import FAMILIES, Spec
from gan_core.models.layers import ClassEmbedding, MinibatchStd
from gan_core.settings.families import LOSSES, TRAITS, inner_size

SMALL = {"z_dim": 8, "width": 16}
CASES = [
    (family, condition, size, channels, classes)
    for family, facts in TRAITS.items()
    for condition in facts.conditions
    for size, channels, classes in {(facts.sizes[0], 1, 1), (facts.sizes[0], 3, 200), (facts.sizes[-1], 3, 3)}
]


def smallest(family: str, condition: str | None = None, channels: int = 1, classes: int = 3) -> Spec:
    facts = TRAITS[family]
    side = inner_size(family, facts.sizes[0])
    return Spec(side, channels, classes, condition=condition or facts.conditions[0], **SMALL)


def both(spec: Spec, family: str):
    torch.manual_seed(0)
    return FAMILIES[family].Generator(spec), FAMILIES[family].Discriminator(spec)


def test_facts_and_networks_name_the_same_families():
    assert set(TRAITS) == set(FAMILIES)
    assert all(
        set(facts.losses) <= set(LOSSES) and list(facts.sizes) == sorted(facts.sizes) for facts in TRAITS.values()
    )


@pytest.mark.slow
@pytest.mark.parametrize("family, condition, size, channels, classes", CASES)
def test_shapes_and_range(family, condition, size, channels, classes):
    inner = inner_size(family, size)
    G, D = both(Spec(inner, channels, classes, condition=condition, **SMALL), family)
    y = torch.arange(4) % classes
    with torch.no_grad():
        images = G(torch.randn(4, 8), y)
        assert images.shape == (4, channels, inner, inner) and inner >= size
        assert torch.isfinite(images).all()
        if not TRAITS[family].losses:
            return
        logits, side = D.logits_and_auxiliary(images, y)
    assert logits.shape[0] == 4 and logits.ndim <= 2 and torch.isfinite(logits).all()
    assert side is None or side.shape == (4,)


@pytest.mark.parametrize("family", [name for name, facts in TRAITS.items() if facts.losses])
def test_noise_and_label_both_reach_the_image_and_the_logit(family):
    for condition in TRAITS[family].conditions:
        G, D = both(smallest(family, condition), family)
        if TRAITS[family].game == "cycle":
            G.fill_bank(
                torch.randn(30, 1, G.bank.shape[2], G.bank.shape[3]), torch.arange(30) % 3
            )  # what it draws from
        G.eval(), D.train(not TRAITS[family].per_image)  # fresh batch norm at rest lets hardly anything through
        for module in D.modules():
            if isinstance(module, ClassEmbedding):
                torch.nn.init.normal_(module.weight)  # dcgan28 starts its label head at zero
        z, y = torch.randn(2, 8), torch.tensor([0, 1])
        with torch.no_grad():
            a = G(z, y)
            assert (a - G(z + 1, y)).abs().max() > 1e-4
            assert (a - G(z, y + 1)).abs().max() > 1e-4
            logits, side = D.logits_and_auxiliary(a, y)
            other, other_side = D.logits_and_auxiliary(a, y + 1)
        heard = (side - other_side).abs().max() if condition == "auxiliary" else (logits - other).abs().max()
        assert heard > 1e-5, condition


@pytest.mark.parametrize("family", [name for name, facts in TRAITS.items() if facts.per_image])
def test_a_logit_depends_on_its_own_image_alone(family):
    """What R1 and R2 stand on: no batch norm in D."""
    spec = smallest(family)
    _, D = both(spec, family)
    D.train()
    x, y = torch.randn(8, 1, spec.size, spec.size), torch.arange(8) % 3
    changed = x.clone()
    changed[4:] = torch.randn(4, 1, spec.size, spec.size)
    with torch.no_grad(), torch.random.fork_rng():
        torch.manual_seed(1)
        a = copy.deepcopy(D)(x, y)[:4]  # a pass may move D: spectral norm's estimate
        torch.manual_seed(1)
        b = copy.deepcopy(D)(changed, y)[:4]
    assert torch.allclose(a, b, atol=1e-5)


@pytest.mark.parametrize("family", TRAITS)
def test_the_facts_say_who_has_batch_norm(family):
    nets = [net for net in both(smallest(family), family) if isinstance(net, torch.nn.Module)]
    kinds = torch.nn.modules.batchnorm._BatchNorm
    assert any(isinstance(module, kinds) for net in nets for module in net.modules()) == TRAITS[family].batch_norm


@pytest.mark.parametrize("family", TRAITS)
def test_a_generator_at_rest_draws_an_image_from_its_own_noise_alone(family):
    """Same z, same image, whatever else is in the batch: what numbering of samples stands on."""
    G, _ = both(smallest(family), family)
    G.eval()
    z, y = torch.randn(4, 8), torch.tensor([0, 1, 2, 0])
    with torch.no_grad():
        assert torch.allclose(G(z, y)[:1], G(z[:1], y[:1]), atol=1e-5)
        assert torch.equal(G(z, y), G(z, y))


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_minibatch_std_sees_a_group_that_is_all_alike(layout):
    x = torch.randn(8, 2, 4, 4)
    x[4:] = x[4]
    out = MinibatchStd()(x.to(memory_format=layout))
    assert out.shape == (8, 3, 4, 4) and out[0, 2, 0, 0] > 0.5 and out[7, 2, 0, 0] < 1e-3


def test_labels_that_do_not_count_say_nothing():
    labels = ClassEmbedding(3, 4)
    y = torch.arange(3)
    assert labels(y).abs().sum() > 0
    labels.share.fill_(0.0)
    assert labels(y).abs().sum() == 0
