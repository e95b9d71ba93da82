"""The figures of a sweep: groups of equal settings, mean and spread over seeds, scores of one way of measuring."""

import json
import time

import pytest

from gan_core.settings.schema import TrainConfig
from gan_core.storage.store import Store
from gan_core.views import run_table, sweeps
from tests.builders import seeded_workspace


@pytest.fixture
def store(workspace):
    store = Store(workspace)
    seeded_workspace.seed_dataset(workspace, store)
    return store


def add(store, workspace, number: int, sweep: str | None = "Rates", loss: float | None = None, **settings) -> str:
    run = f"r{number:016x}"
    config = TrainConfig(**settings).model_dump()
    store.add_run(run, f"Run {number}", seeded_workspace.DATASET, config, time.time() + number, sweep)
    workspace.run(run).mkdir()
    seeded_workspace.add_job(store, "train", run, "finished", {})
    if loss is not None:
        rows = [{"images_seen": at, "loss_g": loss, "loss_d": None} for at in range(60)]
        text = "".join(json.dumps(row) + "\n" for row in [{"loss_g": 1000.0}, *rows])
        (workspace.run(run) / "metrics.jsonl").write_text(text + '{"loss_g": 77')
    return run


def evaluated(store, run: str, kid: float, **changes) -> None:
    result = seeded_workspace.SCORES | {"kid": kid, "run": run} | changes
    seeded_workspace.add_job(store, "evaluate", run, "finished", {}, result=result)


def found(store, workspace):
    return sweeps.sweeps(store, workspace, run_table.rows(store, workspace))


def test_runs_that_differ_in_the_seed_alone_are_one_group_with_mean_and_spread(store, workspace):
    for number, (batch, seed, kid, loss) in enumerate([(8, 0, 1.0, 2.0), (8, 1, 3.0, 4.0), (16, 0, 5.0, None)]):
        evaluated(store, add(store, workspace, number, batch=batch, seed=seed, loss=loss), kid)
    add(store, workspace, 9, sweep=None)
    (sweep,) = found(store, workspace)
    assert sweep.name == "Rates" and [group.settings for group in sweep.groups] == [
        {"Batch size": 8},
        {"Batch size": 16},
    ]
    eight, sixteen = (group.figures for group in sweep.groups)
    assert eight["kid"] == sweeps.Figure(2.0, pytest.approx(2**0.5), 2)
    assert sixteen["kid"] == sweeps.Figure(5.0, None, 1) and "±" not in str(sixteen["kid"])
    assert eight["loss_g"].mean == 3.0 and "loss_d" not in eight and "loss_g" not in sixteen
    assert sweep.states == {"finished": 3} and sweep.others == 0


def test_scores_of_another_way_of_measuring_are_not_averaged(store, workspace):
    ways = [{}, {}, {"extractor_title": "Inception-v3"}, {"n_fake": 50}]
    for number, way in enumerate(ways):
        evaluated(store, add(store, workspace, number, seed=number), float(number), **way)
    (sweep,) = found(store, workspace)
    assert sweep.groups[0].figures["kid"].runs == 2 and sweep.others == 2
    assert sweep.measured == "EfficientNet-Lite0, 300 images"


def test_what_a_recipe_brings_is_told_by_the_recipe_alone(store, workspace):
    add(store, workspace, 0, recipe="quick", batch=8)
    add(store, workspace, 1, recipe="balanced", batch=16)
    (sweep,) = found(store, workspace)
    assert [group.settings for group in sweep.groups] == [{"Recipe": "quick"}, {"Recipe": "balanced"}]


def test_utility_counts_where_it_was_measured(store, workspace):
    run = add(store, workspace, 0)
    seeded_workspace.add_job(store, "utility", run, "finished", {}, result={"gain": 0.25})
    (sweep,) = found(store, workspace)
    assert sweep.groups[0].figures["utility"].mean == 0.25
    assert "Utility 0.25" in "\n".join(sweeps.lines(sweep)) and sweeps.as_json(sweep)["runs"] == 1


def test_without_a_sweep_there_is_none(store, workspace):
    add(store, workspace, 0, sweep=None)
    assert found(store, workspace) == []
