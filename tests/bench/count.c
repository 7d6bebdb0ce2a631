/* count.c: a QEMU plugin that tells which code the guest's instructions went to, from a boot loader's first instruction
 * to the first of the benchmarks' kernel (tests/payload/probe.asm).
 *
 *     gcc -shared -fPIC -o count.so count.c
 *     qemu-system-x86_64 -icount shift=0,sleep=off -plugin count.so,from=0x7c00,out=PATH ...
 *
 * from: address of the first instruction that counts (0: all count). out: one line per translated block that ran,
 * `PC INSTRUCTIONS RUNS` (hex, decimal, decimal). The prototypes are those of QEMU's qemu-plugin.h, API version 1
 * (docs/devel/tcg-plugins.rst), which Debian does not ship.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXPORT __attribute__((visibility("default")))
#define BLOCKS_MAX 1048576u /* a power of two */
#define INLINE_ADD_U64 0
#define CALLBACK_NO_REGISTERS 0

typedef uint64_t plugin_id;
struct qemu_info;
struct qemu_plugin_tb;
struct qemu_plugin_insn;

size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
uint64_t qemu_plugin_tb_vaddr(const struct qemu_plugin_tb *tb);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *tb, size_t index);
const void *qemu_plugin_insn_data(const struct qemu_plugin_insn *insn);
size_t qemu_plugin_insn_size(const struct qemu_plugin_insn *insn);
void qemu_plugin_register_vcpu_tb_trans_cb(plugin_id id, void (*cb)(plugin_id id, struct qemu_plugin_tb *tb));
void qemu_plugin_register_vcpu_tb_exec_cb(struct qemu_plugin_tb *tb, void (*cb)(unsigned cpu, void *data), int flags,
                                          void *data);
void qemu_plugin_register_vcpu_tb_exec_inline(struct qemu_plugin_tb *tb, int op, void *ptr, uint64_t imm);
void qemu_plugin_register_atexit_cb(plugin_id id, void (*cb)(plugin_id id, void *data), void *data);

EXPORT int qemu_plugin_version = 1;

struct block {
    uint64_t pc, instructions, runs;
};

static struct block *blocks;
static FILE *out;
static uint64_t from;
static bool started, ended;

/* One slot per (pc, length): a block is translated again when it has to end early for I/O. */
static struct block *block_find(uint64_t pc, uint64_t instructions)
{
    uint64_t hash = (pc * 0x9e3779b97f4a7c15u + instructions) >> 20;
    for (uint32_t i = 0; i < BLOCKS_MAX; i++) {
        struct block *b = &blocks[(hash + i) & (BLOCKS_MAX - 1)];
        if (!b->instructions) {
            b->pc = pc;
            b->instructions = instructions;
        }
        if (b->pc == pc && b->instructions == instructions)
            return b;
    }
    return NULL;
}

static void write_counts(void)
{
    if (ended)
        return;
    ended = true;
    for (const struct block *b = blocks; b < blocks + BLOCKS_MAX; b++)
        if (b->runs)
            fprintf(out, "%" PRIx64 " %" PRIu64 " %" PRIu64 "\n", b->pc, b->instructions, b->runs);
    fclose(out);
}

static void at_first(unsigned cpu, void *data)
{
    (void)cpu;
    (void)data;
    if (started)
        return;
    started = true;
    for (uint32_t i = 0; i < BLOCKS_MAX; i++)
        blocks[i].runs = 0;
}

static void at_probe(unsigned cpu, void *data)
{
    (void)cpu;
    (void)data;
    write_counts();
}

/* Behind the RDTSC of probe.asm's doors, which with -icount is the end of a block: MOV EBP, EAX and MOV EDI, EDX as
 * 32-bit or 64-bit code; the same behind CLI as 16-bit code. */
static bool is_probe(const struct qemu_plugin_tb *tb)
{
    static const struct {
        uint8_t size, bytes[3];
    } flat[] = {{2, {0x89, 0xc5}}, {2, {0x89, 0xd7}}},
      real[] = {{1, {0xfa}}, {3, {0x66, 0x89, 0xc5}}, {3, {0x66, 0x89, 0xd7}}};
    size_t count = qemu_plugin_tb_n_insns(tb), flat_equal = 0, real_equal = 0;
    for (size_t i = 0; i < count && i < 3; i++) {
        const struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);
        size_t size = qemu_plugin_insn_size(insn);
        const uint8_t *bytes = qemu_plugin_insn_data(insn);
        flat_equal += i < 2 && size == flat[i].size && !memcmp(bytes, flat[i].bytes, size);
        real_equal += size == real[i].size && !memcmp(bytes, real[i].bytes, size);
    }
    return flat_equal == 2 || real_equal == 3;
}

static void translated(plugin_id id, struct qemu_plugin_tb *tb)
{
    uint64_t pc = qemu_plugin_tb_vaddr(tb);
    struct block *b = block_find(pc, qemu_plugin_tb_n_insns(tb));
    (void)id;
    if (pc == from)
        qemu_plugin_register_vcpu_tb_exec_cb(tb, at_first, CALLBACK_NO_REGISTERS, NULL);
    if (is_probe(tb))
        qemu_plugin_register_vcpu_tb_exec_cb(tb, at_probe, CALLBACK_NO_REGISTERS, NULL);
    if (b)
        qemu_plugin_register_vcpu_tb_exec_inline(tb, INLINE_ADD_U64, &b->runs, 1);
}

static void finish(plugin_id id, void *data)
{
    (void)id;
    (void)data;
    write_counts();
}

EXPORT int qemu_plugin_install(plugin_id id, const struct qemu_info *info, int argc, char **argv)
{
    (void)info;
    for (int i = 0; i < argc; i++) {
        if (!strncmp(argv[i], "out=", 4))
            out = fopen(argv[i] + 4, "w");
        if (!strncmp(argv[i], "from=", 5))
            from = strtoull(argv[i] + 5, NULL, 0);
    }
    blocks = calloc(BLOCKS_MAX, sizeof *blocks);
    if (!out || !blocks)
        return 1;
    qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
    qemu_plugin_register_atexit_cb(id, finish, NULL);
    return 0;
}
