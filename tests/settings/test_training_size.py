import pytest

from gan_core.errors import FieldErrors
from gan_core.settings import recipes, rules
from gan_core.settings.schema import build
from gan_core.settings.training_size import sentence, training_size, why

CPU = {"gpu": False, "train_images": 2600, "epochs": 1e6}


def test_more_minutes_pay_for_a_larger_size():
    sizes = [training_size(64, **CPU, minutes=minutes) for minutes in (6, 30, 600)]
    assert sizes == [16, 32, 0]
    assert [training_size(128, **CPU, minutes=minutes) for minutes in (6, 30, 6000)] == [16, 32, 0]
    assert training_size(256, **CPU, minutes=6) == 32


@pytest.mark.parametrize(
    "size, minutes, gpu, said",
    [
        (64, 6, False, ("16 is proposed", "162,000 images at 32 px", "400,000")),
        (64, 30, False, ("32 is proposed", "810,000 images at 32 px", "400,000")),
        (64, 600, False, ("0 is proposed", "6,000,000 images at 64 px", "1,600,000")),
        (128, 6, False, ("16 is proposed", "162,000 images at 32 px", "400,000")),
        (128, 30, False, ("32 is proposed", "810,000 images at 32 px", "400,000")),
        (64, 6, True, ("0 is proposed", "GPU")),
        (32, 6, False, ("0 is proposed", "below 64 px")),
    ],
)
def test_the_reason_names_the_proposed_size_and_the_figures_behind_it(size, minutes, gpu, said):
    text = why(size, **CPU | {"gpu": gpu}, minutes=minutes)
    assert all(part in text for part in said) and text.endswith(".")
    proposed = training_size(size, **CPU | {"gpu": gpu}, minutes=minutes)
    assert text.startswith(f"{proposed} is proposed")


def test_without_minutes_the_epochs_count():
    known = {"gpu": False, "train_images": 2600, "minutes": None}
    assert training_size(64, **known, epochs=200.0) == 32
    assert training_size(64, **known, epochs=50.0) == 16


@pytest.mark.parametrize("size, gpu", [(64, True), (128, True), (28, False), (32, False)])
def test_a_gpu_and_small_images_train_at_the_size_of_the_dataset(size, gpu):
    assert training_size(size, gpu=gpu, train_images=2600, epochs=1.0, minutes=1.0) == 0


def test_quick_takes_it_and_other_recipes_do_not():
    known = {"size": 64, "train_images": 2600}
    quick = recipes.start("quick", **known, minutes=1.0)
    assert quick.train_size == 16 and "16 px" in sentence(quick, 64) and "64 px" in sentence(quick, 64)
    assert recipes.start("quick", **known, minutes=1.0, gpu=True).train_size == 0
    assert recipes.start("few-shot", **known, minutes=1.0).train_size == 0
    assert sentence(recipes.start("few-shot", **known), 64) == ""
    rules.check(quick, size=64, train_counts={"a": 1300, "b": 1300})


@pytest.mark.parametrize(
    "values, size",
    [
        ({"train_size": 64}, 64),
        ({"train_size": 16}, 28),
        ({"train_size": 32, "family": "vae", "loss": "nonsaturating", "penalty": "none", "condition": "concat"}, 64),
        ({"train_size": 16, "family": "sngan-projection", "penalty": "none", "loss": "hinge"}, 64),
    ],
)
def test_a_size_that_cannot_be_trained_is_refused(values, size):
    with pytest.raises(FieldErrors) as caught:
        rules.check(build(values), size=size, train_counts={"a": 100, "b": 100})
    assert list(caught.value.fields) == ["train_size"]
