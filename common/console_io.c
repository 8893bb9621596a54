/* SPDX-License-Identifier: GPL-2.0-only */
/* console_io: Dom0's line, and debugging output of guests. */
#include "common/console.h"
#include "common/op.h"

#define CHUNK 256ul

/*
 * Dom0's bytes go out unchanged; if the line is behind, Dom0 executes the hypercall again, so
 * nothing is lost. A guest's bytes are collected into lines and rate-limited.
 */
static long console_io_write(struct domain *d, void *arg, u64 gva, unsigned long count)
{
	char buf[CHUNK];
	bool progress = false, full;
	u64 n;

	for (; count; count -= n, gva += n, progress = true) {
		n = min(count, CHUNK);
		full = d->hardware && console_line_room() < n;
		/*
		 * An interrupt empties the ring, but Bochs does not exit for one while the guest
		 * has interrupts off.
		 */
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

static long console_io_read(struct domain *d, void *arg, u64 gva, unsigned long count)
{
	char buf[CHUNK];
	size_t n;

	n = console_read_input(buf, min(count, CHUNK));
	if (n && copy_to_guest(gva, buf, n))
		return -EFAULT;
	return (long)n;
}

static const struct op ops[] = {
	OP(CONSOLEIO_write, console_io_write, HC_ANY),
	OP(CONSOLEIO_read, console_io_read, HC_HARDWARE),
};

/* count is an int in the ABI. */
long do_console_io(u64 cmd, u64 count, u64 gva, u64 a4, u64 a5)
{
	return (int)count < 0 ? -EINVAL : op_run(ops, ARRAY_SIZE(ops), cmd, gva, (u32)count);
}
