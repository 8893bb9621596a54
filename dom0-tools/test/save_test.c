/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * `keel save`, `restore`, `resume` and `migrate` on a simulated machine: domains with pages and
 * parameters, a guest that obeys control/shutdown or does not, and hypercalls, each of which can be
 * made to fail. A guest migrates to another process of this test, which has a machine of its own.
 * Streams are read back by the rules of Xen's documents, cut, damaged and forged at every record:
 * a restore refuses them, or takes them, and leaves nothing that is not the guest's.
 */
#include "test/check.h"
#include "test/run.h"
#include "test/warned.h"

#include <dirent.h>
#include <endian.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <xengnttab.h>
#include <xentoollog.h>
#include <zlib.h>

#include "keel/keel.h"
#include "lib/autostart.h"
#include "lib/device.h"
#include "lib/frames.h"
#include "lib/guest_libxl.h"
#include "lib/hyper.h"
#include "lib/layout.h"
#include "lib/lock.h"
#include "lib/migrate.h"
#include "lib/migrate_internal.h"
#include "lib/pci.h"
#include "lib/placement.h"
#include "lib/pool.h"
#include "lib/restore.h"
#include "lib/save.h"
#include "lib/store.h"
#include "lib/stream.h"

#include <public/grant_table.h>
#include <public/hvm/params.h>
#include <public/memory.h>
#include <public/sched.h>

#define PAGE		KEEL_PAGE_SIZE
#define MAX_GFNS	(1u << 20)
#define WEB		3		/* the guest that is saved */
#define NEW		7		/* the domain that a restore makes */
#define STATE		"the state of a virtual machine"	/* ends within 8 bytes */

/* A domain. */
struct dom {
	bool there, paused, shutdown;
	unsigned int reason, resumed, max_kib, claims, destroyed;
	unsigned char **page;
	uint64_t gfn[4096];		/* those that are there, or were */
	unsigned int gfns;
	uint64_t param[HVM_NR_PARAMS];
	struct xen_domctl_tsc_info tsc;
	char state[8192];
	size_t state_size;
	struct grant_entry_v1 grants[512];
	struct hyper_policy policy;
	struct vcpu_guest_context vcpu;
};

static struct keel k;
static struct dom web, new;
static const char config[] = "{\"name\":\"web\",\"uuid\":\"11223344-5566-7788-99aa-bbccddeeff00\",\"kernel\":\"/k\","
	"\"cmdline\":\"quiet\",\"memory\":144,\"maxmem\":200,\"vcpus\":2,\"maxvcpus\":3,\"cpu_weight\":512,"
	"\"disk\":[{\"target\":\"/d\",\"vdev\":\"xvda\"}],"
	"\"vif\":[{\"mac\":\"00:16:3e:00:00:07\",\"bridge\":\"br0\",\"rate\":\"10Mb/s@50ms\"}]}";
static const char *stored;
static char folder[] = "/tmp/save_test.XXXXXX", file[64];
static int fail_at, calls;	/* which hypercall or write fails, and how many there were */
static bool dies;		/* the process, where it would fail */
static uint64_t bad_gfn = ~0ULL;	/* that cannot be mapped */
static bool no_grants;		/* pages are mapped to be written */
static bool cannot_continue;
static bool keeps;		/* the pages of a domain that is destroyed, to be looked at */
static bool keeps_one;		/* page of those that are given back */
static unsigned int maps, tables;	/* that are open */
static int until_interrupt;
static uint64_t now, done, total;
static enum { OBEYS, IGNORES, ACKNOWLEDGES, CRASHES, LATE } guest;
static unsigned int waits;	/* since the guest was asked */
static char asked[16];		/* control/shutdown */
static char attached[256];
static struct skeleton written;
static char written_config[2048], introduced[64];

static struct dom *dom(unsigned int id)
{
	return id == WEB ? &web : &new;
}

static int failing(void)
{
	if (++calls != fail_at)
		return 0;
	if (dies)
		_exit(1);
	return -EIO;
}

static void drop_page(struct dom *d, uint64_t gfn)
{
	free(d->page[gfn]);
	d->page[gfn] = NULL;
}

static int add_page(struct dom *d, uint64_t gfn)
{
	if (gfn >= MAX_GFNS || d->gfns == sizeof(d->gfn) / sizeof(d->gfn[0]))
		return -ENOMEM;
	if (d->page[gfn])
		return -EBUSY;
	d->page[gfn] = calloc(1, PAGE);
	if (!d->page[gfn])
		return -ENOMEM;
	d->gfn[d->gfns++] = gfn;
	return 0;
}

static void end(struct dom *d)
{
	for (unsigned int i = 0; i < d->gfns; i++)
		drop_page(d, d->gfn[i]);
	d->gfns = 0;
	d->there = false;
	d->destroyed++;
}

static unsigned char byte_of(uint64_t gfn, size_t i)
{
	return gfn * 7 + i / 13 + 1;
}

static void add_pages(uint64_t first, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++) {
		assert_int_equal(add_page(&web, first + i), 0);
		for (size_t j = 0; j < PAGE; j++)
			web.page[first + i][j] = byte_of(first + i, j);
	}
}

static const struct hyper_leaf leaves[] = {
	{ 0, ~0u, 0xd, 1, 2, 3 }, { 1, ~0u, 5, 6, 0xff, 0xf0 }, { 7, 0, 0, 0xf, 0xf, 0xf },
	{ 0x80000001, ~0u, 0, 0, 3, 4 },
};

/* The guest, with @low pages from 0 on, but one: a hole. */
static void start_web(unsigned int low)
{
	unsigned char **pages = web.page;

	end(&web);
	web = (struct dom){ .there = true, .page = pages };
	add_pages(0, low / 2);
	add_pages(low / 2 + 1, low - low / 2);
	add_pages(LAYOUT_ACPI >> 12, 1);
	add_pages(PVH_STORE_GFN, 1);
	add_pages(PVH_CONSOLE_GFN, 1);
	web.param[HVM_PARAM_STORE_PFN] = PVH_STORE_GFN;
	web.param[HVM_PARAM_STORE_EVTCHN] = 1;
	web.param[HVM_PARAM_CONSOLE_PFN] = PVH_CONSOLE_GFN;
	web.param[HVM_PARAM_IDENT_PT] = 0xfed;
	web.tsc = (struct xen_domctl_tsc_info){
		.gtsc_khz = 2600000, .elapsed_nsec = 77, .incarnation = 4,
	};
	strcpy(web.state, STATE);
	web.state_size = sizeof(STATE) - 1;
	web.policy.nr_leaves = sizeof(leaves) / sizeof(leaves[0]);
	memcpy(web.policy.leaves, leaves, sizeof(leaves));
	web.policy.nr_msrs = 1;
	web.policy.msrs[0] = (struct hyper_msr){ 0xce, 0, 0x80 };
	web.vcpu.user_regs.rax = 0xaa;
	strcpy(asked, "-");
	guest = OBEYS;
	stored = config;
}

/* The hypervisor. */
static uint64_t top = PVH_CONSOLE_GFN;

/* At that look the guest has had a page where no memory is. 0: never. */
static unsigned int until_far;

long hyper_max_gfn(struct keel *q, unsigned int domid)
{
	if (until_far && !--until_far)
		top = 1ULL << 36;
	return failing() ? -EIO : (long)top;
}

/* The log of what the guest writes to: at each look so many pages from 0 on. */
static unsigned int looks, writes[8];
static bool logging;

int hyper_log_start(struct keel *q, unsigned int domid)
{
	assert_int_equal(domid, WEB);
	if (logging)
		return -EINVAL;
	if (failing())
		return -EIO;
	logging = true;
	looks = 0;
	return 0;
}

void hyper_log_stop(struct keel *q, unsigned int domid)
{
	logging = false;
}

static void write_page(unsigned char *bits, uint64_t gfn)
{
	bits[gfn / 8] |= 1u << gfn % 8;
	if (web.page[gfn])
		web.page[gfn][gfn % PAGE] += 1 + looks;
}

int hyper_log_read(struct keel *q, unsigned int domid, unsigned char *bits, uint64_t pages)
{
	assert_true(logging);
	if (failing())
		return -EIO;
	assert_true(pages > top || pages == FRAMES_MAX_GFN);
	memset(bits, 0, (pages + 7) / 8);
	for (unsigned int i = 0; i < writes[looks]; i++)
		write_page(bits, i);
	if (!looks++ && writes[0] > 5) {
		drop_page(&web, 5);	/* the guest gives it back */
		top = PVH_CONSOLE_GFN + 900;
		assert_int_equal(add_page(&web, top), 0);	/* and gets another one */
	} else if (looks == 2 && top == PVH_CONSOLE_GFN + 900) {
		write_page(bits, top);
	}
	return 0;
}

int hyper_frame_types(struct keel *q, unsigned int domid, uint64_t *gfns, unsigned int n)
{
	unsigned int there = 0;

	assert_in_range(n, 1, 1024);
	for (unsigned int i = 0; i < n; i++) {
		bool is = dom(domid)->page[gfns[i]];

		gfns[i] = is ? XEN_DOMCTL_PFINFO_NOTAB : XEN_DOMCTL_PFINFO_XTAB;
		there += is;
	}
	return there ? failing() : 0;
}

int hyper_get_policy(struct keel *q, unsigned int domid, struct hyper_policy *p)
{
	*p = dom(domid)->policy;
	return failing();
}

static uint32_t lacking;		/* features that this machine lacks */

int hyper_set_policy(struct keel *q, unsigned int domid, struct hyper_policy *p, uint32_t *bad_leaf,
		     uint32_t *bad_msr)
{
	new.policy = *p;
	new.policy.leaves[1].c &= ~lacking;
	*bad_leaf = *bad_msr = ~0u;
	if (failing()) {
		*bad_msr = 0xce;
		return -EIO;
	}
	return 0;
}

int hyper_default_policy(struct keel *q, struct hyper_policy *p)
{
	return -ENOSYS;
}

int hyper_get_tsc(struct keel *q, unsigned int domid, struct xen_domctl_tsc_info *t)
{
	*t = dom(domid)->tsc;
	return failing();
}

int hyper_put_tsc(struct keel *q, unsigned int domid, const struct xen_domctl_tsc_info *t)
{
	new.tsc = *t;
	return t->tsc_mode > 3 ? -EINVAL : failing();
}

int hyper_get_param(struct keel *q, unsigned int domid, unsigned int index, uint64_t *value)
{
	*value = dom(domid)->param[index];
	return failing();
}

int hyper_set_param(struct keel *q, unsigned int domid, unsigned int index, uint64_t value)
{
	if (index >= HVM_NR_PARAMS)
		return -EINVAL;
	new.param[index] = value;
	return failing();
}

long hyper_get_context(struct keel *q, unsigned int domid, void *out, size_t size)
{
	if (failing())
		return -EIO;
	if (out)
		memcpy(out, dom(domid)->state, size);
	return dom(domid)->state_size;
}

int hyper_set_context(struct keel *q, unsigned int domid, const void *data, size_t size)
{
	/* Of another vCPU's domain: all pages are there already, and the rings are empty. */
	if (size > sizeof(new.state))
		return -EINVAL;
	memcpy(new.state, data, size);
	new.state_size = size;
	return failing();
}

int hyper_vcpu_context(struct keel *q, unsigned int domid, unsigned int vcpu,
		       struct vcpu_guest_context *out)
{
	assert_int_equal(vcpu, 0);
	*out = dom(domid)->vcpu;
	return failing();
}

int hyper_set_vcpu_context(struct keel *q, unsigned int domid, unsigned int vcpu,
			   const struct vcpu_guest_context *in)
{
	assert_int_equal(vcpu, 0);
	dom(domid)->vcpu = *in;
	return failing();
}

int hyper_resume(struct keel *q, unsigned int domid)
{
	struct dom *d = dom(domid);

	if (cannot_continue || failing())
		return -EBUSY;
	assert_true(d->shutdown);
	d->shutdown = false;
	d->resumed++;
	return 0;
}

int hyper_pause(struct keel *q, unsigned int domid)
{
	if (failing())
		return -EIO;
	dom(domid)->paused = true;
	return 0;
}

int hyper_unpause(struct keel *q, unsigned int domid)
{
	if (failing())
		return -EIO;
	dom(domid)->paused = false;
	return 0;
}

int hyper_create_domain(struct keel *q, const struct hyper_create *c)
{
	unsigned char **pages = new.page;

	if (failing())
		return -EIO;
	end(&new);
	new = (struct dom){ .there = true, .paused = true, .page = pages };
	assert_in_range(c->max_vcpus, 1, GUEST_MAX_VCPUS);
	return NEW;
}

int hyper_max_vcpus(struct keel *q, unsigned int domid, unsigned int n)
{
	return failing();
}

int hyper_max_mem(struct keel *q, unsigned int domid, uint64_t kib)
{
	new.max_kib = kib;
	return failing();
}

int hyper_set_tsc(struct keel *q, unsigned int domid, unsigned int mode)
{
	return failing();
}

int hyper_paging_pool(struct keel *q, unsigned int domid, uint64_t bytes)
{
	return failing();
}

int hyper_claim(struct keel *q, unsigned int domid, uint64_t pages)
{
	new.claims = pages;
	return pages ? failing() : 0;
}

int hyper_sched_id(struct keel *q, unsigned int *id)
{
	*id = 6;
	return failing();
}

int hyper_sched_set(struct keel *q, unsigned int domid, unsigned int sched, unsigned int weight,
		    unsigned int cap)
{
	return failing();
}

int hyper_set_affinity(struct keel *q, unsigned int domid, unsigned int vcpu,
		       const struct guest_cpus *hard, const struct guest_cpus *soft)
{
	return failing();
}

int hyper_set_time_offset(struct keel *q, unsigned int domid, int seconds)
{
	return failing();
}

int hyper_alloc_unbound(struct keel *q, unsigned int domid)
{
	static int port = 8;

	return failing() ? -EIO : ++port;
}

int hyper_set_memory_map(struct keel *q, unsigned int domid, const struct hyper_e820 *map,
			 unsigned int n)
{
	return failing();
}

long hyper_populate(struct keel *q, unsigned int domid, const uint64_t *gfns, unsigned long n,
		    unsigned int order)
{
	assert_int_equal(domid, NEW);
	if (failing())
		return -ENOMEM;
	if (order)
		return 0;	/* no superpages here */
	for (unsigned long i = 0; i < n; i++) {
		if (new.gfns * 4 >= new.max_kib)
			return i;
		if (add_page(&new, gfns[i]))
			return i ? (long)i : -ENOMEM;
	}
	return n;
}

long hyper_give_back(struct keel *q, unsigned int domid, const uint64_t *gfns, unsigned long n)
{
	if (failing())
		return -EIO;
	for (unsigned long i = 0; i < n; i++) {
		assert_non_null(new.page[gfns[i]]);
		drop_page(&new, gfns[i]);
	}
	return n - keeps_one;
}

int hyper_physinfo(struct keel *q, struct xen_sysctl_physinfo *info)
{
	*info = (struct xen_sysctl_physinfo){ .free_pages = 1 << 20 };
	return 0;
}

int hyper_list(struct keel *q, unsigned int first, struct xen_domctl_getdomaininfo *out,
	       unsigned int max)
{
	return 0;
}

int hyper_parse_cpus(struct keel *q, struct guest_cpus *cpus, const char *list)
{
	return guest_parse_cpus(cpus, list, NULL, &q->err);
}

/* Pages, mapped one by one, and the grant table. */
static struct {
	unsigned char *copy;
	unsigned char **to;
	size_t n;
} mapped;

void *xenforeignmemory_map(xenforeignmemory_handle *h, uint32_t id, int prot, size_t n,
			   const xen_pfn_t gfns[], int err[])
{
	errno = EPERM;
	if (failing())
		return NULL;
	assert_in_range(n, 1, 1024);
	assert_null(mapped.copy);
	mapped.copy = aligned_alloc(PAGE, n * PAGE);
	mapped.to = calloc(n, sizeof(*mapped.to));
	mapped.n = n;
	for (size_t i = 0; i < n; i++) {
		unsigned char *page = gfns[i] < MAX_GFNS ? dom(id)->page[gfns[i]] : NULL;

		err[i] = !page || gfns[i] == bad_gfn ? -EINVAL : 0;
		memset(mapped.copy + i * PAGE, 0xee, PAGE);
		if (err[i])
			continue;
		memcpy(mapped.copy + i * PAGE, page, PAGE);
		mapped.to[i] = prot & PROT_WRITE ? page : NULL;
	}
	maps++;
	return mapped.copy;
}

int xenforeignmemory_unmap(xenforeignmemory_handle *h, void *addr, size_t n)
{
	assert_ptr_equal(addr, mapped.copy);
	assert_int_equal(n, mapped.n);
	for (size_t i = 0; i < n; i++)
		if (mapped.to[i])
			memcpy(mapped.to[i], mapped.copy + i * PAGE, PAGE);
	free(mapped.copy);
	free(mapped.to);
	mapped.copy = NULL;
	maps--;
	return 0;
}

xenforeignmemory_resource_handle *xenforeignmemory_map_resource(xenforeignmemory_handle *h,
	domid_t id, unsigned int type, unsigned int number, unsigned long frame, unsigned long frames,
	void **addr, int prot, int flags)
{
	assert_int_equal(type, XENMEM_resource_grant_table);
	errno = EPERM;
	if (failing())
		return NULL;
	tables++;
	*addr = new.grants;
	return (void *)new.grants;
}

int xenforeignmemory_unmap_resource(xenforeignmemory_handle *h, xenforeignmemory_resource_handle *r)
{
	tables--;
	return 0;
}

xengnttab_handle *xengnttab_open(struct xentoollog_logger *l, unsigned int flags)
{
	return no_grants ? NULL : (void *)&new;
}

int xengnttab_close(xengnttab_handle *h)
{
	return 0;
}

int xengnttab_grant_copy(xengnttab_handle *h, uint32_t n, xengnttab_grant_copy_segment_t *s)
{
	errno = EIO;
	if (failing())
		return -1;
	for (uint32_t i = 0; i < n; i++) {
		const struct grant_entry_v1 *e = &new.grants[s[i].dest.foreign.ref];
		bool good = s[i].dest.foreign.domid == NEW && e->flags == GTF_permit_access && !e->domid &&
			    e->frame < MAX_GFNS && new.page[e->frame] &&
			    s[i].dest.foreign.offset + s[i].len <= PAGE;

		s[i].status = good ? GNTST_okay : GNTST_general_error;
		if (good)
			memcpy(new.page[e->frame] + s[i].dest.foreign.offset, s[i].source.virt, s[i].len);
	}
	return 0;
}

/* Xenstore and the guest. */
static void obey(void)
{
	if (!strcmp(asked, "suspend") && guest != IGNORES && waits) {
		asked[0] = 0;
		web.shutdown = guest != ACKNOWLEDGES && guest != LATE;
		web.reason = guest == CRASHES ? SHUTDOWN_crash : SHUTDOWN_suspend;
	}
	if (guest == LATE && !asked[0] && waits > 150) {
		web.shutdown = true;
		web.reason = SHUTDOWN_suspend;
	}
	waits++;
}

char *store_read(struct keel *q, const char *fmt, ...)
{
	char path[STORE_PATH_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(path, sizeof(path), fmt, ap);
	va_end(ap);
	if (!strcmp(path, "/local/domain/3/control/feature-suspend"))
		return strdup("1");
	if (!strcmp(path, "/local/domain/3/memory/target"))
		return strdup("133120");
	if (!strncmp(path, "/local/domain/3/cpu/", 20))
		return strdup(path[20] == '2' ? "offline" : "online");
	return NULL;
}

int store_write(struct keel *q, const char *path, const char *fmt, ...)
{
	va_list ap;

	if (failing())
		return keel_fail(&q->err, EIO, "cannot write %s", path);
	assert_string_equal(path, "/local/domain/3/control/shutdown");
	va_start(ap, fmt);
	vsnprintf(asked, sizeof(asked), fmt, ap);
	va_end(ap);
	waits = 0;
	return 0;
}

static int handled_removed;

void store_remove(struct keel *q, const char *fmt, ...)
{
	handled_removed += strstr(fmt, "/handled") != NULL;
}

int store_run(struct keel *q, unsigned int domid, void (*body)(struct store_tx *t, void *arg),
	      void *arg)
{
	struct store_tx t = { .k = q, .domid = domid };

	if (failing())
		return keel_fail(&q->err, EIO, "cannot write domain %u's xenstore nodes", domid);
	body(&t, arg);
	return 0;
}

void store_put(struct store_tx *t, const char *path, const char *fmt, ...)
{
	va_list ap;

	if (strcmp(path, "/local/domain/3/control/shutdown"))
		return;
	va_start(ap, fmt);
	vsnprintf(asked, sizeof(asked), fmt, ap);
	va_end(ap);
}

void store_dir(struct store_tx *t, enum store_access a, const char *fmt, ...)
{
}

void *xs_read(struct xs_handle *h, xs_transaction_t t, const char *path, unsigned int *len)
{
	return strdup(asked);
}

bool xs_rm(struct xs_handle *h, xs_transaction_t t, const char *path)
{
	return true;
}

bool xs_watch(struct xs_handle *h, const char *path, const char *token)
{
	errno = EIO;
	return !failing();
}

bool xs_unwatch(struct xs_handle *h, const char *path, const char *token)
{
	return true;
}

int xs_fileno(struct xs_handle *h)
{
	static int null = -1;

	if (null < 0)
		null = open("/dev/null", O_RDONLY);
	return null;
}

char **xs_check_watch(struct xs_handle *h)
{
	return NULL;
}

static unsigned int xs_resumed;

bool xs_resume_domain(struct xs_handle *h, unsigned int domid)
{
	xs_resumed++;
	return true;
}

bool xs_introduce_domain(struct xs_handle *h, unsigned int domid, unsigned long gfn,
			 unsigned int port)
{
	errno = EIO;
	if (failing())
		return false;
	snprintf(introduced, sizeof(introduced), "%u %#lx %u", domid, gfn, port);
	return true;
}

/* The rest of the toolstack. */
static int fill_domain(unsigned int id, struct keel_domain *d)
{
	*d = (struct keel_domain){
		.id = id, .max_vcpus = 3, .memory_kib = dom(id)->gfns * 4, .shutdown = dom(id)->shutdown,
		.shutdown_reason = dom(id)->reason, .paused = dom(id)->paused,
	};
	strcpy(d->name, id == WEB ? "web" : "new");
	return dom(id)->there;
}

int keel_domain_by_id(struct keel *q, unsigned int id, struct keel_domain *d)
{
	obey();
	return fill_domain(id, d) ? 0 : keel_fail(&q->err, ESRCH, "there is no domain %u", id);
}

int keel_domain_find(struct keel *q, const char *who, struct keel_domain *d)
{
	if (!strcmp(who, "web") && fill_domain(WEB, d))
		return 0;
	return keel_fail(&q->err, ESRCH, "there is no domain named '%s'", who);
}

int keel_domain_find_guest(struct keel *q, const char *who, struct keel_domain *d)
{
	return keel_domain_find(q, who, d);
}

int keel_domain_by_uuid(struct keel *q, const unsigned char uuid[16], struct keel_domain *d)
{
	return keel_fail(&q->err, ESRCH, "no domain has this UUID");
}

int keel_domain_list(struct keel *q, struct keel_domain **out)
{
	return 0;
}

const char *keel_domain_reason_name(unsigned int reason)
{
	return reason == SHUTDOWN_crash ? "crash" : "suspend";
}

const char *keel_domain_state_name(const struct keel_domain *d)
{
	return "running";
}

int keel_domain_destroy(struct keel *q, unsigned int domid)
{
	struct dom *d = dom(domid);

	assert_true(d->there);
	if (keeps) {
		d->there = false;
		d->destroyed++;
	} else {
		end(d);
	}
	return 0;
}

int skeleton_need_config(struct keel *q, const struct keel_domain *d, struct guest_config *g)
{
	struct json_object *j = stored ? json_tokener_parse(stored) : NULL;
	int rc = j ? guest_from_json(g, j, &q->err) : keel_fail(&q->err, EPERM, "web was not made by keel");

	json_object_put(j);
	return rc;
}

int skeleton_write(struct keel *q, unsigned int domid, const struct skeleton *s)
{
	written = *s;
	snprintf(written_config, sizeof(written_config), "%s", s->config);
	return failing() ? keel_fail(&q->err, EIO, "no nodes") : 0;
}

int pool_find(struct keel *q, const char *who, struct pool *p)
{
	return keel_fail(&q->err, ESRCH, "there is no pool %s", who);
}

int placement_set(struct keel *q, unsigned int domid, const struct guest_config *g)
{
	return 0;
}

int disk_check(struct keel *q, const struct guest_disk *d)
{
	return failing() ? keel_fail(&q->err, EBUSY, "disk %s is in use", d->path) : 0;
}

int disk_check_file(struct keel *q, const struct guest_disk *d)
{
	return 0;
}

static void did(const char *fmt, ...)
{
	size_t n = strlen(attached);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(attached + n, sizeof(attached) - n, fmt, ap);
	va_end(ap);
}

int disk_attach(struct keel *q, unsigned int domid, const struct guest_disk *d)
{
	did("%u %s %s\n", domid, d->path, d->vdev);
	return failing() ? keel_fail(&q->err, EIO, "no disk") : 0;
}

int vif_check(struct keel *q, const struct guest_vif *v)
{
	return failing() ? keel_fail(&q->err, ENODEV, "there is no bridge") : 0;
}

void vif_choose_mac(struct guest_vif *v)
{
	v->has_mac = true;
}

int vif_attach(struct keel *q, unsigned int domid, struct guest_vif *v)
{
	char mac[18];

	guest_mac_text(v->mac, mac);
	did("%u %s %s %u %llu\n", domid, mac, v->bridge, v->devid, (unsigned long long)v->rate_bytes);
	return failing() ? keel_fail(&q->err, EIO, "no interface") : 0;
}

int pci_check(struct keel *q, uint32_t sbdf)
{
	return 0;
}

int pci_attach(struct keel *q, unsigned int domid, const struct guest_pci *p)
{
	return 0;
}

unsigned int pci_address_bits(void)
{
	return 40;
}

struct xentoollog_logger keel_silent;

int keel_open(struct keel *q, bool no_xenstore)
{
	q->version = 4 << 16 | 17;
	return 0;
}

bool keel_interrupted(struct keel *q)
{
	if (q->steady || !until_interrupt || --until_interrupt)
		return false;
	until_interrupt = 1;	/* the signal stays */
	keel_fail(&q->err, EINTR, "interrupted");
	return true;
}

void keel_progress(struct keel *q, const char *what, uint64_t so_far, uint64_t all)
{
	if (strcmp(what, "MiB of memory"))
		return;
	done = so_far;
	total = all;
}

void keel_hold_signals(sigset_t *old)
{
}

void keel_release_signals(const sigset_t *old)
{
}

uint64_t keel_now_ms(void)
{
	return now += 500;
}

/* How many files there are, without those of locks. */
static int files(void)
{
	DIR *d = opendir(folder);
	struct dirent *e;
	int n = 0;

	while ((e = readdir(d)))
		n += e->d_name[0] != '.' && strcmp(e->d_name, "run");
	closedir(d);
	return n;
}

static unsigned char *read_file(const char *path, size_t *size)
{
	struct stat st;
	FILE *f = fopen(path, "r");
	unsigned char *data;

	assert_non_null(f);
	assert_int_equal(fstat(fileno(f), &st), 0);
	*size = st.st_size;
	data = malloc(*size + 1);
	assert_int_equal(fread(data, 1, *size, f), *size);
	fclose(f);
	return data;
}

static int save_with(struct save_options o, struct save_result *r)
{
	struct keel_domain d;
	int rc;

	k = (struct keel){ .version = 4 << 16 | 17 };
	calls = 0;
	warned[0] = 0;
	fill_domain(WEB, &d);
	rc = keel_domain_save(&k, &d, file, &o, r);
	assert_int_equal(maps, 0);
	return rc;
}

static int save(void)
{
	struct save_result r;

	return save_with((struct save_options){ 0 }, &r);
}

static int restore_fd(int fd, const struct restore_options *o, struct keel_domain *d)
{
	int rc;

	k = (struct keel){ .version = 4 << 16 | 17 };
	calls = 0;
	attached[0] = introduced[0] = warned[0] = 0;
	end(&new);
	new.destroyed = 0;
	rc = keel_domain_restore(&k, fd, "F", o, d);
	close(fd);
	assert_int_equal(maps, 0);
	assert_int_equal(tables, 0);
	assert_null(mapped.copy);
	if (rc)
		assert_false(new.there);
	return rc;
}

static int restore(void)
{
	struct keel_domain d;

	return restore_fd(open(file, O_RDONLY), &(struct restore_options){ 0 }, &d);
}

static int restore_bytes(const void *data, size_t size)
{
	int fd = memfd_create("stream", MFD_CLOEXEC);
	struct keel_domain d;

	assert_int_equal(write(fd, data, size), size);
	lseek(fd, 0, SEEK_SET);
	return restore_fd(fd, &(struct restore_options){ 0 }, &d);
}

/* The restored guest is what was saved; its rings are empty. */
static void check_restored(unsigned int low)
{
	unsigned int pages = 0;

	for (unsigned int i = 0; i < new.gfns; i++) {
		uint64_t gfn = new.gfn[i];
		bool ring = gfn == PVH_STORE_GFN || gfn == PVH_CONSOLE_GFN;

		if (!new.page[gfn])
			continue;
		pages++;
		for (size_t j = 0; j < PAGE; j++)
			if (new.page[gfn][j] != (ring ? 0 : byte_of(gfn, j)))
				fail_msg("page %#lx, byte %zu", (unsigned long)gfn, j);
	}
	assert_int_equal(pages, low + 3);
	assert_null(new.page[low / 2]);
	assert_int_equal(new.param[HVM_PARAM_STORE_PFN], PVH_STORE_GFN);
	assert_int_equal(new.param[HVM_PARAM_CONSOLE_PFN], PVH_CONSOLE_GFN);
	assert_int_equal(new.param[HVM_PARAM_IDENT_PT], 0xfed);
	assert_int_not_equal(new.param[HVM_PARAM_STORE_EVTCHN], 1);
	assert_memory_equal(&new.tsc, &web.tsc, sizeof(web.tsc));
	assert_int_equal(new.state_size, sizeof(STATE) - 1);
	assert_memory_equal(new.state, STATE, sizeof(STATE) - 1);
	assert_memory_equal(&new.policy, &web.policy, sizeof(web.policy));
	assert_int_equal(new.max_kib, 201 << 10);
	assert_int_equal(new.claims, 0);
	assert_int_equal(new.grants[0].frame, PVH_CONSOLE_GFN);
	assert_int_equal(new.grants[1].frame, PVH_STORE_GFN);
	for (unsigned int i = 0; i < 512; i++)
		assert_int_equal(new.grants[i].flags, i < 2 ? GTF_permit_access : 0);
}

static void check_nodes(void)
{
	char says[64];

	snprintf(says, sizeof(says), "%u %#x %u", NEW, PVH_STORE_GFN, written.store_port);
	assert_string_equal(introduced, says);
	assert_string_equal(attached, "7 /d xvda\n7 00:16:3e:00:00:07 br0 0 62500\n");
	assert_int_equal(written.target_kib, 133120);
	assert_int_equal(written.online, 2);
	assert_int_equal(written.store_gfn, PVH_STORE_GFN);
	assert_int_equal(written.console_gfn, PVH_CONSOLE_GFN);
	assert_int_equal(written.store_port, new.param[HVM_PARAM_STORE_EVTCHN]);
	assert_int_equal(written.console_port, new.param[HVM_PARAM_CONSOLE_EVTCHN]);
}

static void round_trip(void **state)
{
	struct save_result r;
	struct stat st;

	for (unsigned int i = 0; i < 4; i++) {
		start_web(2300);
		no_grants = i & 1;
		assert_int_equal(save_with((struct save_options){ .pack = i & 2 }, &r), 0);
		assert_int_equal(done, total);
		assert_int_equal(r.pages, 2303);
		assert_int_equal(stat(file, &st), 0);
		assert_int_equal(r.size, st.st_size);
		assert_int_equal(st.st_mode & 0777, 0600);
		assert_true(i & 2 ? r.size < 1000 * PAGE : r.size > 2303 * PAGE);
		assert_false(web.there);
		assert_int_equal(files(), 1);
		assert_int_equal(restore(), 0);
		assert_true(new.there);
		assert_false(new.paused);
		check_restored(2300);
		check_nodes();
		assert_non_null(strstr(written_config, "\"name\":\"web\""));
		assert_non_null(strstr(written_config, "11223344-5566-7788-99aa-bbccddeeff00"));
	}
	no_grants = false;
	unlink(file);
}

/* A page that cannot be read is none of the restored guest's; what is left to others stays so. */
static void unreadable(void **state)
{
	start_web(40);
	bad_gfn = 7;
	assert_int_equal(save(), 0);
	bad_gfn = ~0ULL;
	assert_int_equal(restore(), 0);
	assert_null(new.page[7]);
	assert_non_null(new.page[6]);
	assert_non_null(new.page[8]);
	unlink(file);
}

static void then(void **state)
{
	struct save_result r;

	start_web(40);
	cannot_continue = false;
	handled_removed = 0;
	xs_resumed = 0;
	assert_int_equal(save_with((struct save_options){ .then = SAVE_CONTINUE }, &r), 0);
	assert_true(web.there);
	assert_int_equal(web.resumed, 1);
	assert_int_equal(web.vcpu.user_regs.rax, 1);
	assert_int_equal(handled_removed, 1);
	assert_int_equal(xs_resumed, 1);
	assert_false(web.paused);
	assert_true(r.suspended_ms > 0);
	assert_int_equal(save_with((struct save_options){ .then = SAVE_PAUSE }, &r), 0);
	assert_int_equal(web.resumed, 2);
	assert_true(web.paused);
	assert_int_equal(files(), 1);
	unlink(file);
}

/* Guests that do not suspend. */
static void asked_in_vain(void **state)
{
	static const struct {
		int guest, rc;
		const char *says;
	} cases[] = {
		{ IGNORES, -ETIMEDOUT, "it has not answered within 60 s" },
		{ ACKNOWLEDGES, -ETIMEDOUT, "has not within 120 s" },
		{ CRASHES, -ECANCELED, "web has ended (crash)" },
		{ LATE, 0, "" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		start_web(10);
		guest = cases[i].guest;
		assert_int_equal(save(), cases[i].rc);
		assert_contains(k.err.text, cases[i].says);
		assert_string_equal(asked, "");
		assert_int_equal(files(), cases[i].rc ? 0 : 1);
		assert_int_equal(web.there, cases[i].rc != 0);
		assert_int_equal(web.resumed, 0);
		unlink(file);
	}
	/* A signal: the guest that has not seen the request never will. */
	start_web(10);
	guest = IGNORES;
	until_interrupt = 3;
	assert_int_equal(save(), -EINTR);
	assert_string_equal(asked, "");
	/* One that has will suspend, and goes on at once. */
	for (int i = 2; i < 8; i++) {
		start_web(10);
		guest = OBEYS;
		until_interrupt = i;
		assert_int_equal(save(), -EINTR);
		assert_true(web.there && !web.shutdown);
		assert_int_equal(files(), 0);
	}
	/* However long it takes. */
	start_web(10);
	guest = LATE;
	until_interrupt = 40;
	assert_int_equal(save(), -EINTR);
	assert_true(web.there && !web.shutdown);
	assert_int_equal(web.resumed, 1);
	until_interrupt = 0;
}

/* Whatever fails: the guest runs, and the old file is what it was. */
static void failing_saves(void **state)
{
	struct save_result r;
	unsigned char *data;
	size_t size;
	FILE *f;
	int n, rc;

	for (n = 1;; n++) {
		f = fopen(file, "w");
		fputs("old", f);
		fclose(f);
		start_web(10);
		fail_at = n;
		rc = save_with((struct save_options){ .then = n % 2 ? SAVE_CONTINUE : SAVE_DESTROY }, &r);
		if (calls < n)
			break;
		assert_int_not_equal(rc, 0);
		assert_true(web.there);
		assert_int_equal(files(), 1);
		/* Only if its going on fails itself does it not. */
		if (web.shutdown)
			assert_contains(k.err.text, "web stays suspended");
		data = read_file(file, &size);
		if (!web.shutdown)
			assert_memory_equal(data, "old", 3);
		free(data);
	}
	fail_at = 0;
	assert_in_range(n, 15, 60);
	/* Two failures: both are told. */
	start_web(10);
	bad_gfn = ~0ULL;
	fail_at = 6;
	cannot_continue = true;
	assert_int_not_equal(save(), 0);
	assert_contains(warned, "web stays suspended");
	cannot_continue = false;
	fail_at = 0;
	unlink(file);
}

static void failing_restores(void **state)
{
	unsigned char *data;
	size_t size;
	int n, rc, tolerated = 0, ends[2];

	start_web(10);
	assert_int_equal(save(), 0);
	for (n = 1;; n++) {
		fail_at = n;
		rc = restore();
		if (calls < n)
			break;
		/* Where grants do not work, pages are mapped. */
		if (rc)
			assert_true(k.err.text[0]);
		else
			tolerated++;
	}
	fail_at = 0;
	assert_in_range(n, 25, 80);
	assert_in_range(tolerated, 1, 8);
	for (n = 1;; n++) {
		alloc_failed = 0;
		alloc_countdown = n;
		if (!restore())
			break;
		assert_true(alloc_failed);
		assert_int_equal(k.err.code, ENOMEM);
	}
	alloc_countdown = 0;
	/* A signal at any time. */
	for (n = 1;; n++) {
		until_interrupt = n;
		if (!restore())
			break;
		assert_int_equal(k.err.code, EINTR);
	}
	assert_in_range(n, 20, 100);
	/* Also while nothing comes. */
	assert_int_equal(pipe(ends), 0);
	until_interrupt = 2;
	assert_int_equal(restore_fd(ends[0], &(struct restore_options){ 0 }, &(struct keel_domain){ 0 }),
			 -EINTR);
	close(ends[1]);
	until_interrupt = 0;
	data = read_file(file, &size);
	assert_int_equal(restore_bytes(data, size), 0);
	free(data);
	unlink(file);
}

/* Records of a stream, as its rules say. */
struct record {
	size_t at, length;
	uint32_t type;
};

static size_t records(const unsigned char *data, size_t size, struct record *out, size_t max)
{
	uint32_t optional, head[2];
	size_t at, n = 0;

	assert_memory_equal(data, STREAM_XL_MAGIC, 32);
	memcpy(&optional, data + 44, 4);
	at = 48 + optional;
	assert_memory_equal(data + at, "LibxlFmt\0\0\0\2\0\0\0\0\1\0\0\0\0\0\0\0", 24);
	at += 24;
	assert_memory_equal(data + at, "\377\377\377\377\377\377\377\377XENF\0\0\0\3\0\0\0\0\0\0\0\0", 24);
	assert_memory_equal(data + at + 24, "\2\0\0\0\014\0\0\0\4\0\0\0\21\0\0\0", 16);
	at += 40;
	do {
		assert_true(at + 8 <= size && n < max);
		memcpy(head, data + at, 8);
		out[n++] = (struct record){ at, head[1], head[0] };
		at += 8 + (head[1] + 7) / 8 * 8;
	} while (head[0]);
	assert_int_equal(at + 8, size);
	assert_memory_equal(data + at, "\0\0\0\0\0\0\0\0", 8);
	return n;
}

static void form(void **state)
{
	static const uint32_t order[] = { 17, 18, 16, 1, 1, 1, 1, 1, 1, 1, 8, 10, 9, 0xec65654b, 0 };
	struct record r[32];
	unsigned char *data;
	uint64_t v[4], pages = 0;
	uint32_t crc;
	size_t size, n;

	start_web(2300);
	assert_int_equal(save(), 0);
	data = read_file(file, &size);
	n = records(data, size, r, 32);
	assert_int_equal(n, sizeof(order) / sizeof(order[0]));
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(r[i].type, order[i]);
		if (r[i].type != 1)
			continue;
		memcpy(v, data + r[i].at + 8, 16);
		assert_in_range(v[0], 1, 1024);
		assert_int_equal(r[i].length, 8 + v[0] * (8 + PAGE));
		/* A batch does not go over what could be a superpage. */
		assert_true(v[1] / 1024 == (v[1] + v[0] - 1) / 1024);
		pages += v[0];
	}
	assert_int_equal(pages, 2303);
	memcpy(&crc, data + r[n - 2].at + 8, 4);
	assert_int_equal(crc, crc32(0, data, r[n - 2].at));
	assert_int_equal(r[0].length, 4 * 24);
	assert_int_equal(r[1].length, 16);
	assert_int_equal(r[n - 4].length, 8 + 3 * 16);	/* parameters that have a value */
	memcpy(v, data + r[n - 5].at + 8, 24);
	assert_int_equal(v[0], 2600000ULL << 32);
	assert_int_equal(v[1], 77);
	assert_int_equal(v[2], 4);
	free(data);
	unlink(file);
}

/* The sum of what comes from a pipe. A guest meanwhile writes to its last page. */
static uint32_t read_while_written(int fd, unsigned char *last)
{
	static unsigned char data[PAGE];
	uint32_t crc = 0;
	ssize_t n;

	for (; (n = read(fd, data, sizeof(data))) > 0; ++*last)
		crc = crc32(crc, data, n);
	return crc;
}

/* The sum is that of the bytes that are sent, whatever a guest that runs does to its pages. */
static void written_meanwhile(void **state)
{
	enum { PAGES = 64 };
	unsigned char *pages = mmap(NULL, (PAGES + 1) * PAGE, PROT_READ | PROT_WRITE,
				    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	uint32_t *sum = (uint32_t *)(pages + PAGES * PAGE);
	uint64_t gfns[PAGES] = { 0 };
	int err[PAGES] = { 0 }, ends[2];
	struct stream_out out;
	pid_t pid;

	assert_int_equal(pipe(ends), 0);
	/* Room for one: the guest has written again long before the last one is on its way. */
	assert_int_equal(fcntl(ends[1], F_SETPIPE_SZ, PAGE), PAGE);
	pid = fork();
	if (!pid) {
		close(ends[1]);
		*sum = read_while_written(ends[0], pages + (PAGES - 1) * PAGE);
		_exit(0);
	}
	assert_int_equal(stream_out_open(&out, &k, ends[1], "a pipe", false), 0);
	assert_int_equal(stream_put_pages(&out, gfns, PAGES, pages, err), 0);
	close(ends[0]);
	close(ends[1]);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_int_equal(out.crc, *sum);
	stream_out_close(&out);
	munmap(pages, (PAGES + 1) * PAGE);
}

/* A stream in memory, to be changed. */
struct bytes {
	unsigned char *data;
	size_t size;
	struct record r[32];
	size_t n;
};

static void small(struct bytes *b)
{
	start_web(6);
	assert_int_equal(save(), 0);
	b->data = read_file(file, &b->size);
	b->n = records(b->data, b->size, b->r, 32);
	unlink(file);
}

/* The sum becomes right again. */
static void sum_up(struct bytes *b)
{
	size_t at = b->r[b->n - 2].at;
	uint32_t crc = crc32(0, b->data, at);

	memcpy(b->data + at + 8, &crc, 4);
}

static size_t index_of(const struct bytes *b, uint32_t type)
{
	for (size_t i = 0; i < b->n; i++)
		if (b->r[i].type == type)
			return i;
	fail_msg("no record of type %u", type);
	return 0;
}

static void put32(struct bytes *b, size_t at, uint32_t v)
{
	memcpy(b->data + at, &v, 4);
}

static void put64(struct bytes *b, size_t at, uint64_t v)
{
	memcpy(b->data + at, &v, 8);
}

/* Everything behind @at moves by @by bytes; what comes in between is zero. */
static void insert(struct bytes *b, size_t at, size_t by)
{
	b->data = realloc(b->data, b->size + by);
	memmove(b->data + at + by, b->data + at, b->size - at);
	memset(b->data + at, 0, by);
	b->size += by;
	for (size_t i = 0; i < b->n; i++)
		if (b->r[i].at >= at)
			b->r[i].at += by;
}

static void cut_out(struct bytes *b, size_t at, size_t by)
{
	memmove(b->data + at, b->data + at + by, b->size - at - by);
	b->size -= by;
	for (size_t i = 0; i < b->n; i++)
		if (b->r[i].at > at)
			b->r[i].at -= by;
}

static size_t whole(const struct record *r)
{
	return 8 + (r->length + 7) / 8 * 8;
}

/* Forged ones: at a place in the record of a type, a number; what is said of it. */
static void refused(void **state)
{
	static const struct {
		int64_t type;		/* -1: from the file's start; -2: from libxl's header */
		size_t at, bytes;
		uint64_t value;
		const char *says;
	} forged[] = {
		{ -1, 0, 4, 1, "F, head at byte 0: this is no saved guest" },
		{ -1, 30, 1, 'x', "this is no saved guest" },
		{ -1, 32, 4, 0x04030201, "another order of bytes" },
		{ -1, 36, 4, 1, "Xen 4.5" },
		{ -1, 36, 4, 7, "(flags 0x7, 0)" },
		{ -1, 40, 4, 1, "needs something" },
		{ -1, 44, 4, 3, "3 bytes cannot be a configuration" },
		{ -1, 44, 4, 2 << 20, "2097152 bytes cannot be a configuration" },
		{ -1, 48, 4, 1 << 20, "is longer than what holds it" },
		{ -1, 52, 1, '[', "F, configuration at byte 52: it is no JSON object" },
		{ -2, 0, 1, 'l', "\"LibxlFmt\"" },
		{ -2, 11, 1, 3, "version 3 is not known" },
		{ -2, 15, 1, 1, "options 0x1 are not known" },
		{ -2, 16, 4, 2, "it has type 2 and 0 bytes" },
		{ -2, 20, 4, 8, "it has type 1 and 8 bytes" },
		{ -2, 24, 1, 0, "does not begin as libxc's streams do" },
		{ -2, 32, 1, 0, "does not begin as libxc's streams do" },
		{ -2, 39, 1, 2, "version 2 is not known" },
		{ -2, 40, 2, 0x100, "options 0x1 are" },
		{ -2, 48, 4, 1, "the guest has type 1" },
		{ -2, 52, 2, 14, "1 << 14 bytes" },
		{ 17, 0, 4, 2, "F, a record at byte" },
		{ 17, 4, 4, 16 << 20, "CPUID_POLICY at byte" },
		{ 17, 4, 4, 16 << 20, "more than any has" },
		{ 17, 4, 4, 25, "25 bytes are not" },
		{ 17, 4, 4, 0, "0 bytes are not" },
		{ 18, 4, 4, 33 * 16, "are not 1 to 32 times 16" },
		{ 18, 0, 4, 17, "comes a second time" },
		{ 16, 0, 4, 1, "STATIC_DATA_END has not come before it" },
		{ 16, 0, 4, 0x80000010, "STATIC_DATA_END has not come before it" },
		{ 16, 4, 4, 8, "where none belong" },
		{ 17, 0, 4, 0x80000011, "CPUID_POLICY has not come before it" },
		{ 1, 4, 4, 7, "7 bytes are too few" },
		{ 1, 8, 4, 0, "it says that it has 0 pages" },
		{ 1, 8, 4, 1025, "it says that it has 1025 pages" },
		{ 1, 4, 4, 24, "24 bytes do not hold the numbers of 3 pages" },
		{ 1, 8, 4, 2, "2 pages would have" },
		{ 1, 16, 8, 1ULL << 60, "has type 1, which" },
		{ 1, 16, 8, 1ULL << 52, "has reserved bits" },
		{ 1, 16, 8, 1ULL << 30, "page 0x40000000 is beyond what a guest can have" },
		{ 1, 16, 8, 15ULL << 60 | 1, "2 pages would have" },
		{ 8, 4, 4, 16, "TSC_INFO at byte" },
		{ 8, 8, 4, 9, "refuses the state of the TSC (mode 9" },
		{ 8, 0, 4, 0x80000008, "TSC_INFO has not come before it" },
		{ 10, 4, 4, 0, "0 bytes are too few" },
		{ 10, 8, 4, 33, "do not hold 33 parameters" },
		{ 10, 8, 4, 2, "do not hold 2 parameters" },
		{ 10, 16, 8, 17, "do not say where xenstore's ring" },
		{ 10, 16, 8, 39, "HVM_PARAMS at byte" },
		{ 10, 16, 8, 39, "refuses parameter 39" },
		{ 10, 16, 8, 1ULL << 32, "there is no parameter 4294967296" },
		{ 10, 24, 8, 0x500, "names page 0x500, which the guest does not have" },
		{ 10, 24, 8, ~0ULL, "names page 0xffffffffffffffff" },
		{ 10, 24, 8, PVH_CONSOLE_GFN, "do not say where xenstore's ring" },
		{ 10, 0, 4, 0x8000000a, "HVM_PARAMS has not come before it" },
		{ 9, 4, 4, 0, "HVM_CONTEXT at byte" },
		{ 9, 0, 4, 0x80000009, "HVM_CONTEXT has not come before it" },
		{ RECORD_CRC, 8, 4, 1, "the data are damaged" },
		{ RECORD_CRC, 4, 4, 16, "are not 1 to 1 times 8" },
		{ RECORD_CRC, 0, 4, 0x80000000, "the sum has not come before it" },
		{ 0, 4, 4, 8, "END at byte" },
		{ 0, 8, 4, 1, "libxl's last record at byte" },
	};

	for (size_t i = 0; i < sizeof(forged) / sizeof(forged[0]); i++) {
		struct bytes b;
		uint32_t config_size;
		size_t at;

		small(&b);
		memcpy(&config_size, b.data + 44, 4);
		at = forged[i].type == -1 ? 0 : forged[i].type == -2 ? 48 + config_size :
		     b.r[index_of(&b, forged[i].type)].at;
		memcpy(b.data + at + forged[i].at, &forged[i].value, forged[i].bytes);
		if (forged[i].type != RECORD_CRC)
			sum_up(&b);
		if (!restore_bytes(b.data, b.size))
			fail_msg("%s: it is taken", forged[i].says);
		assert_contains(k.err.text, forged[i].says);
		free(b.data);
	}
}

/* Records at other places, once too often, and ones that nobody knows. */
static void moved(void **state)
{
	struct bytes b;
	size_t at, size;

	/* An optional record anywhere. */
	small(&b);
	insert(&b, b.r[1].at, 24);
	put32(&b, b.r[0].at + whole(&b.r[0]), 0x80001234);
	put32(&b, b.r[0].at + whole(&b.r[0]) + 4, 13);
	sum_up(&b);
	assert_int_equal(restore_bytes(b.data, b.size), 0);
	free(b.data);
	/* The same with a type that must be known. */
	small(&b);
	insert(&b, b.r[1].at, 16);
	put32(&b, b.r[0].at + whole(&b.r[0]), 13);
	sum_up(&b);
	assert_int_equal(restore_bytes(b.data, b.size), -EINVAL);
	assert_contains(k.err.text, "its type is 0xd");
	free(b.data);
	/* More parameters than there are. */
	small(&b);
	at = b.r[index_of(&b, RECORD_HVM_PARAMS)].at;
	insert(&b, at + 8 + b.r[index_of(&b, RECORD_HVM_PARAMS)].length, 33 * 16 - 3 * 16);
	put32(&b, at + 4, 8 + 33 * 16);
	put32(&b, at + 8, 33);
	sum_up(&b);
	assert_int_equal(restore_bytes(b.data, b.size), -EINVAL);
	assert_contains(k.err.text, "do not hold 33 parameters");
	free(b.data);
	/* Each record but pages twice. */
	for (size_t i = 0; i < 7; i++) {
		small(&b);
		if (b.r[i].type != RECORD_PAGE_DATA) {
			size = whole(&b.r[i]);
			at = b.r[i].at;
			insert(&b, at, size);
			memcpy(b.data + at, b.data + at + size, size);
			sum_up(&b);
			assert_int_equal(restore_bytes(b.data, b.size), -EINVAL);
			assert_contains(k.err.text, "it comes a second time");
		}
		free(b.data);
	}
	/* Static data behind their end. */
	small(&b);
	b.data = realloc(b.data, b.size + 64);
	at = b.r[0].at;
	size = whole(&b.r[1]);
	insert(&b, b.r[3].at, size);
	memcpy(b.data + b.r[2].at + whole(&b.r[2]), b.data + b.r[1].at, size);
	put32(&b, b.r[1].at, 0x80000012);
	sum_up(&b);
	assert_int_equal(restore_bytes(b.data, b.size), -EINVAL);
	assert_contains(k.err.text, "it comes behind STATIC_DATA_END");
	free(b.data);
	/* Without a record, what needs it is refused. */
	for (size_t i = 0; i < b.n - 1; i++) {
		small(&b);
		cut_out(&b, b.r[i].at, whole(&b.r[i]));
		if (b.r[i].type != RECORD_CRC)
			sum_up(&b);
		/* Of pages nobody says how many there are; but the rings are among them. */
		assert_int_equal(restore_bytes(b.data, b.size),
				 b.r[i].type == RECORD_MSR_POLICY || (b.r[i].type == RECORD_PAGE_DATA && i < 6) ?
				 0 : -EINVAL);
		free(b.data);
	}
}

/* What a live migration has: a page that comes twice, one that goes, one without contents. */
static void pages_again(void **state)
{
	struct bytes b;
	size_t at, first, size;

	small(&b);
	first = index_of(&b, RECORD_PAGE_DATA);
	at = b.r[first].at;
	size = whole(&b.r[first]);
	insert(&b, b.r[first + 1].at, size + 8 + 8 + 3 * 8);
	memcpy(b.data + at + size, b.data + at, size);
	b.data[at + 8 + 8 + 3 * 8] ^= 0xff;	/* the first copy has another byte */
	at += 2 * size;
	put32(&b, at, RECORD_PAGE_DATA);
	put32(&b, at + 4, 8 + 3 * 8);
	put32(&b, at + 8, 3);
	put64(&b, at + 16, 15ULL << 60 | 1);
	put64(&b, at + 24, 13ULL << 60 | 0x12345);
	put64(&b, at + 32, 14ULL << 60 | 0x777);
	sum_up(&b);
	assert_int_equal(restore_bytes(b.data, b.size), 0);
	assert_null(new.page[1]);
	assert_null(new.page[0x12345]);
	assert_non_null(new.page[0x777]);
	assert_int_equal(new.page[0][0], byte_of(0, 0));
	keeps_one = true;
	assert_int_equal(restore_bytes(b.data, b.size), -EIO);
	assert_contains(k.err.text, "cannot take pages");
	keeps_one = false;
	/* Taking it back fails. */
	fail_at = 0;
	for (int i = 1; i < 100; i++) {
		fail_at = i;
		if (!restore_bytes(b.data, b.size))
			break;
	}
	fail_at = 0;
	free(b.data);
}

static void cut_or_damaged(void **state)
{
	struct bytes b;

	small(&b);
	for (size_t i = 0; i < b.size; i += i % PAGE < 256 || i + 600 > b.size ? 1 : 97) {
		if (!restore_bytes(b.data, i))
			fail_msg("taken with %zu of %zu bytes", i, b.size);
		assert_contains(k.err.text, " at byte ");
	}
	for (size_t i = 0; i < b.size; i += i % PAGE < 256 || i + 600 > b.size ? 1 : 97) {
		b.data[i] ^= 1u << i % 8;
		if (!restore_bytes(b.data, b.size) && memcmp(new.state, STATE, sizeof(STATE) - 1))
			fail_msg("taken with byte %zu damaged", i);
		b.data[i] ^= 1u << i % 8;
	}
	free(b.data);
	/* A packed one. */
	start_web(6);
	assert_int_equal(save_with((struct save_options){ .pack = true }, &(struct save_result){ 0 }), 0);
	b.data = read_file(file, &b.size);
	for (size_t i = 0; i < b.size; i++) {
		assert_int_equal(restore_bytes(b.data, i), -EINVAL);
		assert_contains(k.err.text, " at byte ");
		b.data[i] ^= 1u << i % 8;
		if (!restore_bytes(b.data, b.size) && memcmp(new.state, STATE, sizeof(STATE) - 1))
			fail_msg("packed and taken with byte %zu damaged", i);
		b.data[i] ^= 1u << i % 8;
	}
	assert_int_equal(restore_bytes(b.data, b.size), 0);
	free(b.data);
	unlink(file);
}

/* A generator of its own, so that a seed says all (Marsaglia's xorshift). */
static uint64_t seed;

static uint64_t random_below(uint64_t n)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed % n;
}

static uint64_t odd_number(void)
{
	static const uint64_t odd[] = {
		0, 1, 2, 7, 8, 16, 24, 255, 1024, 1025, 4096, 0x7fffffff, 0x80000000, 0xffffffff, 1ULL << 30,
		1ULL << 52, 15ULL << 60, ~0ULL, PVH_STORE_GFN, PVH_CONSOLE_GFN, 17, 9,
	};

	uint64_t n = odd[random_below(sizeof(odd) / sizeof(odd[0]))];

	return random_below(4) ? n : n + random_below(3) - 1;
}

/* One change at random: a byte, a number in a record, a record that goes, or moves. */
static void change(struct bytes *b)
{
	struct record *r = &b->r[random_below(b->n)], *to = &b->r[random_below(b->n)];
	size_t at = r->at, size = whole(r);
	unsigned char *copy;

	switch (random_below(8)) {
	case 0:
		b->data[random_below(b->size)] ^= 1u << random_below(8);
		break;
	case 1:
		put32(b, at, random_below(2) ? b->r[random_below(b->n)].type : odd_number());
		break;
	case 2:
		put32(b, at + 4, random_below(2) ? odd_number() : r->length + random_below(17) - 8);
		break;
	case 3:
	case 4:
		if (size > 16)
			put64(b, at + 8 + random_below((size < 200 ? size : 200) - 15) / 8 * 8, odd_number());
		break;
	case 5:
		if (at + size < b->size)
			cut_out(b, at, size);
		break;
	case 6:
		copy = malloc(size);
		memcpy(copy, b->data + at, size);
		at = to->at;
		insert(b, at, size);
		memcpy(b->data + at, copy, size);
		free(copy);
		break;
	case 7:
		b->data[random_below(b->r[0].at)] = odd_number();
		break;
	}
}

static void fuzz(void **state)
{
	const char *env = getenv("SEED"), *rounds = getenv("ROUNDS");
	unsigned int taken = 0, n = rounds ? atoi(rounds) : 2000;
	uint64_t first = env ? strtoull(env, NULL, 0) : 1;
	struct bytes original, b;

	small(&original);
	for (unsigned int i = 0; i < n; i++) {
		seed = (first + i) * 0x9e3779b97f4a7c15ULL;
		b = original;
		b.data = malloc(b.size + 4 * PAGE);
		memcpy(b.data, original.data, b.size);
		for (unsigned int c = random_below(3); ; c--) {
			change(&b);
			/* Records have moved: one change is enough then. */
			if (!c || b.size != original.size)
				break;
		}
		if (random_below(8) && b.r[b.n - 2].at + 12 <= b.size)
			sum_up(&b);
		if (!random_below(16))
			b.size = random_below(b.size);
		if (!restore_bytes(b.data, b.size))
			taken++;
		else if (!k.err.text[0])
			fail_msg("seed %u: refused, and nothing says why", (unsigned int)(first + i));
		free(b.data);
	}
	free(original.data);
	/* Some changes do no harm; most do. */
	assert_in_range(taken, n / 100, n / 2);
}

/* A machine with fewer features. */
static void features(void **state)
{
	struct bytes b;

	small(&b);
	lacking = 0x10;
	assert_int_equal(restore_bytes(b.data, b.size), -ENOTSUP);
	assert_contains(k.err.text, "CPUID leaf 0x1, subleaf 0, lacks 0 0 0x10 0");
	lacking = 0;
	free(b.data);
}

/* The configuration in the head: what libxl writes, and what Keel refuses of it. */
static void restored_config(const char *json, int rc, const char *says)
{
	struct guest_saved s;
	struct keel_error e = { 0 };
	struct json_object *j = json_tokener_parse(json), *own;
	const char *text;

	assert_non_null(j);
	assert_int_equal(guest_from_libxl(&s, j, &e), rc);
	json_object_put(j);
	if (rc) {
		assert_contains(e.text, says);
		return;
	}
	own = guest_to_json(&s.g);
	text = json_object_to_json_string_ext(own, JSON_C_TO_STRING_PLAIN |
					      JSON_C_TO_STRING_NOSLASHESCAPE);
	if (strcmp(text, says))
		fail_msg("%s\nis not\n%s", text, says);
	json_object_put(own);
	guest_free(&s.g);
}

#define DISK ",\"disks\":[{\"pdev_path\":\"/d\",\"vdev\":\"xvda\","
#define HEAD "{\"c_info\":{\"type\":\"pvh\",\"name\":\"g\"},\"b_info\":{\"kernel\":\"/k\",\"target_memkb\":65536}"

static void configurations(void **state)
{
	restored_config("{\"c_info\":{\"type\":\"pvh\",\"name\":\"g2\",\"uuid\":\"11223344-5566-7788-99aa-bbccddeeff00\","
		"\"pool_name\":\"p\",\"run_hotplug_scripts\":\"True\"},\"b_info\":{\"max_vcpus\":4,\"avail_vcpus\":[0,1],"
		"\"vcpu_hard_affinity\":[[0,1],[2]],\"max_memkb\":204800,\"target_memkb\":147456,\"shadow_memkb\":9216,"
		"\"rtc_timeoffset\":4294967295,\"localtime\":\"True\",\"tsc_mode\":\"native\",\"max_grant_frames\":32,"
		"\"max_maptrack_frames\":4294967295,\"event_channels\":1023,\"sched_params\":{\"weight\":300,\"cap\":50},"
		"\"kernel\":\"/k\",\"cmdline\":\"quiet\",\"ramdisk\":\"/r\",\"type.pvh\":{}},\"disks\":[{\"pdev_path\":\"/d\","
		"\"vdev\":\"xvda\",\"backend\":\"phy\",\"format\":\"raw\",\"removable\":1,\"readwrite\":1},{\"pdev_path\":"
		"\"/e\",\"vdev\":\"xvdb\",\"format\":\"raw\",\"readwrite\":0,\"discard_enable\":\"False\"}],\"nics\":[{\"devid\":1,"
		"\"mac\":\"00:16:3e:00:00:02\",\"bridge\":\"xenbr0\",\"script\":\"/etc/xen/scripts/vif-bridge\",\"nictype\":"
		"\"vif\",\"mtu\":1400,\"rate_bytes_per_interval\":62500,\"rate_interval_usecs\":50000}],\"on_reboot\":"
		"\"restart\",\"on_crash\":\"restart_rename\",\"on_soft_reset\":\"soft_reset\"}", 0,
		"{\"name\":\"g2\",\"uuid\":\"11223344-5566-7788-99aa-bbccddeeff00\",\"type\":\"pvh\",\"kernel\":\"/k\","
		"\"ramdisk\":\"/r\",\"cmdline\":\"quiet\",\"memory\":144,\"maxmem\":200,\"vcpus\":2,\"maxvcpus\":4,"
		"\"cpu_weight\":300,\"cap\":50,\"tsc_mode\":\"native\",\"max_event_channels\":1023,\"max_grant_frames\":32,"
		"\"max_maptrack_frames\":1024,\"shadow_memory\":9,\"rtc_timeoffset\":-1,\"localtime\":1,\"pool\":\"p\","
		"\"cpus\":[\"0,1\",\"2\"],\"on_poweroff\":\"destroy\",\"on_reboot\":\"restart\",\"on_watchdog\":\"destroy\","
		"\"on_crash\":\"rename-restart\",\"disk\":[{\"target\":\"/d\",\"vdev\":\"xvda\",\"readonly\":false},{\"target\":"
		"\"/e\",\"vdev\":\"xvdb\",\"readonly\":true,\"discard\":false}],\"vif\":[{\"mac\":\"00:16:3e:00:00:02\","
		"\"bridge\":\"xenbr0\",\"rate\":\"1250000B/s@50000us\",\"devid\":1,\"mtu\":1400}]}");
	restored_config("{\"c_info\":{\"type\":\"hvm\"}}", -EINVAL, "of type hvm; only pvh");
	restored_config("{}", -EINVAL, "of type (none)");
	restored_config("{\"c_info\":3,\"b_info\":[]}", -EINVAL, "of type (none)");
	restored_config(HEAD ",\"vfbs\":[{}]}", -EINVAL, "(vfbs)");
	restored_config(HEAD ",\"pcidevs\":[{}]}", -EINVAL, "(pcidevs)");
	restored_config(HEAD DISK "\"format\":\"qcow2\"}]}", -EINVAL, "qcow2");
	restored_config(HEAD DISK "\"script\":\"block-nbd\"}]}", -EINVAL,
			"the script 'block-nbd'");
	restored_config(HEAD ",\"disks\":[7]}", -EINVAL, "disk");
	restored_config("{\"c_info\":{\"type\":\"pvh\",\"name\":\"a/b\"},\"b_info\":{\"kernel\":\"/k\"}}",
			-EINVAL, "name");
	restored_config("{\"keel\":[]}", -EINVAL, "no JSON object");
	restored_config("{\"keel\":{\"name\":\"x\",\"kernel\":\"/k\",\"memory\":\"y\"}}", -EINVAL,
			"memory");
}

/* Streams in the folder beside: of this program when it was new, and of xl. They stay readable. */
static void samples(void **state)
{
	DIR *d = opendir("dom0-tools/test/saved");
	struct dirent *e;
	unsigned int n = 0;

	assert_non_null(d);
	while ((e = readdir(d))) {
		char path[300];

		if (e->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "dom0-tools/test/saved/%s", e->d_name);
		lacking = 0;
		if (restore_fd(open(path, O_RDONLY), &(struct restore_options){ 0 }, &(struct keel_domain){ 0 }))
			fail_msg("%s: %s", e->d_name, k.err.text);
		assert_true(new.gfns > 3);
		n++;
	}
	closedir(d);
	assert_in_range(n, 2, 99);
}

static int run(const struct command *c, ...)
{
	char *argv[8] = { (char *)c->name }, *w;
	FILE *out = stdout, *err = stderr;
	int argc = 1, rc;
	size_t size;
	va_list ap;

	va_start(ap, c);
	while ((w = va_arg(ap, char *)))
		argv[argc++] = w;
	va_end(ap);
	free(printed);
	printed = NULL;
	k = (struct keel){ .version = 4 << 16 | 17 };
	warned[0] = 0;
	stdout = stderr = open_memstream(&printed, &size);
	rc = c->run(&k, argc, argv);
	fclose(stdout);
	stdout = out;
	stderr = err;
	return rc;
}

/* The other side: a process that reads commands of its own. What it has then is in the file. */
static char peer[300], arrived[80], conversation[80];

static void write_arrived(void)
{
	FILE *f = fopen(arrived, "w");

	for (unsigned int i = 0; i < new.gfns; i++)
		if (new.page[new.gfn[i]]) {
			fwrite(&new.gfn[i], sizeof(new.gfn[i]), 1, f);
			fwrite(new.page[new.gfn[i]], PAGE, 1, f);
		}
	fclose(f);
}

static int ignore_policy(void *arg, const struct hyper_policy *p)
{
	return 0;
}

static int ignore_pages(void *arg, const uint64_t *gfns, unsigned int n, const unsigned char *data)
{
	return 0;
}

static int ignore_none(void *arg, const uint64_t *gfns, unsigned int n)
{
	return 0;
}

static int ignore_state(void *arg, const struct stream_state *st)
{
	return 0;
}

static void say(const char *words, size_t size)
{
	if (write(1, words, size) != (ssize_t)size)
		_exit(1);
}

/*
 * Talks as @parts say: b(anner), s(tream), r(eady), g(o), o(k), f(ailure), G(o back), w(ait), x: a
 * report that is none.
 */
static int talk(const char *parts)
{
	static const struct stream_ops ops = { ignore_policy, ignore_pages, ignore_none, ignore_state };
	struct json_object *j;
	struct stream_in in;

	for (; *parts; parts++) {
		if (*parts == 'b')
			say(MIGRATE_BANNER, sizeof(MIGRATE_BANNER) - 1);
		if (*parts == 's' && (stream_in_open(&in, &k, 0, "S") || stream_read_head(&in, &j) ||
				      stream_read_body(&in, &ops, NULL, true)))
			return 1;
		if (*parts == 'r')
			say(MIGRATE_READY, sizeof(MIGRATE_READY));
		if (*parts == 'g' && migrate_expect(&k, 0, "S", MIGRATE_GO, sizeof(MIGRATE_GO)))
			return 1;
		if (*parts == 'o' || *parts == 'f')
			say(*parts == 'o' ? MIGRATE_REPORT "\0" : MIGRATE_REPORT "\0\1",
			    sizeof(MIGRATE_REPORT) + 1);
		if (*parts == 'G')
			say(MIGRATE_GO, sizeof(MIGRATE_GO));
		if (*parts == 'x')
			say("my copy!\0", 9);
		if (*parts == 'w')
			sleep(30);
	}
	return 0;
}

/* save_test FILE talk PARTS | fail N | die N: with N 0 it receives a guest. */
static int be_peer(char **argv)
{
	struct keel_domain d;
	int rc;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	k = (struct keel){ .version = 4 << 16 | 17 };
	if (!strcmp(argv[2], "talk"))
		_exit(talk(argv[3]));
	snprintf(arrived, sizeof(arrived), "%s", argv[1]);
	fail_at = atoi(argv[3]);
	dies = !strcmp(argv[2], "die");
	rc = keel_migrate_receive(&k, 0, 1, &d);
	/* After a failure nothing must be left. */
	if (maps || tables || (rc ? new.there : new.there && !new.paused))
		write_arrived();
	_exit(calls < fail_at ? 2 : rc != 0);
}

/* A guest moves to one that does as the words say. */
static int migrate(struct migrate_result *r, const char *how, const char *what)
{
	char command[500];
	struct keel_domain d;
	int rc;

	snprintf(command, sizeof(command), "\"%s\" %s %s %s; echo $? >%s", peer, arrived, how, what,
		 conversation);
	unlink(arrived);
	k = (struct keel){ .version = 4 << 16 | 17 };
	calls = 0;
	warned[0] = 0;
	logging = false;
	top = PVH_CONSOLE_GFN;
	fill_domain(WEB, &d);
	rc = keel_domain_migrate(&k, &d, command, "h", r);
	assert_int_equal(maps, 0);
	return rc;
}

/* What has arrived is what the guest has, or had; nothing is missing. */
static void check_arrived(void)
{
	static const unsigned char zeros[PAGE];
	unsigned char *data;
	unsigned int there = 0;
	size_t size;

	data = read_file(arrived, &size);
	for (size_t at = 0; at < size; at += 8 + PAGE) {
		uint64_t gfn;

		memcpy(&gfn, data + at, 8);
		assert_non_null(web.page[gfn]);
		assert_memory_equal(data + at + 8, gfn == PVH_STORE_GFN || gfn == PVH_CONSOLE_GFN ? zeros :
				    web.page[gfn], PAGE);
		there += web.page[gfn] != NULL;
	}
	free(data);
	for (unsigned int i = 0; i < web.gfns; i++)
		there -= web.page[web.gfn[i]] != NULL;
	assert_int_equal(there, 0);
}

/* It runs here, and only here. */
static void check_stayed(void)
{
	assert_true(web.there);
	assert_false(web.shutdown);
	assert_false(logging);
	assert_int_equal(access(arrived, F_OK), -1);
}

static int read_number(const char *path)
{
	FILE *f = fopen(path, "r");
	int n = -1;

	assert_non_null(f);
	assert_int_equal(fscanf(f, "%d", &n), 1);
	fclose(f);
	return n;
}

static void migrations(void **state)
{
	static const unsigned int busy[] = { 300, 200, 100, 80, 70, 20 }, idle[] = { 64, 10 };
	struct migrate_result r;

	keeps = true;
	start_web(600);
	memcpy(writes, busy, sizeof(busy));
	assert_int_equal(migrate(&r, "fail", "0"), 0);
	assert_int_equal(r.rounds, 5);
	/* The page that came, too; what was written to before the end is sent once. */
	assert_int_equal(r.pages, 603 + 300 + 201 + 100 + 80 + 70);
	assert_true(r.size > 1350 * PAGE);
	assert_true(r.suspended_ms && r.suspended_ms < r.total_ms);
	assert_int_equal(web.destroyed, 1);
	check_arrived();
	/* One that writes little: suspended at once. */
	start_web(600);
	memset(writes, 0, sizeof(writes));
	memcpy(writes, idle, sizeof(idle));
	assert_int_equal(migrate(&r, "fail", "0"), 0);
	assert_int_equal(r.rounds, 1);
	assert_int_equal(r.pages, 603 + 64 + 1);
	check_arrived();
	memset(writes, 0, sizeof(writes));
	keeps = false;
}

/* One page far up: the lists end where no guest has memory. */
static void far_up(void **state)
{
	static const unsigned int idle[] = { 5, 5 };
	struct migrate_result r;

	start_web(600);
	memcpy(writes, idle, sizeof(idle));
	until_far = 2;
	assert_int_equal(migrate(&r, "fail", "0"), 0);
	assert_int_equal(until_far, 0);
	assert_int_equal(r.pages, 603 + 5);
	memset(writes, 0, sizeof(writes));
	top = PVH_CONSOLE_GFN;
}

/* Whatever fails, on whatever side: it runs on one, or it is said that this is not known. */
static void failing_migrations(void **state)
{
	struct migrate_result r;
	char number[12];
	int n, rc, said, refused = 0;

	for (n = 1;; n++) {
		start_web(10);
		fail_at = n;
		rc = migrate(&r, "fail", "0");
		if (calls < n)
			break;
		assert_int_not_equal(rc, 0);
		if (web.shutdown)
			assert_contains(warned, "web stays suspended");
		else
			check_stayed();
	}
	assert_in_range(n, 15, 60);
	for (n = 2; n < 200; n += 7) {
		snprintf(number, sizeof(number), "%d", n);
		start_web(10);
		fail_at = 0;
		rc = migrate(&r, "fail", number);
		if (!rc)
			assert_false(web.there);
		else
			assert_true(web.there && !web.shutdown && !logging);
		start_web(10);
		rc = migrate(&r, "die", number);
		if (rc && rc != -EREMOTEIO)
			check_stayed();
		said = read_number(conversation);
		if (said == 2)
			break;
	}
	assert_in_range(n, 25, 90);
	/* The last of its calls let the guest run, when it has been told that it may. */
	for (n -= 7;; n++) {
		snprintf(number, sizeof(number), "%d", n);
		start_web(10);
		rc = migrate(&r, "fail", number);
		if (read_number(conversation) == 2)
			break;
		if (rc != -EREMOTEIO)
			continue;
		assert_contains(k.err.text, "it goes on here");
		check_stayed();
		refused++;
	}
	assert_true(refused);
	for (n = 1;; n += 1 + n / 2) {
		start_web(10);
		until_interrupt = n;
		rc = migrate(&r, "fail", "0");
		if (!rc)
			break;
		if (rc == -EREMOTEIO)
			assert_contains(k.err.text, "is not known (interrupted)");
		else
			check_stayed();
	}
	until_interrupt = 0;
	assert_in_range(n, 50, 5000);
}

static void interrupt(int signal)
{
	until_interrupt = 1;
}

static void other_sides(void **state)
{
	static const struct sigaction alarmed = { .sa_handler = interrupt, .sa_flags = SA_RESTART };
	static const struct {
		const char *talk;
		int rc;
		bool stays;
		const char *says;
	} cases[] = {
		{ "", -ECONNRESET, true, "the other side has ended before it was done" },
		{ "r", -EPROTO, true, "the other side says something else ('d...') than 'xl migr" },
		{ "b", -EPIPE, true, "cannot write the other side" },
		{ "bs", -ECONNRESET, true, "has ended before it was done" },
		{ "bsb", -EPROTO, true, "says something else ('x...') than 'domain received" },
		{ "bsrg", -EREMOTEIO, false,
		  "whether web runs on the other side is not known (the other side has ended" },
		{ "bsrgb", -EREMOTEIO, false, "`keel destroy web` here; if not, `keel resume web`" },
		{ "bsrgx", -EREMOTEIO, false, "is not known" },
		{ "bsrgf", -EREMOTEIO, false, "is not known" },
		{ "bsrgfG", -EREMOTEIO, true, "web cannot run on the other side; it goes on here" },
		{ "bsrgo", 0, false, "" },
	};
	struct migrate_result r;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		start_web(200);
		assert_int_equal(migrate(&r, "talk", *cases[i].talk ? cases[i].talk : "-"), cases[i].rc);
		assert_contains(k.err.text, cases[i].says);
		if (cases[i].stays)
			check_stayed();
		else
			assert_int_equal(web.there && web.shutdown, cases[i].rc != 0);
	}
	/* One that does not listen: a signal ends the wait for room, long before its process ends. */
	start_web(200);
	unlink(conversation);
	sigaction(SIGALRM, &alarmed, NULL);
	alarm(1);
	assert_int_equal(migrate(&r, "talk", "bw"), -EINTR);
	until_interrupt = 0;
	assert_int_not_equal(r.size, 0);
	assert_int_equal(access(conversation, F_OK), -1);
	check_stayed();
}

/* It is not told that it may run the guest: it says nothing of how that went, and keeps nothing. */
static void not_allowed(void **state)
{
	static const char said[] = MIGRATE_BANNER MIGRATE_READY;
	int in = memfd_create("in", MFD_CLOEXEC), out = memfd_create("out", MFD_CLOEXEC);
	unsigned char *data, answer[200];
	struct keel_domain d;
	size_t size;

	start_web(10);
	assert_int_equal(save(), 0);
	data = read_file(file, &size);
	assert_int_equal(write(in, data, size), size);
	assert_int_equal(write(in, "domain is mine", 15), 15);
	lseek(in, 0, SEEK_SET);
	end(&new);
	assert_int_equal(keel_migrate_receive(&k, in, out, &d), -EPROTO);
	assert_contains(k.err.text, "says something else ('domain is m...')");
	assert_false(new.there);
	assert_int_equal(pread(out, answer, sizeof(answer), 0), sizeof(said));
	assert_memory_equal(answer, said, sizeof(said));
	close(in);
	close(out);
	free(data);
	unlink(file);
}

static void migrate_commands(void **state)
{
	static const struct command *const all[] = { &cmd_migrate, &cmd_migrate_receive, NULL };
	char words[500], script[80], stays[80];
	FILE *f;

	snprintf(script, sizeof(script), "%s/peer", folder);
	f = fopen(script, "w");
	fprintf(f, "#!/bin/sh\nexec %s %s fail 0\n", peer, arrived);
	fclose(f);
	chmod(script, 0700);
	start_web(10);
	k = (struct keel){ .version = 4 << 16 | 17 };
	assert_int_equal(run(&cmd_migrate, "web", NULL), KEEL_EXIT_USAGE);
	assert_int_equal(run(&cmd_migrate, "web", "-oProxyCommand=x", NULL), KEEL_EXIT_USAGE);
	assert_int_equal(run(&cmd_migrate, "web", "", NULL), KEEL_EXIT_USAGE);
	assert_int_equal(run(&cmd_migrate, "nobody", "h", NULL), KEEL_EXIT_NO_GUEST);
	assert_int_equal(run(&cmd_migrate, "web", "--", "-x", NULL), KEEL_EXIT_USAGE);
	assert_contains(printed, "'-x' is no host");
	snprintf(words, sizeof(words), "migrate -n --json --ssh= web %s", script);
	assert_int_equal(run_command(&k, all, words), KEEL_EXIT_OK);
	assert_contains(printed, "\"dry_run\":true");
	check_stayed();
	/* What starts with Dom0 would run twice. */
	keel_autostart_dir = folder;
	snprintf(stays, sizeof(stays), "%s/web.json", folder);
	fclose(fopen(stays, "w"));
	snprintf(words, sizeof(words), "migrate --json --ssh= web %s", script);
	k = (struct keel){ .version = 4 << 16 | 17 };
	warned[0] = 0;
	assert_int_equal(run_command(&k, all, words), KEEL_EXIT_OK);
	assert_contains(printed, "\"rounds\":1");
	assert_contains(printed, "\"pages\":13");
	assert_contains(printed, "\"suspended_ms\":");
	assert_contains(printed, "\"result\":\"migrated\"");
	assert_contains(warned, "web is not started here any more");
	assert_int_equal(access(stays, F_OK), -1);
	assert_false(web.there);
	/* By a command for ssh, whose host is one word. */
	start_web(10);
	logging = false;
	snprintf(words, sizeof(words), "f() { [ \"$*\" = 'a $b keel migrate-receive' ] && %s; }; f",
		 script);
	assert_int_equal(run(&cmd_migrate, "-s", words, "web", "a $b", NULL), KEEL_EXIT_OK);
	assert_contains(printed, "web (domain 3): migrated: a $b; it took ");
	unlink(arrived);
	unlink(script);
}

static void commands_work(void **state)
{
	start_web(10);
	assert_int_equal(run(&cmd_save, "web", NULL), KEEL_EXIT_USAGE);
	assert_int_equal(run(&cmd_save, "nobody", file, NULL), KEEL_EXIT_NO_GUEST);
	assert_int_equal(run(&cmd_save, "web", folder, NULL), KEEL_EXIT_FAILED);
	assert_contains(printed, "not a regular file");
	assert_int_equal(run(&cmd_save, "-n", "web", file, NULL), KEEL_EXIT_OK);
	assert_contains(printed, "web (domain 3): would be saved: /");
	assert_int_equal(files(), 0);
	assert_int_equal(run(&cmd_resume, "web", NULL), KEEL_EXIT_FAILED);
	assert_contains(printed, "web is not suspended");
	assert_int_equal(run(&cmd_save, "--json", "-c", "web", file, NULL), KEEL_EXIT_OK);
	assert_contains(printed, "\"pages\":13");
	assert_contains(printed, "\"suspended_ms\":");
	assert_contains(printed, "\"result\":\"saved, and goes on\"");
	assert_int_equal(run(&cmd_restore, file, NULL), KEEL_EXIT_FAILED);
	assert_contains(printed, "the name 'web' is taken");
	assert_int_equal(run(&cmd_restore, "-N", "a/b", file, NULL), KEEL_EXIT_USAGE);
	assert_int_equal(run(&cmd_restore, "-n", "--name", "twin", file, NULL), KEEL_EXIT_OK);
	assert_string_equal(printed, "twin (domain 0): would be restored\n");
	assert_int_equal(run(&cmd_restore, "-p", "--name=twin", file, NULL), KEEL_EXIT_OK);
	assert_string_equal(printed, "twin (domain 7): restored, paused\n");
	assert_true(new.there && new.paused);
	assert_contains(written_config, "\"name\":\"twin\"");
	end(&new);
	assert_int_equal(run(&cmd_restore, "/nowhere", NULL), KEEL_EXIT_FAILED);
	assert_contains(printed, "cannot open /nowhere");
	assert_int_equal(run(&cmd_save, "-p", "web", file, NULL), KEEL_EXIT_OK);
	assert_contains(printed, "saved, and is paused");
	web.shutdown = true;
	web.reason = SHUTDOWN_suspend;
	assert_int_equal(run(&cmd_save, "web", file, NULL), KEEL_EXIT_FAILED);
	assert_contains(printed, "`keel resume web` lets it go on");
	assert_int_equal(run(&cmd_resume, "-n", "web", NULL), KEEL_EXIT_OK);
	assert_true(web.shutdown);
	assert_int_equal(run(&cmd_resume, "--json", "web", NULL), KEEL_EXIT_OK);
	assert_contains(printed, "\"result\":\"resumed\"");
	assert_false(web.shutdown);
	web.shutdown = true;
	web.reason = SHUTDOWN_crash;
	assert_int_equal(run(&cmd_save, "web", file, NULL), KEEL_EXIT_FAILED);
	assert_contains(printed, "web has ended, and cannot be saved");
	start_web(10);
	stored = NULL;
	assert_int_equal(run(&cmd_save, "web", file, NULL), KEEL_EXIT_FAILED);
	assert_contains(printed, "not made by keel");
	stored = "{\"name\":\"web\",\"kernel\":\"/k\",\"memory\":64,\"pci\":[\"0000:01:00.0\"]}";
	assert_int_equal(run(&cmd_save, "web", file, NULL), KEEL_EXIT_FAILED);
	assert_contains(printed, "PCI functions, whose state nobody can save");
	unlink(file);
}

int main(int argc, char **argv)
{
	/* The slow ones last. */
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(round_trip), cmocka_unit_test(unreadable), cmocka_unit_test(then),
		cmocka_unit_test(asked_in_vain), cmocka_unit_test(failing_saves),
		cmocka_unit_test(failing_restores), cmocka_unit_test(form),
		cmocka_unit_test(written_meanwhile), cmocka_unit_test(refused),
		cmocka_unit_test(moved), cmocka_unit_test(pages_again), cmocka_unit_test(features),
		cmocka_unit_test(configurations), cmocka_unit_test(samples), cmocka_unit_test(commands_work),
		cmocka_unit_test(migrations), cmocka_unit_test(far_up),
		cmocka_unit_test(other_sides), cmocka_unit_test(not_allowed),
		cmocka_unit_test(migrate_commands),
		cmocka_unit_test(cut_or_damaged), cmocka_unit_test(fuzz), cmocka_unit_test(failing_migrations),
	};
	char run_dir[64], command[128];
	int rc = 0;

	/* SAMPLE=FILE: writes one to keep. */
	if (!mkdtemp(folder))
		return 1;
	web.page = calloc(MAX_GFNS, sizeof(*web.page));
	new.page = calloc(MAX_GFNS, sizeof(*new.page));
	snprintf(file, sizeof(file), "%s/saved", folder);
	snprintf(arrived, sizeof(arrived), "%s/arrived", folder);
	snprintf(conversation, sizeof(conversation), "%s/conversation", folder);
	snprintf(run_dir, sizeof(run_dir), "%s/run", folder);
	keel_run_dir = run_dir;
	if (argc == 4)
		return be_peer(argv);
	assert_true(readlink("/proc/self/exe", peer, sizeof(peer) - 1) > 0);
	if (getenv("SAMPLE")) {
		snprintf(file, sizeof(file), "%s", getenv("SAMPLE"));
		start_web(6);
		return save_with((struct save_options){ .pack = true }, &(struct save_result){ 0 });
	}
	/* The first that fails is the last: others would wait for what no longer comes. */
	for (size_t i = 0; i < sizeof(tests) / sizeof(*tests) && !rc; i++) {
		const struct CMUnitTest one[] = { tests[i] };

		rc = cmocka_run_group_tests(one, NULL, NULL);
	}
	end(&web);
	end(&new);
	free(web.page);
	free(new.page);
	snprintf(command, sizeof(command), "rm -r %s", folder);
	rc |= system(command);
	free(printed);
	return rc;
}
