/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * `keel install` on machines that are folders: a partition, the firmware's variables, kernels. The
 * firmware, efibootmgr and objcopy are simulated here. Power goes at each step: then the firmware
 * still starts something whole, and the next run ends well.
 */
#include "test/check.h"
#include "test/elf.h"
#include "test/run.h"

#include <fcntl.h>
#include <ftw.h>
#include <sys/mount.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/efi.h"
#include "lib/esp.h"
#include "lib/efi_image.h"
#include "lib/lock.h"
#include "lib/payload.h"
#include "lib/program.h"

#define GLOBAL "-8be4df61-93ca-11d2-aa0d-00e098032b8c"
#define START 2048u
#define DEBIAN 3		/* the entry of plain Linux */
#define CUT 9			/* the exit status of a process whose power went */

static char root[] = "/tmp/keel-payload.XXXXXX";
static const char *hypervisor, *esp;
static struct keel k;
static int warnings;
static char warning[640];
static uint64_t room;			/* for images on the partition; 0: as much as it takes */
static uid_t user;
static const char *full;		/* the firmware has no room for what this option makes */
static unsigned long read_only;		/* ST_RDONLY: the variables are */

/* Steps that change a disk or a variable. */

static int steps, cut_at;		/* 0: never */
/* Something is written, or has a name, and perhaps not on the disk. */
static bool dirty, folder, named, settings_named;
static bool fills;			/* somebody else fills the partition now */
static bool frozen;			/* /var is read-only */

static void step(void)
{
	if (cut_at && ++steps == cut_at)
		_exit(CUT);
}

int open(const char *path, int flags, ...)
{
	if (flags & O_CREAT && !strstr(path, "/run/"))
		step();
	return syscall(SYS_open, path, flags, 0644);
}

int rename(const char *from, const char *to)
{
	step();
	assert_false(dirty && strstr(to, "/esp/"));
	if (strstr(to, "/esp/"))
		named = true;
	else
		settings_named = true;
	return syscall(SYS_rename, from, to);
}

int unlink(const char *path)
{
	if (!access(path, F_OK))
		step();
	return syscall(SYS_unlink, path);
}

int rmdir(const char *path)
{
	step();
	return syscall(SYS_rmdir, path);
}

int mkdir(const char *path, mode_t mode)
{
	if (frozen && access(path, F_OK) && strstr(path, "/var")) {
		errno = EROFS;
		return -1;
	}
	if (access(path, F_OK))
		step();
	if (strstr(path, "/EFI/"))
		folder = true;
	return syscall(SYS_mkdir, path, mode);
}

static uint64_t used(void)
{
	static const char *const names[] = { "keel-1.efi", "keel-2.efi", "new" };
	uint64_t sum = 0;
	struct stat st;
	char path[256];

	for (int i = 0; i < 3; i++) {
		snprintf(path, sizeof(path), "%s/esp/EFI/keel/%s", root, names[i]);
		sum += stat(path, &st) ? 0 : st.st_size;
	}
	return sum;
}

/* Half of it is written when power goes. */
ssize_t sendfile(int out, int in, off_t *at, size_t n)
{
	ssize_t half, rest;

	errno = ENOSPC;
	if (fills || (room && used() + n > room))
		return -1;
	half = syscall(SYS_sendfile, out, in, at, n / 2 + 1);
	dirty = true;
	step();
	rest = syscall(SYS_sendfile, out, in, at, n - n / 2 - 1);
	return half + (rest < 0 ? 0 : rest);
}

int fsync(int fd)
{
	char link[32], path[256] = "";
	struct stat st;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	assert_true(readlink(link, path, sizeof(path) - 1) > 0);
	assert_int_equal(fstat(fd, &st), 0);
	if (!S_ISDIR(st.st_mode))
		dirty = false;
	else if (strstr(path, "/esp/EFI/keel"))
		named = false;
	else if (strstr(path, "/esp/EFI"))
		folder = false;
	else
		settings_named = false;
	return 0;
}

int statvfs(const char *path, struct statvfs *fs)
{
	*fs = (struct statvfs){ .f_bavail = room ? room - used() : 1 << 30, .f_frsize = 1,
				.f_flag = strstr(path, "efivars") ? read_only : 0 };
	return 0;
}

void keel_progress(struct keel *q, const char *what, uint64_t done, uint64_t total)
{
}

void keel_warn(struct keel *q, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(warning, sizeof(warning), fmt, ap);
	va_end(ap);
	if (strstr(warning, "(systemctl enable keeld)"))
		return;		/* this machine's own */
	warnings++;
}

/* Files */

/* Valid until the fourth call from now. */
static const char *at(const char *name)
{
	static char path[4][256];
	static int n;

	n = (n + 1) % 4;
	snprintf(path[n], sizeof(path[n]), "%s/%s", root, name);
	return path[n];
}

static void put(const char *name, const void *data, size_t size)
{
	char path[256];
	int fd;

	snprintf(path, sizeof(path), "%s", at(name));
	for (char *p = path + sizeof(root); (p = strchr(p, '/')); *p++ = '/') {
		*p = 0;
		syscall(SYS_mkdir, path, 0755);
	}
	fd = syscall(SYS_open, path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, data, size), size);
	close(fd);
}

static void put_text(const char *name, const char *text)
{
	put(name, text, strlen(text));
}

/* Its size, or -1. */
static int get_from(const char *path, char *data, size_t size)
{
	int fd = open(path, O_RDONLY), n;

	if (fd < 0)
		return -1;
	n = read(fd, data, size - 1);
	close(fd);
	data[n < 0 ? 0 : n] = 0;
	return n;
}

static bool there(const char *name)
{
	return !access(at(name), F_OK);
}

static int drop_one(const char *path, const struct stat *s, int type, struct FTW *f)
{
	return s && S_ISDIR(s->st_mode) ? syscall(SYS_rmdir, path) : syscall(SYS_unlink, path);
}

static void drop(const char *name)
{
	if (there(name))
		assert_int_equal(nftw(at(name), drop_one, 8, FTW_DEPTH | FTW_PHYS), 0);
}

/* The firmware's variables */

static void put_variable(const char *name, const void *value, size_t size)
{
	unsigned char raw[512] = { 7 };
	char path[96];

	memcpy(raw + 4, value, size);
	snprintf(path, sizeof(path), "efi/efivars/%s" GLOBAL, name);
	put(path, raw, size + 4);
}

static int get_variable(const char *name, unsigned char *value)
{
	unsigned char raw[513];
	char path[96];
	int n;

	snprintf(path, sizeof(path), "efi/efivars/%s" GLOBAL, name);
	n = get_from(at(path), (char *)raw, sizeof(raw));
	if (n < 4)
		return -1;
	memcpy(value, raw + 4, n - 4);
	return n - 4;
}

static void drop_variable(const char *name)
{
	char path[96];

	snprintf(path, sizeof(path), "efi/efivars/%s" GLOBAL, name);
	drop(path);
}

static void put_number(const char *name, unsigned int number)
{
	put_variable(name, (unsigned char []){ number, number >> 8 }, 2);
}

static int get_number(const char *name)
{
	unsigned char value[512];

	return get_variable(name, value) == 2 ? value[0] | value[1] << 8 : -1;
}

/* "4,3", as efibootmgr takes it. */
static void put_order(const char *text)
{
	unsigned char value[64];
	size_t n = 0;
	char *end;

	for (; *text; text = *end ? end + 1 : end) {
		unsigned long number = strtoul(text, &end, 16);

		value[n++] = number;
		value[n++] = number >> 8;
	}
	put_variable("BootOrder", value, n);
}

static const char *order(void)
{
	static char text[64];
	unsigned char value[512];
	int n = get_variable("BootOrder", value);

	text[0] = 0;
	for (int i = 0; i + 1 < n; i += 2)
		sprintf(text + strlen(text), "%s%X", i ? "," : "", value[i] | value[i + 1] << 8);
	return text;
}

static size_t wide(unsigned char *out, const char *text)
{
	size_t n = 0;

	do {
		out[n++] = *text;
		out[n++] = 0;
	} while (*text++);
	return n;
}

/* UEFI 2.10, 3.1.3: attributes, size of the path, label, the partition, the file, the end. */
static unsigned int attributes = 1;

static void put_entry(unsigned int number, const char *label, uint64_t start, const char *file)
{
	unsigned char v[400] = { attributes, attributes >> 8 }, *p;
	char name[16];

	p = v + 6 + wide(v + 6, label);
	memcpy(p, (unsigned char []){ 4, 1, 42, 0, 1 }, 5);
	memcpy(p + 8, &start, 8);
	p += 42;
	p[0] = p[1] = 4;
	p[2] = 4 + wide(p + 4, file);
	p += p[2];
	memcpy(p, (unsigned char []){ 0x7f, 0xff, 4, 0 }, 4);
	p += 4;
	v[4] = p - (v + 6) - 2 * (strlen(label) + 1);
	snprintf(name, sizeof(name), "Boot%04X", number);
	put_variable(name, v, p - v);
}

/* Programs */

static const char *value_of(const char *const argv[], const char *option)
{
	for (; *argv; argv++)
		if (!strcmp(*argv, option))
			return argv[1];
	return NULL;
}

static bool has(const char *const argv[], const char *option)
{
	for (; *argv; argv++)
		if (!strcmp(*argv, option))
			return true;
	return false;
}

static void create(const char *const argv[])
{
	char name[16];
	unsigned int n = 0;

	assert_string_equal(value_of(argv, "--disk"), "/dev/nvme0n1");
	assert_string_equal(value_of(argv, "--part"), "1");
	assert_true(has(argv, "--create-only"));
	do
		snprintf(name, sizeof(name), "Boot%04X", n);
	while (get_variable(name, (unsigned char [512]){ 0 }) >= 0 && ++n);
	put_entry(n, value_of(argv, "--label"), START, value_of(argv, "--loader"));
}

/* It names what it deletes in two variables. */
static void delete(const char *number)
{
	char name[16], rest[64] = "", *all = strdupa(order()), *word;

	snprintf(name, sizeof(name), "Boot%s", number);
	drop_variable(name);
	step();
	while ((word = strsep(&all, ",")))
		if (strtoul(word, NULL, 16) != strtoul(number, NULL, 16))
			sprintf(rest + strlen(rest), "%s%s", *rest ? "," : "", word);
	put_order(rest);
}

static int change_variables(struct keel *q, const char *const argv[])
{
	step();
	assert_false(folder || named || settings_named);
	if (full && has(argv, full))
		return keel_fail(&q->err, EIO, "efibootmgr failed (exit status 5): Could not prepare Boot variable: "
				 "No space left on device");
	if (has(argv, "--create-only"))
		create(argv);
	else if (has(argv, "--delete-bootnum"))
		delete(value_of(argv, "--bootnum"));
	else if (has(argv, "--bootnext"))
		put_number("BootNext", strtoul(value_of(argv, "--bootnext"), NULL, 16));
	else if (has(argv, "--bootorder"))
		put_order(value_of(argv, "--bootorder"));
	else if (has(argv, "--delete-bootnext"))
		drop_variable("BootNext");
	else if (has(argv, "--delete-bootorder"))
		drop_variable("BootOrder");
	else
		fail_msg("efibootmgr %s %s", argv[1], argv[2]);
	return 0;
}

/* The image is what its parts are, one behind the other. */
static void join(const char *const argv[])
{
	static char data[4 << 20];
	const char *out = NULL;
	FILE *f;

	for (const char *const *a = argv; *a; a++)
		out = *a;
	f = fopen(out, "w");
	for (; *argv; argv++) {
		int name, n;

		if (strcmp(*argv, "--add-section"))
			continue;
		name = strcspn(argv[1], "=");
		n = get_from(argv[1] + name + 1, data, sizeof(data));
		assert_true(n >= 0);
		fprintf(f, "%.*s=%.*s\n", name, argv[1], n, data[0] == 0x7f ? "ELF" : data);
	}
	fputs("end", f);
	fclose(f);
}

int program_run(struct keel *q, const char *const argv[], const char *package, const char *input)
{
	char data[8192] = "signed ";

	step();
	if (argv[0] == keel_efibootmgr)
		return change_variables(q, argv);
	if (argv[0] == keel_objcopy)
		join(argv);
	if (argv[0] == keel_sbsign) {
		assert_true(get_from(argv[7], data + 7, sizeof(data) - 7) > 0);
		put(value_of(argv, "--output") + sizeof(root), data, strlen(data));
	}
	return 0;
}

/* The firmware: which file it starts, or "nothing". BootNext counts once. */
static const char *start_entry(int number)
{
	static char data[4 << 20];
	const struct efi_entry *e;
	struct efi_boot b;
	char path[256], *file;

	assert_int_equal(efi_boot_read(&(struct keel){ 0 }, &b, false), 0);
	e = efi_find(&b, number);
	if (!e || !e->boots || e->start != START) {
		efi_boot_free(&b);
		return NULL;
	}
	snprintf(path, sizeof(path), "esp%s", e->file);
	efi_boot_free(&b);
	for (file = path; *file; file++)
		if (*file == '\\')
			*file = '/';
	if (get_from(at(path), data, sizeof(data)) < 0)
		return NULL;
	if (strcmp(data + strlen(data) - 3, "end"))
		fail_msg("the firmware starts %s, which is not whole: %s", path, data);
	put_number("BootCurrent", number);
	return data;
}

static const char *boot(void)
{
	int next = get_number("BootNext");
	char *all = strdupa(order()), *word;
	const char *started = NULL;

	drop_variable("BootNext");
	if (next >= 0)
		started = start_entry(next);
	while (!started && (word = strsep(&all, ",")))
		started = *word ? start_entry(strtoul(word, NULL, 16)) : NULL;
	return started ? started : "nothing";
}

static void put_kernel(const char *name, bool pvh, bool dom0)
{
	struct test_kernel kernel = test_kernel(pvh, dom0);

	put(name, &kernel, sizeof(kernel));
}

static void put_hypervisor(const char *section)
{
	unsigned char pe[1024] = "MZ";

	pe[0x3c] = 64;
	memcpy(pe + 64, "PE", 2);
	pe[64 + 6] = 1;
	pe[64 + 20] = 112;
	memcpy(pe + 64 + 24 + 56, &(uint32_t){ 0x89000 }, 4);
	strcpy((char *)pe + 64 + 24 + 112, section);
	put("lib/keel.efi", pe, sizeof(pe));
}

/* @whole: the file system's own options. */
static void put_mounts(const char *type, const char *options, const char *whole)
{
	char text[512];

	snprintf(text, sizeof(text), "20 1 8:2 / / rw - ext4 /dev/root rw\n"
		 "21 20 259:1 / %s/esp %s shared:1 - %s /dev/nvme0n1p1 %s\n", root, options, type, whole);
	put_text("mounts", text);
}

static int new_machine(void **state)
{
	drop("esp");
	drop("efi");
	drop("boot");
	drop("var");
	drop("sys");
	cut_at = steps = warnings = 0;
	room = read_only = 0;
	full = NULL;
	dirty = folder = named = settings_named = fills = frozen = false;
	k = (struct keel){ 0 };
	put_mounts("vfat", "rw,relatime", "rw,fmask=0077");
	put_text("sys/devices/nvme0n1/queue/logical_block_size", "512\n");
	put_text("sys/devices/nvme0n1/nvme0n1p1/partition", "1\n");
	put_text("sys/devices/nvme0n1/nvme0n1p1/start", "2048\n");
	syscall(SYS_mkdir, at("sys/block"), 0755);
	assert_int_equal(symlink("../devices/nvme0n1/nvme0n1p1", at("sys/block/259:1")), 0);
	put_text("esp/EFI/debian/shimx64.efi", "plain Linux end");
	put_entry(DEBIAN, "debian", START, "\\EFI\\debian\\shimx64.efi");
	put_entry(0xa, "PXE", 0, "");
	put_order("3,A");
	put_number("BootCurrent", DEBIAN);
	put_variable("SecureBoot", "", 1);
	put_hypervisor(".text");
	put_kernel("boot/vmlinuz-6.1.0-9", true, true);
	put_kernel("boot/vmlinuz-6.1.0-10", true, true);
	put_text("boot/initrd.img-6.1.0-9", "initrd 9");
	put_text("boot/initrd.img-6.1.0-10", "initrd 10");
	put_text("cmdline", "BOOT_IMAGE=/boot/vmlinuz-6.1.0-9 root=UUID=1-2 ro  quiet initrd=/x\n");
	put_text("key", "key");
	put_text("cert", "cert");
	return 0;
}

/* With these of Keel's options, which tell one image from another. */
static int install(const char *options, struct payload_result *r)
{
	struct payload p = { .options = options, .esp = esp, .hypervisor = hypervisor,
			     .boot_timeout = -1 };
	struct payload_result other;
	int rc = payload_read(&k, &p);

	if (!rc)
		rc = payload_install(&k, &p, r ? r : &other);
	payload_free(&p);
	return rc;
}

static int confirm(void)
{
	int number = -2;

	assert_int_equal(payload_confirm(&k, &number), 0);
	return number;
}

/* Installs it, boots it, and it comes up. */
static void have(const char *options)
{
	assert_int_equal(install(options, NULL), 0);
	assert_contains(boot(), options);
	assert_true(confirm() >= 0);
}

static void one_image_is_tried_and_stays(void **state)
{
	struct payload_result r;

	assert_int_equal(install("a=1", &r), 0);
	assert_string_equal(r.file, at("esp/EFI/keel/keel-1.efi"));
	assert_string_equal(r.kernel, at("boot/vmlinuz-6.1.0-10"));
	assert_int_equal(r.fallback, DEBIAN);
	assert_string_equal(r.fallback_label, "debian");
	assert_int_equal(r.boot_timeout, PAYLOAD_TIMEOUT);
	assert_string_equal(order(), "3,A");
	assert_int_equal(get_number("BootNext"), r.entry);
	assert_string_equal(boot(), ".cmdline=boot_timeout=600 a=1 -- root=UUID=1-2 ro quiet console=hvc0 console=tty0\n"
			    ".kernel=ELF\n.ramdisk=initrd 10\nend");
	assert_false(there("esp/EFI/keel/new"));
	assert_false(there("var/install"));
	assert_int_equal(confirm(), r.entry);
	assert_string_equal(order(), "0,3,A");
	assert_contains(boot(), "a=1");
	/* That is all: an order that somebody has chosen stays. */
	put_order("3,0");
	assert_int_equal(confirm(), -1);
	assert_string_equal(order(), "3,0");
}

static void what_does_not_come_up_is_not_tried_again(void **state)
{
	assert_int_equal(install("a=1", NULL), 0);
	assert_contains(boot(), "a=1");
	assert_string_equal(boot(), "plain Linux end");
	assert_int_equal(confirm(), -1);
	assert_string_equal(order(), "3,A");
	have("a=2");
	assert_false(there("esp/EFI/keel/keel-2.efi"));
}

/* A new image is not where the one is that runs, or that the firmware starts. */
static void two_images(void **state)
{
	struct payload_result r;

	have("a=1");
	assert_int_equal(install("a=2", &r), 0);
	assert_string_equal(r.file, at("esp/EFI/keel/keel-2.efi"));
	assert_string_equal(r.fallback_label, "Keel 1");
	assert_contains(boot(), "a=2");
	assert_contains(boot(), "a=1");
	have("a=3");
	assert_string_equal(order(), "1,0,3,A");
	assert_int_equal(install("a=4", &r), 0);
	assert_string_equal(r.file, at("esp/EFI/keel/keel-1.efi"));
	assert_string_equal(order(), "1,3,A");
	assert_contains(boot(), "a=4");
	assert_contains(boot(), "a=3");
	have("a=5");
	put_number("BootCurrent", 1);
	assert_int_equal(install("a=6", &r), 0);
	assert_string_equal(r.file, at("esp/EFI/keel/keel-1.efi"));
	assert_contains(boot(), "a=6");
	assert_true(confirm() >= 0);
	/* On plain Linux: the older of both goes. */
	put_number("BootCurrent", DEBIAN);
	assert_int_equal(install("a=6", &r), 0);
	assert_string_equal(r.file, at("esp/EFI/keel/keel-2.efi"));
	assert_string_equal(r.fallback_label, "Keel 1");
}

/* Somebody has switched the entry off (efibootmgr -A): the firmware would pass over it. */
static void an_entry_that_is_off(void **state)
{
	unsigned char value[512];
	int n;

	have("a=1");
	n = get_variable("Boot0000", value);
	assert_true(n > 0 && value[0] & 1);
	value[0] &= ~1;
	put_variable("Boot0000", value, n);
	put_number("BootCurrent", DEBIAN);
	put_order("3,A");
	have("a=2");
	assert_contains(boot(), "a=2");
	assert_string_equal(order(), "1,3,A");
	assert_int_equal(payload_uninstall(&k, esp, false), 3);
}

/* Is there an image or an entry? */
static bool names_keel(void)
{
	return there("esp/EFI/keel/keel-1.efi") || there("esp/EFI/keel/keel-2.efi") ||
	       there("efi/efivars/Boot0000" GLOBAL) || there("efi/efivars/Boot0001" GLOBAL);
}

/* Runs it in a process whose power goes at each step, on a machine that @prepare makes. */
static void cut_everywhere(void (*prepare)(void), int (*run)(void), void (*check)(bool whole))
{
	for (int n = 1;; n++) {
		int status = -1;
		pid_t pid;

		new_machine(NULL);
		prepare();
		fflush(NULL);
		pid = fork();
		if (!pid) {
			cut_at = n;
			_exit(run() ? 1 : 0);
		}
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFEXITED(status));
		if (!WEXITSTATUS(status)) {
			assert_true(n > 5);
			return;
		}
		assert_int_equal(WEXITSTATUS(status), CUT);
		/* Whoever removes keeld looks there. */
		assert_true(payload_is_installed() || !names_keel());
		check(false);
		/* The next run mends it. */
		if (run())
			fail_msg("after a cut at step %d: %s", n, k.err.text);
		check(true);
		assert_false(there("esp/EFI/keel/new"));
		assert_false(there("var/install"));
	}
}

static void nothing(void)
{
}

static void have_one(void)
{
	have("a=1");
}

static void have_two(void)
{
	have("a=1");
	have("a=0");
	have("a=1");
}

/* It waits to be tried. */
static void have_next(void)
{
	assert_int_equal(install("a=8", NULL), 0);
}

static int install_new(void)
{
	return install("a=9", NULL);
}

/* The boot that tries it, if there is one, and the one after that. */
static void check_tried(bool whole, const char *before)
{
	const char *first = boot();

	if (whole || !strstr(first, before))
		assert_contains(first, "a=9");
	assert_contains(boot(), before);
	assert_contains(boot(), before);
}

static void check_fresh(bool whole)
{
	check_tried(whole, "plain Linux");
}

static void check_upgrade(bool whole)
{
	check_tried(whole, "a=1");
}

static void check_replaced(bool whole)
{
	const char *first = boot();

	if (whole || (!strstr(first, "a=8") && !strstr(first, "plain Linux")))
		assert_contains(first, "a=9");
	assert_contains(boot(), "plain Linux");
}

static int uninstall(void)
{
	return payload_uninstall(&k, esp, false) < 0;
}

static void check_uninstalled(bool whole)
{
	const char *started = boot();

	if (whole || !strstr(started, "a=1"))
		assert_string_equal(started, "plain Linux end");
	if (!whole)
		return;
	assert_string_equal(order(), "3,A");
	assert_false(there("esp/EFI/keel"));
	assert_false(there("var/install.json"));
	assert_int_equal(get_number("Boot0000"), -1);
}

static void power_goes_at_each_step(void **state)
{
	cut_everywhere(nothing, install_new, check_fresh);
	cut_everywhere(have_next, install_new, check_replaced);
	cut_everywhere(have_one, install_new, check_upgrade);
	cut_everywhere(have_two, install_new, check_upgrade);
	cut_everywhere(have_one, uninstall, check_uninstalled);
	cut_everywhere(have_two, uninstall, check_uninstalled);
}

/* Of an error, its code and a part of its text; and nothing has changed. */
static void refuses(int code, const char *text)
{
	int rc = install("a=9", NULL);

	if (rc != -code)
		fail_msg("%d, not %d: %s", rc, -code, k.err.text);
	assert_contains(k.err.text, text);
	assert_int_equal(get_number("BootNext"), -1);
	assert_string_equal(order(), "3,A");
	assert_false(names_keel());
	assert_false(there("esp/EFI/keel/new"));
	assert_false(there("var/install"));
	assert_false(payload_is_installed());
	new_machine(NULL);
}

static void the_partition(void **state)
{
	put_mounts("ext4", "rw", "rw");
	refuses(ENOENT, "no FAT volume is mounted at");
	put_mounts("vfat", "ro,relatime", "rw");
	refuses(EROFS, "mount -o remount,rw");
	put_mounts("vfat", "rw", "ro,errors=remount-ro");
	refuses(EROFS, "if Linux has found it damaged");
	drop("sys/devices/nvme0n1/nvme0n1p1/partition");
	refuses(ENOTSUP, "no partition of a disk");
	room = 1 << 20;
	refuses(ENOSPC, "has 1 MiB left, and the image takes 2");
	fills = true;
	refuses(ENOSPC, "No space left on device");
	room = 0x8d000 + 0x3000 + (1 << 20);	/* keel.efi, kernel, initrd, options; and a little */
	assert_int_equal(install("a=1", NULL), 0);
}

/* Who says where it is may say it in any way. */
static void names_of_it(void **state)
{
	struct esp e;

	assert_int_equal(esp_find(&k, at("esp/"), &e), 0);
	assert_string_equal(e.path, esp);
	assert_int_equal(symlink("esp", at("link")), 0);
	assert_int_equal(esp_find(&k, at("link"), &e), 0);
	assert_string_equal(e.path, esp);
	unlink(at("link"));
	assert_int_equal(esp_find(&k, at("boot"), &e), -ENOENT);
	assert_int_equal(esp_find(&k, at("none"), &e), -ENOENT);
}

/* Nobody has said where it is. */
static void where_it_is_looked_for(void **state)
{
	struct esp e;

	assert_int_equal(esp_find(&k, NULL, &e), -ENOENT);
	assert_contains(k.err.text, "is not mounted at /efi, /boot/efi or /boot");
	put_text("mounts", "21 20 8:2 / /boot rw - ext4 /dev/sda2 rw\n"
		 "22 21 259:1 / /boot/efi rw - vfat /dev/nvme0n1p1 rw\n");
	assert_int_equal(esp_find(&k, NULL, &e), 0);
	assert_string_equal(e.path, "/boot/efi");
	put_text("mounts", "21 20 259:1 / /boot rw - vfat /dev/nvme0n1p1 rw\n");
	assert_int_equal(esp_find(&k, NULL, &e), 0);
	assert_string_equal(e.path, "/boot");
	put_text("mounts", "21 20 259:1 / /boot/efi rw - vfat /dev/nvme0n1p1 rw\n"
		 "22 20 259:1 / /efi rw - vfat /dev/nvme0n1p1 rw\n");
	assert_int_equal(esp_find(&k, NULL, &e), 0);
	assert_string_equal(e.path, "/efi");
}

/* What has not proved itself makes room, and nothing else does. */
static void room_is_made(void **state)
{
	static char large[3 << 20];

	memset(large, 'x', sizeof(large));
	put("boot/initrd.img-6.1.0-10", large, sizeof(large));
	have("a=1");
	assert_int_equal(install("a=2", NULL), 0);
	room = 77 * (1 << 20) / 10;	/* for one, and for one with some room more */
	assert_int_equal(install("a=3", NULL), 0);
	assert_contains(boot(), "a=3");
	assert_contains(boot(), "a=1");
	room = 7 << 20;
	assert_int_equal(install("a=4", NULL), -ENOSPC);
	assert_contains(boot(), "a=1");
	put_number("BootNext", 1);
	assert_contains(boot(), "a=3");
}

/* What `keel install` will do again. */
static void assert_last(const char *options)
{
	char text[512];

	assert_true(get_from(keel_payload_settings, text, sizeof(text)) > 0);
	assert_contains(text, options);
}

static void the_variables(void **state)
{
	int number;

	drop("efi");
	assert_int_equal(install("a=9", NULL), -ENOTSUP);
	assert_contains(k.err.text, "no UEFI firmware");
	assert_int_equal(confirm(), -1);
	syscall(SYS_mkdir, at("efi"), 0755);
	syscall(SYS_mkdir, at("efi/efivars"), 0755);
	assert_int_equal(install("a=9", NULL), -ENOENT);
	assert_contains(k.err.text, "mount -t efivarfs");
	new_machine(NULL);
	read_only = ST_RDONLY;
	refuses(EROFS, "mount -o remount,rw");
	full = "--create-only";
	refuses(ENOSPC, "no room for another variable");
	full = "--bootnext";
	refuses(ENOSPC, "no room for another variable");
	have("a=1");
	full = "--create-only";
	assert_int_equal(install("a=2", NULL), -ENOSPC);
	assert_false(there("esp/EFI/keel/keel-2.efi"));
	assert_contains(boot(), "a=1");
	assert_last("a=1");
	/* An entry that is there needs no room for itself. */
	full = NULL;
	assert_int_equal(install("a=2", NULL), 0);
	assert_contains(boot(), "a=2");
	put_number("BootCurrent", 0);
	full = "--create-only";
	assert_int_equal(install("a=3", NULL), 0);
	drop_variable("BootNext");
	full = "--bootnext";
	assert_int_equal(install("a=4", NULL), -ENOSPC);
	assert_last("a=3");
	assert_contains(boot(), "a=1");
	full = NULL;
	assert_int_equal(install("a=4", NULL), 0);
	assert_contains(boot(), "a=4");
	full = "--bootorder";
	assert_int_equal(payload_confirm(&k, &number), -ENOSPC);
	assert_string_equal(order(), "0,3,A");
	full = NULL;
	assert_int_equal(confirm(), 1);
	keel_efibootmgr = at("efibootmgr");
	assert_int_equal(install("a=2", NULL), -ENOENT);
	assert_contains(k.err.text, "the package efibootmgr");
	keel_efibootmgr = "/bin/true";
}

/* Nothing can be made, and the machine is as it was. */
static void a_root_that_is_read_only(void **state)
{
	frozen = true;
	refuses(EROFS, "where images are made, is on a file system that is mounted read-only");
	have("a=1");
	frozen = true;
	assert_int_equal(install("a=2", NULL), -EROFS);
	assert_contains(boot(), "a=1");
	frozen = false;
	have("a=2");
}

/* Both are unpacked before the first one's hook runs, and initrds come in turn. */
static void two_kernels_at_once(void **state)
{
	struct payload_result r;

	put_kernel("boot/vmlinuz-6.1.0-11", true, true);
	put_kernel("boot/vmlinuz-6.1.0-12", true, true);
	put_text("boot/initrd.img-6.1.0-11", "initrd 11");
	assert_int_equal(install("a=1", &r), 0);
	assert_string_equal(r.kernel, at("boot/vmlinuz-6.1.0-11"));
	assert_string_equal(r.initrd, at("boot/initrd.img-6.1.0-11"));
	assert_contains(warning, "vmlinuz-6.1.0-12 has no initrd yet");
	put_text("boot/initrd.img-6.1.0-12", "initrd 12");
	assert_int_equal(install(NULL, &r), 0);
	assert_int_equal(warnings, 1);
	assert_string_equal(r.file, at("esp/EFI/keel/keel-1.efi"));
	assert_contains(boot(), "initrd 12");
	assert_contains(boot(), "plain Linux");
	/* Those that have one cannot be Dom0. */
	drop("boot");
	put_kernel("boot/vmlinuz-6.1.0-9", false, true);
	put_text("boot/initrd.img-6.1.0-9", "initrd 9");
	put_kernel("boot/vmlinuz-6.1.0-8", true, true);
	assert_int_equal(install(NULL, &r), 0);
	assert_string_equal(r.kernel, at("boot/vmlinuz-6.1.0-8"));
	assert_string_equal(r.initrd, "");
}

static void damaged_entries(void **state)
{
	unsigned char v[64] = { 1, 0, 0, 0, 40, 0, 'x', 0, 0, 0, 4, 1, 42, 0 };
	struct efi_boot b;
	unsigned int n;

	for (size_t size = 0; size <= sizeof(v); size++) {
		put_variable("Boot0007", v, size);
		assert_int_equal(efi_boot_read(&k, &b, false), 0);
		assert_non_null(efi_find(&b, DEBIAN));
		efi_boot_free(&b);
	}
	/* A node without a length, a path behind the end, names that are none. */
	v[12] = 0;
	put_variable("Boot0007", v, sizeof(v));
	put_entry(8, "x", START, "\\file");
	v[4] = 200;
	put_variable("Boot0009", v, 10);
	assert_int_equal(efi_boot_read(&k, &b, false), 0);
	assert_string_equal(efi_find(&b, 8)->file, "\\file");
	assert_string_equal(efi_find(&b, 9)->file, "");
	n = b.nr_entries;
	efi_boot_free(&b);
	put_variable("Boot00003", v, 20);
	put_variable("Boot0010x", v, 20);
	assert_int_equal(efi_boot_read(&k, &b, false), 0);
	assert_int_equal(b.nr_entries, n);
	efi_boot_free(&b);
	put_variable("BootOrder", v, 1);
	assert_int_equal(install("a=1", NULL), 0);
	assert_int_equal(get_number("BootNext"), 0);
}

static void kernels(void **state)
{
	struct payload_result r;

	put_kernel("boot/vmlinuz-6.10.0-1", true, false);
	put_kernel("boot/vmlinuz-6.9.0-1", false, true);
	put_kernel("boot/vmlinuz-6.11.dpkg-new", true, true);
	put_text("boot/initrd.img-6.10.0-1", "initrd");
	put_text("boot/initrd.img-6.9.0-1", "initrd");
	put_text("boot/initrd.img-6.11.dpkg-new", "initrd");
	assert_int_equal(install("a=1", &r), 0);
	assert_string_equal(r.kernel, at("boot/vmlinuz-6.1.0-10"));
	assert_int_equal(warnings, 2);
	assert_contains(warning, "no PVH entry");
	new_machine(NULL);
	drop("boot");
	put_kernel("boot/vmlinuz-6.1.0-9", false, true);
	refuses(ENOENT, "no kernel in");
	drop("boot/initrd.img-6.1.0-9");
	drop("boot/initrd.img-6.1.0-10");
	assert_int_equal(install("a=1", &r), 0);
	assert_string_equal(r.initrd, "");
	assert_contains(warning, "has no initrd");
	put_hypervisor(".kernel");
	assert_int_equal(install("a=2", &r), -EINVAL);
	assert_contains(k.err.text, "has a kernel in it already");
	put_text("lib/keel.efi", "MZ");
	assert_int_equal(install("a=2", &r), -ENOEXEC);
	assert_contains(boot(), "a=1");
}

#define LAST .boot_timeout = -1		/* as the last time */

static int install_with(struct payload p)
{
	struct payload_result r;
	int rc;

	p.hypervisor = hypervisor;
	p.esp = esp;
	rc = payload_read(&k, &p);
	if (!rc)
		rc = payload_install(&k, &p, &r);
	payload_free(&p);
	return rc;
}

/* What is not said is as it was the last time, and "" is the default. */
static void settings(void **state)
{
	const char *kernel = strdupa(at("k")), *initrd = strdupa(at("i"));
	const char *work = keel_payload_work;
	static char longest[1200];

	put_kernel("k", true, true);
	put_text("i", "other initrd");
	assert_int_equal(install_with((struct payload){ .kernel = kernel, .initrd = initrd, .options = "x=1",
							.dom0_options = "root=/dev/sda", .boot_timeout = 0 }), 0);
	assert_string_equal(boot(), ".cmdline=x=1 -- root=/dev/sda\n.kernel=ELF\n.ramdisk=other initrd\nend");
	assert_int_equal(install_with((struct payload){ .options = "x=2", .initrd = "", LAST }), 0);
	assert_string_equal(boot(), ".cmdline=x=2 -- root=/dev/sda\n.kernel=ELF\nend");
	assert_int_equal(install_with((struct payload){ .kernel = "", .dom0_options = "",
							.boot_timeout = 30 }), 0);
	put_text("cmdline", "root=/dev/sdb console=hvc0");
	assert_string_equal(boot(), ".cmdline=boot_timeout=30 x=2 -- root=UUID=1-2 ro quiet console=hvc0 console=tty0\n"
			    ".kernel=ELF\n.ramdisk=initrd 10\nend");
	assert_int_equal(install_with((struct payload){ .dom0_options = "", LAST }), 0);
	assert_contains(boot(), "boot_timeout=30 x=2 -- root=/dev/sdb console=hvc0\n");
	assert_true(payload_is_installed());

	memset(longest, 'x', sizeof(longest) - 1);
	assert_int_equal(install_with((struct payload){ .options = longest, LAST }), -E2BIG);
	assert_int_equal(install_with((struct payload){ .dom0_options = longest, LAST }), -E2BIG);
	put_text("cmdline", longest);
	assert_int_equal(install_with((struct payload){ .dom0_options = "", LAST }), -E2BIG);
	assert_int_equal(install_with((struct payload){ .options = "a -- b", LAST }), -EINVAL);
	assert_int_equal(install_with((struct payload){ .options = "config=x", LAST }), -EINVAL);
	put_text("var/install.json", "{");
	assert_int_equal(install_with((struct payload){ LAST }), -EINVAL);
	assert_contains(k.err.text, "is damaged");
	put_text("cmdline", "ro");
	drop("var/install.json");
	keel_payload_work = "/proc/keel";
	assert_true(install("a=2", NULL) < 0);
	assert_contains(k.err.text, "/proc/keel");
	keel_payload_work = work;
}

/* What is named from this folder on is the same when a kernel's hook runs in another one. */
static void in_another_folder(void **state)
{
	char *here = getcwd(NULL, 0);
	struct payload_result r;
	struct payload p = { .kernel = "k", .initrd = "./i", .hypervisor = "lib/keel.efi", .esp = "esp/",
			     .sign = "key,cert", .boot_timeout = -1 };

	put_kernel("k", true, true);
	put_text("i", "other initrd");
	put_text("key", "key");
	put_text("cert", "cert");
	assert_int_equal(chdir(root), 0);
	assert_int_equal(payload_read(&k, &p), 0);
	assert_int_equal(payload_install(&k, &p, &r), 0);
	payload_free(&p);
	assert_int_equal(chdir("/"), 0);
	p = (struct payload){ LAST };
	assert_int_equal(payload_read(&k, &p), 0);
	assert_int_equal(payload_install(&k, &p, &r), 0);
	payload_free(&p);
	assert_contains(boot(), ".ramdisk=other initrd\n");
	assert_int_equal(chdir(here), 0);
	free(here);
}

static void secure_boot(void **state)
{
	char sign[600];

	put_variable("SecureBoot", "\1", 1);
	refuses(EPERM, "Secure Boot is on");
	put_variable("SecureBoot", "\1", 1);
	snprintf(sign, sizeof(sign), "%s,%s", at("key"), at("cert"));
	assert_int_equal(install_with((struct payload){ .sign = sign, LAST }), 0);
	assert_contains(boot(), "signed .cmdline=");
	assert_int_equal(install("a=2", NULL), 0);	/* with the same key */
	assert_contains(boot(), "signed .cmdline=");
	drop("key");
	assert_int_equal(install("a=3", NULL), -ENOENT);
	assert_contains(k.err.text, "cannot open key");
	assert_int_equal(install_with((struct payload){ .sign = "k", LAST }), -EINVAL);
	assert_int_equal(install_with((struct payload){ .sign = ",c", LAST }), -EINVAL);
	assert_int_equal(install_with((struct payload){ .sign = "k,", LAST }), -EINVAL);
}

/* Entries of other disks are not ours, whatever they name. */
static void others(void **state)
{
	struct payload_result r;

	put_entry(5, "Keel 1", START + 8, "\\EFI\\keel\\keel-1.efi");
	put_order("5,3");
	have("a=1");
	assert_string_equal(order(), "0,5,3");
	assert_int_equal(payload_uninstall(&k, esp, false), 2);
	assert_string_equal(order(), "5,3");
	assert_int_equal(payload_uninstall(&k, esp, false), 0);
	have("a=1");
	assert_int_equal(install("a=2", NULL), 0);
	assert_int_equal(payload_uninstall(&k, esp, false), 4);
	assert_int_equal(get_number("BootNext"), -1);
	have("a=1");
	/* Nor does the firmware start its setup, or what is switched off, by itself. */
	attributes = 0x101;
	put_entry(6, "Setup", 0, "");
	attributes = 0;
	put_entry(7, "off", START, "\\EFI\\debian\\shimx64.efi");
	attributes = 1;
	put_order("6,7,0");
	assert_int_equal(install("a=2", &r), 0);
	assert_int_equal(r.fallback, 0);
	assert_int_equal(payload_uninstall(&k, esp, false), -EPERM);
	assert_contains(boot(), "a=2");
	assert_contains(boot(), "a=1");
	assert_int_equal(payload_uninstall(&k, esp, true), 4);
	assert_string_equal(boot(), "nothing");
}

static void dry_runs(void **state)
{
	struct payload_result r;

	k.dry_run = true;
	assert_int_equal(install("a=1", &r), 0);
	assert_int_equal(r.entry, -1);
	assert_true(r.size > 0x89000);
	assert_false(there("esp/EFI/keel"));
	assert_false(there("var"));
	assert_string_equal(boot(), "plain Linux end");
	k.dry_run = false;
	have("a=1");
	k.dry_run = true;
	assert_int_equal(payload_uninstall(&k, esp, false), 2);
	assert_contains(boot(), "a=1");
	put_order("");
	assert_int_equal(install("a=2", &r), 0);
	assert_int_equal(r.fallback, -1);
}

uid_t geteuid(void)
{
	return user;
}

/* There is no hypervisor yet. */
int keel_open(struct keel *q, bool no_xenstore)
{
	return keel_fail(&q->err, ENOENT, "no hypervisor");
}

int keel_domain_list(struct keel *q, struct keel_domain **out)
{
	return -ENOENT;
}

int keel_domain_find(struct keel *q, const char *who, struct keel_domain *d)
{
	return -ENOENT;
}

static int command(const char *fmt, ...)
{
	static const struct command *const all[] = { &cmd_install, &cmd_uninstall, NULL };
	char words[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(words, sizeof(words), fmt, ap);
	va_end(ap);
	k = (struct keel){ .json = strstr(words, "--json") };
	return run_command(&k, all, words);
}

static void what_is_printed(void **state)
{
	assert_int_equal(command("install --again"), KEEL_EXIT_OK);
	assert_string_equal(printed, "");
	assert_int_equal(command("install -n -e %s --hypervisor %s --json", esp, hypervisor), 0);
	assert_contains(printed, "\"entry\":null");
	assert_contains(printed, "\"fallback\":\"0003\"");
	assert_int_equal(command("install -e %s --hypervisor %s -o a=1 -t 30", esp, hypervisor), 0);
	assert_contains(printed, "Dom0 has 30 s to come up");
	assert_contains(printed, "boot after that is entry 0003, \"debian\"");
	assert_int_equal(command("install --again --json"), KEEL_EXIT_OK);
	assert_contains(printed, "\"boot_timeout\":30");
	assert_contains(printed, "\"entry\":\"0000\"");
	assert_int_equal(command("install -t 86401"), KEEL_EXIT_USAGE);
	assert_int_equal(command("install -i /nowhere --json"), KEEL_EXIT_FAILED);
	assert_contains(printed, "cannot open initrd /nowhere");
	assert_int_equal(command("uninstall -n --json"), KEEL_EXIT_OK);
	assert_int_equal(command("uninstall -n"), KEEL_EXIT_OK);
	assert_string_equal(printed, "2 entries and images would be removed\n");
	user = 1;
	assert_int_equal(command("uninstall"), KEEL_EXIT_FAILED);
	assert_int_equal(command("install"), KEEL_EXIT_FAILED);
	assert_contains(printed, "run it as root");
	user = 0;
	assert_int_equal(command("uninstall --json"), KEEL_EXIT_OK);
	assert_contains(printed, "\"removed\":2");
	assert_int_equal(command("uninstall -f -e %s", esp), KEEL_EXIT_OK);
	assert_string_equal(printed, "nothing is installed\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(one_image_is_tried_and_stays, new_machine),
		cmocka_unit_test_setup(what_does_not_come_up_is_not_tried_again, new_machine),
		cmocka_unit_test_setup(two_images, new_machine),
		cmocka_unit_test_setup(power_goes_at_each_step, new_machine),
		cmocka_unit_test_setup(the_partition, new_machine),
		cmocka_unit_test_setup(where_it_is_looked_for, new_machine),
		cmocka_unit_test_setup(names_of_it, new_machine),
		cmocka_unit_test_setup(an_entry_that_is_off, new_machine),
		cmocka_unit_test_setup(in_another_folder, new_machine),
		cmocka_unit_test_setup(room_is_made, new_machine),
		cmocka_unit_test_setup(the_variables, new_machine),
		cmocka_unit_test_setup(a_root_that_is_read_only, new_machine),
		cmocka_unit_test_setup(two_kernels_at_once, new_machine),
		cmocka_unit_test_setup(damaged_entries, new_machine),
		cmocka_unit_test_setup(kernels, new_machine),
		cmocka_unit_test_setup(settings, new_machine),
		cmocka_unit_test_setup(secure_boot, new_machine),
		cmocka_unit_test_setup(others, new_machine),
		cmocka_unit_test_setup(dry_runs, new_machine),
		cmocka_unit_test_setup(what_is_printed, new_machine),
	};
	int rc;

	if (!mkdtemp(root))
		return 1;
	hypervisor = strdup(at("lib/keel.efi"));
	esp = strdup(at("esp"));
	keel_run_dir = strdup(at("run"));
	keel_efivars = strdup(at("efi/efivars"));
	keel_efibootmgr = "/bin/true";
	keel_mounts = strdup(at("mounts"));
	keel_sys_block = strdup(at("sys/block"));
	keel_proc_cmdline = strdup(at("cmdline"));
	keel_boot_dir = strdup(at("boot"));
	keel_payload_settings = strdup(at("var/install.json"));
	keel_payload_work = strdup(at("var/install"));
	rc = cmocka_run_group_tests(tests, NULL, NULL);
	drop("");
	return rc;
}
