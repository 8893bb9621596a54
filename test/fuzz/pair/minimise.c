/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Reduces a failure to the few operations that cause it, and writes these to a file and reads them
 * back.
 */
#include "test/fuzz/pair/pair.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static char wanted[400];
static time_t deadline;

static bool still_fails(void)
{
	return pair_run(true) && strcmp(pair_signature, wanted) == 0;
}

/*
 * Leaves out operations [from, from + n), if the failure stays. False: they are needed, or were
 * left out before.
 */
static bool leave_out(u32 from, u32 n)
{
	bool any = false;
	static bool old[PAIR_OPS];

	memcpy(old, pair->skip, sizeof(old));
	for (u32 i = from; i < from + n && i < pair->nr_ops; i++) {
		any |= !pair->skip[i];
		pair->skip[i] = true;
	}
	if (any && still_fails())
		return true;
	memcpy(pair->skip, old, sizeof(old));
	return false;
}

static void squeeze(void)
{
	u32 n = 0;

	for (u32 i = 0; i < pair->nr_ops; i++)
		if (!pair->skip[i])
			pair->op[n++] = pair->op[i];
	pair->nr_ops = n;
	memset(pair->skip, 0, sizeof(pair->skip));
}

static void simplify(struct pair_op *op)
{
	struct pair_op old = *op;

	if (op->npre) {
		op->npre = 0;
		if (!still_fails())
			*op = old;
	}
	if (op->fail) {
		old = *op;
		op->fail = 0;
		if (!still_fails())
			*op = old;
	}
}

void pair_minimise(unsigned int seconds)
{
	deadline = time(NULL) + seconds;
	strcpy(wanted, pair_signature);
	memset(pair->skip, 0, sizeof(pair->skip));
	pair->quick = true;
	if (!still_fails()) {
		fprintf(stderr, "pair: not the same again: it said \"%s\"\n", pair_signature);
		strcpy(pair_signature, wanted);
		pair->quick = false;
		return;
	}
	for (u32 n = pair->nr_ops / 2; n; n /= 2) {
		for (u32 from = (pair->nr_ops - 1) / n * n;; from -= n) {
			leave_out(from, n);
			if (from == 0 || time(NULL) > deadline)
				break;
		}
		squeeze();
		n = n > pair->nr_ops ? pair->nr_ops : n;
	}
	for (u32 i = 0; i < pair->nr_ops && time(NULL) <= deadline; i++)
		simplify(&pair->op[i]);
	pair->quick = false;
	still_fails(); /* once more, for the log */
	strcpy(pair_signature, wanted);
}

static u32 *field(unsigned int i)
{
	return (u32 *)&pair->cfg + i;
}

bool pair_save(const char *path)
{
	FILE *f = fopen(path, "w");

	if (!f)
		return false;
	fprintf(f, "# %s\nconfig", pair_signature);
	for (unsigned int i = 0; i < sizeof(pair->cfg) / 4; i++)
		fprintf(f, " %u", *field(i));
	fputc('\n', f);
	for (u32 i = 0; i < pair->nr_ops; i++) {
		const struct pair_op *op = &pair->op[i];

		if (pair->skip[i])
			continue;
		fprintf(f, "op %u %u %u %u %u %u %x %lx %lx %lx %lx %lx %u", op->dom, op->vcpu, op->kind, op->nr,
			op->fail, op->dt, op->gpa, op->a[0], op->a[1], op->a[2], op->a[3], op->a[4], op->npre);
		for (unsigned int j = 0; j < op->npre; j++)
			fprintf(f, " %u@%u", op->pre[j].after, op->pre[j].to);
		fprintf(f, " :");
		for (u32 j = 0; j < op->len; j++)
			fprintf(f, "%02x", op->data[j]);
		fputc('\n', f);
	}
	return fclose(f) == 0;
}

static bool load_op(char *line, struct pair_op *op)
{
	unsigned int b[7], byte;
	int used;
	char *p;

	memset(op, 0, sizeof(*op));
	if (sscanf(line, "op %u %u %u %u %u %u %x %lx %lx %lx %lx %lx %u%n", &b[0], &b[1], &b[2], &b[3],
		   &b[4], &op->dt, &op->gpa, &op->a[0], &op->a[1], &op->a[2], &op->a[3], &op->a[4], &b[5],
		   &used) != 13 ||
	    b[5] > PAIR_PREEMPTS)
		return false;
	op->dom = (u16)b[0];
	op->vcpu = (u8)b[1];
	op->kind = (u8)b[2];
	op->nr = (u8)b[3];
	op->fail = (u8)b[4];
	op->npre = (u8)b[5];
	p = line + used;
	for (unsigned int j = 0; j < op->npre; j++) {
		if (sscanf(p, " %u@%u%n", &op->pre[j].after, &b[6], &used) != 2)
			return false;
		op->pre[j].to = (u8)b[6];
		p += used;
	}
	p = strchr(p, ':');
	while (p && op->len < PAIR_DATA && sscanf(p + 1 + 2 * op->len, "%2x", &byte) == 1)
		op->data[op->len++] = (u8)byte;
	return p;
}

bool pair_load(const char *path)
{
	static char line[3 * PAIR_DATA];
	FILE *f = fopen(path, "r");
	bool ok = f;

	pair->nr_ops = 0;
	memset(pair->skip, 0, sizeof(pair->skip));
	while (ok && fgets(line, sizeof(line), f)) {
		char *p = line + 6;
		int used;

		if (!strncmp(line, "config", 6)) {
			for (unsigned int i = 0; ok && i < sizeof(pair->cfg) / 4; i++, p += used)
				ok = sscanf(p, " %u%n", field(i), &used) == 1;
		} else if (!strncmp(line, "op ", 3)) {
			ok = pair->nr_ops < PAIR_OPS && load_op(line, &pair->op[pair->nr_ops]);
			pair->nr_ops++;
		}
	}
	if (f)
		fclose(f);
	return ok && pair->cfg.cpus && pair->cfg.cpus <= PAIR_CPUS;
}
