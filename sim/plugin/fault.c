/*
 * fault.c - what a loaded policy did wrong, in words, and the way out.
 *
 * A report names the request that the policy was working on, the address and
 * what lies there. Crashes of the policy's own code come here, too
 * (sim/engine/crash.h), and the run is stopped as for any other fault.
 */
#include "sim/plugin/internal.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "sim/engine/crash.h"

struct plugin_call plugin_calls[SIM_MAX_CPUS];

static u64 request_of(u32 cpu)
{
	return plugin.request ? plugin.request(plugin.request_arg, cpu) : ~0ull;
}

/* "request 12 (kmalloc of 64 bytes on CPU 0)", or what the CPU does without one. */
static char *describe_call(char *buf, size_t n)
{
	u32 cpu = kms_smp_processor_id();
	const struct plugin_call *c = &plugin_calls[cpu];
	u64 request = request_of(cpu);
	int len = 0;

	if (request != ~0ull)
		len = snprintf(buf, n, "request %llu (", (unsigned long long)request);
	len += snprintf(buf + len, n - (size_t)len, "%s", c->what ? c->what : "no call");
	if (c->size)
		len += snprintf(buf + len, n - (size_t)len, " of %llu bytes", (unsigned long long)c->size);
	if (c->object)
		len += snprintf(buf + len, n - (size_t)len, " of %p", c->object);
	snprintf(buf + len, n - (size_t)len, " on CPU %u%s", cpu, request != ~0ull ? ")" : "");
	return buf;
}

char *plugin_describe_object(char *buf, size_t n, const struct book_object *object)
{
	int len = snprintf(buf, n, "the object of %u bytes at %p", object->size, ram_ptr(object->off));

	if (object->cache)
		len += snprintf(buf + len, n - (size_t)len, " (slab cache %u)", object->cache->args.id);
	if (object->request != ~0ull)
		snprintf(buf + len, n - (size_t)len, " that request %llu allocated on CPU %u",
			 (unsigned long long)object->request, object->cpu);
	else
		snprintf(buf + len, n - (size_t)len, " allocated on CPU %u", object->cpu);
	return buf;
}

static const char *describe_page(u64 pfn)
{
	return book.page[pfn] == BOOK_RETURNED ? "which the policy has given back"
	       : book.page[pfn] == BOOK_FOREIGN ? "which the policy never got from alloc_pages()"
						: "which the policy holds";
}

char *plugin_describe_address(char *buf, size_t n, u64 address)
{
	u64 off = address - SIM_RAM_BASE, page = off >> SIM_PAGE_SHIFT;
	char text[300];

	if (address < 65536)
		snprintf(buf, n, "next to NULL");
	else if (off < ram_bytes() && mm_is_kernel_global((const void *)address))
		snprintf(buf, n, "among the kernel's global variables");
	else if (page < book.nr_pages && book_owns(off) && book_used(off))
		snprintf(buf, n, "inside %s",
			 plugin_describe_object(text, sizeof(text), book_overlap(off, 1)));
	else if (page < book.nr_pages)
		snprintf(buf, n, "in page frame %#llx, %s", (unsigned long long)page, describe_page(page));
	else if (off - SIM_WINDOW2_OFF < book.nr_pages * sizeof(struct page))
		snprintf(buf, n, "in the struct page of frame %#llx, %s",
			 (unsigned long long)(off - SIM_WINDOW2_OFF) / sizeof(struct page),
			 describe_page((off - SIM_WINDOW2_OFF) / sizeof(struct page)));
	else if (address - plugin.image < plugin.image_bytes)
		snprintf(buf, n, "in the policy's own code or constants");
	else
		snprintf(buf, n, "outside simulated memory");
	return buf;
}

void plugin_fault(const char *fmt, ...)
{
	char text[1024], what[640], call[200];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	snprintf(text, sizeof(text), "policy '%.80s', %s: %s",
		 plugin.policy && plugin.policy->name ? plugin.policy->name : plugin.path,
		 describe_call(call, sizeof(call)), what);
	plugin_call()->what = NULL;
	rt_fail(text);
}

/* ---- crashes ---- */

/*
 * The steps of a call are counted at every basic block, but a compiler may leave
 * an endless loop of one jump that passes none. For these alone there is a host
 * timer: so many seconds of processor time in one call, and the code interrupted
 * is the policy's.
 */
#define MAX_SECONDS 5
u64 plugin_nr_calls;

static void escape(const struct crash *crash)
{
	char at[500];
	u64 code = crash->code - plugin.image;

	if (crash->number == SIGVTALRM)
		plugin_fault("does not come back: more than %d s of processor time (host) in a loop at code "
			     "offset %#llx",
			     MAX_SECONDS - 1, (unsigned long long)code);
	if (crash->number == SIGFPE)
		plugin_fault("divides by zero (code offset %#llx)", (unsigned long long)code);
	if (crash->number == SIGILL)
		plugin_fault("runs into an instruction that does not exist, as __builtin_trap() and "
			     "code that cannot be reached do (code offset %#llx)",
			     (unsigned long long)code);
	plugin_fault("crashed touching 0x%llx, %s (code offset %#llx%s)",
		     (unsigned long long)crash->address,
		     plugin_describe_address(at, sizeof(at), crash->address), (unsigned long long)code,
		     code < plugin.image_bytes ? "" : ": in a function that it called, or its stack is used up");
}

/* Has the same call been on for too long? */
static bool overdue(u64 code)
{
	static u64 last, ticks;

	ticks = plugin_nr_calls == last ? ticks + 1 : 0;
	last = plugin_nr_calls;
	return ticks >= MAX_SECONDS && code - plugin.image < plugin.image_bytes;
}

/* Not claimed: it is not the policy's fault. */
static bool claims(const struct crash *crash)
{
	struct plugin_call *c = plugin_call();

	if (crash->number == SIGVTALRM && !overdue(crash->code))
		return false;
	if (!c->what || c->crashed)
		return false;
	c->crashed = true;
	return true;
}

void plugin_catch_signals(bool on)
{
	static const struct crash_guard guard = { claims, escape };

	crash_catch(on ? &guard : NULL);
}
