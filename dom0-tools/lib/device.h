/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KEEL_LIB_DEVICE_H
#define KEEL_LIB_DEVICE_H

#include <sys/stat.h>

#include "lib/guest.h"
#include "lib/keel.h"

/* Longest wait for a back-end driver to take a device. */
#define DEVICE_TIMEOUT_MS 20000

/*
 * Gives domain @domid the disk: makes a loop device for a raw file, an NBD device for an image of
 * another format, refuses what is in use, writes the nodes of both ends and waits until the
 * back-end driver has opened it. Such a device goes away by itself when its last user closes it. A
 * failure leaves nothing. Takes the lock until the nodes tell others what is in use.
 */
int disk_attach(struct keel *k, unsigned int domid, const struct guest_disk *d);
/* Whether the disk could be attached, as far as that can be checked in advance. */
int disk_check(struct keel *k, const struct guest_disk *d);
/* Only whether there is something that can be a disk; needs no xenstore. */
int disk_check_file(struct keel *k, const struct guest_disk *d);

/*
 * The guest learns that its disk has grown. *@size bytes, a multiple of 512, are what its raw file
 * gets first; 0: it was enlarged elsewhere, and *@size becomes what it has. Waits until the
 * back-end driver has told the guest. -ENODEV without a text if there is no such disk; -EOPNOTSUPP:
 * an image in one of QEMU's formats; -ETIMEDOUT: it has grown, but the driver does not say so. A
 * dry run only checks.
 */
int disk_resize(struct keel *k, unsigned int domid, unsigned int number, uint64_t *size);

/*
 * disk_attach() for a network interface: puts Dom0's end into the bridge, or lets the script that
 * it names do it, without the lock. Fills in the address and the number that @v leaves open.
 */
int vif_attach(struct keel *k, unsigned int domid, struct guest_vif *v);
int vif_check(struct keel *k, const struct guest_vif *v);
/* An address for one without, before the configuration is stored: a restart keeps it. */
void vif_choose_mac(struct guest_vif *v);

/*
 * script.c: runs the script @script of interface @index with "online" or "offline", as libxl does:
 * told by its environment, and ended if it takes too long.
 */
int script_run(struct keel *k, const char *script, const char *what, unsigned int domid,
	       unsigned int index, const char *interface, const char *gatewaydev);

/* Removes all devices of @domid, whether its front-ends cooperate or not. */
void device_remove_all(struct keel *k, unsigned int domid);
/* The same with one: what an attachment that failed has left. k->err stays. */
void device_drop(struct keel *k, const char *type, unsigned int domid, unsigned int index);
/*
 * Takes one from a guest that runs: asks the guest to close it, and waits for that without the
 * lock; -ETIMEDOUT if it does not. With @force it is not asked. -EBUSY: it is taken from the guest,
 * but its driver in Dom0 still has it open. A dry run only looks whether there is one.
 */
int device_detach(struct keel *k, const char *type, unsigned int domid, unsigned int index,
		  bool force);
/* The back-end's state of one, as a word. */
const char *device_state(struct keel *k, const char *type, unsigned int domid, const char *index);

/* device.c: waits for the file @sysfs of the back-end @type/@domid/@index, or its error. */
int device_wait(struct keel *k, const char *type, unsigned int domid, unsigned int index,
		const char *sysfs);

/*
 * loop.c: a loop device for the raw image of @d, whose file is @st: a descriptor that keeps it, and
 * its number.
 */
int loop_attach(struct keel *k, const struct guest_disk *d, const struct stat *st,
		unsigned int *minor);
/* Whether loop device @minor is attached to this file. */
bool loop_holds(unsigned int minor, const struct stat *st);
/* It gets the size that its file has. */
int loop_resize(struct keel *k, unsigned int minor);

#endif
