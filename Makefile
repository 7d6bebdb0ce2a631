# shim: one ELF, two doors. `make` builds build/shim.elf; `make run`, `make test`, `make iso`, `make bench`,
# `make fuzz`, `make install` as README.md says. Sources are found by wildcard; what is linked in, and in which order,
# is tables.h.

CC      ?= gcc
ifeq ($(origin CC),default)
CC      := gcc
endif
NASM    ?= nasm
OBJCOPY ?= objcopy
CLANG   ?= clang
B       := build
VERSION := 0.1.0

# Only these need the real machine; all else is built for the host too, for tests and fuzzing.
TARGET_ONLY := shim/late.c shim/start.c shim/cpu.c shim/paging.c shim/main.c shim/power.c shim/string.c

C_SOURCES   := $(wildcard shim/*.c protocols/*.c drivers/*.c fs/*.c) $(B)/font.c
ASM_SOURCES := $(filter-out shim/late.asm,$(wildcard shim/*.asm drivers/*.asm protocols/*.asm))
HOST_SOURCES := $(filter-out $(TARGET_ONLY),$(C_SOURCES))
HEADERS     := $(wildcard shim/include/*.h protocols/*.h drivers/*.h fs/*.h)

WARNINGS := -Wall -Wextra -Wshadow -Wundef -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wpointer-arith \
    -Wwrite-strings
CPPFLAGS := -Ishim/include -DSHIM_VERSION='"$(VERSION)"'

# For size, most of all (gcc has -Oz from 12 on), and by gcc without one pass of its own, which only makes it larger.
OPTIMISE := -Oz $(if $(findstring clang,$(CC)),,-fno-tree-dominator-opts)

CFLAGS_TARGET := -std=gnu11 $(OPTIMISE) -g $(WARNINGS) $(CPPFLAGS) -ffreestanding -fpie -fvisibility=hidden \
    -fno-builtin -fno-stack-protector -fno-asynchronous-unwind-tables -fno-strict-aliasing -ffunction-sections \
    -fdata-sections -mno-red-zone -mgeneral-regs-only -fcf-protection=none -fno-jump-tables

# One short line a step; `make V=1` shows the commands.
QUIET := $(findstring s,$(filter-out -% %=%,$(firstword $(MAKEFLAGS))))
SAY    = $(if $(V),,@$(if $(QUIET),,printf '  %-5s %s\n' $(1) $@;))

# Parts that most boots never run: they stay packed until late.c unpacks them. What is not in this list may call of
# them only what tests/gate knows.
LATE := $(patsubst %,shim/%,menu menu_draw screen details editor line_edit prompt prompt_commands prompt_complete \
    config_bls bls_entry bls_variables version config_extlinux extlinux_label extlinux_scope \
    config_grub grub_commands grub_device grub_lex grub_parse grub_regexp grub_run variables config_merge) \
    drivers/fb_draw
LATE_ROOM := 51712

# shim.elf is the doors (entry.asm) and the core (all else), whose first bytes lie where they belong; the doors unpack
# the rest behind them. As much is plain as the size limit allows: unpacking is the larger part of a short boot.
DOOR_OBJECTS := $(B)/target/shim/entry.asm.o $(B)/target/shim/unpack.o
CORE_OBJECTS := $(filter-out $(DOOR_OBJECTS) $(B)/target/shim/packed.asm.o, \
    $(C_SOURCES:%.c=$(B)/target/%.o) $(ASM_SOURCES:%.asm=$(B)/target/%.asm.o))
CORE_START   := 0x110000
CORE_PLAIN   := 126464

.PHONY: all clean unit fuzz-build
all: $(B)/shim.elf $(B)/shim.elf.debug

# The compiler and its friends are installed before their first use.
$(B)/.tools: tests/need Makefile
	@mkdir -p $(@D)
	@tests/need gcc nasm binutils lz4 zopfli
	@touch $@

# The framebuffer's font is the distribution's: where the package is not installed, it is only unpacked (to install it
# would set up the keyboard and the console of this machine).
FONT := consolefonts/Lat15-VGA16.psf.gz

$(B)/font.psf.gz:
	@mkdir -p $(@D)
	@[ -e /usr/share/$(FONT) ] || tests/images/package console-setup-linux $(B)/packages/console-setup-linux
	@cp $$(ls /usr/share/$(FONT) $(B)/packages/console-setup-linux/usr/share/$(FONT) 2>/dev/null | head -n 1) $@

$(B)/font.c: $(B)/font.psf.gz drivers/font.awk
	$(call SAY,FONT) gzip -dc $< | od -An -v -tu1 -w1 | awk -f drivers/font.awk >$@ || { rm -f $@; false; }

%/font.o: CFLAGS_TARGET += -Idrivers
%/font.o: CFLAGS_HOST += -Idrivers

# ---- the ELF -------------------------------------------------------------------------------------------------------

$(B)/target/%.o: %.c $(HEADERS) Makefile | $(B)/.tools
	@mkdir -p $(@D)
	$(call SAY,CC) $(CC) $(CFLAGS_TARGET) -c -o $@ $<

# Every boot runs it over the whole core: speed counts more than its few bytes.
$(B)/target/shim/unpack.o: CFLAGS_TARGET += -O2

$(B)/target/%.asm.o: %.asm Makefile | $(B)/.tools
	@mkdir -p $(@D)
	$(call SAY,NASM) $(NASM) -f elf64 -g -F dwarf -o $@ $<

LINK := ld -m elf_x86_64 -z noexecstack -z norelro --no-warn-rwx-segments --gc-sections --build-id=none \
    --orphan-handling=error

$(B)/late.ld: Makefile
	@mkdir -p $(@D)
	@printf '*target/%s.o(.text .text.*)\n' $(LATE) >$@
	@echo '*font.o(.rodata .rodata.*)' >>$@
	@printf '*target/%s.o(.rodata .rodata.*)\n' $(LATE) >>$@

$(B)/shim.elf.debug: $(CORE_OBJECTS) shim/core.ld $(B)/late.ld
	$(call SAY,LD) $(LINK) -pie --no-dynamic-linker -z pack-relative-relocs --defsym=CORE_START=$(CORE_START) \
	    --defsym=LATE_ROOM=$(LATE_ROOM) -L$(B) -T shim/core.ld -o $@ $(CORE_OBJECTS)

# Where the doors find things in the core.
$(B)/core.labels: $(B)/shim.elf.debug
	@nm $< | awk '/ (bss_start|bss_end|page_tables|stack_top|start_main)$$/ { print "core_" $$3 " = 0x" $$1 ";" } \
	    / core_(start|data_end|end)$$/ { print $$3 " = 0x" $$1 ";" }' >$@

# What is called or read from many places is the same bytes in all of them where they say its place and not the way to
# it: a twelfth less to pack. Behind the code of a call, of a jump and of [rip + ...] this is done to ways below 1 MiB,
# one byte after the other; late.c takes it back from the end on, so that each finds what it left.
PLACES := 'for my $$at (1 .. length() - 4) { \
    next if substr($$_, $$at - 1, 5) !~ \
        /^[\xe8\xe9\x05\x0d\x15\x1d\x25\x2d\x35\x3d]..(?:[\0-\x0f]\0|[\xf0-\xff]\xff)/s; \
    my $$to = unpack("V", substr $$_, $$at, 4) + $$at & 0x1fffff; \
    substr($$_, $$at, 4) = pack "V", $$to | ($$to >> 20) * 0xffe00000 }'

$(B)/core.lz4: $(B)/shim.elf.debug shim/late.asm
	$(call SAY,LZ4) $(OBJCOPY) -O binary --only-section=.late $< $(B)/late.bin
	@perl -C0 -0777 -pe $(PLACES) $(B)/late.bin >$(B)/late.places
	@zopfli -c --deflate --i5 $(B)/late.places >$(B)/late.deflated
	@$(NASM) -f bin -DPACKED='"$(B)/late.deflated"' -DROOM=$(LATE_ROOM) -o $(B)/late.packed shim/late.asm
	@$(OBJCOPY) -O binary --remove-section=.late --remove-section=.late_packed $< $(B)/core.main
	@cat $(B)/late.packed $(B)/core.main >$(B)/core.bin
	@head -c $(CORE_PLAIN) $(B)/core.bin >$(B)/core.plain
	@tail -c +$$(($(CORE_PLAIN) + 1)) $(B)/core.bin | lz4 -q -12 -B7 --no-frame-crc -D $(B)/core.plain >$@

$(B)/target/shim/packed.asm.o: shim/packed.asm $(B)/core.lz4
	$(call SAY,NASM) $(NASM) -f elf64 -DPACKED='"$(B)/core.lz4"' -DPLAIN='"$(B)/core.plain"' -o $@ $<

# One link per header offset: 8144 is the product (QEMU takes PVH), 384 is for tests (QEMU takes multiboot).
$(B)/shim.elf: HEADER_OFFSET := 8144
$(B)/shim-multiboot.elf: HEADER_OFFSET := 384
$(B)/shim.elf $(B)/shim-multiboot.elf: $(DOOR_OBJECTS) $(B)/target/shim/packed.asm.o $(B)/core.labels shim/shim.ld
	$(call SAY,LD) $(LINK) -no-pie --defsym=MULTIBOOT_HEADER_OFFSET=$(HEADER_OFFSET) -T shim/shim.ld -o $@.doors \
	    $(filter %.o %.labels,$^)
	@$(OBJCOPY) -O binary $@.doors $@
	@printf '%s: %d of 196608 bytes\n' $@ $$(stat -c %s $@)

# ---- host: unit tests and fuzz targets -----------------------------------------------------------------------------

SANITIZE    := -fsanitize=address,undefined -fno-sanitize-recover=all
CFLAGS_HOST := -std=gnu11 -O1 -g $(WARNINGS) $(CPPFLAGS) -Itests/unit -fno-omit-frame-pointer -fno-strict-aliasing
WRAP        := -Wl,--wrap=arena_alloc,--wrap=arena_release
SIMULATED    := tests/unit/host.c $(wildcard tests/unit/fake_*.c)
HOST_OBJECTS := $(patsubst %.c,$(B)/host/%.o,$(HOST_SOURCES) $(SIMULATED))
FUZZ_OBJECTS := $(patsubst %.c,$(B)/fuzz/%.o,$(HOST_SOURCES) $(SIMULATED))

UNIT_TESTS := $(patsubst tests/unit/test_%.c,$(B)/unit/test_%,$(wildcard tests/unit/test_*.c))
FUZZERS    := $(patsubst tests/fuzz/fuzz_%.c,$(B)/fuzzers/%,$(wildcard tests/fuzz/fuzz_*.c))

$(B)/host/%.o: %.c $(HEADERS) $(wildcard tests/unit/*.h) Makefile
	@mkdir -p $(@D)
	$(call SAY,CC) $(CC) $(CFLAGS_HOST) $(SANITIZE) -c -o $@ $<

$(B)/host/core.a: $(HOST_OBJECTS)
	@rm -f $@
	$(call SAY,AR) ar rcs $@ $^

$(B)/unit/test_%: tests/unit/test_%.c $(B)/host/core.a $(wildcard tests/unit/*.h)
	@mkdir -p $(@D)
	$(call SAY,CC) $(CC) $(CFLAGS_HOST) $(SANITIZE) -Iprotocols -Idrivers -Ifs $(WRAP) -o $@ $< \
	    $(B)/host/tests/unit/host.o $(B)/host/core.a -lcmocka

unit: $(UNIT_TESTS)
	@for t in $(UNIT_TESTS); do echo "== $$t"; $$t || exit 1; done

$(B)/fuzz/%.o: %.c $(HEADERS) $(wildcard tests/unit/*.h) Makefile
	@mkdir -p $(@D)
	$(call SAY,CLANG) $(CLANG) $(CFLAGS_HOST) $(SANITIZE) -fsanitize=fuzzer-no-link -c -o $@ $<

$(B)/fuzz/core.a: $(FUZZ_OBJECTS)
	@rm -f $@
	$(call SAY,AR) ar rcs $@ $^

$(B)/fuzzers/%: tests/fuzz/fuzz_%.c $(B)/fuzz/core.a $(wildcard tests/unit/*.h tests/fuzz/*.h)
	@mkdir -p $(@D)
	$(call SAY,CLANG) $(CLANG) $(CFLAGS_HOST) $(SANITIZE) -fsanitize=fuzzer -Iprotocols -Idrivers -Ifs $(WRAP) -o $@ $< \
	    $(B)/fuzz/tests/unit/host.o $(B)/fuzz/core.a

fuzz-build: $(FUZZERS)

clean:
	rm -rf $(B)

-include tests/payload/payload.mk
-include tests/tests.mk
