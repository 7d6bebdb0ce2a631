; packed.asm: the core as data of shim.elf: PLAIN, its beginning, which lies where it runs; and what follows, packed by
; `lz4 -12 -D PLAIN`, in two pieces: one below the multiboot header, one behind it. entry.asm moves the first up to the
; second. PACKED is one LZ4 frame (lz4_Frame_format.md) with a single block, without checksums: 11 bytes before the block
; (magic, descriptor, block size), and behind it the end mark, which unpack() stops at.

FRAME_HEAD  equ 11
LOW_SIZE    equ 6144            ; shim.ld asserts that it fits; a multiple of 8

global packed_low, packed_low_end

section .packed.low progbits alloc noexec nowrite align=8
packed_low:
    incbin PACKED, FRAME_HEAD, LOW_SIZE
packed_low_end:

section .packed.high progbits alloc noexec nowrite align=1
    incbin PACKED, FRAME_HEAD + LOW_SIZE

section .plain progbits alloc noexec nowrite align=1
    incbin PLAIN
