"""Installation: the lock file is whole and names no address, is used where it fits, and anything else is said."""

import hashlib
import re
import sys
import zipfile
from pathlib import Path

import pytest

import set_up

ROOT = Path(__file__).parents[1]
LOCKED = re.compile(r"^([A-Za-z0-9_.-]+)==([^ ;]+)(.*?)(?=^\S|\Z)", re.MULTILINE | re.DOTALL)


def locked() -> dict[str, list[tuple[str, str]]]:
    """{package: [(version, the rest of its lines)]}"""
    found: dict[str, list[tuple[str, str]]] = {}
    for name, version, rest in LOCKED.findall(set_up.LOCK.read_text()):
        found.setdefault(name.lower(), []).append((version, rest))
    return found


def test_the_lock_file_has_every_requirement_in_its_range_with_hashes():
    packages = locked()
    for name, floor in set_up.floors_of((ROOT / "requirements.txt").read_text()).items():
        assert name.lower() in packages, f"{name}: call make lock"
        assert all(set_up.numbers(version) >= set_up.numbers(floor) for version, _ in packages[name.lower()]), name
    assert all(re.search(r"--hash=sha256:[0-9a-f]{64}\b", rest) for rows in packages.values() for _, rest in rows)


@pytest.mark.parametrize(
    "name", ["requirements.txt", "requirements-test.txt", "requirements.lock", "pyproject.toml", "Makefile"]
)
def test_no_address_of_a_registry_is_named(name):
    assert not re.search(r"://|index-url|find-links", (ROOT / name).read_text())


def test_the_lock_file_fits_only_what_it_was_made_for(monkeypatch, tmp_path):
    installed = tmp_path / "installed"
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(set_up.platform, "machine", lambda: "x86_64")
    assert set_up.why_not("", installed) == set_up.why_not(set_up.locked("torch"), installed) == ""
    assert "2.11.0+cpu" in set_up.why_not("2.11.0+cpu", installed)  # somebody's own, which is kept
    installed.write_text("2.11.0")
    assert set_up.why_not("2.11.0", installed) == ""  # what an earlier lock file brought may be replaced
    monkeypatch.setattr(sys, "version_info", (3, 99, 0))
    assert "Python 3.11" in set_up.why_not("", installed)
    monkeypatch.setattr(sys, "platform", "darwin")
    assert "Linux" in set_up.why_not("", installed)


def test_a_torch_is_used_only_where_it_is_new_enough_and_can_be_imported(monkeypatch):
    versions = {"torch": "2.13.0+cpu", "torchvision": ""}
    monkeypatch.setattr(set_up, "there", lambda python, package: versions[package])
    assert not set_up.usable_torch("/bin/false")
    versions["torchvision"] = "0.28.0"
    assert set_up.usable_torch("/bin/true") and not set_up.usable_torch(
        "/bin/false"
    )  # /bin/false: it cannot be imported
    versions["torch"] = "2.10.1"
    assert not set_up.usable_torch("/bin/true")


@pytest.fixture
def registry(tmp_path, monkeypatch):
    """A folder with one package, which pip takes as its only registry; what is installed goes to site/. Returns its SHA-256."""
    wheel = tmp_path / "tiny_thing-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("tiny_thing.py", "")
        archive.writestr("tiny_thing-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: tiny-thing\nVersion: 1.0\n")
        archive.writestr(
            "tiny_thing-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr("tiny_thing-1.0.dist-info/RECORD", "")
    for name, value in {"NO_INDEX": "1", "FIND_LINKS": str(tmp_path), "TARGET": str(tmp_path / "site")}.items():
        monkeypatch.setenv(f"PIP_{name}", value)
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    (tmp_path / "requirements.txt").write_text("tiny-thing\n")
    monkeypatch.setattr(set_up, "HERE", tmp_path)
    return hashlib.sha256(wheel.read_bytes()).hexdigest()


@pytest.mark.slow
def test_the_lock_file_is_used_refused_or_left_out(registry, tmp_path, capsys):
    lock, site = tmp_path / "requirements.lock", tmp_path / "site"
    lock.write_text(f"tiny-thing==1.0 --hash=sha256:{64 * '0'}\n")
    with pytest.raises(SystemExit) as ended:
        set_up.install_app(Path(sys.executable), lock, "")
    assert "LOCK=no" in str(ended.value) and not site.exists()
    lock.write_text(f"tiny-thing==2.0 --hash=sha256:{registry}\n")
    assert not set_up.install_app(Path(sys.executable), lock, "")
    assert "The lock file is not used" in capsys.readouterr().out and (site / "tiny_thing.py").exists()
    lock.write_text(f"tiny-thing==1.0 --hash=sha256:{registry}\n")
    assert set_up.install_app(Path(sys.executable), lock, "")
    assert "not used" not in capsys.readouterr().out
