"""The five steps above a working page."""

import pytest
from streamlit.testing.v1 import AppTest

from gan_core.storage.store import Store
from pages.shared.steps import STATES, TITLES
from tests.builders import seeded_workspace
from tests.builders.app_pages import open_page

DONE = seeded_workspace.RUNS["finished"]


def shown_steps(at: AppTest) -> dict[str, tuple[str, str]]:
    """{step: (state word, query of its link)}"""
    found = {}
    for link in at.get("page_link"):
        label = link.proto.label.strip("*")
        number, _, rest = label.partition(" ")
        title, _, word = rest.partition(": ")
        if number.isdigit() and title in TITLES:
            found[title] = (word, link.proto.query_string)
            assert link.proto.icon in {icon for icon, said in STATES.values() if said == word}
    return found


@pytest.mark.slow
@pytest.mark.parametrize(
    ("page", "here"),
    [
        ("data", "Data"),
        ("train", "Train"),
        ("live", "View"),
        ("samples", "View"),
        ("evaluate", "Evaluate"),
        ("export", "Export"),
    ],
)
def test_the_steps_say_where_one_is_and_its_links_carry_the_ids(page, here, full):
    names = {"ds": seeded_workspace.DATASET} if page in ("data", "train") else {"run": DONE}
    found = shown_steps(open_page(page, **names))
    assert list(found) == list(TITLES)
    assert [title for title, (word, _) in found.items() if word == "you are here"] == [here]
    assert all(word in ("done", "you are here") for word, _ in found.values())  # this run did everything
    run = DONE if names.get("run") else Store(full).runs()[0].id
    queries = [query for _, query in found.values()]
    assert queries == [f"ds={seeded_workspace.DATASET}"] * 2 + [f"run={run}"] * 3


@pytest.mark.parametrize(
    ("state", "train", "evaluate"),
    [("running", "under way", "open"), ("queued", "under way", "open"), ("failed", "done", "under way")],
)
def test_a_step_is_done_when_its_files_or_jobs_are_there(state, train, evaluate, full):
    run = seeded_workspace.RUNS[state]
    if evaluate == "under way":
        seeded_workspace.add_job(Store(full), "evaluate", run, "running", {})
    found = shown_steps(open_page("export", run=run))
    assert (found["Train"][0], found["Evaluate"][0]) == (train, evaluate)
    assert found["View"][0] == ("done" if train == "done" else "open") and found["Data"][0] == "done"


def test_in_an_empty_workspace_every_other_step_is_open(empty):
    found = shown_steps(open_page("data"))
    assert {word for title, (word, _) in found.items() if title != "Data"} == {"open"}
    assert {query for _, query in found.values()} == {""}
