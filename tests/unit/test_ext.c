/* test_ext.c: fs/ext*.c on volumes by mke2fs and debugfs, compared byte for byte with their source, then with each field
 * broken in turn. */
#define _GNU_SOURCE
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host.h"

#define dirent shim_dirent /* volume.h's struct dirent would meet libc's */
