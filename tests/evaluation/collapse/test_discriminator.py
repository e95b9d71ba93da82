"""discriminator.py: a D that is overfitted, too certain, has next to no loss or ignores labels is found; a healthy one is not."""

import numpy as np
import pytest

from gan_core.evaluation.collapse.discriminator import LEAST_TICKS, Answers
from gan_core.evaluation.collapse.verdict import FAMILIES, examine
from gan_core.training.losses import LOSSES, blank_loss, level
from tests.builders.planted_generators import CLASSES, digits

KEYS = ("d_overfit", "d_certainty", "d_loss_left", "d_label_use")


@pytest.fixture(scope="module")
def look_at():
    data = digits()
    reference = data.reference()
    rows = np.random.default_rng(0).permutation(len(data.fresh))[:256]
    fake, asked = data.look(data.fresh[rows]), data.fresh_labels[rows]
    return lambda d: examine(reference, fake, asked, d=d, classes=CLASSES)


def answers(rng, real=1.0, held=1.0, fake=-1.0, other=-0.5, **more):
    draw = lambda mean: rng.normal(mean, 1, 128)
    return Answers(real=draw(real), held_out=draw(held), fake=draw(fake), other_label=draw(other), **more)


def ticks(losses, d_real=0.6, d_fake=0.4):
    d_real, d_fake = (np.broadcast_to(value, len(losses)) for value in (d_real, d_fake))
    return [{"loss_d": a, "d_real": b, "d_fake": c} for a, b, c in zip(losses, d_real, d_fake, strict=True)]


def by_key(found):
    return {one["key"]: one for one in found.indicators}


def test_a_healthy_discriminator_raises_no_alarm_in_twenty_seeds(look_at):
    for seed in range(20):
        rng = np.random.default_rng(seed)
        healthy = answers(rng, level=0.0, blank_loss=1.386, ticks=ticks(rng.normal(0.9, 0.1, 60)))
        found = look_at(healthy)
        assert found.verdict == "ok", (seed, found.sentence)
        levels = {key: one["level"] for key, one in by_key(found).items()}
        assert {key: levels[key] for key in KEYS} == dict.fromkeys(KEYS, "ok"), seed


def test_an_overfitted_one(look_at):
    rng = np.random.default_rng(0)
    overfit = lambda real, held, fake: look_at(answers(rng, real, held, fake))
    assert by_key(overfit(3, 3, 0))["d_overfit"]["level"] == "ok"
    assert by_key(overfit(3, 1, 0))["d_overfit"]["level"] == "amber"
    found = overfit(4, 0, 0)
    one = by_key(found)["d_overfit"]
    assert one["level"] == "red" and one["value"] == pytest.approx(1, abs=0.1)
    assert found.verdict == "amber" and found.key == "d_overfit" and "augmentation" in found.todo
    assert "does not tell" in overfit(0, 0, 0).absent["d_overfit"]
    assert "finite" in overfit(np.nan, 0, 0).absent["d_overfit"]


def test_one_that_is_too_sure_of_its_training_images(look_at):
    rng = np.random.default_rng(0)
    sure = lambda real, level=0.0: look_at(answers(rng, real, real, -3, level=level))
    one = by_key(sure(5))["d_certainty"]
    assert one["value"] == 1 and one["level"] == "red" and "takes 100%" in one["sentence"]
    assert by_key(sure(0.5, 0.5))["d_certainty"]["value"] == pytest.approx(
        0, abs=0.3
    )  # least squares: real is above 1/2
    one = by_key(sure(0.5))["d_certainty"]
    assert one["level"] == "ok" and one["value"] == pytest.approx(0.38, abs=0.15)  # 2 Phi(0.5) - 1
    assert "only compares" in sure(5, None).absent["d_certainty"]
    assert sure(5).verdict == "amber"  # one family alone is never red
    exactly = Answers(real=np.repeat([1.0, -1.0], [112, 16]), fake=np.full(128, -2.0), level=0.0)
    one = by_key(look_at(exactly))["d_certainty"]
    assert one["value"] == 0.75 and one["level"] == "ok"


@pytest.mark.parametrize(
    "losses, gap, expected",
    [
        (np.linspace(0.9, 0.5, 40), (0.5, 0.6), "ok"),
        (np.geomspace(0.5, 0.03, 60), (0.8, 0.99), "amber"),
        (np.full(40, 0.01), (0.99, 0.99), "red"),
        (np.full(40, 0.01), (0.99, 0.5), "ok"),  # on its way back
        (np.geomspace(0.005, 0.5, 60), (0.99, 0.6), "ok"),
    ],
)
def test_one_that_has_won(look_at, losses, gap, expected):
    far = np.linspace(*gap, len(losses))
    found = look_at(Answers(ticks=ticks(losses, 0.5 + far / 2, 0.5 - far / 2), blank_loss=1.386))
    one = by_key(found)["d_loss_left"]
    assert one["level"] == expected and one["value"] == pytest.approx(losses[len(losses) // 2 :].mean() / 1.386)
    assert ("little left" in one["sentence"]) == (expected != "ok")
    assert found.verdict == ("amber" if expected == "red" else "ok")


def test_a_few_low_ticks_are_chance_and_few_ticks_are_nothing(look_at):
    noisy = np.random.default_rng(0).exponential(0.15, 12)  # around the line
    assert by_key(look_at(Answers(ticks=ticks(noisy), blank_loss=1.386)))["d_loss_left"]["level"] == "ok"
    few = ticks(np.zeros(LEAST_TICKS - 1))
    assert "there are 7" in look_at(Answers(ticks=few, blank_loss=1.386)).absent["d_loss_left"]
    torn = [*few, {"loss_d": 0.0, "d_real": None, "d_fake": 0.0}, {"loss_g": 1.0}]
    assert "there are 7" in look_at(Answers(ticks=torn, blank_loss=1.386)).absent["d_loss_left"]
    assert "d_loss_left" in look_at(Answers(ticks=ticks(np.zeros(40)))).absent


def test_one_that_ignores_the_label(look_at):
    rng = np.random.default_rng(0)
    real = rng.normal(size=128)
    use = lambda other: look_at(Answers(real=real, other_label=other))
    assert by_key(use(real - rng.normal(2, 1, 128)))["d_label_use"]["level"] == "ok"
    assert by_key(use(real + rng.normal(0.02, 0.05, 128)))["d_label_use"]["level"] == "red"
    found = use(real - 0.05)
    assert by_key(found)["d_label_use"]["level"] == "amber" and found.verdict == "ok"
    weak = by_key(use(real - rng.normal(0.15, 1, 128)))["d_label_use"]
    assert weak["level"] == "ok"  # no further off than chance
    assert "does not depend" in use(real).absent["d_label_use"]
    assert "other labels" in look_at(Answers(real=real)).absent["d_label_use"]
    assert "finite" in use(real * np.inf).absent["d_label_use"]
    assert FAMILIES["d_label_use"] == "labels"


def test_without_a_discriminator_each_has_its_reason(look_at):
    assert all("only while a run trains" in look_at(None).absent[key] for key in KEYS)
    assert set(KEYS) <= set(look_at(Answers()).absent)


def test_the_level_and_the_blank_loss_of_each_loss():
    assert {name: level(name) for name in LOSSES} == {
        "nonsaturating": 0.0,
        "minimax": 0.0,
        "hinge": 0.0,
        "least-squares": 0.5,
        "wasserstein": None,
        "relativistic": None,
    }
    blank = {name: blank_loss(name) for name in LOSSES}
    assert blank["nonsaturating"] == pytest.approx(2 * np.log(2)) and blank["relativistic"] == pytest.approx(np.log(2))
    assert blank["hinge"] == 2 and blank["least-squares"] == 0.25 and blank["wasserstein"] == 0
