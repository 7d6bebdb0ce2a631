/* elf.h: wire layouts of ELF32 and ELF64 (System V ABI, chapters 4 and 5). */
#ifndef SHIM_ELF_H
#define SHIM_ELF_H

#include "base.h"

#define ELF_MAGIC 0x464c457fu
#define ELF_CLASS_32 1
#define ELF_CLASS_64 2
#define ELF_LITTLE_ENDIAN 1
#define ELF_TYPE_EXEC 2
#define ELF_TYPE_DYN 3
#define ELF_MACHINE_386 3
#define ELF_MACHINE_X86_64 62
#define ELF_SEGMENT_LOAD 1
#define ELF_SEGMENT_NOTE 4

struct PACKED elf_ident {
    u32 magic;
    u8 class, data, version, osabi;
    u8 pad[8];
    u16 type, machine;
};

struct PACKED elf32_header {
    struct elf_ident ident;
    u32 version, entry, phoff, shoff, flags;
    u16 ehsize, phentsize, phnum, shentsize, shnum, shstrndx;
};
_Static_assert(sizeof(struct elf32_header) == 52, "Elf32_Ehdr");

struct PACKED elf64_header {
    struct elf_ident ident;
    u32 version;
    u64 entry, phoff, shoff;
    u32 flags;
    u16 ehsize, phentsize, phnum, shentsize, shnum, shstrndx;
};
_Static_assert(sizeof(struct elf64_header) == 64, "Elf64_Ehdr");

struct PACKED elf32_segment {
    u32 type, offset, vaddr, paddr, filesz, memsz, flags, align;
};
_Static_assert(sizeof(struct elf32_segment) == 32, "Elf32_Phdr");

struct PACKED elf64_segment {
    u32 type, flags;
    u64 offset, vaddr, paddr, filesz, memsz, align;
};
_Static_assert(sizeof(struct elf64_segment) == 56, "Elf64_Phdr");

struct PACKED elf_note {
    u32 namesz, descsz, type;
};

#endif
