"""A kind of job is a lane and a module."""

from pathlib import Path

import pytest

from gan_core.jobs import handlers
from gan_core.jobs.queue import LANES


@pytest.mark.parametrize("kind", LANES)
def test_each_kind_of_job_has_a_module_with_its_handler(kind):
    name = handlers.MODULES.get(kind, kind)
    assert (Path(handlers.__file__).parent / f"{name}.py").is_file()
    assert handlers.handler(kind).__name__ == name


def test_a_module_of_handlers_is_a_kind_of_job():
    there = {path.stem for path in Path(handlers.__file__).parent.glob("*.py")} - {"__init__"}
    assert there == {handlers.MODULES.get(kind, kind) for kind in LANES}
