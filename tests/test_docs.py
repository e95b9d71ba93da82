"""The pages under docs/ know every recipe and every verb."""

import re
from pathlib import Path

import pytest

from gan_core.cli import VERBS
from gan_core.recipes import RECIPES

DOCS = Path(__file__).parent.parent / "docs"


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_stands_in_its_page_in_its_own_words(name):
    recipe, page = RECIPES[name], (DOCS / "recipes.md").read_text()
    row = next((line for line in page.splitlines() if line.startswith(f"| `{name}` |")), "")
    assert recipe.sentence in row and recipe.shortfall in row and recipe.source in row


@pytest.mark.parametrize("verb", VERBS)
def test_a_verb_is_written_about(verb):
    pages = [*DOCS.glob("*.md"), DOCS.parent / "README.md"]
    written = re.compile(rf"(`|gan_core ){re.escape(verb)}(?![\w-])")
    assert any(written.search(page.read_text()) for page in pages)
