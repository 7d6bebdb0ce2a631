"""The four ways a shim is started under QEMU, as arguments."""
import shutil
from pathlib import Path

from disk import run, stage

HOSTS = ("pvh", "multiboot", "grub-bios", "grub-uefi")

OVMF = (("/usr/share/OVMF/OVMF_CODE_4M.fd", "/usr/share/OVMF/OVMF_VARS_4M.fd"),
        ("/usr/share/OVMF/OVMF_CODE.fd", "/usr/share/OVMF/OVMF_VARS.fd"))


def ovmf(scratch):
    """Arguments for UEFI firmware, its variables a private copy."""
    code, variables = next(pair for pair in OVMF if Path(pair[0]).exists())
    shutil.copyfile(variables, scratch / "vars.fd")
    return ["-drive", f"if=pflash,unit=0,format=raw,readonly=on,file={code}",
            "-drive", f"if=pflash,unit=1,format=raw,file={scratch}/vars.fd"]


GRUB_CONFIG = """serial --unit=0 --speed=115200
terminal_output console serial
set timeout=0
{before}
multiboot /shim.elf {arguments}
{behind}
{modules}
boot
"""


def grub_iso(scratch, kit, arguments, modules, mode=None):
    """A CD whose GRUB starts the shim, by BIOS and by UEFI, in a video mode when one is given. modules: [(path,
    text)]."""
    before, behind = ("insmod all_video", f"set gfxpayload={mode}") if mode else ("", "")
    lines = "\n".join(f"module --nounzip /m{n} {text}" for n, (_, text) in enumerate(modules))
    config = GRUB_CONFIG.format(arguments=arguments, modules=lines, before=before, behind=behind)
    files = {"/boot/grub/grub.cfg": config.encode(), "/shim.elf": kit.shim}
    files.update({f"/m{n}": path for n, (path, _) in enumerate(modules)})
    stage(files, scratch / "cd")
    run("grub-mkrescue", "-o", scratch / "cd.iso", scratch / "cd", "--locales=", "--fonts=", "--themes=")
    return scratch / "cd.iso"


def host_arguments(host, kit, scratch, arguments="", modules=(), mode=None):
    """QEMU's arguments that start the shim by host; modules: [(path, text)], PVH takes one and no text. mode: a video
    mode that GRUB sets, like "1024x768x32"."""
    if host == "pvh":
        args = ["-kernel", kit.shim]
        args += ["-initrd", modules[0][0]] if modules else []
        return args + (["-append", arguments] if arguments else [])
    if host == "multiboot":
        args = ["-kernel", kit.shim_multiboot]
        args += ["-initrd", ",".join(f"{p} {t}".strip() for p, t in modules)] if modules else []
        return args + (["-append", arguments] if arguments else [])
    image = grub_iso(scratch, kit, arguments, list(modules), mode)
    args = ["-drive", f"file={image},media=cdrom,if=none,id=cd,readonly=on",
            "-device", "ide-cd,bus=ide.0,drive=cd,bootindex=0"]
    return (ovmf(scratch) if host == "grub-uefi" else []) + args
