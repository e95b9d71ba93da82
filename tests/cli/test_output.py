"""Nothing is overwritten without --force, and what no JSON is asked for can be read."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from gan_core.cli import VERBS, completion, main
from gan_core.errors import UserError
from gan_core.settings import recipes
from gan_core.settings.field_errors import OTHER_NAMES
from gan_core.settings.schema import TrainConfig
from gan_core.storage import file_checks
from gan_core.storage.workspace import new_id

ROOT = Path(__file__).parents[2]
WRITING = (
    "sample",
    "walk",
    "timelapse",
    "evaluate",
    "detect",
    "export",
    "export-model",
    "demo",
    "lab",
    "support-bundle",
)


@pytest.mark.parametrize("verb", WRITING)
def test_a_verb_that_writes_a_file_has_force(verb):
    import typer

    from gan_core.cli import app

    options = {option for one in typer.main.get_command(app).commands[verb].params for option in one.opts}
    assert "--force" in options and options & {"--out", "--html"}


def test_no_other_verb_writes_where_it_is_told():
    import typer

    from gan_core.cli import app

    commands = typer.main.get_command(app).commands
    telling = {verb for verb in VERBS for one in commands[verb].params if set(one.opts) & {"--out", "--html"}}
    assert telling == set(WRITING)


def test_what_is_there_stays_unless_force_is_given(ganvas, tmp_path):
    out = tmp_path / "bundle.zip"
    out.write_bytes(b"mine")
    code, _, said = ganvas("support-bundle", "--out", out)
    assert code == 2 and "--force" in said and out.read_bytes() == b"mine"
    assert ganvas("support-bundle", "--out", out, "--force")[0] == 0 and out.read_bytes() != b"mine"
    assert ganvas("support-bundle", "--out", out)[0] == 2  # the permission was for one call


def test_a_folder_with_files_in_it_is_not_written_into(tmp_path):
    file_checks.check_out(tmp_path, folder=True)
    (tmp_path / "mine.png").touch()
    with pytest.raises(UserError) as refused:
        file_checks.check_out(tmp_path, folder=True)
    assert refused.value.code == "out_exists"
    file_checks.check_out(tmp_path, folder=True, force=True)


def test_a_word_that_is_nearly_right_is_offered(ganvas, toy_dataset):
    assert "'quick'?" in ganvas("train", toy_dataset, "--recipe", "qick")[2]
    assert "'lr_G' or 'lr_D'?" in ganvas("train", toy_dataset, "--set", "learning_rate=0.1")[2]
    assert "'cache'?" in ganvas("clean", "--what", "cach")[2]
    assert "'Tones'?" in ganvas("show", "tomes")[2]
    assert "did you mean" not in ganvas("train", toy_dataset, "--recipe", "xyz")[2]


def test_other_names_of_settings_lead_to_settings_that_exist():
    assert {ours for names in OTHER_NAMES.values() for ours in names} <= set(TrainConfig.model_fields)
    assert not set(OTHER_NAMES) & set(TrainConfig.model_fields)


def test_show_says_a_dataset_and_a_run_in_lines(ganvas, store, workspace, toy_dataset):
    said = ganvas("show", toy_dataset)[1]
    assert "84 images of 32 px" in said and "validation" in said and "{" not in said
    run, config = new_id("run"), recipes.RECIPES["quick"].config.model_copy(update={"batch": 24, "epochs": 2.0})
    store.add_run(run, "first", toy_dataset, config.model_dump())
    said = ganvas("show", run)[1]
    assert "Recipe quick" in said and "batch" in said and "24" in said and "{" not in said
    assert json.loads(json.dumps(ganvas("show", run, "--json")[1]))["config"]["batch"] == 24


def test_the_shell_is_offered_ids_recipes_and_settings(store, workspace, toy_dataset):
    class Typed:
        def __init__(self, folder):
            self.params = {"workspace": str(folder)}

        def find_root(self):
            return self

    assert [id for id, _ in completion.items("runs", "datasets")(Typed(workspace.root), toy_dataset[:3])] == [
        toy_dataset
    ]
    assert completion.items("runs")(Typed(workspace.root), "r") == []
    assert completion.items("runs")(Typed("/dev/null/nowhere"), "") == []
    assert ("few-shot" in dict(completion.recipe_names("few"))) and "batch=" in dict(completion.setting_names("bat"))


def test_alone_the_module_helps(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["gan_core"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2 and "support-bundle" in "".join(capsys.readouterr())


@pytest.mark.slow
def test_a_completion_is_printed_for_the_shell(tmp_path):
    command = [sys.executable, "-c", "import sys; sys.argv[0] = 'ganvas'; from gan_core.cli import ganvas; ganvas()"]
    asked = {"_GANVAS_COMPLETE": "complete_bash", "COMP_WORDS": "ganvas tr", "COMP_CWORD": "1", "PATH": "/bin"}
    offered = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, env=asked | {"GANVAS_WORKSPACE": str(tmp_path)}
    )
    assert offered.stdout.split() == ["train"], offered.stderr
