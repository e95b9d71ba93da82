"""The small classifier: it learns, it is a function of its arguments, and it leaves everything else as it was."""

import numpy as np
import pytest
import torch

from gan_core.errors import Stopped, UserError
from gan_core.evaluation import classifier, classifier_augment
from gan_core.evaluation.classifier import Classifier, FitOptions, fit
from gan_core.evaluation.inputs import Progress
from tests.builders.toy_images import toy_images

torch.set_num_threads(1)


@pytest.fixture(scope="module")
def toy():
    return toy_images(120, 12, 1, 3)


@pytest.fixture(scope="module")
def trained(toy):
    return fit(*toy, 3, FitOptions(30, 32))


def same(a: Classifier, b: Classifier) -> bool:
    return a.to_bytes() == b.to_bytes()


def test_it_learns_and_gives_features(trained):
    images, labels = toy_images(300, 12, 1, 3, seed=9)
    features, logits = trained.classify(images)
    assert features.shape == (300, 128) and logits.shape == (300, 3)
    assert features.dtype == logits.dtype == np.float32 and (features >= 0).all()
    assert (logits.argmax(1) == labels).mean() > 0.98
    with pytest.raises(ValueError):
        trained.classify(images[:, :11])


@pytest.mark.parametrize("size, channels", [(8, 1), (28, 1), (32, 3), (64, 3), (80, 1)])
def test_sizes_and_colours(size, channels):
    images, labels = toy_images(12, size, channels, 2)
    found = fit(images, labels, 2, FitOptions(2, 8, augment="classical", flips=True))
    assert found.classify(images).features.shape == (12, 128)
    assert found.network.side == min(size, 64)


def test_grey_repeated_to_three_channels_is_the_same_image(trained, toy):
    pixels = torch.from_numpy(toy[0][:4]).permute(0, 3, 1, 2)
    torch.testing.assert_close(trained.network(pixels.expand(-1, 3, -1, -1))[0], trained.network(pixels)[0])


@pytest.mark.slow
def test_same_arguments_same_classifier_and_nothing_else_changes(toy, trained):
    torch.manual_seed(5)
    np.random.seed(5)
    torch_before, numpy_before = torch.random.get_rng_state(), np.random.get_state()[1].copy()
    with torch.no_grad():
        again = fit(*toy, 3, FitOptions(30, 32))
        assert not torch.is_grad_enabled()
    with torch.inference_mode():
        once_more = fit(*toy, 3, FitOptions(30, 32, augment="none"))
    assert same(again, trained) and same(once_more, trained)
    assert torch.equal(torch.random.get_rng_state(), torch_before)
    assert (np.random.get_state()[1] == numpy_before).all()
    assert not same(fit(*toy, 3, FitOptions(30, 32, seed=1)), trained)


def test_several_arrays_are_one_and_memmaps_are_read(toy, trained, tmp_path):
    images, labels = toy
    np.save(tmp_path / "a.npy", images[:50])
    np.save(tmp_path / "b.npy", images[50:])
    parts = [np.load(tmp_path / name, mmap_mode="r") for name in ("a.npy", "b.npy")]
    assert same(fit(parts, labels, 3, FitOptions(30, 32)), trained)


def test_weights_say_how_often_a_row_is_shown():
    shown = np.array([1.0, 0.0, 3.0, 4.0])
    rows = classifier.order(shown, 3000, np.random.default_rng(0))
    counts = np.bincount(rows, minlength=4)
    assert counts[1] == 0 and np.abs(counts - 3000 * shown / 8).max() <= 1000 * 0.5
    assert abs(counts[3] / 3000 - 0.5) < 0.05
    epoch = classifier.order(np.ones(7), 14, np.random.default_rng(0))
    assert sorted(epoch[:7]) == sorted(epoch[7:]) == list(range(7))
    for bad in (np.zeros(3), np.array([1.0, -1.0]), np.array([np.nan])):
        with pytest.raises(ValueError):
            classifier.order(bad, 3, np.random.default_rng(0))


def test_balanced_shows_a_rare_class_as_often(monkeypatch):
    images, labels = toy_images(40, 8, 1, 2)
    keep = np.concatenate([np.flatnonzero(labels == 0)[:4], np.flatnonzero(labels == 1)])
    seen = []
    gather = classifier.gather
    monkeypatch.setattr(classifier, "gather", lambda parts, rows: (seen.append(rows), gather(parts, rows))[1])
    fit(images[keep], labels[keep], 2, FitOptions(10, 24, balanced=True))
    share = np.concatenate([labels[keep][rows] for rows in seen]).mean()
    assert abs(share - 0.5) < 0.02 and len(seen) == 10


def test_a_file_keeps_all_and_a_damaged_one_is_refused(trained, toy, tmp_path):
    trained.notes["fact"] = "ä"
    path = tmp_path / "c.safetensors"
    digest = trained.save(path)
    found = Classifier.load(path)
    assert found.notes == trained.notes and len(digest) == 8 and found.save(tmp_path / "d.safetensors") == digest
    np.testing.assert_array_equal(found.classify(toy[0]).logits, trained.classify(toy[0]).logits)
    whole = path.read_bytes()
    bad = torch.nn.Linear(1, 1).weight.detach()
    foreign = classifier.safetensors.torch.save({"a": bad}, {"ganvas_classifier": "{}"})
    for data in (b"", b"x" * 50, whole[:-9], whole[: len(whole) // 2], whole.replace(b"size", b"sise"), foreign):
        path.write_bytes(data)
        with pytest.raises(UserError) as refused:
            Classifier.load(path)
        assert refused.value.code == "bad_weights"
    with pytest.raises(UserError):
        Classifier.load(tmp_path / "gone")


def test_stop_and_progress(toy):
    shares: list[float] = []
    fit(*toy, 3, FitOptions(20, 8), Progress(lambda share, text: shares.append(share)))
    assert shares == [0.5, 1.0]
    with pytest.raises(Stopped):
        fit(*toy, 3, FitOptions(20, 8), Progress(should_stop=lambda: True))
    with pytest.raises(Stopped):
        fit(*toy, 3, FitOptions(2, 8)).classify(toy[0], should_stop=lambda: True)


def test_augmentation_keeps_shape_and_range_and_is_repeatable():
    x = torch.rand(64, 3, 16, 16, generator=torch.Generator().manual_seed(0)) * 2 - 1
    new = lambda policy, seed=0, **flips: classifier_augment.augmented(
        x, policy, torch.Generator().manual_seed(seed), **flips
    )
    assert new("none") is x
    for policy in ("light", "classical", "strong"):
        assert new(policy).shape == x.shape and new(policy).abs().max() <= 1.0001
        assert torch.equal(new(policy), new(policy)) and not torch.equal(new(policy), new(policy, 1))
        assert not torch.equal(new(policy), x)
    mirrored = new("none", flips=True)
    is_mirrored = (mirrored == x.flip(3)).flatten(1).all(1)
    assert 10 < is_mirrored.sum() < 54 and torch.equal(mirrored[~is_mirrored], x[~is_mirrored])
    flat = classifier_augment.augmented(
        torch.full((400, 1, 16, 16), 0.9), "classical", torch.Generator().manual_seed(0)
    )
    erased = (flat == 0).flatten(1).any(1).float().mean()
    assert 0.15 < erased < 0.35
    grey = torch.full((8, 3, 16, 16), 0.1)
    tint = lambda policy: (lambda found: (found[:, 0] - found[:, 1]).abs().max())(
        classifier_augment.augmented(grey, policy, torch.Generator().manual_seed(0))
    )
    assert tint("classical") < 1e-6 < tint("strong") <= 0.2


def test_the_grid_of_an_augmentation_is_that_of_torch_and_its_input_stays_as_it_is():
    random = torch.Generator().manual_seed(0)
    matrices, x = torch.randn(8, 2, 3, generator=random), torch.rand(8, 3, 12, 12, generator=random)
    theirs = torch.nn.functional.affine_grid(matrices, [8, 3, 20, 28], align_corners=False)
    assert torch.allclose(classifier_augment.affine_grid(matrices, 20, 28), theirs, atol=1e-6)
    before = x.clone()
    for policy in ("none", "light", "classical", "strong"):
        changed = classifier_augment.augmented(x, policy, random)
        assert torch.equal(x, before) and torch.equal(changed, x) == (policy == "none")


def test_classes_are_computed_without_tf32(trained, toy, monkeypatch):
    seen, original = [], trained.network.forward

    def forward(pixels):
        seen.append((torch.get_float32_matmul_precision(), torch.backends.cudnn.allow_tf32))
        return original(pixels)

    monkeypatch.setattr(trained.network, "forward", forward)
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("high")  # as training sets it on a GPU
    try:
        trained.classify(toy[0][:4])
        assert seen == [("highest", False)] and torch.get_float32_matmul_precision() == "high"
    finally:
        torch.set_float32_matmul_precision(before)
