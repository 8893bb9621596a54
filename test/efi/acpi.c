/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The boot manager for tests under OVMF in Bochs, which publishes no ACPI tables: it installs those
 * of Bochs' chipset (i440FX, PIIX4's power management), breaks a runtime service, then starts
 * \EFI\BOOT\keel.efi from its own volume.
 */
#include <efi.h>
#include <efilib.h>

#define ROOM		4096
#define LAPIC		0xfee00000
#define IOAPIC		0xfec00000
#define HPET		0xfed00000
#define PM_EVT		0xb000
#define PM_CNT		0xb004
#define PM_TMR		0xb008
#define SCI_IRQ		9
#define SCI_EN		1

EFI_STATUS efi_main(EFI_HANDLE handle, EFI_SYSTEM_TABLE *st);

/* Tables as bytes, at the offsets in chapter 5.2 of the ACPI specification. */
static UINT8 *area;
static UINTN used;

static VOID put(UINT8 *t, UINTN at, UINTN width, UINT64 val)
{
	CopyMem(t + at, &val, width);
}

static VOID set_checksum(UINT8 *p, UINTN at, UINTN len)
{
	UINT8 sum = 0;
	UINTN i;

	for (i = 0; i < len; i++)
		sum += p[i];
	p[at] = -sum;
}

static UINT8 *take(UINTN len)
{
	UINT8 *p = area + used;

	used += (len + 63) & ~63ul;
	return p;
}

/* Begins a table with its header; seal() is called once its body is written. */
static UINT8 *table(const char *sig, UINT8 revision, UINTN len)
{
	UINT8 *t = take(len);

	CopyMem(t, (VOID *)sig, 4);
	put(t, 4, 4, len);
	t[8] = revision;
	CopyMem(t + 10, "KEEL  BOCHSPC ", 14);
	CopyMem(t + 28, "TEST", 4);
	return t;
}

static UINT64 seal(UINT8 *t)
{
	set_checksum(t, 9, *(UINT32 *)(t + 4));
	return (UINTN)t;
}

/* Name (\_S5, Package () { 0, 0, 0, 0 }) */
static UINT64 make_dsdt(VOID)
{
	static const UINT8 aml[] = {
		0x08, '\\', '_', 'S', '5', '_', 0x12, 6, 4, 0, 0, 0, 0,
	};
	UINT8 *t = table("DSDT", 2, 36 + sizeof(aml));

	CopyMem(t + 36, (VOID *)aml, sizeof(aml));
	return seal(t);
}

static UINT64 make_facs(VOID)
{
	UINT8 *t = take(64);

	CopyMem(t, "FACS", 4);
	put(t, 4, 4, 64);
	t[32] = 2;
	return (UINTN)t;
}

static UINT64 make_fadt(VOID)
{
	UINT8 *t = table("FACP", 3, 244);

	put(t, 36, 4, make_facs());
	put(t, 40, 4, make_dsdt());
	put(t, 46, 2, SCI_IRQ);
	put(t, 56, 4, PM_EVT);
	put(t, 64, 4, PM_CNT);
	put(t, 76, 4, PM_TMR);
	t[88] = 4;
	t[89] = 2;
	t[91] = 4;
	t[108] = 0x32;	/* CMOS index of the century */
	put(t, 109, 2, 3);	/* legacy devices, a keyboard controller */
	put(t, 112, 4, 1 | 1 << 10);	/* WBINVD; the reset register */
	t[116] = 1;	/* in I/O space, 8 bits */
	t[117] = 8;
	put(t, 120, 8, 0xcf9);
	t[128] = 6;
	return seal(t);
}

static UINTN count_cpus(VOID)
{
	EFI_GUID guid = { 0x3fdda605, 0xa76e, 0x4f46, { 0xad, 0x29, 0x12, 0xf4, 0x53, 0x1b, 0x3d, 0x08 } };
	struct mp { EFI_STATUS (EFIAPI *count)(struct mp *mp, UINTN *all, UINTN *enabled); } *mp;
	UINTN all = 1, enabled;

	if (EFI_ERROR(LibLocateProtocol(&guid, (VOID **)&mp)) || EFI_ERROR(mp->count(mp, &all, &enabled)))
		Print(L"acpi.efi: the firmware does not count the CPUs: 1 taken\n");
	return all;
}

static UINT64 make_madt(VOID)
{
	UINTN cpus = count_cpus(), i, at = 44;
	UINT8 *t = table("APIC", 3, at + cpus * 8 + 12 + 2 * 10);

	put(t, 36, 4, LAPIC);
	put(t, 40, 4, 1);	/* there are 8259s as well */
	for (i = 0; i < cpus; i++, at += 8) {
		t[at + 1] = 8;
		t[at + 2] = t[at + 3] = i;
		t[at + 4] = 1;
	}
	t[at] = 1;	/* the IO-APIC */
	t[at + 1] = 12;
	t[at + 2] = cpus;
	put(t, at + 4, 4, IOAPIC);
	at += 12;
	t[at] = t[at + 10] = 2;	/* IRQ 0 at input 2; the SCI: level, active high */
	t[at + 1] = t[at + 11] = 10;
	t[at + 4] = 2;
	t[at + 13] = t[at + 14] = SCI_IRQ;
	t[at + 18] = 0xd;
	return seal(t);
}

static UINT64 make_hpet(VOID)
{
	UINT8 *t = table("HPET", 1, 56);

	put(t, 36, 4, 0x8086a201);
	put(t, 44, 8, HPET);
	return seal(t);
}

static UINT8 *make_rsdp(VOID)
{
	UINT8 *rsdp = take(36), *xsdt = table("XSDT", 1, 36 + 3 * 8);

	put(xsdt, 36, 8, make_fadt());
	put(xsdt, 44, 8, make_madt());
	put(xsdt, 52, 8, make_hpet());
	CopyMem(rsdp, "RSD PTR ", 8);
	CopyMem(rsdp + 9, "KEEL  ", 6);
	rsdp[15] = 2;
	put(rsdp, 20, 4, 36);
	put(rsdp, 24, 8, seal(xsdt));
	set_checksum(rsdp, 8, 20);
	set_checksum(rsdp, 32, 36);
	return rsdp;
}

/*
 * No SMM would set SCI_EN on request here: ACPI mode is on from the start, which SMI_CMD = 0 tells
 * the OS.
 */
static VOID enable_acpi(VOID)
{
	UINT16 val;

	asm volatile("inw %w1, %0" : "=a"(val) : "Nd"(PM_CNT));
	asm volatile("outw %0, %w1" : : "a"((UINT16)(val | SCI_EN)), "Nd"(PM_CNT));
}

/* GetWakeupTime loses its registers, goes to a stack of its own, and faults there. */
static EFI_STATUS break_service(VOID)
{
	static const UINT8 bad[] = {
		0x31, 0xdb, 0x31, 0xed, 0x4d, 0x31, 0xe4,	/* xor ebx, ebx; xor ebp, ebp; xor r12, r12 */
		0x48, 0x8d, 0x25, 0, 0x40, 0, 0, 0x0f, 0x0b,	/* lea 0x4000(%rip), %rsp; ud2 */
	};
	const UINTN size = 0x10000;
	VOID *code;
	EFI_STATUS status = BS->AllocatePool(EfiRuntimeServicesCode, size, &code);

	if (EFI_ERROR(status))
		return status;
	SetMem(code, size, 0);
	CopyMem(code, (VOID *)bad, sizeof(bad));
	RT->GetWakeupTime = (EFI_GET_WAKEUP_TIME)code;
	return EFI_SUCCESS;
}

EFI_STATUS efi_main(EFI_HANDLE handle, EFI_SYSTEM_TABLE *st)
{
	EFI_GUID acpi20 = ACPI_20_TABLE_GUID;
	EFI_PHYSICAL_ADDRESS pages = 0xffffffff;
	EFI_LOADED_IMAGE *image;
	EFI_DEVICE_PATH *path;
	EFI_HANDLE keel;
	EFI_STATUS status;

	InitializeLib(handle, st);
	status = BS->AllocatePages(AllocateMaxAddress, EfiACPIReclaimMemory, ROOM / EFI_PAGE_SIZE, &pages);
	if (EFI_ERROR(status))
		goto fail;
	area = (UINT8 *)(UINTN)pages;
	SetMem(area, ROOM, 0);
	status = BS->InstallConfigurationTable(&acpi20, make_rsdp());
	if (EFI_ERROR(status))
		goto fail;
	enable_acpi();
	status = break_service();
	if (EFI_ERROR(status))
		goto fail;
	status = BS->HandleProtocol(handle, &LoadedImageProtocol, (VOID **)&image);
	if (EFI_ERROR(status))
		goto fail;
	path = FileDevicePath(image->DeviceHandle, L"\\EFI\\BOOT\\keel.efi");
	status = BS->LoadImage(FALSE, handle, path, NULL, 0, &keel);
	if (!EFI_ERROR(status))
		status = BS->StartImage(keel, NULL, NULL);
fail:
	Print(L"acpi.efi: Keel was not started: %r\n", status);
	return status;
}
