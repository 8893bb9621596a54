/* SPDX-License-Identifier: GPL-2.0-only */
#include "lib/net.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "lib/autostart.h"
#include "lib/files.h"
#include "lib/sysfs.h"

const char *net_run_dir = "/run/keel/networks";

void net_path(char *out, const char *name, const char *file)
{
	snprintf(out, NET_PATH_MAX, "%s/%s%s%s", net_run_dir, name, file ? "/" : "", file ? file : "");
}

static int take_lock(struct keel *k)
{
	char path[NET_PATH_MAX];
	int fd = keel_make_dirs(k, net_run_dir);

	if (fd)
		return fd;
	snprintf(path, sizeof(path), "%s.lock", net_run_dir);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	while (fd >= 0 && flock(fd, LOCK_EX) < 0)
		if (errno != EINTR) {
			close(fd);
			fd = -1;
		}
	return fd < 0 ? keel_fail_errno(&k->err, "cannot lock %s", path) : fd;
}

bool net_is_up(const char *name)
{
	char path[NET_PATH_MAX];

	net_path(path, name, "up");
	return !access(path, F_OK);
}

static void vif_path(char *out, const char *name, unsigned int domid, unsigned int devid)
{
	char file[48];

	snprintf(file, sizeof(file), "vifs/vif%u.%u", domid, devid);
	net_path(out, name, file);
}

/* A line of words; what is missing is "-". */
static int write_vif(struct keel *k, const struct net *n, const struct net_vif *v)
{
	char v4[INET6_ADDRSTRLEN] = "-", v6[INET6_ADDRSTRLEN] = "-";
	char path[NET_PATH_MAX], text[256], mac[18];

	guest_mac_text(v->mac, mac);
	if (v->has_v4)
		inet_ntop(AF_INET, v->v4, v4, sizeof(v4));
	if (v->has_v6)
		inet_ntop(AF_INET6, v->v6, v6, sizeof(v6));
	snprintf(text, sizeof(text), "%u %u %s %s %s %s %s\n",
			      v->domid, v->devid, v->interface, mac, v4, v6, v->host[0] ? v->host : "-");
	vif_path(path, n->name, v->domid, v->devid);
	return keel_write_file(path, text) ? 0 : keel_fail_errno(&k->err, "cannot write %s", path);
}

static bool parse_vif(const char *text, struct net_vif *v)
{
	char mac[18], v4[INET6_ADDRSTRLEN], v6[INET6_ADDRSTRLEN];

	*v = (struct net_vif){ 0 };
	if (sscanf(text, "%u %u %15s %17s %45s %45s %63s", &v->domid, &v->devid, v->interface, mac, v4, v6,
		   v->host) != 7 || guest_mac_parse(mac, v->mac))
		return false;
	v->has_v4 = inet_pton(AF_INET, v4, v->v4) == 1;
	v->has_v6 = inet_pton(AF_INET6, v6, v->v6) == 1;
	if (!strcmp(v->host, "-"))
		v->host[0] = 0;
	return true;
}

int net_vifs(struct keel *k, const char *name, struct net_vif **out)
{
	char **names = NULL, text[256];
	int n = sysfs_list(&names, "%s/%s/vifs", net_run_dir, name), kept = 0;

	*out = calloc(n > 0 ? n : 1, sizeof(**out));
	for (int i = 0; i < n; i++) {
		if (*out && !sysfs_read(text, sizeof(text), "%s/%s/vifs/%.24s", net_run_dir, name, names[i]) &&
		    parse_vif(text, &(*out)[kept]) && if_nametoindex((*out)[kept].interface))
			kept++;
		free(names[i]);
	}
	if (n >= 0)
		free(names);
	return *out ? kept : keel_fail(&k->err, ENOMEM, "no memory");
}

/* The name of a guest that needs it and that keeld is to start at the next boot, or "". */
static void find_stored(struct keel *k, const char *name, char out[GUEST_NAME_MAX + 1])
{
	char **names = NULL;
	struct guest_config g;
	int n = autostart_names(k, &names);

	*out = 0;
	for (int i = 0; i < n; i++) {
		if (!*out && !autostart_read(k, names[i], &g)) {
			for (unsigned int v = 0; v < g.vifs; v++)
				if (!strcmp(g.vif[v].network, name))
					snprintf(out, GUEST_NAME_MAX + 1, "%s", names[i]);
			guest_free(&g);
		}
		free(names[i]);
	}
	free(names);
}

static int check_unused(struct keel *k, const struct net *n, bool stored)
{
	char guest[GUEST_NAME_MAX + 1] = "";
	struct net_vif *vifs;
	int nr = net_vifs(k, n->name, &vifs), rc = nr;

	if (nr > 0)
		rc = keel_fail(&k->err, EBUSY, "the network '%s' has interfaces of guests, %s%s%s among them (-f for all that)",
			       n->name, vifs[0].interface, vifs[0].host[0] ? " of " : "", vifs[0].host);
	if (nr >= 0)
		free(vifs);
	if (!nr && stored)
		find_stored(k, n->name, guest);
	if (*guest)
		rc = keel_fail(&k->err, EBUSY, "the guest '%s', which starts when Dom0 boots, needs the network '%s' (-f for "
			       "all that)", guest, n->name);
	return rc;
}

static int create(struct keel *k, const struct net *n)
{
	struct keel_error why;
	struct net there;
	int rc = net_read(k, n->name, &there);

	if (rc != -ENOENT)
		return rc ? rc : keel_fail(&k->err, EEXIST, "there is a network '%s' already", n->name);
	rc = net_conflict(k, n);
	if (!rc && k->dry_run)
		return net_check(k, n);
	if (!rc)
		rc = net_write(k, n);
	if (rc)
		return rc;
	rc = net_up(k, n);
	if (rc) {
		why = k->err;
		net_remove(k, n->name);
		k->err = why;
	}
	return rc;
}

/* What is begun is finished or undone, whatever the terminal sends. */
struct held {
	sigset_t old;
	int lock;
};

static int begin(struct keel *k, struct held *h)
{
	keel_hold_signals(&h->old);
	h->lock = take_lock(k);
	if (h->lock < 0)
		keel_release_signals(&h->old);
	return h->lock < 0 ? h->lock : 0;
}

static int end(struct held *h, int rc)
{
	rmdir(net_run_dir);	/* if no network runs */
	close(h->lock);
	keel_release_signals(&h->old);
	return rc;
}

/* The same, and reads the network. */
static int begin_with(struct keel *k, struct held *h, const char *name, struct net *n)
{
	int rc = begin(k, h);

	if (rc)
		return rc;
	rc = net_read(k, name, n);
	return rc ? end(h, rc) : 0;
}

int net_create(struct keel *k, const struct net *n)
{
	struct held h;
	int rc = begin(k, &h);

	return rc ? rc : end(&h, create(k, n));
}

/* Files of interfaces that nobody will take away: the network is gone. */
static void forget_vifs(const char *name)
{
	char **names = NULL, path[NET_PATH_MAX], file[40];
	int n = sysfs_list(&names, "%s/%s/vifs", net_run_dir, name);

	for (int i = 0; i < n; i++) {
		snprintf(file, sizeof(file), "vifs/%.24s", names[i]);
		net_path(path, name, file);
		unlink(path);
		free(names[i]);
	}
	if (n >= 0)
		free(names);
}

int net_delete(struct keel *k, const char *name, bool force)
{
	struct held h;
	struct net n;
	int rc = begin_with(k, &h, name, &n);

	if (rc)
		return rc;
	if (!force)
		rc = check_unused(k, &n, true);
	if (!rc && !k->dry_run) {
		forget_vifs(name);
		if (net_is_up(name))
			net_down(k, &n);
		rc = net_remove(k, name);
	}
	return end(&h, rc);
}

int net_start(struct keel *k, const char *name)
{
	struct held h;
	struct net n;
	int rc = begin_with(k, &h, name, &n);

	if (rc)
		return rc;
	if (k->dry_run)
		rc = net_is_up(name) ? 0 : net_check(k, &n);
	else
		rc = net_up(k, &n);
	return end(&h, rc);
}

int net_stop(struct keel *k, const char *name, bool force)
{
	struct held h;
	struct net n;
	int rc = begin_with(k, &h, name, &n);

	if (rc)
		return rc;
	if (!net_is_up(name))
		rc = keel_fail(&k->err, EINVAL, "the network '%s' does not run", name);
	if (!rc && !force)
		rc = check_unused(k, &n, false);
	if (!rc && !k->dry_run)
		net_down(k, &n);
	return end(&h, rc);
}

int net_start_all(struct keel *k, void (*failed)(struct keel *k, const char *text))
{
	char **names = NULL;
	int n = net_names(k, &names), started = 0;

	if (n < 0)
		failed(k, k->err.text);
	for (int i = 0; i < n; i++) {
		if (net_start(k, names[i]))
			failed(k, k->err.text);
		else
			started++;
		free(names[i]);
	}
	free(names);
	return started;
}

int net_vif_resolve(struct keel *k, struct guest_vif *v)
{
	struct net_vif vif = { 0 };
	struct net n;
	int rc = net_read(k, v->network, &n);

	if (rc)
		return rc;
	if (!net_is_up(n.name))
		return keel_fail(&k->err, ENODEV, "the network '%s' does not run (`keel network start %s`)",
				 n.name, n.name);
	strcpy(v->bridge, n.bridge);
	if (!v->mtu)
		v->mtu = n.mtu;
	return net_choose(&n, &vif, v->ip, NULL, 0, &k->err);
}

static int add_rules(struct keel *k, const struct net *n, const struct net_vif *v)
{
	char *text = NULL;
	size_t size;
	FILE *f;

	if (n->spoofing)
		return 0;
	f = open_memstream(&text, &size);
	if (f) {
		net_rules_add_vif(f, n, v);
		fclose(f);
	}
	return net_nft_run(k, text);
}

static void forget_vif(struct keel *k, const struct net *n, const struct net_vif *v)
{
	char path[NET_PATH_MAX], *text = NULL;
	size_t size;
	FILE *f;

	vif_path(path, n->name, v->domid, v->devid);
	if (unlink(path) || !net_is_up(n->name))
		return;
	f = n->spoofing ? NULL : open_memstream(&text, &size);
	if (f) {
		net_rules_remove_vif(f, n, v);
		fclose(f);
		net_nft_run(k, text);
	}
	net_tell_dnsmasq(k, n);
}

static int add(struct keel *k, const struct guest_vif *g, struct net_vif *v)
{
	struct keel_error why;
	struct net_vif *others;
	struct net n;
	int rc = net_read(k, g->network, &n), nr;

	nr = rc ? rc : net_vifs(k, n.name, &others);
	if (nr < 0)
		return nr;
	rc = net_choose(&n, v, g->ip, others, nr, &k->err);
	free(others);
	if (!rc)
		rc = write_vif(k, &n, v);
	if (rc)
		return rc;
	rc = add_rules(k, &n, v);
	if (!rc)
		rc = net_tell_dnsmasq(k, &n);
	if (rc) {
		why = k->err;
		forget_vif(k, &n, v);
		k->err = why;
	}
	return rc;
}

int net_vif_add(struct keel *k, const struct guest_vif *g, unsigned int domid,
		const char *interface, const char *guest)
{
	struct net_vif v = { .domid = domid, .devid = g->devid };
	struct held h;
	int rc = begin(k, &h);

	if (rc)
		return rc;
	snprintf(v.interface, sizeof(v.interface), "%s", interface);
	memcpy(v.mac, g->mac, sizeof(v.mac));
	net_host(v.host, guest);
	return end(&h, add(k, g, &v));
}

void net_vif_remove(struct keel *k, unsigned int domid, unsigned int devid)
{
	struct keel_error before = k->err;
	char **names = NULL, text[256];
	int n = sysfs_list(&names, "%s", net_run_dir);
	struct net_vif v;
	struct net net;
	struct held h;

	for (int i = 0; i < n; i++) {
		if (!sysfs_read(text, sizeof(text), "%s/%.12s/vifs/vif%u.%u", net_run_dir, names[i],
				domid, devid) && parse_vif(text, &v) && !net_read(k, names[i], &net) && !begin(k, &h)) {
			forget_vif(k, &net, &v);
			end(&h, 0);
		}
		free(names[i]);
	}
	if (n >= 0)
		free(names);
	k->err = before;
}
