/* late.h: the parts that most boots never run: the menu, the prompt, and the parsers of what distributions write. They
 * stay packed inside the core until somebody needs them: the Makefile's LATE lists them. */
#ifndef SHIM_LATE_H
#define SHIM_LATE_H

/* Unpack them, once; before the first call of anything in them. */
void late_load(void);

#endif
