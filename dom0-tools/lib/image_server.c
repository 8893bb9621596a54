/* SPDX-License-Identifier: GPL-2.0-only */
/* Starts qemu-nbd for an image, and speaks with it until the block requests begin. */
#include "lib/image.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/lock.h"
#include "lib/program.h"

#define TIMEOUT_MS 20000

/* The handshake of the NBD protocol: "newstyle negotiation" in the NBD project's description. */
#define MAGIC "NBDMAGICIHAVEOPT"
#define MAGIC_SIZE 16
#define OPTION_EXPORT_NAME 1

struct greeting {
	char magic[MAGIC_SIZE];
	uint16_t flags;
} __attribute__((packed));

/* Its flags are those of the greeting: fixed newstyle, and no zeros behind the answer. */
struct choice {
	uint32_t flags;
	char magic[8];
	uint32_t option, length;
} __attribute__((packed));

struct export {
	uint64_t size;
	uint16_t flags;
} __attribute__((packed));

/* Exactly @size bytes before @end, or -EPIPE, -ETIMEDOUT or an errno. */
static int receive(struct keel *k, int fd, void *data, size_t size, uint64_t end)
{
	size_t got = 0;

	while (got < size) {
		struct pollfd p = { .fd = fd, .events = POLLIN };
		ssize_t n;

		if (keel_interrupted(k))
			return -EINTR;
		if (keel_now_ms() >= end)
			return -ETIMEDOUT;
		poll(&p, 1, 100);
		n = recv(fd, (char *)data + got, size - got, MSG_DONTWAIT);
		if (!n)
			return -EPIPE;
		if (n < 0 && errno != EAGAIN && errno != EINTR)
			return -errno;
		if (n > 0)
			got += n;
	}
	return 0;
}

static int shake_hands(struct keel *k, struct image_server *s, uint64_t end)
{
	struct choice c = { .option = htobe32(OPTION_EXPORT_NAME) };
	struct greeting g;
	struct export e;
	int rc = receive(k, s->fd, &g, sizeof(g), end);

	if (rc)
		return rc;
	if (memcmp(g.magic, MAGIC, MAGIC_SIZE) || be16toh(g.flags) != 3)
		return -EBADMSG;
	c.flags = htobe32(be16toh(g.flags));
	memcpy(c.magic, MAGIC + 8, sizeof(c.magic));
	if (send(s->fd, &c, sizeof(c), MSG_NOSIGNAL) != sizeof(c))
		return -errno;
	rc = receive(k, s->fd, &e, sizeof(e), end);
	s->size = be64toh(e.size);
	s->flags = be16toh(e.flags);
	return rc;
}

/*
 * A socket that listens, and a connection to it that waits there already: nobody else comes first.
 * A file that a killed process left has the same name.
 */
static int make_sockets(struct keel *k, int *listener, int *connection)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	mode_t before;
	int rc = -1;

	snprintf(name.sun_path, sizeof(name.sun_path), "%s/image.socket", keel_run_dir);
	unlink(name.sun_path);
	*listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	*connection = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	before = umask(0177);
	if (*listener >= 0 && *connection >= 0)
		rc = bind(*listener, (struct sockaddr *)&name, sizeof(name));
	umask(before);
	if (!rc)
		rc = listen(*listener, 1);
	if (!rc)
		rc = connect(*connection, (struct sockaddr *)&name, sizeof(name));
	if (rc)
		rc = keel_fail_errno(&k->err, "cannot make the socket %s", name.sun_path);
	unlink(name.sun_path);
	return rc;
}

/*
 * The image behind QEMU's filter that keeps to limits, as --image-opts takes it; a comma in the
 * path has to be there twice.
 */
static void limited(const struct guest_disk *d, char *out, size_t size)
{
	struct stat st;
	size_t n;

	n = snprintf(out, size, "driver=throttle,throttle-group=limits,file.driver=%s,file.file.driver=%s,"
		     "file.file.filename=", guest_format_qemu(d->format),
		     !stat(d->path, &st) && S_ISBLK(st.st_mode) ? "host_device" : "file");
	for (const char *p = d->path; *p && n < size - 2; p++) {
		if (*p == ',')
			out[n++] = *p;
		out[n++] = *p;
	}
	out[n] = 0;
}

/* The server finds the socket that listens as descriptor 3 (sd_listen_fds(3)). */
static void run_server(const struct guest_disk *d, int listener, int said)
{
	char format[24], discard[24], pid[12], image[2 * PATH_MAX], limits[128];
	bool limit = d->bps || d->iops;
	const char *argv[9] = {
		QEMU_NBD, discard, "--cache=writeback", "--shared=1", limit ? "--image-opts" : format,
		limit ? image : d->path,
	};
	int null = open("/dev/null", O_RDWR), n = 6;

	snprintf(format, sizeof(format), "--format=%s", guest_format_qemu(d->format));
	if (d->readonly)
		argv[n++] = "--read-only";
	if (limit)
		argv[n++] = limits;
	limited(d, image, sizeof(image));
	snprintf(limits, sizeof(limits), "--object=throttle-group,id=limits,limits.bps-total=%llu,"
		 "limits.iops-total=%llu", (unsigned long long)d->bps, (unsigned long long)d->iops);
	snprintf(discard, sizeof(discard), "--discard=%s", d->no_discard ? "ignore" : "unmap");
	snprintf(pid, sizeof(pid), "%d", getpid());
	setenv("LISTEN_PID", pid, 1);
	setenv("LISTEN_FDS", "1", 1);
	prctl(PR_SET_IO_FLUSHER, 1, 0, 0, 0);	/* writing back must not wait for it to write back */
	signal(SIGPIPE, SIG_IGN);		/* nobody hears what it says later */
	/* Out of the way first: a descriptor that is moved to its own number would be closed. */
	listener = fcntl(listener, F_DUPFD, 10);
	said = fcntl(said, F_DUPFD, 10);
	dup2(null, 0);
	dup2(null, 1);
	dup2(said, 2);
	dup2(listener, 3);
	close_range(4, ~0u, 0);
	execv(argv[0], (char *const *)argv);
	_exit(127);
}

/*
 * Between this process and the server: ends the server, unless it is told through @stay that the
 * server serves. A server that has not spoken with anybody would wait for ever.
 */
static void guard(const struct guest_disk *d, int listener, int said, int stay)
{
	pid_t server;
	char told;

	setsid();
	program_signals();
	server = fork();
	if (!server)
		run_server(d, listener, said);
	dup2(stay, 0);
	close_range(1, ~0u, 0);
	if (read(0, &told, 1) == 1)
		_exit(0);
	if (server > 0) {
		kill(server, SIGKILL);
		waitpid(server, NULL, 0);
	}
	_exit(1);
}

static int why_not(struct keel *k, const struct guest_disk *d, int rc, int said)
{
	char text[256];

	if (rc == -EINTR)
		return rc;
	program_said(said, text, sizeof(text));
	if (*text)
		return keel_fail(&k->err, EIO, "disk %s cannot be served: %s", d->path, text);
	return keel_fail(&k->err, -rc, "disk %s cannot be served by %s: %s", d->path, QEMU_NBD,
			 strerror(-rc));
}

static bool make_pipes(int said[2], int stay[2])
{
	if (pipe2(said, O_CLOEXEC))
		return false;
	if (!pipe2(stay, O_CLOEXEC))
		return true;
	close(said[0]);
	close(said[1]);
	return false;
}

/* Closes @listener: as long as it is open here, the end of the server does not show. */
static int start(struct keel *k, const struct guest_disk *d, int *listener, struct image_server *s)
{
	void (*old)(int);
	int said[2], stay[2], rc;
	pid_t pid;

	if (!make_pipes(said, stay))
		return keel_fail_errno(&k->err, "cannot start %s", QEMU_NBD);
	old = signal(SIGCHLD, SIG_DFL);		/* see program_run() */
	pid = fork();
	if (!pid)
		guard(d, *listener, said[1], stay[0]);
	close(*listener);
	*listener = -1;
	close(said[1]);
	close(stay[0]);
	rc = pid < 0 ? -errno : shake_hands(k, s, keel_now_ms() + TIMEOUT_MS);
	if (!rc && write(stay[1], "", 1) != 1)
		rc = -errno;
	close(stay[1]);
	while (pid > 0 && waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	signal(SIGCHLD, old);
	if (rc)
		rc = why_not(k, d, rc, said[0]);
	close(said[0]);
	return rc;
}

int image_serve(struct keel *k, const struct guest_disk *d, struct image_server *s)
{
	int listener = -1, rc;

	rc = make_sockets(k, &listener, &s->fd);
	if (!rc)
		rc = start(k, d, &listener, s);
	if (listener >= 0)
		close(listener);
	if (rc && s->fd >= 0)
		close(s->fd);
	return rc;
}
