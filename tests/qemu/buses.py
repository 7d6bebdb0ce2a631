"""Every bus a disk may be on, as QEMU's arguments and the names it gets."""
from dataclasses import dataclass, field


@dataclass
class Bus:
    """drive: what names the block node (DRIVE) stands for; {id} is the drive's, so that two may be plugged in."""
    devices: list
    disk: str  # the shim's name of the first disk, Linux's in most cases
    machine: str = "pc"
    linux: str = ""
    once: list = field(default_factory=list)  # controllers, which several disks share
    cd: bool = False
    report: str = ",rerror=report"  # QEMU reports a read error instead of stopping the machine

    def arguments(self, path, n=0, options="", drive=None):
        """One disk more: number n, over the file at path (or the blockdev that `drive` makes with node-name d<n>)."""
        media = "media=cdrom,readonly=on," if self.cd else ""
        drive = drive or ["-drive", f"file={path},format=raw,if=none,id=d{n},{media}file.locking=off"
                          + ("" if "readonly=on" in media + options else ",snapshot=on") + options]
        more = [a.replace("{id}", f"d{n}").replace("{n}", str(n)) for a in self.devices]
        return (self.once if n == 0 else []) + drive + more


def virtio(options="", **more):
    return Bus(["-device", f"virtio-blk-pci,drive={{id}}{options}"], "vda", **more)


PORT = ["-device", "pcie-root-port,id=port{n},chassis={n},slot={n}"]
MODERN, LEGACY = ",disable-legacy=on,disable-modern=off", ",disable-modern=on,disable-legacy=off"
SCSI = ["-device", "virtio-scsi-pci,id=scsi"]

BUSES = {
    "virtio-modern": virtio(MODERN),
    "virtio-transitional": virtio(",disable-legacy=off,disable-modern=off"),
    "virtio-legacy": virtio(LEGACY),
    "virtio-root-port": Bus(PORT + ["-device", "virtio-blk-pci,drive={id},bus=port{n}"], "vda", "q35"),
    "virtio-legacy-port": Bus(PORT + ["-device", "virtio-blk-pci,drive={id},bus=port{n}" + LEGACY], "vda", "q35"),
    "virtio-bridge": virtio(",bus=bridge,addr=0x1{n}",
                            once=["-device", "pci-bridge,id=bridge,chassis_nr=1"]),
    "virtio-pxb": virtio(",bus=pxb,addr=0x{n}", once=["-device", "pxb,id=pxb,bus_nr=128"]),
    "virtio-scsi": Bus(["-device", "scsi-hd,drive={id},bus=scsi.0,scsi-id={n}"], "sda", "q35", once=SCSI),
    "virtio-scsi-cd": Bus(["-device", "scsi-cd,drive={id},bus=scsi.0,scsi-id={n}"], "sr0", "q35", once=SCSI, cd=True),
    "ahci": Bus(["-device", "ide-hd,drive={id},bus=ide.{n}"], "sda", "q35"),
    "ahci-cd": Bus(["-device", "ide-cd,drive={id},bus=ide.{n}"], "sr0", "q35", cd=True),
    "ich9-ahci": Bus(["-device", "ide-hd,drive={id},bus=sata.{n}"], "sda", "pc", once=["-device", "ich9-ahci,id=sata"]),
    "ide": Bus(["-device", "ide-hd,drive={id},bus=ide.{n}"], "sda", "pc"),
    "ide-cd": Bus(["-device", "ide-cd,drive={id},bus=ide.{n}"], "sr0", "pc", cd=True),
    "nvme": Bus(["-device", "nvme,serial=s{n},drive={id}"], "nvme0n1", "q35", report=""),
    "nvme-4k": Bus(["-device", "nvme,serial=s{n},drive={id},logical_block_size=4096,physical_block_size=4096"],
                   "nvme0n1", "pc", report=""),
    "usb": Bus(["-device", "usb-storage,drive={id},bus=usb.0"], "bios80", "pc", "sda",
               once=["-device", "qemu-xhci,id=usb"]),
    "usb-ehci": Bus(["-device", "usb-storage,drive={id},bus=usb.0"], "bios80", "q35", "sda",
                    once=["-device", "usb-ehci,id=usb"]),
    "bios-scsi": Bus(["-device", "scsi-hd,drive={id},bus=lsi.0,scsi-id={n}"], "bios80", "pc", "sda",
                     once=["-device", "lsi53c895a,id=lsi"]),
    "mmio": Bus(["-device", "virtio-blk-device,drive={id}"], "vda", "microvm"),
    "mmio-noacpi": Bus(["-device", "virtio-blk-device,drive={id}"], "vda", "microvm,acpi=off"),
    "mmio-v2": Bus(["-device", "virtio-blk-device,drive={id}"], "vda", "microvm",
                   once=["-global", "virtio-mmio.force-legacy=false"]),
    "mmio-v2-noacpi": Bus(["-device", "virtio-blk-device,drive={id}"], "vda", "microvm,acpi=off",
                          once=["-global", "virtio-mmio.force-legacy=false"]),
    "mmio-scsi": Bus(["-device", "scsi-hd,drive={id},bus=scsi.0,scsi-id={n}"], "sda", "microvm",
                     once=["-device", "virtio-scsi-device,id=scsi"]),
    "microvm-pcie": Bus(["-device", "virtio-blk-pci,drive={id}"], "vda", "microvm,pcie=on"),
    "microvm-nvme": Bus(["-device", "nvme,serial=s{n},drive={id}"], "nvme0n1", "microvm,pcie=on", report=""),
}


def second(name):
    """The shim's name of the second disk of a bus: vda → vdb, nvme0n1 → nvme1n1, bios80 → bios81, sr0 → sr1."""
    if name.startswith("nvme"):
        return "nvme1n1"
    return name[:-1] + chr(ord(name[-1]) + 1)
