"""Configs by the tools of a real Debian (tests/images/debian), compared with what these tools say themselves."""
import json
import random
import re
import subprocess
from posixpath import normpath

import pytest
from disk import run
from disks import BIOS_BOOT, ESP, LINUX, Part, kernel, make_disk
from grub_text import Menu

ROOT_UUID = "5a1b2c3d-0001-4000-8000-0123456789ab"
MACHINE_ID = "0123456789abcdef0123456789abcdef"


def inside(debian, esp, *command, **environment):
    """A command in that system, with the folder esp as its /efi; its output."""
    script = "mount -t proc proc $1/proc; mount --bind $2 $1/efi; root=$1; shift 2; exec chroot $root env \"$@\""
    words = ["SYSTEMD_RELAX_ESP_CHECKS=1", "LC_ALL=C", *[f"{k}={v}" for k, v in environment.items()], *command]
    done = subprocess.run(["unshare", "-m", "sh", "-ec", script, "inside", debian / "root", esp, *words],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
    assert not done.returncode, done.stderr.decode()
    return done.stdout.decode()


def files_below(folder):
    """A dictionary of what is there; a large file gets small content."""
    files = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            name = "/" + str(path.relative_to(folder))
            files[name] = kernel(name) if path.stat().st_size > 1 << 20 else path.read_bytes()
    return files


def releases(debian):
    """As Debian's linux-base orders them, newest first."""
    names = [p.name[8:] for p in (debian / "root" / "boot").glob("vmlinuz-*")]
    text = run("chroot", debian / "root", "linux-version", "sort", "--reverse", *names)
    return text.split()


def boot_files(debian):
    return {f"/boot/{name}-{r}": kernel(r) for r in releases(debian) for name in ("vmlinuz", "initrd.img")}


def test_update_grub(debian, show, scratch):
    """The menu of update-grub; grub-script-check has accepted it when it was made."""
    files = files_below(debian / "grub") | boot_files(debian)
    disk = make_disk(scratch / "disk.img", [Part("", LINUX, "ext4", files, uuid=ROOT_UUID), Part("", BIOS_BOOT)])
    shown = show(disk)
    menu = Menu("Debian GNU/Linux", ROOT_UUID, releases(debian), f"root=UUID={ROOT_UUID} ro console=ttyS0")
    assert shown.rows == menu.rows, shown.log
    assert (shown.default, shown.all["timeout"], shown.errors) == ("Debian GNU/Linux", 5, [])
    ids = [e["id"] for e in shown.all["entries"]]
    assert ids[:3] == [f"gnulinux-simple-{ROOT_UUID}", f"gnulinux-advanced-{ROOT_UUID}",
                       f"gnulinux-{releases(debian)[0]}-advanced-{ROOT_UUID}"]


@pytest.mark.parametrize("command", ["grub-set-default", "grub-reboot"])
@pytest.mark.parametrize("by", ["id", "number", "title"])
def test_grub_default(command, by, debian, show, scratch):
    """Who chooses by grub-set-default or grub-reboot gets it; the former needs GRUB_DEFAULT=saved."""
    release = releases(debian)[-1]
    entry = {"id": f"gnulinux-advanced-{ROOT_UUID}>gnulinux-{release}-recovery-{ROOT_UUID}", "number": "1>3",
             "title": "Advanced options for Debian GNU/Linux>"
                      f"Debian GNU/Linux, with Linux {release} (recovery mode)"}[by]
    boot = scratch / "esp" / "boot"
    (boot / "grub").mkdir(parents=True)
    inside(debian, scratch / "esp", command, "--boot-directory=/efi/boot", entry)
    files = files_below(debian / "grub") | boot_files(debian) | files_below(scratch / "esp")
    text = files["/boot/grub/grub.cfg"].decode()
    if command == "grub-set-default":
        text = text.replace('set default="0"', 'set default="${saved_entry}"')
    files["/boot/grub/grub.cfg"] = text
    shown = show(make_disk(scratch / "disk.img", [Part("", LINUX, "ext4", files, uuid=ROOT_UUID)]))
    assert shown.default == f"Debian GNU/Linux, with Linux {release} (recovery mode)", shown.log


def test_u_boot_update(debian, show, scratch):
    files = files_below(debian / "extlinux") | boot_files(debian)
    shown = show(make_disk(scratch / "disk.img", [Part("", LINUX, "ext4", files)]))
    rows = []
    system = "Debian GNU/Linux 12 (bookworm)"
    for line in (debian / "root" / "etc" / "os-release").read_text().splitlines():
        if line.startswith("PRETTY_NAME="):
            system = line[13:-1]
    for release in releases(debian):
        paths = f"(vda1)/boot/vmlinuz-{release} | (vda1)/boot/initrd.img-{release}"
        rows += [f"{system} {release} | {paths} | root=UUID={ROOT_UUID} ro quiet console=ttyS0",
                 f"{system} {release} (rescue target) | {paths} | root=UUID={ROOT_UUID} ro console=ttyS0 single"]
    assert shown.rows == rows, shown.log
    assert (shown.default, shown.all["timeout"], shown.errors) == (rows[0].split(" | ")[0], 5, [])


# ---- the Boot Loader Specification: bootctl knows --------------------------------------------------------------------

def bootctl_list(debian, esp):
    """Its entries in its order: JSON, of one list or, before systemd 253, one object a line."""
    text = inside(debian, esp, "bootctl", "--esp-path=/efi", "--json=short", "--no-pager", "list")
    lines = [json.loads(line) for line in text.splitlines() if line.strip()]
    entries = lines[0] if lines and isinstance(lines[0], list) else lines
    return [e for e in entries if not e["id"].startswith(("auto-", "reboot-to"))]


def compare(debian, esp, show, scratch, mib=40):
    """The same entries in the same order with the same fields, from this folder as an ESP."""
    shown = show(make_disk(scratch / "disk.img", [Part("", ESP, "vfat", files_below(esp), mib=mib)]))
    wanted = bootctl_list(debian, esp)
    assert len(wanted) > 1
    ids = [e["id"].removesuffix(".conf").removesuffix(".efi") for e in wanted]
    assert [e["id"] for e in shown.entries] == ids, shown.log
    for have, want in zip(shown.entries, wanted):
        assert have["title"] == re.sub(r"\(([0-9a-f]{8})[0-9a-f]{24}\)$", r"(\1)", want["showTitle"])  # as systemd-boot
        assert have["options"].split() == (want.get("options") or "").split()
        if "linux" in want:
            def path(p):
                return normpath("(vda1)/" + p.removeprefix("/efi"))
            assert normpath(have["kernel"]) == path(want["linux"])
            assert have["initrd"] == [path(i) for i in want.get("initrd", [])]
    return shown


def test_kernel_install(debian, show, scratch):
    shown = compare(debian, debian / "bls", show, scratch)
    assert [e["kernel"].split("/")[2] for e in shown.entries] == releases(debian)
    assert shown.all["default_given"] and shown.all["default_row"] == 0 and not shown.errors


def entry_text(**keys):
    return "".join(f"{k.replace('_', '-')} {v}\n" for k, v in keys.items())


def test_order(debian, show, scratch):
    """Every rule of the order, and names that only look alike; files in no order at all."""
    entries = scratch / "esp" / "loader" / "entries"
    entries.mkdir(parents=True)
    texts = {}
    for n, version in enumerate(["6.1.9", "6.1.10", "6.1.10~rc1", "6.1.10-1", "6.1", "6.10", "6.01", ""]):
        texts[f"k{n}"] = entry_text(title="Sorted", sort_key="debian", machine_id=MACHINE_ID, linux=f"/k{n}",
                                    **({"version": version} if version else {}))
    for n, key in enumerate(["Debian", "arch", "debian-testing", "zz"]):
        texts[f"s{n}"] = entry_text(title="Key", sort_key=key, version="1", linux="/s", options=f"n={n} ro")
    for n in "fe0":
        texts[f"m{n}"] = entry_text(title="Machine", sort_key="debian", machine_id=n * 32, version="7", linux="/m")
    for name in ("linux-6.9", "linux-6.10", "linux-6.9a", "linux-6.9.b", "a", "b-2", "b-10", "b-2.1", "b_2.2"):
        title = "By name" if name < "b" else name
        texts[name] = entry_text(title=title, linux="/boot//n", initrd="/i1", options="a  b")
    texts["two-initrds"] = entry_text(title="Two", linux="two", initrd="/i1") + "initrd /i2\noptions x\noptions y\n"
    order = list(texts)
    random.Random(4).shuffle(order)
    for name in order:
        (entries / f"{name}.conf").write_text(texts[name])
    for path in ("k0 k1 k2 k3 k4 k5 k6 k7 s m two i1 i2 boot/n").split():
        (scratch / "esp" / path).parent.mkdir(exist_ok=True)
        (scratch / "esp" / path).write_bytes(kernel(path))
    compare(debian, scratch / "esp", show, scratch)


VERSIONS = ("122.1 123~rc1-1 123 123-a 123-a.1 123-1 123-1.1 123^post1 123.a-1 123.1-1 123a-1 124-1 0001 1 1.0 "
            "1_2_3 1.3.3 1.el8 1.el10 6.1.0-9 6.1.0-28 6.9.12-200.fc41 6.11.4-301.fc41 A a Z z ~ ^ - . 1~ 1^ 1- "
            "1.").split()


def test_versions(debian, show, scratch):
    """`systemd-analyze compare-versions` agrees with each step of the order; equal ones stand by their names."""
    files = {"/k": kernel()}
    for n, version in enumerate(VERSIONS):
        text = entry_text(title="E", sort_key="e", version=version, linux="/k", options=n)
        files[f"/loader/entries/e{n:02}.conf"] = text
    shown = show(make_disk(scratch / "disk.img", [Part("", ESP, "vfat", files)]))
    order = [int(e["options"]) for e in shown.entries]
    assert sorted(order) == list(range(len(VERSIONS)))
    (scratch / "esp").mkdir()
    pairs = list(zip(order, order[1:]))
    (scratch / "esp" / "pairs").write_text("".join(f"{VERSIONS[a]} {VERSIONS[b]}\n" for a, b in pairs))
    script = "while read a b; do systemd-analyze compare-versions \"$a\" \"$b\" || true; done </efi/pairs"
    answers = inside(debian, scratch / "esp", "sh", "-c", script).splitlines()
    for (a, b), answer in zip(pairs, answers, strict=True):
        assert f" {'==' if a > b else '>'} " in answer or " > " in answer, (VERSIONS[a], VERSIONS[b])


def test_unified_kernel_image(debian, show, scratch):
    """objcopy on systemd's stub, as before ukify; bootctl reads name and command line from it."""
    folder = scratch / "esp" / "EFI" / "Linux"
    folder.mkdir(parents=True)
    stub = debian / "root" / "usr" / "lib" / "systemd" / "boot" / "efi" / "linuxx64.efi.stub"
    for version in ("12", "13"):
        sections = {"osrel": f"ID=debian\nPRETTY_NAME=\"Debian {version}\"\nVERSION_ID=\"{version}\"\n".encode(),
                    "cmdline": b"root=/dev/vda2 ro quiet", "linux": kernel(version), "initrd": b"initrd"}
        words, at = [], 0x10000000
        for name, content in sections.items():
            (scratch / name).write_bytes(content)
            words += [f"--add-section=.{name}={scratch / name}", f"--change-section-vma=.{name}={at:#x}"]
            at += 0x1000000
        run("objcopy", *words, stub, folder / f"debian-{version}.efi")
    shown = compare(debian, scratch / "esp", show, scratch)
    assert not any(e["disabled"] for e in shown.entries), shown.entries


def test_tries(debian, show, scratch):
    """/etc/kernel/tries: kernel-install puts a counter into the name."""
    esp, conf = scratch / "esp", scratch / "esp" / "conf"
    conf.mkdir(parents=True)
    (conf / "tries").write_text("3\n")
    (conf / "cmdline").write_text("root=LABEL=root ro\n")
    (conf / "install.conf").write_text("layout=bls\n")
    for release in releases(debian):
        (esp / MACHINE_ID / release).mkdir(parents=True)
        inside(debian, esp, "kernel-install", "add", release, f"/boot/vmlinuz-{release}", BOOT_ROOT="/efi",
               MACHINE_ID=MACHINE_ID, KERNEL_INSTALL_CONF_ROOT="/efi/conf", ENTRY_TOKEN=MACHINE_ID,
               KERNEL_INSTALL_PLUGINS="/usr/lib/kernel/install.d/90-loaderentry.install")
    files = {k.removeprefix("/efi"): v for k, v in files_below(esp).items() if not k.startswith("/conf")}
    for name, text in files.items():  # /efi is bound, not mounted, so kernel-install takes it for a folder of /
        if name.endswith(".conf"):
            files[name] = text.replace(b" /efi/", b" /")
    shown = show(make_disk(scratch / "disk.img", [Part("", ESP, "vfat", files)]))
    assert [(e["id"], e["tries_left"], e["tries_done"]) for e in shown.entries] == \
        [(f"{MACHINE_ID}-{r}", 3, 0) for r in releases(debian)], shown.log
