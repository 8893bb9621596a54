/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Measured boot: what is loaded goes into the TPM by the firmware's TCG2 protocol. Layouts and
 * numbers: TCG EFI Protocol Specification, family 2.0, EFI_TCG2_PROTOCOL.
 */
#include "common/lib/string.h"
#include "xen/efi/loader.h"

#define EV_IPL		13	/* TCG PC Client Platform Firmware Profile, event types */
#define TEXT_LEN	(2 * BOOT_CMDLINE_LEN)

/* EFI_TCG2_BOOT_SERVICE_CAPABILITY: its first byte is its size, and this one TPMPresentFlag. */
#define CAP_SIZE	36
#define CAP_PRESENT	16

struct tcg2_event {
	UINT32 size, header_size;
	UINT16 header_version;
	UINT32 pcr, type;
	CHAR16 text[TEXT_LEN];
} __attribute__((packed));

struct tcg2 {
	EFI_STATUS (EFIAPI *get_capability)(struct tcg2 *tpm, UINT8 *cap);
	VOID *get_event_log;
	EFI_STATUS (EFIAPI *hash_log_extend)(struct tcg2 *tpm, UINT64 flags, UINT64 data, UINT64 size,
					     struct tcg2_event *e);
};

VOID loader_measure(UINT32 pcr, const char *text, const VOID *data, UINT64 size)
{
	static EFI_GUID guid = { 0x607f766c, 0x7455, 0x42be,
				 { 0x93, 0x0b, 0xe4, 0xd7, 0x6d, 0xb2, 0x72, 0x0f } };
	static struct tcg2_event e = { .header_version = 1, .type = EV_IPL };
	UINT8 cap[CAP_SIZE] __attribute__((aligned(8))) = { CAP_SIZE };
	struct tcg2 *tpm;
	EFI_STATUS status;
	UINTN i;

	if (EFI_ERROR(LibLocateProtocol(&guid, (VOID **)&tpm)) ||
	    EFI_ERROR(tpm->get_capability(tpm, cap)) || !cap[CAP_PRESENT])
		return;
	for (i = 0; i < TEXT_LEN - 1 && text[i]; i++)
		e.text[i] = (UINT8)text[i];
	e.text[i++] = 0;
	e.header_size = offsetof(struct tcg2_event, text) - sizeof(e.size);
	e.size = offsetof(struct tcg2_event, text) + i * sizeof(*e.text);
	e.pcr = pcr;
	if (!data) {
		data = (UINT8 *)&e + offsetof(struct tcg2_event, text);
		size = i * sizeof(*e.text);
	}
	status = tpm->hash_log_extend(tpm, 0, (UINTN)data, size, &e);
	if (EFI_ERROR(status))
		loader_error(status, L"warning: PCR %d does not have %a", pcr, text);
}

VOID loader_measure_named(UINT32 pcr, const char *name, const struct loader_blob *b)
{
	loader_measure(pcr, name, name, strlen(name) + 1);
	loader_measure(pcr, name, b->data, b->size);
}
