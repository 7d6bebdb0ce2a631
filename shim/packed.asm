; packed.asm: the core, packed by `lz4 -12`, as data of shim.elf in two pieces: one below the multiboot header, one
; behind it. entry.asm moves the first up to the second. CORE names the file: one LZ4 frame (lz4_Frame_format.md) with
; a single block, without checksums: 11 bytes before the block (magic, descriptor, block size), 4 behind it (end mark),
; which shim.ld cuts off.

FRAME_HEAD  equ 11
LOW_SIZE    equ 6144            ; shim.ld asserts that it fits; a multiple of 8

global packed_low, packed_low_end

section .packed.low progbits alloc noexec nowrite align=8
packed_low:
    incbin CORE, FRAME_HEAD, LOW_SIZE
packed_low_end:

section .packed.high progbits alloc noexec nowrite align=1
    incbin CORE, FRAME_HEAD + LOW_SIZE
