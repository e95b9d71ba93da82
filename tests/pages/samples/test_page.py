"""The Samples page: new images, latent walks, two runs side by side, and the sample index that is read once."""

import pytest

from gan_core import actions
from gan_core.jobs import supervisor, worker
from gan_core.jobs.queue import Watch
from pages.samples import grid_timeline
from tests.builders.app_pages import letters, open_page


@pytest.fixture
def done(context):
    """Carry a job out in this process; returns it as it ended."""

    def do(job):
        worker.carry_out(context.store, context.workspace, job, Watch(context.store, job))
        return context.store.job(job.id)

    return do


@pytest.fixture
def trained(context, done, toy_dataset, tiny, monkeypatch):
    monkeypatch.setenv("GANVAS_WORKSPACE", str(context.workspace.root))
    monkeypatch.setattr(supervisor, "ensure_workers", lambda store, workspace: None)
    return lambda **changes: done(actions.train(context, toy_dataset, tiny(epochs=1.0, **changes))).subject


@pytest.mark.slow
def test_the_page_asks_for_images_and_shows_them(context, trained, done):
    run = trained()
    at = open_page("samples", run=run)
    at.selectbox(key=f"explore_class_{run}").set_value(1)
    at.number_input(key=f"explore_seed_{run}").set_value(5)
    at.slider(key=f"explore_truncation_{run}").set_value(0.7)
    at.button(key="explore_start").click().run()
    job = context.store.latest_job("explore", run)
    assert job.payload == {"class": "grey", "seed": 5, "noise_scale": 0.7, "at": None}
    assert at.query_params["smp_x"] in (job.id, [job.id]) and at.button(key="explore_cancel")
    with context.store.transaction() as db:
        db.execute("UPDATE jobs SET state = 'running', pid = NULL WHERE id = ?", (job.id,))
    done(context.store.job(job.id))
    at = open_page("samples", run=run)
    assert "near copy of a training image" in letters(at) and "truncation 0.7" in letters(at)
    assert at.selectbox(key=f"walk_from_{job.id}").options[0] == "grey, image 0"
    at.button(key="walk_start").click().run()
    walk = context.store.latest_job("walk", run).payload
    assert (walk["from"], walk["to"]) == ({"class": "grey", "number": 0}, {"class": "grey", "number": 1})
    assert (walk["seed"], walk["noise_scale"]) == (5, 0.7)


def test_the_page_says_why_there_is_no_walk(trained):
    at = open_page("samples", run=trained(family="kmeans"))
    assert "no images between" in letters(at) and not [one for one in at.button if one.key == "walk_start"]


@pytest.mark.slow
def test_two_runs_beside_each_other_and_swapped(trained):
    one, two = trained(), trained(seed=1)
    at = open_page("samples", run=one, smp_b=two, smp_step="0")
    assert "other seeds (0 and 1)" in letters(at)
    at.button(key="samples_swap").click().run()
    asked = {name: value if isinstance(value, str) else value[0] for name, value in at.query_params.items()}
    assert (asked["run"], asked["smp_b"], asked["smp_bstep"]) == (two, one, "0")
    at = open_page("samples", run=one, smp_b=one)
    assert "same noise" in letters(at)
    at = open_page("samples", run=one, smp_b="r" + "f" * 16)
    assert at.selectbox(key=f"samples_beside_{one}").value == "real"


def test_the_index_of_grids_is_read_again_only_where_it_changed(context, trained, monkeypatch):
    folder = context.workspace.run(trained())
    grids = grid_timeline.grids_of(folder)
    reads = []
    real = grid_timeline.run_folder.read_samples
    monkeypatch.setattr(grid_timeline.run_folder, "read_samples", lambda path: reads.append(path) or real(path))
    assert grid_timeline.grids_of(folder) == grids and not reads
    index = folder / "samples" / "index.jsonl"
    index.write_text(index.read_text().splitlines()[0] + "\n")
    assert grid_timeline.grids_of(folder) == grids[:1] and len(reads) == 1
