/* int13.h: the memory below 1 MiB that INT 13h takes. */
#ifndef DRIVERS_INT13_H
#define DRIVERS_INT13_H

#include "bios_call.h"

/* What lies in it but code and stack (bios_call.h). */
#define INT13_PACKET 0x400u
#define INT13_PARAMETERS 0x440u
#define INT13_BOUNCE BIOS_STACK_END

/* As if the BIOS had never been asked. For tests. */
void int13_forget(void);

#endif
