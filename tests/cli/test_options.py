"""options.py: the options of a verb are the fields of its request, with their defaults and help."""

from typing import Annotated, Any

import pytest
import typer
from typer.testing import CliRunner

from gan_core.cli import app
from gan_core.cli.options import Given, with_options
from gan_core.errors import FieldErrors
from gan_core.requests import EvaluateRequest, ExportRequest, ImportRequest, SampleRequest, UtilityRequest, WalkRequest
from gan_core.requests.base import option_of

CALLS: list[Any] = []
COMMANDS = typer.main.get_command(app).commands  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("verb", "model"),
    [
        ("import", ImportRequest),
        ("sample", SampleRequest),
        ("walk", WalkRequest),
        ("evaluate", EvaluateRequest),
        ("utility", UtilityRequest),
        ("export", ExportRequest),
    ],
)
def test_an_option_has_the_help_of_its_field(verb, model):
    parameters = {parameter.name: parameter for parameter in COMMANDS[verb].params}
    named = [name for name in model.model_fields if name in parameters]
    assert len(named) >= 3
    for name in named:
        assert parameters[name].help == model.model_fields[name].description, name


def test_every_field_of_an_export_is_an_option_or_says_that_it_is_none():
    names = {parameter.name for parameter in COMMANDS["export"].params}
    for name, info in ExportRequest.model_fields.items():
        hidden = option_of(info).name is None
        assert hidden != (name in names or name == "policy"), name
    assert {"flips", "turns", "light"} <= names


def called(verb: Any, *words: str) -> Any:
    """What a verb was called with."""
    program = typer.Typer()
    program.command()(verb)
    done = CliRunner().invoke(program, list(words), standalone_mode=False)
    if done.exception:
        raise done.exception
    return CALLS.pop()


@with_options(without=("light",))
def export(source: Annotated[str, typer.Argument()], request: ExportRequest, out: str = "") -> None:
    CALLS.append((source, request, out))


@with_options()
def walk(given: Annotated[dict[str, Any], Given(WalkRequest, ("seed", "frames"))]) -> None:
    CALLS.append(given)


def test_a_verb_gets_the_request():
    assert called(export, "r1") == ("r1", ExportRequest(), "")
    words = ("--size", "64", "--no-gate", "--checks", "none", "--method", "gan=3,classical=1", "--flips")
    source, request, out = called(export, "r1", *words, "--balance", "a=3", "--out", "x.zip")
    assert (source, out) == ("r1", "x.zip")
    assert request == ExportRequest(
        balance="a=3",
        side=64,
        check_copies=False,
        checks=(),
        methods={"gan": 3, "classical": 1},
        policy={"flips": True},
    )


def test_a_verb_gets_what_was_given_alone():
    assert called(walk) == {} and called(walk, "--frames", "5") == {"frames": 5}


def test_a_field_may_be_no_option_of_a_verb():
    names = {parameter.name for parameter in COMMANDS["utility"].params}
    assert "flips" in names and not {"turns", "light"} & names


def test_the_request_refuses_and_not_the_command_line():
    with pytest.raises(FieldErrors) as refused:
        called(export, "r1", "--size", "4", "--format", "bmp")
    assert list(refused.value.fields) == ["format", "side"]
