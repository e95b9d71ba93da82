"""The dataset classifier is trained once, kept whole, replaced when damaged or of other data, and honest about what it knows."""

import json
import threading

import numpy as np
import pytest
import torch

from gan_core.errors import Stopped, UserError
from gan_core.evaluation import dataset_classifier
from gan_core.evaluation.inputs import Labeled, Progress, RealImages
from tests.builders.toy_images import toy_images

torch.set_num_threads(1)
CLASSES = ["dark", "grey", "bright"]
TRAIN = toy_images(90, 8, 1, 3)
TEST = toy_images(30, 8, 1, 3, seed=1)


@pytest.fixture(autouse=True)
def short(monkeypatch):
    monkeypatch.setattr(dataset_classifier, "LEAST_UPDATES", 30)


@pytest.fixture
def fits(monkeypatch):
    """How often a classifier was trained."""
    calls, fit = [], dataset_classifier.classifiers.fit
    monkeypatch.setattr(dataset_classifier.classifiers, "fit", lambda *a, **k: (calls.append(1), fit(*a, **k))[1])
    return calls


def ready(folder, train=TRAIN, test=TEST, classes=CLASSES, **more):
    return dataset_classifier.ready(
        folder, RealImages(Labeled(*train), Labeled(*test), Labeled(*test), classes), **more
    )


def test_trained_once_scored_and_kept(tmp_path, fits):
    state = torch.random.get_rng_state()
    first, second = ready(tmp_path), ready(tmp_path)
    assert len(fits) == 1 and torch.equal(torch.random.get_rng_state(), state)
    assert first[2:] == second[2:] and first.classes == second.classes == CLASSES
    np.testing.assert_array_equal(first.classifier.classify(TEST[0]).logits, second.classifier.classify(TEST[0]).logits)
    right = first.classifier.classify(TEST[0]).logits.argmax(1) == TEST[1]
    assert first.accuracy == right.mean() > 0.9 and first.n_test == 30 and first.absent == ""
    assert first.per_class == [right[TEST[1] == c].mean() for c in range(3)]
    low, high = first.accuracy_ci
    assert low <= first.accuracy <= high and low < 0.95
    if first.accuracy == 1:  # Wilson: n / (n + z^2)
        assert low == pytest.approx(30 / (30 + 1.959964**2))
    assert json.loads((tmp_path / "referee.json").read_text())["weights"] == first.weights_hash
    assert sorted(path.name for path in tmp_path.iterdir()) == ["referee.json", "referee.safetensors"]


@pytest.mark.parametrize("damage", [b"", b"junk", None])
def test_a_damaged_file_is_replaced(tmp_path, fits, damage):
    first = ready(tmp_path)
    path = tmp_path / "referee.safetensors"
    path.write_bytes(path.read_bytes()[:-100] if damage is None else damage)
    assert ready(tmp_path).weights_hash == first.weights_hash and len(fits) == 2
    assert ready(tmp_path).weights_hash == first.weights_hash and len(fits) == 2


@pytest.mark.slow
def test_other_data_is_another_classifier(tmp_path, fits):
    ready(tmp_path)
    ready(tmp_path, classes=["a", "b", "c"])
    ready(tmp_path, classes=["a", "b", "c"], test=(TEST[0][:20], TEST[1][:20]))
    assert len(fits) == 3


def test_no_class_to_tell_apart(tmp_path):
    for labels in (np.zeros(90, np.int64), np.where(np.arange(90) < 4, 1, 0)):
        with pytest.raises(UserError) as refused:
            ready(tmp_path, train=(TRAIN[0], labels))
        assert refused.value.code == "one_class"
    assert list(tmp_path.iterdir()) == []


def test_without_validation_images_nobody_knows(tmp_path):
    found = ready(tmp_path, test=(TEST[0][:0], TEST[1][:0]))
    assert (
        found.accuracy is None
        and found.accuracy_ci is None
        and found.n_test == 0
        and "no validation images" in found.absent
    )
    assert found.per_class == [None, None, None]
    assert ready(tmp_path, test=(TEST[0][:0], TEST[1][:0]))[2:] == found[2:]


def test_a_class_without_held_out_images_has_no_recall(tmp_path):
    keep = TEST[1] != 1
    assert [value is None for value in ready(tmp_path, test=(TEST[0][keep], TEST[1][keep])).per_class] == [0, 1, 0]


def test_stop_leaves_nothing(tmp_path):
    with pytest.raises(Stopped):
        ready(tmp_path, progress=Progress(should_stop=lambda: True))
    assert list(tmp_path.iterdir()) == []


def test_two_at_once_end_with_one_whole_classifier(tmp_path):
    found = []
    threads = [threading.Thread(target=lambda: found.append(ready(tmp_path))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 2 and ready(tmp_path).weights_hash == found[0].weights_hash == found[1].weights_hash


def test_as_an_extractor_it_gives_what_the_classifier_gives(tmp_path):
    found = ready(tmp_path)
    extractor = dataset_classifier.as_extractor(found)
    result, direct = extractor.extract(TEST[0]), found.classifier.classify(TEST[0])
    np.testing.assert_allclose(result.features, direct.features, atol=1e-4)
    np.testing.assert_allclose(result.logits, direct.logits, atol=1e-4)
    assert (extractor.name, extractor.weights_hash, extractor.resize) == ("referee", found.weights_hash, "none")


def test_progress_rises_to_one(tmp_path):
    shares = []
    ready(tmp_path, progress=Progress(lambda share, text: shares.append(share)))
    assert shares == sorted(shares) and shares[-1] == 1


def test_update_count_has_bounds():
    assert [dataset_classifier.update_count(n) for n in (10, 1600, 60_000)] == [30, 300, 600]
