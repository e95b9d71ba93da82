import math

import pytest

from gan_core.errors import UserError
from gan_core.settings.from_text import parse, value_of, values_of


def test_numbers_truth_and_nothing_are_read_and_all_else_stays_text():
    assert [parse(text) for text in ("32", "1e-4", "true", "null", "hinge")] == [32, 1e-4, True, None, "hinge"]
    assert math.isinf(parse("inf")) and parse("[" * 100_000).startswith("[")
    assert value_of("start_from", "123") == "123" and value_of("batch", "123") == 123


def test_values_stand_between_commas_each_once():
    assert values_of("batch", " 32,64 , 32") == (32, 64) and values_of("loss", "hinge") == ("hinge",)


@pytest.mark.parametrize("text", ["", "32,", ",", "32,,64"])
def test_an_empty_value_is_refused(text):
    with pytest.raises(UserError) as refused:
        values_of("batch", text)
    assert refused.value.code == "bad_set" and "batch" in refused.value.what
