/* tools.h: for tests that run the real tools; behind cmocka.h and host.h. */
#ifndef TOOLS_H
#define TOOLS_H

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "expect.h"

/* Run a command of the shell; the test fails when it does. */
__attribute__((format(printf, 1, 2), unused)) static void run(const char *format, ...)
{
    char command[2048];
    va_list args;
    va_start(args, format);
    vsnprintf(command, sizeof command, format, args);
    va_end(args);
    if (system(command))
        FAILED("failed: %s", command);
}

/* First line that a command prints. */
__attribute__((format(printf, 3, 4), unused)) static void line_of(char *line, u32 room, const char *format, ...)
{
    char command[512];
    va_list args;
    va_start(args, format);
    vsnprintf(command, sizeof command, format, args);
    va_end(args);
    FILE *p = popen(command, "r");
    assert_non_null(p);
    line[0] = 0;
    if (fgets(line, (int)room, p))
        line[strcspn(line, "\n")] = 0;
    pclose(p);
}

#endif
