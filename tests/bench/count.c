/* count.c: a QEMU plugin that tells which code the guest's instructions went to.
 *
 * At exit it writes one line per translated block that ran at least MIN times, `PC INSTRUCTIONS RUNS` (hex, decimal,
 * decimal), to the file given as out=PATH. bench.py tells by it how many instructions were polls for the host's disk.
 * The prototypes are those of QEMU's qemu-plugin.h, API version 1 (docs/devel/tcg-plugins.rst), which Debian does not ship.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXPORT __attribute__((visibility("default")))
#define BLOCKS_MAX 1048576u /* a power of two */
#define RUNS_MIN 1u
#define INLINE_ADD_U64 0

typedef uint64_t plugin_id;
struct qemu_plugin_tb;

size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
uint64_t qemu_plugin_tb_vaddr(const struct qemu_plugin_tb *tb);
void qemu_plugin_register_vcpu_tb_trans_cb(plugin_id id, void (*cb)(plugin_id id, struct qemu_plugin_tb *tb));
void qemu_plugin_register_vcpu_tb_exec_inline(struct qemu_plugin_tb *tb, int op, void *ptr, uint64_t imm);
void qemu_plugin_register_atexit_cb(plugin_id id, void (*cb)(plugin_id id, void *data), void *data);

EXPORT int qemu_plugin_version = 1;

struct block {
    uint64_t pc, instructions, runs;
};

static struct block *blocks;
static FILE *out;

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

static void translated(plugin_id id, struct qemu_plugin_tb *tb)
{
    struct block *b = block_find(qemu_plugin_tb_vaddr(tb), qemu_plugin_tb_n_insns(tb));
    (void)id;
    if (b)
        qemu_plugin_register_vcpu_tb_exec_inline(tb, INLINE_ADD_U64, &b->runs, 1);
}

static void finish(plugin_id id, void *data)
{
    (void)id;
    (void)data;
    for (uint32_t i = 0; i < BLOCKS_MAX; i++)
        if (blocks[i].runs >= RUNS_MIN)
            fprintf(out, "%llx %llu %llu\n", (unsigned long long)blocks[i].pc, (unsigned long long)blocks[i].instructions,
                    (unsigned long long)blocks[i].runs);
    fclose(out);
}

struct qemu_info;

EXPORT int qemu_plugin_install(plugin_id id, const struct qemu_info *info, int argc, char **argv)
{
    (void)info;
    for (int i = 0; i < argc; i++)
        if (!strncmp(argv[i], "out=", 4))
            out = fopen(argv[i] + 4, "w");
    blocks = calloc(BLOCKS_MAX, sizeof *blocks);
    if (!out || !blocks)
        return 1;
    qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
    qemu_plugin_register_atexit_cb(id, finish, NULL);
    return 0;
}
