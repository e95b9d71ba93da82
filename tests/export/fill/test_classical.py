"""Changed copies of real images: the class stays, the pixels change, the same request gives the same ones."""

import csv
import io
import json
import zipfile

import numpy as np
import pytest

from gan_core import actions
from gan_core.data.dataset import ImageSet
from gan_core.errors import UserError
from gan_core.export import plan
from gan_core.export.fill.classical import Classical
from gan_core.jobs import worker
from gan_core.jobs.queue import Watch
from gan_core.jobs.shared.fill_classes import methods_in_order
from gan_core.requests import ExportRequest, Policy, UtilityRequest
from gan_core.requests.export import read_methods
from gan_core.storage.workspace import new_id
from tests.builders.toy_images import toy_images

CLASSES = ["dark", "grey", "bright"]


def maker(channels=1, seed=3, policy=None, n=30):
    images, labels = toy_images(n, 32, channels, 3)
    return Classical(ImageSet(images, labels, CLASSES), seed, policy or Policy())


@pytest.mark.parametrize("channels", [1, 3])
def test_a_copy_is_changed_yet_nearest_to_its_source_and_the_same_in_any_order(channels):
    make = maker(channels)
    whole = make(1, 25, 0)
    assert whole.dtype == np.uint8 and whole.shape == (25, 32, 32, channels)
    assert np.array_equal(np.concatenate([make(1, 5, 0), make(1, 20, 5)]), whole)
    assert not np.array_equal(maker(channels, seed=4)(1, 25, 0), whole)
    sources = [make.entry(1, number)["source_row"] for number in range(25)]
    assert set(make.train.labels[sources]) == {1} and len(set(sources[:10])) == 10  # each of the ten before one twice
    for image, row in zip(whole, sources, strict=True):
        assert not np.array_equal(image, make.train.images[row])


def test_no_corner_is_empty_and_the_middle_stays():
    images = np.full((4, 32, 32, 1), 200, np.uint8)
    copies = Classical(ImageSet(images, np.zeros(4, np.int64), ["a"]), 0, Policy(light=False))(0, 40, 0)
    assert (copies == 200).all()


def test_each_switch_does_what_it_says():
    gradient = np.broadcast_to(np.arange(0, 256, 8, np.uint8)[None, :, None], (1, 32, 32, 1))
    train = ImageSet(np.ascontiguousarray(gradient), np.zeros(1, np.int64), ["a"])
    rising = lambda image: float(image[8:24, 24:, 0].mean()) > float(image[8:24, :8, 0].mean())
    still, flipped = (
        Classical(train, 0, Policy(flips=flips, turns=False, light=False))(0, 40, 0) for flips in (False, True)
    )
    assert all(map(rising, still)) and 8 < sum(map(rising, flipped)) < 32
    rows_alike = lambda image: np.ptp(image[8:24, 8:24, 0].astype(int), axis=0).max() <= 1
    turned = Classical(train, 0, Policy(turns=True, light=False))(0, 40, 0)
    assert all(map(rows_alike, still)) and not all(map(rows_alike, turned))
    light = Classical(ImageSet(np.full((1, 8, 8, 3), 100, np.uint8), np.zeros(1, np.int64), ["a"]), 0, Policy())
    assert len({int(image.mean()) for image in light(0, 20, 0)}) > 5


def test_a_class_without_images_is_refused():
    images, labels = toy_images(6, 32, 1, 2)
    with pytest.raises(UserError, match="'none' has no training images"):
        Classical(ImageSet(images, labels, ["a", "b", "none"]), 0, Policy())(2, 1, 0)


def test_methods_share_what_is_missing_and_small_classes_get_no_gan():
    counts = {"many": 100, "few": 9, "some": 60}
    rows = plan.deficits(counts, "largest")
    shares, small = plan.shares(rows, counts, read_methods("gan=3,classical=1"))
    assert shares == {"many": {}, "few": {"classical": 91}, "some": {"gan": 30, "classical": 10}} and small == ["few"]
    assert plan.shares(rows, counts, {"gan": 1.0})[0] == {"many": {}, "few": {"classical": 91}, "some": {"gan": 40}}
    for n in range(1, 30):
        share = plan.shares({"a": plan.Row(50, n, 50 + n)}, {"a": 50}, {"gan": 0.37, "classical": 0.63})[0]["a"]
        assert sum(share.values()) == n and abs(share.get("gan", 0) - 0.37 * n) < 1
    for words, said in (("paint", "no method"), ("gan=x", "no share"), ("gan=0", "No way"), ("gan=-1", "cannot be")):
        with pytest.raises(UserError, match=said):
            read_methods(words)


def carry_out(context, job):
    worker.carry_out(context.store, context.workspace, job, Watch(context.store, job))
    ended = context.store.job(job.id)
    assert ended.state == "finished", ended.error
    return ended


def test_a_dataset_grows_without_a_run(context, toy_dataset):
    job = carry_out(context, actions.export(context, ExportRequest(dataset=toy_dataset, balance=30)))
    with zipfile.ZipFile(context.workspace.export(job.subject) / job.result["file"]) as archive:
        manifest = json.loads(archive.read("manifest.json"))
        rows = list(csv.DictReader(io.StringIO(archive.read("train/metadata.csv").decode())))
        card = archive.read("README.md").decode()
        names = archive.namelist()
    assert manifest["methods"] == {"gan": 0, "classical": 30, "composite": 0} and len(manifest["synthetic_files"]) == 30
    entry = manifest["synthetic_files"][0]
    assert entry["method"] == "classical" and entry["run"] is None and entry["source_row"] >= 0
    assert sum(row["method"] == "classical" for row in rows) == 30 and {row["run"] for row in rows} == {"-"}
    assert "30 are changed copies" in card and "network" not in card.split("## Classes")[0].split("|")[0]
    assert "train/dark/classical_000001.png" in names
    again = carry_out(context, actions.export(context, ExportRequest(dataset=toy_dataset, balance=30)))
    assert again.result["sha256"] == job.result["sha256"]
    with pytest.raises(UserError, match="A dataset alone"):
        actions.export(context, ExportRequest(dataset=toy_dataset, balance=30, methods={"gan": 1.0}))


def test_an_export_queued_before_there_were_methods_still_runs(context, toy_dataset, tiny):
    run = carry_out(context, actions.train(context, toy_dataset, tiny(epochs=1.0))).subject
    old = {"run": run, "balance": 25, "originals": True, "seed": 0, "gate": False, "check_labels": False}
    job = carry_out(context, context.submit("export", new_id("export"), old))
    assert job.result["methods"] == {"gan": 15, "classical": 0, "composite": 0} and job.result["format"] == "png"


@pytest.mark.slow
def test_both_ways_at_once(context, toy_dataset, tiny):
    run = carry_out(context, actions.train(context, toy_dataset, tiny(epochs=2.0))).subject
    wanted = {"methods": {"gan": 0.5, "classical": 0.5}, "check_copies": False, "checks": []}
    job = carry_out(context, actions.export(context, ExportRequest(run=run, balance=30, **wanted)))
    assert job.result["methods"] == {"gan": 15, "classical": 15, "composite": 0}
    assert all(row["synthetic"] == 10 and row["methods"] == {"gan": 5, "classical": 5} for row in job.result["classes"])


@pytest.mark.slow
def test_utility_asks_about_copies_as_an_export_would_make_them(context, toy_dataset, tiny):
    run = carry_out(context, actions.train(context, toy_dataset, tiny(epochs=1.0))).subject
    wanted = {"methods": {"classical": 1.0}, "updates": 5, "shots": 4, "seeds": 2}
    result = carry_out(context, actions.utility(context, run, UtilityRequest(**wanted))).result
    assert set(result["arms"]) >= {"real", "classical", "baseline", "synthetic", "control", "synthetic_only"}
    assert result["methods"] == {"classical": 1.0} and result["checkpoint"] is None
    assert result["shots"] == 4 and result["n_train"] == 12  # of three classes
    assert not any("The synthetic images:" in text for text in result["caveats"])
    assert result["sentence"].startswith("Of changed copies (1): ") and not any(
        "generator" in text for text in result["caveats"]
    )


def test_every_first_part_of_dealt_images_has_the_shares():
    order = methods_in_order(400, {"gan": 3, "classical": 1, "composite": 1})
    for n in range(5, 401):
        assert abs(order[:n].count("gan") - 0.6 * n) < 1.01 and abs(order[:n].count("composite") - 0.2 * n) < 1.01
    assert methods_in_order(3, {"gan": 7}) == ["gan"] * 3
