# payload.mk: the test payloads, build/payload/*; included by the Makefile before tests.mk, which names $(PAYLOADS).

P          := $(B)/payload
PAYLOAD_IN := tests/payload
PAYLOADS   := $(addprefix $(P)/,conform.bzimage conform32.bzimage conform202.bzimage conform-fixed2m.bzimage \
    conform-moved.bzimage conform.pvh conform32.pvh conform-desc4.pvh conform-note8.pvh conform-1m.pvh \
    conform-reloc.pvh probe.bzimage probe-10k.bzimage)

CONFORM_SOURCES := main report machine memory content linux pvh pci
CONFORM_PYTHON  := $(PAYLOAD_IN)/seal.py $(PAYLOAD_IN)/make_initrd.py
CFLAGS_CONFORM  := -std=gnu11 -Os $(WARNINGS) -ffreestanding -fpie -fvisibility=hidden -fno-stack-protector \
    -fno-asynchronous-unwind-tables -fno-strict-aliasing -fno-jump-tables -fno-tree-loop-distribute-patterns \
    -mno-red-zone -mgeneral-regs-only -fcf-protection=none
LINK_CONFORM    := -pie --no-dynamic-linker -z noexecstack --no-warn-rwx-segments --build-id=none \
    -T $(PAYLOAD_IN)/conform.ld
SEAL            = $(or $(PYTHON),$(firstword $(wildcard /usr/bin/python3) python3)) -B $(PAYLOAD_IN)/seal.py

.PHONY: payloads
payloads: $(PAYLOADS)

$(P)/32/%.o: $(PAYLOAD_IN)/%.c $(PAYLOAD_IN)/conform.h $(PAYLOAD_IN)/payload.mk | $(B)/.tools
	@mkdir -p $(@D)
	$(CC) $(CFLAGS_CONFORM) -m32 -march=i686 -c -o $@ $<

$(P)/64/%.o: $(PAYLOAD_IN)/%.c $(PAYLOAD_IN)/conform.h $(PAYLOAD_IN)/payload.mk | $(B)/.tools
	@mkdir -p $(@D)
	$(CC) $(CFLAGS_CONFORM) -m64 -c -o $@ $<

$(P)/32/head.o $(P)/64/head.o: $(P)/%/head.o: $(PAYLOAD_IN)/head%.asm | $(B)/.tools
	@mkdir -p $(@D)
	$(NASM) -f elf$* -o $@ $<

$(P)/conform32.bin: $(P)/32/head.o $(CONFORM_SOURCES:%=$(P)/32/%.o) $(PAYLOAD_IN)/conform.ld
	ld -m elf_i386 $(LINK_CONFORM) -o $(@:.bin=.elf) $(filter %.o,$^)
	$(OBJCOPY) -O binary $(@:.bin=.elf) $@

$(P)/conform64.bin: $(P)/64/head.o $(CONFORM_SOURCES:%=$(P)/64/%.o) $(PAYLOAD_IN)/conform.ld
	ld -m elf_x86_64 $(LINK_CONFORM) -o $(@:.bin=.elf) $(filter %.o,$^)
	$(OBJCOPY) -O binary $(@:.bin=.elf) $@

$(P)/setup.bin $(P)/probe.bin: $(P)/%.bin: $(PAYLOAD_IN)/%.asm | $(B)/.tools
	@mkdir -p $(@D)
	$(NASM) -f bin -o $@ $<

# 64-bit and 32-bit entry, relocatable; then: 32-bit only, oldest protocol at 1 MiB, fixed at 2 MiB, one whose wish no
# machine fulfils, so that it must be moved.
CONFORM_PARTS := $(P)/setup.bin $(P)/conform32.bin $(P)/conform64.bin $(CONFORM_PYTHON)
$(P)/conform.bzimage: $(CONFORM_PARTS)
	$(SEAL) bzimage $@ $(filter %.bin,$^) --init-size 0x300000
$(P)/conform32.bzimage: $(CONFORM_PARTS)
	$(SEAL) bzimage $@ $(filter-out %64.bin,$(filter %.bin,$^)) --protocol 0x20b
$(P)/conform202.bzimage: $(CONFORM_PARTS)
	$(SEAL) bzimage $@ $(filter-out %64.bin,$(filter %.bin,$^)) --protocol 0x202 --pref 0x100000 --fixed
$(P)/conform-fixed2m.bzimage: $(CONFORM_PARTS)
	$(SEAL) bzimage $@ $(filter %.bin,$^) --pref 0x200000 --fixed
$(P)/conform-moved.bzimage: $(CONFORM_PARTS)
	$(SEAL) bzimage $@ $(filter %.bin,$^) --pref 0xffe00000

# ELF64 in two segments, ELF32, a 4-byte descriptor in ELF64, notes of 8-byte alignment, where the shim itself stood,
# and one that asks for an address which is always taken but may be moved.
CONFORM_PVH := $(P)/conform32.bin $(CONFORM_PYTHON)
$(P)/conform.pvh: $(CONFORM_PVH)
	$(SEAL) pvh $@ $< --address 0x200000 --split
$(P)/conform32.pvh: $(CONFORM_PVH)
	$(SEAL) pvh $@ $< --address 0x400000 --bits 32
$(P)/conform-desc4.pvh: $(CONFORM_PVH)
	$(SEAL) pvh $@ $< --address 0x600000 --note desc4
$(P)/conform-note8.pvh: $(CONFORM_PVH)
	$(SEAL) pvh $@ $< --address 0x1000000 --note 8
$(P)/conform-1m.pvh: $(CONFORM_PVH)
	$(SEAL) pvh $@ $< --address 0x100000
$(P)/conform-reloc.pvh: $(CONFORM_PVH)
	$(SEAL) pvh $@ $< --address 0xffe00000 --reloc 0x200000

$(P)/probe.bzimage: $(P)/probe.bin $(CONFORM_PYTHON)
	$(SEAL) probe $@ $< --pad 8M
$(P)/probe-10k.bzimage: $(P)/probe.bin $(CONFORM_PYTHON)
	$(SEAL) probe $@ $< --pad 10K
