; exception.asm: 32 exception entries that all end in exception_show(struct exception_frame *), cpu.c.
; Interrupts stay off for ever; only exceptions come here. Intel SDM vol. 3A §6.13: which vectors push an error code.

global exception_stubs
extern exception_show

EXCEPTIONS      equ 32
WITH_ERROR_CODE equ 1 << 8 | 1 << 10 | 1 << 11 | 1 << 12 | 1 << 13 | 1 << 14 | 1 << 17 | 1 << 21 | 1 << 29 | 1 << 30

section .text
bits 64
    align 16
exception_stubs:                ; 16 bytes each
%assign vector 0
%rep EXCEPTIONS
    align 16
  %if (WITH_ERROR_CODE & (1 << vector)) == 0
    push 0
  %endif
    push vector
    jmp exception_common
  %assign vector vector + 1
%endrep

exception_common:               ; the order of struct exception_frame
    push rax
    push rcx
    push rdx
    push rbx
    push rbp
    push rsi
    push rdi
    push r8
    push r9
    push r10
    push r11
    push r12
    push r13
    push r14
    push r15
    mov rax, cr2
    push rax
    mov rdi, rsp
    and rsp, -16
    cld
    call exception_show         ; does not return
    hlt
