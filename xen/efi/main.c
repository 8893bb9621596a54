/* SPDX-License-Identifier: GPL-2.0-only */
/* The loader's entry: an ordered list of steps. */
#include "xen/efi/loader.h"

#include "common/version.h"

EFI_STATUS efi_main(EFI_HANDLE handle, EFI_SYSTEM_TABLE *st);

#define ERROR_SHOWN_SECONDS 3

/* What shim compares with its list of what is revoked: it starts nothing that has none. */
static const char sbat[] __attribute__((used, section(".sbat"), aligned(4096))) =
	"sbat,1,SBAT Version,sbat,1,https://github.com/rhboot/shim\n"
	"keel,1,Keel,keel," KEEL_RELEASE ",mailto:maintainers@users.noreply.b-seed-87a504df.example\n";

EFI_STATUS loader_error(EFI_STATUS status, const CHAR16 *fmt, ...)
{
	va_list args;

	Print(L"Keel: ");
	va_start(args, fmt);
	VPrint(fmt, args);
	va_end(args);
	if (status != EFI_SUCCESS)
		Print(L" (%r)", status);
	Print(L"\n");
	return status;
}

/*
 * After an error the firmware tries its next boot option, and may clear the screen: give the user
 * time to read.
 */
static VOID wait_for_reader(VOID)
{
	EFI_INPUT_KEY key;
	UINTN i;

	for (i = 0; i < ERROR_SHOWN_SECONDS * 10; i++) {
		if (ST->ConIn && ST->ConIn->ReadKeyStroke(ST->ConIn, &key) == EFI_SUCCESS)
			return;
		BS->Stall(100000);
	}
}

static EFI_STATUS make_boot_info(struct loader *l)
{
	l->bi = loader_alloc(sizeof(*l->bi), EFI_PAGE_SIZE, EfiLoaderData, FALSE);
	if (!l->bi)
		return loader_error(EFI_OUT_OF_RESOURCES, L"no memory below 4 GiB for boot_info");
	SetMem(l->bi, sizeof(*l->bi), 0);
	l->bi->magic = BOOT_INFO_MAGIC;
	l->bi->size = sizeof(*l->bi);
	l->bi->loader = BOOT_LOADER_UEFI;
	boot_copy_string(l->bi->loader_name, sizeof(l->bi->loader_name), "keel.efi");
	return EFI_SUCCESS;
}

EFI_STATUS efi_main(EFI_HANDLE handle, EFI_SYSTEM_TABLE *st)
{
	static struct loader loader;
	static EFI_STATUS (*const steps[])(struct loader *l) = {
		make_boot_info,
		loader_open_volume,
		loader_options,
		loader_modules,
		loader_load_core,
	};
	struct loader *l = &loader;
	EFI_STATUS status;
	UINTN i;

	InitializeLib(handle, st);
	BS->SetWatchdogTimer(0, 0, 0, NULL);
	l->handle = handle;
	for (i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		status = steps[i](l);
		if (EFI_ERROR(status))
			goto fail;
	}
	loader_platform(l);
	status = loader_exit_boot_services(l);
	if (EFI_ERROR(status))
		goto fail;
	loader_enter_core(l);

fail:
	Print(L"Keel: not started; back to the firmware.\n");
	wait_for_reader();
	return status;
}
