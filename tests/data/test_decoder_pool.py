"""decoder_pool.py: real children, and what survives when one is killed, slow, or out of memory."""

import contextlib
import io
import os
import subprocess
import sys
import time
import zlib
from pathlib import Path

import numpy as np
import psutil
import pytest
from PIL import Image

from gan_core.data.decoder_pool import DecodeSettings, decode_all
from gan_core.errors import Stopped

ROOT = Path(__file__).parents[2]


def picture(path: Path, value: int) -> tuple[str]:
    Image.fromarray(np.full((32, 32), value % 256, np.uint8)).save(path, "PNG")
    return (str(path),)


def large_picture(path: Path) -> tuple[str]:
    """49 megapixels: well formed, allowed, and more than a small memory limit holds."""
    Image.new("RGB", (7000, 7000)).save(path, "PNG")
    return (str(path),)


def endless(path: Path) -> tuple[str]:
    """Reading a pipe without a writer never ends."""
    os.mkfifo(path)
    return (str(path),)


def pixel_file(tmp_path: Path, count: int, size: int = 32) -> Path:
    path = tmp_path / "pixels"
    path.write_bytes(bytes(count * 3 * size * size))
    return path


def readers() -> list[psutil.Process]:
    """The image readers of this process; another test may have left a child that nobody has waited for."""
    found = []
    for child in psutil.Process().children():
        with contextlib.suppress(psutil.ZombieProcess, psutil.NoSuchProcess):
            if "gan_core.data.decoder_process" in child.cmdline():
                found.append(child)
    return found


def test_every_job_is_answered_once_and_lands_in_its_place(tmp_path):
    jobs = [picture(tmp_path / f"{number}.png", number) for number in range(200)]
    jobs[7] = (str(tmp_path / "missing.png"),)
    file = pixel_file(tmp_path, len(jobs))
    answers = {answer.position: answer for answer in decode_all(jobs, file, DecodeSettings(32, "crop"), children=2)}
    assert sorted(answers) == list(range(200))
    assert answers[7].channels == 0 and answers[7].reason == "the file could not be read"
    stored = np.fromfile(file, np.uint8).reshape(200, 3, 32, 32)[:, 0]
    assert all((stored[number] == number).all() for number in range(200) if number != 7)
    assert answers[3][1:5] == (1, 32, 32, "L") and len(answers[3].sha256) == 64


@pytest.mark.slow
@pytest.mark.parametrize(
    ("limits", "words"), [({"timeout_seconds": 1.5}, "longer than 1.5 s"), ({"memory_bytes": 150 << 20}, "memory")]
)
def test_a_limit_costs_one_file_and_not_its_neighbours(tmp_path, limits, words):
    jobs = [picture(tmp_path / f"{number}.png", number) for number in range(6)]
    jobs[2] = large_picture(tmp_path / "large.png") if words == "memory" else endless(tmp_path / "pipe.png")
    answers = {
        answer.position: answer
        for answer in decode_all(jobs, pixel_file(tmp_path, 6), DecodeSettings(32, "crop", **limits))
    }
    assert [answers[slot].channels for slot in range(6)] == [1, 1, 0, 1, 1, 1]
    assert words in answers[2].reason


def test_a_killed_child_loses_one_file(tmp_path):
    jobs = [picture(tmp_path / f"{number}.png", number) for number in range(400)]
    run = decode_all(jobs, pixel_file(tmp_path, 400), DecodeSettings(32, "crop"), children=1)
    answers = [next(run)]
    for child in readers():
        child.kill()
    answers += run
    assert sorted(answer.position for answer in answers) == list(range(400))
    assert sum(answer.channels == 0 for answer in answers) <= 1


def test_stop_ends_the_children(tmp_path):
    jobs = [picture(tmp_path / f"{number}.png", 1) for number in range(100)]
    with pytest.raises(Stopped):
        list(decode_all(jobs, pixel_file(tmp_path, 100), DecodeSettings(32, "crop"), should_stop=lambda: True))
    assert not readers()


def test_unwritable_pixels_are_an_error_and_not_a_bad_picture(tmp_path):
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("needs /dev/full")
    with pytest.raises(OSError, match="space"):
        list(decode_all([picture(tmp_path / "a.png", 1)], full, DecodeSettings(32, "crop")))


PARENT = """
import sys
print("main ran", flush=True)
from pathlib import Path
from gan_core.data.decoder_pool import DecodeSettings, decode_all
run = decode_all([(sys.argv[1],)] * 3000, Path(sys.argv[2]), DecodeSettings(32, "crop"), children=2)
next(run)
print("reading", flush=True)
while True:
    for _ in run:
        import time; time.sleep(9)
"""


@pytest.mark.slow
def test_children_run_no_main_twice_and_die_with_their_parent(tmp_path):
    """The parent is a module started with -m, and is killed in the middle."""
    (tmp_path / "parent.py").write_text(PARENT)
    (path,) = picture(tmp_path / "a.png", 1)
    parent = subprocess.Popen(
        [sys.executable, "-m", "parent", path, str(pixel_file(tmp_path, 3000))],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        env={"PYTHONPATH": f"{tmp_path}:{ROOT}"},
    )
    assert parent.stdout.readline() + parent.stdout.readline() == b"main ran\nreading\n"
    children = psutil.Process(parent.pid).children()
    parent.kill()
    assert parent.communicate()[0] == b"" and len(children) == 2
    gone, alive = psutil.wait_procs(children, timeout=10)
    assert len(gone) == 2 and not alive


def test_a_reader_starts_without_numpy_and_reads_what_needs_it(tmp_path):
    code = "import sys, gan_core.data.decoder_process; print('numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True).stdout == "False\n"
    deep = tmp_path / "deep.png"
    Image.fromarray(np.full((32, 32), 257 * 70, np.uint16)).save(deep)
    file = pixel_file(tmp_path, 1)
    assert next(iter(decode_all([(str(deep),)], file, DecodeSettings(32, "crop")))).channels == 1
    assert set(file.read_bytes()[: 32 * 32]) == {70}


def test_pictures_that_cannot_be_read_together_are_read_one_by_one(tmp_path):
    """One of a line with a wrong filter: it alone is refused."""
    jobs = [picture(tmp_path / f"{number}.png", number) for number in range(8)]
    data = Path(jobs[3][0]).read_bytes()
    at = data.index(b"IDAT")
    packed = zlib.compress(b"\7" + bytes(32 * 33 - 1))
    chunk = b"IDAT" + packed
    chunk = len(packed).to_bytes(4) + chunk + zlib.crc32(chunk).to_bytes(4)
    Path(jobs[3][0]).write_bytes(data[: at - 4] + chunk + data[data.index(b"IEND") - 4 :])
    file = pixel_file(tmp_path, 8)
    answers = sorted(decode_all(jobs, file, DecodeSettings(32, "crop")))
    assert [answer.channels for answer in answers] == [1, 1, 1, 0, 1, 1, 1, 1] and "damaged" in answers[3].reason
    stored = np.fromfile(file, np.uint8).reshape(8, 3, 32, 32)[:, 0]
    assert all((stored[number] == number).all() for number in range(8) if number != 3)


def test_the_package_imports_fast_and_without_torch():
    code = (
        "import sys, gan_core.data.zip_reader, gan_core.data.import_report, gan_core.data.dataset, gan_core.data.import_dataset\n"
        "print(sorted({'torch', 'sklearn', 'streamlit', 'scipy', 'torchvision'} & set(sys.modules)))"
    )
    started = time.monotonic()
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n" and time.monotonic() - started < 5


def test_pixels_of_a_zip_member_come_from_its_bytes(tmp_path):
    from zipfile import ZipFile

    from gan_core.data.zip_reader import preflight

    buffer = io.BytesIO()
    Image.new("L", (32, 32), 77).save(buffer, "PNG")
    with ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("a/1.png", buffer.getvalue())
        archive.writestr("a/2.png", b"text")
    jobs = [member[1:6] for member in preflight(tmp_path / "a.zip").members]
    jobs.append((*jobs[0][:4], 12345))  # a wrong checksum
    answers = sorted(decode_all(jobs, pixel_file(tmp_path, 3), DecodeSettings(32, "crop"), tmp_path / "a.zip"))
    assert [answer.channels for answer in answers] == [1, 0, 0]
    assert [answer.damaged for answer in answers] == [False, False, True] and "checksum" in answers[2].reason
