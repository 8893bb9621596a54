/* SPDX-License-Identifier: GPL-2.0-only */
/* The firmware's runtime services, which Dom0 uses through platform_op. */
#ifndef COMMON_EFI_H
#define COMMON_EFI_H

#include "common/lib.h"

/* UEFI 2.10, appendix D; all others are the firmware's and Dom0's own affair. */
#define EFI_UNSUPPORTED		(BIT(63) | 3)
#define EFI_DEVICE_ERROR	(BIT(63) | 7)
#define EFI_OUT_OF_RESOURCES	(BIT(63) | 9)

/* By their places in the firmware's table. */
enum efi_service {
	EFI_GET_TIME, EFI_SET_TIME, EFI_GET_WAKEUP_TIME, EFI_SET_WAKEUP_TIME, EFI_GET_VARIABLE = 6,
	EFI_GET_NEXT_VARIABLE, EFI_SET_VARIABLE, EFI_QUERY_VARIABLES = 13, NR_EFI_SERVICES
};

/* UEFI 2.10, 4.2, 4.3 and 4.5. */
struct efi_header {
	u64 signature;
	u32 version, size, crc, reserved;
};

struct efi_system {
	struct efi_header h;
	u64 vendor[8], runtime, boot, nr_tables, tables;
};

struct efi_runtime {
	struct efi_header h;
	u64 services[NR_EFI_SERVICES];
};

/* The firmware's tables. NULL: there are none, or Dom0 must not use its services. */
extern const struct efi_system *efi_system;
extern const struct efi_runtime *efi_runtime;

/*
 * Arch: the status of a service that gets these arguments. For its time this CPU does nothing else.
 * EFI_DEVICE_ERROR, too, if it faults, and from then on, or if a service is under way already.
 */
u64 arch_efi_call(enum efi_service service, const void *const args[5]);

/* In arch, boot, on the first CPU while it is alone: looks for the tables. */
void efi_init(void);
/*
 * In arch, an exception outside Keel's code: was it in a service that this CPU runs? Then that
 * ends: rip and rsp are now those of its caller.
 */
bool efi_faulted(u64 vector, u64 *rip, u64 *rsp);

/*
 * The machine goes down for a reason that is worth knowing: puts the log's end into a variable,
 * where the next boot finds it. Once. Any context; all other CPUs are stopped.
 */
void efi_keep_log(void);

/* platform_op's two operations. */
struct xen_platform_op;
long efi_runtime_call(struct xen_platform_op *op);
long efi_firmware_info(struct xen_platform_op *op);

#endif
