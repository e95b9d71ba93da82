"""The Runs page: its table, what is selected in the address, compare, rename, delete and undo."""

import json
import time

import pytest
from streamlit.testing.v1 import AppTest

from gan_core import actions
from gan_core.actions import Context
from gan_core.storage.store import Store
from gan_core.storage.workspace import read_json, write_json
from tests.builders import evaluated_run, seeded_workspace
from tests.builders.app_pages import letters, open_page, words

DONE, FAILED, LIVE = (seeded_workspace.RUNS[state] for state in ("finished", "failed", "running"))


def frame(at: AppTest, column: str):
    return next(one.value for one in at.dataframe if column in one.value.columns)


def tick(at: AppTest, *places: int) -> AppTest:
    key = next(one.proto.id for one in at.dataframe if "Image" in one.value.columns).rsplit("-", 1)[1]
    at.session_state[key] = {"selection": {"rows": list(places), "columns": [], "cells": []}}
    return at.run()


def test_the_table_has_every_run_with_its_picture_state_and_scores(full):
    table = frame(open_page("runs"), "Image")
    assert table["Name"][0] == seeded_workspace.HOSTILE and len(table) == len(seeded_workspace.RUNS)
    by_name = table.set_index("Name")
    done = by_name.loc[seeded_workspace.HOSTILE]
    assert done["Image"] == f"/app/static/runs/{DONE}/samples/fakes-000001200.png"
    assert (done["State"], done["Recipe"], done["Epochs"]) == ("✓ Finished", "Quick", 3.0)
    assert done["Distance"] == 31.25 and done["Evaluated with"] == "EfficientNet-Lite0, 300"
    failed = by_name.loc["Birds, failed"]
    assert failed["State"] == "✕ Failed" and str(failed["Evaluated with"]) in ("nan", "None")
    assert str(by_name.loc["Birds, queued"]["Image"]) in ("nan", "None")


def test_only_inception_is_called_fid(full):
    fid = {key: value for key, value in seeded_workspace.SCORES.items() if key != "frechet_distance"}
    found = fid | {"fid": 7.5, "extractor_title": "Inception-v3"}
    seeded_workspace.add_job(Store(full), "evaluate", FAILED, "finished", {}, result=found)
    table = frame(open_page("runs"), "Image").set_index("Name")
    assert table.loc["Birds, failed"]["Evaluated with"] == "FID, Inception-v3, 300"
    assert table.loc["Birds, failed"]["Distance"] == 7.5


def test_filters_leave_what_they_say(full):
    at = open_page("runs")
    at.text_input(key="runs_find").set_value("fAiLeD").run()
    assert list(frame(at, "Image")["Name"]) == ["Birds, failed"]
    at.text_input(key="runs_find").set_value("").run()
    at.multiselect(key="runs_state").set_value(["✓ Finished", "▶ Running"]).run()
    assert len(frame(at, "Image")) == 2
    at.toggle(key="runs_evaluated").set_value(True).run()
    assert list(frame(at, "Image")["Name"]) == [seeded_workspace.HOSTILE]
    at.text_input(key="runs_find").set_value("nothing has this name").run()
    assert "No run matches these filters" in words(at)


@pytest.mark.slow
def test_a_tick_is_in_the_address_and_the_address_is_a_tick(full):
    at = open_page("runs")
    ids = [run.id for run in Store(full).runs()]
    tick(at, 0, 2)
    assert at.query_params["cmp"] == f"{ids[0]},{ids[2]}" and "Compare" in words(at)
    at = open_page("runs", cmp=f"{ids[1]},r{'0' * 15}z,{ids[1]}")
    assert at.button(key="runs_delete").label == "Delete" and at.text_input(key=f"runs_name_{ids[1]}_Birds, running")


def test_what_is_ticked_and_filtered_out_stays_selected(full):
    at = open_page("runs", cmp=f"{DONE},{FAILED}")
    at.text_input(key="runs_find").set_value("failed").run()
    assert "1 selected run hidden by the filters" in words(at) and "Compare" in words(at)
    tick(at)
    assert at.query_params["cmp"] == DONE


@pytest.mark.slow
def test_compare_tells_settings_scores_and_curves(full):
    store = Store(full)
    evaluated_run.plant(full, store, changes={"n_fake": 50})
    run = store.run(FAILED)
    store.add_run(run.id, run.name, run.dataset_id, run.config | {"batch": 8, "flip": True}, run.created_at)
    at = open_page("runs", cmp=f"{DONE},{FAILED}")
    settings = frame(at, "setting")
    assert list(settings["setting"]) == ["Batch size", "Horizontal flips"]
    assert set(settings.iloc[0]) == {"Batch size", "64", "8"} and set(settings.iloc[1]) == {
        "Horizontal flips",
        "off",
        "on",
    }
    assert "Not evaluated yet, click to evaluate:" in letters(at)
    assert "Only one of these runs has scores" in letters(at) and "omparable:" not in letters(at)
    links = {link.proto.query_string: link.proto.label.replace("\\", "") for link in at.get("page_link")}
    assert links[f"run={FAILED}"] == "Birds, failed"
    assert len(at.get("plotly_chart")) == 1
    at.selectbox(key="runs_metric").set_value("d_real").run()
    at.segmented_control(key="runs_axis").set_value("Minutes").run()
    assert not at.exception
    (chart,) = at.get("plotly_chart")
    assert '"minutes"' in chart.proto.spec and "D(x), real" in chart.proto.spec
    at = open_page("runs", cmp=f"{DONE},{evaluated_run.RUN}")
    assert "**Not comparable:** the dataset" in letters(at)


@pytest.mark.slow
def test_ten_runs_are_compared_and_more_than_twelve_are_cut(full):
    store = Store(full)
    more = [f"r{'c' * 14}{number:02d}" for number in range(13)]
    for number, run in enumerate(more):
        seeded_workspace.seed_run(full, store, run, f"Run {number}", "finished", created_at=time.time() - number)
    at = open_page("runs", cmp=",".join(more[:10]))
    (chart,) = at.get("plotly_chart")
    assert all(f'"Run {number}"' in chart.proto.spec for number in range(10)) and not at.info
    assert sum(caption.value.startswith("Epoch") for caption in at.caption) == 10
    at = open_page("runs", cmp=",".join(more))
    assert "These are the first 12 of the 13 selected runs" in at.info[0].value


def test_runs_of_equal_settings_differ_in_no_setting(full):
    assert "None: these runs have the same settings." in words(open_page("runs", cmp=f"{DONE},{FAILED}"))


def test_rename_from_the_page_and_its_refusal(full):
    at = open_page("runs", cmp=FAILED)
    at.text_input(key=f"runs_name_{FAILED}_Birds, failed").set_value("Owls").run()
    at.button(key="runs_rename").click().run()
    assert Store(full).run(FAILED).name == "Owls" and "Owls" in list(frame(at, "Image")["Name"])
    at.text_input(key=f"runs_name_{FAILED}_Owls").set_value("   ").run()
    at.button(key="runs_rename").click().run()
    assert "A name has 1 to 100 letters" in at.error[0].value and Store(full).run(FAILED).name == "Owls"


def test_delete_and_undo_and_a_live_run_stays(full):
    at = open_page("runs", cmp=f"{DONE},{LIVE}")
    at.button(key="runs_delete").click().run()
    assert "is training or waiting" in letters(at) or "is training or waiting" in at.error[0].value
    assert at.query_params["cmp"] == LIVE and len(frame(at, "Image")) == len(seeded_workspace.RUNS) - 1
    assert "Deleted" in words(at) and full.trashed(DONE).is_dir()
    at.button(key="runs_undelete").click().run()
    assert len(frame(at, "Image")) == len(seeded_workspace.RUNS) and full.run(DONE).is_dir()
    assert not any(button.key == "runs_undelete" for button in at.button)


def test_an_old_deletion_comes_back_from_the_list(full, monkeypatch):
    monkeypatch.setattr("pages.shared.trash.UNDO_SECONDS", -1)
    actions.delete(Context(Store(full), full), DONE)
    at = open_page("runs")
    assert not any(button.key == "runs_undelete" for button in at.button)
    at.button(key=f"runs_back_{DONE}").click().run()
    assert Store(full).run(DONE).name == seeded_workspace.HOSTILE


def test_the_last_run_can_be_deleted_and_brought_back(empty):
    store = Store(empty)
    seeded_workspace.seed_dataset(empty, store)
    seeded_workspace.seed_run(empty, store, DONE, "Only one", "finished", 1e9)
    at = open_page("runs", cmp=DONE)
    at.button(key="runs_delete").click().run()
    assert "No run yet" in words(at)
    at.button(key="runs_undelete").click().run()
    assert list(frame(at, "Image")["Name"]) == ["Only one"]


@pytest.mark.parametrize("page", ["live", "samples", "evaluate", "export"])
def test_the_address_of_a_deleted_run_says_where_it_is(full, page):
    actions.delete(Context(Store(full), full), DONE)
    assert "This run was deleted" in letters(open_page(page, run=DONE))


@pytest.mark.slow
def test_exports_of_a_deleted_run_are_still_there(full):
    store = Store(full)
    with store.transaction() as db:
        db.execute(
            "UPDATE jobs SET payload = json_set(payload, '$.dataset', ?) WHERE kind = 'export'",
            (seeded_workspace.DATASET,),
        )
    offered = lambda at: any("Download birds.zip" in element.proto.body for element in at.get("html"))
    assert not offered(open_page("export", ds=seeded_workspace.DATASET))  # it stands with its run
    actions.delete(Context(store, full), DONE)
    at = open_page("export", ds=seeded_workspace.DATASET)
    assert offered(at) and "The run that drew its images was deleted" in letters(at)


def planted_sweep(full, states=("finished", "finished", "queued")) -> list[str]:
    """A sweep of runs with these states and two batch sizes; the finished ones are evaluated."""
    store = Store(full)
    runs = [f"r{'d' * 14}{number:02d}" for number in range(len(states))]
    for number, (run, state) in enumerate(zip(runs, states, strict=True)):
        seeded_workspace.seed_run(full, store, run, f"Rates {number}", state, time.time() + number)
        facts = read_json(full.run(run) / "config.json") | {"sweep": "Rates"}
        facts["config"] |= {"batch": 8 if number < 2 else 16, "seed": number}
        write_json(full.run(run) / "config.json", facts)
        with store.transaction() as db:
            db.execute("UPDATE runs SET sweep = 'Rates', config = ? WHERE id = ?", (json.dumps(facts["config"]), run))
        if state == "finished":
            result = seeded_workspace.SCORES | {"kid": float(number)}
            seeded_workspace.add_job(store, "evaluate", run, "finished", {}, result=result)
    return runs


@pytest.mark.slow
def test_a_sweep_is_one_group_with_mean_and_spread_and_its_runs_can_be_opened(full):
    assert "Sweep" not in frame(open_page("runs"), "Image")
    runs = planted_sweep(full)
    at = open_page("runs")
    table = frame(at, "Runs")
    assert list(table["Batch size"]) == ["8", "16"] and list(table["Runs"]) == [2, 1]
    assert list(table["KID"]) == ["0.5 ± 0.71", "–"]
    assert "2 finished" in words(at) and "1 waiting" in words(at)
    links = {link.proto.query_string for link in at.get("page_link")}
    assert {f"run={run}" for run in runs} <= links
    at.button(key="sweep_select").click().run()
    assert at.query_params["cmp"] == ",".join(runs) and "Compare" in words(at)
    at.multiselect(key="runs_in_sweep").set_value(["Rates"]).run()
    assert sorted(frame(at, "Image")["Name"]) == ["Rates 0", "Rates 1", "Rates 2"]


def test_the_runs_of_a_sweep_are_stopped_resumed_and_deleted_together(full):
    runs = planted_sweep(full)
    at = open_page("runs", sweep="Rates")
    assert at.button(key="sweep_delete").disabled and at.button(key="sweep_resume").disabled
    at.button(key="sweep_stop").click().run()
    store = Store(full)
    assert store.latest_job("train", runs[2]).state == "stopped" and at.button(key="sweep_stop").disabled
    at.button(key="sweep_resume").click().run()
    assert store.latest_job("train", runs[2]).state == "queued"
    at.button(key="sweep_stop").click().run()
    at.button(key="sweep_delete").click().run()
    assert not {run.id for run in store.runs()} & set(runs) and not at.exception
    at.button(key="runs_undelete").click().run()
    assert len(frame(at, "Runs")) == 2


def test_what_a_sweep_could_not_do_is_said(full):
    runs = planted_sweep(full, ("finished",))
    seeded_workspace.add_job(Store(full), "export", "e" + "9" * 16, "queued", {"run": runs[0]})
    at = open_page("runs")
    at.button(key="sweep_delete").click().run()
    assert "Refused" in at.warning[0].value and Store(full).run(runs[0])
