/* SPDX-License-Identifier: GPL-2.0-only */
/* How the loader was started: only text, tested on the build host. */
#ifndef XEN_EFI_PATH_H
#define XEN_EFI_PATH_H

#include <stddef.h>
#include <stdint.h>

/*
 * The folder of the file that a device path names, with a backslash at both ends. All File Path
 * nodes together are the name, however it is divided (UEFI 2.10, 10.3.5.4: GRUB uses one node for
 * the folder and one for the file). The result is only a backslash if the path is damaged, names no
 * file, or does not fit into @room characters (2 or more).
 */
void loader_folder(const void *device_path, uint16_t *folder, size_t room);

/*
 * Load options without the program's own name, which the shell puts first: it ends with .efi, and
 * may contain blanks or stand in quotation marks.
 */
const char *loader_skip_program(const char *options);

#endif /* XEN_EFI_PATH_H */
