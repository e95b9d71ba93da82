"""The label check of an export: what the classifier sees as asked for is kept, until there is enough."""

import json
import zipfile

import numpy as np
import pytest

from gan_core.data.dataset import ImageSet
from gan_core.errors import Stopped
from gan_core.export.archive import write_zip
from gan_core.export.gate import PATIENCE_IMAGES, LabelGate
from gan_core.export.plan import deficits

CLASSES = ["kiwi", "owl"]


def numbered(label: int, count: int, start: int, noise: float = 1.0) -> np.ndarray:
    """Image i of class c is all i % 251, its first pixel c, its last ten times the noise."""
    images = np.broadcast_to((np.arange(start, start + count) % 251)[:, None, None, None], (count, 4, 4, 1)).copy()
    images[:, 0, 0], images[:, 3, 3] = label, 10 * noise
    return images.astype(np.uint8)


def every_third_is_wrong(images: np.ndarray) -> np.ndarray:
    label = images[:, 0, 0, 0].astype(int)
    return np.where(images[:, 1, 1, 0] % 3 == 0, 1 - label, label)


def test_it_gives_the_images_that_pass_in_their_order_however_they_are_asked_for():
    whole = LabelGate(numbered, every_third_is_wrong, CLASSES)(1, 150, 0)
    values = [value for value in range(251) if value % 3]
    assert whole[:, 1, 1, 0].tolist() == values[:150]
    gate = LabelGate(numbered, every_third_is_wrong, CLASSES)
    parts = [gate(1, 30, 0), gate(0, 5, 0), gate(1, 100, 30), gate(1, 20, 130)]
    assert np.array_equal(np.concatenate([parts[0], parts[2], parts[3]]), whole)
    assert np.array_equal(gate(1, 40, 70), whole[70:110])  # from the middle, as well as from the start
    assert np.array_equal(gate(1, 10, 0), whole[:10])


def test_it_tells_how_many_were_drawn_and_which_were_kept():
    gate = LabelGate(numbered, every_third_is_wrong, CLASSES, facts={"accuracy": 0.9})
    images = gate(0, 6, 0)
    assert list(gate.kept[0]) == [1, 2, 4, 5, 7, 8] and set(images[:, 3, 3, 0]) == {12}  # the noise is wider
    assert gate.report() == {
        "noise": 1.2,
        "classifier": {"accuracy": 0.9},
        "classes": {"kiwi": {"drawn": 9, "passed": 6, "unchecked": 0}},
    }
    assert gate.entry(0, 2) == {"index": 4, "noise": 1.2, "checked": True}
    assert gate.sentence().startswith("6 of 9 images kept") and "Not checked" not in gate.sentence()


def test_a_class_that_is_hardly_ever_seen_is_filled_as_it_comes_and_named():
    blind = LabelGate(numbered, lambda images: np.where(images[:, 1, 1, 0] == 7, 1, 0), CLASSES)
    owls = blind(1, 20, 0)
    times = 1 + (PATIENCE_IMAGES - 8) // 251  # image 7 of each 251
    assert (owls[:times, 1, 1] == 7).all() and (owls[:times, 3, 3] == 12).all()
    assert np.array_equal(owls[times:], numbered(1, 20 - times, PATIENCE_IMAGES))
    assert blind.report()["classes"]["owl"] == {
        "drawn": PATIENCE_IMAGES + 20 - times,
        "passed": times,
        "unchecked": 20 - times,
    }
    assert blind.entry(1, 19) == {"index": PATIENCE_IMAGES + 19 - times, "noise": 1.0, "checked": False}
    assert "hardly ever seen in what was drawn: owl" in blind.sentence()


def test_a_class_that_the_classifier_does_not_know_is_drawn_as_it_comes():
    gate = LabelGate(numbered, lambda images: np.zeros(len(images), int), CLASSES, unknown=frozenset({1}))
    assert np.array_equal(gate(1, 9, 0), numbered(1, 9, 0))
    assert "does not know it: owl" in gate.sentence()
    gate(0, 9, 0)
    assert gate.sentence().startswith("9 of 9 images kept")


def test_a_stop_is_heard_while_nothing_passes():
    gate = LabelGate(numbered, lambda images: np.zeros(len(images), int), CLASSES, should_stop=lambda: True)
    with pytest.raises(Stopped):
        gate(1, 3, 0)


def test_the_zip_holds_what_passed_and_the_manifest_says_which_draw_each_file_is(tmp_path):
    train = ImageSet(np.zeros((5, 4, 4, 1), np.uint8), np.array([0, 0, 0, 0, 1]), CLASSES)
    gate = LabelGate(numbered, every_third_is_wrong, CLASSES)
    write_zip(
        tmp_path / "out.zip",
        train=train,
        test=None,
        makers={"gan": gate},
        label_gate=gate,
        plan=deficits({"kiwi": 4, "owl": 1}, 80),
        run_id="r0123456789abcdef",
        seed=0,
        checkpoint_sha256="ab" * 32,
        dataset_name="Birds",
        recipe="quick",
    )
    with zipfile.ZipFile(tmp_path / "out.zip") as archive:
        manifest = json.loads(archive.read("manifest.json"))
        card = archive.read("README.md").decode()
    owls = [row["index"] for row in manifest["synthetic_files"] if row["class"] == "owl"]
    assert owls == [i for i in range(251) if i % 3][:79]
    assert manifest["label_check"]["classes"]["owl"] == {"drawn": owls[-1] + 1, "passed": 79, "unchecked": 0}
    drawn = sum(row["drawn"] for row in manifest["label_check"]["classes"].values())
    assert f"155 of {drawn} images kept" in card.replace("\\", "")
