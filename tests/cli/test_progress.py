"""Progress on stderr: the time left, and when a line is printed."""

import io

import pytest

from gan_core.cli import progress


class Screen(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def clock():
    """clock.now is the time in seconds."""

    class Clock:
        now = 100.0

        def __call__(self):
            return self.now

    return Clock()


def test_the_time_left_follows_the_pace_so_far():
    assert progress.time_left(0.25, 60) == pytest.approx(180)
    assert progress.time_left(0.001, 60) is None and progress.time_left(0.5, 1) is None
    assert progress.time_left(1.0, 60) == 0
    assert progress.line(0.25, "Drawing.", 60) == " 25%  Drawing; about 3 min left"
    assert progress.line(0.25, "Racing; 40 s left at most", 60) == " 25%  Racing; 40 s left at most"


def test_a_file_gets_a_line_where_something_changed_and_now_and_then(clock):
    out = io.StringIO()
    printer = progress.Printer(out, clock)
    for seconds, share, message in [
        (0, 0.1, "a"),
        (1, 0.1, "b"),
        (3, 0.1, "b"),
        (6, 0.2, "b"),
        (34, 0.3, "b"),
        (90, 0.3, "b"),
    ]:
        clock.now = 100 + seconds
        printer(share, message)
    printer.end()
    lines = out.getvalue().splitlines()
    assert [line.split()[0] for line in lines] == ["10%", "10%", "30%"] and lines[1].endswith("b")


def test_a_terminal_gets_one_line_that_is_written_over(clock):
    out = Screen()
    printer = progress.Printer(out, clock)
    for seconds, share in [(0, 0.1), (4, 0.2), (8, 0.3)]:
        clock.now = 100 + seconds
        printer(share, "Drawing many images" if share < 0.2 else "Drawing")
    printer.end()
    text = out.getvalue()
    assert text.count("\r") == 3 and text.count("\n") == 1
    assert len(text.split("\r")[2]) >= len(text.split("\r")[1])  # nothing of the longer line is left
