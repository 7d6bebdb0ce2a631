; head32.asm: the conformance payload's 32-bit doors: Linux's 32-bit entry at byte 0 of the image, PVH's at byte 8.
;
; Saves the machine's state as found, then conform_main(image, work). Position independent: the image's address comes
; from a call through a borrowed dword, the zero page's scratch field or, as Linux's own PVH entry does it, start_info
; itself.

STACK_SIZE  equ 16384           ; conform.h
WORK_SIZE   equ 0x20000
SEAL        equ 0x10
SEAL_SIZE   equ SEAL + 8        ; image_size
SAVED       equ 0x100
SCRATCH     equ 0x1e4           ; in the zero page
PVH_MAGIC   equ 0x336ec578

KIND_LINUX32 equ 1
KIND_PVH     equ 2

global load_tables, exception_stubs
extern conform_main, exception

section .head progbits alloc exec nowrite align=16
bits 32
image:
    jmp entry_linux
    times 8 - ($ - image) nop
    jmp entry_pvh
    times SEAL - ($ - image) nop
    times 0x400 - ($ - image) db 0  ; seal, saved state, jump to the 64-bit code at 200h

entry_linux:
    lea esp, [esi + SCRATCH + 4]
    call .here
.here:
    pop eax
    lea eax, [eax - (.here - image)]
    mov dword [eax + SAVED], KIND_LINUX32
    jmp save

entry_pvh:
    mov ecx, [ebx]
    mov edx, esp
    lea esp, [ebx + 4]
    call .here
.here:
    pop eax
    mov [ebx], ecx
    lea eax, [eax - (.here - image)]
    mov dword [eax + SAVED], KIND_PVH
    mov [eax + SAVED + 56], edx

; EAX = image; flags still as found
save:
    mov [eax + SAVED + 24], ebx
    mov [eax + SAVED + 32], esi
    mov [eax + SAVED + 40], edi
    mov [eax + SAVED + 48], ebp
    lea esp, [eax + SAVED + 0x100]
    pushfd
    pop dword [eax + SAVED + 8]
    mov ecx, cr0
    mov [eax + SAVED + 64], ecx
    mov ecx, cr3
    mov [eax + SAVED + 72], ecx
    mov ecx, cr4
    mov [eax + SAVED + 80], ecx
    mov [eax + SAVED + 88], cs
    mov [eax + SAVED + 96], ds
    mov [eax + SAVED + 104], es
    mov [eax + SAVED + 112], ss
    mov [eax + SAVED + 120], fs
    mov [eax + SAVED + 128], gs
    str [eax + SAVED + 136]
    sgdt [eax + SAVED + 144]
    sidt [eax + SAVED + 160]
    cli
    cld

; PVH: memory behind the file's bytes must be 0. Linux: it need not be.
clear_work:
    mov ebx, eax
    mov edi, eax
    add edi, [ebx + SEAL_SIZE]
    add edi, 4095
    and edi, -4096
    mov edx, edi
    mov ecx, WORK_SIZE / 4
    cmp dword [ebx + SAVED], KIND_PVH
    mov eax, 0
    jne .zero
    repe scasd
    je .zero
    sub edi, 4
    mov [ebx + SAVED + 176], edi
.zero:
    mov edi, edx
    mov ecx, WORK_SIZE / 4
    rep stosd
    lea esp, [edx + STACK_SIZE - 8]
    push edx
    push ebx
    call conform_main
.halt:
    hlt
    jmp .halt

section .text
; void load_tables(const struct table_register *gdt, const struct table_register *idt)
load_tables:
    mov eax, [esp + 4]
    lgdt [eax]
    mov eax, [esp + 8]
    lidt [eax]
    push dword 0x10
    call .here
.here:
    pop eax
    add eax, .flat - .here
    push eax
    retf
.flat:
    mov eax, 0x18
    mov ds, eax
    mov es, eax
    mov fs, eax
    mov gs, eax
    mov ss, eax
    ret

    align 16
exception_stubs:
%assign vector 0
%rep 32
    align 16
    push dword vector
    jmp near exception_common
%assign vector vector + 1
%endrep
    align 16
exception_common:               ; _Noreturn void exception(u32 vector, const uintptr_t *frame)
    mov eax, [esp]
    lea edx, [esp + 4]
    push edx
    push eax
    call exception
