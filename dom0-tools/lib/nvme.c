/* SPDX-License-Identifier: GPL-2.0-only */
#include "lib/nvme.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/ioctl.h>

int nvme_open(const char *name)
{
	char path[48];

	snprintf(path, sizeof(path), "/dev/%s", name);
	return open(path, O_RDWR | O_CLOEXEC);
}

int nvme_admin(int fd, struct nvme_admin_cmd *cmd)
{
	return ioctl(fd, NVME_IOCTL_ADMIN_CMD, cmd);
}
