"""health.py: duplicates, leaks and conflicts are counted right, and the notices say what matters."""

import numpy as np

from gan_core.data.import_report import Record, contact_sheet, deduplicate, file_type_notices, health, notices, picks


def record(position: int, label: int, sha: str, split="train", side: int = 64, mode: str = "RGB") -> Record:
    return Record(position, label, split, f"{position}.png", sha, 3, side, side + 10, mode)


def test_duplicates_go_and_conflicts_stay():
    records = [record(0, 0, "a"), record(1, 0, "a"), record(2, 1, "a"), record(3, 1, "b"), record(4, 1, "b")]
    cleaned = deduplicate(records)
    assert [each.position for each in cleaned.records] == [0, 2, 3]
    assert (cleaned.duplicates, cleaned.leaked, cleaned.conflicts) == (2, 0, {"a"})


def test_a_given_test_part_keeps_what_the_training_part_loses():
    records = [record(0, 0, "a"), record(1, 0, "b"), record(2, 0, "a", "test"), record(3, 1, "b", "test")]
    cleaned = deduplicate(records)
    assert [each.position for each in cleaned.records] == [2, 3] and cleaned.leaked == 2


def test_test_keeps_an_image_before_validation_and_validation_before_train():
    places = [("train", "abc"), ("validation", "ab"), ("test", "a")]
    rows = [(sha, split) for split, shas in places for sha in shas]
    cleaned = deduplicate([record(number, 0, *row) for number, row in enumerate(rows)])
    assert [(each.sha256, each.split) for each in cleaned.records] == [
        ("c", "train"),
        ("b", "validation"),
        ("a", "test"),
    ]
    assert cleaned.leaked == 3


def test_health():
    records = [
        record(0, 0, "a", side=10, mode="L"),
        record(1, 0, "b", side=20),
        record(2, 1, "c", side=60)._replace(animated=True),
    ]
    report = health(records, ["cat", "dog"], duplicates=1, conflicts=2, ignored=3, rejected=4, channels=3)
    assert report == {
        "images": 3,
        "classes": {"cat": 2, "dog": 1},
        "duplicates": 1,
        "conflicts": 2,
        "ignored": 3,
        "rejected": 4,
        "animations": 1,
        "converted": 0,
        "imbalance": 2.0,
        "source_modes": {"L": 1, "RGB": 2},
        "source_sizes": {"min": [10, 20], "median": [20, 30], "max": [60, 70]},
    }


def test_notices():
    many = [record(slot, slot % 2, str(slot)) for slot in range(20)]
    assert notices(many, ["cat", "dog"], 64, 0, 0) == []
    text = " ".join(notices(many[:3], ["cat"], 128, 2, 1))
    for words in (
        "Only one class (cat)",
        "Fewer than 5",
        "3 of 3 images are smaller than 128 px",
        "2 images are in more",
        "1 image is in two splits",
    ):
        assert words in text
    few = [record(label, label, str(label)) for label in range(8)]
    assert "and 3 more" in notices(few, [f"c{label}" for label in range(8)], 64, 0, 0)[0]


def test_contact_sheet_shows_up_to_forty_at_a_legible_scale():
    images = np.zeros((100, 28, 28, 1), np.uint8)
    images[-1] = 200
    sheet = contact_sheet(images)
    assert sheet.size == (10 * 87 - 3, 4 * 87 - 3)
    assert sheet.getpixel((10 * 87 - 5, 4 * 87 - 5)) == (200, 200, 200)  # the last one is picked
    assert contact_sheet(images[:3]).size == (3 * 87 - 3, 84)
    assert contact_sheet(np.zeros((2, 256, 256, 3), np.uint8)).size == (2 * 131 - 3, 128)


def test_animations_and_mixtures_are_told():
    coloured = [record(number, 0, str(number)) for number in range(4)]
    grey = [each._replace(channels=1) for each in coloured]
    assert (
        file_type_notices(coloured, "RGB", "auto")
        == file_type_notices(grey, "L", "auto")
        == file_type_notices(grey, "RGB", "RGB")
        == []
    )
    (animated,) = file_type_notices([coloured[0]._replace(animated=True)], "RGB", "auto")
    assert "1 file holds several frames" in animated
    mixed = [*grey[:3], coloured[3]]
    (as_found,) = file_type_notices(mixed, "RGB", "auto")
    assert "3 grey and 1 coloured" in as_found and "3 were converted" in as_found
    (as_chosen,) = file_type_notices(mixed, "L", "L")
    assert "as you chose" in as_chosen and "1 was converted" in as_chosen


def test_a_sheet_picks_from_the_first_to_the_last():
    assert picks(3) == [0, 1, 2] and len(picks(1000)) == 40 and picks(1000)[0] == 0 and picks(1000)[-1] == 999
