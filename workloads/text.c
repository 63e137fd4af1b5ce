/*
 * text.c - a trace printed as text (text.h): first what is known of the whole,
 * a line each, then a line for every request in global order.
 */
#include "workloads/text.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "workloads/ordered.h"
#include "workloads/text_words.h"
#include "workloads/trace.h"

static void put_quoted(FILE *out, const char *text)
{
	putc('"', out);
	for (; *text; text++) {
		u8 c = (u8)*text;

		if (c == '"' || c == '\\')
			fprintf(out, "\\%c", c);
		else if (c < 0x20 || c == 0x7f)
			fprintf(out, "\\x%02x", c);
		else
			putc(c, out);
	}
	putc('"', out);
}

static void put_named(FILE *out, const char *word, s64 index, const char *text)
{
	fputs(word, out);
	if (index >= 0)
		fprintf(out, " %" PRId64, index);
	putc(' ', out);
	put_quoted(out, text ? text : "");
	putc('\n', out);
}

static void put_info(FILE *out, const struct kms_workload_info *info)
{
	fprintf(out, TEXT_FIRST_LINE "\n");
	put_named(out, "source", -1, info->source);
	put_named(out, "kernel", -1, info->kernel);
	put_named(out, "allocator", -1, info->allocator);
	fprintf(out, "cpus %u\nnodes %u\nmin-free-kbytes %" PRIu64 "\n", info->nr_cpus, info->nr_nodes,
		info->min_free_kbytes);
	for (u32 i = 0; i < info->nr_cpus; i++)
		if (info->cpu_node[i])
			fprintf(out, "cpu-node %u %u\n", i, info->cpu_node[i]);
	for (u32 i = 0; i < info->nr_zones; i++)
		fprintf(out, "zone %u %u %" PRIu64 " %" PRIu64 " %" PRIu64 "\n", info->zones[i].node,
			info->zones[i].zone_idx, info->zones[i].start_pfn, info->zones[i].spanned,
			info->zones[i].present);
	for (u32 i = 0; i < info->nr_free; i++)
		fprintf(out, "free %" PRIu64 " %" PRIu64 "\n", info->free[i].pfn, info->free[i].end);
	for (u32 i = 0; i < info->nr_caches; i++) {
		const struct kms_cache_def *c = &info->caches[i];

		fprintf(out, "cache %u %u %u 0x%x %u %u %d ", i, c->object_size, c->align, c->flags, c->useroffset,
			c->usersize, c->ctor);
		put_quoted(out, c->name);
		putc('\n', out);
	}
	for (u32 i = 0; i < info->nr_sites; i++)
		put_named(out, "site", i, info->sites[i]);
	for (u32 i = 0; i < info->nr_phases; i++)
		put_named(out, "phase", i, info->phases[i]);
	for (u32 i = 0; i < info->nr_left_out; i++) {
		fprintf(out, "left-out %" PRIu64 " ", info->left_out[i].count);
		put_quoted(out, info->left_out[i].what);
		putc('\n', out);
	}
	fputs("requests\n", out);
}

static void put_request(FILE *out, const struct kms_request *rq)
{
	fprintf(out, "%" PRIu64 " %u %s", rq->time, rq->cpu, kms_request_names[rq->op]);
	for (u32 i = 0; i < NR_TEXT_KEYS; i++) {
		s64 value = text_key_get(rq, i);

		if (value != text_keys[i].usual)
			fprintf(out, text_keys[i].hex ? " %s=0x%" PRIx64 : " %s=%" PRId64, text_keys[i].name, value);
	}
	for (u32 i = 0; i < rq->n; i++)
		fprintf(out, " %u.%u", rq->refs[i].slot, rq->refs[i].generation);
	putc('\n', out);
}

int trace_to_text(const char *path, FILE *out, struct kms_error *err)
{
	const struct kms_request *rq;
	struct kms_stream *stream;
	struct ordered in;
	int ret = trace_open(&stream, path, err);

	if (ret)
		return ret;
	ret = ordered_open(&in, stream, err);
	if (!ret) {
		put_info(out, stream->info);
		while ((ret = ordered_next(&in, &rq, err)) > 0 && !ferror(out))
			put_request(out, rq);
		ordered_close(&in);
	}
	stream->close(stream);
	if (ret >= 0 && (fflush(out) || ferror(out)))
		return kms_fail(err, KMS_EFAIL, "cannot write the text: %s", strerror(errno));
	return ret;
}
