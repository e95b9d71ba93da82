"""What passed the quality filter: enough images of each class, or as many as can be had, and their files in a zip."""

import dataclasses
import json
import zipfile

import numpy as np
import pytest

from gan_core.data.dataset import ImageSet
from gan_core.errors import UserError
from gan_core.export.contents import Contents, Provenance
from gan_core.export.kept_images import keep_images
from gan_core.export.zip_writer import write_zip
from tests.export.test_quality_filter import CLASSES, SHAPE, made


def test_keeping_goes_on_until_each_class_has_its_number(tmp_path):
    some, shares = made(), []
    chosen = keep_images(some, [70, 5], SHAPE, tmp_path / "chosen", lambda share, said: shares.append(share))
    assert chosen.counts == [70, 5] and chosen.images.shape == (75, *SHAPE) and shares[-1] == 1
    assert np.array_equal(chosen(0, 64, 6), made()(0, 70, 0)[6:])
    assert np.array_equal(chosen(1, 5, 0), made()(1, 5, 0))
    assert chosen.entry(1, 4)["index"] == 7


def test_keeping_says_where_nothing_is_good_enough(tmp_path):
    with pytest.raises(UserError) as refused:
        keep_images(made(lambda value: True), [3, 0], SHAPE, tmp_path / "a", lambda *_: None)
    assert refused.value.code == "nothing_kept" and "are of another class" in refused.value.what
    with pytest.raises(UserError) as refused:
        keep_images(made(lambda value: True, "copy"), [3, 0], SHAPE, tmp_path / "b", lambda *_: None)
    assert refused.value.code == "copies" and "--no-gate" in refused.value.todo
    half = keep_images(made(lambda value: value != 7), [5, 30], SHAPE, tmp_path / "c", lambda *_: None)
    assert half.counts[0] == 5 and 0 < half.counts[1] < 30 and half.quality_filter.short[1] == 30 - half.counts[1]


def test_the_zip_holds_what_passed_and_the_manifest_says_which_draw_each_file_is(tmp_path):
    train = ImageSet(np.zeros((5, 4, 4, 1), np.uint8), np.array([0, 0, 0, 0, 1]), CLASSES)
    some = made()
    chosen = keep_images(some, [76, 79], SHAPE, tmp_path / "chosen", lambda *_: None)
    contents = Contents(train, None, {"kiwi": {"gan": 76}, "owl": {"gan": 79}}, {"gan": chosen})
    about = Provenance("Birds", "r0123456789abcdef", "quick", 0, "ab" * 32)
    about = dataclasses.replace(about, quality_filter=some.report(), kept=some.summary())
    write_zip(tmp_path / "out.zip", contents, about)
    with zipfile.ZipFile(tmp_path / "out.zip") as archive:
        manifest = json.loads(archive.read("manifest.json"))
        card = archive.read("README.md").decode()
    owls = [row for row in manifest["synthetic_files"] if row["class"] == "owl"]
    assert [row["index"] for row in owls] == [i for i in range(251) if i % 3][:79]
    assert owls[0]["checkpoint"] == "ab" * 6 and owls[0]["scores"] == {"agreement": 0.004}
    assert owls[0]["nearest_row"] == 1 and owls[0]["nearest_real"] == "train/kiwi/real_000002.png"
    assert owls[2]["nearest_real"] == "train/owl/real_000001.png"
    assert manifest["gate"]["classes"]["owl"]["drawn"] == owls[-1]["index"] + 1
    drawn = sum(row["drawn"] for row in manifest["gate"]["classes"].values())
    assert f"155 of {drawn} images kept" in card.replace("\\", "")
