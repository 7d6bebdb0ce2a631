; probe.asm: the benchmarks' kernel. A bzImage (protocol 2.15) whose first instruction at each of its three doors, real
; mode, 32-bit and 64-bit, reads the time stamp counter: under QEMU's `-icount shift=0` the instructions run since
; power-on.
;
; Then it checks its own bytes and the initrd's by two sums, prints one line `probe: tsc=N kernel ok initrd BYTES ok` on
; COM1 and ends QEMU by isa-debug-exit (status 33; 35 when something is damaged). seal.py pads the file and fills in the
; sums.

SETUP_SECTS     equ 3
SETUP_SIZE      equ (SETUP_SECTS + 1) * 512
COM1            equ 0x3f8
DEBUG_EXIT      equ 0xf4        ; isa-debug-exit: status is value * 2 + 1
EXIT_PASS       equ 0x10
EXIT_FAIL       equ 0x11
TRAILER_SIZE    equ 40          ; make_initrd.py: magic, size, two sums, CRC-32, 0

; zero page
SCRATCH         equ 0x1e4
CODE32_START    equ 0x214
RAMDISK_IMAGE   equ 0x218
RAMDISK_SIZE    equ 0x21c

; page tables, behind the image: PML4, PDPT, four directories of 2 MiB pages; then the stack
TABLES_SIZE     equ 6 * 4096
STACK_SIZE      equ 4096

CR0_PE          equ 1
CR0_PG          equ 1 << 31
CR4_PAE         equ 1 << 5
MSR_EFER        equ 0xc0000080
EFER_LME        equ 1 << 8

org 0
bits 16
setup:
    times 0x1f1 db 0
    db SETUP_SECTS
    dw 0
    dd 0                        ; 1f4: syssize, by seal.py
    dw 0, 0xffff, 0, 0xaa55
    jmp short real_start        ; 200
    db "HdrS"
    dw 0x20f
    dd 0
    dw 0, version - 0x200
    db 0, 1                     ; loadflags: LOADED_HIGH
    dw 0
    dd 0x100000                 ; code32_start
    dd 0, 0, 0
    dw 0
    db 0, 0
    dd 0
    dd 0x7fffffff               ; 22c: initrd_addr_max
    dd 0x200000                 ; kernel_alignment
    db 1, 21                    ; relocatable_kernel, min_alignment
    dw 1                        ; XLF_KERNEL_64
    dd 2047                     ; cmdline_size
    dd 0
    dq 0
    dd 0, 0
    dq 0
    dq 0x1000000                ; 258: pref_address
    dd 0                        ; 260: init_size, by seal.py
    dd 0
    dd kernel_info - kernel
%if $ - setup != 0x26c
%error header
%endif

real_start:                     ; CS is 20h above DS
    rdtsc
    cli
    mov ebp, eax
    mov edi, edx
    xor esi, esi
    mov si, ds
    shl esi, 4
    in al, 0x92                 ; A20
    or al, 2
    and al, 0xfe
    out 0x92, al
    lea eax, [esi + gdt]
    mov [gdt_register + 2], eax
    lgdt [gdt_register]
    lea eax, [esi + protected]
    mov [far_protected], eax
    mov ebx, [CODE32_START]
    add ebx, door_late - kernel
    mov eax, cr0
    or al, CR0_PE
    mov cr0, eax
    jmp dword far [far_protected]

bits 32
protected:
    mov eax, 0x18
    mov ds, eax
    mov es, eax
    mov ss, eax
    jmp ebx

    align 8
gdt:
    dq 0, 0
    dq 0x00cf9b000000ffff       ; 10h: code
    dq 0x00cf93000000ffff       ; 18h: data
gdt_register:
    dw gdt_register - gdt - 1
    dd 0
far_protected:
    dd 0
    dw 0x10
version:
    db "probe", 0
    times SETUP_SIZE - ($ - setup) db 0

; ---- protected-mode part -------------------------------------------------------------------------------------------

kernel:
    rdtsc
    mov ebp, eax
    mov edi, edx
    jmp short door_late
    align 16, db 0x90
expected:                       ; kernel + 10h, by seal.py
.size:
    dq 0
.a:
    dq 0
.b:
    dq 0
    times 48 - ($ - kernel) db 0x90
door_late:                      ; EDI:EBP = time, ESI = zero page
    jmp near enter_32
    times 64 - ($ - kernel) db 0
summed:

    times 0x200 - ($ - kernel) db 0
bits 64
door_64:
    rdtsc
    mov ebp, eax
    mov edi, edx
    jmp near check_all

bits 32
; Long mode by tables of our own, 4 GiB mapped 1:1. EBX = kernel
enter_32:
    cli
    cld
    lea esp, [esi + SCRATCH + 4]
    call .here
.here:
    pop ebx
    sub ebx, .here - kernel
    mov edx, [ebx + expected.size - kernel]
    lea edx, [ebx + edx + 4095]
    and edx, -4096
    lea esp, [edx + TABLES_SIZE + STACK_SIZE]
    push edi
    mov edi, edx
    xor eax, eax
    mov ecx, TABLES_SIZE / 4
    rep stosd
    pop edi
    call fill_tables
    lea eax, [ebx + gdt64 - kernel]
    push eax                    ; on the stack, because the image is summed later
    push word gdt64_end - gdt64 - 1
    lgdt [esp]
    add esp, 6
    mov eax, CR4_PAE
    mov cr4, eax
    mov cr3, edx
    mov ecx, MSR_EFER
    push edx
    rdmsr
    or eax, EFER_LME
    wrmsr
    pop edx
    mov eax, cr0
    or eax, CR0_PG
    mov cr0, eax
    lea eax, [ebx + check_all - kernel]
    push dword 8
    push eax
    retf

; EDX = tables, which are 0
fill_tables:
    lea eax, [edx + 0x1003]
    mov [edx], eax
    lea eax, [edx + 0x2003]
    mov [edx + 0x1000], eax
    add eax, 0x1000
    mov [edx + 0x1008], eax
    add eax, 0x1000
    mov [edx + 0x1010], eax
    add eax, 0x1000
    mov [edx + 0x1018], eax
    xor ecx, ecx
.page:
    mov eax, ecx
    shl eax, 21
    or eax, 0x83
    mov [edx + 0x2000 + ecx * 8], eax
    inc ecx
    cmp ecx, 2048
    jb .page
    ret

bits 64
default rel
; EDI:EBP = time, RSI = zero page; by the 64-bit door still on the loader's tables, which map the kernel's memory but
; not the initrd: so, tables of our own here too.
check_all:
    cli
    cld
    mov r15d, edi
    shl r15, 32
    mov eax, ebp
    or r15, rax
    mov r14d, esi
    lea rbx, [kernel]
    mov rax, [expected.size]
    lea rdi, [rbx + rax + 4095 + TABLES_SIZE]   ; not over those of enter_32, on which it may run
    and rdi, -4096
    mov rdx, rdi
    lea rsp, [rdx + TABLES_SIZE + STACK_SIZE]
    xor eax, eax
    mov ecx, TABLES_SIZE / 8
    rep stosq
    call fill_tables_64
    mov cr3, rdx

    lea rsi, [tsc_text]
    call put_text
    mov rax, r15
    call put_decimal

    lea rsi, [kernel_text]
    call put_text
    lea rsi, [summed]
    mov rcx, [expected.size]
    sub rcx, summed - kernel
    call sums
    xor r13d, r13d              ; number of things damaged
    cmp rax, [expected.a]
    jne .kernel_bad
    cmp rdx, [expected.b]
.kernel_bad:
    call judge

    lea rsi, [initrd_text]
    call put_text
    mov esi, [r14 + RAMDISK_IMAGE]
    mov r12d, [r14 + RAMDISK_SIZE]
    mov rax, r12
    call put_decimal
    test r12, r12
    jz .initrd_none
    lea rbp, [rsi + r12 - TRAILER_SIZE]
    mov rcx, [rbp + 8]
    lea rax, [rcx + TRAILER_SIZE]
    cmp rax, r12
    jne .initrd_judge
    call sums
    cmp rax, [rbp + 16]
    jne .initrd_judge
    cmp rdx, [rbp + 24]
    jmp .initrd_judge
.initrd_none:
    cmp eax, eax
.initrd_judge:
    call judge
    lea rsi, [end_text]
    call put_text
    mov dx, DEBUG_EXIT
    mov eax, EXIT_PASS
    test r13d, r13d
    jz .exit
    mov eax, EXIT_FAIL
.exit:
    out dx, al
.halt:
    hlt
    jmp .halt

; " ok" when ZF, else " BAD" and R13 counts
judge:
    lea rsi, [ok_text]
    je put_text
    inc r13d
    lea rsi, [bad_text]
    ; falls through

; RSI = text
put_text:
    lodsb
    test al, al
    jz .end
    call put
    jmp put_text
.end:
    ret

put:
    push rdx
    mov ah, al
    mov dx, COM1 + 5
    mov ecx, 0x10000
.wait:
    in al, dx
    test al, 0x20
    loopz .wait
    mov dx, COM1
    mov al, ah
    out dx, al
    pop rdx
    ret

; RAX
put_decimal:
    mov r8d, 10
    push 0
.digit:
    xor edx, edx
    div r8
    add edx, '0'
    push rdx
    test rax, rax
    jnz .digit
.out:
    pop rax
    test eax, eax
    jz .end
    call put
    jmp .out
.end:
    ret

; RSI, RCX = bytes: RAX, RDX = sums of its 64-bit words, the last filled up with zeros
sums:
    xor eax, eax
    xor edx, edx
    mov r8, rcx
    and r8d, 7
    mov r9, rcx
    shr rcx, 3
    and r9d, 0x18               ; words that do not make four
    shr r9d, 3
    jz .fours
.single:
    add rax, [rsi]
    add rdx, rax
    add rsi, 8
    dec r9d
    jnz .single
.fours:
    shr rcx, 2
    jz .rest
.four:
    add rax, [rsi]
    add rdx, rax
    add rax, [rsi + 8]
    add rdx, rax
    add rax, [rsi + 16]
    add rdx, rax
    add rax, [rsi + 24]
    add rdx, rax
    add rsi, 32
    dec rcx
    jnz .four
.rest:
    xor r9d, r9d
    test r8d, r8d
    jz .end
.byte:
    dec r8d
    shl r9, 8
    movzx r10d, byte [rsi + r8]
    or r9, r10
    test r8d, r8d
    jnz .byte
    add rax, r9
    add rdx, rax
.end:
    ret

; RDX = tables, which are 0
fill_tables_64:
    lea rax, [rdx + 0x1003]
    mov [rdx], rax
    xor ecx, ecx
.directory:
    add rax, 0x1000
    mov [rdx + 0x1000 + rcx * 8], rax
    inc ecx
    cmp ecx, 4
    jb .directory
    xor ecx, ecx
.page:
    mov eax, ecx
    shl rax, 21
    or rax, 0x83
    mov [rdx + 0x2000 + rcx * 8], rax
    inc ecx
    cmp ecx, 2048
    jb .page
    ret

    align 8, db 0
gdt64:
    dq 0
    dq 0x00af9b000000ffff       ; 08h: 64-bit code
gdt64_end:

; Protocol 2.15
kernel_info:
    db "LToP"
    dd 16, 16, 0x80000000

tsc_text:
    db 13, 10, "probe: tsc=", 0
kernel_text:
    db " kernel", 0
initrd_text:
    db " initrd ", 0
ok_text:
    db " ok", 0
bad_text:
    db " BAD", 0
end_text:
    db 13, 10, 0
    align 16, db 0
