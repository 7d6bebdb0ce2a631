# tests.mk: everything around the ELF: run, test, iso, bench, fuzz, install. Included last by the Makefile.
#
# Each of them begins with tests/need, which installs what is missing and touches neither apt nor the network otherwise.

# Debian's own Python, which sees Debian's python3-* packages, before any other that PATH has.
PYTHON  ?= $(firstword $(wildcard /usr/bin/python3) python3)
# Where mke2fs, sfdisk and others are; not on every user's path.
export PATH := $(PATH):/usr/sbin:/sbin
PREFIX  ?= /usr/local
DESTDIR ?=

NEED_BUILD  := gcc nasm binutils lz4 zopfli
NEED_KERNEL := python3 busybox-static
NEED_DISK   := e2fsprogs fdisk dosfstools mtools xorriso genisoimage
NEED_RUN    := $(NEED_BUILD) $(NEED_KERNEL) qemu-system-x86 e2fsprogs fdisk
NEED_ISO    := $(NEED_BUILD) $(NEED_KERNEL) e2fsprogs grub-common grub-pc-bin grub-efi-amd64-bin xorriso mtools
NEED_FUZZ   := $(NEED_BUILD) clang libclang-rt-dev libc6-dev python3
NEED_TEST   := $(sort $(NEED_RUN) $(NEED_DISK) $(NEED_ISO) $(NEED_FUZZ) libcmocka-dev python3-pytest \
    python3-pytest-xdist python3-pexpect ovmf gdisk syslinux syslinux-common debootstrap btrfs-progs xfsprogs makefs)
NEED_BENCH  := $(sort $(NEED_RUN) $(NEED_DISK) grub-common grub-pc-bin extlinux syslinux \
    syslinux-common libc6-dev)
ifneq ($(shell grep -s '^ID=ubuntu' /etc/os-release),)
NEED_KERNEL += zstd
endif

.PHONY: check-tools run demo test config-parts test-parts iso bench fuzz install

# The compiler and its friends, for the Makefile's first use of them.
check-tools:
	@tests/need $(NEED_BUILD)

# ---- the distribution's kernel, an initramfs, ready disks ------------------------------------------------------------

$(B)/kernel/vmlinux: tests/images/kernel tests/images/package tests/images/vmlinux.py
	@tests/need $(NEED_KERNEL)
	@tests/images/kernel $(B)/kernel
	@touch $@

$(B)/initrd.img: $(B)/kernel/vmlinux tests/images/initramfs.py tests/images/initramfs.sh
	@$(PYTHON) tests/images/initramfs.py $(B)/kernel $@

$(B)/initrd-disks.img: $(B)/kernel/vmlinux tests/images/initramfs.py tests/images/initramfs.sh
	@$(PYTHON) tests/images/initramfs.py $(B)/kernel $@ disks

$(B)/demo.img: $(B)/shim.elf $(B)/initrd.img tests/images/disk.py tests/run/demo.py
	@$(PYTHON) tests/run/demo.py disk $(B) $@

$(B)/volume.img: $(B)/initrd.img tests/images/disk.py tests/run/demo.py
	@$(PYTHON) tests/run/demo.py volume $(B) $@

demo: $(B)/demo.img

run:
	@echo 'run: 1/4 tools'
	@tests/need $(NEED_RUN)
	@echo 'run: 2/4 the shim'
	@$(MAKE) -s $(B)/shim.elf
	@echo 'run: 3/4 a disk with the distribution'"'"'s own kernel'
	@$(MAKE) -s demo
	@echo 'run: 4/4 QEMU (Ctrl-A X ends it; ACCEL=kvm make run is faster where KVM works)'
	@$(PYTHON) tests/run/demo.py start $(B) $(B)/demo.img

# ---- the bootable image ----------------------------------------------------------------------------------------------

iso:
	@tests/need $(NEED_ISO)
	@$(MAKE) -s $(B)/shim.iso
	@echo "$(B)/shim.iso: $$(($$(stat -c %s $(B)/shim.iso) >> 20)) MiB, for CD and USB stick, BIOS and UEFI"

$(B)/shim.iso: $(B)/shim.elf $(B)/volume.img iso/grub.cfg
	@rm -rf $(B)/iso && mkdir -p $(B)/iso/boot/grub
	@cp $(B)/shim.elf $(B)/volume.img $(B)/iso/boot/
	@cp iso/grub.cfg $(B)/iso/boot/grub/
	@grub-mkrescue -o $@ $(B)/iso --locales= --fonts= --themes= -- -volid SHIM \
	    >$(B)/iso.log 2>&1 || { cat $(B)/iso.log; rm -f $@; false; }

# ---- proof -----------------------------------------------------------------------------------------------------------

# Other people's bzImages, unpacked and not installed.
$(B)/packages/%/.unpacked: tests/images/package
	@tests/images/package $* $(B)/packages/$*
	@touch $@

# What the shim would show for a disk, on the host: the shim's own code, as the unit tests have it.
$(B)/entries: tests/host/entries.c $(B)/host/core.a $(wildcard tests/unit/*.h)
	$(call SAY,CC) $(CC) $(CFLAGS_HOST) $(SANITIZE) $(WRAP) -o $@ $< $(B)/host/tests/unit/host.o $(B)/host/core.a

# A whole system, which only root can make, on Debian.
$(B)/debian/.made: tests/images/debian
	@tests/need debootstrap lz4
	@tests/images/debian $(B)/debian
	@touch $@

ifeq ($(shell grep -s '^ID=debian' /etc/os-release; id -u),ID=debian 0)
DEBIAN := $(B)/debian/.made
endif

config-parts: $(B)/entries $(P)/conform.bzimage $(DEBIAN)

test-parts: $(B)/shim.elf $(B)/shim-multiboot.elf $(B)/initrd.img $(B)/initrd-disks.img $(B)/shim.iso \
    $(B)/demo.img \
    $(B)/packages/memtest86+/.unpacked $(B)/packages/ipxe/.unpacked $(PAYLOADS) $(DEBIAN)

test:
	@tests/need $(NEED_TEST)
	@$(PYTHON) tests/all.py $(B)

bench:
	@tests/need $(NEED_BENCH)
	@$(MAKE) -s $(B)/shim.elf $(P)/probe.bzimage $(P)/probe-10k.bzimage
	@$(PYTHON) -B tests/bench/bench.py $(B) $(BENCH)

fuzz:
	@tests/need $(NEED_FUZZ)
	@$(MAKE) -s fuzz-build
	@$(PYTHON) tests/fuzz.py $(B)

# ---- install ---------------------------------------------------------------------------------------------------------

install: $(B)/shim.elf
	install -D -m 644 $(B)/shim.elf $(DESTDIR)$(PREFIX)/lib/shim/shim.elf
	install -D -m 644 docs/shim.7 $(DESTDIR)$(PREFIX)/share/man/man7/shim.7
	install -D -m 644 docs/shim.cfg.5 $(DESTDIR)$(PREFIX)/share/man/man5/shim.cfg.5
	install -D -m 644 docs/shim-configs.5 $(DESTDIR)$(PREFIX)/share/man/man5/shim-configs.5
	install -d $(DESTDIR)$(PREFIX)/share/doc/shim/examples $(DESTDIR)$(PREFIX)/share/doc/shim/docs/images
	install -m 644 README.md LICENSE $(DESTDIR)$(PREFIX)/share/doc/shim/
	install -m 644 docs/images/*.png $(DESTDIR)$(PREFIX)/share/doc/shim/docs/images/
	install -m 644 docs/examples/* $(DESTDIR)$(PREFIX)/share/doc/shim/examples/
