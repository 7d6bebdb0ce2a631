"""What the QEMU tests share: the built files, and a scratch folder that is gone after each test.

SHIM_BUILD names the build folder; `build` when it is not set.
"""
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "images"))
BUILD = ROOT / os.environ.get("SHIM_BUILD", "build")


class Kit:
    """Paths of what `make test-parts` has built."""
    shim = BUILD / "shim.elf"
    shim_multiboot = BUILD / "shim-multiboot.elf"
    vmlinuz = BUILD / "kernel" / "vmlinuz"
    vmlinux = BUILD / "kernel" / "vmlinux"
    initrd = BUILD / "initrd.img"
    initrd_disks = BUILD / "initrd-disks.img"
    iso = BUILD / "shim.iso"
    packages = BUILD / "packages"
    payload = BUILD / "payload"


@pytest.fixture(scope="session")
def kit():
    for path in (Kit.shim, Kit.shim_multiboot, Kit.vmlinuz, Kit.vmlinux, Kit.initrd, Kit.initrd_disks, Kit.iso):
        if not path.exists():
            folder = os.path.relpath(BUILD, ROOT)
            subprocess.run(["make", "-C", str(ROOT), "-s", f"B={folder}", "test-parts"], check=True)
            break
    return Kit


@pytest.fixture
def scratch():
    folder = tempfile.mkdtemp(prefix="shim-test-")
    yield Path(folder)
    shutil.rmtree(folder, ignore_errors=True)


def pytest_configure(config):
    os.environ["PATH"] += ":/usr/sbin:/sbin"
