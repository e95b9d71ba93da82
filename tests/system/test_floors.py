"""What is too old is refused before it is used, and what should be updated is said."""

import re
from pathlib import Path

import pytest

from gan_core.errors import UserError
from gan_core.system import floors

REQUIREMENTS = (Path(__file__).parents[2] / "requirements.txt").read_text()
NEW = floors.Found(
    (3, 14, 0), (3, 53, 0), {"torch": "2.14.1+cpu", "pillow": "13.0", "streamlit": "2.0", "starlette": "1.1"}
)


def test_what_is_here_starts():
    floors.check()
    assert floors.check(NEW) == []


@pytest.mark.parametrize(
    "here",
    [
        NEW._replace(python=(3, 10, 19)),
        NEW._replace(sqlite=(3, 37, 2)),
        *(NEW._replace(packages=NEW.packages | {name: "0.9"}) for name in floors.PACKAGES),
        NEW._replace(packages=NEW.packages | {"torch": "2.10.9"}),
        NEW._replace(packages=NEW.packages | {"starlette": None}),
    ],
)
def test_what_is_too_old_or_missing_is_refused(here):
    with pytest.raises(UserError) as refused:
        floors.check(here)
    assert refused.value.code == "too_old"


def test_an_unrepaired_python_is_said():
    (said,) = floors.check(NEW._replace(python=(3, 11, 7)))
    assert "3.11.14" in said
    assert floors.check(NEW._replace(python=(3, 11, 14))) == []


def test_the_floors_are_those_of_the_requirements():
    asked = dict(re.findall(r"^([a-z]+)(?:\[.*\])?>=([0-9.]+)", REQUIREMENTS, re.MULTILINE))
    assert {name: floors.dotted(floor) for name, floor in floors.PACKAGES.items()} == {
        name: asked[name] for name in floors.PACKAGES
    }
