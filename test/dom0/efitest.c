/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * EFI's time, which Debian's kernel never asks for: efitest [fault]. It is today's; with fault,
 * after GetWakeupTime, which faults (test/efi/acpi.c), no service is used.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>

#include <xen/platform.h>
#include <xen/sys/privcmd.h>

#define DEVICE_ERROR (1ul << 63 | 7)

static struct xen_platform_op op;
static int fd;

static uint64_t service(uint32_t function)
{
	struct privcmd_hypercall call = { .op = __HYPERVISOR_platform_op, .arg = { (uintptr_t)&op } };

	memset(&op, 0, sizeof(op));
	op.cmd = XENPF_efi_runtime_call;
	op.interface_version = XENPF_INTERFACE_VERSION;
	op.u.efi_runtime_call.function = function;
	if (ioctl(fd, IOCTL_PRIVCMD_HYPERCALL, &call)) {
		printf("efitest: service %u: %s\n", function, strerror(errno));
		exit(1);
	}
	return op.u.efi_runtime_call.status;
}

int main(int argc, char **argv)
{
	const struct xenpf_efi_time *t = &op.u.efi_runtime_call.u.get_time.time;
	time_t now = time(NULL);
	struct tm tm = { 0 };
	uint64_t status;

	fd = open("/dev/xen/privcmd", O_RDWR | O_CLOEXEC);
	if (fd < 0 || mlockall(MCL_CURRENT)) {
		perror("efitest: /dev/xen/privcmd");
		return 1;
	}
	if (argc > 1 && !strcmp(argv[1], "fault")) {
		status = service(XEN_EFI_get_wakeup_time);
		printf("efitest: GetWakeupTime: %#lx\n", status);
		return status != DEVICE_ERROR || service(XEN_EFI_get_time) != DEVICE_ERROR;
	}
	status = service(XEN_EFI_get_time);
	tm.tm_year = t->year - 1900;
	tm.tm_mon = t->month - 1;
	tm.tm_mday = t->day;
	tm.tm_hour = t->hour;
	tm.tm_min = t->min;
	tm.tm_sec = t->sec;
	printf("efitest: GetTime: %#lx, %s", status, asctime(&tm));
	return status || labs(timegm(&tm) - now) > 60;
}
