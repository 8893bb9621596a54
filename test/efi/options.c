/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The boot manager for tests of what comes from outside of keel.efi: starts \keel.efi of its volume
 * with options. Where there is a TPM, it does so once while nothing can be measured, and again; and
 * it prints the firmware's log, and PCRs 11 and 12.
 */
#include <efi.h>
#include <efilib.h>

EFI_STATUS efi_main(EFI_HANDLE handle, EFI_SYSTEM_TABLE *st);

/* TCG EFI Protocol Specification, EFI_TCG2_PROTOCOL. */
typedef EFI_STATUS (EFIAPI *measure_fn)(VOID *tpm, UINT64 flags, UINT64 data, UINT64 size,
					VOID *event);
struct tcg2 {
	VOID *get_capability;
	EFI_STATUS (EFIAPI *get_event_log)(struct tcg2 *tpm, UINT32 format, UINT64 *start, UINT64 *last,
					   BOOLEAN *cut);
	measure_fn measure;
	EFI_STATUS (EFIAPI *submit)(struct tcg2 *tpm, UINT32 size, const UINT8 *command, UINT32 room,
				    UINT8 *answer);
};

#define FORMAT_TCG_2	2
#define EVENT_MOST	1024	/* as much of the log's last event as is printed */

static EFI_STATUS EFIAPI fail(VOID *tpm, UINT64 flags, UINT64 data, UINT64 size, VOID *event)
{
	return EFI_DEVICE_ERROR;
}

/* With failing: a TPM that measures nothing once the firmware has measured keel.efi. */
static EFI_STATUS start_keel(EFI_HANDLE handle, struct tcg2 *failing)
{
	static CHAR16 options[] = L"loglvl=debug config=keel.dtb";
	EFI_LOADED_IMAGE *image, *keel_image;
	EFI_HANDLE keel;
	measure_fn measure;
	EFI_STATUS status;

	status = BS->HandleProtocol(handle, &LoadedImageProtocol, (VOID **)&image);
	if (!EFI_ERROR(status))
		status = BS->LoadImage(FALSE, handle, FileDevicePath(image->DeviceHandle, L"\\keel.efi"),
				       NULL, 0, &keel);
	if (!EFI_ERROR(status))
		status = BS->HandleProtocol(keel, &LoadedImageProtocol, (VOID **)&keel_image);
	if (!EFI_ERROR(status)) {
		keel_image->LoadOptions = options;
		keel_image->LoadOptionsSize = sizeof(options);
		if (failing) {
			measure = failing->measure;
			failing->measure = fail;
		}
		status = BS->StartImage(keel, NULL, NULL);
		if (failing)
			failing->measure = measure;
	}
	Print(L"options.efi: Keel was not started: %r\n", status);
	return status;
}

static VOID print_bytes(const CHAR16 *name, const UINT8 *from, const UINT8 *to)
{
	while (from < to) {
		Print(L"%s ", name);
		do
			Print(L"%02x", *from++);
		while (from < to && ((UINTN)from & 31));
		Print(L"\n");
	}
}

static VOID print_pcrs(struct tcg2 *tpm)
{
	/* TPM 2.0 Library, part 3, 22.4: PCR_Read of SHA-256, PCRs 11 and 12. */
	static const UINT8 command[] = { 0x80, 0x01, 0, 0, 0, 20, 0, 0, 0x01, 0x7e,
					 0, 0, 0, 1, 0, 0x0b, 3, 0, 0x18, 0 };
	static UINT8 answer[1024];
	UINT64 start, last;
	BOOLEAN cut;

	if (EFI_ERROR(tpm->get_event_log(tpm, FORMAT_TCG_2, &start, &last, &cut)) || cut ||
	    EFI_ERROR(tpm->submit(tpm, sizeof(command), command, sizeof(answer), answer)))
		return;
	print_bytes(L"log", (UINT8 *)start, (UINT8 *)last + EVENT_MOST);
	Print(L"last %lx\n", last - start);
	print_bytes(L"pcrs", answer, answer + answer[5] + answer[4] * 256);
}

EFI_STATUS efi_main(EFI_HANDLE handle, EFI_SYSTEM_TABLE *st)
{
	static EFI_GUID guid = { 0x607f766c, 0x7455, 0x42be,
				 { 0x93, 0x0b, 0xe4, 0xd7, 0x6d, 0xb2, 0x72, 0x0f } };
	struct tcg2 *tpm;
	EFI_STATUS status;

	InitializeLib(handle, st);
	if (EFI_ERROR(LibLocateProtocol(&guid, (VOID **)&tpm)))
		return start_keel(handle, NULL);
	start_keel(handle, tpm);
	status = start_keel(handle, NULL);
	print_pcrs(tpm);
	return status;
}
