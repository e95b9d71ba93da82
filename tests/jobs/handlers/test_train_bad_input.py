"""Bad input to training: one sentence before anything is queued, or a failed job that lost nothing."""

import copy
import json

import numpy as np
import pytest
import torch

from gan_core import actions
from gan_core.data.dataset import DatasetInfo, write_info
from gan_core.errors import FieldErrors
from gan_core.generation import sampling
from gan_core.jobs import worker
from gan_core.jobs.queue import Watch
from gan_core.settings.families import LOSSES, TRAITS
from gan_core.storage.workspace import new_id
from gan_core.training import checkpoint, cuda_graph
from tests.builders.toy_images import toy_images

pytestmark = pytest.mark.slow


@pytest.fixture
def dataset_of(workspace, store):
    """dataset_of(classes, each, size) -> the id of a set of tones."""

    def make(classes: int, each: int, size: int = 32) -> str:
        folder = workspace.dataset(new_id("dataset"))
        folder.mkdir()
        for split, count in (("train", classes * each), ("test", classes)):
            images, labels = toy_images(count, size, 1, classes)
            np.save(folder / f"{split}_images.npy", images)
            np.save(folder / f"{split}_labels.npy", labels)
        names = [f"class {number}" for number in range(classes)]
        info = DatasetInfo(
            "Tones", size, "L", "crop", names, [each] * classes, [1] * classes, {"kind": "test"}, 0, {}, [], []
        )
        write_info(folder, info)
        store.add_dataset(folder.name, "Tones")
        return folder.name

    return make


def carry_out(context, job):
    worker.carry_out(context.store, context.workspace, job, Watch(context.store, job))
    return context.store.job(job.id)


def refused(context, dataset, settings, field):
    """The one sentence about that field; nothing was queued and no run was made."""
    with pytest.raises(FieldErrors) as caught:
        actions.train(context, dataset, settings)
    assert not context.store.runs() and not context.store.jobs(kind="train")
    assert not list((context.workspace.root / "runs").iterdir())
    text = caught.value.fields[field]
    assert text.endswith(".") and "\n" not in text
    return text


@pytest.mark.parametrize("family", [f for f, facts in TRAITS.items() if len(facts.sizes) < 5])
def test_a_size_that_the_networks_cannot_do(context, dataset_of, tiny, family):
    size = next(size for size in (256, 128, 64, 28) if size not in TRAITS[family].sizes)
    said = refused(context, dataset_of(2, 20, size), tiny(family=family), "family")
    assert f"this dataset is {size} px" in said and str(TRAITS[family].sizes[0]) in said


@pytest.mark.parametrize(
    "family, loss",
    [(f, next(l for l in LOSSES if l not in facts.losses)) for f, facts in TRAITS.items() if 0 < len(facts.losses) < 6],
)
def test_a_loss_that_the_networks_cannot_use(context, dataset_of, tiny, family, loss):
    facts = TRAITS[family]
    said = refused(context, dataset_of(2, 20, facts.sizes[0]), tiny(family=family, loss=loss, penalty="none"), "loss")
    assert facts.title in said and repr(loss) in said and facts.losses[0] in said


@pytest.mark.parametrize("family", [f for f, facts in TRAITS.items() if facts.losses and not facts.per_image])
def test_a_penalty_where_images_are_judged_by_their_batch(context, dataset_of, tiny, family):
    settings = tiny(family=family, penalty="r1", gamma=1.0)
    assert "choose the penalty 'none'" in refused(
        context, dataset_of(2, 20, TRAITS[family].sizes[0]), settings, "penalty"
    )


def test_one_class_is_a_set_like_any_other(context, dataset_of, tiny):
    job = carry_out(context, actions.train(context, dataset_of(1, 24), tiny(epochs=2.0)))
    assert job.state == "finished" and job.result["images_seen"] == 48


@pytest.mark.parametrize("condition", ["projection", "concat", "auxiliary"])
def test_two_hundred_classes_train_and_each_can_be_drawn(context, dataset_of, tiny, condition):
    settings = tiny(epochs=0.1, condition=condition)
    job = carry_out(context, actions.train(context, dataset_of(200, 5), settings))
    assert job.state == "finished", job.error
    values, _ = checkpoint.newest(context.workspace.run(job.subject) / "checkpoints")
    G = sampling.load_generator(
        settings, values["G_ema"], size=32, channels=1, num_classes=200, device=torch.device("cpu")
    )
    images = sampling.draw(G, np.arange(200), z_dim=settings.z_dim, size=32, seed=0)
    assert images.shape == (200, 32, 32, 1)


@pytest.mark.parametrize("family", [f for f, facts in TRAITS.items() if facts.batch_norm or facts.game == "cycle"])
def test_one_image_a_step_is_refused_where_a_step_compares_images(context, dataset_of, tiny, family):
    said = refused(context, dataset_of(2, 20, TRAITS[family].sizes[0]), tiny(family=family, batch=1), "batch")
    assert (
        "batch norm" if TRAITS[family].batch_norm else "class of another"
    ) in said and "(batch) to 2 or more" in said


def test_one_image_a_step_has_no_spread_to_tell_D(context, dataset_of, tiny):
    settings = tiny(family="stylegan2-lite", batch=1, minibatch_std=True)
    assert "(batch) to 2 or more, or switch it off" in refused(context, dataset_of(2, 20, 28), settings, "batch")


def learnt_by(net) -> dict[str, torch.Tensor]:
    """Its weights; of K-means, which has none, the centres."""
    return dict(net.named_parameters()) or net.state_dict()


ONE = [("quick", f) for f, facts in TRAITS.items() if not facts.batch_norm and facts.game != "cycle"]


@pytest.mark.parametrize("recipe, family", [*ONE, ("garbage-gan-128", "garbage128")])
def test_one_image_a_step_is_learnt_from_by_the_others(context, dataset_of, tiny, monkeypatch, recipe, family):
    first, original = [], cuda_graph.carry_out

    def watched(state, real, *rest):
        first.append((len(real), copy.deepcopy(learnt_by(state.G))))
        return original(state, real, *rest)

    monkeypatch.setattr(cuda_graph, "carry_out", watched)
    settings = tiny(recipe, family=family, batch=1, epochs=0.1)
    job = carry_out(context, actions.train(context, dataset_of(2, 20, TRAITS[family].sizes[0]), settings))
    assert job.state == "finished", job.error
    assert [count for count, _ in first] == [1] * 4
    learnt = checkpoint.newest(context.workspace.run(job.subject) / "checkpoints")[0]["G"]
    assert any(not torch.equal(learnt[name], was) for name, was in first[0][1].items()), "G stands still"


def test_batch_norm_never_meets_a_smaller_last_batch(context, dataset_of, tiny, monkeypatch):
    seen, original = [], cuda_graph.carry_out
    monkeypatch.setattr(
        cuda_graph, "carry_out", lambda state, real, *rest: (seen.append(len(real)), original(state, real, *rest))[1]
    )
    settings = tiny(family="dcgan28", batch=16, epochs=3.0)
    assert carry_out(context, actions.train(context, dataset_of(1, 17, 28), settings)).state == "finished"
    assert set(seen) == {16} and sum(seen) >= 51


def test_weights_of_another_shape_than_their_settings_say(context, dataset_of, tiny):
    dataset = dataset_of(2, 20)
    other = carry_out(context, actions.train(context, dataset, tiny(epochs=1.0))).subject
    with context.store.transaction() as db:  # a folder that somebody has changed by hand
        db.execute("UPDATE runs SET config = ?", (json.dumps(tiny(width=32).model_dump()),))
    job = carry_out(context, actions.train(context, dataset, tiny(width=32, start_from=other)))
    assert job.state == "failed" and job.error["code"] == "other_shape"
    assert job.error["what"].endswith(".") and job.error["todo"].startswith("Start from a run")


@pytest.mark.parametrize("net", ["G", "D"])
def test_nan_in_mid_run_stops_it_keeps_the_checkpoint_and_names_what_to_change(
    context, dataset_of, tiny, monkeypatch, net
):
    dataset = dataset_of(2, 24)
    first = actions.train(context, dataset, tiny(epochs=1.0))
    assert carry_out(context, first).state == "finished"
    folder = context.workspace.run(first.subject)
    good = checkpoint.newest(folder / "checkpoints")
    with context.store.transaction() as db:
        db.execute("UPDATE runs SET config = ?", (json.dumps(tiny(epochs=20.0).model_dump()),))
        db.execute("UPDATE jobs SET state = 'stopped'")
    original = cuda_graph.carry_out

    def poisoned(state, *rest):
        if state.images_seen >= 96:
            with torch.no_grad():
                next(getattr(state, net).parameters()).fill_(float("nan"))
        return original(state, *rest)

    monkeypatch.setattr(cuda_graph, "carry_out", poisoned)
    job = carry_out(context, actions.resume(context, first.subject))
    assert job.state == "failed" and job.error["code"] == "diverged"
    assert "learning rates" in job.error["todo"] and "penalty" in job.error["todo"]
    kept = checkpoint.newest(folder / "checkpoints")
    assert kept[1] == good[1] and all(torch.isfinite(p).all() for p in kept[0]["G"].values())
