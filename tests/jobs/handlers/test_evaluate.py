"""The measuring jobs whole: evaluate, utility, detect and the quality filter of an export, on a run of two tiny networks."""

import csv
import json

import numpy as np
import pytest
import torch
from PIL import Image

from gan_core import actions
from gan_core.data.dataset import DatasetInfo, write_info
from gan_core.errors import UserError
from gan_core.evaluation.inputs import Progress
from gan_core.evaluation.results import UtilityResult
from gan_core.export.quality_filter import EXPORT_TRUNCATION
from gan_core.jobs import queue, worker
from gan_core.jobs.handlers import utility as utility_handler
from gan_core.jobs.shared import evaluation_inputs, fill_classes
from gan_core.jobs.shared.evaluation_inputs import choose_networks
from gan_core.jobs.shared.fill_classes import Makers
from gan_core.jobs.shared.run_sampler import RunSampler
from gan_core.requests import DetectRequest, EvaluateRequest, ExportRequest, PreviewRequest, UtilityRequest
from gan_core.settings.recipes import RECIPES
from gan_core.settings.schema import build
from gan_core.storage import checkpoints, export_preview
from gan_core.storage.store import Store
from gan_core.storage.workspace import Workspace, new_id, write_json
from gan_core.training import checkpoint
from gan_core.training.step import new_state
from gan_core.views import evaluation_results
from tests.builders.toy_images import toy_images

pytestmark = pytest.mark.slow

SMALL = {"width": 16, "z_dim": 8, "batch": 16, "device": "cpu", "epochs": 2.0}


def do(context, job):
    """Carry a job out here; its result, or the UserError it failed with."""
    state = worker.carry_out(context.store, context.workspace, job, queue.Watch(context.store, job))
    ended = context.store.job(job.id)
    if state == "failed":
        raise UserError(ended.error["code"], ended.error["what"], ended.error["todo"])
    return ended.result


def dataset(context, classes, train=90, test=45):
    """Tones with noise, 28 px; returns its id."""
    id = new_id("dataset")
    folder = context.workspace.dataset(id)
    folder.mkdir()
    counts = {}
    for split, count in (("train", train), ("validation", test), ("test", test)):
        images, labels = toy_images(count, 28, 1, len(classes), seed=len(split))
        np.save(folder / f"{split}_images.npy", images)
        np.save(folder / f"{split}_labels.npy", labels)
        counts[split] = np.bincount(labels, minlength=len(classes)).tolist()
    facts = {"size": 28, "mode": "L", "fit": "crop", "source": {"kind": "test"}, "seed": 0, "health": {}}
    info = DatasetInfo(
        name="Tones",
        classes=classes,
        train_counts=counts["train"],
        validation_counts=counts["validation"],
        test_counts=counts["test"],
        rejected=[],
        notices=[],
        **facts,
    )
    write_info(folder, info)
    context.store.add_dataset(id, "Tones")
    return id


def trained(context, dataset_id, **changes):
    settings = build({**RECIPES["quick"].config.model_dump(), **SMALL, **changes})
    job = actions.train(context, dataset_id, settings)
    do(context, job)
    return job.subject


@pytest.fixture(scope="module")
def context(tmp_path_factory):
    workspace = Workspace(tmp_path_factory.mktemp("ws"))
    return actions.Context(Store(workspace), workspace, in_this_process=True)


@pytest.fixture(scope="module")
def run(context):
    return trained(context, dataset(context, ["dark", "grey", "bright"]))


@pytest.fixture(scope="module")
def evaluated(context, run):
    job = actions.evaluate(context, run, EvaluateRequest(samples=60, draws=2, extractor="efficientnet-lite0"))
    return job, do(context, job)


def folder_of(context, run, job):
    return context.workspace.run(run) / "evaluations" / job.id


def test_a_measurement_says_everything_that_must_stand_beside_a_score(context, run, evaluated):
    job, result = evaluated
    assert (result["n_real"], result["n_fake"], result["draws"]) == (60, 60, 2)
    assert result["extractor"] == "efficientnet-lite0" and len(result["weights"]) == 8
    assert {"against", "seed", "ema", "checkpoint", "resize", "images_seen", "floor", "caveats"} <= set(result)
    for key in ("frechet_distance", "kid", "precision", "recall", "density", "coverage"):
        assert result[key] is not None and result["floor"][key] is not None and len(result[f"{key}_ci"]) == 2
    assert set(result["per_class"]) == {"dark", "grey", "bright"}
    assert result["referee"]["n_test"] == 45 and result["referee"]["accuracy"] > 0.9
    assert np.sum(result["agreement"]["confusion"]) == 60
    assert result["collapse"]["verdict"] in ("ok", "amber", "red")
    assert 1 <= len(result["memorisation"]["pairs"]) <= 16  # each training image once, and these fakes are much alike
    assert (result["two_sample"] is None and "40" in result["absent"]["two_sample"]) or result["two_sample"][
        "n_test"
    ] > 0
    assert any("guided by a classifier" in text for text in result["caveats"])
    assert json.loads((folder_of(context, run, job) / "result.json").read_text()) == result


def test_the_pictures_behind_the_rows_lie_beside_it(context, run, evaluated):
    job, result = evaluated
    folder = folder_of(context, run, job)
    assert sorted(path.name for path in folder.iterdir()) == [
        "detector.npz",
        "images.npy",
        "result.json",
        "samples.npz",
    ]
    kept = evaluation_results.read_images(folder)
    assert kept is not None and len(evaluation_results.rows_of(kept, 0)) == sum(result["agreement"]["confusion"][0])
    text = evaluation_results.report(context.store, context.workspace, job)
    assert text.startswith("<!doctype html>") and "Frechet distance, EfficientNet-Lite0" in text


def test_measured_twice_the_features_come_from_the_cache_and_the_scores_are_the_same(
    context, run, evaluated, monkeypatch
):
    from gan_core.evaluation.features.extractors import Extractor

    def looked_again(*_, **__):
        raise AssertionError("the same images were looked at twice")

    monkeypatch.setattr(Extractor, "extract", looked_again)
    monkeypatch.setattr(Extractor, "batches", looked_again)
    again = do(
        context, actions.evaluate(context, run, EvaluateRequest(samples=60, draws=2, extractor="efficientnet-lite0"))
    )
    assert again == evaluated[1]


def test_the_referee_scores_under_its_own_name(context, run):
    result = do(context, actions.evaluate(context, run, EvaluateRequest(samples=60, draws=1, extractor="referee")))
    assert result["extractor"] == "referee" and "fid" not in result and result["frechet_distance"] is not None
    assert result["frechet_distance_ci"] is None


def test_missing_and_corrupt_weights_cost_the_scores_and_nothing_else(context, run, tmp_path, monkeypatch):
    from gan_core.evaluation.features import weights

    monkeypatch.setattr(weights, "INCEPTION_URL", "file:///nowhere")
    monkeypatch.setattr(weights.fetch_inception, "__defaults__", ("file:///nowhere",))
    (tmp_path / "weights.pth").write_bytes(b"t.")
    for named in ("", str(tmp_path / "weights.pth")):
        result = do(
            context,
            actions.evaluate(
                context, run, EvaluateRequest(samples=60, draws=2, extractor="inception-v3", weights=named)
            ),
        )
        assert result["fid"] is None and "weights" in result["absent"]["fid"]
        assert result["extractor"] == "inception-v3"
        assert all(row["n_fake"] and "variance_ratio" in row for row in result["per_class"].values())
        assert result["collapse"] and result["memorisation"] and result["agreement"] and result["referee"]


def test_against_the_held_out_split(context, run):
    result = do(
        context,
        actions.evaluate(context, run, EvaluateRequest(samples=40, draws=1, extractor="referee", against="test")),
    )
    assert result["n_real"] == 40 and result["floor"]["held_out"] is None and result["against"] == "test"


def test_one_class_and_no_held_out_images_cost_their_scores_and_nothing_else(context):
    lonely = trained(context, dataset(context, ["only"], train=60, test=0))
    result = do(
        context, actions.evaluate(context, lonely, EvaluateRequest(samples=60, draws=1, extractor="efficientnet-lite0"))
    )
    assert result["referee"] is None and result["agreement"] is None and "2 classes" in result["absent"]["referee"]
    assert result["frechet_distance"] is not None and result["collapse"] is not None
    assert result["memorisation"]["n_held_out"] == 0
    unjudged = do(context, actions.evaluate(context, lonely, EvaluateRequest(samples=60, extractor="referee")))
    assert unjudged["frechet_distance"] is None and "2 classes" in unjudged["absent"]["frechet_distance"]
    assert unjudged["extractor"] == "referee" and unjudged["memorisation"] is not None
    with pytest.raises(UserError, match="one class"):
        actions.utility(context, lonely)


def test_a_run_that_ignored_the_labels_has_no_table_per_class(context):
    unlabelled = trained(context, dataset(context, ["dark", "bright"]), conditional=False)
    result = do(
        context, actions.evaluate(context, unlabelled, EvaluateRequest(samples=60, draws=1, extractor="referee"))
    )
    assert result["per_class"] == {} and result["absent"]["per_class"] and result["agreement"] is None
    assert result["collapse"] is not None and result["frechet_distance"] is not None


@pytest.mark.slow
def test_utility_compares_the_arms(context, run):
    wanted = UtilityRequest(seeds=2, updates=2, methods={"classical": 1.0})
    result = do(context, actions.utility(context, run, wanted))
    assert set(result["arms"]) >= {"real", "classical", "baseline", "synthetic", "control", "synthetic_only"}
    assert result["protocol"] == 2 and result["runs"] == [run] and result["uses"] and result["baselines"]
    assert {arm.get("updates", 2) for arm in result["arms"].values()} == {2}  # the teacher has none
    assert result["verdict"] in ("helps", "no measurable gain") and result["n_test"] == 45
    assert list((context.workspace.run(run) / "utility").glob("*.json"))


def test_utility_refuses_fewer_images_than_the_generator_saw(context, run):
    with pytest.raises(UserError) as refused:
        actions.utility(context, run, UtilityRequest(shots=10))
    assert refused.value.code == "bad_shots"
    actions.utility(context, run, UtilityRequest(shots=10_000))
    actions.utility(context, run, UtilityRequest(shots=10, methods={"classical": 1.0}))


@pytest.mark.slow
def test_utility_takes_several_runs_of_one_or_several_draws(context, run, monkeypatch):
    monkeypatch.setattr(fill_classes, "CHECKS", ("copy",))  # these runs have learnt too little to pass the others
    home = context.store.run(run).dataset_id
    other_draw = dataset(context, ["dark", "grey", "bright"], train=60)
    unguided = {"guide": False, "epochs": 1.0}
    runs = tuple(
        trained(context, dataset, seed=seed, **unguided)
        for dataset, seed in ((home, 1), (other_draw, 0), (other_draw, 1))
    )
    result = do(context, actions.utility(context, run, UtilityRequest(seeds=2, updates=2, runs=runs)))
    assert (result["draws"], result["gan_seeds"], result["seeds"]) == (2, 2, 2) and result["runs"] == [run, *runs]
    assert len(result["arms"]["baseline"]["values"]) == 8
    assert f"The synthetic images: {result['gate_said']}" in result["caveats"]
    strangers = trained(context, dataset(context, ["dark", "grey", "bright"], test=30), **unguided)
    for others, code in ((runs[:2], "uneven_runs"), ((strangers,), "other_images")):
        with pytest.raises(UserError) as refused:
            actions.utility(context, run, UtilityRequest(runs=others))
        assert refused.value.code == code


def test_detect_scores_a_folder(context, run, evaluated, tmp_path):
    mixed = tmp_path / "mixed"
    mixed.mkdir()
    kept = np.load(folder_of(context, run, evaluated[0]) / "images.npy")
    reals = toy_images(20, 28, 1, 3, seed=77)[0]
    for i in range(20):
        Image.fromarray(kept[i, :, :, 0]).save(mixed / f"made-{i:02d}.png")
        Image.fromarray(reals[i, :, :, 0]).save(mixed / f"real-{i:02d}.png")
    (mixed / "notes.txt").write_text("not a picture")
    before = sorted(path.name for path in mixed.iterdir())
    job = actions.detect(context, run, DetectRequest(folder=str(mixed)))
    result = do(context, job)
    assert result["n"] == 40 and [row["file"] for row in result["rejected"]] == ["notes.txt"]
    right = sum((row["verdict"] == "generated") == row["file"].startswith("made") for row in result["rows"])
    assert right >= 30  # 20 by guessing; two epochs of training leave images that are easily told from real ones
    left = context.workspace.run(run) / "detections" / job.id
    assert [path.name for path in left.iterdir()] == ["scores.csv"]
    assert len(list(csv.DictReader((left / "scores.csv").open()))) == 40
    assert sorted(path.name for path in mixed.iterdir()) == before


def test_detect_refuses_what_it_cannot_do(context, run, evaluated, tmp_path):
    with pytest.raises(UserError, match="no folder"):
        actions.detect(context, run, DetectRequest(folder=str(tmp_path / "nowhere")))
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError) as refused:
        do(context, actions.detect(context, run, DetectRequest(folder=str(tmp_path / "empty"))))
    assert refused.value.code == "no_images"
    fresh = trained(context, context.store.run(run).dataset_id)
    with pytest.raises(UserError, match="no detector"):
        actions.detect(context, fresh, DetectRequest(folder=str(tmp_path)))


def test_copies_stop_an_export_and_the_user_may_overrule(context, run, monkeypatch):
    train, _, _ = evaluation_inputs.splits(context.workspace.dataset(context.store.run(run).dataset_id))

    def copier(self, labels, *, seed, start=0, truncation=1.0):
        rows = [np.flatnonzero(train.labels == label)[(start + i) % 30] for i, label in enumerate(labels)]
        return np.asarray(train.images[np.array(rows)])

    assert do(context, actions.export(context, ExportRequest(run=run, balance=60, checks=["label"])))["copying"] in (
        "ok",
        "amber",
    )
    monkeypatch.setattr(RunSampler, "draw", copier)
    with pytest.raises(UserError) as refused:
        do(context, actions.export(context, ExportRequest(run=run, balance=60, checks=["label"])))
    assert refused.value.code == "copies" and "--no-gate" in refused.value.todo
    assert not list((context.workspace.root / "staging").iterdir())
    assert (
        do(context, actions.export(context, ExportRequest(run=run, balance=60, checks=["label"], check_copies=False)))[
            "copying"
        ]
        == "not checked"
    )
    assert (
        do(context, actions.evaluate(context, run, EvaluateRequest(samples=60, draws=1)))["memorisation"]["verdict"]
        == "red"
    )


def test_an_earlier_checkpoint_can_be_measured_while_it_is_kept(context):
    run = trained(context, dataset(context, ["dark", "grey"]), epochs=1.0)
    folder = context.workspace.run(run) / "checkpoints"
    first = checkpoints.of_run(context.workspace.run(run))
    values, _ = checkpoint.newest(folder)
    config = build(context.store.run(run).config)
    state = new_state(config, size=28, channels=1, num_classes=2, device=torch.device("cpu"))
    checkpoint.restore(state, values)
    state.images_seen += 64
    next(state.G_ema.parameters()).data.mul_(2)
    checkpoint.save(folder, state, {})
    assert checkpoints.of_run(context.workspace.run(run)) == [first[0] + 64, *first]
    drawn = [RunSampler(context.store.run(run), context.workspace, at) for at in (None, first[0] + 64, first[0])]
    assert [one.images_seen for one in drawn] == [first[0] + 64, first[0] + 64, first[0]]
    pictures = [one.draw([0, 1], seed=0) for one in drawn]
    assert (pictures[0] == pictures[1]).all() and not (pictures[0] == pictures[2]).all()
    mark = {"images_seen": first[0], "kernel_distance": 1.0, "coverage": 0.9}
    write_json(folder / checkpoints.BEST, {"best": mark, "checks": []})
    drawn_by_default = [
        RunSampler(context.store.run(run), context.workspace, at).images_seen for at in (None, "newest")
    ]
    assert drawn_by_default == [first[0], first[0] + 64]
    wanted = {"samples": 40, "draws": 1, "extractor": "efficientnet-lite0", "at": first[0]}
    found = do(context, actions.evaluate(context, run, EvaluateRequest(**wanted)))
    assert found["images_seen"] == first[0] and found["checkpoint"] == drawn[2].sha256[:12]
    with pytest.raises(UserError, match="no checkpoint at 7 images"):
        actions.evaluate(context, run, EvaluateRequest(at=7))
    queued = actions.evaluate(context, run, EvaluateRequest(**wanted))
    (folder / f"ck-{first[0]:012d}.pt").unlink()
    with pytest.raises(UserError, match="not there, or damaged"):
        do(context, queued)


def test_a_stop_leaves_nothing_behind(context, run):
    job = actions.evaluate(context, run, EvaluateRequest(samples=60, draws=1, seed=5))
    watch = queue.Watch(context.store, job)
    watch.stop = True
    assert worker.carry_out(context.store, context.workspace, job, watch) == "stopped"
    assert not folder_of(context, run, job).exists()
    assert not list((context.workspace.root / "staging").iterdir())


def test_an_export_checks_what_it_draws_says_so_and_comes_out_the_same_twice(context, run, monkeypatch):
    ask = ExportRequest(run=run, balance=60, checks=["label", "copy", "twin"])  # two epochs draw nothing realistic
    first, again = (do(context, actions.export(context, ask)) for _ in range(2))
    assert first["sha256"] == again["sha256"] and first["gate"]["noise"] == 1.2
    for name, row in first["gate"]["classes"].items():
        assert row["kept"] + row["missing"] == 30 and first["per_class"][name]["synthetic"] == row["kept"]
        assert row["drawn"] == row["kept"] + sum(row["refused"].values()) and row["drawn"] > 0
    assert first["gate"]["judge"]["weights"] and first["gate_said"] == again["gate_said"]
    plain = do(context, actions.export(context, ExportRequest(run=run, balance=60, checks=[])))
    assert plain["gate"]["checks"] == [] and "Labels not checked." in plain["gate_said"]
    assert plain["sha256"] != first["sha256"]
    assert all(row["kept"] == row["drawn"] == 30 for row in plain["gate"]["classes"].values())
    taken = actions.export(context, ExportRequest(run=run, balance=60, checks=[], removed={"dark": [0, 3]}))
    assert do(context, taken)["gate"]["classes"]["dark"]["refused"] == {"removed": 2}
    monkeypatch.setattr("gan_core.evaluation.acceptance.LEAST_POWER", 1.01)  # as if the classifier could tell no class
    poor = do(context, actions.export(context, ExportRequest(run=run, balance=60, checks=["label", "twin"])))
    assert "Labels not checked, because the classifier does not recognize these classes: " in poor["gate_said"]
    assert not any(row["label_checked"] for row in poor["gate"]["classes"].values())


def test_what_passes_the_quality_filter_of_a_run_is_what_its_classifier_sees_and_can_be_drawn_again(
    context, run, monkeypatch
):
    folder = context.workspace.dataset(context.store.run(run).dataset_id)
    generator = RunSampler(context.store.run(run), context.workspace)
    ask = lambda: generator.quality_filter(folder, 5, ("label",), lambda *_: None, lambda: False)
    judge, _ = generator.label_classifier(folder, lambda *_: None, lambda: False)
    some = ask()
    some.image_checks.unknown = frozenset({1, 2})
    assert some.options.truncation == EXPORT_TRUNCATION
    assert np.array_equal(some(1, 7, 3), generator.draw([1] * 7, seed=5 + 1, start=3))  # as it comes, ordinary noise
    kept = some(0, 5, 0)
    assert len(kept) == 5 and (judge.classifier.classify(kept).logits.argmax(1) == 0).all()
    for number in range(len(kept)):
        first = some.entry(0, number)
        redrawn = generator.draw([0], seed=5, start=first["index"], truncation=first["noise"])
        apart = np.abs(
            kept[number].astype(int) - redrawn[0]
        )  # the manifest's entry redraws the file: alone, in another batch
        assert apart.max() <= 1
    monkeypatch.setattr(generator, "config", generator.config.model_copy(update={"family": "kmeans"}))
    assert ask().options.truncation == 1.0  # there the noise says which image it is
    monkeypatch.undo()
    monkeypatch.setattr(
        "gan_core.jobs.shared.run_sampler.dataset_classifier_of", lambda *_: judge._replace(accuracy=None)
    )
    assert (
        ask().label_check.unchecked == "not checked: no held-out images to try a classifier on."
        and ask().image_checks.checks == ()
    )


def test_a_preview_shows_what_an_export_of_the_same_seed_would_keep(context, run):
    result = do(context, actions.preview(context, run, PreviewRequest(seed=3, checks=["twin"])))
    found = export_preview.read(export_preview.path_of(context.workspace.run(run)))
    assert len(found.images) == len(found.label) == 36 and set(found.label) == {0, 1, 2}
    generator = RunSampler(context.store.run(run), context.workspace)
    for at in (0, 35):
        label, number = int(found.label[at]), int(found.number[at])
        assert np.array_equal(generator.draw([label], seed=3 + label, start=number)[0], found.images[at])
    assert result["images_seen"] == generator.images_seen and " images kept" in result["gate_said"]
    export_preview.path_of(context.workspace.run(run)).write_bytes(b"torn")
    assert export_preview.read(export_preview.path_of(context.workspace.run(run))) is None


def test_a_network_that_the_discriminator_learnt_with_does_not_rank_the_run(context, run):
    folder = context.workspace.dataset(context.store.run(run).dataset_id)
    choose = lambda avoid="", **more: choose_networks(
        context.workspace, folder, EvaluateRequest(**more), "cpu", avoid, Progress()
    )
    assert choose().extractor.name == "efficientnet-lite0"
    assert choose(avoid="efficientnet-lite0").extractor.name == "referee"
    asked = choose(avoid="efficientnet-lite0", extractor="efficientnet-lite0")
    assert asked.extractor.name == "efficientnet-lite0"  # who asks for it by name gets it


def test_utility_is_shown_every_way_in_every_first_part():
    made = Makers(
        {
            "gan": lambda label, count, start: np.zeros((count, 2, 2, 1), np.uint8),
            "classical": lambda label, count, start: np.ones((count, 2, 2, 1), np.uint8),
        },
        *(None, None, [], []),
    )
    share = {"gan": 5, "classical": 5}
    images = utility_handler.Synthetic(made, [share], (2, 2, 1), lambda: False)(0, 20)
    copies = [sum(int(image.max()) for image in images[:n]) for n in range(2, 21, 2)]
    assert len(images) == 20 and all(
        count in (n // 2, n - n // 2) for n, count in zip(range(2, 21, 2), copies, strict=True)
    )
    found = UtilityResult(caveats=[], sentence="No gain.", verdict="none")
    source = utility_handler.Source(made, {"bright": share})
    result = utility_handler.with_sources(found, [source], {"gan": 1.0, "classical": 1.0})
    assert result.sentence == "Of the run (1), changed copies (1): No gain."
