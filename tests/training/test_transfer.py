"""Starting from another run's weights, with D's first layers frozen."""

import json

import numpy as np
import pytest
import torch

from gan_core import actions
from gan_core.data.dataset import ImageSet
from gan_core.errors import FieldErrors, UserError
from gan_core.jobs import worker
from gan_core.jobs.handlers import handler
from gan_core.jobs.queue import Watch
from gan_core.models import Spec
from gan_core.models.layers import ClassEmbedding
from gan_core.settings.families import TRAITS
from gan_core.settings.rules import SHAPING
from gan_core.storage.workspace import read_json
from gan_core.training import checkpoint, freeze, loop, published, step, transfer
from gan_core.training.hooks import Hooks
from tests.builders import published_files
from tests.builders.published_files import Network, write_pickle
from tests.builders.toy_images import toy_images

CPU = torch.device("cpu")
CONVOLUTIONAL = [family for family, facts in TRAITS.items() if facts.game == "adversarial" and family != "mlp"]


def fresh(config, classes=3, size=None):
    size = size or TRAITS[config.family].sizes[0]
    return step.new_state(config, size=size, channels=1, num_classes=classes, device=CPU)


def train_some(state, config, steps=2):
    size = Spec.of(config, size=TRAITS[config.family].sizes[0], channels=1, num_classes=3).size
    for _ in range(steps):
        labels = torch.arange(8) % 3
        step.train_step(state, torch.rand(8, 1, size, size) * 2 - 1, labels, config)


def values_of(state, folder):
    state.images_seen = state.images_seen or 8
    checkpoint.save(folder, state, {"classes": ["a", "b", "c"], "size": 28})
    return checkpoint.newest(folder)[0]


def test_g_and_its_average_begin_with_the_others_average_and_d_with_its_d(tiny, tmp_path):
    config, said = tiny(ema_images=1000, lr_G=1e-2), []
    other = fresh(config)
    train_some(other, config, 3)
    values = values_of(other, tmp_path)
    assert any(not torch.equal(a, b) for a, b in zip(values["G"].values(), values["G_ema"].values(), strict=True))
    state = fresh(tiny(seed=1))
    transfer.load_weights_from(state, values, said.append)
    for net, weights in ((state.G, "G_ema"), (state.G_ema, "G_ema"), (state.D, "D")):
        assert all(torch.equal(tensor, values[weights][name]) for name, tensor in net.state_dict().items())
    assert state.images_seen == 0 and not state.opt_G.state_dict()["state"] and "fresh" not in said[0]


@pytest.mark.parametrize("family", CONVOLUTIONAL)
def test_labels_of_another_number_of_classes_stay_fresh_and_the_log_says_so(tiny, tmp_path, family):
    config, said = tiny(family=family), []
    values = values_of(fresh(config), tmp_path)
    state = fresh(tiny(family=family, seed=1), classes=5)
    before = {name: tensor.clone() for name, tensor in state.D.state_dict().items()}
    transfer.load_weights_from(state, values, said.append)
    after = state.D.state_dict()
    kept = [name for name in after if torch.equal(after[name], before[name])]
    fitting = [name for name in after if after[name].shape == values["D"][name].shape]
    assert all(torch.equal(after[name], values["D"][name]) for name in fitting)
    for name in set(after) - set(fitting):
        assert name in kept and name in said[0]


def test_labels_that_had_not_come_in_yet_count_from_the_start(tiny, tmp_path):
    config = tiny(label_start=0.5, label_full=1.0)
    other = fresh(config)
    train_some(other, config)
    values = values_of(other, tmp_path)
    assert values["D"]["embed.share"] == 0
    state = fresh(tiny())
    transfer.load_weights_from(state, values, lambda text: None)
    shares = [
        m.share for net in (state.G, state.D, state.G_ema) for m in net.modules() if isinstance(m, ClassEmbedding)
    ]
    assert shares and all(share == 1 for share in shares)


@pytest.mark.parametrize("change", [{"width": 32}, {"z_dim": 16}, {"family": "dcgan28"}])
def test_weights_of_another_shape_are_one_sentence(tiny, tmp_path, change):
    values = values_of(fresh(tiny(), size=28), tmp_path)
    with pytest.raises(UserError, match="of other networks"):
        transfer.load_weights_from(fresh(tiny(**change), size=28), values, lambda text: None)


def test_every_setting_that_shapes_networks_is_compared_before_the_job():
    assert {field for field in Spec.__dataclass_fields__} - {"size", "channels", "num_classes"} <= set(SHAPING)


# -- frozen layers -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("family", CONVOLUTIONAL)
def test_the_first_layers_stay_and_the_others_learn(tiny, family):
    config = tiny(family=family, freeze_d=1, start_from="r" + "0" * 16, spectral_norm=True)
    state = fresh(config)
    spec = Spec.of(config, size=TRAITS[family].sizes[0], channels=1, num_classes=3)
    frozen = [p for p in state.D.parameters() if not p.requires_grad]
    # What is fixed is what a pass meets first: the parameters of the first convolution of the same net unfrozen.
    whole = fresh(tiny(family=family, spectral_norm=True)).D
    first = freeze.convolutions(whole, spec)[0]
    fixed_names = {name for name, p in whole.named_parameters() if any(p is q for q in first.parameters())}
    assert fixed_names and {n for n, p in state.D.named_parameters() if not p.requires_grad} >= fixed_names
    before = {name: p.clone() for name, p in state.D.named_parameters()}
    train_some(state, config, 2)
    after = dict(state.D.named_parameters())
    assert all(torch.equal(before[name], after[name]) for name in fixed_names)
    assert all(not p.requires_grad for p in frozen)
    assert any(not torch.equal(before[name], after[name]) for name in before.keys() - fixed_names)
    assert {id(p) for group in state.opt_D.param_groups for p in group["params"]}.isdisjoint(map(id, frozen))


def test_looking_for_the_layers_leaves_the_run_as_it_was(tiny):
    spec = Spec.of(tiny(), size=28, channels=1, num_classes=3)
    D = fresh(tiny(spectral_norm=True)).D
    before, random = {k: v.clone() for k, v in D.state_dict().items()}, torch.get_rng_state()
    assert len(freeze.convolutions(D, spec)) > 1
    assert D.training and torch.equal(random, torch.get_rng_state())
    assert all(torch.equal(before[k], v) for k, v in D.state_dict().items())
    assert not any(module._forward_pre_hooks for module in D.modules())


def test_more_layers_than_there_are_is_refused(tiny):
    with pytest.raises(UserError, match="too many"):
        fresh(tiny(freeze_d=60, start_from="r" + "0" * 16))


# -- the job -----------------------------------------------------------------------------------------------------------


def do(context, job):
    return handler(job.kind)(context.store, context.workspace, job, Watch(context.store, job))


@pytest.fixture
def trained(context, toy_dataset, tiny):
    job = actions.train(context, toy_dataset, tiny(epochs=1.0))
    assert worker.carry_out(context.store, context.workspace, job, Watch(context.store, job)) == "finished"
    return job.subject


@pytest.mark.slow
def test_a_run_starts_from_the_other_and_resumes_from_itself(context, toy_dataset, tiny, trained):
    settings = tiny(epochs=3.0, start_from=trained, freeze_d=1)
    job = actions.train(context, toy_dataset, settings)
    folder = context.workspace.run(job.subject)
    other = checkpoint.newest(context.workspace.run(trained) / "checkpoints")[0]
    do(context, job)
    assert "Started from the weights of another run" in (folder / "log.txt").read_text()
    mine = checkpoint.newest(folder / "checkpoints")[0]
    first = [name for name in mine["D"] if torch.equal(mine["D"][name], other["D"][name])]
    assert any(name.endswith("weight") for name in first)  # the frozen layer is the other's
    for path in (context.workspace.run(trained) / "checkpoints").iterdir():
        path.unlink()
    do(context, job)  # has a checkpoint of its own now: the other is not asked
    assert "Resumed at 192" in (folder / "log.txt").read_text()


@pytest.mark.slow
def test_resumed_it_equals_the_whole_one_bit_for_bit(tiny, tmp_path):
    config = tiny(epochs=4.0, start_from="r" + "0" * 16, freeze_d=2, ema_images=100, spectral_norm=True)
    values = values_of(fresh(tiny(seed=5, spectral_norm=True), size=28), tmp_path / "other")
    images, labels = toy_images(48, 28, 1, 3)

    def run(folder, stop_after):
        folder.mkdir(exist_ok=True)
        calls = iter(range(1000))
        stop = lambda: next(calls) >= stop_after
        said = lambda text: None
        hooks = Hooks(should_stop=stop, log=said, start_weights=lambda: values)
        loop.train(config, ImageSet(images, labels, ["a", "b", "c"]), folder, hooks)
        return checkpoint.newest(folder / "checkpoints")[0]

    whole = run(tmp_path / "whole", 999)
    run(tmp_path / "parts", 5)
    torch.manual_seed(999)
    parts = run(tmp_path / "parts", 999)
    assert whole["images_seen"] == parts["images_seen"] == 192
    for net in ("G", "D", "G_ema"):
        assert all(torch.equal(tensor, parts[net][name]) for name, tensor in whole[net].items())
    first, second = (v["opt_D"]["state"] for v in (whole, parts))
    assert first.keys() == second.keys() and all(torch.equal(first[k]["exp_avg"], second[k]["exp_avg"]) for k in first)


@pytest.mark.parametrize(
    "changes, said",
    [
        ({"width": 32}, "network width 16 instead of 32"),
        ({"z_dim": 9}, "latent dimensions 8 instead of 9"),
        ({"condition": "concat"}, "projection instead of concat"),
        ({"spectral_norm": True}, "spectral norm in d False instead of True"),
    ],
)
def test_what_differs_is_named_before_anything_is_queued(context, toy_dataset, tiny, trained, changes, said):
    runs = len(context.store.runs())
    with pytest.raises(FieldErrors) as caught:
        actions.train(context, toy_dataset, tiny(start_from=trained, **changes))
    assert said in caught.value.fields["start_from"] and len(context.store.runs()) == runs


def test_other_sizes_and_colours_are_named_too(context, toy_dataset, tiny, trained, workspace):
    folder = workspace.dataset(toy_dataset)
    text = (folder / "dataset.json").read_text()
    copy = workspace.dataset("d" + "5" * 16)
    copy.mkdir()
    (copy / "dataset.json").write_text(text.replace('"size": 32', '"size": 64').replace('"mode": "L"', '"mode": "RGB"'))
    np.save(copy / "train_images.npy", np.zeros((60, 64, 64, 3), np.uint8))
    context.store.add_dataset(copy.name, "Larger")
    with pytest.raises(FieldErrors, match="images of 32 px instead of 64, grey images instead of colour ones"):
        actions.train(context, copy.name, tiny(start_from=trained))


def test_a_start_that_is_not_there(context, toy_dataset, tiny, trained):
    for name, said in (
        ("r" + "9" * 16, "no such run"),
        ("nonsense", "no such run"),
        ("../../etc", "absolute"),
        ("/no/w.pkl", "no file"),
    ):
        with pytest.raises(FieldErrors, match=said):
            actions.train(context, toy_dataset, tiny(start_from=name))
    with pytest.raises(FieldErrors, match="frozen usefully"):
        actions.train(context, toy_dataset, tiny(freeze_d=1))


@pytest.fixture
def colour_dataset(context, toy_dataset, workspace):
    """The id of 24 colour images of 32 px in three classes."""
    folder = workspace.dataset("d" + "6" * 16)
    folder.mkdir()
    text = (workspace.dataset(toy_dataset) / "dataset.json").read_text()
    (folder / "dataset.json").write_text(text.replace('"mode": "L"', '"mode": "RGB"'))
    for split, count in (("train", 60), ("test", 12)):
        images, labels = toy_images(count, 32, 3, 3, seed=2)
        np.save(folder / f"{split}_images.npy", images)
        np.save(folder / f"{split}_labels.npy", labels)
    context.store.add_dataset(folder.name, "In colour")
    return folder.name


def published_file(path, **shape):
    return write_pickle(path, {name: Network(weights) for name, weights in published_files.r3gan(**shape).items()})


@pytest.mark.slow
def test_a_run_starts_from_published_weights_and_says_what_it_took(context, colour_dataset, tiny, tmp_path):
    path = published_file(tmp_path / "network-snapshot.pkl")
    job = actions.train(context, colour_dataset, tiny(family="r3gan", width=32, epochs=1.0, start_from=str(path)))
    folder = context.workspace.run(job.subject)
    do(context, job)
    report = read_json(folder / loop.START_FILE)
    assert report["layout"] == "R3GAN" and report["G"]["share"] == 1 and report["G"]["fresh"]
    assert report["sentence"] in (folder / "log.txt").read_text()
    events = [json.loads(line) for line in (folder / "events.jsonl").read_text().splitlines()]
    assert (events[0]["kind"], events[0]["text"], events[0]["images_seen"]) == ("notice", report["sentence"], 0)
    path.unlink()
    do(context, job)  # has a checkpoint of its own now: the file is not read again
    assert "Resumed at" in (folder / "log.txt").read_text()


def test_a_published_file_that_does_not_fit_fails_the_run_in_a_sentence(context, colour_dataset, tiny, tmp_path):
    path = published_file(tmp_path / "network-snapshot.pkl", width=64)
    job = actions.train(context, colour_dataset, tiny(family="r3gan", width=32, start_from=str(path)))
    assert worker.carry_out(context.store, context.workspace, job, Watch(context.store, job)) == "failed"
    error = context.store.job(job.id).error
    assert error["code"] == "other_shape" and "width to 64" in error["todo"]


def test_a_refined_run_starts_its_small_networks_from_published_weights(tiny, tmp_path):
    config = tiny(family="r3gan", width=32, train_size=32)
    state = step.new_state(config, size=64, channels=3, num_classes=3, device=CPU)
    found = published.read_for(published_file(tmp_path / "a.pkl"), config, config.train_size, 3)
    report = transfer.load_weights_from(state, found, lambda text: None)
    assert report["G"]["share"] == 1
    assert torch.equal(state.G.small.to_image.weight, found.G["Model.AggregationLayer.Layer.weight"])
