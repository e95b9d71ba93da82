"""The table per class and the confusion matrix."""

import pytest

from gan_core.storage.store import Store
from pages.evaluate import per_class
from tests.builders import evaluated_run
from tests.builders.app_pages import letters, open_page


@pytest.mark.slow
def test_a_class_opens_its_images_beside_real_ones_and_its_closest_pairs(planted):
    at = open_page("evaluate", run=evaluated_run.RUN)
    before = len(at.get("image"))
    table = next(one for one in at.dataframe if "coverage" in one.value.columns)
    assert list(table.value["class"]) == [evaluated_run.CLASSES[2], evaluated_run.CLASSES[1], evaluated_run.CLASSES[0]]
    at.selectbox(key="class_choice").set_value("cat").run()
    assert not at.exception and len(at.get("image")) == before + 3
    assert {"Generated as cat", "Real cat", "Closest to a training image"} <= {one.value for one in at.subheader}
    assert "35 of 40 images" in letters(at) and "Fewer than 50 images." in letters(at)


def test_a_selected_row_and_a_clicked_cell_are_the_choice_in_the_boxes(monkeypatch):
    state = {"class_table": {"selection": {"rows": [1]}}, "confusion": {"selection": {"points": [{"x": 2, "y": 0}]}}}
    monkeypatch.setattr(per_class.st, "session_state", state)
    per_class.choose_row(["b", "a"], "class_table")
    per_class.choose_cell(3)
    assert (state[per_class.CHOSEN], state[per_class.REQUESTED], state[per_class.PREDICTED]) == ("a", 0, 2)
    state["class_table"]["selection"]["rows"], state["confusion"]["selection"]["points"] = [], [{"x": 9, "y": 0}]
    per_class.choose_row(["b", "a"], "class_table")
    per_class.choose_cell(3)
    assert (state[per_class.CHOSEN], state[per_class.REQUESTED], state[per_class.PREDICTED]) == (None, 0, 2)


@pytest.mark.slow
def test_a_confusion_cell_opens_its_images(planted):
    at = open_page("evaluate", run=evaluated_run.RUN)
    before = len(at.get("image"))
    at.selectbox(key="cell_requested").set_value(0)
    at.selectbox(key="cell_predicted").set_value(1).run()
    assert "**cat** predicted as **owl & <b>kiwi</b>**: 5 images" in letters(at) and len(at.get("image")) == before + 1
    at.selectbox(key="cell_predicted").set_value(2).run()
    assert ": 0 images" in letters(at) and len(at.get("image")) == before


def test_one_class_has_no_confusion(empty):
    evaluated_run.plant(empty, Store(empty), classes=["all"])
    at = open_page("evaluate", run=evaluated_run.RUN)
    assert "Requested and predicted" not in letters(at) and "Per class" in letters(at)
