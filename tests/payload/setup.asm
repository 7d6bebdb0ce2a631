; setup.asm: the real-mode part of the conformance payload's bzImage. seal.py writes the header into it, from byte 1F1h
; on.
;
; Only a loader that uses the 16-bit boot protocol comes here (QEMU's own -kernel, syslinux): it is told so.

COM1        equ 0x3f8
DEBUG_EXIT  equ 0xf4
EXIT_FAIL   equ 0x11

bits 16
org 0
    times 0x290 db 0
start:                          ; CS is 20h above DS
    cld
    mov si, text
.character:
    lodsb
    test al, al
    jz .end
    mov dx, COM1
    out dx, al
    mov dx, 0xe9
    out dx, al
    jmp .character
.end:
    mov dx, DEBUG_EXIT
    mov al, EXIT_FAIL
    out dx, al
.halt:
    cli
    hlt
    jmp .halt

text:
    db 13, 10, "conform: FAIL entered in real mode, expected the 32-bit or the 64-bit entry", 13, 10, 0
version:
    db "conform", 0
    times 2048 - ($ - $$) db 0
