"""What a recipe for a GPU says where there is none."""

import pytest

from gan_core.settings import recipes
from gan_core.settings.recipes.on_cpu import notice
from gan_core.settings.run_time import STEP_GFLOP, cpu_images_per_second


def best(size=64, images=5000, **changes):
    return recipes.start("best", size=size, train_images=images).model_copy(update=changes)


@pytest.mark.parametrize("size", [28, 32, 64, 128, 256])
@pytest.mark.parametrize("images", [100, 1000, 5000, 50_000])
def test_best_says_how_long_it_takes_and_what_to_take_instead(size, images):
    said = notice(best(size, images), size, images)
    assert "days" in said and "Quick" in said and said.startswith("Best is made for a GPU")


def test_with_a_time_limit_it_says_how_much_of_it_is_shown():
    config = best(minutes=30.0, epochs=1_000_000.0)
    shown = round(30 * 60 * cpu_images_per_second(config, 64))
    assert f"{shown:,} of the 3,000,000 images" in notice(config, 64, 5000)
    assert notice(best(minutes=1_000_000.0), 64, 5000) == ""  # time enough


def test_a_small_part_of_it_and_other_recipes_say_nothing():
    assert notice(best(epochs=0.01), 64, 5000) == ""
    assert notice(recipes.start("quick", size=64, train_images=5000), 64, 5000) == ""
    assert notice(best(recipe="deleted"), 64, 5000) == ""


def test_the_estimate_falls_with_size_and_width():
    for family, (width, gflop) in STEP_GFLOP.items():
        speeds = [cpu_images_per_second(best(family=family, width=width), size) for size in gflop]
        assert speeds == sorted(speeds, reverse=True)
        assert cpu_images_per_second(best(family=family, width=width // 2), 64) == pytest.approx(4 * 70 / gflop[64])
    assert cpu_images_per_second(best(family="mlp"), 32) is None
