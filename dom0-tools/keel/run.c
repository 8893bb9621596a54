/* SPDX-License-Identifier: GPL-2.0-only */
/* A command in a guest whose root is a folder, in memory; the guest is gone when it ends. */
#include "keel/keel.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "keel/run.h"
#include "lib/blob.h"
#include "lib/cpio.h"
#include "lib/files.h"
#include "lib/hyper.h"
#include "lib/oci.h"
#include "run/init.h"

#define WORDS_SIZE (1 << 16)
/* What a kernel and its first processes need beside the root. */
#define SPARE_KIB (160 << 10)

const char *run_init = NULL;
uint64_t run_limit = 0;

struct run {
	const char *kernel, *dir;
	uint64_t memory_kib;
	unsigned int vcpus;
	char mark[17];
	int root;			/* the archive, in memory */
	uint64_t root_kib;
	struct guest_config g;
};

static bool handle(int option, const char *value, void *arg)
{
	struct run *r = arg;

	switch (option) {
	case 'K': r->kernel = value; return true;
	case 'm': return size_option(value, &r->memory_kib);
	case 'c': return number_option(value, GUEST_MAX_VCPUS, &r->vcpus) && r->vcpus;
	default: return false;
	}
}

void run_output_init(struct run_output *o, const char *mark)
{
	*o = (struct run_output){ .status = -1 };
	snprintf(o->end, sizeof(o->end), RUN_BEGIN "%s:", mark);
}

/* The mark begins with a character that is nowhere else in it: only there it can begin again. */
size_t run_output(struct run_output *o, const char *in, size_t size, char *out)
{
	size_t n = 0, length = strlen(o->end);

	for (size_t i = 0; i < size && o->status < 0; i++) {
		if (o->matched == length) {
			if (isdigit((unsigned char)in[i]))
				o->number = (o->number * 10 + in[i] - '0') & 0xfff;
			else
				o->status = o->number & 0xff;
			continue;
		}
		if (in[i] != o->end[o->matched]) {
			memcpy(out + n, o->end, o->matched);
			n += o->matched;
			o->matched = 0;
		}
		if (in[i] == o->end[o->matched])
			o->matched++;
		else
			out[n++] = in[i];
	}
	return n;
}

/* The first process finds its words in a file. */
static int add_words(struct keel *k, struct cpio *c, const struct run *r, char **argv)
{
	char *text = malloc(WORDS_SIZE);
	size_t used = sizeof(r->mark);
	int rc = 0;

	if (!text)
		return keel_fail(&k->err, ENOMEM, "no memory");
	memcpy(text, r->mark, used);
	for (; *argv && !rc; argv++) {
		size_t n = strlen(*argv) + 1;

		if (used + n > WORDS_SIZE) {
			rc = keel_fail(&k->err, E2BIG, "the command is too long");
			break;
		}
		memcpy(text + used, *argv, n);
		used += n;
	}
	if (!rc)
		rc = cpio_file(c, RUN_COMMAND + 1, 0600, text, used);
	free(text);
	return rc;
}

static int add_init(struct keel *k, struct cpio *c)
{
	char path[PATH_MAX];
	struct blob b;
	int rc = run_init ? 0 : keel_own_file(k, path, "run-init");

	if (!rc)
		rc = blob_open(&b, run_init ? run_init : path, "first program of the guest", &k->err);
	if (rc)
		return rc;
	rc = cpio_file(c, RUN_INIT + 1, 0755, b.data, b.size);
	blob_free(&b);
	return rc;
}

/* In bytes. An image may be anybody's, and must not leave Dom0 without memory. */
static uint64_t half_of_free(void)
{
	FILE *f = fopen("/proc/meminfo", "re");
	unsigned long long kib = 0;
	char line[128];

	while (f && fgets(line, sizeof(line), f) && sscanf(line, "MemAvailable: %llu", &kib) != 1)
		;
	if (f)
		fclose(f);
	return kib << 9;
}

static int make_root(struct keel *k, struct run *r, char **argv)
{
	struct cpio c = { .k = k, .limit = run_limit ? run_limit : half_of_free() };
	int rc;

	r->root = c.fd = memfd_create("root", MFD_CLOEXEC);
	if (r->root < 0)
		return keel_fail_errno(&k->err, "cannot make the guest's root");
	rc = oci_is_layout(r->dir) ? oci_tree(&c, r->dir) : cpio_tree(&c, r->dir);
	if (!rc)
		rc = add_init(k, &c);
	if (!rc)
		rc = add_words(k, &c, r, argv);
	if (!rc)
		rc = cpio_end(&c);
	r->root_kib = c.size >> 10;
	return rc;
}

/* The kernel has the archive and its files at once, and a root may have half of the memory. */
static int choose_memory(struct keel *k, struct run *r)
{
	uint64_t need_mib = (r->root_kib * 2 + SPARE_KIB + 1023) >> 10;

	if (!r->memory_kib)
		r->memory_kib = need_mib << 10;
	if (r->memory_kib >= need_mib << 10)
		return 0;
	return keel_fail(&k->err, ENOMEM, "%llu MiB are too little for this root in memory; it needs %llu",
			 (unsigned long long)r->memory_kib >> 10, (unsigned long long)need_mib);
}

static int own_kernel(struct keel *k, char out[PATH_MAX])
{
	struct utsname u;

	uname(&u);
	snprintf(out, PATH_MAX, "/boot/vmlinuz-%s", u.release);
	if (!access(out, R_OK))
		return 0;
	return keel_fail(&k->err, ENOENT,
			 "Dom0's own kernel, %s, is not there; name one (--kernel FILE)", out);
}

static int make_config(struct keel *k, struct run *r)
{
	char text[1024], kernel[PATH_MAX];
	int rc = r->kernel ? 0 : own_kernel(k, kernel);

	if (rc)
		return rc;
	snprintf(text, sizeof(text), "name = \"run-%d\"\ntype = \"pvh\"\nkernel = \"/\"\nmemory = %llu\nvcpus = %u\n"
		 "ramdisk = \"/proc/%d/fd/%d\"\n"
		 "extra = \"console=hvc0 quiet loglevel=1 panic=-1 rdinit=" RUN_INIT "\"\n"
		 "on_poweroff = \"destroy\"\non_reboot = \"destroy\"\non_crash = \"destroy\"\n", getpid(),
		 (unsigned long long)r->memory_kib >> 10, r->vcpus, getpid(), r->root);
	rc = config_parse(k, &r->g, text);
	if (rc)
		return rc;
	free(r->g.kernel);
	r->g.kernel = strdup(r->kernel ? r->kernel : kernel);
	return r->g.kernel ? 0 : keel_fail(&k->err, ENOMEM, "no memory");
}

/* Passes on what the guest prints until its mark; the exit status, or an error. */
static int listen_to(struct keel *k, const struct keel_domain *d, int tty, const char *mark)
{
	struct run_output o;
	char in[4096], out[sizeof(in) + sizeof(o.end)];

	run_output_init(&o, mark);
	while (o.status < 0) {
		struct pollfd p = { .fd = tty, .events = POLLIN };
		struct keel_domain now;
		ssize_t n;

		if (keel_interrupted(k))
			return -EINTR;
		if (!poll(&p, 1, 200)) {
			if (keel_domain_by_id(k, d->id, &now) || now.shutdown || now.dying)
				break;
			continue;
		}
		n = read(tty, in, sizeof(in));
		if (n < 0 && (errno == EINTR || errno == EAGAIN))
			continue;
		if (n <= 0)
			break;
		n = run_output(&o, in, n, out);
		if (fwrite(out, 1, n, stdout) != (size_t)n || fflush(stdout))
			return keel_fail_errno(&k->err, "cannot pass on what the guest prints");
	}
	if (o.status < 0)
		return keel_fail(&k->err, EPIPE, "the guest has ended without an exit status: its kernel has stopped, or "
				 "the command has powered off");
	return o.status;
}

/* The exit status, or an error. Nothing is left of the guest. */
static int in_guest(struct keel *k, const struct run *r)
{
	struct keel_domain d;
	unsigned int domid;
	int tty, rc = keel_domain_create(k, &r->g, true, &domid);

	if (rc < 0)
		return rc;
	rc = keel_domain_by_id(k, domid, &d);
	tty = rc ? rc : keel_domain_open_console(k, &d);
	if (tty >= 0) {
		end_progress(k);
		rc = hyper_unpause(k, domid);
		rc = rc ? keel_fail(&k->err, -rc, "cannot start the guest: %s", strerror(-rc)) :
			  listen_to(k, &d, tty, r->mark);
		close(tty);
	} else {
		rc = tty;
	}
	/* If that fails, too, the first reason is told. */
	if (rc < 0) {
		struct keel_error before = k->err;

		keel_domain_destroy(k, domid);
		k->err = before;
	} else if (keel_domain_destroy(k, domid)) {
		rc = -k->err.code;
	}
	return rc;
}

static int start(struct keel *k, struct run *r, char **argv)
{
	unsigned char random[8];
	int rc;

	if (getrandom(random, sizeof(random), 0) != sizeof(random))
		return keel_fail_errno(&k->err, "no random bytes");
	for (int i = 0; i < 8; i++)
		sprintf(r->mark + 2 * i, "%02x", random[i]);
	rc = make_root(k, r, argv);
	if (!rc)
		rc = choose_memory(k, r);
	if (!rc)
		rc = make_config(k, r);
	if (rc)
		return rc;
	rc = in_guest(k, r);
	guest_free(&r->g);
	return rc;
}

static int run(struct keel *k, int argc, char **argv)
{
	static const struct option longs[] = {
		{ "kernel", required_argument, NULL, 'K' }, { "memory", required_argument, NULL, 'm' },
		{ "vcpus", required_argument, NULL, 'c' }, { 0 },
	};
	struct run r = { .vcpus = 1, .root = -1 };
	const struct options o = {
		.cmd = &cmd_run, .longs = longs, .handle = handle, .arg = &r, .min_args = 2,
		.max_args = -1,
	};
	sigset_t old;
	int rc = parse_options(k, argc, argv, &o);

	if (rc >= 0)
		return rc;
	r.dir = argv[optind];
	rc = open_hypervisor(k, &cmd_run);
	if (rc >= 0)
		return KEEL_EXIT_NOT_RUN;
	keel_hold_signals(&old);
	rc = start(k, &r, argv + optind + 1);
	keel_release_signals(&old);
	if (r.root >= 0)
		close(r.root);
	if (rc >= 0)
		return rc;
	report(k);
	return KEEL_EXIT_NOT_RUN;
}

const struct command cmd_run = {
	.name = "run",
	.args = "[OPTIONS] FOLDER -- COMMAND [WORD...]",
	.summary = "Runs a command in a guest that has a folder as its root",
	.help =
	"The guest gets a copy of the folder, or of the image in OCI layout in it, in its memory. What\n"
	"the command prints comes on standard output, its exit status is that of keel, and 125 if keel could not\n"
	"run it. Then nothing is left of the guest. Ctrl-C ends it. It has no input, disks, network or kernel modules.\n\n"
	"  --memory SIZE      MiB, or with a letter (k, m, g, t); what the folder needs\n"
	"  --vcpus N          1\n"
	"  --kernel FILE      in place of Dom0's own\n",
	.run = run,
	.opens = true,
};
