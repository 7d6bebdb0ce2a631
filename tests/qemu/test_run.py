"""`make run` as a person sees it: a menu on the terminal, an entry, a shell."""
import fcntl
import os
import re
import select
import subprocess
import time

import pytest
from conftest import BUILD, ROOT
from guest import stretched


@pytest.fixture(autouse=True)
def alone():
    """One `make run` at a time: QEMU locks its disk."""
    with open(BUILD / "demo.lock", "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def terminal():
    """pexpect on a pseudo terminal, or without one where the machine has none (a bare chroot)."""
    pexpect = pytest.importorskip("pexpect")
    try:
        os.close(os.openpty()[0])
    except OSError:
        pytest.skip("no pseudo terminals on this machine")
    return pexpect


def test_make_run(kit):
    pexpect = terminal()
    subprocess.run(["make", "-s", "-C", str(ROOT), "demo"], check=True, stdout=subprocess.DEVNULL)
    child = pexpect.spawn("make", ["-C", str(ROOT), "run"], timeout=stretched(60), encoding="utf-8",
                          codec_errors="replace", dimensions=(25, 80))
    try:
        child.expect("run: 1/4 tools")
        child.expect("run: 4/4 QEMU")
        child.expect(r"config \(vda2\)/boot/shim.cfg: 3 entries")
        child.expect("its ELF by PVH")
        child.send("2")
        child.expect(r'booting "debian-pvh" by pvh')
        child.expect("busybox shell", timeout=stretched(240))
        child.expect("# ")
        child.sendline("echo $((6 * 7)); poweroff -f")
        child.expect("42")
        child.expect(pexpect.EOF)
        child.close()
        assert child.exitstatus == 0
    finally:
        if child.isalive():
            child.terminate(force=True)


def test_make_run_without_a_terminal(kit):
    """No keyboard at all: the countdown runs out and the default boots."""
    process = subprocess.Popen(["make", "-C", str(ROOT), "run"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT, start_new_session=True)
    text = ""
    limit = time.monotonic() + stretched(240)
    try:
        while "busybox shell" not in text:
            assert select.select([process.stdout], [], [], max(0, limit - time.monotonic()))[0], f"too late:\n{text}"
            data = os.read(process.stdout.fileno(), 4096)
            assert data, f"ended early:\n{text}"
            text += data.decode(errors="replace")
        assert re.search(r'booting "debian" by linux64', text)
    finally:
        os.killpg(process.pid, 9)
        process.wait()
        process.stdout.close()
