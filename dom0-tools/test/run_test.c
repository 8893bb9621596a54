/* SPDX-License-Identifier: GPL-2.0-only */
/* keel run: the root that a guest gets, what comes back of it, and what is left. */
#include "test/check.h"

#include <fcntl.h>
#include <stdarg.h>
#include <sys/file.h>
#include <unistd.h>

#include "keel/run.h"
#include "lib/hyper.h"
#include "lib/sha256.h"
#include "run/init.h"
#include "test/run.h"
#include "test/shell.h"

#define DIR "/tmp/keel-run-test"
#define RUN "run --kernel /k " DIR "/root -- "

static struct keel k;
static struct {
	const char *says, *end;		/* on its console: END has a %s for the mark, or is NULL */
	bool no_create, no_console, interrupted;
	unsigned int created, started, destroyed;
	unsigned long long memory;
	char mark[32];
} guest;

static const struct command *const all[] = { &cmd_run, NULL };

int keel_open(struct keel *q, bool no_xenstore)
{
	return 0;
}

int keel_domain_list(struct keel *q, struct keel_domain **out)
{
	return -1;
}

int keel_domain_find(struct keel *q, const char *who, struct keel_domain *d)
{
	return -1;
}

uint64_t keel_now_ms(void)
{
	return 0;
}

void keel_progress(struct keel *q, const char *what, uint64_t done, uint64_t total)
{
}

bool keel_interrupted(struct keel *q)
{
	if (guest.interrupted && guest.started)
		keel_fail(&q->err, EINTR, "interrupted");
	return guest.interrupted && guest.started;
}

void keel_hold_signals(sigset_t *old)
{
}

void keel_release_signals(const sigset_t *old)
{
}

void keel_warn(struct keel *q, const char *fmt, ...)
{
}

void warn_of(void *arg, const char *text)
{
}

/* What Debian's cpio makes of the archive is in DIR/out. */
int keel_domain_create(struct keel *q, const struct guest_config *g, bool paused,
		       unsigned int *domid)
{
	char command[256];
	FILE *f;

	if (guest.no_create)
		return keel_fail(&q->err, ENOMEM, "no memory for a guest");
	assert_true(paused);
	assert_string_equal(g->kernel, "/k");
	assert_contains(g->cmdline, "rdinit=" RUN_INIT);
	assert_int_equal(g->on_poweroff, ACTION_DESTROY);
	assert_int_equal(g->on_crash, ACTION_DESTROY);
	snprintf(command, sizeof(command), "rm -rf " DIR "/out && mkdir " DIR "/out && cp %s " DIR "/archive && cd " DIR
		 "/out && cpio -im --quiet --no-absolute-filenames <../archive", g->ramdisk);
	assert_int_equal(shell(command), 0);
	f = fopen(DIR "/out" RUN_COMMAND, "r");
	assert_non_null(f);
	assert_true(fread(guest.mark, 1, 17, f) == 17);
	fclose(f);
	guest.memory = g->memory_mib;
	guest.created++;
	*domid = 5;
	return 5;
}

int keel_domain_by_id(struct keel *q, unsigned int id, struct keel_domain *d)
{
	assert_int_equal(id, 5);
	*d = (struct keel_domain){ .id = 5, .shutdown = guest.started && !guest.interrupted };
	return 0;
}

int keel_domain_open_console(struct keel *q, const struct keel_domain *d)
{
	int fd[2];
	FILE *f;

	if (guest.no_console)
		return keel_fail(&q->err, ENXIO, "no console");
	assert_int_equal(pipe(fd), 0);
	f = fdopen(fd[1], "w");
	fputs(guest.says, f);
	if (guest.end)
		fprintf(f, guest.end, guest.mark);
	fclose(f);
	return fd[0];
}

int hyper_unpause(struct keel *q, unsigned int domid)
{
	guest.started++;
	return 0;
}

int keel_domain_destroy(struct keel *q, unsigned int domid)
{
	assert_int_equal(domid, 5);
	guest.destroyed++;
	return 0;
}

static int reset(void **state)
{
	memset(&guest, 0, sizeof(guest));
	guest.says = "";
	guest.end = RUN_BEGIN "%s:0\n";
	k = (struct keel){ 0 };
	run_init = "/bin/true";
	run_limit = 0;
	return shell("rm -rf " DIR " && mkdir -p " DIR "/root");
}

/* Whatever happens, a guest that was made is gone. */
static void expect(int code, const char *says, const char *words)
{
	int rc;

	guest.created = guest.started = guest.destroyed = 0;
	k = (struct keel){ 0 };
	rc = run_command(&k, all, words);
	if (rc != code)
		fail_msg("keel %s: %d, not %d: %s", words, rc, code, printed);
	assert_contains(printed, says);
	assert_int_equal(guest.destroyed, guest.created);
}

static void statuses(void **state)
{
	guest.says = "hello\nworld \036keel-run:0123:5\n";
	expect(0, "hello\nworld \036keel-run:0123:5\n", RUN "true");
	assert_null(strstr(printed, guest.mark));
	guest.end = RUN_BEGIN "%s:143\nmore";
	expect(143, "hello", RUN "true");
	assert_null(strstr(printed, "more"));
	guest.end = NULL;
	expect(125, "ended without an exit status", RUN "true");
	guest.no_console = true;
	expect(125, "no console", RUN "true");
	guest.no_create = true;
	expect(125, "no memory for a guest", RUN "true");
	assert_int_equal(guest.created, 0);
	expect(2, "something is missing", "run " DIR "/root");
	expect(2, "bad option or value", "run --vcpus 0 " DIR "/root true");
}

static void interrupted(void **state)
{
	guest.end = NULL;
	guest.interrupted = true;
	expect(125, "interrupted", RUN "sleep 1000");
	assert_int_equal(guest.destroyed, 1);
}

/* The mark may come in any pieces, and behind what looks like its begin. */
static void pieces(void **state)
{
	static const char in[] = "a\036keel-r\036\036keel-run:77:b\036keel-run:78:12\r\nc";
	char out[256];

	for (size_t step = 1; step < sizeof(in); step++) {
		struct run_output o;
		size_t n = 0;

		run_output_init(&o, "78");
		for (size_t at = 0; at < sizeof(in) - 1; at += step)
			n += run_output(&o, in + at, at + step < sizeof(in) ? step : sizeof(in) - 1 - at, out + n);
		out[n] = 0;
		assert_string_equal(out, "a\036keel-r\036\036keel-run:77:b");
		assert_int_equal(o.status, 12);
	}
}

static void roots(void **state)
{
	assert_int_equal(shell("cd " DIR "/root && mkdir -p a/b && chmod 711 a/b && printf 12345 >a/five && chmod 4755 a/five && "
			       "ln -s ../none a/link && : >empty && ln a/five again && mkfifo fifo && "
			       "head -c 100000 /dev/zero | tr '\\0' x >large && touch -d 2001-02-03 large"), 0);
	expect(0, "", RUN "sh -c exit");
	assert_int_equal(shell("cd " DIR "/out && cmp -s .keel-init /bin/true && "
			       "[ \"$(tail -c +18 .keel-run | tr '\\0' ,)\" = sh,-c,exit, ] && rm .keel-*"), 0);
	assert_int_equal(shell("cd " DIR " && diff -r -x fifo --no-dereference root out && "
			       "for d in root out; do (cd $d && find . -type f -printf '%p %m %U %G %Ts\\n' | sort "
			       ">../$d.list); done && cmp root.list out.list && "
			       "[ $(stat -c %a out/a/b) = 711 ] && [ -p out/fifo ] && "
			       "[ $(readlink out/a/link) = ../none ]"), 0);
	expect(125, "is not a folder", "run --kernel /k " DIR "/none true");
	expect(125, "is not a folder", "run --kernel /k " DIR "/root/large true");
	run_init = DIR "/none";
	expect(125, "cannot open first program", RUN "true");
}

/* The kernel has the archive and the files at once. */
static void memory(void **state)
{
	unsigned long long small;

	expect(0, "", RUN "true");
	small = guest.memory;
	assert_int_equal(shell("head -c 32M /dev/zero >" DIR "/root/large"), 0);
	expect(0, "", RUN "true");
	assert_true(guest.memory >= small + 64);
	expect(125, "too little for this root", "run --kernel /k --memory 128 " DIR "/root true");
	expect(0, "", "run --kernel /k --memory 1g " DIR "/root true");
	assert_int_equal(guest.memory, 1024);
}

/* A script for the shell, in DIR, with what images are made of. */
static int image(const char *script)
{
	FILE *f = fopen(DIR "/script", "w");

	fprintf(f, "set -eu; cd " DIR "\n"
		"blob() { d=$(sha256sum <\"$1\" | cut -c 1-64); mkdir -p i/blobs/sha256; cp \"$1\" i/blobs/sha256/$d; }\n"
		"manifest() { printf '{\"layers\":['; s=; for l; do blob \"$l\"; printf '%%s{\"digest\":\"sha256:%%s\"}' \"$s\" $d; s=,; "
		"done; printf ']}'; }\n"
		"index() { printf '{\"manifests\":[{\"digest\":\"sha256:0\",\"platform\":{\"architecture\":\"arm64\"}},"
		"{\"digest\":\"sha256:%%s\"}]}' $1 >i/index.json; }\n"
		"finish() { manifest \"$@\" >m; blob m; index $d; }\n"
		"mkdir -p i l1 l2; echo '{}' >i/oci-layout\n%s\n", script);
	fclose(f);
	return shell("sh " DIR "/script");
}

#define RUN_IMAGE "run --kernel /k " DIR "/i true"

/* Layers as Debian's tar and compressors make them, and what the kernel will see. */
static void layers(void **state)
{
	assert_int_equal(image("mkdir -p l1/etc l1/gone/deep l1/opaque/x l1/usr/bin\n"
			       "echo one >l1/etc/file; echo keep >l1/etc/keep; echo x >l1/gone/deep/f; echo x >l1/opaque/x/f\n"
			       "printf tool >l1/usr/bin/tool; chmod 4755 l1/usr/bin/tool; ln l1/usr/bin/tool l1/usr/bin/again\n"
			       "ln -s tool l1/usr/bin/sym; n=$(printf '%0120d' 7); mkdir l1/$n; echo long >l1/$n/$n\n"
			       "mkdir -p l2/etc l2/opaque l2/fresh/dir; echo f >l2/fresh/dir/f; echo two >l2/etc/file; : >l2/.wh.gone; : >l2/opaque/.wh..wh..opq; echo new >l2/opaque/new\n"
			       "tar -C l1 --format=gnu -czf a.tgz . ; tar -C l2 --format=pax -cf b.tar etc/file .wh.gone opaque/new opaque/.wh..wh..opq fresh/dir/f\n"
			       "zstd -q b.tar; finish a.tgz b.tar.zst"), 0);
	expect(0, "", RUN_IMAGE);
	assert_int_equal(shell("cd " DIR "/out && rm .keel-* && n=$(printf '%0120d' 7) && [ \"$(cat etc/file etc/keep $n/$n opaque/new | tr '\\n' ,)\" = "
			       "two,keep,long,new, ] && [ ! -e gone ] && [ ! -e opaque/x ] && [ $(stat -c %a usr/bin/tool) = 4755 ] && "
			       "[ $(cat usr/bin/again) = tool ] && [ $(readlink usr/bin/sym) = tool ] && [ "
			       "$(find . | wc -l) = 16 ]"), 0);
	/* A file in place of a folder, which was not empty. */
	assert_int_equal(image("rm -rf l2; mkdir l2; echo file >l2/opaque; tar -C l1 -cf a.tar opaque; tar -C l2 -cf b.tar opaque; "
			       "finish a.tar b.tar"), 0);
	expect(0, "", RUN_IMAGE);
	assert_int_equal(shell("cd " DIR "/out && rm .keel-* && [ $(cat opaque) = file ]"), 0);
	/* Another tar, and long names as pax has them. */
	assert_int_equal(image("tar -C l1 --format=pax -cf a.tar .; finish a.tar"), 0);
	expect(0, "", RUN_IMAGE);
	assert_int_equal(shell("cd " DIR "/out && rm .keel-* && cd .. && diff -r --no-dereference "
			       "l1 out"), 0);
}

/* Layers that are large when they are unpacked, though nothing of them is left, and archives. */
static void too_large(void **state)
{
	run_limit = 8 << 20;
	assert_int_equal(image("head -c 20M /dev/zero >l1/zeros; tar -C l1 -czf a.tgz zeros; : >l2/.wh.zeros; "
			       "tar -C l2 -cf b.tar .wh.zeros; finish a.tgz b.tar"), 0);
	expect(125, "needs more than 8 MiB of Dom0's memory", RUN_IMAGE);
	/* Names of folders are many times as large as the path; what a link names is a copy each time. */
	assert_int_equal(image("rm -rf l1 l2; mkdir l1 l2; echo >l1/f\n"
			       "tar -C l1 -cf a.tar f --transform \"s,f,$(printf 'a/%.0s' $(seq 4000)),\"\n"
			       ": >l2/.wh.a; tar -C l2 -cf b.tar .wh.a; finish a.tar b.tar"), 0);
	expect(125, "needs more than 8 MiB of Dom0's memory", RUN_IMAGE);
	assert_int_equal(image("rm -rf l1; mkdir -p l1/a; ln -s $(printf '%04000d' 1) l1/a/0\n"
			       "for n in $(seq 2200); do ln l1/a/0 l1/a/$n; done\n"
			       "tar -C l1 -cf a.tar a; finish a.tar b.tar"), 0);
	expect(125, "needs more than 8 MiB of Dom0's memory", RUN_IMAGE);
	/* Each name of a file is a copy of it. */
	assert_int_equal(image("head -c 1M /dev/zero >l1/zeros; for n in 1 2 3 4 5 6 7 8; do ln l1/zeros l1/$n; done; "
			       "tar -C l1 -cf a.tar .; finish a.tar"), 0);
	expect(125, "needs more than 8 MiB of Dom0's memory", RUN_IMAGE);
	assert_int_equal(shell("head -c 9M /dev/zero >" DIR "/root/large"), 0);
	expect(125, "needs more than 8 MiB of Dom0's memory", RUN "true");
	assert_int_equal(guest.created, 0);
}

/* Of lengths around those of SHA-256's blocks, and as coreutils say it. */
static void digests(void **state)
{
	static const size_t sizes[] = { 0, 1, 55, 56, 63, 64, 65, 119, 120, 128, 5000 };
	static unsigned char data[5000];
	char command[256], text[SHA256_TEXT];

	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = i * 7 + i / 256;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		FILE *f = fopen(DIR "/data", "w");

		fwrite(data, 1, sizes[i], f);
		fclose(f);
		sha256_text(data, sizes[i], text);
		snprintf(command, sizeof(command), "sha256sum <" DIR "/data | grep -q '^%s '", text);
		assert_int_equal(shell(command), 0);
	}
}

/* Whatever an image says, only its own parts are read, and each one ends. */
static void forged(void **state)
{
	static const struct { const char *script, *says; } cases[] = {
		{ "echo evil >l1/f; tar -C l1 -cPf a.tar --transform 's,f,../../evil,' f; finish a.tar",
		  "layer 1 of the image is damaged" },
		{ "tar -C l1 -cf a.tar f; head -c 700 a.tar >b.tar; finish b.tar",
		  "layer 1 of the image is damaged" },
		{ "tar -C l1 -cf a.tar f; printf 7 | dd of=a.tar conv=notrunc bs=1 seek=110 2>/dev/null; "
		  "finish a.tar",
		  "layer 1 of the image is damaged" },
		{ "printf '{\"layers\":[{\"digest\":\"sha256:../../..%s\"}]}' "
		  "$(printf '/%.0s' $(seq 51))a.tar >m; blob m; index $d",
		  "is no digest" },
		{ "printf '{\"manifests\":[{\"digest\":\"sha512:%s\"}]}' $(printf '%064d' 0) >i/index.json",
		  "is no digest of SHA-256" },
		{ "index $(printf '%064d' 0)", "part of the image" },
		{ "tar -C l1 -cf a.tar f; finish a.tar; blob a.tar; printf 7 >>i/blobs/sha256/$d", "is damaged" },
		{ "tar -C l1 -cf a.tar f; finish a.tar; blob m; echo >>i/blobs/sha256/$d", "is damaged" },
		{ "echo '[1' >i/index.json", "is no JSON" },
		{ "{ echo '{'; head -c 4M /dev/zero | tr '\\0' ' '; echo '}'; } >i/index.json",
		  "of at most 4 MiB" },
		{ "echo '{\"manifests\":[{\"digest\":\"sha256:0\",\"platform\":{\"architecture\":\"arm64\"}}]}' >i/index.json",
		  "has no image for amd64" },
		{ "echo '{}' >m; manifest m >/dev/null; index $d; cp i/index.json m2; blob m; index $d",
		  "has no image for amd64" },
		{ "echo '{\"layers\":[]}' >m; blob m; index $d", "is no image with 1 to 256 layers" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(image(cases[i].script), 0);
		expect(125, cases[i].says, RUN_IMAGE);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(statuses, reset), cmocka_unit_test_setup(interrupted, reset),
		cmocka_unit_test_setup(pieces, reset), cmocka_unit_test_setup(roots, reset),
		cmocka_unit_test_setup(memory, reset), cmocka_unit_test_setup(layers, reset),
		cmocka_unit_test_setup(too_large, reset), cmocka_unit_test_setup(forged, reset),
		cmocka_unit_test_setup(digests, reset),
	};
	int rc;

	/* One run at a time: the folder has one name. */
	flock(open(DIR ".lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600), LOCK_EX);
	rc = cmocka_run_group_tests(tests, NULL, NULL);
	shell("rm -rf " DIR);
	return rc;
}
