"""The auto-recipe: always something that can be started, and each rule where it applies."""

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytest import approx

from gan_core.errors import FieldErrors
from gan_core.settings.recipes import RECIPES
from gan_core.settings.recipes.auto import AUTO, choose, suggest
from gan_core.settings.rules import check

PLENTY = {"a": 6000, "b": 6000}


def ask(counts=PLENTY, size=32, mode="RGB", device="cpu", minutes=None):
    return suggest(size=size, mode=mode, train_counts=counts, device=device, minutes=minutes)


@given(
    counts=st.dictionaries(st.text("abcdef", min_size=1, max_size=3), st.integers(1, 30_000), min_size=1, max_size=8),
    size=st.sampled_from([28, 32, 64, 128, 256]),
    mode=st.sampled_from(["L", "RGB"]),
    device=st.sampled_from(["cpu", "cuda"]),
    minutes=st.none() | st.floats(0.5, 600),
)
def test_what_is_suggested_can_be_started(counts, size, mode, device, minutes):
    found = ask(counts, size, mode, device, minutes)
    assert found.settings.recipe in RECIPES and size in RECIPES[found.settings.recipe].sizes
    assert found.reasons and all(reason.endswith(".") for reason in found.reasons)
    if sum(counts.values()) >= 2:
        check(found.settings, size=size, train_counts=counts)
    assert all(getattr(found.settings, name) == value for name, value in found.changes.items())


def test_without_a_gpu_it_is_quick_as_it_stands():
    found = ask()
    assert found.settings.recipe == "quick" and found.changes == {} and "no GPU" in found.reasons[0]


@pytest.mark.parametrize("counts", [{"a": 100, "b": 100}, PLENTY])
def test_above_the_sizes_of_our_own_recipes_it_is_the_one_made_for_photographs(counts):
    found = ask(counts, size=256)
    assert found.settings.recipe == "fastgan" and "photographs of 256 px" in found.reasons[0]
    check(found.settings, size=256, train_counts=counts)


def test_the_recipes_that_it_wishes_for_exist():
    for device, minutes, counts in (("cuda", None, PLENTY), ("cuda", 10, PLENTY), ("cuda", None, {"a": 80, "b": 80})):
        wished = {("cuda", None): "best", ("cuda", 10): "balanced"}[device, minutes] if counts is PLENTY else "few-shot"
        assert wished not in RECIPES or ask(counts, device=device, minutes=minutes).settings.recipe == wished


@pytest.mark.parametrize("counts", [{"a": 200, "b": 200}, {"a": 5000, "b": 99}])
def test_few_images_get_label_warm_up_and_augmentation(counts):
    settings = ask(counts, minutes=600).settings
    assert (settings.label_start, settings.label_full) == (0.25, 0.5)
    assert (settings.augment != "none") == (sum(counts.values()) < 3000)
    assert ask({"a": 500, "b": 500}).settings.label_full == 0


def test_grey_images_get_no_color_augmentation():
    assert ask({"a": 200, "b": 200}, mode="L", minutes=600).settings.augment == "translation"
    assert ask({"a": 200, "b": 200}, mode="RGB", minutes=600).settings.augment == "color+translation"


@pytest.mark.parametrize("minutes, size, changed", [(None, 64, False), (9, 64, False), (2, 32, True), (1.4, 32, False)])
def test_a_brief_run_on_a_cpu_has_no_augmentation(minutes, size, changed):
    counts = (
        {"a": 1304, "b": 1304} if size == 64 else {"a": 200, "b": 200}
    )  # 1.5 minutes show each of 400 a hundred times
    assert (ask(counts, size, minutes=minutes).settings.augment != "none") == changed
    assert ask(counts, size, device="cuda", minutes=minutes).settings.augment != "none"


def test_a_class_too_small_for_labels_is_named():
    found = ask({"a": 500, "tiny": 4})
    assert found.settings.conditional is False and any("'tiny'" in reason for reason in found.reasons)
    assert not any("warm-up" in reason or "equally" in reason for reason in found.reasons)
    assert ask({"a": 500, "tiny": 5}).settings.conditional is True
    assert ask({"a": 25, "b": 24}).settings.conditional is False


def test_uneven_classes_are_balanced_with_a_warning():
    assert any("11 times" in reason for reason in ask({"a": 6600, "b": 600}).reasons)
    assert not any("times as many" in reason for reason in ask({"a": 6000, "b": 600}).reasons)


def test_minutes_and_budgets():
    found = ask(minutes=7)
    assert (found.settings.minutes, found.settings.epochs) == (7, 1_000_000)
    found = ask(device="cuda")
    assert found.settings.epochs == approx(5_000_000 / 12_000, rel=1e-4) and found.settings.batch == 64  # by its design
    assert found.settings.patience == 5 and any("5,000,000 images" in reason for reason in found.reasons)
    assert ask({"a": 100}, device="cuda").settings.epochs == 4000 and ask({"a": 100}).settings.batch == 32
    with pytest.raises(FieldErrors, match="finite"):
        ask(minutes=float("nan"))


def test_large_pictures_without_a_gpu_are_warned_about():
    assert any("64 px" in reason for reason in ask(size=128).reasons)


def test_it_needs_no_torch():
    code = "import gan_core.settings.recipes.auto, sys; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


@pytest.mark.parametrize(("minutes", "said"), [(1, "after your 1 minute."), (2.5, "after your 2.5 minutes.")])
def test_the_minutes_are_told_in_words(minutes, said):
    assert any(reason.endswith(said) for reason in ask(minutes=minutes).reasons)


def test_every_row_of_the_table_is_taken_by_some_dataset():
    taken = set()
    for size in (28, 32, 64, 128, 256):
        for counts in ({"a": 80, "b": 80}, {"a": 5000, "b": 80}, PLENTY, dict.fromkeys(map(str, range(150)), 200)):
            for gpu in (False, True):
                taken |= {choose(size, counts, gpu, minutes) for minutes in (None, 10.0)}
    assert taken == set(AUTO)


@pytest.mark.parametrize(
    ("counts", "size", "minutes", "recipe", "family"),
    [
        ({"a": 100, "b": 100}, 64, None, "best", "fastgan"),
        ({"a": 1300, "b": 1300}, 128, None, "best", "projected"),
        (PLENTY, 128, None, "best", "stylegan2-lite"),
        ({"a": 30_000, "b": 30_000}, 64, 60, "best", "r3gan"),
        (PLENTY, 128, 29, "projected", "projected"),
        ({"a": 100, "b": 100}, 64, 29, "balanced", "r3lite"),
        (dict.fromkeys(map(str, range(101)), 200), 64, 29, "balanced", "r3lite"),
        ({"a": 100, "b": 100}, 256, 29, "fastgan", "fastgan"),
        ({"a": 9000, "b": 99}, 32, None, "few-shot", "r3lite"),
    ],
)
def test_on_a_gpu_images_classes_size_and_minutes_decide(counts, size, minutes, recipe, family):
    settings = ask(counts, size, device="cuda", minutes=minutes).settings
    assert (settings.recipe, settings.family) == (recipe, family)


@pytest.mark.parametrize(
    ("names", "mode", "device", "flip"),
    [
        (["cat", "dog"], "RGB", "cuda", True),
        (["cat", "dog"], "L", "cuda", False),
        (["3", "8"], "RGB", "cuda", False),
        (["b", "d"], "RGB", "cuda", False),
        (["cat", "dog"], "RGB", "cpu", False),
    ],
)
def test_only_what_looks_like_photographs_is_mirrored_and_it_says_so(names, mode, device, flip):
    found = ask(dict.fromkeys(names, 5000), 64, mode, device)
    assert found.settings.flip == flip
    assert any("irrored" in reason for reason in found.reasons) == (device == "cuda")
