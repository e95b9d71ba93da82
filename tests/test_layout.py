"""layout.py: which folder level is the class."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gan_core.data.layout import lay_out, natural, shown
from gan_core.errors import UserError


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
    assert layout.classes == ["cat", "dog"] and layout.test_given and "train and val" in layout.notices[0]
    assert [item.name for item in layout.items if item.held_out] == ["d/test/cat/3.png"]
    assert not lay_out(["train/cat/1.png", "valid/cat/2.png"]).test_given
    assert lay_out(["train/1.png", "test/2.png"]).classes == ["test", "train"]  # no folders inside: class names
    assert lay_out(["train/cat/1.png", "test/cat/2.png", "plane/x/1.png"]).classes == ["plane", "test", "train"]


def test_pictures_without_folders_are_one_class():
    layout = lay_out(["2.png", "1.png", "README.md", "._1.png"])
    assert layout.classes == ["all"] and [item.name for item in layout.items] == ["1.png", "2.png"]
    assert layout.rejected == [("README.md", "it lies in no class folder")] and layout.ignored == 1
    assert "2 pictures were read as one class" in layout.notices[0]
    assert lay_out(["x/1.png", "2.png"]).classes == ["x"]  # beside a class folder they belong to none


def test_labels_of_a_metadata_file_make_the_classes():
    labels = {"train/1.png": "cat", "train/2.png": "dog", "test/1.png": "Cat", "gone.png": "cow"}
    layout = lay_out(["train/1.png", "train/2.png", "train/3.png", "test/1.png", "train/metadata.csv"], (), labels)
    assert layout.classes == ["Cat", "dog"] and "cat" in layout.notices[0]  # as often: the first by the alphabet
    assert [(item.name, item.label, item.held_out) for item in layout.items] == [
        ("train/1.png", 0, False),
        ("test/1.png", 0, True),
        ("train/2.png", 1, False),
    ]
    assert layout.test_given and layout.rejected == [("train/3.png", "the metadata has no label for it")]
    assert lay_out(["1.png", "2.png"], (), {"1.png": "a", "2.png": "b"}).classes == ["a", "b"]


def test_folders_that_tell_classes_apart_go_before_labels():
    names = ["train/cat/1.png", "train/dog/2.png", "test/cat/3.png"]
    for told in (("cat", "dog", "cat"), ("0", "1", "0"), ("0.1", "0.2", "0.3")):
        assert lay_out(names, (), dict(zip(names, told, strict=True))) == lay_out(names)


def test_labels_of_too_few_pictures_do_not_count_and_unlabelled_test_pictures_do_not_matter():
    names = ["train/1.png", "train/2.png", "train/3.png", "test/4.png", "test/5.png", "test/6.png"]
    assert lay_out(names, (), {names[0]: "a"}).classes == ["test", "train"]
    layout = lay_out(names, (), dict(zip(names[:3], "aba", strict=True)))
    assert layout.classes == ["a", "b"] and not layout.test_given and len(layout.rejected) == 3


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


@given(st.text())
def test_shown_text_can_be_stored(text):
    assert len(shown(text)) <= 100 and "\n" not in shown(text)
    shown("cat\udc80").encode()


@given(st.lists(st.text(alphabet="ab019", max_size=6)))
def test_natural_is_a_total_order_over_any_text(texts):
    assert sorted(sorted(texts, key=natural), key=natural) == sorted(texts, key=natural)
    natural("1" * 10_000)


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
