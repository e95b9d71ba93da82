"""Make .venv and install what Ganvas needs into it. `make` calls this with the Python of the computer, which may be old, before any
package is there.

    python set_up.py            what the app needs
    python set_up.py --tests    that, and the tools of the tests

requirements.lock names one version and the SHA-256 of every package. It is used where it fits this computer; otherwise the
newest versions in the ranges of requirements.txt are taken, as with $LOCK=no. $TORCH=cpu takes a torch without CUDA, by uv, which
knows where PyTorch keeps its builds. A torch that is already there is kept.
"""

import os
import platform
import re
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
VENV = HERE / ".venv"
INSTALLED = VENV / "installed"  # since when; and which torch the lock file brought
LOCK = HERE / "requirements.lock"
OLDEST, NEWEST = (3, 11), (3, 14)  # the Pythons that the lock file was made for
MACHINES = ("x86_64", "aarch64")
TORCH = ("torch", "torchvision")
WRONG_HASH = "DO NOT MATCH THE HASHES"  # pip's words
COMMAND = """#!/bin/sh
'''exec' "{python}" "$0" "$@"
' '''
import sys

sys.path.insert(0, {here!r})
from gan_core.cli import ganvas

ganvas()
"""
VERSION = "import importlib.metadata as m; print(m.version({!r}))"


def main(arguments: list) -> None:
    if sys.version_info < OLDEST:
        sys.exit("Ganvas needs Python 3.11 or newer. Name one, as in: make run PYTHON=python3.12")
    make_venv()
    python, backend = VENV / "bin" / "python", os.environ.get("TORCH", "")
    if "--tests" in arguments:
        install(python, "requirements-test.txt")
        (VENV / "installed-tests").touch()
    elif backend:
        install_with_torch(python, backend)
    else:
        why = "LOCK=no was given." if os.environ.get("LOCK") == "no" else why_not(there(python, "torch"), INSTALLED)
        if install_app(python, LOCK, why):
            INSTALLED.write_text(locked("torch"))
    write_command(python)
    INSTALLED.touch()


def write_command(python: Path) -> None:
    """.venv/bin/ganvas, which works from every folder."""
    command = VENV / "bin" / "ganvas"
    command.write_text(COMMAND.format(python=python, here=str(HERE)))
    command.chmod(0o755)


def make_venv() -> None:
    """An environment of its own, which sees the computer's packages only where there is a torch among them that fits."""
    if (VENV / "bin" / "python").exists():
        return
    shared = usable_torch(sys.executable)
    if shared:
        print(f"The torch of {sys.executable} is used.", flush=True)
    words = [sys.executable, "-m", "venv", *(["--system-site-packages"] if shared else []), str(VENV)]
    if subprocess.run(words).returncode:
        sys.exit(f"Could not make {VENV}. On Debian and Ubuntu: apt install python3-venv")


def usable_torch(python: str) -> bool:
    """Whether this Python has a torch and a torchvision that fit to each other and are within the ranges."""
    floors = floors_of((HERE / "requirements.txt").read_text())
    for package in TORCH:
        version = there(python, package)
        if not version or numbers(version) < numbers(floors[package]):
            return False
    return subprocess.run([python, "-c", "import torch, torchvision"], stderr=subprocess.DEVNULL).returncode == 0


def there(python: object, package: str) -> str:
    """The version of a package that a Python has, or ''."""
    found = subprocess.run(
        [str(python), "-c", VERSION.format(package)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    return found.stdout.decode().strip()


def floors_of(text: str) -> dict:
    """{package: lowest version} of a file of requirements."""
    return dict(re.findall(r"^([A-Za-z0-9_-]+)(?:\[[^\]]*\])?>=([0-9.]+)", text, re.MULTILINE))


def numbers(version: str) -> tuple:
    """'2.14.1+cpu' -> (2, 14, 1)."""
    return tuple(map(int, re.findall(r"\d+", version.partition("+")[0])))


def locked(package: str) -> str:
    """The version of a package in the lock file."""
    found = re.search(rf"^{re.escape(package)}==([^ ;]+)", LOCK.read_text(), re.MULTILINE)
    return found.group(1) if found else ""


def why_not(torch: str, installed: Path) -> str:
    """Why the lock file does not fit this computer, or ''.

    torch: the version that is already there, or ''. One that an earlier lock file brought, as `installed` says, may be replaced.
    """
    if sys.platform != "linux" or platform.machine() not in MACHINES:
        return f"It was made for Linux on {' or '.join(MACHINES)}."
    if not OLDEST <= sys.version_info[:2] <= NEWEST or platform.python_implementation() != "CPython":
        return f"It was made for Python {'.'.join(map(str, OLDEST))} to {'.'.join(map(str, NEWEST))}."
    ours = installed.read_text() if installed.exists() else ""
    if torch and torch not in (locked("torch"), ours):
        return f"torch {torch} is already there and is kept."
    return ""


def install_app(python: Path, lock: Path, why: str) -> bool:
    """By the lock file, or by the ranges where `why` says that it does not fit or where the registry does not offer what it names.

    Returns whether the lock file was used. Ends the program where a package has another content than the lock file says: it may
    have been tampered with.
    """
    if not why:
        done = pip(python, "--require-hashes", "-r", str(lock))
        if not done.returncode:
            return True
        if WRONG_HASH in done.stderr:
            sys.exit(
                f"{done.stderr}\nA package is not the one that {lock.name} names. Nothing was installed from it. "
                "Try again; `make run LOCK=no` takes the newest versions, without this check."
            )
        why = (done.stderr.strip().splitlines() or ["pip failed."])[-1]
    print(
        f"The lock file is not used. {why} The newest versions in the ranges of requirements.txt are installed.",
        flush=True,
    )
    install(python, "requirements.txt")
    return False


def install(python: Path, requirements: str) -> None:
    done = pip(python, "-r", str(HERE / requirements))
    if done.returncode:
        sys.exit(
            f"{done.stderr}\nThe packages could not be installed. Is there a network? Call the same command again."
        )


def pip(python: Path, *words: str) -> subprocess.CompletedProcess:
    """pip install, whose errors are kept for a sentence of our own."""
    print("Installing what Ganvas needs: some 5 GB, a few minutes, once.", flush=True)
    return subprocess.run(
        [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *words],
        stderr=subprocess.PIPE,
        text=True,
    )


def install_with_torch(python: Path, backend: str) -> None:
    """The ranges, with the torch of one of PyTorch's own builds (cpu, cu130, auto, ...). uv knows their addresses."""
    uv = shutil.which("uv") or str(VENV / "bin" / "uv")
    if not Path(uv).exists():
        done = subprocess.run([str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "uv"])
        if done.returncode:
            sys.exit("uv could not be installed. Call `make run` without TORCH, which takes some 5 GB.")
    print(f"Installing what Ganvas needs, with PyTorch's build {backend!r}.", flush=True)
    words = [uv, "pip", "install", "--quiet", "--python", str(python), "--torch-backend", backend]
    if subprocess.run([*words, "-r", str(HERE / "requirements.txt")]).returncode:
        sys.exit(f"PyTorch's build {backend!r} could not be installed. `make run` without TORCH takes some 5 GB.")


if __name__ == "__main__":
    main(sys.argv[1:])
