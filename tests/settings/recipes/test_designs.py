"""What `best` is on a dataset, and that the documents say the same."""

import math
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gan_core.settings import recipes
from gan_core.settings.families import SIZES
from gan_core.settings.recipes import auto
from gan_core.settings.recipes.designs import DESIGNS, PATIENCE, design_of
from gan_core.settings.recipes.on_cpu import notice
from gan_core.settings.rules import check
from gan_core.settings.schema import build, images_total

PAGE = (Path(__file__).parents[3] / "docs" / "recipes.md").read_text()


def rows_under(heading: str) -> list[list[str]]:
    """The cells of the first table after a heading of docs/recipes.md, without its head."""
    table = re.search(rf"^#+ {re.escape(heading)}$.*?^(\|.*?)^$", PAGE, re.MULTILINE | re.DOTALL)
    assert table is not None
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table[1].splitlines()[2:]]


def numbers(pair: tuple[float, float]) -> str:
    """(300, 3000) -> '300 to 2,999'."""
    least, below = pair
    if below == math.inf:
        return f"{least:,} and more" if least else "any"
    return f"fewer than {below:,}" if not least else f"{least:,} to {below - 1:,}"


def sizes(some: tuple[int, ...]) -> str:
    return ", ".join(map(str, some))


def test_the_page_has_the_table_of_designs():
    said = [
        [
            sizes(one.sizes),
            numbers(one.images),
            f"`{one.recipe}`",
            f"{one.kimg:,}",
            ", ".join(
                f"{name} {value:g}" if isinstance(value, float) else f"{name} {value}"
                for name, value in one.changes.items()
            )
            or "–",
        ]
        for one in DESIGNS
    ]
    assert rows_under("Best") == said


def test_the_page_has_the_table_of_auto():
    said = [
        [
            {"cpu": "CPU", "cuda": "GPU"}[one.device],
            sizes(one.sizes),
            *(numbers(pair) for pair in (one.minutes, one.images, one.smallest, one.classes)),
            f"`{one.recipe}`",
        ]
        for one in auto.AUTO
    ]
    assert rows_under("Auto") == said


@given(size=st.sampled_from(SIZES), images=st.integers(1, 3_000_000))
def test_every_dataset_has_exactly_one_design(size, images):
    fitting = [one for one in DESIGNS if size in one.sizes and one.images[0] <= images < one.images[1]]
    assert fitting == [design_of(size, images)]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("images", [40, 299, 300, 2999, 3000, 19_999, 20_000, 1_000_000])
def test_best_shows_its_budget_and_has_patience(size, images):
    config, design = recipes.start("best", size=size, train_images=images), design_of(size, images)
    assert config.recipe == "best" and config.family == recipes.RECIPES[design.recipe].config.family
    assert config.patience == PATIENCE and not config.flip
    assert images_total(config, images) == pytest.approx(1000 * design.kimg, rel=0.01)


def test_gamma_and_ema_of_best_follow_the_size():
    of = lambda size, images: recipes.start("best", size=size, train_images=images)
    assert [of(size, 5000).gamma for size in (32, 64, 128, 256)] == pytest.approx([0.01, 0.0256, 0.1024, 0.4096])
    assert [of(size, 5000).width for size in (32, 64, 128, 256)] == [512, 256, 512, 512]
    assert of(32, 5000).ema_images == 500_000 and of(64, 5000).ema_images == 10_000
    gammas = [of(size, 50_000).gamma for size in (32, 64, 128, 256)]
    assert gammas == sorted(gammas) and gammas[0] == 0.05 and gammas[-1] == 150


def test_a_run_of_the_best_of_before_keeps_its_settings():
    before = {"recipe": "best", "family": "r3lite", "width": 512, "batch": 128, "schedule": "cosine", "lr_end": 0.25}
    config = build(before | {"gamma_end": 0.1, "ema_images": 50_000.0, "epochs": 300.0})
    check(config, size=64, train_counts={"a": 500, "b": 500})
    assert config.patience == 0 and notice(config, 64, 1000) == ""


def test_the_other_recipes_have_no_patience():
    assert [name for name, one in recipes.RECIPES.items() if one.config.patience] == ["best"]
