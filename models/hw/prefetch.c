/*
 * prefetch.c - prefetch.h: training and issue.
 */
#include "models/hw/prefetch.h"

#include "models/hw/hierarchy.h"

#define LINES_PER_PAGE (SIM_PAGE_BYTES / SIM_LINE_BYTES)

/* The page's stream, or the least recently used one, made anew. */
static struct prefetch_stream *stream_of(struct prefetcher *p, u64 line)
{
	struct prefetch_stream *oldest = &p->streams[0];

	p->clock++;
	for (u32 i = 0; i < PREFETCH_STREAMS; i++) {
		struct prefetch_stream *s = &p->streams[i];

		if (s->used && s->page == line / LINES_PER_PAGE) {
			s->used = p->clock;
			return s;
		}
		if (s->used < oldest->used)
			oldest = s;
	}
	*oldest = (struct prefetch_stream){ line / LINES_PER_PAGE, line, 0, p->clock };
	return oldest;
}

/* The distance to run ahead at; 0: not known yet. */
static s64 train(struct prefetcher *p, u64 line)
{
	struct prefetch_stream *s;
	s64 stride, seen;

	if (p->kind == HW_PREFETCH_NEXT_LINE)
		return 1;
	s = stream_of(p, line);
	stride = (s64)(line - s->line);
	seen = s->stride;
	if (stride)
		s->stride = stride;
	s->line = line;
	return stride == seen ? stride : 0;
}

static bool has_line(const struct cache *c, u64 line)
{
	return cache_find(c, cache_set_of(c, line), line) >= 0;
}

static void issue(struct hw_cpu *cpu, u64 line, u64 off_line, kms_ps now, bool l1)
{
	struct hw_request rq = { .cpu = cpu, .line = line, .off_line = off_line, .now = now,
				 .prefetch = true };

	if (has_line(l1 ? &cpu->l1 : &cpu->l2, line) ||
	    !mshr_has_free(l1 ? &cpu->l1_mshr : &cpu->l2_mshr, now))
		return;
	cpu->stats.hw_prefetches++;
	if (l1)
		machine_lookup(&rq);
	else
		machine_fetch_l2(&rq);
}

static void run_ahead(const struct hw_request *rq, struct prefetcher *p, kms_ps at, bool l1)
{
	u64 page = rq->line / LINES_PER_PAGE;
	s64 stride = train(p, rq->line);

	for (u32 i = 1; stride && i <= p->degree; i++) {
		s64 ahead = stride * (s64)i;
		u64 line = rq->line + (u64)ahead;

		if (line / LINES_PER_PAGE != page)
			return;
		issue(rq->cpu, line, rq->off_line + (u64)ahead, at, l1);
	}
}

void prefetch_miss(const struct hw_request *rq, kms_ps start)
{
	struct hw_cpu *cpu = rq->cpu;

	for (u32 p = 0; p < HW_NR_PARTS; p++)
		start += rq->waited[p];
	if (cpu->l1_prefetch.kind)
		run_ahead(rq, &cpu->l1_prefetch, start, true);
	if (cpu->l2_prefetch.kind)
		run_ahead(rq, &cpu->l2_prefetch, start, false);
}
