import os
import subprocess
import sys

from gan_core.jobs import process_identity


def test_this_process_lives_and_is_visible():
    me = process_identity.mine()
    assert me.pid == os.getpid() and process_identity.is_visible(me) and process_identity.lives(me)
    assert 0 < process_identity.seconds_since_start(me) < 24 * 3600


def test_a_zombie_a_reused_pid_and_one_that_is_gone_do_not_live():
    child = subprocess.Popen([sys.executable, "-c", "pass"])
    who = process_identity.mine()._replace(pid=child.pid, ticks=process_identity.start_ticks(child.pid))
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert not process_identity.lives(who)  # exited, not yet reaped
    child.wait()
    assert not process_identity.lives(who)
    me = process_identity.mine()
    assert not process_identity.lives(me._replace(ticks=me.ticks - 1))


def test_the_name_of_a_program_may_have_spaces_and_brackets(tmp_path, monkeypatch):
    """The second field of /proc/<pid>/stat, proc(5)."""
    (tmp_path / "7").mkdir()
    line = "7 (a) R (b) S 1 7 7 0 -1 4194304 1 0 0 0 0 0 0 0 20 0 1 0 4242 1 1 0"
    (tmp_path / "7" / "stat").write_text(line)
    monkeypatch.setattr(process_identity, "PROC", tmp_path)
    assert process_identity.start_ticks(7) == 4242


def test_a_process_of_another_boot_or_namespace_cannot_be_seen():
    me = process_identity.mine()
    assert not process_identity.is_visible(me._replace(boot="another"))
    assert not process_identity.is_visible(me._replace(namespace="pid:[1]"))
