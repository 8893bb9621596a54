/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/device.h"
#include "lib/net.h"
#include "lib/store.h"

int vif_check(struct keel *k, const struct guest_vif *v)
{
	struct guest_vif copy = *v;
	char path[64];

	if (v->network[0])
		return net_vif_resolve(k, &copy);
	if (v->script[0] && access(v->script, X_OK))
		return keel_fail_errno(&k->err,
				       "cannot run the script %s of the guest's network (Xen's own are in the package "
				       "xen-utils-common)", v->script);
	if (!v->bridge[0])
		return 0;
	snprintf(path, sizeof(path), "/sys/class/net/%s/bridge", v->bridge);
	if (!access(path, F_OK))
		return 0;
	return keel_fail(&k->err, ENODEV, "there is no bridge '%s' for the guest's network; make it with "
			 "'ip link add %s type bridge', or name another (bridge=NAME)", v->bridge,
			 v->bridge);
}

struct vif_nodes {
	const struct guest_vif *v;
	char mac[18];
};

/* Both ends of a network interface (Xen's xen/include/public/io/netif.h). */
static void write_nodes(struct store_tx *t, void *arg)
{
	const struct vif_nodes *n = arg;
	char front[STORE_PATH_MAX], back[STORE_PATH_MAX], tool[STORE_PATH_MAX], path[STORE_PATH_MAX];

	snprintf(front, sizeof(front), "/local/domain/%u/device/vif/%u", t->domid, n->v->devid);
	snprintf(back, sizeof(back), "/local/domain/0/backend/vif/%u/%u", t->domid, n->v->devid);
	snprintf(tool, sizeof(tool), "/libxl/%u/device/vif/%u", t->domid, n->v->devid);
	store_dir(t, STORE_GUEST_SHARES, "%s", front);
	store_dir(t, STORE_GUEST_READS, "%s", back);
	store_dir(t, STORE_DOM0, "%s", tool);

#define PUT(base, key, ...) do {						\
		snprintf(path, sizeof(path), "%.120s/%s", base, key);		\
		store_put(t, path, __VA_ARGS__);				\
	} while (0)
/* The back-end's entries stand in libxl's own folder too, where `xl` reads them. */
#define BOTH(key, ...) do {							\
		PUT(back, key, __VA_ARGS__);					\
		PUT(tool, key, __VA_ARGS__);					\
	} while (0)
	PUT(tool, "backend", "%s", back);
	BOTH("frontend", "%s", front);
	BOTH("frontend-id", "%u", t->domid);
	BOTH("online", "1");
	BOTH("state", "1");
	/* The driver wants this node to exist; `keel` does the script's work itself. */
	BOTH("script", "%s", n->v->script[0] ? n->v->script : "/bin/true");
	BOTH("mac", "%s", n->mac);
	if (n->v->bridge[0])
		BOTH("bridge", "%s", n->v->bridge);
	if (n->v->ip[0])
		BOTH("ip", "%s", n->v->ip);
	if (n->v->rate[0])
		BOTH("rate", "%llu,%u", (unsigned long long)n->v->rate_bytes, n->v->rate_us);
	if (n->v->mtu)
		BOTH("mtu", "%u", n->v->mtu);
	if (n->v->gatewaydev[0])
		BOTH("gatewaydev", "%s", n->v->gatewaydev);
	/* Scripts give the interface its name by this. */
	if (n->v->name[0] && n->v->script[0])
		BOTH("vifname", "%s", n->v->name);
	BOTH("handle", "%u", n->v->devid);
	BOTH("type", "vif");
	PUT(front, "backend", "%s", back);
	PUT(front, "backend-id", "0");
	PUT(front, "state", "1");
	PUT(front, "handle", "%u", n->v->devid);
	PUT(front, "mac", "%s", n->mac);
#undef BOTH
#undef PUT
}

static int interface_call(struct keel *k, int fd, unsigned long op, struct ifreq *r,
			  const char *what)
{
	if (!ioctl(fd, op, r))
		return 0;
	return keel_fail_errno(&k->err, "cannot %s %s", what, r->ifr_name);
}

static void put_name(char field[IFNAMSIZ], const char *name)
{
	memcpy(field, name, strnlen(name, IFNAMSIZ - 1));
}

static int rename_interface(struct keel *k, int fd, char *name, const char *wanted)
{
	struct ifreq r = { 0 };
	int rc;

	put_name(r.ifr_name, name);
	put_name(r.ifr_newname, wanted);
	rc = interface_call(k, fd, SIOCSIFNAME, &r, "rename");
	if (!rc)
		strcpy(name, wanted);
	return rc;
}

/* An interface is in sysfs a moment before it can be found by its name. 0 if it does not come. */
static unsigned int interface_index(const char *name)
{
	unsigned int index;

	for (unsigned int tries = 0; !(index = if_nametoindex(name)) && tries < 500; tries++)
		usleep(10000);
	return index;
}

static int set_mtu(struct keel *k, int fd, const char *name, unsigned int mtu)
{
	struct ifreq r = { .ifr_mtu = mtu };

	put_name(r.ifr_name, name);
	return interface_call(k, fd, SIOCSIFMTU, &r, "set the MTU of");
}

/* Before it can send anything. */
static int join_network(struct keel *k, unsigned int domid, const char *name,
			const struct guest_vif *v)
{
	char *guest;
	int rc;

	if (!v->network[0])
		return 0;
	guest = store_read(k, "/local/domain/%u/name", domid);
	rc = net_vif_add(k, v, domid, name, guest ? guest : "");
	free(guest);
	return rc;
}

/* What a hotplug script would do: name, address that no frame is sent to, bridge, up. */
static int join_bridge(struct keel *k, unsigned int domid, const char *created,
		       const struct guest_vif *v)
{
	struct ifreq r = { 0 };
	char name[24];
	int fd, rc = 0;

	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return keel_fail_errno(&k->err, "cannot make a socket for interface calls");
	snprintf(name, sizeof(name), "%s", created);
	if (!interface_index(name))
		rc = keel_fail_errno(&k->err, "the interface %s does not come up", name);
	if (!rc && v->name[0])
		rc = rename_interface(k, fd, name, v->name);
	if (!rc && v->mtu)
		rc = set_mtu(k, fd, name, v->mtu);
	if (!rc)
		rc = join_network(k, domid, name, v);
	put_name(r.ifr_name, v->bridge);
	r.ifr_ifindex = (int)interface_index(name);
	if (!rc && ioctl(fd, SIOCBRADDIF, &r) < 0 && errno != EBUSY)
		rc = keel_fail_errno(&k->err, "cannot put %s into the bridge %s", name, v->bridge);
	if (!rc) {
		r = (struct ifreq){ 0 };
		put_name(r.ifr_name, name);
		rc = interface_call(k, fd, SIOCGIFFLAGS, &r, "read the flags of");
	}
	if (!rc) {
		r.ifr_flags |= IFF_UP;
		rc = interface_call(k, fd, SIOCSIFFLAGS, &r, "bring up");
	}
	close(fd);
	return rc;
}

/* An address of Xen's own range, 00:16:3e. */
void vif_choose_mac(struct guest_vif *v)
{
	static const unsigned char prefix[] = { 0x00, 0x16, 0x3e };

	if (v->has_mac)
		return;
	memcpy(v->mac, prefix, 3);
	if (getrandom(v->mac + 3, 3, 0) != 3)
		abort();
	v->mac[3] &= 0x7f;
	v->has_mac = true;
}

static int bring_up(struct keel *k, unsigned int domid, const char *name, const struct guest_vif *v)
{
	char path[96];
	int rc;

	if (v->script[0])	/* which says by itself when it is done */
		return script_run(k, v->script, "online", domid, v->devid, name, v->gatewaydev);
	rc = join_bridge(k, domid, name, v);
	if (rc)
		return rc;
	snprintf(path, sizeof(path), "/local/domain/0/backend/vif/%u/%u/hotplug-status", domid, v->devid);
	return store_write(k, path, "connected");
}

static bool has_number(struct keel *k, unsigned int domid, unsigned int devid)
{
	char *there = store_read(k, "/local/domain/0/backend/vif/%u/%u/frontend", domid, devid);
	bool has = there;

	free(there);
	return has;
}

/* The lock is held: nobody else takes the number. */
static int put_nodes(struct keel *k, unsigned int domid, struct guest_vif *v)
{
	struct vif_nodes n = { .v = v };

	if (v->devid != VIF_ANY_DEVID && has_number(k, domid, v->devid))
		return keel_fail(&k->err, EEXIST, "domain %u has an interface %u already", domid, v->devid);
	if (v->devid == VIF_ANY_DEVID)
		for (v->devid = 0; has_number(k, domid, v->devid);)
			v->devid++;
	guest_mac_text(v->mac, n.mac);
	return store_run(k, domid, write_nodes, &n);
}

int vif_attach(struct keel *k, unsigned int domid, struct guest_vif *v)
{
	char name[24], path[64];
	struct guest_vif full;
	int rc, lock;

	rc = vif_check(k, v);
	if (rc)
		return rc;
	vif_choose_mac(v);
	full = *v;
	if (v->network[0])
		rc = net_vif_resolve(k, &full);
	if (rc)
		return rc;
	lock = keel_lock(k);
	if (lock < 0)
		return lock;
	rc = put_nodes(k, domid, &full);
	close(lock);
	v->devid = full.devid;
	if (rc)
		return rc;
	snprintf(name, sizeof(name), "vif%u.%u", domid, v->devid);
	snprintf(path, sizeof(path), "net/%s", name);
	rc = device_wait(k, "vif", domid, v->devid, path);
	if (!rc)
		rc = bring_up(k, domid, name, &full);
	if (rc)
		device_drop(k, "vif", domid, v->devid);
	return rc;
}
