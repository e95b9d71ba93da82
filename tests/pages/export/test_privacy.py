"""Where Export says that synthetic images are not anonymous, and what stands beside it."""

from dataclasses import replace

import pytest

from gan_core.actions import Context
from gan_core.data.dataset import read_info
from gan_core.storage.store import Store
from pages.export import privacy
from tests.builders import evaluated_run, seeded_workspace
from tests.builders.app_pages import letters, open_page


def test_small_classes_of_a_run_are_named_with_the_closest_pairs_beside(planted):
    at = open_page("export", run=evaluated_run.RUN)
    assert "Synthetic is not anonymous" in letters(at)
    assert any(one.label.startswith("The generated images that are nearest") for one in at.expander)
    run = Store(planted).run(evaluated_run.RUN)
    pairs = privacy.nearest_pairs(Context(Store(planted), planted), run)
    assert 0 < len(pairs) <= privacy.MOST_PAIRS and all(pair.fake.shape == pair.real.shape for pair in pairs)
    assert [pair.distance for pair in pairs] == sorted(pair.distance for pair in pairs)


@pytest.mark.parametrize(
    ("count", "methods", "said"),
    [(999, {"gan": 1.0}, True), (1000, {"gan": 1.0}, False), (1000, {"classical": 1.0}, True), (5, {}, False)],
)
def test_it_is_said_where_it_matters_only(planted, monkeypatch, count, methods, said):
    shown = []
    monkeypatch.setattr(privacy.st, "info", lambda text, **_: shown.append(text))
    monkeypatch.setattr(privacy, "show_nearest", lambda *_: None)
    context = Context(Store(planted), planted)
    run = context.store.run(evaluated_run.RUN)
    info = read_info(planted.dataset(run.dataset_id))
    info = replace(info, train_counts=[count] * len(info.classes))
    privacy.show_privacy(context, run, info, methods)
    assert bool(shown) == said


def test_without_an_evaluation_the_page_says_how_to_see_them(full):
    context = Context(Store(full), full)
    run = context.store.run(seeded_workspace.RUNS["stopped"])
    assert privacy.nearest_pairs(context, run) is None
