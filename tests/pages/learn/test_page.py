"""The Learn page: chapters and their examples, the link, question and answer, the lesson on images."""

import json
from dataclasses import asdict
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from gan_core import actions
from gan_core.jobs import supervisor
from gan_core.learn import moves
from gan_core.learn.chapters import CHAPTERS
from gan_core.learn.settings import OFFERED, Settings, build
from gan_core.storage.store import Store
from gan_core.storage.workspace import Workspace, write_json
from pages.learn.game_settings import link_text
from tests.builders import seeded_workspace
from tests.builders.app_pages import open_page, words

ROOT = Path(__file__).parents[3]
LESSON = "teach-collapse", "teach-cure"


@pytest.fixture
def empty(tmp_path, monkeypatch) -> Workspace:
    """A fresh workspace; no worker is started."""
    monkeypatch.setattr(supervisor, "ensure_workers", lambda store, workspace: None)
    monkeypatch.setenv("GANVAS_WORKSPACE", str(tmp_path))
    return Workspace(tmp_path)


def game(at: AppTest) -> dict:
    """What the page sends to the laboratory in the browser."""
    (component,) = [one for one in at.get("bidi_component") if "ganvas_plane" in str(one.proto)]
    return json.loads(component.proto.json)


@pytest.mark.parametrize("name", CHAPTERS)
def test_a_chapter_asks_shows_and_answers(name):
    chapter = CHAPTERS[name]
    assert chapter.question.endswith("?") and len(set(chapter.answers)) == 3 and chapter.right in range(3)
    assert len(chapter.reason) > 100 and chapter.examples and 0 < chapter.answer_at <= 1000
    assert "!" not in " ".join((chapter.text, chapter.question, *chapter.answers, chapter.reason))
    for example in chapter.examples:
        assert build(asdict(example.settings)) == example.settings and example.watch.endswith(".")
        assert moves.text(moves.parse(example.at)) == example.at
    assert len({example.settings for example in chapter.examples}) == len(chapter.examples)


def test_no_two_values_of_a_setting_look_the_same_in_a_link():
    for offered in OFFERED.values():
        assert len({link_text(value) for value in offered}) == len(offered)


@pytest.mark.parametrize("name", CHAPTERS)
def test_a_link_to_a_chapter_opens_its_first_example(name, empty):
    at = open_page("learn", lab_chapter=name)
    shown, example = game(at), CHAPTERS[name].examples[0]
    assert build(json.loads(shown["game"])) == example.settings and shown["at"] == example.at
    assert CHAPTERS[name].title in words(at) and example.watch in words(at)
    assert at.radio(key=f"lab_guess_{name}").value is None
    for number, other in enumerate(CHAPTERS[name].examples):
        at.button(key=f"lab_example_{number}").click().run()
        assert build(json.loads(game(at)["game"])) == other.settings and not at.exception
        assert game(at)["at"] == other.at


def test_a_link_says_everything_and_a_spoilt_one_nothing_bad(empty):
    at = open_page(
        "learn", lab_chapter="free", lab_loss="hinge", lab_lr_g="0.03", lab_crowd="1", lab_seed="7", lab_at="d1g1"
    )
    shown = game(at)
    assert (
        build(json.loads(shown["game"])) == Settings(loss="hinge", lr_g=0.03, crowd=True, seed=7)
        and shown["at"] == "r1"
    )
    at = open_page("learn", lab_chapter="nobody", lab_loss="<b>", lab_lr_g="7", lab_at="r1;drop")
    assert build(json.loads(game(at)["game"])) == Settings() and game(at)["at"] == ""


def test_a_changed_setting_stands_in_the_link_and_begins_again(empty):
    at = open_page("learn", lab_chapter="gan", lab_seed="1", lab_at="r50")
    assert game(at)["at"] == "r50"
    at.select_slider(key="lab_lr_g").set_value(0.01).run()
    assert game(at)["at"] == "" and at.query_params["lab_lr_g"] == "0.01" and "lab_at" not in at.query_params
    assert "your own" in words(at)


@pytest.mark.slow
def test_the_answer_shows_after_the_game_and_minds_the_guess(empty):
    chapter = CHAPTERS["collapse"]
    early = open_page("learn", lab_chapter="collapse", lab_at="r100")
    assert chapter.reason not in words(early) and f"round {chapter.answer_at}" in words(early)
    at = open_page("learn", lab_chapter="collapse", lab_at=f"r{chapter.answer_at}")
    assert chapter.reason in words(at)
    at.radio(key="lab_guess_collapse").set_value(chapter.right).run()
    assert "As you predicted" in words(at)
    at.radio(key="lab_guess_collapse").set_value((chapter.right + 1) % 3).run()
    assert "You predicted" in words(at) and "As you predicted" not in words(at)


def test_a_drawing_is_asked_for_and_then_played(empty):
    at = open_page("learn", lab_chapter="free", lab_shape="drawn")
    assert "Draw 1 to" in words(at) and not [
        one for one in at.get("bidi_component") if "ganvas_plane" in str(one.proto)
    ]
    at = open_page("learn", lab_chapter="free", lab_shape="drawn", lab_drawing="AAzz", lab_seed="1")
    assert build(json.loads(game(at)["game"])).drawing == "AAzz"


def test_one_click_queues_the_digits_and_both_runs_once(empty):
    at = open_page("learn", lab_chapter="images")
    at.button(key="lab_lesson_start").click().run()
    store = Store(empty)
    assert not at.exception and [job.payload["source"] for job in store.jobs(kind="import")] == ["demo:digits"]
    runs = store.runs()
    assert {run.config["recipe"] for run in runs} == set(LESSON) and len({run.dataset_id for run in runs}) == 1
    differ = {key for key in runs[0].config if runs[0].config[key] != runs[1].config[key]}
    assert (
        differ == {"recipe", "loss", "penalty"}
        and 20_000 < runs[0].config["epochs"] * actions.DEMO_TRAIN_IMAGES < 22_000
    )
    assert at.button(key="lab_lesson_start").disabled
    (bringing,) = store.jobs(kind="import")
    assert all(job.after == bringing.id for job in store.jobs(kind="train"))


@pytest.mark.slow
def test_two_runs_stand_side_by_side_and_the_answer_waits_for_both(empty):
    context = actions.Context(Store(empty), empty)
    training = actions.lesson(context)
    with context.store.transaction() as db:
        db.execute("UPDATE jobs SET state = 'finished', progress = 1")
    for job, variety in zip(training, (0.04, 0.8), strict=True):
        at = open_page("learn", lab_chapter="images")
        assert "What happened" not in "\n".join(head.value for head in at.subheader)
        row = {
            "images_seen": 9,
            "epoch": 1.0,
            "values": {"variance_ratio": variety},
            "verdict": "ok",
            "sentence": "So.",
        }
        (empty.run(job.subject) / "collapse.jsonl").write_text(json.dumps(row) + "\n")
    at = open_page("learn", lab_chapter="images")
    assert {metric.value for metric in at.metric} >= {"0.04", "0.8"}
    assert "What happened" in "\n".join(head.value for head in at.subheader)
    assert all(value in words(at) for value in ("0.04 with", "0.8 with"))
    again = actions.lesson(context)
    assert context.store.job(again[0].id).after is not None  # no such dataset was really brought in


def test_digits_that_are_there_are_used_again(empty):
    seeded_workspace.seed(empty.root)
    store = Store(empty)
    folder = Workspace(empty.root).dataset(seeded_workspace.DATASET)
    info = json.loads((folder / "dataset.json").read_text())
    write_json(
        folder / "dataset.json",
        info | {"source": {"kind": "demo", "name": "digits"}, "size": actions.DEMO_IMPORT.size, "seed": 0},
    )
    training = actions.lesson(actions.Context(store, empty))
    assert not [job for job in store.jobs(kind="import") if job.live]
    assert {store.run(job.subject).dataset_id for job in training} == {seeded_workspace.DATASET}
