"""The collapse monitor on the Live page."""

import json

import pytest

from tests.builders import evaluated_run
from tests.builders.app_pages import letters, open_page


def test_live_tells_of_variety_from_the_newest_look(planted):
    shown = letters(open_page("live", run=evaluated_run.RUN))
    assert "**Variety: alarm.**" in shown and "since epoch 9" in shown and "coverage ratio 0.66" in shown


@pytest.mark.slow
def test_live_has_every_sign_and_a_score_against_the_epoch(planted):
    path = planted.run(evaluated_run.RUN) / "collapse.jsonl"
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    for row in rows:
        row["values"] |= {"kernel_distance": 1 / row["epoch"], "d_overfit": 0.4}
        row["levels"] = {"d_overfit": "amber"}
        row["modes"] = {"sentence": "64 of 64 known kinds appear in 256 images."}
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    at = open_page("live", run=evaluated_run.RUN)
    assert "Known modes: 64 of 64 known kinds" in letters(at) and not any(
        "indicator" in one.value for one in at.dataframe
    )
    at.session_state["live_indicators"] = True
    at.run()
    (table,) = (one.value for one in at.dataframe if "indicator" in one.value)
    assert ("Discriminator overfitting", "Look closer", 0.4) in table.itertuples(index=False, name=None)
    assert any("live_distance" in chart.proto.id for chart in at.get("bidi_component"))


@pytest.mark.parametrize(("lines", "said"), [(2, "**Variety: not known.**"), (4, "**Variety: no alarm.**"), (0, None)])
def test_live_says_too_early_and_nothing_without_looks(lines, said, planted):
    path = planted.run(evaluated_run.RUN) / "collapse.jsonl"
    path.write_text("".join(path.read_text().splitlines(True)[:lines]))
    shown = letters(open_page("live", run=evaluated_run.RUN))
    assert (said in shown) if said else "Variety" not in shown
