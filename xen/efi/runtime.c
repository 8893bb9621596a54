/* SPDX-License-Identifier: GPL-2.0-only */
/* Functions that Debian's libfdt.a needs besides the string functions. */
#include "xen/efi/loader.h"

VOID __stack_chk_fail(VOID) __attribute__((noreturn));

VOID __stack_chk_fail(VOID)
{
	__builtin_trap();
}
