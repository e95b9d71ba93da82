import pytest

from gan_core.settings.run_time import epochs_within, seconds_left, speed_at
from gan_core.settings.schema import TrainConfig

RUN = TrainConfig(epochs=10.0, batch=50)


def test_a_run_ends_with_its_epochs_or_at_its_time_limit():
    assert seconds_left(RUN, 1000, 100.0) == 100
    assert seconds_left(RUN, 1000, 100.0, images_seen=4000, elapsed_seconds=40.0) == 60
    limited = RUN.model_copy(update={"minutes": 1.0})
    assert seconds_left(limited, 1000, 100.0) == 60
    assert seconds_left(limited, 1000, 100.0, images_seen=4000, elapsed_seconds=40.0) == 20
    assert seconds_left(limited, 1000, 100.0, elapsed_seconds=70.0) == 0


def test_without_a_speed_only_the_limit_counts():
    assert seconds_left(RUN, 1000, None) is None
    assert seconds_left(RUN.model_copy(update={"minutes": 1.0}), 1000, None) == 60


def test_epochs_and_speeds_of_other_sizes():
    assert epochs_within(2, 600, 100.0) == 20
    assert speed_at(100.0, 32, 64) == pytest.approx(25)
