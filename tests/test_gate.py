"""The label check of an export: what the classifier sees as asked for is kept, until there is enough."""

import json
import zipfile

import numpy as np
import pytest

from gan_core.data.dataset import ImageSet
from gan_core.errors import Stopped
from gan_core.export import gate as gates
from gan_core.export.archive import write_zip
from gan_core.export.gate import BATCH_IMAGES, LabelGate
from gan_core.export.plan import deficits

CLASSES = ["kiwi", "owl"]


def numbered(label: int, count: int, start: int) -> np.ndarray:
    """Image i of class c is all i % 251, its first pixel c."""
    images = np.broadcast_to((np.arange(start, start + count) % 251)[:, None, None, None], (count, 4, 4, 1)).copy()
    images[:, 0, 0] = label
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
    gate = LabelGate(numbered, every_third_is_wrong, CLASSES)
    gate(0, 6, 0)
    assert gate.kept[0] == [1, 2, 4, 5, 7, 8]
    assert gate.report()["classes"] == {"kiwi": {"drawn": 9, "kept": 6}}
    assert gate.report()["drawn"] == 9 and gate.report()["given_up"] == []
    assert gate.sentence().startswith("6 of 9 images drawn") and "unchecked" not in gate.sentence()


def test_a_class_that_is_hardly_ever_seen_is_filled_unchecked_and_named():
    blind = LabelGate(numbered, lambda images: np.zeros(len(images), int), CLASSES)
    owls = blind(1, 3, 0)
    asked = -(-gates.PATIENCE_IMAGES // BATCH_IMAGES) * BATCH_IMAGES
    assert np.array_equal(owls, numbered(1, 3, asked))
    blind(0, 3, 0)
    assert blind.report()["given_up"] == ["owl"] and "in owl, so these are unchecked" in blind.sentence()


def test_a_stop_is_heard_while_nothing_passes():
    gate = LabelGate(numbered, lambda images: np.zeros(len(images), int), CLASSES, lambda: True)
    with pytest.raises(Stopped):
        gate(1, 3, 0)


def test_the_zip_holds_what_passed_and_the_manifest_says_which_draw_each_file_is(tmp_path):
    train = ImageSet(np.zeros((5, 4, 4, 1), np.uint8), np.array([0, 0, 0, 0, 1]), CLASSES)
    gate = LabelGate(numbered, every_third_is_wrong, CLASSES)
    write_zip(
        tmp_path / "out.zip",
        train=train,
        test=None,
        make_fakes=gate,
        gate=gate,
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
    assert manifest["label_check"]["classes"]["owl"] == {"drawn": owls[-1] + 1, "kept": 79}
    assert f"155 of {manifest['label_check']['drawn']} images drawn" in card.replace("\\", "")
