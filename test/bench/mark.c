/* SPDX-License-Identifier: GPL-2.0-only */
/* mark PROGRAM WORD...: sets the mark from which wholecount.c counts, and becomes PROGRAM. */
#include <stdio.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	if (argc < 2)
		return 2;
	/* nopl 0x6c65654b(%rax,%rax,1) */
	__asm__ volatile(".byte 0x0f, 0x1f, 0x84, 0x00, 'K', 'e', 'e', 'l'");
	execv(argv[1], argv + 1);
	perror(argv[1]);
	return 1;
}
