/*
 * steps.c - where the allocators' steps lead while a recording is replayed.
 */
#include <stdio.h>

#include "models/rt/rt_internal.h"

#undef kms_step_retry
#undef kms_step_captured
#undef kms_step_node
#undef kms_step_no_room
#undef kms_step_watermark
#undef kms_step_leaves_out

bool kms_stepping;
static const struct rt_stepper *stepper;

u64 kms_step(u32 step, const u64 *args, u32 n, u64 usual);
bool kms_step_if_next(u32 step, const u64 *args, u32 n);
u32 kms_step_retry(u32 flags, u32 reserves, u32 last);
u64 kms_step_captured(void);
int kms_step_node(int usual);
bool kms_step_no_room(void);
bool kms_step_watermark(u64 zone, bool ok);
bool kms_step_leaves_out(u64 zone, u32 gfp);

void rt_set_stepper(const struct rt_stepper *new)
{
	stepper = new;
	kms_stepping = new != NULL;
}

u64 kms_step(u32 step, const u64 *args, u32 n, u64 usual)
{
	return stepper->step(step, args, n, usual);
}

bool kms_step_if_next(u32 step, const u64 *args, u32 n)
{
	return stepper->if_next(step, args, n);
}

u32 kms_step_retry(u32 flags, u32 reserves, u32 last)
{
	return stepper->retry(flags, reserves, last);
}

u64 kms_step_captured(void)
{
	return stepper->captured();
}

int kms_step_node(int usual)
{
	return stepper->node(usual);
}

bool kms_step_watermark(u64 zone, bool ok)
{
	return stepper->watermark ? stepper->watermark(zone, ok) : ok;
}

bool kms_step_leaves_out(u64 zone, u32 gfp)
{
	return stepper->leaves_out && stepper->leaves_out(zone, gfp);
}

bool kms_step_no_room(void)
{
	return stepper && stepper->no_room();
}

void rt_replay_bug(const char *file, int line, const char *what)
{
	char text[400];

	if (!stepper)
		return;
	snprintf(text, sizeof(text), "%s:%d: allocator check failed on CPU %u: %s", file, line,
		 rt.cpu, what);
	stepper->bug(text);
}
