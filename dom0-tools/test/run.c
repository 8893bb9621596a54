/* SPDX-License-Identifier: GPL-2.0-only */
#include "test/run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

char *printed;

static void record(const char *words)
{
	const char *path = getenv("KEEL_TEST_JSON");
	FILE *f = path && strstr(words, "--json") ? fopen(path, "ae") : NULL;

	if (!f)
		return;
	fprintf(f, "$ keel %s\n%s", words, printed);
	fclose(f);
}

int run_command(struct keel *k, const struct command *const *all, const char *words)
{
	char copy[512], *argv[24] = { 0 }, *rest = copy;
	FILE *out = stdout, *err = stderr;
	int argc = 0, rc = -1;
	size_t size;

	snprintf(copy, sizeof(copy), "%s", words);
	while (argc < 23 && (argv[argc] = strsep(&rest, " ")))
		argc++;
	free(printed);
	printed = NULL;
	stdout = stderr = open_memstream(&printed, &size);
	for (; *all; all++)
		if (!strcmp((*all)->name, argv[0]))
			rc = (*all)->run(k, argc, argv);
	fclose(stdout);
	stdout = out;
	stderr = err;
	record(words);
	return rc;
}
