"""A workspace with a run that was evaluated."""

import pytest

from gan_core.storage.store import Store
from gan_core.storage.workspace import Workspace
from tests.builders import evaluated_run


@pytest.fixture
def planted(empty) -> Workspace:
    """One run that was measured, with all that this leaves."""
    evaluated_run.plant(empty, Store(empty))
    return empty
