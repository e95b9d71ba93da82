"""class_layout.py: which folder level is the class."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gan_core.data.class_layout import IN_NO_FOLDER, UNLABELLED, Metadata, lay_out
from gan_core.data.file_names import natural, shown
from gan_core.data.split_names import SPLITS
from gan_core.errors import UserError
from gan_core.requests import Choices


def tree(*names: str, folders=()) -> dict[str, list[str]]:
    layout = lay_out(names, folders)
    return {
        title: [item.name for item in layout.items if item.label == label] for label, title in enumerate(layout.classes)
    }


def test_wrapping_folders_are_stripped():
    assert tree("a/b/cat/1.png", "a/b/dog/2.png") == {"cat": ["a/b/cat/1.png"], "dog": ["a/b/dog/2.png"]}
    assert tree("pets/cat/1.png") == {"cat": ["pets/cat/1.png"]}
    assert tree("cat/1.png", "cat/2.png") == {"cat": ["cat/1.png", "cat/2.png"]}
    assert list(tree("cat/1.png", "cat/more/2.png")) == ["cat"]
    assert list(tree("README.txt", "pets/cat/1.png", "pets/dog/1.png")) == ["cat", "dog"]


def test_deeper_files_belong_to_their_class_and_loose_ones_to_none():
    layout = lay_out(["pets/cat/x/y/1.png", "pets/dog/1.png", "pets/0.png", "LICENSE"])
    assert layout.classes == ["cat", "dog"]
    assert sorted(name for name, _ in layout.rejected) == ["LICENSE", "pets/0.png"]


def test_noise_is_ignored_and_counted():
    layout = lay_out(
        [
            "__MACOSX/cat/._1.png",
            "cat/.DS_Store",
            "cat/Thumbs.db",
            "cat/desktop.ini",
            ".git/x.png",
            "cat/._2.png",
            "cat/1.png",
        ]
    )
    assert (layout.ignored, layout.rejected, len(layout.items)) == (6, [], 1)


def test_classes_are_in_natural_order_and_merge_by_case_and_unicode_form():
    assert list(tree("10/a.png", "9/a.png", "2/a.png")) == ["2", "9", "10"]
    layout = lay_out(["Cat/1.png", "cat/2.png", "cat/3.png", "dog/1.png"])
    assert layout.classes == ["cat", "dog"] and "Cat, cat" in layout.notices[0]
    layout = lay_out(["caf\u00e9/1.png", "cafe\u0301/2.png", "tea/1.png"])
    assert layout.classes == ["caf\u00e9", "tea"] and not layout.notices


def test_long_and_odd_names_stay_text():
    long = ["x" * 150 + "a", "x" * 150 + "b", "<script>alert(1)<|script>"]
    classes = lay_out([f"{name}/1.png" for name in long]).classes
    assert len(set(classes)) == 3 and max(map(len, classes)) <= 100 and "<script>alert(1)<|script>" in classes


def test_given_splits():
    layout = lay_out(["d/train/cat/1.png", "d/val/cat/2.png", "d/test/cat/3.png", "d/train/dog/4.png"])
    assert layout.classes == ["cat", "dog"] and layout.given == {"validation", "test"}
    assert [item.name for item in layout.items if item.split == "test"] == ["d/test/cat/3.png"]
    assert [item.name for item in layout.items if item.split == "validation"] == ["d/val/cat/2.png"]
    assert lay_out(["train/cat/1.png", "valid/cat/2.png"]).given == {"validation"}
    assert lay_out(["train/cat/1.png", "test/cat/2.png", "plane/x/1.png"]).classes == ["plane", "test", "train"]


def test_a_split_without_class_folders_is_one_class():
    names = ["train/1.png", "train/2.png", "test/3.png", "val/4.png", "readme.txt"]
    layout = lay_out(names)
    assert layout.classes == ["all"] and len(layout.given) == 2 and layout.rejected == [("readme.txt", IN_NO_FOLDER)]
    assert [(item.name, item.split) for item in layout.items] == [
        ("train/1.png", "train"), ("train/2.png", "train"), ("val/4.png", "validation"), ("test/3.png", "test")
    ]  # fmt: skip
    assert all(name in layout.notices[1] for name in ("train", "val", "test"))
    pool = lay_out(names, choices=Choices(split="pool"))
    assert len(pool.items) == 4 and not pool.given and "will be cut" in pool.notices[1]
    assert lay_out(["d/train/1.png", "d/test/2.png"]).classes == ["d"]  # a class with a split inside
    assert lay_out(["train/1.png", "test/2.png", "plane/3.png"]).classes == ["plane", "test", "train"]


def test_folders_of_which_nothing_is_read_are_not_told_of():
    layout = lay_out(["train/cat/1.png", "train/dog/2.png", "val/3.png", "test/4.png"])
    assert [name for name, _ in layout.rejected] == ["val/3.png", "test/4.png"] and not layout.given
    (notice,) = layout.notices
    assert "folder train" in notice and "folder val" not in notice and "will be cut" in notice
    assert layout.structure.splits == {"test": "test", "train": "train", "val": "validation"}


def test_pictures_without_folders_are_one_class():
    layout = lay_out(["2.png", "1.png", "README.md", "._1.png"])
    assert layout.classes == ["all"] and [item.name for item in layout.items] == ["1.png", "2.png"]
    assert layout.rejected == [("README.md", "it lies in no class folder")] and layout.ignored == 1
    assert "2 images were read as one class" in layout.notices[0]
    assert lay_out(["x/1.png", "2.png"]).classes == ["x"]  # beside a class folder they belong to none


def test_labels_of_a_metadata_file_make_the_classes():
    labels = {"train/1.png": "cat", "train/2.png": "dog", "test/1.png": "Cat", "gone.png": "cow"}
    names = ["train/1.png", "train/2.png", "train/3.png", "test/1.png", "train/metadata.csv"]
    layout = lay_out(names, (), Metadata(labels))
    assert layout.classes == ["Cat", "dog"] and "cat" in layout.notices[0]  # as often: the first by the alphabet
    assert [(item.name, item.label, item.split) for item in layout.items] == [
        ("train/1.png", 0, "train"),
        ("test/1.png", 0, "test"),
        ("train/2.png", 1, "train"),
    ]
    assert layout.given == {"test"} and layout.rejected == [("train/3.png", "the metadata has no label for it")]
    assert lay_out(["1.png", "2.png"], (), Metadata({"1.png": "a", "2.png": "b"})).classes == ["a", "b"]


def test_folders_that_tell_classes_apart_go_before_labels():
    names = ["train/cat/1.png", "train/dog/2.png", "test/cat/3.png"]
    for labels in (("cat", "dog", "cat"), ("0", "1", "0"), ("0.1", "0.2", "0.3")):
        assert lay_out(names, (), Metadata(dict(zip(names, labels, strict=True)))) == lay_out(names)


def test_labels_of_too_few_pictures_do_not_count_and_unlabelled_test_pictures_do_not_matter():
    names = ["train/1.png", "train/2.png", "train/3.png", "test/4.png", "test/5.png", "test/6.png"]
    assert lay_out(names, (), Metadata({names[0]: "a"})).classes == ["all"]
    layout = lay_out(names, (), Metadata(dict(zip(names[:3], "aba", strict=True))))
    assert layout.classes == ["a", "b"] and not layout.given and len(layout.rejected) == 3


def test_pictures_beside_a_folder_of_text_are_one_class():
    layout = lay_out(["1.png", "2.png", "labels/1.txt", "labels/2.txt"])
    assert layout.classes == ["all"] and len(layout.items) == 2 and len(layout.rejected) == 2


def test_empty_class_folders_are_named():
    layout = lay_out(["pets/cat/1.png", "pets/dog/1.png"], ["pets", "pets/cat", "pets/cow", "pets/cat/in", "__MACOSX"])
    assert layout.notices == ["Left out because they are empty: cow."]


@pytest.mark.parametrize(
    ("names", "code"),
    [
        (["README.txt"], "no_class_folders"),
        ([".DS_Store"], "no_images"),
        ([], "no_images"),
        ([f"{number}/1.png" for number in range(2001)], "too_many_classes"),
    ],
)
def test_refusals(names, code):
    with pytest.raises(UserError) as caught:
        lay_out(names)
    assert caught.value.code == code


@pytest.mark.slow
@given(st.text())
def test_shown_text_can_be_stored(text):
    assert len(shown(text)) <= 100 and "\n" not in shown(text)
    shown("cat\udc80").encode()


@given(st.lists(st.text(alphabet="ab019", max_size=6)))
def test_natural_is_a_total_order_over_any_text(texts):
    assert sorted(sorted(texts, key=natural), key=natural) == sorted(texts, key=natural)
    natural("1" * 10_000)


@pytest.mark.slow
@given(
    st.lists(
        st.from_regex(r"([abAB]|train|test){1,2}(/[ab12]{1,2}){0,3}\.png", fullmatch=True), max_size=12, unique=True
    )
)
def test_every_file_ends_in_one_place(names):
    try:
        layout = lay_out(names)
    except UserError:
        return
    assert sorted([item.name for item in layout.items] + [name for name, _ in layout.rejected]) == sorted(names)
    assert {item.label for item in layout.items} == set(range(len(layout.classes)))
    assert [(item.name, item.label) for item in lay_out(names[::-1]).items] == [(i.name, i.label) for i in layout.items]


def chosen(names: list[str], **choices: str):
    return lay_out(names, (), Metadata(), Choices(**choices))


def counts(layout) -> dict[str, tuple[int, int, int]]:
    """{class: (train, validation, test)}."""
    return {
        title: tuple(sum(item.label == label and item.split == split for item in layout.items) for split in SPLITS)
        for label, title in enumerate(layout.classes)
    }


SPLIT = [f"d/{split}/{name}/{number}.png" for split in ("train", "val", "test") for name in "ab" for number in range(3)]


@pytest.mark.parametrize(
    ("split", "each", "words"),
    [
        (
            "given",
            (3, 3, 3),
            "folder train is the training part; the folder val is the validation split; the folder test is",
        ),
        (
            "pool",
            (9, 0, 0),
            "test and train and val were read as one set; the validation split and the test split will be",
        ),
    ],
)
def test_a_given_split_is_kept_or_mixed_as_one_chooses(split, each, words):
    layout = chosen(SPLIT, split=split)
    assert counts(layout) == {"a": each, "b": each} and words in layout.notices[0]
    assert layout.given == ({"validation", "test"} if split == "given" else set())
    flat = chosen([f"{folder}/{n}.png" for folder in ("train", "val", "test") for n in "12"], split=split)
    assert counts(flat) == {"all": tuple(2 * part // 3 for part in each)} and words in flat.notices[1]


@pytest.mark.parametrize(("split", "held"), [("given", {"val": "validation", "test": "test"}), ("pool", {})])
def test_a_split_of_pictures_with_labels(split, held):
    names = [f"{folder}/{number}.png" for folder in ("train", "val", "test") for number in range(4)]
    labels = {name: "odd" if name[-5] in "13" else "even" for name in names}
    layout = lay_out(names, (), Metadata(labels), Choices(split=split))
    assert {item.name.split("/")[0]: item.split for item in layout.items if item.split != "train"} == held
    assert set(layout.structure.splits) == {"test", "train", "val"} and len(layout.items) == 12


def test_a_split_inside_the_class_folders():
    names = [
        f"d/{name}/{split}/{n}.png" for name in ("cat", "dog") for split in ("Train", "valid", "test") for n in "12"
    ]
    assert counts(lay_out(names)) == {"cat": (2, 2, 2), "dog": (2, 2, 2)}
    assert counts(chosen(names, split="pool")) == {"cat": (6, 0, 0), "dog": (6, 0, 0)}
    assert counts(chosen(names, level="last")) == {"cat": (2, 2, 2), "dog": (2, 2, 2)}
    assert lay_out([*names, "d/cow/1.png"]).classes == ["cat", "cow", "dog"]  # a picture beside the split: no split
    assert not lay_out([*names, "d/cow/1.png"]).given


def test_several_roots_are_stripped_with_a_notice():
    names = [f"{root}/{name}/{n}.png" for root in ("2023", "2024") for name in ("cat", "Dog") for n in "123"]
    for wrapped in (names, [f"all/{name}" for name in names]):
        layout = lay_out(wrapped)
        assert counts(layout) == {"cat": (6, 0, 0), "Dog": (6, 0, 0)}
        (notice,) = layout.notices
        assert "2023, 2024" in notice
        assert layout.structure.roots == ["2023", "2024"]
        top = chosen(wrapped, level="top")
        assert counts(top) == {"2023": (6, 0, 0), "2024": (6, 0, 0)} and not top.notices
        assert counts(chosen(wrapped, level="last")) == counts(layout)


@pytest.mark.parametrize(
    "more",
    ["2025/cow/1.png", "2024/1.png", "2024/cow/1.png", "2025/cat/1.png"],
    ids=["class", "loose", "more", "fewer"],
)
def test_roots_that_do_not_hold_the_same_classes_are_classes(more):
    names = [f"{root}/{name}/{n}.png" for root in ("2023", "2024") for name in ("cat", "dog") for n in "12"]
    assert lay_out([*names, more]).classes[:2] == ["2023", "2024"]
    one = [name for name in names if "/cat/" in name]
    assert lay_out(one).classes == ["2023", "2024"]  # a single class inside each says nothing
    assert lay_out(["pets/cat/1.png", "pets/dog/1.png", "0.png"]).classes == ["pets"]  # nor is a single folder


def test_roots_may_hold_a_split_and_the_other_way_round():
    names = [f"{root}/{split}/{c}/1.png" for root in "xy" for split in ("train", "test") for c in ("cat", "dog")]
    assert counts(lay_out(names)) == {"cat": (2, 0, 2), "dog": (2, 0, 2)}
    assert counts(chosen(names, level="top")) == {"x": (2, 0, 2), "y": (2, 0, 2)}
    turned = [f"{split}/{root}/{c}/1.png" for root in "xy" for split in ("train", "test") for c in ("cat", "dog")]
    assert counts(lay_out(turned)) == {"cat": (2, 0, 2), "dog": (2, 0, 2)}
    larger = [*names, *(f"x/{split}/{c}/{n}.png" for split in ("train", "test") for c in ("cat", "dog") for n in "345")]
    assert counts(lay_out(larger)) == {"cat": (5, 0, 5), "dog": (5, 0, 5)}  # the larger root is no training part


def test_the_last_folder_may_name_the_class():
    names = ["d/cat/black/1.png", "d/cat/white/2.png", "d/dog/black/3.png", "d/cow/4.png"]
    assert lay_out(names).classes == ["cat", "cow", "dog"] and lay_out(names).structure.deeper
    assert counts(chosen(names, level="last")) == {"black": (2, 0, 0), "cow": (1, 0, 0), "white": (1, 0, 0)}
    assert not lay_out(["cat/1.png", "dog/1.png"]).structure.deeper


def test_loose_pictures_are_left_out_or_become_a_class():
    names = ["cat/1.png", "dog/2.png", "3.png", "readme.txt"]
    assert lay_out(names).structure.loose == 1 and len(lay_out(names).rejected) == 2
    layout = chosen(names, loose="class")
    assert layout.classes == ["cat", "dog", UNLABELLED]
    assert layout.rejected == [("readme.txt", IN_NO_FOLDER)]
    split = ["train/cat/1.png", "train/dog/1.png", "test/1.png", "test/cat/2.png"]
    assert counts(lay_out(split)) == {"cat": (1, 0, 1), "dog": (1, 0, 0)}
    assert counts(chosen(split, loose="class")) == {"cat": (1, 0, 1), "dog": (1, 0, 0), UNLABELLED: (1, 0, 0)}


def test_pictures_of_a_test_folder_without_classes_do_not_make_it_a_class():
    layout = lay_out(["train/cat/1.png", "train/dog/1.png", "test/1.png", "test/2.png"])
    assert layout.classes == ["cat", "dog"] and not layout.given and len(layout.rejected) == 2


def test_folders_without_pictures_do_not_hide_the_structure():
    names = ["d/train/cat/1.png", "d/test/cat/1.png", "d/train/dog/1.png", "d/docs/notes/a.txt", "LICENSE", "x/y/z.csv"]
    layout = lay_out(names)
    assert counts(layout) == {"cat": (1, 0, 1), "dog": (1, 0, 0)}
    assert {reason for _, reason in layout.rejected} == {IN_NO_FOLDER} and len(layout.rejected) == 3


@pytest.mark.slow
@given(
    st.lists(
        st.from_regex(r"([abAB]|train|test|val){1,2}(/([ab12]{1,2}|train|val)){0,3}\.png", fullmatch=True),
        max_size=12,
        unique=True,
    ),
    st.sampled_from(("given", "pool")),
    st.sampled_from(("auto", "top", "last")),
    st.sampled_from(("skip", "class")),
)
def test_every_file_ends_in_one_place_whatever_is_chosen(names, split, level, loose):
    choices = Choices(split=split, level=level, loose=loose)
    try:
        layout = lay_out(names, (), Metadata(), choices)
    except UserError:
        return
    assert sorted([item.name for item in layout.items] + [name for name, _ in layout.rejected]) == sorted(names)
    assert {item.label for item in layout.items} == set(range(len(layout.classes)))
    assert layout.given == {item.split for item in layout.items} - {"train"}
    assert lay_out(names, (), Metadata(), Choices()).structure == layout.structure


def test_one_class_with_a_split_inside_keeps_its_name_and_its_split():
    layout = lay_out([f"faces/{split}/{n}.png" for split in ("train", "test") for n in range(3)])
    assert counts(layout) == {"faces": (3, 0, 3)} and layout.given == {"test"}


def test_folders_that_wrap_are_one_however_they_are_written():
    assert lay_out(["Pets/cat/1.png", "pets/dog/1.png"]).classes == ["cat", "dog"]
    assert lay_out(["caf\u00e9/cat/1.png", "cafe\u0301/dog/1.png"]).classes == ["cat", "dog"]


def sized(**images: int) -> list[str]:
    """So many images of cat and of dog in each folder."""
    return [f"{name}/{c}/{n}.png" for name, many in images.items() for c in ("cat", "dog") for n in range(many)]


@pytest.mark.parametrize(
    ("train", "validation", "test"),
    [
        ("Entraînement", "Validation", "Essai"),
        ("entrenamiento", "validación", "prueba"),
        ("Training", "Validierung", "Prüfung"),
        ("训练集", "验证集", "测试集"),
        ("学習", "検証", "テスト"),
        ("обучение", "валидация", "тест"),
        ("eğitim", "doğrulama", "sınav"),
        ("trening", "walidacja", "testowe"),
        ("train_images", "val2017", "test-set"),
        ("my_train", "my_val", "my_test"),
    ],
)
def test_a_split_is_known_by_its_words_in_many_languages(train, validation, test):
    layout = lay_out(sized(**{train: 2, validation: 5, test: 3}))
    assert counts(layout) == {"cat": (2, 5, 3), "dog": (2, 5, 3)}
    assert layout.given == {"validation", "test"} and not any("sizes" in notice for notice in layout.notices)


@pytest.mark.parametrize(
    ("sizes", "found"),
    [
        ({"aaa": 20, "zzz": 5}, (20, 0, 5)),
        ({"aaa": 5, "mmm": 3, "zzz": 20}, (20, 3, 5)),
        ({"test": 20, "zzz": 5}, (5, 0, 20)),  # one word is enough, and then sizes do not matter
        ({"train": 5, "zzz": 20}, (5, 0, 20)),
        ({"aaa": 6, "zzz": 5}, (11, 0, 0)),  # neither is clearly larger: two roots
        ({"a": 20, "b": 5, "c": 5, "d": 5}, (35, 0, 0)),  # more than there are splits
    ],
)
def test_folders_that_repeat_the_class_folders_of_a_larger_one_are_splits(sizes, found):
    names = sized(**sizes)
    layout = lay_out(names)
    assert counts(layout) == {"cat": found, "dog": found}
    guessed = found[2] > 0
    assert any("sizes decided" in notice for notice in layout.notices) == guessed
    assert counts(chosen(names, split="pool")) == {c: (sum(found), 0, 0) for c in ("cat", "dog")}
    assert chosen(names, level="top").classes == sorted(sizes)
    assert layout.structure.roots == sorted(sizes)


def test_a_folder_with_other_classes_than_its_siblings_is_a_class():
    beside = sized(aaa=20, zzz=5)
    assert lay_out([*beside, "zzz/cow/1.png"]).classes == ["aaa", "zzz"]
    assert lay_out([*beside, "zzz/1.png"]).classes == ["aaa", "zzz"]
    assert lay_out([name for name in beside if not name.startswith("zzz/dog")]).classes == ["aaa", "zzz"]
    assert counts(lay_out([name for name in sized(seg_train=9, seg_test=5) if "seg_test/dog" not in name])) == {
        "cat": (9, 0, 5),
        "dog": (9, 0, 0),
    }


def test_a_metadata_file_names_splits_with_or_without_labels():
    names = ["cat/1.png", "cat/2.png", "dog/3.png", "dog/4.png"]
    layout = lay_out(names, (), Metadata({}, {"cat/2.png": "validation", "dog/4.png": "test"}))
    assert counts(layout) == {"cat": (1, 1, 0), "dog": (1, 0, 1)} and layout.given == {"validation", "test"}
    assert "2 train, 1 validation, 1 test" in layout.notices[-1]
    flat = ["1.png", "2.png", "3.png"]
    labelled = Metadata(dict(zip(flat, "aab", strict=True)), {"2.png": "test"})
    assert counts(lay_out(flat, (), labelled)) == {"a": (1, 0, 1), "b": (1, 0, 0)}
    pool = lay_out(names, (), Metadata({}, {"cat/2.png": "test"}), Choices(split="pool"))
    assert not pool.given and pool.structure.listed
    assert not lay_out(names, (), Metadata({}, dict.fromkeys(names, "test"))).given  # nothing to train on is no split
