"""Every error code stands in the list of gan_core/errors.py, and every code of the list is used."""

import ast
import copy
from pathlib import Path
from typing import get_args

from gan_core.errors import Code, FieldErrors

ROOT = Path(__file__).parent.parent


def codes_in(path: Path) -> set[str]:
    """The first argument of every UserError, and the value of every key "code" of a dict, where they are constants."""
    found: list[ast.expr | None] = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call) and node.args:
            name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
            if name == "UserError" or (name == "__init__" and len(node.args) == 3):
                found.append(node.args[0])
        if isinstance(node, ast.Dict):
            pairs = zip(node.keys, node.values, strict=True)
            found += [value for key, value in pairs if isinstance(key, ast.Constant) and key.value == "code"]
    return {node.value for node in found if isinstance(node, ast.Constant) and isinstance(node.value, str)}


def test_the_list_of_codes_is_what_the_source_uses():
    used = set()
    for path in (*(ROOT / "gan_core").rglob("*.py"), *(ROOT / "pages").rglob("*.py"), ROOT / "app.py"):
        used |= codes_in(path)
    listed = get_args(Code)
    assert used == set(listed) and len(listed) == len(set(listed))


def test_a_code_is_found_in_a_source(tmp_path):
    (tmp_path / "a.py").write_text('raise UserError("one", "x", "y")\nerror = {"code": "two", "what": "x"}\n')
    assert codes_in(tmp_path / "a.py") == {"one", "two"}


def test_field_errors_can_be_copied():
    assert copy.copy(FieldErrors({"batch": "No."})).fields == {"batch": "No."}
