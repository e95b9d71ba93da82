"""Games that are not plain G against D: evolution, a variational autoencoder, clusters."""

import copy
import json

import numpy as np
import pytest
import torch

from gan_core.data.dataset import ImageSet
from gan_core.errors import FieldErrors
from gan_core.generation import sampling
from gan_core.models.kmeans import COLOURS, few_colours
from gan_core.settings import rules, schema
from gan_core.settings.families import TRAITS
from gan_core.settings.recipes import RECIPES
from gan_core.training import loop, step
from gan_core.training.games import cycle, evolution
from gan_core.training.hooks import Hooks
from tests.builders.toy_images import toy_images

CPU = torch.device("cpu")
TONES = [-0.7, 0.0, 0.7]


def fresh(config, classes=3, size=32):
    return step.new_state(config, size=size, channels=1, num_classes=classes, device=CPU)


def toy_batch(n=18, side=32, noise=0.02):
    """Dark, grey and bright images [n, 1, side, side] and their labels."""
    labels = torch.arange(n) % 3
    real = torch.tensor(TONES)[labels][:, None, None, None].expand(-1, 1, side, side)
    return real + noise * torch.randn_like(real), labels


# -- evolution ---------------------------------------------------------------------------------------------------------


class Levels(torch.nn.Module):
    """A G of one number, the tone of every image."""

    def __init__(self, tone):
        super().__init__()
        self.tone = torch.nn.Parameter(torch.tensor(tone))

    def forward(self, z, y):
        return self.tone.expand(len(z), 1, 2, 2) + 0.01 * z[:, :1, None, None]


class Brightness(torch.nn.Module):
    """A D that says real to what is bright."""

    def __init__(self):
        super().__init__()
        self.slope = torch.nn.Parameter(torch.tensor(1.0))

    def forward(self, x, y):
        return self.slope * x.mean([1, 2, 3])


def planted(tone, **changes):
    """A State in which G is one tone and learns by plain steps along its gradient: losses of other slopes, other children."""
    values = {**RECIPES["egan"].config.model_dump(), "z_dim": 4, "device": "cpu", "precision": "fp32", **changes}
    settings = schema.build(values)
    G, D = Levels(tone), Brightness()
    opt_G, opt_D = torch.optim.SGD(G.parameters(), lr=0.1), torch.optim.SGD(D.parameters(), lr=0.1)
    return step.State(G, D, copy.deepcopy(G), opt_G, opt_D), settings


def child(tone, loss):
    """The tone after one step along the loss, by hand."""
    t = torch.tensor(tone, requires_grad=True)
    loss(t).backward()
    return (t - 0.1 * t.grad).item()


@pytest.mark.parametrize("tone, winner", [(-3.0, "least_squares"), (3.0, "minimax")])
def test_the_child_that_d_likes_most_survives(tone, winner, monkeypatch):
    """Far below what D calls real least squares pulls hardest; far above it pulls back, and minimax goes on upwards."""
    monkeypatch.setattr(evolution, "LAMBDA", 0.0)
    torch.manual_seed(0)
    state, settings = planted(tone)
    real, labels = torch.ones(64, 1, 2, 2), torch.zeros(64, dtype=torch.int64)
    stats = evolution.evolve(state, real, labels, settings, lambda images: images)
    children = {
        "minimax": child(tone, lambda t: -torch.nn.functional.softplus(t)),
        "nonsaturating": child(tone, lambda t: torch.nn.functional.softplus(-t)),
        "least_squares": child(tone, lambda t: (t - 1).square() / 2),
    }
    assert max(children, key=children.get) == winner
    assert {name: stats[f"mutation_{name}"].item() for name in children} == {n: float(n == winner) for n in children}
    assert state.G.tone.item() == pytest.approx(children[winner], abs=0.01)


def test_diversity_counts_by_lambda(monkeypatch):
    """With a large lambda the child wins on which D's slope is least, whatever D thinks of its images."""
    torch.manual_seed(0)
    real, labels = torch.zeros(64, 1, 2, 2), torch.zeros(64, dtype=torch.int64)
    won = {}
    for weight in (0.0, 100.0):
        monkeypatch.setattr(evolution, "LAMBDA", weight)
        state, settings = planted(1.5)
        stats = evolution.evolve(state, real, labels, settings, lambda images: images)
        won[weight] = next(name for name in stats if name.startswith("mutation") and stats[name])
    assert won == {0.0: "mutation_minimax", 100.0: "mutation_least_squares"}


@pytest.mark.parametrize("optimizer", ["adam", "rmsprop"])
def test_the_survivor_keeps_its_own_optimiser_and_the_losers_leave_no_trace(tiny, optimizer, monkeypatch):
    """As if the winning loss had been the only one, twice over."""
    settings = tiny(family="egan", optimizer=optimizer, width=8)
    real, labels = toy_batch(12)
    state = fresh(settings)
    same_as = lambda a, b: all(torch.equal(x, y) for x, y in zip(a, b, strict=True))
    for _ in range(2):
        alone = {}
        noise = torch.get_rng_state()
        for name in evolution.MUTATIONS:
            other = copy_of(state, settings)
            torch.set_rng_state(noise)
            monkeypatch.setattr(evolution, "MUTATIONS", (name,))
            evolution.evolve(other, real, labels, settings, lambda images: images)
            monkeypatch.undo()
            alone[name] = evolution.inheritance(other)
        torch.set_rng_state(noise)
        stats = evolution.evolve(state, real, labels, settings, lambda images: images)
        winner = next(n for n in evolution.MUTATIONS if stats[f"mutation_{n.replace('-', '_')}"])
        agree = {n: same_as(evolution.inheritance(state), alone[n]) for n in evolution.MUTATIONS}
        assert agree == {n: n == winner for n in evolution.MUTATIONS}


def copy_of(state, settings):
    """The same state with nothing shared."""
    other = fresh(settings)
    for name in ("G", "D", "opt_G", "opt_D"):
        getattr(other, name).load_state_dict(copy.deepcopy(getattr(state, name).state_dict()))
    return other


def test_the_run_writes_which_mutation_won(tiny, tmp_path):
    pictures, labels = toy_images(48, 32, 1, 3)
    settings = tiny(family="egan", epochs=2.0, d_steps=2, width=8)
    loop.train(settings, ImageSet(pictures, labels, ["a", "b", "c"]), tmp_path, Hooks())
    rows = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    shares = [
        [row[f"mutation_{name.replace('-', '_')}"] for name in evolution.MUTATIONS] for row in rows if "loss_g" in row
    ]
    assert shares and all(sum(share) == pytest.approx(1) for share in shares)


# -- the autoencoder ---------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_an_autoencoder_reconstructs_and_samples_each_class(tiny):
    settings = tiny("vae", ema_images=200.0)
    state = fresh(settings)
    first = last = None
    for number in range(100):
        stats = step.train_step(state, *toy_batch(12), settings, number / 100)
        first, last = first or stats, stats
    assert last["loss_g"] < 0.01 < first["loss_g"] and last["loss_d"] > 0
    real, labels = toy_batch(60)
    mean, _ = state.D(real, labels)
    again = state.G_ema(mean, labels)
    assert (again - real).abs().mean() < 0.1
    drawn = state.G_ema(torch.randn(60, settings.z_dim), labels).mean([1, 2, 3])
    assert [drawn[labels == c].mean().item() for c in range(3)] == pytest.approx(TONES, abs=0.15)


def test_the_divergence_comes_in_over_the_first_tenth(tiny):
    """At the start only the error has a slope: what the code's spread costs is not felt yet."""
    settings = tiny("vae", lr_G=1e-30, lr_D=1e-30)
    real, labels = toy_batch()
    slopes = {}
    for progress in (0.0, 0.05, 0.1, 0.9):
        state = fresh(settings)
        step.train_step(state, real, labels, settings, progress)
        slopes[progress] = state.D.head.bias.grad.clone()
    whole = slopes[0.9] - slopes[0.0]
    assert whole.abs().max() > 1e-3 and torch.allclose(slopes[0.1], slopes[0.9], atol=1e-5)
    assert torch.allclose(slopes[0.05] - slopes[0.0], whole / 2, atol=1e-5)


# -- clusters ----------------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_clusters_find_the_tones_of_a_class(tiny):
    """One class, three tones, more clusters than tones: every centre is a tone, and a tone is drawn as often as it occurs."""
    settings = tiny("kmeans", width=6)
    state = fresh(settings, classes=1)
    tones = torch.tensor([-0.7, -0.7, -0.7, 0.0, 0.7])
    for _ in range(40):
        real = tones[torch.randint(0, 5, (32,))][:, None, None, None].expand(-1, 1, 32, 32)
        real = real + 0.02 * torch.randn_like(real)
        stats = step.train_step(state, real, torch.zeros(32, dtype=torch.int64), settings)
    centres, known = state.G.centres.mean(1), torch.tensor(TONES)
    assert (centres[:, None] - known).abs().min(1).values.max() < 0.02
    assert {int((centre - known).abs().argmin()) for centre in centres} == {0, 1, 2}
    assert stats["loss_g"] < 0.02**2 * 1.5
    drawn = state.G_ema(torch.randn(1000, settings.z_dim), torch.zeros(1000, dtype=torch.int64)).mean([1, 2, 3])
    assert (drawn < -0.5).float().mean().item() == pytest.approx(0.6, abs=0.08)


def test_a_class_that_was_never_shown_is_grey_and_a_centre_is_the_mean_of_its_images(tiny):
    settings = tiny("kmeans", width=4)
    state = fresh(settings)
    images = torch.zeros(6, 1, 32, 32)
    images[:, 0, 0, 0] = torch.tensor([-1.0, -0.5, 0.5, 1.0, 0.6, 0.7])
    y = torch.ones(6, dtype=torch.int64)
    state.G.partial_fit(images, y)  # the first four are the centres; 0.6 and 0.7 go to 0.5
    assert state.G.counts.tolist() == [[0] * 4, [1, 1, 3, 1], [0] * 4]
    assert state.G.centres.view(3, 4, -1)[1, :, 0].tolist() == pytest.approx([-1.0, -0.5, 0.6, 1.0])
    assert state.G(torch.full((1, 8), 9.0), torch.tensor([0])).abs().max() == 0


def test_an_image_has_few_colours_and_a_flat_one_is_left_alone():
    image = torch.rand(2, 3, 16, 16) * 2 - 1
    image[1] = 0.25
    few = few_colours(image)
    count = lambda x: len(x.flatten(1).T.unique(dim=0))
    assert count(few[0]) <= COLOURS < count(image[0]) and torch.allclose(few[1], image[1])
    assert (few[0] - image[0]).square().mean() < 0.5 * image[0].var()


# -- from class to class -----------------------------------------------------------------------------------------------


def test_a_translator_draws_only_from_pictures_of_other_classes(tiny):
    G = fresh(tiny("cyclegan", width=4)).G
    pictures = torch.linspace(-1, 1, 30)[:, None, None, None].expand(-1, 1, 32, 32)
    labels = torch.arange(30) % 3
    G.fill_bank(pictures[:20], labels[:20])
    G.fill_bank(pictures[20:], labels[20:])
    assert torch.equal(G.bank_labels[:30], labels) and (G.bank_labels[30:] == -1).all()
    seen = []
    G.translate = lambda x, y: seen.append(x.mean([1, 2, 3])) or x
    y = torch.arange(3000) % 3
    G(torch.randn(3000, 8), y)
    nearest = (seen[0][:, None] - pictures[:, 0, 0, 0]).abs().argmin(1)
    assert (labels[nearest] != y).all() and len(nearest.unique()) == 30
    G.fill_bank(torch.ones(600, 1, 32, 32), torch.ones(600, dtype=torch.int64))  # more than there is room for
    assert (G.bank_labels >= 0).all() and torch.equal(G.bank_labels[:30], labels) and (G.bank[30:] == 255).all()


def test_partners_are_of_another_class_where_there_is_one():
    torch.manual_seed(0)
    labels = torch.tensor([0, 0, 0, 1])
    found = torch.stack([cycle.partners(labels) for _ in range(50)])
    assert (labels[found] != labels).all() and len(found[:, 3].unique()) == 3
    assert cycle.partners(torch.zeros(5, dtype=torch.int64)).shape == (5,)


def test_the_pool_gives_back_older_fakes_of_the_same_class(tiny):
    D = fresh(tiny("cyclegan", width=4)).D
    torch.manual_seed(0)
    for number in range(60):
        fake = torch.full((12, 1, 32, 32), float(number))
        y = torch.arange(12) % 3
        fake[:, 0, 0, 0] = y.float()
        shown = D.swap_with_pool(fake, y, torch.randperm(50), torch.rand(12))
        assert torch.equal(shown[:, 0, 0, 0], y.float())
        old = shown[:, 0, 1, 1] < number
        assert number == 0 or not old.all()
        if number >= 20:
            assert (D.pool_labels >= 0).all()
    assert old.any() and D.pool[:, 0, 1, 1].max() == 59


@pytest.mark.slow
def test_a_translator_comes_back_to_where_it_was(tiny):
    settings = tiny("cyclegan", width=8, lr_G=3e-3, lr_D=1e-3)
    state, first = fresh(settings), None
    for _ in range(30):
        stats = step.train_step(state, *toy_batch(6), settings)
        first = first or stats
    assert stats["loss_cycle"] < first["loss_cycle"] / 2 and stats["loss_same"] < first["loss_same"] / 2


def test_one_class_has_nothing_to_be_turned_into():
    settings = RECIPES["cyclegan"].config
    rules.check(settings, size=32, train_counts={"a": 40, "b": 40})
    for counts, changes in (({"a": 40}, {}), ({"a": 40, "b": 40}, {"conditional": False})):
        with pytest.raises(FieldErrors, match="needs two classes"):
            rules.check(settings.model_copy(update=changes), size=32, train_counts=counts)


# -- no adversary ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [name for name, recipe in RECIPES.items() if not TRAITS[recipe.config.family].losses])
def test_what_belongs_to_a_d_is_refused_without_one(name):
    settings = RECIPES[name].config
    assert not rules.check_family(settings)
    for field, value in (("augment", "translation"), ("d_steps", 3), ("penalty", "r1"), ("lecam", 0.1)):
        errors = rules.check_family(settings.model_copy(update={field: value}))
        assert list(errors) == [field] and "has no discriminator: set" in errors[field]
    with pytest.raises(FieldErrors):
        changed = settings.model_copy(update={"augment": "translation", "batch": 8})
        rules.check(changed, size=32, train_counts={"a": 40, "b": 40})


def test_clusters_are_drawn_like_any_generator(tiny):
    state = fresh(tiny("kmeans", width=4))
    state.G.partial_fit(*toy_batch())
    images = sampling.draw(state.G_ema, np.arange(6) % 3, z_dim=8, size=32, seed=0)
    assert images.shape == (6, 32, 32, 1)


def test_the_collapse_monitor_works_without_a_discriminator(tmp_path):
    from gan_core.evaluation.collapse.monitor import CollapseMonitor, Options
    from gan_core.evaluation.collapse.reference import Reference
    from gan_core.evaluation.features.extractors import Features
    from gan_core.evaluation.inputs import Labeled, RealImages

    pictures, labels = toy_images(96, 32, 1, 3)
    logits = np.eye(3, dtype=np.float32)
    see = lambda images: Features(
        images.reshape(len(images), -1)[:, :8].astype(np.float32),
        logits[((images.reshape(len(images), -1).mean(1) - 40) / 80).round().astype(int).clip(0, 2)],
    )
    reference = Reference.build(see(pictures), labels, see(pictures), labels, 3, 1.0, [1.0] * 3, n_train=96)
    real = RealImages(*[Labeled(pictures, labels)] * 3, ["a", "b", "c"])
    monitor = CollapseMonitor(reference, see, tmp_path, real, Options(8, 0, 96))
    row = monitor.check(lambda z, y: pictures[np.searchsorted(labels, y)], None, 10_000, 1.0)
    assert row["values"]["d_overfit"] is None and row["values"]["agreement"] is not None
