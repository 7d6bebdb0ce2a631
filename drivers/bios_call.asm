; bios_call.asm: a software interrupt in real mode, called from long mode and back (contract in drivers/bios_call.h).
;
; What runs below 1 MiB is copied there before each call, so that nothing has to be kept in order there. It does not
; know where it runs: addresses are offsets from low_code, and the few absolute ones are added up in the copy.
; Intel SDM vol. 3A §9.8.5.4 (out of long mode), §9.9.2 (to real mode), §9.9.1, §9.8.5 (back).

MSR_EFER    equ 0xc0000080
CR0_ET      equ 0x10
CR0_PE_ET   equ 0x11

SEL_CODE32  equ 0x08            ; up to SEL_DATA as in the core's GDT (cpu.c)
SEL_CODE64  equ 0x10
SEL_DATA    equ 0x18
SEL_CODE16  equ 0x20
SEL_DATA16  equ 0x28

CODE_MAX    equ 0x400           ; bios_call.h
STACK_END   equ 0x2000

%define LOW(label) (label - low_code)

global bios_call

section .text
bits 64

; void bios_call(u64 low, struct bios_registers *registers, u32 vector)
bios_call:
    push rbx
    push rbp
    push r12
    push r13
    push r14
    push r15
    pushfq
    push rsi
    cli
    cld
    mov ebp, edi
    mov ebx, edx
    mov rdx, rsi
    lea rsi, [rel low_code]
    mov ecx, (low_code_end - low_code) / 8
    rep movsq
    mov rsi, rdx
    lea edi, [rbp + LOW(registers)]
    mov ecx, 8
    rep movsd
    add [rbp + LOW(gdt_register) + 2], ebp
    add [rbp + LOW(code_16_base)], ebp
    add [rbp + LOW(far_32) - 6], ebp
    add [rbp + LOW(far_64) - 6], ebp
    mov [rbp + LOW(base) - 4], ebp
    mov eax, ebp
    shr eax, 4
    mov [rbp + LOW(real) - 2], ax
    mov [rbp + LOW(returned) - 1], bl

    mov [rbp + LOW(own_stack)], rsp
    mov rax, cr0
    mov [rbp + LOW(own_cr0)], eax
    mov rax, cr3
    mov [rbp + LOW(own_cr3)], eax
    mov rax, cr4
    mov [rbp + LOW(own_cr4)], eax
    mov ecx, MSR_EFER
    rdmsr
    mov [rbp + LOW(own_efer)], eax
    mov [rbp + LOW(own_efer) + 4], edx
    sgdt [rbp + LOW(own_gdt)]
    sidt [rbp + LOW(own_idt)]
    lgdt [rbp + LOW(gdt_register)]
    lea eax, [rbp + LOW(compatibility)]
    push SEL_CODE32
    push rax
    o64 retf

    align 8
low_code:
bits 32
compatibility:                  ; EBP: where low_code lies now
    mov eax, SEL_DATA
    mov ds, eax
    mov ss, eax
    mov eax, CR0_PE_ET          ; paging off first, then EFER and PAE
    mov cr0, eax
    mov ecx, MSR_EFER
    xor eax, eax
    xor edx, edx
    wrmsr
    mov cr4, eax
    lidt [ebp + LOW(real_idt)]
    mov eax, SEL_DATA16         ; limits of 64 KiB, which stay in real mode
    mov ds, eax
    mov es, eax
    mov fs, eax
    mov gs, eax
    mov ss, eax
    jmp SEL_CODE16:LOW(protected_16)

bits 16
protected_16:
    mov eax, CR0_ET
    mov cr0, eax
    jmp 0:LOW(real)             ; the segment: bios_call
real:
    mov ax, cs
    mov ss, ax
    mov sp, STACK_END
    xor ax, ax
    mov fs, ax
    mov gs, ax
    mov eax, [cs:LOW(registers)]
    mov ebx, [cs:LOW(registers) + 4]
    mov ecx, [cs:LOW(registers) + 8]
    mov edx, [cs:LOW(registers) + 12]
    mov esi, [cs:LOW(registers) + 16]
    mov edi, [cs:LOW(registers) + 20]
    mov ds, [cs:LOW(registers) + 24]
    mov es, [cs:LOW(registers) + 26]
    sti                         ; the BIOS waits for its timer, and some for their disks' interrupts
    nop                         ; what waits is delivered before the call: a key is found by it
    int 0                       ; bios_call: which
returned:
    cli
    pushfd
    pop dword [cs:LOW(registers) + 28]
    mov [cs:LOW(registers)], eax
    mov [cs:LOW(registers) + 4], ebx
    mov [cs:LOW(registers) + 8], ecx
    mov [cs:LOW(registers) + 12], edx
    mov [cs:LOW(registers) + 16], esi
    mov [cs:LOW(registers) + 20], edi
    mov [cs:LOW(registers) + 24], ds
    mov [cs:LOW(registers) + 26], es
    o32 lgdt [cs:LOW(gdt_register)]
    mov eax, CR0_PE_ET
    mov cr0, eax
    jmp dword SEL_CODE32:LOW(protected_32)
far_32:

bits 32
protected_32:
    mov eax, SEL_DATA
    mov ds, eax
    mov es, eax
    mov fs, eax
    mov gs, eax
    mov ss, eax
    mov ebp, 0
base:
    mov eax, [ebp + LOW(own_cr4)]
    mov cr4, eax
    mov eax, [ebp + LOW(own_cr3)]
    mov cr3, eax
    mov ecx, MSR_EFER
    mov eax, [ebp + LOW(own_efer)]
    mov edx, [ebp + LOW(own_efer) + 4]
    wrmsr
    mov eax, [ebp + LOW(own_cr0)]
    mov cr0, eax
    jmp dword SEL_CODE64:LOW(long_mode)
far_64:

bits 64
long_mode:
    mov ebp, ebp                ; upper half is undefined after the switch
    lgdt [rbp + LOW(own_gdt)]
    lidt [rbp + LOW(own_idt)]
    mov rsp, [rbp + LOW(own_stack)]
    cld
    pop rdi
    lea esi, [rbp + LOW(registers)]
    mov ecx, 8
    rep movsd
    popfq
    pop r15
    pop r14
    pop r13
    pop r12
    pop rbp
    pop rbx
    ret

    align 8
registers:
    times 8 dd 0
own_stack:
    dq 0
own_efer:
    dq 0
own_cr0:
    dd 0
own_cr3:
    dd 0                        ; our tables lie below 4 GiB
own_cr4:
    dd 0
own_gdt:
    dw 0
    dq 0
own_idt:
    dw 0
    dq 0
real_idt:
    dw 0x3ff
    dd 0
    align 8
gdt:
    dq 0
    dq 0x00cf9b000000ffff       ; 08h: 32-bit code, base 0, 4 GiB
    dq 0x00af9b000000ffff       ; 10h: 64-bit code
    dq 0x00cf93000000ffff       ; 18h: data
    dw 0xffff                   ; 20h: 16-bit code, base: here, 64 KiB
code_16_base:
    dd 0x9b000000
    dw 0
    dq 0x000093000000ffff       ; 28h: 16-bit data, base 0, 64 KiB
gdt_end:
gdt_register:
    dw gdt_end - gdt - 1
    dq LOW(gdt)
    align 8
low_code_end:

%if low_code_end - low_code > CODE_MAX
  %error the code does not fit its place below 1 MiB
%endif
