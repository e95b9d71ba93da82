"""Each check of a generated image, on toy classes whose good and bad images are known."""

import numpy as np
import pytest
import torch

from gan_core.evaluation import classifier as classifiers
from gan_core.evaluation.acceptance import AcceptanceChecks
from gan_core.evaluation.classifier import FEATURES
from gan_core.evaluation.features.extractors import Features
from gan_core.evaluation.inputs import Labeled, RealImages

SIDE, PER_CLASS = 16, 60
torch.set_num_threads(1)


def pictures(label: int, count: int, seed: int) -> np.ndarray:
    """uint8 [count, 16, 16, 1]: class 0 has a lying bar somewhere, class 1 a standing one, on noise."""
    rng = np.random.default_rng([seed, label])
    images = rng.integers(0, 60, (count, SIDE, SIDE, 1))
    for image in images:
        at, start, light = *rng.integers(1, SIDE - 10, 2), rng.integers(140, 240)
        rows, columns = slice(at, at + 3), slice(start, start + 10)
        image[(rows, columns) if label == 0 else (columns, rows)] += light - 60
    return images.clip(0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def train():
    images = np.concatenate([pictures(label, PER_CLASS, 0) for label in (0, 1)])
    return images, np.repeat([0, 1], PER_CLASS)


@pytest.fixture(scope="module")
def held():
    images = np.concatenate([pictures(label, 40, 1) for label in (0, 1)])
    return images, np.repeat([0, 1], 40)


@pytest.fixture(scope="module")
def judge(train):
    return classifiers.fit(*train, 2, classifiers.FitOptions(250, 32, balanced=True))


def real(train, held):
    return RealImages(Labeled(*train), Labeled(*held), Labeled(*held), ["lying", "standing"])


def selection(train, held, judge, *checks, **changes):
    found = AcceptanceChecks(real(train, held), judge, checks, **changes)
    found.begin(0)
    return found


def look(found, images):
    return found(0, images, np.zeros(len(images), bool))


def test_fresh_images_of_the_class_pass_all_checks(train, held, judge):
    found = look(selection(train, held, judge, "label", "realism", "copy", "twin"), pictures(0, 64, 2))
    assert (
        sum(map(bool, found.refused)) <= 13
    )  # each line gives up a real image or two in a hundred, and more where real ones are few
    assert (found.facts["agreement"] > 0.5).mean() > 0.9 and np.median(found.facts["realism"]) > 0.5
    assert set(found.facts["nearest_row"]) <= set(range(PER_CLASS))


def test_images_of_the_other_class_are_refused_for_their_label_and_only_if_that_is_asked(train, held, judge):
    others = pictures(1, 64, 3)
    refused = look(selection(train, held, judge, "label", "copy"), others).refused
    assert refused.count("label") >= 60
    assert "label" not in look(selection(train, held, judge, "copy", "twin"), others).refused


class Reads:
    """A classifier of two classes that believes in class 0 by the first pixel: its opinion of a picture is set by hand."""

    num_classes = 2

    def classify(self, images):
        belief = np.clip(images[:, 0, 0, :1] / 255, 0.01, 0.99)
        return Features(np.zeros((len(images), FEATURES), np.float32), np.log(np.concatenate([belief, 1 - belief], 1)))


def believed(*shares):
    """A picture for each belief in class 0."""
    return np.stack([np.full((SIDE, SIDE, 1), round(255 * share), np.uint8) for share in shares])


def judged_by_hand(own, others):
    """A selection whose held-out images are believed to be of class 0 by these shares: those of class 0, those of class 1."""
    train = believed(*np.linspace(0.1, 0.9, 60)), np.repeat([0, 1], 30)
    return selection(train, (believed(*own, *others), np.repeat([0, 1], [len(own), len(others)])), Reads(), "label")


def test_a_class_that_the_classifier_confuses_loses_only_what_it_doubts_more_than_real_images():
    sure = judged_by_hand(np.linspace(0.7, 0.9, 40), [0.1] * 40)
    assert look(sure, believed(0.6, 0.45, 0.3)).refused == [
        "",
        "label",
        "label",
    ]  # another class is seen in the last two
    confused = judged_by_hand(np.linspace(0.2, 0.6, 40), [0.05] * 30 + [0.5] * 10)  # half are seen as 1
    assert look(confused, believed(0.45, 0.3, 0.25, 0.1)).refused == ["", "", "label", "label"]  # the line is at .28


def test_a_class_that_the_classifier_cannot_tell_is_not_judged():
    blind = judged_by_hand([0.5] * 40, [0.5] * 40)
    assert blind.unknown == {0, 1} and look(blind, believed(0.1, 0.4)).refused == ["", ""]
    backwards = judged_by_hand(np.linspace(0.2, 0.6, 40), np.linspace(0.3, 0.7, 40))
    assert 0 in backwards.unknown and look(backwards, believed(0.1)).refused == [""]


def test_a_class_of_few_held_out_images_is_judged_where_most_of_them_are_known():
    known = judged_by_hand([0.8, 0.7, 0.4], [0.1] * 40)
    assert look(known, believed(0.6, 0.45)).refused == ["", "label"]
    unknown = judged_by_hand([0.8, 0.4, 0.4], [0.1] * 40)
    assert 0 in unknown.unknown and look(unknown, believed(0.45)).refused == [""]
    assert 0 in judged_by_hand([], [0.1] * 40).unknown
    some = np.repeat(believed(0.1), 30, axis=0), np.zeros(30, int)
    assert selection(some, (some[0][:0], some[1][:0]), Reads(), "label").unknown == {0}


def test_noise_is_unlike_the_real_images(train, held, judge):
    noise = np.random.default_rng(4).integers(0, 256, (64, SIDE, SIDE, 1)).astype(np.uint8)
    assert look(selection(train, held, judge, "realism"), noise).refused.count("realism") >= 60


def test_copies_are_refused_mirrored_and_slightly_changed_too(train, held, judge):
    copies = train[0][:20]
    changed = (
        (copies.astype(int) + np.random.default_rng(5).integers(-3, 4, copies.shape)).clip(0, 255).astype(np.uint8)
    )
    for some in (copies, copies[:, :, ::-1], changed):
        found = look(selection(train, held, judge, "copy"), some)
        assert found.refused == ["copy"] * 20
    assert (
        look(selection(train, held, None, "copy", "label"), copies).refused == ["copy"] * 20
    )  # pixels need no classifier


def test_the_second_of_two_alike_is_refused_within_a_batch_and_across_batches(train, held, judge):
    fresh = pictures(0, 30, 6)
    found = selection(train, held, judge, "twin")
    first = look(found, np.concatenate([fresh, fresh[:5]])).refused
    assert first[:30].count("twin") <= 2 and first[30:] == ["twin"] * 5
    assert look(found, fresh[10:20]).refused == ["twin"] * 10
    found.begin(0)
    assert look(found, fresh[10:20]).refused.count("twin") <= 1  # a new row forgets
    found.begin(0)
    assert not any(found(0, fresh[:3], np.ones(3, bool)).refused)
    assert look(found, fresh[:3]).refused == ["twin"] * 3  # the twin of what a person took out does not take its place


def test_the_images_kept_last_are_remembered_and_good_ones_go_on_passing(train, held):
    found = selection(train, held, None, "twin")
    many = [pictures(0, 50, seed) for seed in range(10, 30)]
    passed = [look(found, some).refused.count("") for some in many]
    assert sum(passed[-5:]) > 0.85 * 250  # of images that all differ, however many were kept before
    kept = [some for some in many[-6:]]
    assert all(look(found, some).refused == ["twin"] * 50 for some in kept)
    assert look(found, many[0]).refused.count("twin") < 50  # of longer ago


def test_with_few_real_images_only_what_is_all_but_equal_is_a_copy(train, held):
    few = AcceptanceChecks(real((train[0][:5], train[1][:5]), held), None, ("copy", "twin"))
    few.begin(0)
    assert look(few, train[0][:5]).refused == ["copy"] * 5
    fresh = pictures(0, 400, 40)
    assert look(few, fresh).refused == [""] * 400
    one = AcceptanceChecks(real((train[0][:1], train[1][:1]), held), None, ("copy", "twin"))
    one.begin(0)
    assert look(one, fresh).refused == [""] * 400 and one.diversity == {}


def test_diversity_is_the_kept_images_variance_over_the_real_ones(train, held, judge):
    for classifier in (judge, None):
        found = selection(train, held, classifier, "copy")
        for seed in (20, 21, 22):
            look(found, pictures(0, 64, seed))
        assert 0.6 < found.diversity[0] < 1.5
        found.begin(0)
        look(found, np.repeat(pictures(0, 2, 23), 32, axis=0))
        assert found.diversity[0] < 0.6


def test_what_was_found_of_kept_images_stays_only_where_it_is_wanted_and_without_pixels(train, held, judge):
    forgets = selection(train, held, None, "copy")
    kept = look(forgets, pictures(0, 64, 24)).refused.count("")
    assert forgets.found == {0: []} and forgets.found_of([kept, 0]) is None
    for classifier in (None, judge):
        keeps = selection(train, held, classifier, "copy", keep_found=True)
        look(keeps, pictures(0, 64, 24))
        found = keeps.found_of([kept - 1, 0])
        assert found.near.row.shape == (kept - 1, 2)
        assert found.features is None if classifier is None else found.features.shape == (kept - 1, FEATURES)
        assert all((features is None) == (classifier is None) for _, features in keeps.found[0])


def test_other_classes_are_read_only_where_copies_are_asked_for(train, held, judge):
    images = np.concatenate([train[0][3:4], train[0][PER_CLASS : PER_CLASS + 1]])  # of class 0, of class 1
    alone = selection(train, held, judge, "label", "twin")
    alone.begin(1)
    facts = alone(1, images, np.zeros(2, bool)).facts
    assert "space" not in vars(alone) and facts["nearest_row"][0] >= PER_CLASS and facts["nearest_distance"][0] > 0
    assert facts["nearest_row"][1] == PER_CLASS and facts["nearest_distance"][1] == 0
    assert look(selection(train, held, judge, "copy"), images).facts["nearest_row"].tolist() == [3, PER_CLASS]
    few = AcceptanceChecks(real((train[0][:2], train[1][:2]), held), None, ("twin",))
    few.begin(0)
    assert look(few, images).facts == {}
