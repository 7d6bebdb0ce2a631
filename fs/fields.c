/* fields.c: fields of what is on a disk (fields.h). Exercised by the tests of every filesystem. */
#include "fields.h"
#include "print.h"

enum error fields_check(const struct volume *v, const char *where, const struct field_rule *rules, u32 count)
{
    for (u32 i = 0; i < count; i++)
        if (!rules[i].kept)
            return fail(ERR_CORRUPT, "(%s): %s, byte %u: %lu %s", v->name, where, rules[i].byte, rules[i].found,
                        rules[i].expected);
    return OK;
}

void uuid_text(char out[40], const u8 *u)
{
    format_text(out, 40, "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", u[0], u[1], u[2], u[3],
                u[4], u[5], u[6], u[7], u[8], u[9], u[10], u[11], u[12], u[13], u[14], u[15]);
}
