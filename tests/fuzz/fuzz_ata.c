/* fuzz_ata.c: the first two bytes are error registers, bit 0 of the third tells IDENTIFY PACKET DEVICE from IDENTIFY
 * DEVICE, the rest is its data, filled up with zeros. */
#include "host.h"

#include "ata.h"

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
    u16 words[ATA_IDENTIFY_WORDS] = {0};
    u8 head[3] = {0};
    char out[64];
    struct ata_identity id;
    memcpy(head, data, size < 3 ? size : 3);
    if (size > 3)
        memcpy(words, data + 3, size - 3 < sizeof words ? size - 3 : sizeof words);
    error_clear();
    ata_error_words(head[0], head[1], out, 1 + head[2] % sizeof out);
    if (strlen(out) > head[2] % sizeof out)
        panic("%s", out);
    enum error error = ata_identify_read("ata", words, head[2] & 1, &id);
    if (error) {
        if (strncmp(error_text(), "ata: ", 5))
            panic("error %u: %s", error, error_text());
        return 0;
    }
    if (strlen(id.model) > 40 || id.packet != (head[2] & 1))
        panic("%s", id.model);
    if (id.packet ? id.packet_size != 12 && id.packet_size != 16
                  : !is_power_of_two(id.block_size) || id.block_size < 512 || id.block_size > BLOCK_SIZE_MAX ||
                        !id.block_count || id.block_count > 1ull << (id.lba48 ? 48 : 28))
        panic("%lu blocks of %u bytes, packets of %u", id.block_count, id.block_size, id.packet_size);
    return 0;
}
