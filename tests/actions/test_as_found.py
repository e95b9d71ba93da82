"""An export that follows what was found: its images, how many of each class, and the safe answers."""

import pytest

from gan_core import actions
from gan_core.actions.as_found import as_found
from gan_core.actions.runs import new_run
from gan_core.data.dataset import read_info, write_info
from gan_core.errors import UserError
from gan_core.evaluation.utility import found as found_file
from gan_core.evaluation.utility.protocol import Arm, Baseline, Use
from gan_core.requests import ExportRequest
from gan_core.storage import checkpoints
from gan_core.storage.workspace import new_id
from tests.builders.found_search import CUTMIX, GAN, found

CLASSES = ["dark", "grey", "bright"]
COPIES = Arm(way="copies", use=Use(share=0.5))


@pytest.fixture
def followed(context, toy_dataset):
    """followed(choice, **changes of Found) -> the request that follows it."""
    folder = context.workspace.dataset(toy_dataset)

    def follow(choice, **changes):
        found_file.write(folder, found(CLASSES, choice, dataset=toy_dataset, **changes))
        return as_found(context, ExportRequest(dataset=toy_dataset, as_found=True), read_info(folder))

    return follow


def test_beside_the_real_images_as_many_of_each_class_as_the_search_had(followed):
    request = followed(COPIES, seed=7)
    assert request.balance == dict.fromkeys(CLASSES, 60) and request.methods == {"classical": 40.0 * 3}
    assert request.seed == 7


def test_of_a_mixture_as_many_of_each_way(followed):
    made = {"copies": dict.fromkeys(CLASSES, 10), "pasted": dict.fromkeys(CLASSES, 30)}
    request = followed(Arm(way="pasted+copies", use=Use(share=0.5)), made=made)
    assert request.balance == dict.fromkeys(CLASSES, 60)
    assert request.methods == {"classical": 30.0, "composite": 90.0}


def test_where_only_rare_classes_get_images_the_others_have_no_total(followed, context, toy_dataset):
    folder = context.workspace.dataset(toy_dataset)
    info = read_info(folder)
    write_info(folder, type(info)(**{**info.to_json(), "train_counts": [20, 20, 4]}))
    assert followed(Arm(way="copies", use=Use(share=0.5, classes="rare"))).balance == {"bright": 44}


def test_a_fill_is_the_balance_to_the_largest_class(followed):
    arm = Arm(baseline=Baseline(sampling="natural"), way="copies", use=Use(share=0, fill=True))
    assert followed(arm).balance == "largest"


@pytest.mark.parametrize(
    ("choice", "changes"),
    [(CUTMIX, {}), (COPIES, {"gain_ci95": [-0.05, -0.01]}), (Arm(way="variants", use=Use(share=0.25)), {})],
    ids=["none", "harms", "no method makes them"],
)
def test_no_synthetic_images_where_none_were_chosen_or_can_be_exported(followed, choice, changes):
    assert followed(choice, **changes).balance == "none"


def test_images_of_the_gan_are_drawn_by_the_run_and_seed_of_the_search(followed):
    request = followed(GAN, run="r" + "1" * 16, seed=7)
    assert (request.run, request.seed, request.methods) == ("r" + "1" * 16, 7, {"gan": 120.0})


@pytest.fixture
def run(context, toy_dataset, tiny):
    """The id of a run of the dataset that has a checkpoint by its name."""
    id = new_run(context, toy_dataset, tiny(), "A run").subject
    folder = context.workspace.run(id) / "checkpoints"
    folder.mkdir()
    checkpoints.manifest(folder, 160).touch()
    return id


def test_which_answer_is_followed_is_decided_once_and_queued(context, toy_dataset, run):
    """The run has an answer of its own: an export of the dataset follows the dataset's all the same."""
    found_file.write(context.workspace.run(run), found(CLASSES, CUTMIX, run=run, dataset=toy_dataset))
    found_file.write(context.workspace.dataset(toy_dataset), found(CLASSES, GAN, run=run, dataset=toy_dataset))
    chosen = lambda **asked: Arm.model_validate(
        actions.export(context, ExportRequest(**asked)).payload["found"]["choice"]
    )
    assert chosen(dataset=toy_dataset, as_found=True) == GAN and chosen(run=run, as_found=True) == CUTMIX
    assert chosen(run=run, balance="30") == CUTMIX and chosen(dataset=toy_dataset, balance="30") == GAN


def test_an_answer_with_the_images_of_a_deleted_run_is_refused_with_a_next_step(context, toy_dataset):
    found_file.write(
        context.workspace.dataset(toy_dataset), found(CLASSES, GAN, run=new_id("run"), dataset=toy_dataset)
    )
    with pytest.raises(UserError) as refused:
        actions.export(context, ExportRequest(dataset=toy_dataset, as_found=True))
    assert refused.value.code == "nothing_found" and "improve" in refused.value.todo


def test_without_a_search_it_is_refused(context, toy_dataset):
    with pytest.raises(UserError) as refused:
        actions.export(context, ExportRequest(dataset=toy_dataset, as_found=True))
    assert refused.value.code == "nothing_found"


def test_the_export_that_is_queued_has_the_plan(context, toy_dataset):
    found_file.write(context.workspace.dataset(toy_dataset), found(CLASSES, COPIES, dataset=toy_dataset))
    job = actions.export(context, ExportRequest(dataset=toy_dataset, as_found=True))
    assert job.payload["balance"] == dict.fromkeys(CLASSES, 60) and job.payload["methods"] == {"classical": 120.0}
