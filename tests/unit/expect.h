/* expect.h: failures that say what was found; behind cmocka.h and host.h. */
#ifndef EXPECT_H
#define EXPECT_H

#include <string.h>

/* cmocka's fail_msg() needs its fail(), which host.h gives up for ours. */
#define FAILED(...) (print_error(__VA_ARGS__), print_error("\n"), _fail(__FILE__, __LINE__))

/* The sentence, or a part of one, was printed since host_reset(). */
#define expect_log(sentence)                                                                                           \
    do {                                                                                                               \
        if (!strstr(host_log(), sentence))                                                                             \
            FAILED("\"%s\" is not in:\n%s", sentence, host_log());                                                     \
    } while (0)

/* The sentence, or a part of one, is in the trail of the last error. */
#define expect_error(sentence)                                                                                         \
    do {                                                                                                               \
        if (!strstr(error_text(), sentence))                                                                           \
            FAILED("\"%s\" is not in: %s", sentence, error_text());                                                    \
    } while (0)

#endif
