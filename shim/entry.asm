; entry.asm: two doors in, one C function out.
;
; Doors (register contracts):
;   door_multiboot  32-bit protected mode, flat, paging off, EBX = multiboot information (Multiboot 0.6.96 §3.2)
;   door_pvh        32-bit protected mode, flat, paging off, EBX = hvm_start_info (xen docs/misc/pvh.pandoc)
;   door_any        e_entry: as door_multiboot (syslinux), or 64-bit with RSI = zero page (Firecracker before 1.12)
; The door is told by the label, never by EAX: qboot enters PVH kernels with the multiboot magic in it.
;
; Out: start_main(door, record) of the core (core.ld) at CORE_START, unpacked behind its plain part, in long mode, first
; 4 GiB mapped 1:1, interrupts off, own GDT and stack, BSS zeroed. Labels that begin with core_ are addresses in the
; core, which the Makefile takes from it.

DOOR_MULTIBOOT  equ 1           ; shim/include/boot_info.h
DOOR_PVH        equ 2

SEL_CODE32      equ 0x08
SEL_CODE64      equ 0x10
SEL_DATA        equ 0x18

CR0_PE_ET_NE    equ 0x31
CR0_PG          equ 1 << 31
CR4_PAE         equ 1 << 5
MSR_EFER        equ 0xc0000080
EFER_LME        equ 1 << 8
EFLAGS_ID       equ 1 << 21
CPUID_LM        equ 1 << 29     ; 8000_0001h EDX

PRESENT_WRITE   equ 3
LARGE_PAGE      equ 0x80

COM1            equ 0x3f8
VGA_TEXT        equ 0xb8000
WHITE_ON_RED    equ 0x4f

global door_any, door_multiboot, door_pvh
extern core_data_end, core_bss_start, core_bss_end, core_stack_top, core_page_tables, core_start_main
extern packed, packed_low, packed_low_end, plain_end, unpack

section .entry progbits alloc exec nowrite align=16
bits 32

; 31 C9 41 90 E3 rel8: in 32-bit mode ECX becomes 1 and the branch is not taken; in 64-bit mode 41 90 exchanges R8D with
; EAX, ECX stays 0 and the branch is taken. EAX and EBX (32-bit), RSI (64-bit) survive.
door_any:
    db 0x31, 0xc9, 0x41, 0x90, 0xe3
    db door_long - $ - 1

door_multiboot:
    mov ebp, DOOR_MULTIBOOT
    jmp entry_common

door_long:
    jmp door_long_body

door_pvh:
    mov ebp, DOOR_PVH

entry_common:
    cli
    cld
    lgdt [gdtr]                 ; the loader's may be absent (Xen) or lie in memory that is reused (GRUB)
    jmp dword SEL_CODE32:.flat
.flat:
    mov eax, SEL_DATA
    mov ds, eax
    mov es, eax
    mov fs, eax
    mov gs, eax
    mov ss, eax
    mov esp, core_stack_top
    mov eax, CR0_PE_ET_NE       ; GRUB on UEFI leaves WP and MP set
    mov cr0, eax
    xor eax, eax
    mov cr4, eax                ; …and DE, MCE, OSFXSR
    push eax
    popfd

check_long_mode:                ; AMD64 vol. 3 appendix D: CPUID exists if EFLAGS.ID can be changed
    pushfd
    pop eax
    mov ecx, eax
    xor eax, EFLAGS_ID
    push eax
    popfd
    pushfd
    pop eax
    push ecx
    popfd
    xor eax, ecx
    jz no_long_mode
    push ebx
    mov eax, 0x80000000
    cpuid
    cmp eax, 0x80000001
    jb no_long_mode
    mov eax, 0x80000001
    cpuid
    pop ebx
    test edx, CPUID_LM
    jz no_long_mode

map_4_gib:                      ; PML4, PDPT, four page directories of 2 MiB pages
    mov edi, core_page_tables
    mov ecx, 2 * 1024
    xor eax, eax
    rep stosd
    mov edi, core_page_tables
    lea eax, [edi + 0x1000 + PRESENT_WRITE]
    mov [edi], eax
    lea eax, [edi + 0x2000 + PRESENT_WRITE]
    mov ecx, 4
    lea edx, [edi + 0x1000]
.directory:
    mov [edx], eax
    add eax, 0x1000
    add edx, 8
    loop .directory
    mov eax, PRESENT_WRITE | LARGE_PAGE
    mov ecx, 4 * 512
    lea edx, [edi + 0x2000]
.page:
    mov [edx], eax
    mov dword [edx + 4], 0
    add eax, 0x200000
    add edx, 8
    loop .page

enter_long_mode:                ; Intel SDM vol. 3A §9.8.5
    mov eax, CR4_PAE
    mov cr4, eax
    mov cr3, edi
    mov ecx, MSR_EFER
    rdmsr
    or eax, EFER_LME
    wrmsr
    mov eax, cr0
    or eax, CR0_PG
    mov cr0, eax
    jmp dword SEL_CODE64:entry_64

; A sentence on serial (if somebody is there to take it) and in red on the text screen, then nothing more.
no_long_mode:
    mov esi, no_long_mode_text
    mov edi, VGA_TEXT
.character:
    lodsb
    test al, al
    jz .halt
    mov ah, WHITE_ON_RED
    mov [edi], ax
    add edi, 2
    mov ah, al
    mov ecx, 0x10000            ; an absent port never gets ready
.wait:
    mov dx, COM1 + 5
    in al, dx
    test al, 0x20
    loopz .wait
    mov dx, COM1
    mov al, ah
    out dx, al
    jmp .character
.halt:
    cli
    hlt
    jmp .halt

bits 64

entry_64:
    mov esp, esp                ; upper half is undefined after the switch
    std                         ; the packed core goes on behind the multiboot header: close the gap, last bytes first
    mov esi, packed_low_end - 8
    mov edi, packed - 8
    add edi, packed_low_end
    sub edi, packed_low
    mov ecx, packed_low_end
    sub ecx, packed_low
    shr ecx, 3
    rep movsq
    cld
    mov edi, plain_end
    mov esi, packed
    call unpack
    cmp rax, core_data_end
    mov esi, damaged_text
    jne say_and_halt
    mov edi, core_bss_start     ; linux-loader and v86 do not zero it
    mov ecx, core_bss_end
    sub ecx, edi
    shr ecx, 3
    xor eax, eax
    rep stosq
    mov edi, ebp
    mov esi, ebx
    mov eax, core_start_main
    jmp rax

; The Linux boot protocol's 64-bit door, which is not ours. Paging and stack are the loader's; say so and stop.
door_long_body:
    cli
    cld
    lea rsi, [rel linux_door_text]
say_and_halt:                   ; RSI: a text, for the serial port
    lodsb
    test al, al
    jz .halt
    mov ah, al
    mov ecx, 0x10000
.wait:
    mov dx, COM1 + 5
    in al, dx
    test al, 0x20
    loopz .wait
    mov dx, COM1
    mov al, ah
    out dx, al
    jmp say_and_halt
.halt:
    hlt
    jmp .halt

no_long_mode_text:
    db 13, 10, "shim: error: this processor has no 64-bit long mode, which the shim needs", 13, 10, 0
linux_door_text:
    db 13, 10, "shim: error: entered in 64-bit mode as a Linux kernel; expected the PVH entry (ELF note 18) "
    db "or multiboot (Firecracker: 1.12 or newer)", 13, 10, 0

damaged_text:
    db 13, 10, "shim: error: shim.elf is damaged: its packed core does not unpack to the size it had", 13, 10, 0

    align 8
gdt:
    dq 0
    dq 0x00cf9b000000ffff       ; 08h: 32-bit code, base 0, 4 GiB
    dq 0x00af9b000000ffff       ; 10h: 64-bit code
    dq 0x00cf93000000ffff       ; 18h: data
gdtr:
    dw $ - gdt - 1
    dd gdt
