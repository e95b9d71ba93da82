"""The pages under docs/ know every recipe, every verb and every page, and name no others."""

import re
from pathlib import Path

import pytest
import typer

from gan_core.cli import VERBS, app
from gan_core.settings.recipes import RECIPES

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = sorted(path.parent.name for path in (ROOT / "pages").glob("*/page.py"))
USAGE = re.compile(r"^\| `ganvas ([a-z-]+)([^`]*)` \| (.+) \|$", re.MULTILINE)
NAMED = re.compile(r"(?:python -m gan_core|`ganvas|bin/ganvas) (?:--workspace [^\s`]+ )?([a-z][a-z-]*)")
COMMANDS = typer.main.get_command(app).commands  # type: ignore[attr-defined]


def page_titles() -> dict[str, str]:
    """file name -> title of every page, as the navigation has them."""
    return dict(re.findall(r'^    \("(\w+)", "([^"]+)", ', (ROOT / "pages" / "router.py").read_text(), re.MULTILINE))


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_stands_in_its_page_with_its_networks(name):
    row = f"| `{name}` | `{RECIPES[name].config.family}`, {RECIPES[name].config.loss} |"
    assert row in (DOCS / "recipes.md").read_text()


@pytest.mark.parametrize("verb", VERBS)
def test_a_verb_has_a_usage_line_that_it_understands(verb):
    rows = {found[1]: (found[2], found[3]) for found in USAGE.finditer((DOCS / "commands.md").read_text())}
    assert verb in rows, f"docs/commands.md has no row for {verb}"
    usage, said = rows[verb]
    assert said.startswith((VERBS[verb].__doc__ or "").strip().splitlines()[0])
    known = {option for parameter in COMMANDS[verb].params for option in parameter.opts}
    assert set(re.findall(r"--[a-z-]+", usage)) <= known
    given = [word for word in re.sub(r"--[a-z-]+( [^-\s]\S*)?", "", usage).split() if word]
    needed = [parameter for parameter in COMMANDS[verb].params if parameter.param_type_name == "argument"]
    assert len(given) == len(needed), usage
    assert all(set(p.opts) & set(usage.split()) for p in COMMANDS[verb].params if p.required and p not in needed)


def test_no_usage_line_is_of_a_verb_that_is_gone():
    for page in (*DOCS.glob("*.md"), ROOT / "README.md"):
        named = set(NAMED.findall(page.read_text()))
        assert named <= set(VERBS), page.name


@pytest.mark.parametrize("page", PAGES)
def test_a_page_is_in_the_navigation_and_written_about(page):
    """In the README's table of what Ganvas does, or by its title and the word page in docs/."""
    titles = page_titles()
    assert page in titles, f"pages/router.py does not register {page}/page.py"
    title = titles[page]
    table = [line.split("|")[2] for line in (ROOT / "README.md").read_text().splitlines() if line.count("|") == 4]
    named = any(title in [word.strip() for word in cell.split(",")] for cell in table)
    about = re.compile(rf"\b{re.escape(title)} page\b", re.IGNORECASE)
    assert named or any(about.search(text.read_text()) for text in DOCS.glob("*.md")), title
