/* SPDX-License-Identifier: GPL-2.0-only */
#include "lib/stats.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/hyper.h"
#include "lib/json.h"
#include "lib/store.h"
#include "lib/sysfs.h"

#define SECTOR 512	/* what blkback counts in, whatever the disk's own are */

const char *stats_backends = "/sys/bus/xen-backend/devices";

static void add(struct json_object *j, const char *key, uint64_t value)
{
	json_object_object_add(j, key, json_object_new_int64(value));
}

static struct json_object *vcpus(struct keel *k, const struct keel_domain *d)
{
	struct json_object *list = json_object_new_array(), *j;
	struct xen_domctl_getvcpuinfo info;

	for (unsigned int i = 0; i < d->max_vcpus; i++) {
		int rc = hyper_vcpu_info(k, d->id, i, &info);

		if (rc) {
			json_object_put(list);
			keel_fail(&k->err, -rc, "cannot ask for the vCPUs of %s: %s", d->name, strerror(-rc));
			return NULL;
		}
		j = json_object_new_object();
		add(j, "vcpu", i);
		json_object_object_add(j, "online", json_object_new_boolean(info.online));
		add(j, "cpu_time_ns", info.cpu_time);
		json_object_array_add(list, j);
	}
	return list;
}

struct counter {
	const char *file, *key;
	unsigned int unit;
};

static void add_counters(struct json_object *j, const struct counter *c, const char *dir)
{
	char text[32];

	for (; c->file; c++)
		if (!sysfs_read(text, sizeof(text), "%s/%s", dir, c->file))
			add(j, c->key, strtoull(text, NULL, 10) * c->unit);
}

static void add_interface(const char *dir, struct json_object *j)
{
	/* What Dom0's end sends, the guest receives. */
	static const struct counter counters[] = {
		{ "tx_bytes", "rx_bytes", 1 }, { "tx_packets", "rx_packets", 1 },
		{ "tx_errors", "rx_errors", 1 }, { "tx_dropped", "rx_dropped", 1 },
		{ "rx_bytes", "tx_bytes", 1 }, { "rx_packets", "tx_packets", 1 },
		{ "rx_errors", "tx_errors", 1 }, { "rx_dropped", "tx_dropped", 1 }, { NULL },
	};
	char path[SYSFS_PATH_MAX];
	char **names;
	int n = sysfs_list(&names, "%s/net", dir);	/* it may have got any name */

	for (int i = 0; i < n; i++) {
		if (!i) {
			json_object_object_add(j, "interface", json_object_new_string(names[i]));
			snprintf(path, sizeof(path), "%.150s/net/%.15s/statistics", dir, names[i]);
			add_counters(j, counters, path);
		}
		free(names[i]);
	}
	free(names);
}

static void add_disk(const char *dir, struct json_object *j)
{
	static const struct counter counters[] = {
		{ "rd_req", "reads", 1 }, { "rd_sect", "read_bytes", SECTOR }, { "wr_req", "writes", 1 },
		{ "wr_sect", "written_bytes", SECTOR }, { "f_req", "flushes", 1 },
		{ "ds_req", "discards", 1 }, { "oo_req", "waits", 1 }, { NULL },
	};
	char path[SYSFS_PATH_MAX];

	snprintf(path, sizeof(path), "%.150s/statistics", dir);
	add_counters(j, counters, path);
}

static int by_number(const void *a, const void *b)
{
	struct json_object *const *x = a, *const *y = b;
	int64_t m = json_object_get_int64(json_object_object_get(*x, "number"));
	int64_t n = json_object_get_int64(json_object_object_get(*y, "number"));

	return m < n ? -1 : m > n;
}

/* The ends of a guest's devices of one type: TYPE-DOMID-NUMBER. */
static struct json_object *devices(struct keel *k, const char *type, unsigned int domid,
				   void (*figures)(const char *dir, struct json_object *j))
{
	struct json_object *list = json_object_new_array(), *j;
	char **names, start[32], dir[SYSFS_PATH_MAX];
	size_t length = snprintf(start, sizeof(start), "%s-%u-", type, domid);
	int n = sysfs_list(&names, "%s", stats_backends);

	for (int i = 0; i < n; i++) {
		if (!strncmp(names[i], start, length)) {
			char *vdev = store_read(k, "/local/domain/0/backend/%s/%u/%s/dev", type, domid,
						names[i] + length);

			j = json_object_new_object();
			add(j, "number", strtoul(names[i] + length, NULL, 10));
			if (vdev)
				json_object_object_add(j, "vdev", json_object_new_string(vdev));
			free(vdev);
			snprintf(dir, sizeof(dir), "%.120s/%.40s", stats_backends, names[i]);
			figures(dir, j);
			json_object_array_add(list, j);
		}
		free(names[i]);
	}
	free(names);
	json_object_array_sort(list, by_number);
	return list;
}

struct json_object *stats_domain(struct keel *k, const struct keel_domain *d)
{
	struct json_object *v = vcpus(k, d), *j;
	char uuid[37];

	if (!v)
		return NULL;
	j = json_object_new_object();
	guest_uuid_text(d->uuid, uuid);
	json_object_object_add(j, "name", json_object_new_string(d->name));
	json_object_object_add(j, "id", json_object_new_int(d->id));
	json_object_object_add(j, "uuid", json_object_new_string(uuid));
	json_object_object_add(j, "state", json_object_new_string(keel_domain_state_name(d)));
	add(j, "cpu_time_ns", d->cpu_time_ns);
	add(j, "memory_bytes", d->memory_kib << 10);
	add(j, "max_memory_bytes", d->max_memory_kib << 10);
	add(j, "online_vcpus", d->vcpus);
	json_object_object_add(j, "vcpus", v);
	json_object_object_add(j, "interfaces", devices(k, "vif", d->id, add_interface));
	json_object_object_add(j, "disks", devices(k, "vbd", d->id, add_disk));
	return j;
}

struct json_object *stats_host(struct keel *k)
{
	struct xen_sysctl_physinfo p;
	struct json_object *j;
	int rc = hyper_physinfo(k, &p);

	if (rc) {
		keel_fail(&k->err, -rc, "cannot ask for the machine's figures: %s", strerror(-rc));
		return NULL;
	}
	j = json_object_new_object();
	add(j, "cpus", p.nr_cpus);
	add(j, "memory_bytes", p.total_pages << KEEL_PAGE_SHIFT);
	add(j, "free_memory_bytes", p.free_pages << KEEL_PAGE_SHIFT);
	add(j, "claimed_memory_bytes", p.outstanding_pages << KEEL_PAGE_SHIFT);
	return j;
}

/* Prometheus's names: base units, and _total for what only grows. */
static const struct metric {
	const char *name, *help;
	const char *list;		/* of a domain: NULL, or vcpus, interfaces, disks; "host" */
	const char *key;
	bool counter, nanoseconds;
} metrics[] = {
#define HOST(name, key, help) { "keel_host_" name, help, "host", key, false, false }
#define DOMAIN(name, key, help) { "keel_domain_" name, help, NULL, key, false, false }
#define DEVICE(name, list, key, help) { "keel_domain_" name "_total", help, list, key, true, false }
	HOST("cpus", "cpus", "CPUs of the machine."),
	HOST("memory_bytes", "memory_bytes", "Memory of the machine."),
	HOST("memory_free_bytes", "free_memory_bytes", "Memory that nobody has."),
	HOST("memory_claimed_bytes", "claimed_memory_bytes", "Memory reserved for guests being made."),
	{ "keel_domain_cpu_seconds_total", "CPU time.", NULL, "cpu_time_ns", true, true },
	DOMAIN("memory_bytes", "memory_bytes", "Memory that the domain has."),
	DOMAIN("memory_max_bytes", "max_memory_bytes", "Memory that it can have."),
	DOMAIN("vcpus", "online_vcpus", "vCPUs that are on line."),
	{ "keel_domain_vcpu_seconds_total", "CPU time of a vCPU.", "vcpus", "cpu_time_ns", true, true },
	{ "keel_domain_vcpu_online", "Whether a vCPU is on line.", "vcpus", "online", false, false },
	DEVICE("network_receive_bytes", "interfaces", "rx_bytes", "Bytes the guest received."),
	DEVICE("network_receive_packets", "interfaces", "rx_packets", "Packets it received."),
	DEVICE("network_receive_errors", "interfaces", "rx_errors", "Packets to it with errors."),
	DEVICE("network_receive_dropped", "interfaces", "rx_dropped", "Packets to it that were lost."),
	DEVICE("network_transmit_bytes", "interfaces", "tx_bytes", "Bytes the guest sent."),
	DEVICE("network_transmit_packets", "interfaces", "tx_packets", "Packets it sent."),
	DEVICE("network_transmit_errors", "interfaces", "tx_errors", "Packets from it with errors."),
	DEVICE("network_transmit_dropped", "interfaces", "tx_dropped", "Packets from it that were lost."),
	DEVICE("disk_read_bytes", "disks", "read_bytes", "Bytes read."),
	DEVICE("disk_reads", "disks", "reads", "Read requests."),
	DEVICE("disk_written_bytes", "disks", "written_bytes", "Bytes written."),
	DEVICE("disk_writes", "disks", "writes", "Write requests."),
	DEVICE("disk_flushes", "disks", "flushes", "Flush requests."),
	DEVICE("disk_discards", "disks", "discards", "Discard requests."),
#undef HOST
#undef DOMAIN
#undef DEVICE
};

static void print_label(FILE *out, const char *name, const char *value)
{
	char *text = NULL;
	size_t size;
	FILE *quoted = open_memstream(&text, &size);

	for (; quoted && *value; value++) {
		if (*value == '\n') {
			fputs("\\n", quoted);
			continue;
		}
		if (*value == '\\' || *value == '"')
			fputc('\\', quoted);
		fputc(*value, quoted);
	}
	if (quoted)
		fclose(quoted);
	fprintf(out, "%s=\"", name);
	keel_write_utf8(out, text ? text : "");
	fputc('"', out);
	free(text);
}

static const char *text_of(struct json_object *j, const char *key)
{
	const char *text = json_text(j, key);

	return text ? text : "";
}

/* The domain's labels, and those of a part of it. */
static void print_labels(FILE *out, const struct metric *m, struct json_object *d,
			 struct json_object *part)
{
	fputc('{', out);
	print_label(out, "domain", text_of(d, "name"));
	fputc(',', out);
	print_label(out, "id", text_of(d, "id"));
	if (part) {
		fputc(',', out);
		if (!strcmp(m->list, "vcpus"))
			print_label(out, "vcpu", text_of(part, "vcpu"));
		else if (!strcmp(m->list, "interfaces"))
			print_label(out, "vif", text_of(part, "number"));
		else
			print_label(out, "disk", text_of(part, *text_of(part, "vdev") ? "vdev" : "number"));
	}
	fputc('}', out);
}

static void print_sample(FILE *out, const struct metric *m, struct json_object *domain,
			 struct json_object *part)
{
	struct json_object *value;
	uint64_t n;

	if (!json_object_object_get_ex(part ? part : domain, m->key, &value))
		return;		/* no driver counts it */
	n = json_object_get_int64(value);
	fputs(m->name, out);
	if (!m->list || strcmp(m->list, "host"))
		print_labels(out, m, domain, part);
	if (m->nanoseconds)
		fprintf(out, " %llu.%09llu\n", (unsigned long long)n / 1000000000,
			(unsigned long long)n % 1000000000);
	else
		fprintf(out, " %llu\n", (unsigned long long)n);
}

static void print_domain(FILE *out, const struct metric *m, struct json_object *domain)
{
	struct json_object *list;

	if (!m->list) {
		print_sample(out, m, domain, NULL);
		return;
	}
	list = json_object_object_get(domain, m->list);
	for (size_t i = 0; i < json_object_array_length(list); i++)
		print_sample(out, m, domain, json_object_array_get_idx(list, i));
}

void stats_print(FILE *out, struct json_object *host, struct json_object *domains)
{
	for (size_t i = 0; i < sizeof(metrics) / sizeof(metrics[0]); i++) {
		const struct metric *m = &metrics[i];

		fprintf(out, "# HELP %s %s\n# TYPE %s %s\n", m->name, m->help, m->name,
			m->counter ? "counter" : "gauge");
		if (m->list && !strcmp(m->list, "host"))
			print_sample(out, m, host, NULL);
		else
			for (size_t d = 0; d < json_object_array_length(domains); d++)
				print_domain(out, m, json_object_array_get_idx(domains, d));
	}
}
