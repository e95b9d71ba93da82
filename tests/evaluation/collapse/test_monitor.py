"""monitor.py: a verdict takes two checks and enough images, names since when, and survives a resumed run."""

import json
import time

import numpy as np
import pytest
import torch

from gan_core.evaluation.collapse.monitor import EARLY_IMAGES, FILE, CollapseMonitor, Options, balanced_rows
from gan_core.evaluation.inputs import Labeled, RealImages
from gan_core.evaluation.mode_counting import KnownModes
from gan_core.evaluation.names_and_thresholds import INDICATORS
from tests.builders.planted_generators import CLASSES, digits, draw


@pytest.fixture(scope="module")
def data():
    return digits()


@pytest.fixture(scope="module")
def reference(data):
    return data.reference()


@pytest.fixture
def new_monitor(data, reference, tmp_path):
    def make(known=None, **changed):
        settings = {"z_dim": 6, "seed": 1, "images_per_check": 256, **changed}
        return CollapseMonitor(
            reference,
            data.look,
            tmp_path,
            RealImages(
                Labeled(data.train, data.train_labels),
                Labeled(data.held, data.held_labels),
                Labeled(data.held[:0], data.held_labels[:0]),
                CLASSES,
            ),
            Options(**settings),
            known,
        )

    return make


def generator(data, spoil=lambda rows, y, rng: rows):
    """draw(z, y) that shows a real image for each noise and label; `spoil` changes its rows."""

    def make(z, y):
        rng = np.random.default_rng(abs(int(z[0, 0] * 1e6)))
        return data.fresh[spoil(draw(data.fresh, data.fresh_labels, y, rng), y, rng)]

    return make


def collapsed(rows, y, rng):
    rows = rows.copy()
    rows[y == 7] = rows[y == 7][0]
    return rows


def judge(images, y):
    return np.zeros(len(images))


def epoch(images_seen):
    return images_seen / 500


def run(monitor, make, checks=3, first=30_000):
    return [monitor.check(make, judge, n, epoch(n)) for n in range(first, first + checks * 10_000, 10_000)]


@pytest.mark.slow
def test_a_healthy_run_stays_quiet(data, new_monitor):
    rows = run(new_monitor(), generator(data), checks=20)
    assert [row["verdict"] for row in rows] == ["early"] + ["ok"] * 19
    assert all(row["sentence"] and not row["todo"] for row in rows)


def test_collapse_of_a_class_is_red_at_the_second_check_and_dated(data, new_monitor):
    monitor = new_monitor()
    run(monitor, generator(data), checks=3)
    rows = run(monitor, generator(data, collapsed), checks=3, first=60_000)
    assert [row["now"] for row in rows] == ["red"] * 3
    assert [row["verdict"] for row in rows] == ["ok", "red", "red"]
    assert rows[0]["sentence"] == "No sign of mode collapse in two checks in a row."
    for row in rows[1:]:
        assert row["class"] == "digit 7" and row["since_epoch"] == 120.0 and "recipe" in row["todo"]
        assert row["sentence"] == "Class 'digit 7' shows only 0.00 of the variety of its real images, since epoch 120."
    healed = run(monitor, generator(data), checks=2, first=90_000)
    assert [row["verdict"] for row in healed] == ["ok", "ok"]


@pytest.mark.parametrize(
    "spoil, key",
    [
        (lambda rows, y, rng: np.array([rows[y == c][0] for c in range(10)])[y], "variance_ratio"),
        (lambda rows, y, rng: rng.permutation(rows), "agreement"),
        (lambda rows, y, rng: np.where(y < 2, rows[y == 5][0], rows), "agreement"),
    ],
)
def test_planted_failures_are_red_at_the_second_check(data, new_monitor, spoil, key):
    first, second = run(new_monitor(), generator(data, spoil), checks=2)
    assert first["verdict"] == "early" and second["verdict"] == "red"
    assert second["levels"][key] == "red" and second["since_epoch"] == first["epoch"]


def test_nothing_is_said_before_enough_images(data, new_monitor):
    monitor = new_monitor()
    rows = run(monitor, generator(data, collapsed), checks=2, first=EARLY_IMAGES - 10_000)
    assert [row["verdict"] for row in rows] == ["early", "red"]
    assert rows[0]["levels"]["variance_ratio"] == "red" and "Too early" in rows[0]["sentence"]
    assert rows[1]["since_epoch"] == rows[0]["epoch"]


def test_known_modes_are_counted_at_every_look(data, new_monitor, tmp_path):
    known = KnownModes("kinds", data.train, data.train_labels, CLASSES)
    whole = run(new_monitor(known=known), generator(data), checks=1)[0]["modes"]
    part = run(
        new_monitor(known=known), generator(data, lambda rows, y, rng: rows[y < 3][np.arange(len(y)) % 3]), checks=1
    )[0]
    assert whole["found"] == whole["of"] == whole["expected"] == 10 and whole["sentence"].startswith(
        "10 of 10 known modes appear in 25"
    )
    assert part["modes"]["found"] <= 3 and set(part["modes"]) == {
        "found",
        "of",
        "kl",
        "rejected",
        "sentence",
        "expected",
    }
    lonely = KnownModes("kinds", data.train[:1], data.train_labels[:1], CLASSES)
    assert "modes" not in run(new_monitor(known=lonely), generator(data), checks=1)[0]


def test_a_resumed_run_goes_on_as_if_it_had_not_stopped(data, new_monitor, tmp_path):
    monitor, make = new_monitor(), generator(data, collapsed)
    run(monitor, make, checks=3)
    text = (tmp_path / FILE).read_text()
    (tmp_path / FILE).write_text("".join(text.splitlines(keepends=True)[:2]) + '{"torn": ')
    assert len(new_monitor().rows) == 2
    (tmp_path / FILE).write_text("".join(text.splitlines(keepends=True)[:2]))
    again = new_monitor().check(make, judge, 50_000, epoch(50_000))
    whole = json.loads(text.splitlines()[2])
    assert {**again, "seconds": 0} == {**whole, "seconds": 0} and again["verdict"] == "red"
    assert [json.loads(line)["images_seen"] for line in (tmp_path / FILE).read_text().splitlines()] == [
        30_000,
        40_000,
        50_000,
    ]


def test_a_row_has_every_key_and_is_strict_json(data, new_monitor, tmp_path):
    row = run(new_monitor(), generator(data), checks=1)[0]
    stored = json.loads((tmp_path / FILE).read_text(), parse_constant=lambda name: pytest.fail(name))
    assert stored == row
    assert (
        set(row["values"]) == {*INDICATORS, "kernel_distance"} and row["values"]["d_overfit"] is None
    )  # D says 0 to all
    spoilt = run(new_monitor(), generator(data, lambda rows, y, rng: rng.permutation(rows)), checks=1)[0]
    blank = run(new_monitor(), lambda z, y: np.zeros((len(y), 8, 8, 1), np.uint8), checks=1)[0]
    near, same, far = (one["values"]["kernel_distance"] for one in (row, spoilt, blank))
    assert abs(near) < 0.1 * far and same == pytest.approx(
        near
    )  # pictures alone count, not which class they were asked for
    assert len(row["class_variance"]) == len(row["class_agreement"]) == 10
    keys = {"images_seen", "epoch", "seconds", "levels", "verdict", "class", "since_epoch", "sentence", "todo"}
    assert keys <= set(row)


def test_a_run_without_labels_is_asked_for_label_zero_and_judged_by_what_appears(data, new_monitor):
    asked = []

    def make(z, y):
        asked.append(y)
        rng = np.random.default_rng(abs(int(z[0, 0] * 1e6)))
        return data.fresh[rng.permutation(np.flatnonzero(data.fresh_labels != 4))[: len(y)]]

    rows = run(new_monitor(conditional=False), make, checks=2)
    assert all((y == 0).all() for y in asked)
    assert rows[1]["verdict"] == "red" and rows[1]["class"] == "digit 4"
    assert rows[1]["values"]["agreement"] is None and rows[1]["values"]["class_shares"] is not None


def test_discriminator_and_generator_get_what_they_expect_and_torch_keeps_its_numbers(data, new_monitor):
    seen = []

    def watching(images, y):
        seen.append((images.dtype, images.shape[1:], len(images) == len(y), y.dtype))
        return np.random.default_rng(len(seen)).normal(size=len(images))

    def make(z, y):
        assert z.dtype == np.float32 and z.shape == (len(y), 6) and y.dtype == np.int64
        return generator(data)(z, y)

    state = torch.random.get_rng_state()
    new_monitor().check(make, watching, 30_000, 1.0)
    assert torch.equal(state, torch.random.get_rng_state())
    assert seen == [(np.uint8, (8, 8, 1), True, np.int64)] * 4  # training, held-out, generated, and with other labels


def test_the_discriminator_is_asked_for_other_labels_and_its_losses_are_read(data, new_monitor, tmp_path):
    truth = {image.tobytes(): label for image, label in zip(data.train, data.train_labels, strict=True)}

    def knows(images, y):
        """D of a run that is being won: reals 6, fakes -6, held-out images 0, and 3 less for a real with another label."""
        right = np.array([truth.get(image.tobytes(), -1) for image in images])
        noise = np.random.default_rng(0).normal(size=len(images))
        fakes = isinstance(images, Drawn)
        return noise + np.where(right >= 0, 6.0 - 3 * (right != y), -6.0 if fakes else 0.0)

    class Drawn(np.ndarray):
        pass

    make = lambda z, y: generator(data)(z, y).view(Drawn)
    lines = [{"loss_d": 1.386 * 0.9**at, "d_real": 1 - 0.5 * 0.9**at, "d_fake": 0.5 * 0.9**at} for at in range(70)]
    (tmp_path / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    monitor = new_monitor(d_level=0.0, d_blank_loss=1.386)
    rows = [monitor.check(make, knows, seen, epoch(seen)) for seen in (30_000, 40_000)]
    assert rows[1]["values"]["d_certainty"] == 1 and rows[1]["levels"]["d_certainty"] == "red"
    assert rows[1]["values"]["d_loss_left"] == pytest.approx(np.mean(0.9 ** np.arange(40, 70)), rel=1e-6)
    assert rows[1]["values"]["d_label_use"] == pytest.approx(3, abs=0.5) and rows[1]["levels"]["d_label_use"] == "ok"
    assert rows[1]["levels"]["d_loss_left"] == "red"
    assert rows[1]["verdict"] == "amber" and "discriminator" in rows[1]["sentence"]  # one family, however many of it
    without = new_monitor(conditional=False, d_level=None, d_blank_loss=None).check(make, knows, 50_000, 1.0)
    assert {without["values"][key] for key in ("d_certainty", "d_loss_left", "d_label_use")} == {None}


def test_a_check_is_cheap(data, new_monitor):
    monitor = new_monitor()
    run(monitor, generator(data), checks=1)
    started = time.process_time()
    run(monitor, generator(data), checks=3, first=60_000)
    assert (time.process_time() - started) / 3 < 0.5


def test_rows_are_balanced_but_no_image_comes_twice():
    labels = np.array([0] * 100 + [1] * 5 + [2] * 40)
    rows = balanced_rows(labels, 45, np.random.default_rng(0))
    assert len(set(rows)) == 45 and np.bincount(labels[rows]).tolist() == [20, 5, 20]
    assert len(balanced_rows(labels, 1000, np.random.default_rng(0))) == 145
