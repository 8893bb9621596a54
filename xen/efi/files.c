/* SPDX-License-Identifier: GPL-2.0-only */
/* Files of the volume that keel.efi was started from, and sections of its own image. */
#include "common/lib/string.h"
#include "xen/efi/loader.h"
#include "xen/efi/path.h"

/* Some firmware cannot read large amounts at once. */
#define READ_CHUNK	(8 * MIB)

/* PE/COFF specification: offsets into the headers. */
#define DOS_PE_OFFSET		0x3c
#define COFF_NR_SECTIONS	6
#define COFF_OPT_SIZE		20
#define COFF_HEADER_SIZE	24
#define SECTION_SIZE		40
#define SECTION_VIRT_SIZE	8
#define SECTION_VIRT_ADDR	12
#define SECTION_NAME_LEN	8

/* UEFI 2.10, table 3.1: 1 while the firmware refuses images without a signature that it knows. */
static BOOLEAN secure_boot(VOID)
{
	static EFI_GUID guid = EFI_GLOBAL_VARIABLE;
	UINT8 on = 0;
	UINTN size = sizeof(on);

	return !EFI_ERROR(RT->GetVariable(L"SecureBoot", &guid, NULL, &size, &on)) && on;
}

EFI_STATUS loader_open_volume(struct loader *l)
{
	EFI_STATUS status;

	status = BS->HandleProtocol(l->handle, &LoadedImageProtocol, (VOID **)&l->image);
	if (EFI_ERROR(status))
		return loader_error(status, L"the firmware does not say what it started");
	l->secure = secure_boot();
	/* Without a volume (network, firmware volume) everything must be in the image's sections. */
	if (l->image->DeviceHandle)
		l->root = LibOpenRoot(l->image->DeviceHandle);
	loader_folder(l->image->FilePath, (uint16_t *)l->folder, LOADER_PATH_LEN);
	return EFI_SUCCESS;
}

/*
 * Joins @folder and @path, with backslashes; an absolute @path stays alone. FALSE if the result is
 * too long.
 */
static BOOLEAN make_name(const CHAR16 *folder, const char *path, CHAR16 name[LOADER_PATH_LEN])
{
	UINTN n = 0;

	if (*path != '/' && *path != '\\')
		for (; folder[n]; n++)
			name[n] = folder[n];
	for (; *path; path++, n++) {
		if (n + 1 >= LOADER_PATH_LEN)
			return FALSE;
		name[n] = *path == '/' ? L'\\' : (UINT8)*path;
	}
	name[n] = 0;
	return TRUE;
}

/* Looks in keel.efi's folder first, then at the volume's top. */
static EFI_STATUS open_file(struct loader *l, const char *path, EFI_FILE_HANDLE *file)
{
	CHAR16 name[LOADER_PATH_LEN];
	EFI_STATUS status;

	if (!make_name(l->folder, path, name))
		return EFI_BAD_BUFFER_SIZE;
	status = l->root->Open(l->root, file, name, EFI_FILE_MODE_READ, 0);
	if (status == EFI_NOT_FOUND && make_name(L"\\", path, name))
		status = l->root->Open(l->root, file, name, EFI_FILE_MODE_READ, 0);
	return status;
}

static EFI_STATUS read_all(EFI_FILE_HANDLE file, const char *path, struct loader_blob *out)
{
	EFI_FILE_INFO *info = LibFileInfo(file);
	UINT64 done = 0;
	EFI_STATUS status;
	UINTN chunk;

	if (!info)
		return loader_error(EFI_DEVICE_ERROR, L"%a: cannot find out the file's size", path);
	out->size = info->FileSize;
	done = info->Attribute & EFI_FILE_DIRECTORY;
	FreePool(info);
	if (done || !out->size)
		return loader_error(EFI_LOAD_ERROR, done ? L"%a: a folder, not a file" :
				    L"%a: the file is empty", path);
	out->data = loader_alloc(out->size, EFI_PAGE_SIZE, EfiLoaderData, FALSE);
	if (!out->data)
		return loader_error(EFI_OUT_OF_RESOURCES,
				    L"%a: no %ld KiB in one piece of memory below 4 GiB are free",
				    path, out->size / 1024 + 1);
	while (done < out->size) {
		chunk = out->size - done > READ_CHUNK ? READ_CHUNK : out->size - done;
		status = file->Read(file, &chunk, (UINT8 *)out->data + done);
		if (EFI_ERROR(status) || !chunk)
			return loader_error(status ? status : EFI_END_OF_FILE,
					    L"%a: reading failed after %ld of %ld bytes", path,
					    done, out->size);
		done += chunk;
	}
	return EFI_SUCCESS;
}

EFI_STATUS loader_read_file(struct loader *l, const char *path, BOOLEAN optional,
			    struct loader_blob *out)
{
	EFI_FILE_HANDLE file;
	EFI_STATUS status;

	if (optional && (l->secure || !l->root))
		return EFI_NOT_FOUND;
	if (l->secure)
		return loader_error(EFI_SECURITY_VIOLATION, L"%a: Secure Boot is on, and nobody has checked files "
				    L"beside keel.efi; put the file into a section of keel.efi, and sign that", path);
	if (!l->root)
		return loader_error(EFI_NOT_FOUND, L"%a: keel.efi was not started from a volume with files; "
				    L"put the file into a section of keel.efi", path);
	status = open_file(l, path, &file);
	if (status == EFI_NOT_FOUND && optional)
		return status;
	if (EFI_ERROR(status))
		return loader_error(status, L"%a: cannot open the file; it belongs in %s on the volume "
				    L"that keel.efi was started from", path, l->folder);
	status = read_all(file, path, out);
	file->Close(file);
	if (!EFI_ERROR(status))
		loader_measure_named(PCR_OUTSIDE, path, out);
	return status;
}

static UINT32 get32(const UINT8 *p)
{
	UINT32 v;

	memcpy(&v, p, sizeof(v));
	return v;
}

BOOLEAN loader_find_section(struct loader *l, const char *name, struct loader_blob *out)
{
	const UINT8 *base = l->image->ImageBase, *section;
	UINT64 image_size = l->image->ImageSize, pe = get32(base + DOS_PE_OFFSET), at, size;
	char wanted[SECTION_NAME_LEN] = { 0 };
	UINTN i, nr;

	if (strlen(name) > sizeof(wanted) || pe + COFF_HEADER_SIZE > image_size)
		return FALSE;
	memcpy(wanted, name, strlen(name));
	nr = (UINT16)get32(base + pe + COFF_NR_SECTIONS);
	at = pe + COFF_HEADER_SIZE + (UINT16)get32(base + pe + COFF_OPT_SIZE);
	for (i = 0; i < nr && at + SECTION_SIZE <= image_size; i++, at += SECTION_SIZE) {
		section = base + at;
		if (memcmp(section, wanted, sizeof(wanted)))
			continue;
		size = get32(section + SECTION_VIRT_SIZE);
		if (!size || get32(section + SECTION_VIRT_ADDR) + size > image_size)
			return FALSE;
		out->size = size;
		out->data = loader_alloc(size, EFI_PAGE_SIZE, EfiLoaderData, FALSE);
		if (!out->data) {
			loader_error(EFI_OUT_OF_RESOURCES, L"section %a: no memory for %ld bytes", name, size);
			return FALSE;
		}
		memcpy(out->data, base + get32(section + SECTION_VIRT_ADDR), size);
		loader_measure_named(PCR_SECTIONS, name, out);
		return TRUE;
	}
	return FALSE;
}
