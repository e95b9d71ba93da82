"""The job improve: safe answers, the winner once on the test images, the same result after a kill, no leak of the test split."""

import json
import shutil
import sys
import time

import numpy as np
import pytest

from gan_core import actions
from gan_core.data import dataset as dataset_folder
from gan_core.data.dataset import read_info, write_info
from gan_core.evaluation.utility import arms
from gan_core.evaluation.utility import found as found_file
from gan_core.evaluation.utility.candidates import Speed
from gan_core.evaluation.utility.protocol import Arm, Use
from gan_core.evaluation.utility.race import Rung
from gan_core.jobs import queue, worker
from gan_core.jobs.shared import search, way_pools
from gan_core.requests import ImproveRequest
from gan_core.storage import checkpoints

ASKED = {"choice", "baseline", "chosen", "gain", "gain_ci95", "race"}
ROW = {"way", "use", "share", "validation", "dropped_at"}
OF_TEST = {
    *("baseline", "baseline_ci95", "chosen", "chosen_ci95", "gain", "gain_ci95", "own_gain", "own_gain_ci95"),
    *("teacher", "teacher_ci95", "sentence", "seconds"),
}
RUNGS = [Rung(3, (0,), 4, 0.01), Rung(5, (1000, 1001), 3, 0.01)]


@pytest.fixture
def short(monkeypatch):
    """A race of hardly any updates, whose plan does not depend on how busy the machine is; no training, no objects cut out."""
    monkeypatch.setattr(way_pools.Maker, "ways", lambda self: ["gan", "copies"] if self.sampler else ["copies"])
    monkeypatch.setattr(sys.modules["gan_core.actions.improve"], "LEAST_TRAINING_MINUTES", 1000.0)
    monkeypatch.setattr(arms, "NORM_BATCHES", {"small": 1})
    monkeypatch.setattr(search, "measured_speed", lambda task: Speed(0.01, 0.01))
    monkeypatch.setattr(search, "choose_updates", lambda real, options, progress, most: 5)
    monkeypatch.setattr(search.candidates, "plan_rungs", lambda *_: RUNGS)
    monkeypatch.setattr(search, "MOST_MADE", 12)


@pytest.fixture
def quick(short, monkeypatch):
    """Such a race without a teacher."""
    monkeypatch.setattr(search, "with_labels", lambda pools, *_: (dict(pools), ""))


@pytest.fixture
def run(short, monkeypatch, context, toy_dataset, tiny):
    """A run that has hardly learned anything, and whose images are kept all the same."""
    monkeypatch.setattr(way_pools, "CHECKS", ())
    trained = actions.train(context, toy_dataset, tiny(epochs=1.0))
    worker.carry_out(context.store, context.workspace, trained, queue.Watch(context.store, trained))
    return trained.subject


@pytest.fixture
def improve(context):
    """improve(dataset, watch, **request) -> (state, result): carries the job out in this process."""

    def carry_out(dataset, watch=queue.Watch, **request):
        job = actions.improve(context, dataset, ImproveRequest(**{"minutes": 100, **request}))
        state = worker.carry_out(context.store, context.workspace, job, watch(context.store, job))
        return state, context.store.job(job.id).result or context.store.job(job.id).error

    return carry_out


def change(workspace, dataset, **values):
    folder = workspace.dataset(dataset)
    info = read_info(folder)
    write_info(folder, type(info)(**{**info.to_json(), **values}))


@pytest.mark.parametrize(
    ("counts", "reason"),
    [
        ({"validation_counts": [4, 0, 4]}, "no_validation"),
        ({"train_counts": [20, 2, 20]}, "no_validation"),
        ({"test_counts": [4, 4, 0]}, "no_test_images"),
        ({f"{split}_counts": [4, 0, 0] for split in ("train", "validation", "test")}, "one_class"),
    ],
)
def test_where_nothing_can_be_compared_no_synthetic_images_are_the_answer(
    improve, workspace, toy_dataset, counts, reason
):
    change(workspace, toy_dataset, **counts)
    state, result = improve(toy_dataset)
    assert state == "finished" and result["reason"] == reason
    assert Arm.model_validate(result["choice"]) == Arm() and result["gain"] is None and result["sentence"]
    assert found_file.read(workspace.dataset(toy_dataset)).arm == Arm()


@pytest.mark.slow
def test_too_few_minutes_for_one_arm_are_said_and_end_at_once(improve, toy_dataset):
    state, result = improve(toy_dataset, minutes=0.002)
    assert (state, result["reason"], result["choice"]["way"]) == ("finished", "too_little_time", "none")


@pytest.mark.slow
def test_what_was_found_has_what_was_promised(quick, improve, workspace, toy_dataset):
    state, result = improve(toy_dataset)
    assert state == "finished" and result.keys() >= ASKED
    assert all(row.keys() >= ROW for row in result["race"])
    assert {row["way"] for row in result["race"]} >= {"none", "copies"}
    assert result["baseline"] is not None and result["gain_ci95"][0] <= result["gain"] <= result["gain_ci95"][1]
    assert result["gain"] == pytest.approx(result["chosen"] - result["baseline"])
    assert any("No generator was trained" in note for note in result["notes"])
    kept = found_file.read(workspace.dataset(toy_dataset))
    assert kept.to_json() == result and not (workspace.dataset(toy_dataset) / "improve").exists()
    assert improve(toy_dataset, minutes=0.002)[1]["reason"] == "too_little_time"
    assert (
        found_file.read(workspace.dataset(toy_dataset)).to_json() == result
    )  # a search that compared nothing replaces nothing


@pytest.mark.slow
def test_a_search_leaves_what_another_of_the_dataset_has_kept(quick, improve, workspace, toy_dataset):
    other = workspace.dataset(toy_dataset) / "improve" / "another" / search.STATE
    other.parent.mkdir(parents=True)
    other.write_text("{}")
    improve(toy_dataset)
    assert [path.name for path in other.parents[1].iterdir()] == ["another"] and other.exists()


def test_a_use_of_rare_classes_is_no_arm_where_the_pool_has_none_of_their_images():
    """As of a class with too few real images for a GAN; training such an arm would end the search with an error."""
    images = np.zeros((2, 4, 4, 3), np.uint8)
    large, whole = (arms.Pool(images, np.array(labels)) for labels in ([0, 1], [0, 2]))
    uses = lambda pool: [arm.use for arm in search.arms_with_images([90, 90, 5], {"gan": pool}, []) if arm.use]
    of_small = lambda pool: [use for use in uses(pool) if use.classes == "rare" or use.fill]
    assert len(of_small(whole)) == 2 and not of_small(large) and uses(large)


@pytest.mark.slow
def test_a_removal_that_a_kill_ends_halfway_leaves_the_request_as_good_as_new(
    quick, improve, workspace, toy_dataset, monkeypatch
):
    def killed(folder, **_):
        next(folder.glob("pool_*.npz")).unlink()
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(shutil, "rmtree", killed)
        with pytest.raises(KeyboardInterrupt):
            improve(toy_dataset)
    assert found_file.read(workspace.dataset(toy_dataset)).gain is not None  # was written before
    state, again = improve(toy_dataset)
    assert state == "finished" and again["gain"] is not None


@pytest.mark.slow
def test_the_time_up_to_a_kill_is_used_up(quick, improve, workspace, toy_dataset, monkeypatch):
    """Whatever was not saved since; else each kill would make the search longer."""
    monkeypatch.setattr(search, "NOTED_SECONDS", 0.0)

    def slow(self, real, sampler, device):
        time.sleep(0.3)
        self.tell()
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(search.Search, "pools", slow)
        with pytest.raises(KeyboardInterrupt):
            improve(toy_dataset)
    folder = next((workspace.dataset(toy_dataset) / "improve").iterdir())
    used = json.loads((folder / search.TIME).read_text())["seconds"]
    assert used >= 0.3
    assert improve(toy_dataset)[1]["seconds"] > used


@pytest.mark.slow
def test_where_the_training_before_it_failed_the_search_goes_on_without_a_gan_and_says_why(
    quick, context, toy_dataset, tiny
):
    training = actions.train(context, toy_dataset, tiny(epochs=1.0))
    request = ImproveRequest(minutes=100, dataset=toy_dataset, run=training.subject, training_minutes=40)
    waiting = queue.submit(context.store, "improve", toy_dataset, request.payload(), after=training.id)
    assert queue.claim(context.store, "heavy") is None  # it waits
    error = {"code": "diverged", "what": "The training diverged.", "todo": "Try another."}
    queue.finish(context.store, context.store.job(training.id), "failed", error=error)
    job = queue.claim(context.store, "heavy")
    assert job.id == waiting.id
    worker.carry_out(context.store, context.workspace, job, queue.Watch(context.store, job))
    result = context.store.job(job.id).result
    assert result["gain"] is not None and "gan" not in {row["way"] for row in result["race"]}
    assert any("The training diverged" in note for note in result["notes"])


class StopAfter(queue.Watch):
    """Stops after so many classifiers."""

    left = 0

    def __call__(self):
        self.stop = self.stop or self.left <= 0
        return self.stop


@pytest.mark.slow
@pytest.mark.parametrize("classifiers", [2, 6])
def test_a_search_that_was_stopped_goes_on_and_finds_the_same(
    quick, improve, workspace, toy_dataset, monkeypatch, classifiers
):
    _, whole = improve(toy_dataset)
    trained, train_arm = [], search.ArmScorer.fitted

    def counted(self, arm, updates, seed):
        trained.append((arm.name, updates, seed))
        StopAfter.left -= 1
        return train_arm(self, arm, updates, seed)

    monkeypatch.setattr(search.ArmScorer, "fitted", counted)
    monkeypatch.setattr(StopAfter, "left", classifiers)
    state, _ = improve(toy_dataset, StopAfter)
    assert state == "stopped"
    stopped_with = len(trained)
    monkeypatch.setattr(StopAfter, "left", 10_000)
    state, resumed = improve(toy_dataset, StopAfter)
    assert state == "finished"
    assert {**resumed, "seconds": 0} == {**whole, "seconds": 0}
    repeated = len(trained) - len(set(trained))
    assert stopped_with > 0 and repeated <= len(RUNGS[-1].seeds)  # one arm at most was begun again


@pytest.mark.slow
def test_noise_in_the_place_of_the_test_images_changes_nothing_before_the_verdict(run, improve, workspace, toy_dataset):
    """With the images of a run and the labels of a teacher in the race."""
    folder = workspace.dataset(toy_dataset)
    _, first = improve(toy_dataset)
    ran = [row for row in first["race"] if row["by_rung"]]
    assert {"none", "gan"} <= {row["way"] for row in ran} and any("teacher" in row["use"] for row in ran)
    assert first["teacher"] is not None
    (folder / "teacher.safetensors").unlink()  # another is trained
    noise = np.random.default_rng(0).integers(0, 256, np.load(folder / "test_images.npy").shape, dtype=np.uint8)
    np.save(folder / "test_images.npy", noise)
    np.save(folder / "test_labels.npy", np.load(folder / "test_labels.npy")[::-1])
    _, second = improve(toy_dataset)
    before = [json.dumps({key: value for key, value in one.items() if key not in OF_TEST}) for one in (first, second)]
    assert before[0] == before[1]
    assert first["baseline"] != second["baseline"]


@pytest.mark.slow
def test_an_existing_run_is_used_and_named(quick, run, improve, context, workspace, toy_dataset):
    """Its images take part in the race, drawn from its checkpoint; without them the race would be another."""
    state, result = improve(toy_dataset)
    checkpoint = checkpoints.manifests(workspace.run(run) / "checkpoints")[0]
    assert state == "finished" and result["run"] == run
    assert result["images_seen"] == checkpoints.images_seen(checkpoint) > 0 and result["checkpoint"]
    name = context.store.run(run).name
    assert any(name in note and "already" in note for note in result["notes"])
    assert any(row["way"] == "gan" and row["validation"] is not None for row in result["race"])
    assert not [job for job in context.store.jobs(kind="train") if job.subject != run]  # no other was trained


@pytest.mark.slow
def test_the_choice_of_synthetic_images_has_a_control(quick, improve, toy_dataset, monkeypatch):
    arm = Arm(way="copies", use=Use(share=0.5))
    monkeypatch.setattr(search, "arms_with_images", lambda *_: [Arm(), arm])
    monkeypatch.setattr(sys.modules["gan_core.evaluation.utility.race"], "margin", lambda error, rivals: -1.0)
    _, result = improve(toy_dataset)
    assert Arm.model_validate(result["choice"]) == arm
    assert Arm.model_validate(result["control"]) == arm.model_copy(update={"way": "again"}) and result["own"] is True
    of = {row["name"]: row for row in result["race"]}
    control = of[Arm.model_validate(result["control"]).name]
    assert control["by_rung"].keys() == {"2"} and control["why"] is None
    assert result["own_gain"] is not None


def test_a_dataset_without_a_run_has_one_trained_within_the_minutes(context, toy_dataset):
    job = actions.improve(context._replace(in_this_process=False), toy_dataset, ImproveRequest(minutes=10))
    waits_for = context.store.job(job.after)
    run = context.store.run(waits_for.subject)
    assert waits_for.kind == "train" and run.config["minutes"] == pytest.approx(4.0)
    assert job.payload["run"] == run.id and job.payload["training_minutes"] == pytest.approx(4.0)
    queue.control(context.store, waits_for.id, "stop")
    assert dataset_folder.read_info(context.workspace.dataset(toy_dataset)).classes
