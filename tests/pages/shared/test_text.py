"""Names are shown letter for letter."""

import pytest

from gan_core.errors import UserError
from pages.shared import text


@pytest.mark.parametrize(
    "name",
    [
        "<script>",
        "![x](http://evil)",
        ":red[a]",
        "$x$",
        "# a",
        "a_b_c",
        "`a`",
        "[x](y)",
        ":material/delete:",
        "www.evil.com",
        "a -> b",
    ],
)
def test_plain_leaves_nothing_for_markdown(name):
    escaped = text.plain(name)
    assert escaped.replace("\\", "").replace(text.JOINER, "") == name.replace("\\", "")
    for at, letter in enumerate(escaped):
        if letter in "<>![]()`$#_*:|~":
            assert escaped[at - 1] == "\\", (escaped, letter)
    assert "://" not in escaped and ":material" not in escaped and "www." not in escaped


def test_plain_is_one_line_and_leaves_letters_alone():
    assert text.plain("  Größe\n\n 3 ") == "Größe 3"


def test_a_refusal_is_what_and_todo():
    assert text.sentence(UserError("x", "Bad.", "Do this.")) == "Bad\\. Do this\\."
