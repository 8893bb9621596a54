/* SPDX-License-Identifier: GPL-2.0-only */
/* console_io: Dom0's line, and debugging output of guests. */
#include "common/console.h"
#include "common/guest_access.h"
#include "common/hypercall.h"

#define CHUNK 256ul

/*
 * Dom0's bytes go out unchanged; when the line is behind, Dom0 waits by executing the
 * hypercall again, so nothing is lost. A guest's are collected to lines and limited.
 */
static long console_io_write(u64 count, u64 gva)
{
	struct domain *d = current->domain;
	char buf[CHUNK];
	bool progress = false, full;
	u64 n;

	for (; count; count -= n, gva += n, progress = true) {
		n = min(count, (u64)CHUNK);
		full = d->hardware && console_line_room() < n;
		/* What empties it is an interrupt; Bochs does not stop a guest for one while the guest has them off. */
		if (full)
			irq_window();
		if (full || (progress && hypercall_preempt_check()))
			return hypercall_continue(__HYPERVISOR_console_io, CONSOLEIO_write, count, gva, 0);
		if (copy_from_guest(buf, gva, n))
			return -EFAULT;
		if (d->hardware)
			console_line_write(buf, n);
		else
			console_guest_write(d, buf, n);
	}
	return 0;
}

static long console_io_read(u64 count, u64 gva)
{
	char buf[CHUNK];
	size_t n;

	if (!current->domain->hardware)
		return -EPERM;
	n = console_read_input(buf, min(count, (u64)CHUNK));
	if (n && copy_to_guest(gva, buf, n))
		return -EFAULT;
	return (long)n;
}

/* docs/abi.md, console_io. count is an int in the ABI. */
long do_console_io(unsigned long cmd, unsigned long count, unsigned long gva, unsigned long a4, unsigned long a5)
{
	if ((int)count < 0)
		return -EINVAL;
	switch (cmd) {
	case CONSOLEIO_write:
		return console_io_write((u32)count, gva);
	case CONSOLEIO_read:
		return console_io_read((u32)count, gva);
	default:
		return -ENOSYS;
	}
}
