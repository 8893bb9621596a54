/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KEEL_LIB_GUEST_H
#define KEEL_LIB_GUEST_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stdint.h>

#include <public/hvm/pvh_layout.h>

#include "lib/cfg.h"
#include "lib/error.h"

#define GUEST_MAX_DISKS	16
#define GUEST_MAX_VIFS	8
#define GUEST_MAX_PCI	(PVH_PCI_BUSES - 1) /* root ports */
#define GUEST_MAX_VCPUS	PVH_MAX_VCPUS
#define GUEST_NAME_MAX	80

enum guest_action {
	ACTION_DESTROY,
	ACTION_RESTART,
	ACTION_PRESERVE,
	ACTION_RENAME_RESTART,
};

struct guest_disk {
	char *path;
	const char *format;		/* of guest_format_qemu(), or NULL: raw */
	char vdev[16];
	unsigned int number;		/* the device number that the guest sees */
	bool readonly;
	bool no_discard;		/* the guest cannot give blocks back */
	bool shared;			/* w!: others may have it too, nobody looks */
	uint64_t bps, iops;		/* bytes and requests in a second; 0: no limit */
};

#define VIF_ANY_DEVID ~0u
#define VIF_BRIDGE_SCRIPT "/etc/xen/scripts/vif-bridge"

struct guest_vif {
	unsigned char mac[6];
	bool has_mac;
	char network[13];		/* of `keel network`, or empty */
	char bridge[16];		/* empty only with a script that needs none, or a network */
	char name[16];			/* of the interface in Dom0, or empty */
	unsigned int devid;		/* the interface's number, once all are known */
	unsigned int mtu;		/* 0: the kernel's */
	char rate[32];			/* as written, or empty: no limit */
	uint64_t rate_bytes;		/* so many in each .rate_us, as netback takes it */
	uint32_t rate_us;
	char ip[256];			/* for the script, or the network */
	char script[128];		/* a path, run in place of what keel does by itself; or empty */
	char gatewaydev[16];		/* for the script */
};

/* What the driver of its physical function is told about a virtual function of a network card. */
enum {
	VF_MAC		= 1,
	VF_VLAN		= 2,
	VF_RATE		= 4,
	VF_TRUST	= 8,
	VF_SPOOFCHK	= 16,
	VF_ALL		= 31,
};

struct vf_settings {
	unsigned int set;		/* VF_*: which of them are given */
	unsigned char mac[6];
	unsigned int vlan;		/* 0: none */
	/* drivers' own, nobody may ask for them; 0: priority 0, 802.1Q */
	unsigned int vlan_qos, vlan_proto;
	unsigned int rate;		/* Mbit/s, 0: no limit */
	bool trust, spoofchk;
};

/* A PCI function of the machine: segment << 16 | bus << 8 | device << 3 | function. */
struct guest_pci {
	uint32_t sbdf;
	struct vf_settings vf;
};

/* Where vCPUs may run: one list of CPUs for all of them, or one for each of the first @n. */
struct guest_affinity {
	char *list[GUEST_MAX_VCPUS];
	unsigned int n;			/* 0: anywhere */
	bool each;
};

#define GUEST_MAX_CPUS	1024

/* A set of the machine's CPUs. */
struct guest_cpus {
	unsigned char bits[GUEST_MAX_CPUS / 8];
};

#define GUEST_MAX_NODES	64

/* The machine's nodes: memory in bytes, distances as in ACPI's SLIT. */
struct guest_nodes {
	unsigned int n;
	struct guest_node {
		uint64_t size, free;
		uint32_t distance[GUEST_MAX_NODES];
		struct guest_cpus cpus;
	} node[GUEST_MAX_NODES];
};

/* A guest as its configuration describes it. All strings are owned by it. */
struct guest_config {
	char *name;
	unsigned char uuid[16];
	bool has_uuid;
	char *kernel;
	char *ramdisk;
	char *cmdline;
	uint64_t memory_mib;
	uint64_t maxmem_mib;
	unsigned int vcpus;
	unsigned int maxvcpus;
	unsigned int weight;		/* 0: the scheduler's default */
	unsigned int cap;
	unsigned int tsc_mode;
	unsigned int max_event_channels;
	unsigned int max_grant_frames;
	unsigned int max_maptrack_frames;
	unsigned int page_tables_mib;	/* for the guest's page tables at least; 0: what it needs */
	int time_offset;		/* seconds by which its clock is ahead of UTC */
	bool localtime;			/* plus the offset of Dom0's time zone when it starts */
	char *pool;			/* a CPU pool's name, or NULL: the first one */
	struct guest_affinity cpus, cpus_soft;
	enum guest_action on_poweroff, on_reboot, on_watchdog, on_crash;
	struct guest_disk disk[GUEST_MAX_DISKS];
	unsigned int disks;
	struct guest_vif vif[GUEST_MAX_VIFS];
	unsigned int vifs;
	bool passthrough;		/* it may have PCI functions, now or later */
	struct guest_pci pci[GUEST_MAX_PCI];
	unsigned int pcis;
};

/*
 * The parser's warnings: called for settings that have no effect, or another effect than it seems.
 */
typedef void guest_warn_fn(void *arg, const char *text);

/*
 * Fills in @g from a parsed file. A name that nobody knows is an error with a proposal; so is one
 * that xl knows and Keel lacks, with what to use instead; one that changes nothing is a warning.
 * @file is for messages.
 */
int guest_from_cfg(struct guest_config *g, const struct cfg *c, const char *file,
		   guest_warn_fn *warn, void *arg, struct keel_error *e);
/* The same, but goes on after an error: @refuse gets each one. 0, or the first error. */
int guest_check_cfg(struct guest_config *g, const struct cfg *c, const char *file,
		    guest_warn_fn *warn, guest_warn_fn *refuse, void *arg, struct keel_error *e);
int guest_from_file(struct guest_config *g, const char *path, guest_warn_fn *warn, void *arg,
		    struct keel_error *e);
void guest_free(struct guest_config *g);

/* The same as JSON: what `keel create --dry-run` prints, and what keeld restarts a guest from. */
struct json_object *guest_to_json(const struct guest_config *g);
int guest_from_json(struct guest_config *g, struct json_object *j, struct keel_error *e);
/* Its settings, as if a file had them; @from names where it comes from and must stay. */
int guest_json_to_cfg(struct cfg *c, struct json_object *j, const char *from, struct keel_error *e);
/* The settings of the file at @path, which is in JSON if it begins with a brace, else as for xl. */
int guest_read_cfg(struct cfg *c, const char *path, struct keel_error *e);
/*
 * The lines of a file for guest_from_file() with the same guest: a text to free, or NULL without
 * memory.
 */
char *guest_to_text(const struct guest_config *g);

const char *guest_action_name(enum guest_action a);
int guest_action_from_name(const char *name, enum guest_action *a);
void guest_uuid_text(const unsigned char uuid[16], char out[37]);
/* A new one: RFC 4122, version 4. */
int guest_uuid_make(unsigned char uuid[16], struct keel_error *e);
int guest_uuid_parse(const char *text, unsigned char uuid[16]);
void guest_mac_text(const unsigned char mac[6], char out[18]);

/* One entry of `disk` and of `vif`; @e gets the text without file and line. */
int guest_parse_disk(struct guest_disk *d, const char *spec, guest_warn_fn *warn, void *arg,
		     struct keel_error *e);
int guest_parse_vif(struct guest_vif *v, const char *spec, guest_warn_fn *warn, void *arg,
		    struct keel_error *e);
/* Whether a program serves it: an image, or a disk with limits. */
bool guest_disk_served(const struct guest_disk *d);
/* What QEMU calls a disk's format, NULL included. */
const char *guest_format_qemu(const char *format);
/* The other way; NULL for raw and for what disks do not have. */
const char *guest_format_of_qemu(const char *qemu);
/* @path as it is seen from the current directory; to be freed. */
int guest_absolute(char **out, const char *path, struct keel_error *e);
/* Whether a guest may have the name. */
int guest_name_check(const char *name, struct keel_error *e);
/* Six bytes in hexadecimal, parted by colons; 0 or -EINVAL without a text. */
int guest_mac_parse(const char *text, unsigned char mac[6]);
/* guest_pci.c: one entry of `pci`: [SSSS:]BB:DD.F[,SETTING...]. */
int guest_parse_pci(struct guest_pci *p, const char *spec, guest_warn_fn *warn, void *arg,
		    struct keel_error *e);
/*
 * Only settings, as vf_settings_text() writes them: also those that drivers have and people may not
 * ask for. What cannot be read is left out, and the error is that of the first such.
 */
int vf_settings_parse(struct vf_settings *v, const char *spec, struct keel_error *e);
/* "mac=...,vlan=...": those that are given, in that order; "" if none is. */
#define VF_SETTINGS_TEXT 128
void vf_settings_text(const struct vf_settings *v, char out[VF_SETTINGS_TEXT]);
void guest_pci_text(uint32_t sbdf, char out[16]);
/*
 * guest_cpus.c: "0-3,^2", "all", "node:1": the CPUs of a list; @e gets the text without file and
 * line. Without @nodes the list is only checked: CPUs of a node are any.
 */
int guest_parse_cpus(struct guest_cpus *cpus, const char *list, const struct guest_nodes *nodes,
		     struct keel_error *e);
/* The other way: "0-1,3"; "all" for all of the first @nr_cpus. GUEST_CPUS_TEXT is enough. */
#define GUEST_CPUS_TEXT (GUEST_MAX_CPUS / 2 * 5)
void guest_cpus_text(const struct guest_cpus *cpus, unsigned int nr_cpus, char *out, size_t size);
/* The list for vCPU @vcpu, or NULL: it may run anywhere. */
const char *guest_affinity_of(const struct guest_affinity *a, unsigned int vcpu);
/* An interface's rate limit, "10Mb/s@50ms", into .rate_bytes and .rate_us. */
int guest_parse_rate(struct guest_vif *v, const char *rate, struct keel_error *e);
/* Where GRUB for PVH guests is: what `bootloader` and `firmware` are answered with. */
extern const char *guest_pvh_grub;
/* The number of a virtual block device from its name; 0 if it is none. */
unsigned int guest_vdev_number(const char *vdev);

#endif
