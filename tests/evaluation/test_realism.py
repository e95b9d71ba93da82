"""realism.py: images unlike the real ones do not pass, held-out reals do, and the detector decides where it is in doubt."""

import numpy as np
import pytest

from gan_core.evaluation.inputs import Labeled, RealImages
from gan_core.evaluation.realism import Balls, Line, Lite0Realism, balls_of, lines_of, realism, some_of_each

SIZE = 24


def look(images, rows):
    """Features of an image are its pixels: what Lite0 would see is not the matter here."""
    images = images if rows is None else images[rows]
    return images.reshape(len(images), -1).astype(np.float32)


def draw(labels, seed, spread=12.0, offset=0.0):
    """uint8 [n, 1, SIZE, 1]: a point for each label around the middle of its class."""
    rng = np.random.default_rng(seed)
    middle = np.where(np.arange(SIZE) % 2 == np.asarray(labels)[:, None], 160.0, 90.0)
    return (
        (middle + offset + spread * rng.standard_normal((len(labels), SIZE)))
        .clip(0, 255)
        .astype(np.uint8)[:, None, :, None]
    )


def labeled(per_class, seed):
    labels = np.repeat([0, 1], per_class)
    return Labeled(draw(labels, seed), labels)


def checks(per_class=40, fakes=None, validation=40):
    real = RealImages(labeled(per_class, 0), labeled(validation, 1), labeled(0, 2), ["a", "b"])
    return Lite0Realism(real, look, fakes, 0)


def passed(found, images, label=0):
    return 1 - found(label, images).refused.mean()


def of_class(count, label=0, **changes):
    return draw(np.full(count, label), 5, **changes)


def test_held_out_reals_pass_and_other_images_do_not():
    found = checks(100)
    assert found.known == {0, 1} and passed(found, of_class(200)) > 0.85
    assert passed(found, of_class(200, label=1)) == 0
    assert passed(found, of_class(200, spread=30)) < 0.05
    noise = np.random.default_rng(0).integers(0, 256, (100, 1, SIZE, 1), np.uint8)
    assert passed(found, noise) == 0


def test_in_doubt_the_detector_decides():
    """A generator that is off by a little: its images lie in the doubtful range, where reals still pass."""
    fakes = lambda labels: draw(labels, 9, offset=12.0)
    alone, with_detector = checks(100), checks(100, fakes)
    assert with_detector.detector is not None and with_detector.detector.accuracy > 0.9
    assert passed(with_detector, of_class(200)) > 0.85
    off = of_class(200, offset=12.0)
    assert 0 < passed(with_detector, off) < 0.6 * passed(alone, off)
    looked = with_detector(0, off)
    assert looked.refused[looked.realism < with_detector.lines[0].least].all()
    assert not looked.refused[looked.realism >= with_detector.lines[0].doubt].any() and np.isfinite(looked.real).all()


def test_a_class_with_few_validation_images_has_the_line_of_all_classes_and_without_any_there_is_none():
    some = lines_of({0: np.linspace(0, 1, 40), 1: np.linspace(1, 2, 12)})
    assert some[0] == pytest.approx(Line(0.05, 0.25)) and some[1].least > some[0].least
    assert lines_of({0: np.zeros(5)}) == {} and lines_of({}) == {}
    nothing = checks(validation=0)
    assert nothing.known == set() and not nothing(0, of_class(10, label=1)).refused.any()
    few = checks(per_class=3)
    assert few.known == set()


def test_too_few_images_make_no_detector_and_the_same_request_gives_the_same_answer():
    assert checks(per_class=15, fakes=lambda labels: draw(labels, 9)).detector is None
    fakes = lambda labels: draw(labels, 9, offset=12.0)
    first, second = checks(60, fakes)(0, of_class(50)), checks(60, fakes)(0, of_class(50))
    assert np.array_equal(first.realism, second.realism) and np.array_equal(first.real, second.real)


def test_rows_are_taken_from_each_class():
    labels = np.array([0] * 500 + [1] * 30 + [2] * 3)
    rows = some_of_each(labels, 3, 300, np.random.default_rng(0))
    assert np.bincount(labels[rows]).tolist() == [100, 30, 3] and (np.diff(rows) > 0).all()


def test_realism_is_one_on_the_edge_of_a_ball_and_only_small_balls_count():
    balls = Balls(np.array([[0.0, 0.0], [10.0, 0.0]]), np.array([2.0, 1.0]))
    values = realism(np.array([[2.0, 0.0], [1.0, 0.0], [0.0, 4.0], [9.5, 0.0]]), balls)
    assert np.allclose(values, [1.0, 2.0, 0.5, 2.0], rtol=1e-4)
    points = np.concatenate([np.random.default_rng(0).normal(size=(20, 2)), [[100.0, 100.0]]])
    assert len(balls_of(points).features) < 21 and balls_of(points).radii.max() < 10
    assert balls_of(points[:4]) is None and balls_of(np.ones((9, 2))) is None
