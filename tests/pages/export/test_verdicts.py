"""Which checkpoint a verdict on the Export page is about."""

import pytest

from gan_core.storage.workspace import write_json
from tests.builders import evaluated_run
from tests.builders.app_pages import letters, open_page


@pytest.mark.slow
def test_verdicts_name_their_checkpoint_beside_the_one_that_is_exported(planted):
    said = letters(open_page("export", run=evaluated_run.RUN))
    assert "120,000 images (epoch 12.5)" in said and "draws from the one at 1,200" in said
    for stale in (planted.run(evaluated_run.RUN) / "checkpoints").iterdir():
        stale.unlink()
    write_json(planted.run(evaluated_run.RUN) / "checkpoints" / "ck-000000120000.json", {"images_seen": 120_000})
    at = open_page("export", run=evaluated_run.RUN)
    assert "(epoch 12.5)" in letters(at) and "The export draws" not in letters(at)
    assert any(box.value.startswith("**Usefulness: helps.**") for box in at.success)
    assert "with images from the checkpoint at" in letters(open_page("evaluate", run=evaluated_run.RUN))
