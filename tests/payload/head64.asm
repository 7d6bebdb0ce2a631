; head64.asm: the conformance payload's 64-bit door, Linux's 64-bit entry. seal.py puts a jump to byte 0 of this part at
; byte 200h of the image and writes into byte 8 how far from the image's start this part lies.

STACK_SIZE  equ 16384           ; conform.h
WORK_SIZE   equ 0x20000
SEAL_SIZE   equ 0x18            ; image_size
SAVED       equ 0x100
KIND_LINUX64 equ 3

global load_tables, exception_stubs
extern conform_main, exception

section .head progbits alloc exec nowrite align=16
bits 64
default rel
part:
    jmp near entry
    times 8 - ($ - part) nop
distance:
    dd 0
    times 16 - ($ - part) db 0

entry:
    lea rax, [part]
    mov ecx, [distance]
    neg rcx
    lea rax, [rax + rcx]
    mov qword [rax + SAVED], KIND_LINUX64
    mov [rax + SAVED + 24], rbx
    mov [rax + SAVED + 32], rsi
    mov [rax + SAVED + 40], rdi
    mov [rax + SAVED + 48], rbp
    mov [rax + SAVED + 56], rsp
    lea rsp, [rax + SAVED + 0x100]
    pushfq
    pop qword [rax + SAVED + 8]
    mov rcx, cr0
    mov [rax + SAVED + 64], rcx
    mov rcx, cr3
    mov [rax + SAVED + 72], rcx
    mov rcx, cr4
    mov [rax + SAVED + 80], rcx
    mov [rax + SAVED + 88], cs
    mov [rax + SAVED + 96], ds
    mov [rax + SAVED + 104], es
    mov [rax + SAVED + 112], ss
    mov [rax + SAVED + 120], fs
    mov [rax + SAVED + 128], gs
    str [rax + SAVED + 136]
    sgdt [rax + SAVED + 144]
    sidt [rax + SAVED + 160]
    cli
    cld

clear_work:
    mov rbx, rax
    mov ecx, [rbx + SEAL_SIZE]
    lea rdi, [rbx + rcx + 4095]
    and rdi, -4096
    mov rdx, rdi
    mov ecx, WORK_SIZE / 8
    xor eax, eax
    rep stosq
    lea rsp, [rdx + STACK_SIZE]
    mov rdi, rbx
    mov rsi, rdx
    call conform_main
.halt:
    hlt
    jmp .halt

section .text
; void load_tables(const struct table_register *gdt, const struct table_register *idt)
load_tables:
    lgdt [rdi]
    lidt [rsi]
    push 0x10
    lea rax, [.flat]
    push rax
    o64 retf
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
    push vector
    jmp near exception_common
%assign vector vector + 1
%endrep
    align 16
exception_common:               ; _Noreturn void exception(u32 vector, const uintptr_t *frame)
    pop rdi
    mov rsi, rsp
    and rsp, -16
    call exception
