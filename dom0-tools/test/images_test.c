/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * import, snapshot and clone, with Debian's own qemu-img and mtools: what they make of images, and
 * what they leave when something fails.
 */
#include "test/check.h"

#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "lib/device.h"
#include "lib/image.h"
#include "test/run.h"
#include "test/shell.h"
#include "test/warned.h"

#define DIR "/tmp/images-test"
#define IMAGES DIR "/images"
#define KEY " --ssh-key " DIR "/key.pub"

static struct keel k;
static bool interrupted;
static void (*meanwhile)(void);

static const struct command *const all[] = { &cmd_import, &cmd_snapshot, &cmd_clone, NULL };

int keel_open(struct keel *q, bool no_xenstore)
{
	fail_msg("nothing here needs a hypervisor");
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

void warn_of(void *arg, const char *text)
{
}

/* Each is another one. */
void vif_choose_mac(struct guest_vif *v)
{
	static unsigned char last;

	memcpy(v->mac, (unsigned char[]){ 0, 0x16, 0x3e, 0, 0, ++last }, 6);
	v->has_mac = true;
}

uint64_t keel_now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* So many pages are free. */
static uint64_t room;

int statvfs(const char *path, struct statvfs *s)
{
	*s = (struct statvfs){ .f_bavail = room, .f_frsize = 4096 };
	return 0;
}

/* Beside the first program that makes an image. */
static void die(void)
{
	if (!access(IMAGES "/a", F_OK))
		raise(SIGKILL);
	meanwhile = die;
}

static void touch(void)
{
	assert_int_equal(utimensat(AT_FDCWD, DIR "/raw", NULL, 0), 0);
}

static void exchange(void)
{
	assert_int_equal(renameat2(AT_FDCWD, DIR "/theirs", AT_FDCWD, DIR "/other", RENAME_EXCHANGE), 0);
}

/* Once, beside the first program. */
void keel_progress(struct keel *q, const char *what, uint64_t done, uint64_t total)
{
	void (*now)(void) = meanwhile;

	meanwhile = NULL;
	if (now)
		now();
}

bool keel_interrupted(struct keel *q)
{
	if (interrupted)
		keel_fail(&q->err, EINTR, "interrupted");
	return interrupted;
}

void keel_hold_signals(sigset_t *old)
{
}

void keel_release_signals(const sigset_t *old)
{
}

static char *said_by(const char *command)
{
	static char text[8192];
	FILE *f = popen(command, "r");
	size_t n = fread(text, 1, sizeof(text) - 1, f);

	text[n] = 0;
	pclose(f);
	return text;
}

/* All files and their modes. */
static char *files(void)
{
	return said_by("cd " DIR " && find . -type f -printf '%P %m\\n' | LC_ALL=C sort");
}

static int reset(void **state)
{
	shell("rm -rf " DIR "; mkdir -p " DIR "/etc; cp /bin/true " DIR "/grub");
	assert_int_equal(shell("cd " DIR " && truncate -s 8M raw && printf abc | dd of=raw conv=notrunc 2>/dev/null && "
			       "printf '\\125\\252' | dd of=raw bs=1 seek=510 conv=notrunc 2>/dev/null && "
			       "qemu-img convert -f raw -O qcow2 raw cloud.qcow2 && "
			       "echo 'ssh-ed25519 AAAA me' >key.pub"), 0);
	keel_images_dir = IMAGES;
	keel_config_dir = DIR "/etc";
	guest_pvh_grub = DIR "/grub";
	warned[0] = 0;
	interrupted = false;
	meanwhile = NULL;
	room = 1 << 20;
	k = (struct keel){ 0 };
	return 0;
}

/* Runs a command; its exit code and what it says. After a failure everything is as it was. */
static void expect(int code, const char *says, const char *words)
{
	char before[4096];
	int rc;

	snprintf(before, sizeof(before), "%s", files());
	k = (struct keel){ 0 };
	rc = run_command(&k, all, words);
	if (rc != code)
		fail_msg("keel %s: %d, not %d: %s", words, rc, code, printed);
	assert_contains(printed, says);
	if (rc || strstr(words, " -n "))
		assert_string_equal(files(), before);
}

/* A word of the FAT file system in the seed. */
static void seed_has(const char *guest, const char *file, const char *what)
{
	char command[256], *text;

	snprintf(command, sizeof(command), "mcopy -n -i " IMAGES "/%s/seed.img ::%s -", guest, file);
	text = said_by(command);
	assert_contains(text, what);
}

static void imported(void **state)
{
	struct guest_config g;
	char uuid[37];

	expect(0, "would be imported", "import -n " DIR "/cloud.qcow2 --name web");
	expect(0, "\"dry_run\":true", "import --json -n " DIR "/cloud.qcow2 --name web");
	expect(0, "`keel create web` starts it", "import " DIR "/cloud.qcow2 --name web --user me"
	       KEY " --memory 2g --vcpus 2 --network lan --size 16m");
	assert_int_equal(guest_from_file(&g, DIR "/etc/web.cfg", NULL, NULL, &k.err), 0);
	assert_string_equal(g.name, "web");
	guest_uuid_text(g.uuid, uuid);
	assert_string_equal(g.kernel, DIR "/grub");
	assert_int_equal(g.memory_mib, 2048);
	assert_int_equal(g.vcpus, 2);
	assert_string_equal(g.vif[0].network, "lan");
	assert_string_equal(g.disk[0].path, IMAGES "/web/disk.qcow2");
	assert_string_equal(g.disk[0].format, "qcow2");
	assert_true(g.disk[1].readonly);
	guest_free(&g);
	assert_contains(files(), "images/web/disk.qcow2 600\n");
	assert_int_equal(shell("qemu-img dd -f qcow2 -O raw if=" IMAGES "/web/disk.qcow2 of=" DIR "/out bs=1M && cmp -n 8388608 "
			     DIR "/out " DIR "/raw && [ $(stat -c %s " DIR "/out) = 16777216 ]"), 0);
	seed_has("web", "user-data", "#cloud-config\n{");
	seed_has("web", "user-data", "\"ssh_authorized_keys\":[\n        \"ssh-ed25519 AAAA me\"\n");
	seed_has("web", "user-data", "\"name\":\"me\"");
	seed_has("web", "meta-data", uuid);
	seed_has("web", "meta-data", "\"local-hostname\":\"web\"");
	assert_int_equal(shell("[ \"$(blkid -p -o value -s LABEL " IMAGES "/web/seed.img)\" = "
			       "CIDATA ]"), 0);
	expect(1, "there are images of 'web' already", "import " DIR "/raw --name web");
	expect(0, "\"result\":", "import --json " DIR "/raw --name other --hostname a.b" KEY);
	seed_has("other", "user-data", "\"hostname\":\"a.b\"");
	seed_has("other", "user-data", "\"ssh_authorized_keys\"");
	/* Two machines are two to cloud-init. */
	assert_int_equal(shell("cd " IMAGES " && for g in web other; do mcopy -n -i $g/seed.img ::meta-data - | grep instance; done | "
			     "uniq -d | grep -q ."), 1);
}

/* Nothing of an image may be elsewhere; what is no image of a disk is refused. */
static void hostile(void **state)
{
	assert_int_equal(shell("cd " DIR " && qemu-img create -q -f qcow2 -F raw -b raw backed && "
			       "qemu-img create -q -f qcow2 -o data_file=data data.qcow2 8M && rm data && mkfifo data fifo && "
			       "qemu-img create -q -f qcow2 huge 3T && ln -s raw link && ln -s fifo tofifo && "
			       "qemu-img create -q -f qcow2 -o encrypt.format=aes,encrypt.key-secret=s "
			       "--object secret,id=s,data=x locked 8M && cp cloud.qcow2 damaged && "
			       "printf '\\2' | dd of=damaged bs=1 seek=79 conv=notrunc 2>/dev/null"), 0);
	/* A raw disk whose guest has written the header of an image. */
	assert_int_equal(shell("cd " DIR " && cp backed trap.raw && truncate -s 8M trap.raw"), 0);
	expect(1, "in another file (a backing file)", "import " DIR "/backed --name a");
	expect(1, "in another file (a backing file)", "import " DIR "/trap.raw --name a");
	expect(1, "in another file (a backing file)", "import " DIR "/trap.raw --name a --format qcow2");
	/* Nothing opens the FIFO that it names. */
	expect(1, "in another file (a data file)", "import " DIR "/data.qcow2 --name a");
	expect(1, "is neither a file nor a block device", "import " DIR "/fifo --name a");
	expect(1, "is neither a file nor a block device", "import " DIR " --name a");
	expect(1, "is a symbolic link", "import " DIR "/link --name a");
	expect(1, "is a symbolic link", "import " DIR "/tofifo --name a");
	expect(1, "1 MiB to 2 TiB are sensible", "import " DIR "/huge --name a");
	expect(1, "neither qcow2 nor a disk", "import " DIR "/key.pub --name a");
	expect(1, "1 MiB to 2 TiB are sensible", "import " DIR "/key.pub --name a --format raw");
	expect(1, " is encrypted", "import " DIR "/locked --name a");
	expect(1, " is marked as damaged", "import " DIR "/damaged --name a");
	expect(1, "cannot open " DIR "/none", "import " DIR "/none --name a");
	expect(1, "not in qcow2 format", "import " DIR "/raw --name a --format qcow2");
	expect(0, "imported", "import " DIR "/trap.raw --name a --format raw");
}

/* What a guest sees at the start of its disk. */
static void first_bytes(const char *path, const char *bytes)
{
	char command[512];

	snprintf(command, sizeof(command), "qemu-img dd -f qcow2 -O raw bs=512 count=1 if=%s of=" DIR "/first && head -c 3 " DIR
		 "/first", path);
	assert_string_equal(said_by(command), bytes);
}

static void open_to_write(void)
{
	assert_int_equal(open(DIR "/raw", O_RDWR | O_NONBLOCK | O_CLOEXEC), -1);
	assert_int_equal(errno, EWOULDBLOCK);
}

/* What is read is what was looked at, whatever has its name; nobody can write to it unseen. */
static void held(void **state)
{
	struct image_source s;
	int fd;

	assert_int_equal(shell("cd " DIR " && mkdir theirs other && cp raw theirs && "
			       "truncate -s 8M other/raw"), 0);
	assert_int_equal(image_source_open(&k, &s, DIR "/theirs/raw", NULL), 0);
	exchange();
	assert_int_equal(image_copy(&k, s.opened, s.format, DIR "/copy"), 0);
	exchange();
	assert_int_equal(image_source_unchanged(&k, &s), 0);
	image_source_close(&s);
	first_bytes(DIR "/copy", "abc");
	meanwhile = open_to_write;
	expect(1, "was changed meanwhile", "import " DIR "/raw --name a");
	fd = open(DIR "/raw", O_RDWR);
	expect(1, "raw is open for writing", "import " DIR "/raw --name a");
	close(fd);
	expect(0, "imported", "import " DIR "/raw --name a");
}

/* Whoever can write the image waits until it was looked at. */
static void changed(void **state)
{
	meanwhile = touch;
	expect(1, "was changed meanwhile", "import " DIR "/raw --name a");
	assert_int_equal(shell("cd " DIR " && mkdir theirs other && cp raw theirs && cp raw other"), 0);
	meanwhile = exchange;
	expect(1, "was changed meanwhile", "import " DIR "/theirs/raw --name a");
	expect(0, "imported", "import " DIR "/raw --name a");
}

static void bad_words(void **state)
{
	expect(2, "the guest needs a name", "import " DIR "/raw");
	expect(1, "has to begin with a letter", "import " DIR "/raw --name ..");
	expect(1, "may hold letters", "import " DIR "/raw --name a/b");
	expect(1, "is no host name", "import " DIR "/raw --name a_b");
	expect(1, "is no name of a user", "import " DIR "/raw --name a --user Me" KEY);
	expect(1, "could not log in without a key", "import " DIR "/raw --name a --user me");
	expect(1, "cannot open SSH key", "import " DIR "/raw --name a --ssh-key " DIR "/nokey");
	assert_int_equal(shell("cd " DIR "; echo '--BEGIN OPENSSH PRIVATE KEY--' >key; echo >empty"), 0);
	expect(1, "that is a private key", "import " DIR "/raw --name a --ssh-key " DIR "/key");
	expect(1, "no public key", "import " DIR "/raw --name a --ssh-key " DIR "/empty");
	assert_int_equal(shell("cd " DIR "; printf 'PuTTY-User-Key-File-3: ssh-ed25519\\nPrivate-Lines: 1\\nAAAA\\n' >ppk; "
			       "(cat key.pub; echo 'Private-MAC: AAAA') >more"), 0);
	expect(1, "that is a private key", "import " DIR "/raw --name a --ssh-key " DIR "/ppk");
	expect(1, "a line is no public key", "import " DIR "/raw --name a --ssh-key " DIR "/more");
	assert_int_equal(shell("cd " DIR "; (printf '\\n \\t# mine\\r\\n\\t'; cat key.pub) >key.txt"), 0);
	expect(0, "imported", "import " DIR "/raw --name keys --ssh-key " DIR "/key.txt");
	seed_has("keys", "user-data", "\"ssh_authorized_keys\":[\n    \"ssh-ed25519 AAAA me\"\n  ]");
	expect(1, "cannot become smaller", "import " DIR "/raw --name a --size 4m");
	expect(1, "no name of a network", "import " DIR "/raw --name a --network a]");
	expect(1, "may not hold @@", "import " DIR "/raw --name a@@1M");
	expect(2, "bad option or value", "import " DIR "/raw --name a --memory lots");
	expect(2, "bad option or value", "import " DIR "/raw --name a --format vmdk");
	guest_pvh_grub = "/none";
	expect(1, "no GRUB for PVH guests", "import " DIR "/raw --name a");
}

static void writes(const char *path, const char *pattern)
{
	assert_int_equal(shell_of("qemu-io -f qcow2 -c 'write -P %s 0 512' %s >/dev/null", pattern, path),
			 0);
}

static void config(const char *name, const char *disks)
{
	assert_int_equal(shell_of("cat >" DIR "/etc/%s.cfg <<'END'\nname = '%s'\ntype = 'pvh'\nkernel = '" DIR "/grub'\n"
				  "memory = 64\nuuid = '00112233-4455-6677-8899-aabbccddeeff'\n"
				  "vif = ['mac=00:16:3e:01:02:03,ip=10.0.0.1,network=lan', 'vifname=x']\n"
				  "disk = [ %s ]\nEND\n", name, name, disks), 0);
}

/* A failure after each step leaves nothing. */
static void undone(void **state)
{
	config("web", "'" DIR "/cloud.qcow2,qcow2,xvda,w'");
	interrupted = true;
	expect(1, "interrupted", "clone web a");
	expect(1, "interrupted", "import " DIR "/raw --name a");
	interrupted = false;
	assert_int_equal(shell("mkdir " DIR "/etc/a.cfg.new"), 0);
	expect(1, "cannot write", "clone web a");
	expect(1, "cannot write", "import " DIR "/raw --name a");
	first_bytes(DIR "/cloud.qcow2", "abc");
	assert_int_equal(access(IMAGES "/a", F_OK), -1);
}

static void full_disk(void **state)
{
	room = 1 << 4;
	expect(1, IMAGES "/a/disk.qcow2 needs more than the 0 MiB that it may have",
	       "import " DIR "/raw --name a");
}

/* A keel with these words, which is killed while it makes images. */
static void killed(const char *words)
{
	pid_t pid = fork();
	int status;

	if (!pid) {
		meanwhile = die;
		k = (struct keel){ 0 };
		run_command(&k, all, words);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(access(IMAGES "/a/.unfinished", F_OK), 0);
}

/* The next one clears away what is left, if nobody works on it. */
static void left(void **state)
{
	int fd;

	killed("import " DIR "/raw --name a");
	assert_int_equal(shell("touch " IMAGES "/a/theirs"), 0);
	fd = open(IMAGES "/a/.unfinished", O_RDWR);
	assert_int_equal(flock(fd, LOCK_SH), 0);	/* less than keel's lock, which still cannot be had */
	expect(1, "another keel makes images of 'a'", "import " DIR "/raw --name a");
	close(fd);
	expect(0, "would be imported", "import -n " DIR "/raw --name a");
	assert_string_equal(warned, "");
	expect(0, "imported", "import " DIR "/raw --name a");
	assert_contains(warned, "was killed before they were whole");
	assert_null(strstr(files(), "theirs"));
	assert_null(strstr(files(), ".unfinished"));
	first_bytes(IMAGES "/a/disk.qcow2", "abc");
	/* Without the guest's file, too, they stay. */
	assert_int_equal(shell("rm " DIR "/etc/a.cfg"), 0);
	expect(1, "if no guest needs them, remove that folder", "import " DIR "/raw --name a");
	assert_int_equal(shell("rm -r " IMAGES "/a"), 0);
	config("web", "'" DIR "/raw,raw,xvda,w'");
	killed("clone --full web a");
	expect(0, "cloned", "clone --full web a");
	assert_null(strstr(files(), ".unfinished"));
}

static void snapshots(void **state)
{
	int fd;

	expect(0, "would be kept as one", "snapshot -n " DIR "/cloud.qcow2 one");
	expect(0, "\"dry_run\":true", "snapshot --json -n " DIR "/cloud.qcow2 one");
	expect(0, "kept as one", "snapshot " DIR "/cloud.qcow2 one");
	assert_contains(files(), "cloud.qcow2 644\ncloud.qcow2.one 444\n");
	writes(DIR "/cloud.qcow2", "0x58");
	first_bytes(DIR "/cloud.qcow2", "XXX");
	first_bytes(DIR "/cloud.qcow2.one", "abc");
	expect(1, "cloud.qcow2.one is there already", "snapshot " DIR "/cloud.qcow2 one");
	expect(0, "\"result\":\"kept as\"", "snapshot --json " DIR "/cloud.qcow2 two");
	writes(DIR "/cloud.qcow2", "0x59");
	expect(0, "two ", "snapshot -l " DIR "/cloud.qcow2");
	expect(0, "\"name\":\"one\"", "snapshot -l --json " DIR "/cloud.qcow2");
	assert_null(strstr(printed, "\"key"));
	/* Both belong together wherever they are moved. */
	assert_int_equal(shell("mkdir " DIR "/moved && mv " DIR "/cloud.* " DIR "/moved"), 0);
	first_bytes(DIR "/moved/cloud.qcow2", "YYY");
	expect(1, "has no state 'three'", "snapshot -r " DIR "/moved/cloud.qcow2 three");
	expect(0, "would be set back to two", "snapshot -n -r " DIR "/moved/cloud.qcow2 two");
	first_bytes(DIR "/moved/cloud.qcow2", "YYY");
	expect(0, "set back to two", "snapshot -r " DIR "/moved/cloud.qcow2 two");
	first_bytes(DIR "/moved/cloud.qcow2", "XXX");
	expect(0, "set back to one", "snapshot -r " DIR "/moved/cloud.qcow2 one");
	first_bytes(DIR "/moved/cloud.qcow2", "abc");
	/* What somebody has open stays. */
	fd = open(DIR "/moved/cloud.qcow2", O_RDWR);
	assert_int_equal(image_lock(fd, false), 0);
	expect(1, "is in use: a guest", "snapshot " DIR "/moved/cloud.qcow2 three");
	expect(1, "is in use: a guest", "snapshot -r " DIR "/moved/cloud.qcow2 two");
	close(fd);
	expect(1, "Image is not in qcow2 format", "snapshot " DIR "/raw one");
	assert_int_equal(shell("mkfifo " DIR "/fifo"), 0);
	alarm(5);
	expect(1, "has no state 'one'", "snapshot -r " DIR "/fifo one");
	alarm(0);
	expect(2, "the state needs a name", "snapshot " DIR "/raw");
	expect(2, "is no name of a state", "snapshot " DIR "/raw new");
	expect(2, "is one too many", "snapshot -l " DIR "/raw x");
}

/* All of a guest's disks, or none. */
static void guests(void **state)
{
	config("web", "'" DIR "/cloud.qcow2,qcow2,xvda,w', '" DIR "/raw,raw,xvdb,r', "
	       "'" DIR "/b.qcow2,qcow2,xvdc,w'");
	expect(1, "b.qcow2", "snapshot web one");
	assert_int_equal(shell("cd " DIR "; qemu-img create -q -f qcow2 b.qcow2 8M; "
			       "touch b.qcow2.two"), 0);
	expect(1, "b.qcow2.two is there already", "snapshot web two");
	/* The second fails when the first is done already. */
	assert_int_equal(shell("mkdir " DIR "/b.qcow2.new"), 0);
	expect(1, "b.qcow2.new", "snapshot web one");
	assert_int_equal(shell("rmdir " DIR "/b.qcow2.new"), 0);
	first_bytes(DIR "/cloud.qcow2", "abc");
	expect(0, "b.qcow2: kept as one", "snapshot web one");
	assert_null(strstr(printed, "raw"));
	expect(1, "has no state 'two'", "snapshot -r web two");
	expect(0, "set back to one", "snapshot -r web one");
	config("ro", "'" DIR "/raw,raw,xvdb,r'");
	expect(1, "no disk that the guest writes", "snapshot ro one");
	expect(2, "cannot open configuration nosuch", "snapshot nosuch one");
}

static void clones(void **state)
{
	struct guest_config g;

	config("web", "'" DIR "/cloud.qcow2,qcow2,xvda,w', '" DIR "/raw,raw,xvdb,r'");
	expect(0, "would be cloned as two", "clone -n web two");
	expect(0, "\"dry_run\":true", "clone --json -n web two");
	warned[0] = 0;
	expect(0, "web: cloned as two: " DIR "/etc/two.cfg", "clone web two");
	assert_contains(warned, "vifname and ip of interface 0 are not copied");
	assert_contains(files(), "cloud.qcow2.two 444\n");
	assert_contains(files(), "images/two/xvda.qcow2 600\n");
	writes(DIR "/cloud.qcow2", "0x58");
	writes(IMAGES "/two/xvda.qcow2", "0x59");
	first_bytes(DIR "/cloud.qcow2", "XXX");
	first_bytes(DIR "/cloud.qcow2.two", "abc");
	assert_int_equal(guest_from_file(&g, DIR "/etc/two.cfg", NULL, NULL, &k.err), 0);
	assert_string_equal(g.name, "two");
	assert_true(g.has_uuid && memcmp(g.uuid, "\x00\x11\x22\x33", 4));
	assert_true(g.vif[0].has_mac && g.vif[1].has_mac);
	assert_int_equal(g.vif[0].mac[4], 0);
	assert_int_not_equal(g.vif[0].mac[5], g.vif[1].mac[5]);
	assert_string_equal(g.vif[0].ip, "");
	assert_string_equal(g.vif[0].network, "lan");
	assert_string_equal(g.disk[0].path, IMAGES "/two/xvda.qcow2");
	assert_string_equal(g.disk[1].path, DIR "/raw");
	guest_free(&g);
	expect(1, "there are images of 'two' already", "clone web two");
	expect(1, "there is a guest 'web' already", "clone two web");
	expect(0, "\"result\":\"cloned\"", "clone --json web three");
	/* A clone of a clone. */
	expect(0, "cloned as four", "clone two four");
	first_bytes(IMAGES "/four/xvda.qcow2", "YYY");
}

static void full_clones(void **state)
{
	int fd;

	config("web", "'" DIR "/raw,raw,xvda,w'");
	expect(1, "copy it whole (--full)", "clone web two");
	fd = open(DIR "/raw", O_RDWR);
	assert_int_equal(image_lock(fd, false), 0);
	expect(1, "is in use: a guest", "clone --full web two");
	close(fd);
	expect(0, "cloned as two", "clone --full web two");
	first_bytes(IMAGES "/two/xvda.qcow2", "abc");
	assert_int_equal(shell("qemu-img info " IMAGES "/two/xvda.qcow2 | grep -q backing"), 1);
	/* What nobody may write stays as it is. */
	assert_int_equal(shell("chmod 444 " DIR "/raw"), 0);
	expect(0, "cloned as three", "clone web three");
	first_bytes(IMAGES "/three/xvda.qcow2", "abc");
	assert_int_equal(shell("qemu-img info " IMAGES "/three/xvda.qcow2 | grep -q '^backing file: " DIR
			       "/raw'"), 0);
	config("shared", "'" DIR "/raw,raw,xvda,w!'");
	expect(1, "shared by guests", "clone --full shared x");
	/* The second disk cannot be copied: neither the first one nor its kept state remain. */
	config("bad", "'" DIR "/cloud.qcow2,qcow2,xvda,w', '" DIR "/raw,qcow2,xvdb,w'");
	expect(1, "not in qcow2 format", "clone bad x");
	first_bytes(DIR "/cloud.qcow2", "abc");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(imported, reset), cmocka_unit_test_setup(hostile, reset),
		cmocka_unit_test_setup(changed, reset), cmocka_unit_test_setup(held, reset),
		cmocka_unit_test_setup(bad_words, reset), cmocka_unit_test_setup(undone, reset),
		cmocka_unit_test_setup(full_disk, reset), cmocka_unit_test_setup(left, reset),
		cmocka_unit_test_setup(snapshots, reset),
		cmocka_unit_test_setup(guests, reset), cmocka_unit_test_setup(clones, reset),
		cmocka_unit_test_setup(full_clones, reset),
	};
	int rc;

	/* One run at a time: the folder has one name. */
	flock(open(DIR ".lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600), LOCK_EX);
	rc = cmocka_run_group_tests(tests, NULL, NULL);
	shell("rm -rf " DIR);
	return rc;
}
