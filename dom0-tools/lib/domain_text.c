/* SPDX-License-Identifier: GPL-2.0-only */
/* A domain in words, and as JSON. */
#include "lib/domain.h"

#include <public/sched.h>

const char *keel_domain_reason_name(unsigned int reason)
{
	static const char *const names[] = {
		"poweroff", "reboot", "suspend", "crash", "watchdog", "soft-reset",
	};

	return reason < sizeof(names) / sizeof(names[0]) ? names[reason] : "unknown";
}

const char *keel_domain_state_name(const struct keel_domain *d)
{
	if (d->dying)
		return "dying";
	if (d->shutdown)
		return d->shutdown_reason == SHUTDOWN_crash ? "crashed" : "shutdown";
	if (d->paused)
		return "paused";
	if (d->running)
		return "running";
	return d->blocked ? "blocked" : "runnable";
}

struct json_object *keel_domain_to_json(const struct keel_domain *d)
{
	struct json_object *j = json_object_new_object();
	char uuid[37];

	guest_uuid_text(d->uuid, uuid);
	json_object_object_add(j, "name", json_object_new_string(d->name));
	json_object_object_add(j, "id", json_object_new_int(d->id));
	json_object_object_add(j, "uuid", json_object_new_string(uuid));
	json_object_object_add(j, "memory_kib", json_object_new_int64(d->memory_kib));
	json_object_object_add(j, "max_memory_kib", json_object_new_int64(d->max_memory_kib));
	json_object_object_add(j, "vcpus", json_object_new_int(d->vcpus));
	json_object_object_add(j, "max_vcpus", json_object_new_int(d->max_vcpus));
	json_object_object_add(j, "state", json_object_new_string(keel_domain_state_name(d)));
	if (d->shutdown)
		json_object_object_add(j, "shutdown_reason",
			json_object_new_string(keel_domain_reason_name(d->shutdown_reason)));
	json_object_object_add(j, "cpu_time_ns", json_object_new_int64(d->cpu_time_ns));
	return j;
}
