/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * `keel dump-core`, with a simulated guest: its frames, those that cannot be mapped, and its vCPUs.
 * The file is read back by the names of its sections.
 */
#include "test/check.h"

#include <elf.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "keel/keel.h"
#include "lib/dump.h"
#include "lib/hyper.h"
#include "test/run.h"

#define PAGE	KEEL_PAGE_SIZE
#define LOW	700			/* frames from 0 on, but one that is a hole */
#define HOLE	300
#define HIGH	5118			/* and three here, the last one at 5 * 1024 */
#define PAGES	(LOW - 1 + 3)
#define BAD	300			/* the index of a frame that cannot be mapped: 301 */

static struct keel k;
static struct keel_domain web = { .id = 3, .name = "web", .max_vcpus = 3 };
static char folder[] = "/tmp/dump_test.XXXXXX", core[64];
static int pauses, pause_error, types_error, context_error, map_error;
static int until_interrupt;		/* looks for a signal; 0: none comes */
static bool bad, gone;
static uint64_t last_done, last_total;

static bool is_memory(uint64_t gfn)
{
	return (gfn < LOW && gfn != HOLE) || (gfn >= HIGH && gfn < HIGH + 3);
}

/* Every fourth frame is zeros, but for a byte at the end of frame 8. */
static unsigned char byte_of(uint64_t gfn, size_t i)
{
	if (gfn == 8 && i == PAGE - 1)
		return 1;
	return gfn % 4 ? gfn + i / 16 + 1 : 0;
}

int hyper_pause(struct keel *q, unsigned int domid)
{
	assert_int_equal(domid, 3);
	if (!pause_error)
		pauses++;
	return pause_error;
}

int hyper_unpause(struct keel *q, unsigned int domid)
{
	pauses--;
	return 0;
}

long hyper_max_gfn(struct keel *q, unsigned int domid)
{
	return gone ? -ESRCH : HIGH + 2;
}

int hyper_frame_types(struct keel *q, unsigned int domid, uint64_t *gfns, unsigned int n)
{
	assert_int_equal(pauses, 1);
	assert_in_range(n, 1, 1024);
	for (unsigned int i = 0; i < n; i++) {
		assert_in_range(gfns[i], 0, HIGH + 2);
		gfns[i] = is_memory(gfns[i]) ? XEN_DOMCTL_PFINFO_NOTAB : XEN_DOMCTL_PFINFO_XTAB;
	}
	return types_error;
}

int hyper_vcpu_context(struct keel *q, unsigned int domid, unsigned int vcpu,
		       struct vcpu_guest_context *out)
{
	assert_int_equal(pauses, 1);
	if (vcpu == 1)
		return -ENODATA;
	out->user_regs.rip = 0x1000 + vcpu;
	return context_error;
}

int hyper_xen_version(struct keel *q, unsigned int cmd, void *out, size_t size)
{
	memset(out, 'a' + cmd, size);
	return 0;
}

void *xenforeignmemory_map(xenforeignmemory_handle *h, uint32_t dom, int prot, size_t pages,
			   const xen_pfn_t gfns[], int err[])
{
	unsigned char *p;

	assert_int_equal(pauses, 1);
	errno = map_error;
	if (map_error)
		return NULL;
	p = aligned_alloc(PAGE, pages * PAGE);
	for (size_t i = 0; i < pages; i++) {
		assert_true(is_memory(gfns[i]));
		err[i] = bad && gfns[i] == BAD + 1 ? -EINVAL : 0;
		for (size_t j = 0; j < PAGE; j++)
			p[i * PAGE + j] = err[i] ? 0xee : byte_of(gfns[i], j);
	}
	return p;
}

int xenforeignmemory_unmap(xenforeignmemory_handle *h, void *addr, size_t pages)
{
	free(addr);
	return 0;
}

bool keel_interrupted(struct keel *q)
{
	if (!until_interrupt || --until_interrupt)
		return false;
	keel_fail(&q->err, EINTR, "interrupted");
	return true;
}

void keel_progress(struct keel *q, const char *what, uint64_t done, uint64_t total)
{
	last_done = done;
	last_total = total;
}

void keel_hold_signals(sigset_t *old)
{
}

void keel_release_signals(const sigset_t *old)
{
}

void keel_warn(struct keel *q, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	putc('\n', stderr);
	va_end(ap);
}

int keel_open(struct keel *q, bool no_xenstore)
{
	return 0;
}

int keel_domain_list(struct keel *q, struct keel_domain **out)
{
	return 0;
}

int keel_domain_find(struct keel *q, const char *who, struct keel_domain *d)
{
	*d = web;
	return strcmp(who, "web") ? keel_fail(&q->err, ESRCH, "there is no '%s'", who) : 0;
}

int keel_domain_find_guest(struct keel *q, const char *who, struct keel_domain *d)
{
	return keel_domain_find(q, who, d);
}

/* How many files there are. */
static int files(void)
{
	char command[128];
	FILE *p;
	int n = -1;

	snprintf(command, sizeof(command), "ls -A %s | wc -l", folder);
	p = popen(command, "r");
	assert_int_equal(fscanf(p, "%d", &n), 1);
	pclose(p);
	return n;
}

static unsigned char *read_core(size_t *size)
{
	FILE *f = fopen(core, "r");
	struct stat st;
	unsigned char *data;

	assert_non_null(f);
	assert_int_equal(fstat(fileno(f), &st), 0);
	*size = st.st_size;
	data = malloc(*size);
	assert_int_equal(fread(data, 1, *size, f), *size);
	fclose(f);
	return data;
}

static const unsigned char *section(const unsigned char *data, const char *name, size_t size)
{
	const Elf64_Ehdr *e = (const void *)data;
	const Elf64_Shdr *s = (const void *)(data + e->e_shoff);
	const char *names = (const char *)data + s[e->e_shstrndx].sh_offset;

	for (int i = 1; i < e->e_shnum; i++)
		if (!strcmp(names + s[i].sh_name, name)) {
			assert_int_equal(s[i].sh_size, size);
			return data + s[i].sh_offset;
		}
	fail_msg("no section %s", name);
	return NULL;
}

static void check_notes(const unsigned char *n)
{
	static const uint32_t sizes[] = { 0, 32, 1280, 8 };
	uint64_t v[8];

	for (int i = 0; i < 4; i++) {
		const uint32_t *head = (const void *)n;

		assert_int_equal(head[0], 4);
		assert_int_equal(head[1], sizes[i]);
		assert_int_equal(head[2], 0x2000000 + i);
		assert_string_equal((const char *)&head[3], "Xen");
		n += 16;
		memcpy(v, n, sizes[i] < sizeof(v) ? sizes[i] : sizeof(v));
		if (i == 1) {
			assert_int_equal(v[0], 0xf00febee);
			assert_int_equal(v[1], 2);
			assert_int_equal(v[2], PAGES);
			assert_int_equal(v[3], PAGE);
		} else if (i == 2) {
			assert_int_equal(v[0], 4);
			assert_int_equal(v[1], 17);
			assert_memory_equal(n + 16, "bbbbbbbbbbbbbbbbccc", 19);
			assert_int_equal(n[16 + 16 + 144], 'd');
			assert_int_equal(n[16 + 16 + 144 + 1024], 'e');
			assert_int_equal(n[1280 - 16], 'f');
			memcpy(v, n + 1280 - 8, 8);
			assert_int_equal(v[0], PAGE);
		} else if (i == 3) {
			assert_int_equal(v[0], 1);
		}
		n += sizes[i];
	}
}

static void check_pages(const unsigned char *data, bool some_bad)
{
	const uint64_t *pfns = (const void *)section(data, ".xen_pfn", PAGES * 8);
	const unsigned char *page = section(data, ".xen_pages", PAGES * PAGE);
	unsigned int i = 0;

	assert_int_equal((page - data) % PAGE, 0);
	for (uint64_t gfn = 0; gfn < HIGH + 3; gfn++) {
		bool left_out = some_bad && gfn == BAD + 1;

		if (!is_memory(gfn))
			continue;
		assert_int_equal(pfns[i], left_out ? ~0ULL : gfn);
		for (size_t j = 0; j < PAGE; j++)
			if (page[i * PAGE + j] != (left_out ? 0 : byte_of(gfn, j)))
				fail_msg("frame %u, byte %zu", (unsigned int)gfn, j);
		i++;
	}
	assert_int_equal(i, PAGES);
}

static void check_core(bool some_bad)
{
	size_t size, vcpu = sizeof(struct vcpu_guest_context);
	unsigned char *data = read_core(&size);
	const Elf64_Ehdr *e = (const void *)data;
	const struct vcpu_guest_context *v;
	struct stat st;

	assert_memory_equal(e->e_ident, "\177ELF\2\1\1\0", 8);
	assert_int_equal(e->e_type, ET_CORE);
	assert_int_equal(e->e_machine, EM_X86_64);
	assert_int_equal(e->e_phnum, 0);
	check_notes(section(data, ".note.Xen", 4 * 16 + 32 + 1280 + 8));
	v = (const void *)section(data, ".xen_prstatus", 2 * vcpu);
	assert_int_equal(v[0].user_regs.rip, 0x1000);
	assert_int_equal(v[1].user_regs.rip, 0x1002);
	check_pages(data, some_bad);
	assert_int_equal(stat(core, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_true(st.st_blocks * 512ULL < size - PAGES / 5 * PAGE);
	free(data);
}

static int dump(struct dump_result *r)
{
	int rc;

	k = (struct keel){ .version = 4 << 16 | 17 };
	rc = keel_domain_dump(&k, &web, core, r);
	assert_int_equal(pauses, 0);
	return rc;
}

static void whole(void **state)
{
	struct dump_result r;
	struct stat st;

	assert_int_equal(dump(&r), 0);
	check_core(false);
	assert_int_equal(r.pages, PAGES);
	assert_int_equal(r.unreadable, 0);
	assert_int_equal(stat(core, &st), 0);
	assert_int_equal(r.size, st.st_size);
	assert_int_equal(last_done, last_total);
	assert_int_equal(files(), 1);
	bad = true;
	assert_int_equal(dump(&r), 0);
	check_core(true);
	assert_int_equal(r.unreadable, 1);
	assert_int_equal(files(), 1);
	bad = false;
	unlink(core);
}

/* The old file stays as it is, and no other one is left. */
static void fails_with(int code, const char *says)
{
	struct dump_result r;
	unsigned char *data;
	size_t size;

	assert_int_equal(dump(&r), -code);
	assert_int_equal(k.err.code, code);
	assert_contains(k.err.text, says);
	assert_int_equal(files(), 1);
	data = read_core(&size);
	assert_int_equal(size, 3);
	assert_memory_equal(data, "old", 3);
	free(data);
}

static void write_old(void)
{
	FILE *f = fopen(core, "w");

	assert_non_null(f);
	fputs("old", f);
	fclose(f);
}

static void failures(void **state)
{
	struct rlimit before, little;

	write_old();
	pause_error = -EBUSY;
	fails_with(EBUSY, "cannot pause web");
	pause_error = 0;
	gone = true;
	fails_with(ESRCH, "cannot find out where web has memory");
	gone = false;
	types_error = -EFAULT;
	fails_with(EFAULT, "cannot find out where web has memory");
	types_error = 0;
	context_error = -EPERM;
	fails_with(EPERM, "vCPU 0 of web");
	context_error = 0;
	map_error = EPERM;
	fails_with(EPERM, "cannot map memory of web");
	map_error = 0;
	for (int i = 1; i <= 9; i++) {
		until_interrupt = i;
		fails_with(EINTR, "interrupted");
	}
	until_interrupt = 0;
	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &before);
	little = before;
	little.rlim_cur = 20 * PAGE;
	setrlimit(RLIMIT_FSIZE, &little);
	fails_with(EFBIG, "as large as it would be");
	setrlimit(RLIMIT_FSIZE, &before);
	unlink(core);
}

static void no_memory(void **state)
{
	struct dump_result r;

	write_old();
	for (int i = 1;; i++) {
		alloc_failed = 0;
		alloc_countdown = i;
		if (!dump(&r))
			break;
		assert_true(alloc_failed);
		assert_int_equal(k.err.code, ENOMEM);
		assert_int_equal(files(), 1);
	}
	alloc_countdown = 0;
	check_core(false);
	unlink(core);
}

static void places(void **state)
{
	struct dump_result r;
	struct stat st;

	assert_int_equal(symlink("/dev/null", core), 0);
	assert_int_equal(dump(&r), -EINVAL);
	assert_contains(k.err.text, "not a regular file");
	assert_int_equal(lstat(core, &st), 0);
	assert_true(S_ISLNK(st.st_mode));
	unlink(core);
	assert_int_equal(dump_check_path(&k, ""), -EINVAL);
	assert_int_equal(dump_check_path(&k, "/dev/null/x"), -ENOTDIR);
	assert_int_equal(keel_domain_dump(&k, &web, "/nowhere/x", &r), -ENOENT);
	assert_contains(k.err.text, "cannot make a file beside /nowhere/x");
	assert_int_equal(pauses, 0);
	assert_int_equal(files(), 0);
}

static int run(const char *words, const char *path)
{
	static const struct command *const all[] = { &cmd_dump_core, NULL };
	char text[256];

	snprintf(text, sizeof(text), "dump-core %s%s%s", words, path ? " " : "", path ? path : "");
	k = (struct keel){ .version = 4 << 16 | 17 };
	return run_command(&k, all, text);
}

static void command(void **state)
{
	char says[256];

	assert_int_equal(run("web", NULL), KEEL_EXIT_USAGE);
	assert_int_equal(run("other", core), KEEL_EXIT_NO_GUEST);
	assert_int_equal(run("-n web", core), KEEL_EXIT_OK);
	snprintf(says, sizeof(says), "web (domain 3): would be dumped to %s\n", core);
	assert_string_equal(printed, says);
	assert_int_equal(run("-n web", folder), KEEL_EXIT_FAILED);
	assert_contains(printed, "not a regular file");
	assert_int_equal(run("--json -n web", core), KEEL_EXIT_OK);
	assert_contains(printed, "\"dry_run\":true");
	assert_null(strstr(printed, "pages"));
	assert_int_equal(files(), 0);
	assert_int_equal(run("web", core), KEEL_EXIT_OK);
	snprintf(says, sizeof(says), "web (domain 3): dumped to %s\n", core);
	assert_string_equal(printed, says);
	bad = true;
	assert_int_equal(run("--json web", core), KEEL_EXIT_OK);
	assert_contains(printed, "1 pages could not be read");
	assert_contains(printed, "\"pages\":702");
	assert_contains(printed, "\"unreadable_pages\":1");
	assert_contains(printed, "\"result\":\"dumped\"");
	bad = false;
	unlink(core);
	map_error = EPERM;
	assert_int_equal(run("web", core), KEEL_EXIT_FAILED);
	map_error = 0;
	assert_int_equal(files(), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whole), cmocka_unit_test(failures), cmocka_unit_test(no_memory),
		cmocka_unit_test(places), cmocka_unit_test(command),
	};
	int rc;

	if (!mkdtemp(folder))
		return 1;
	snprintf(core, sizeof(core), "%s/core", folder);
	rc = cmocka_run_group_tests(tests, NULL, NULL);
	rmdir(folder);
	free(printed);
	return rc;
}
