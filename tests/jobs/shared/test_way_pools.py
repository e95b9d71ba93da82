"""The images of each way: made within their seconds, kept for an attempt after a kill, and a sentence where there are none."""

import time

import numpy as np
import pytest

from gan_core.data.dataset import ImageSet
from gan_core.errors import Stopped, UserError
from gan_core.evaluation.inputs import Progress
from gan_core.jobs.shared import teacher_labels, way_pools
from gan_core.jobs.shared.deadline import Deadline
from gan_core.jobs.shared.way_pools import LEAST_POOL, Maker, Plan, make_pools, mixture
from tests.builders.toy_images import toy_images

CLASSES = ["a", "b", "c"]
TRAIN = ImageSet(*toy_images(60, 16, 1, 3), CLASSES)


class Planted(Maker):
    """make(label, count, start) of the way gan; the others make nothing."""

    def __init__(self, make):
        super().__init__(TRAIN, None, None, 0)
        self.make, self.asked = make, 0

    def ways(self):
        return ["gan"]

    def of(self, way, progress):
        self.asked += 1
        if isinstance(self.make, Exception):
            raise self.make
        return self.make


def images(label, count, start):
    return np.full((count, 16, 16, 1), label * 50 + start % 50, np.uint8)


def plan(folder, seconds=60.0, wanted=(30, 30, 30)):
    return Plan(wanted, seconds, folder, 0)


def test_each_class_gets_its_images_in_the_order_of_the_maker(tmp_path):
    pool = make_pools(Planted(images), plan(tmp_path), Progress()).pools["gan"]
    assert np.bincount(pool.labels).tolist() == [30, 30, 30]
    assert set(pool.images[pool.labels == 1].ravel()) == {50, 50 + LEAST_POOL}


def test_a_second_attempt_reads_what_the_first_has_made(tmp_path):
    first = make_pools(Planted(images), plan(tmp_path), Progress())
    again = Planted(images)
    second = make_pools(again, plan(tmp_path, seconds=0.0), Progress())
    assert again.asked == 0 and second.notes == first.notes
    assert (second.pools["gan"].images == first.pools["gan"].images).all()


def test_a_way_that_takes_long_has_fewer_images_but_of_every_class(tmp_path):
    def slow(label, count, start):
        time.sleep(0.01 * count)
        return images(label, count, start)

    pool = make_pools(Planted(slow), plan(tmp_path, 0.2, (500, 500, 500)), Progress()).pools["gan"]
    counts = np.bincount(pool.labels)
    assert (counts >= LEAST_POOL).all() and counts.max() < 500


def nothing(label, count, start):
    return images(label, 0, 0)


def too_long(label, count, start):
    raise Stopped


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (nothing, "quality filter"),
        (too_long, "minutes"),
        (UserError("no_checkpoint", "This run has no checkpoint.", "Train it."), "no checkpoint"),
    ],
    ids=["draws nothing", "too long", "refused"],
)
def test_a_generator_that_draws_nothing_is_left_out_and_the_note_says_why(tmp_path, make, said):
    made = make_pools(Planted(make), plan(tmp_path), Progress())
    assert not made.pools and len(made.notes) == 1 and said in made.notes[0]
    assert make_pools(Planted(images), plan(tmp_path), Progress()).notes == made.notes  # decided once


def test_a_class_of_which_nothing_is_drawn_is_named(tmp_path):
    made = make_pools(
        Planted(lambda *asked: nothing(*asked) if asked[0] == 2 else images(*asked)), plan(tmp_path), Progress()
    )
    assert set(made.pools["gan"].labels) == {0, 1} and "c" in made.notes[0]


def test_a_user_who_stops_the_search_is_heard(tmp_path):
    with pytest.raises(Stopped):
        make_pools(Planted(too_long), plan(tmp_path), Progress(should_stop=lambda: True))
    assert not list(tmp_path.glob("*.json"))  # another attempt makes them


def test_without_a_run_there_are_pasted_objects_and_changed_copies(tmp_path):
    made = make_pools(Maker(TRAIN, None, None, 0), plan(tmp_path, 600.0, (9, 9, 9)), Progress())
    assert "copies" in made.pools and len(made.pools["copies"].labels) == 27
    assert "pasted" in made.pools or any("pasted" in note for note in made.notes)


def test_a_mixture_has_the_images_of_both():
    pool = way_pools.Pool(images(0, 4, 0), np.zeros(4, np.int64))
    assert len(mixture(pool, pool).labels) == 8 and mixture(pool, pool).soft is None


class Ignorant:
    accuracy, knows = 0.34, False


def test_a_teacher_that_knows_nothing_labels_nothing_and_the_note_says_so(tmp_path, monkeypatch):
    from gan_core.evaluation import teacher

    monkeypatch.setattr(teacher, "ready", lambda *_: Ignorant())
    pools = {"copies": way_pools.Pool(images(0, 4, 0), np.zeros(4, np.int64))}
    found, note = teacher_labels.with_labels(pools, tmp_path, None, "cpu", tmp_path, Deadline(60, Progress()))
    assert found["copies"].soft is None and "34%" in note


def test_soft_labels_are_written_once(tmp_path, monkeypatch):
    from gan_core.evaluation import teacher

    class Knowing(Ignorant):
        knows = True

        def soft_labels(self, pixels):
            return np.full((len(pixels), 3), 1 / 3, np.float32)

    monkeypatch.setattr(teacher, "ready", lambda *_: Knowing())
    pools = {"copies": way_pools.Pool(images(0, 4, 0), np.zeros(4, np.int64))}
    first, _ = teacher_labels.with_labels(pools, tmp_path, None, "cpu", tmp_path, Deadline(60, Progress()))
    monkeypatch.setattr(teacher, "ready", lambda *_: Ignorant())
    second, _ = teacher_labels.with_labels(pools, tmp_path, None, "cpu", tmp_path, Deadline(60, Progress()))
    assert (second["copies"].soft == first["copies"].soft).all()
