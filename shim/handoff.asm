; handoff.asm: the one jump out of long mode (contracts in shim/include/handoff.h).
;
; Runs in the core's copy, below 4 GiB and mapped 1:1, so that paging can be switched off under it. After the switch
; 32-bit code may not use relocated addresses: EBP holds the address of handoff_base, everything else is relative.

MSR_EFER    equ 0xc0000080
CR0_PE_ET   equ 0x11
CR0_ET      equ 0x10
SEL_CODE    equ 0x10
SEL_DATA    equ 0x18
SEL_TSS     equ 0x20
SEL_CODE16  equ 0x28
SEL_DATA16  equ 0x30
REAL_STUB   equ 0x7c00

global handoff_32, handoff_64, handoff_real

section .text
bits 64

; void handoff_64(u64 entry, u64 record)
handoff_64:
    cli
    cld
    lea rax, [rel gdt64]
    mov [rel gdt64_register + 2], rax
    lgdt [rel gdt64_register]
    mov eax, SEL_DATA
    mov ds, eax
    mov es, eax
    mov fs, eax
    mov gs, eax
    mov ss, eax
    push SEL_CODE
    push rdi
    xor eax, eax
    xor ebx, ebx
    xor ecx, ecx
    xor edx, edx
    xor edi, edi
    xor ebp, ebp
    xor r8d, r8d
    xor r9d, r9d
    xor r10d, r10d
    xor r11d, r11d
    xor r12d, r12d
    xor r13d, r13d
    xor r14d, r14d
    xor r15d, r15d
    o64 retf

; void handoff_32(u32 entry, u32 ebx, u32 esi)
handoff_32:
    mov r8d, edi
    mov ebx, esi
    mov esi, edx
    jmp leave_long_mode

; void handoff_real(u32 segment, u32 stack)
handoff_real:
    mov ebx, edi
    mov edx, esi
    lea rsi, [rel real_stub]
    mov edi, REAL_STUB
    mov ecx, real_stub_end - real_stub
    cld
    rep movsb
    xor r8d, r8d

; R8D: the 32-bit entry, or 0 for real mode. EBX, ESI, EDX pass through.
leave_long_mode:
    cli
    cld
    lea rbp, [rel handoff_base]
    lea rax, [rel gdt32]
    mov [rel gdt32_register + 2], rax
    lgdt [rel gdt32_register]
    mov edi, r8d
    lea rax, [rel compatibility]
    push SEL_CODE
    push rax
    o64 retf

bits 32
compatibility:                  ; Intel SDM vol. 3A §9.8.5.4
    mov eax, SEL_DATA
    mov ds, eax
    mov es, eax
    mov fs, eax
    mov gs, eax
    mov ss, eax
    mov eax, 1                  ; paging off first, then EFER and PAE
    mov cr0, eax
    push edx
    mov ecx, MSR_EFER
    xor eax, eax
    xor edx, edx
    wrmsr
    pop edx
    mov cr4, eax
    mov cr3, eax
    mov al, CR0_PE_ET
    mov cr0, eax
    mov eax, SEL_TSS
    ltr ax
    xor ecx, ecx
    test edi, edi
    jz leave_to_real

    push edi
    xor eax, eax
    xor edx, edx
    xor edi, edi
    xor ebp, ebp
    ret

leave_to_real:                  ; EBX = segment, EDX = stack
    lidt [ebp + real_idt - handoff_base]
    mov eax, SEL_DATA16
    mov ds, eax
    mov es, eax
    mov fs, eax
    mov gs, eax
    mov ss, eax
    jmp SEL_CODE16:REAL_STUB

bits 16
real_stub:                      ; runs at 7C00 with 16-bit segments
    mov eax, CR0_ET
    mov cr0, eax
    jmp 0:REAL_STUB + (.real - real_stub)
.real:
    mov ds, bx
    mov es, bx
    mov fs, bx
    mov gs, bx
    mov ss, bx
    mov esp, edx
    add bx, 0x20
    push bx
    push word 0
    xor eax, eax
    xor ebx, ebx
    xor ecx, ecx
    xor edx, edx
    xor esi, esi
    xor edi, edi
    xor ebp, ebp
    retf
real_stub_end:

section .data
    align 8
handoff_base:
gdt32:
    dq 0, 0
    dq 0x00cf9b000000ffff       ; 10h: 32-bit code, base 0, 4 GiB
    dq 0x00cf93000000ffff       ; 18h: data
    dq 0x0000890000000067       ; 20h: available 32-bit TSS, base 0, limit 67h; ltr makes it busy
    dq 0x00009b000000ffff       ; 28h: 16-bit code, base 0, 64 KiB
    dq 0x000093000000ffff       ; 30h: 16-bit data
gdt32_end:
gdt64:
    dq 0, 0
    dq 0x00af9b000000ffff       ; 10h: 64-bit code
    dq 0x00cf93000000ffff       ; 18h: data
gdt64_end:
gdt32_register:
    dw gdt32_end - gdt32 - 1
    dq 0
gdt64_register:
    dw gdt64_end - gdt64 - 1
    dq 0
real_idt:
    dw 0x3ff
    dd 0
