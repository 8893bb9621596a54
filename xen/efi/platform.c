/* SPDX-License-Identifier: GPL-2.0-only */
/* Data that only the firmware can provide: its own table, ACPI's root, the framebuffer. */
#include "xen/efi/loader.h"

static VOID mask_to_field(UINT32 mask, UINT8 *pos, UINT8 *size)
{
	*pos = mask ? __builtin_ctz(mask) : 0;
	*size = mask ? 32 - __builtin_clz(mask) - *pos : 0;
}

static VOID find_framebuffer(struct boot_info *bi)
{
	static EFI_GUID guid = EFI_GRAPHICS_OUTPUT_PROTOCOL_GUID;
	EFI_PIXEL_BITMASK mask = { 0x000000ff, 0x0000ff00, 0x00ff0000, 0xff000000 };
	struct boot_framebuffer *fb = &bi->fb;
	EFI_GRAPHICS_OUTPUT_PROTOCOL *gop;
	EFI_GRAPHICS_OUTPUT_MODE_INFORMATION *info;

	if (EFI_ERROR(LibLocateProtocol(&guid, (VOID **)&gop)) || !gop->Mode || !gop->Mode->Info)
		return;
	info = gop->Mode->Info;
	switch (info->PixelFormat) {
	case PixelRedGreenBlueReserved8BitPerColor:
		break;
	case PixelBlueGreenRedReserved8BitPerColor:
		mask.RedMask = 0x00ff0000;
		mask.BlueMask = 0x000000ff;
		break;
	case PixelBitMask:
		mask = info->PixelInformation;
		break;
	default:
		return;	/* no linear framebuffer */
	}
	mask_to_field(mask.RedMask, &fb->red_pos, &fb->red_size);
	mask_to_field(mask.GreenMask, &fb->green_pos, &fb->green_size);
	mask_to_field(mask.BlueMask, &fb->blue_pos, &fb->blue_size);
	mask_to_field(mask.ReservedMask, &fb->rsvd_pos, &fb->rsvd_size);
	fb->bpp = (fb->red_size + fb->green_size + fb->blue_size + fb->rsvd_size + 7) & ~7u;
	fb->width = info->HorizontalResolution;
	fb->height = info->VerticalResolution;
	fb->stride = info->PixelsPerScanLine * (fb->bpp / 8);
	fb->base = gop->Mode->FrameBufferBase;
	fb->size = gop->Mode->FrameBufferSize;
	fb->present = fb->base != 0;
}

VOID loader_platform(struct loader *l)
{
	static EFI_GUID acpi20 = ACPI_20_TABLE_GUID, acpi10 = ACPI_TABLE_GUID;
	VOID **rsdp = (VOID **)&l->bi->rsdp;

	l->bi->efi_system = (UINTN)ST;
	if (EFI_ERROR(LibGetSystemConfigurationTable(&acpi20, rsdp)))
		LibGetSystemConfigurationTable(&acpi10, rsdp);
	find_framebuffer(l->bi);
}
