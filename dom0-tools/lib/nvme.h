/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KEEL_LIB_NVME_H
#define KEEL_LIB_NVME_H

#include <linux/nvme_ioctl.h>

/* Linux's device of an NVMe controller ("nvme0"). A file descriptor, or -1 with errno. */
int nvme_open(const char *name);
/* An admin command: 0, the controller's status, or -1 with errno. */
int nvme_admin(int fd, struct nvme_admin_cmd *cmd);

#endif
