"""A boot sector that tells how many instructions the firmware took: RDTSC, then EDX:EAX in hex on COM1, then the end of
QEMU by isa-debug-exit. Assembled by nasm, as the shim is."""
import subprocess

SOURCE = """
bits 16
org 0x7c00
    rdtsc
    mov bp, 2
    xchg eax, edx           ; high half first
half:
    mov cx, 8
digit:
    rol eax, 4
    mov bl, al
    and bl, 15
    add bl, '0'
    cmp bl, '9'
    jbe send
    add bl, 'a' - '9' - 1
send:
    xchg bx, ax
    push dx
    mov dx, 0x3f8
    out dx, al
    pop dx
    xchg bx, ax
    loop digit
    mov eax, edx
    dec bp
    jnz half
    mov dx, 0x3f8
    mov al, 10
    out dx, al
    mov dx, 0xf4
    mov al, 1
    out dx, al
    hlt
times 510 - ($ - $$) db 0
dw 0xaa55
"""


def assemble(folder):
    source = folder / "bootsector.asm"
    source.write_text(SOURCE)
    subprocess.run(["nasm", "-f", "bin", "-o", folder / "bootsector.img", source], check=True)
    with open(folder / "bootsector.img", "r+b") as image:
        image.truncate(1 << 20)  # SeaBIOS does not boot a disk of one sector
    return folder / "bootsector.img"
