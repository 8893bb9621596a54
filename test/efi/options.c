/* SPDX-License-Identifier: GPL-2.0-only */
/* The boot manager for the test of Secure Boot: starts \keel.efi of its volume with options. */
#include <efi.h>
#include <efilib.h>

EFI_STATUS efi_main(EFI_HANDLE handle, EFI_SYSTEM_TABLE *st);

EFI_STATUS efi_main(EFI_HANDLE handle, EFI_SYSTEM_TABLE *st)
{
	static CHAR16 options[] = L"loglvl=debug config=keel.dtb";
	EFI_LOADED_IMAGE *image, *keel_image;
	EFI_HANDLE keel;
	EFI_STATUS status;

	InitializeLib(handle, st);
	status = BS->HandleProtocol(handle, &LoadedImageProtocol, (VOID **)&image);
	if (!EFI_ERROR(status))
		status = BS->LoadImage(FALSE, handle, FileDevicePath(image->DeviceHandle, L"\\keel.efi"), NULL, 0,
				       &keel);
	if (!EFI_ERROR(status))
		status = BS->HandleProtocol(keel, &LoadedImageProtocol, (VOID **)&keel_image);
	if (!EFI_ERROR(status)) {
		keel_image->LoadOptions = options;
		keel_image->LoadOptionsSize = sizeof(options);
		status = BS->StartImage(keel, NULL, NULL);
	}
	Print(L"options.efi: Keel was not started: %r\n", status);
	return status;
}
