"""What the tests of configs share: the host tool `entries`, and what it says as lines that can be compared.

SHIM_BUILD names the build folder; `build` when it is not set.
"""
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from posixpath import normpath

import pytest

pytest.register_assert_rewrite("cases")
ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "images"))
BUILD = ROOT / os.environ.get("SHIM_BUILD", "build")
DEBIAN = BUILD / "debian"


def make(target):
    folder = os.path.relpath(BUILD, ROOT)
    subprocess.run(["make", "-C", str(ROOT), "-s", f"B={folder}", target.format(B=folder)], check=True)


class Shown:
    """What the shim makes of disks. rows: a line for each entry of the menu, as row() writes it."""

    def __init__(self, images, arguments=""):
        command = [BUILD / "entries", "-a", arguments, *images]
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
        assert not done.returncode, done.stderr.decode(errors="replace")
        self.all = json.loads(done.stdout.decode(errors="replace"))
        self.log = self.all["log"]
        self.entries = [e for e in self.all["entries"] if e["kind"] == "boot"]
        self.rows = [self.row(e) for e in self.all["entries"]]
        self.errors = [line for line in self.log.splitlines() if line.startswith("shim: error: ")]
        self.default = self.all["entries"][self.all["default_row"]]["title"] if self.all["default_row"] >= 0 else None

    def row(self, entry):
        """Submenu > Title | kernel | initrds | options, and ` !` when it cannot be chosen; others: [kind] title."""
        path = entry["title"]
        parent = entry["parent_row"]
        while parent >= 0:
            path = f"{self.all['entries'][parent]['title']} > {path}"
            parent = self.all["entries"][parent]["parent_row"]
        if entry["kind"] != "boot":
            return " ".join(f"[{entry['kind']}] {path}".split())
        kernel, *initrds = [normpath(p) if p else "" for p in [entry["kernel"], *entry["initrd"]]]
        fields = [path, kernel, " ".join(initrds), entry["options"]]
        return " ".join((" | ".join(fields).rstrip(" |") + (" !" if entry["disabled"] else "")).split())


@pytest.fixture(scope="session")
def show():
    if not (BUILD / "entries").exists():
        make("{B}/entries")
    return lambda *images, arguments="": Shown(images, arguments)


@pytest.fixture
def scratch():
    folder = tempfile.mkdtemp(prefix="shim-test-")
    yield Path(folder)
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def debian():
    """The system that tests/images/debian makes."""
    if os.geteuid() or "ID=debian\n" not in Path("/etc/os-release").read_text(encoding="utf-8"):
        pytest.skip("only root can make a system of root's files, and only on Debian")
    if not (DEBIAN / ".made").exists():
        make("{B}/debian/.made")
    return DEBIAN


def pytest_configure(config):
    os.environ["PATH"] += ":/usr/sbin:/sbin"
