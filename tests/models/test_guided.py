"""A discriminator that also looks with a classifier's layers: they come from the classifier, stay fixed, and count."""

import pytest
import torch

from gan_core.data.dataset import ImageSet
from gan_core.errors import FieldErrors
from gan_core.evaluation.classifier import FitOptions, fit
from gan_core.jobs.handlers.train import guiding_layers
from gan_core.models.guided import GuidedDiscriminator
from gan_core.settings.rules import check
from gan_core.settings.schema import build
from gan_core.training import checkpoint, loop, step
from gan_core.training.hooks import Hooks
from tests.builders.toy_images import toy_images

CPU = torch.device("cpu")
never = lambda: False


def fresh(config, size=28, classes=3, channels=1):
    return step.new_state(config, size=size, channels=channels, num_classes=classes, device=CPU)


@pytest.fixture(scope="module")
def layers():
    images, labels = toy_images(60, 28, 1, 3)
    return fit(images, labels, 3, FitOptions(10)).network.body.state_dict()


@pytest.mark.parametrize("size, channels", [(28, 1), (32, 3), (64, 3), (128, 3)])
def test_it_takes_the_layers_of_a_classifier_of_its_size_and_sees_what_that_sees(tiny, size, channels):
    images, labels = toy_images(30, size, channels, 3)
    classifier = fit(images, labels, 3, FitOptions(3))
    D = fresh(tiny(guide=True), size, channels=channels).D
    D.load_classifier(classifier.network.body.state_dict())
    pixels = torch.from_numpy(images[:4]).permute(0, 3, 1, 2)
    seen = D.trunk(classifier.network.prepare(pixels))
    x = pixels.float() / 127.5 - 1
    x = torch.nn.functional.pad(x, (D.edge,) * 4, mode="replicate")
    mine = x[..., D.edge : x.shape[-1] - D.edge, D.edge : x.shape[-1] - D.edge]
    mine = torch.nn.functional.avg_pool2d(mine, D.shrink)
    assert torch.allclose(D.trunk(mine), seen, atol=1e-2)
    with torch.no_grad():
        features = classifier.network.body[: len(D.trunk) // 2 * 3](classifier.network.prepare(pixels))
    assert torch.allclose(seen, features, atol=1e-5)


def test_the_layers_stay_as_they_are_while_the_rest_learns(tiny, layers):
    config = tiny(guide=True)
    state = fresh(config)
    state.D.load_classifier(layers)
    before = {name: value.clone() for name, value in state.D.state_dict().items()}
    for _ in range(3):
        step.train_step(state, torch.rand(16, 1, 32, 32) * 2 - 1, torch.arange(16) % 3, config)
    moved = {name for name, value in state.D.state_dict().items() if not torch.equal(value, before[name])}
    assert not any(name.startswith("trunk") for name in moved)
    assert {"mix.weight", "head.weight", "embed.weight", "D.head.weight"} <= moved


def test_what_the_classifier_cannot_see_changes_only_the_other_part(tiny, layers):
    D = fresh(tiny(guide=True)).D.eval()
    D.load_classifier(layers)
    x, y = torch.rand(2, 1, 32, 32), torch.tensor([0, 1])
    edged = x.clone()
    edged[..., 0, :] = -1  # the border that 28 px were padded by
    assert torch.equal(D.guidance_logits(x, y), D.guidance_logits(edged, y))
    assert not torch.allclose(D(x, y), D(edged, y))
    assert not torch.allclose(D.guidance_logits(x, y), D.guidance_logits(x, y + 1))


def test_a_set_without_labels_is_not_guided(tiny):
    assert not isinstance(fresh(tiny(guide=True), classes=1).D, GuidedDiscriminator)
    assert isinstance(fresh(tiny(guide=True)).D, GuidedDiscriminator) and not isinstance(
        fresh(tiny(guide=False)).D, GuidedDiscriminator
    )


@pytest.mark.slow
def test_a_stopped_and_resumed_guided_run_equals_the_whole_one(tiny, tmp_path, layers):
    images, labels = toy_images(48, 28, 1, 3)
    config = tiny(guide=True, epochs=4.0)

    def run(folder, stop_after=10**9, guide=lambda: layers):
        folder.mkdir(exist_ok=True)
        calls = [0]

        def should_stop():
            calls[0] += 1
            return calls[0] > stop_after

        quiet = lambda _: None
        hooks = Hooks(should_stop=should_stop, log=quiet, guide_weights=guide)
        loop.train(config, ImageSet(images, labels, ["a", "b", "c"]), folder, hooks)
        return checkpoint.newest(folder / "checkpoints")[0]

    whole = run(tmp_path / "whole")
    run(tmp_path / "parts", stop_after=4)
    never_again = lambda: pytest.fail("a resumed run has its layers in the checkpoint")
    parts = run(tmp_path / "parts", guide=never_again)
    for name, value in whole["D"].items():
        assert torch.equal(value, parts["D"][name]), name
    factor = layers["1.weight"] / (layers["1.running_var"] + 1e-5).sqrt()  # of the batch norm that was folded away
    assert torch.allclose(whole["D"]["trunk.0.weight"], layers["0.weight"] * factor[:, None, None, None])


@pytest.mark.slow
def test_the_guide_is_another_classifier_than_the_dataset_classifier():
    images, labels = toy_images(40, 28, 1, 2)
    said = []
    mine = guiding_layers(ImageSet(images, labels, ["a", "b"]), 0, "cpu", said.append, never)
    other = fit(images, labels, 2, FitOptions(2)).network.body.state_dict()
    assert mine.keys() == other.keys() and not torch.equal(mine["0.weight"], other["0.weight"])
    assert "guides D" in said[0]


def test_networks_that_cannot_be_guided_say_so():
    with pytest.raises(FieldErrors, match="cannot be guided by a classifier"):
        config = build({"family": "dcgan", "guide": True, "loss": "hinge", "penalty": "none", "batch": 8})
        check(config, size=32, train_counts={"a": 50, "b": 50})
