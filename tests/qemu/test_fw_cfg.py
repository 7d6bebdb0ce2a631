"""QEMU's -fw_cfg: a config text that wins over every searched one, and more arguments."""
from disk import make_disk
from guest import Guest, virtio_disk
from hosts import host_arguments

INNER = b"timeout none\nentry inner\n linux /none\n"


def test_config_and_arguments(kit, scratch):
    image, config = scratch / "disk.img", scratch / "config"
    make_disk(str(image), {"/shim.cfg": INNER, "/shim.elf": kit.shim}, "gpt", "ext4")
    config.write_text("timeout 0\nentry one\n linux /none\n"
                      "entry two\n pvh (vda2)/shim.elf\n options config=/shim.cfg x=1\n")
    more = ["-fw_cfg", f"name=opt/org.shim/config,file={config}",
            "-fw_cfg", "name=opt/org.shim/args,string=default=one verbose -- y=2"]
    for host in ("pvh", "multiboot"):
        args = host_arguments(host, kit, scratch, "default=two -- z=3") + virtio_disk(image)
        with Guest(*args, *more) as guest:
            guest.expect(r"^shim: \S+ entered by ", 30)
            guest.expect(r"^shim: vda: pci ", 10)  # verbose
            guest.expect(r"^shim: config \(fw_cfg\)/opt/org.shim/config: 2 entries", 10)
            guest.expect(r'^shim: booting "two" by pvh', 10)
            for word in ("x", "y", "z"):  # what the second shim is told: the options, then what stands behind each --
                guest.expect(rf'unknown argument "{word}"', 10)


def test_nothing_there(kit, scratch):
    with Guest("-kernel", kit.shim) as guest:
        guest.expect(r"nothing to boot", 30)
        assert "fw_cfg" not in guest.text
