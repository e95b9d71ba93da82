"""split_names.py: the words of a split, and what is none."""

import pytest

from gan_core.data.split_names import split_in, split_of


@pytest.mark.parametrize(
    ("name", "split"),
    [
        ("Train", "train"),
        ("VALID", "validation"),
        ("test_set", "test"),
        ("val2017", "validation"),
        ("ENTRAINEMENT", "train"),
        ("validac\u0327a\u0303o", "validation"),  # decomposed
        ("huấn_luyện", "train"),
        ("테스트", "test"),
        ("cat", None),
        ("testament", None),
        ("images", None),
        ("2024", None),
        ("", None),
        ("seg_train", None),
    ],
)
def test_a_whole_name_is_a_word_of_a_split(name, split):
    assert split_of(name) == split


def test_a_word_inside_a_name_counts_where_it_is_the_only_one():
    assert split_in("seg_train") == "train" and split_in("my test pictures") == "test"
    assert split_in("train_test_mix") is None and split_in("cat") is None
