/*
 * import_groundtruth.c - small recordings, written by hand, and the requests
 * that they must become.
 *
 * Requests are compared as text, one a line: kind, what matters of it, objects
 * as slot.generation.
 */
#include "trace_common.h"
#include "workloads/import.h"

static const char state_up[] =
	"DUMP name=before_mem_init rec=1 tsc=1 jiffies=1 online_cpus=1 nodes=1\n"
	"PARAM min_free_kbytes=1024 pageblock_order=9\n"
	"ZONE 0 0 name=DMA start_pfn=1 spanned=4095 present=3998 managed=3776 nr_free_pages=0\n"
	"ZONE 0 1 name=DMA32 start_pfn=1000 spanned=61440 present=61440 managed=60480\n";
static const char state_smp[] =
	"DUMP name=before_mem_init rec=1 tsc=1 jiffies=1 online_cpus=2 nodes=2\n"
	"ZONE 0 1 name=DMA32 start_pfn=1000 spanned=4096 present=4096\n"
	"ZONE 1 1 name=DMA32 start_pfn=2000 spanned=4096 present=4096\n";

/* memblock's release: [1000, 1c00) but for what a trace then claims to be boot memory */
#define RELEASE                                                                                        \
	"5 0 c 0 MARK DUMP state-before_mem_init.txt\n"                                                 \
	"5 0 c 0 PG_FREE 1000 10\n5 0 c 0 BUDDY_FREE 1000 10 1 10 1 6 1000 0/1\n"                       \
	"5 0 c 0 PG_FREE 1400 10\n5 0 c 0 BUDDY_FREE 1400 10 1 10 1 6 1400 0/1\n"                       \
	"5 0 c 0 PG_FREE 1900 8\n5 0 c 0 BUDDY_FREE 1900 8 1 8 1 6 1900 0/1\n"                          \
	"5 0 c 0 MARK DUMP state-after_mem_init.txt\n"

static struct import_result result;
static struct kms_error err;

static int import_text(const char *state, const char *trace)
{
	write_file(in_dir("state-before_mem_init.txt"), state, strlen(state));
	write_file(in_dir("trace.txt"), trace, strlen(trace));
	err = (struct kms_error){ 0 };
	return import_recording(test_dir, in_dir("out.kmt"), &result, &err);
}

static void describe(char *to, const struct kms_request *rq, const struct kms_workload_info *info)
{
	to += sprintf(to, "%s", kms_request_names[rq->op]);
	if (info->nr_cpus > 1)
		to += sprintf(to, " cpu%u", rq->cpu);
	if (rq->op == REQ_PHASE)
		to += sprintf(to, " %s", info->phases[rq->part]);
	if (rq->op == REQ_BOOT)
		to += sprintf(to, " step%u order%u", rq->part, rq->order);
	if (rq->op == REQ_PAGE_RELEASE)
		to += sprintf(to, " pfn%llx order%u", (unsigned long long)rq->size, rq->order);
	if (rq->op == REQ_PAGE_ALLOC)
		to += sprintf(to, " order%u", rq->order);
	if (rq->op == REQ_PAGE_FREE_PART)
		to += sprintf(to, " +%u order%u", rq->part, rq->order);
	if (rq->op == REQ_KMALLOC || rq->op == REQ_PAGE_ALLOC_EXACT)
		to += sprintf(to, " %lluB", (unsigned long long)rq->size);
	if (rq->op >= REQ_CACHE_CREATE && rq->op <= REQ_CACHE_ALLOC_BULK)
		to += sprintf(to, " [%u %s]", rq->cache, info->caches[rq->cache].name);
	if (rq->gfp)
		to += sprintf(to, " gfp%x", rq->gfp);
	if (rq->node >= 0)
		to += sprintf(to, " node%d", rq->node);
	if (rq->site)
		to += sprintf(to, " by %s", info->sites[rq->site]);
	for (u32 i = 0; i < rq->n; i++)
		to += sprintf(to, " %u.%u", rq->refs[i].slot, rq->refs[i].generation);
	sprintf(to, "\n");
}

/* The whole trace as text, without the phase "boot" that every one begins with. */
static void expect(const char *expected)
{
	static char text[65536];
	struct kms_stream *stream;
	struct kept *all;
	size_t n;

	if (err.code)
		fail_msg("%s", err.text);
	text[0] = '\0';
	assert_int_equal(trace_open(&stream, in_dir("out.kmt"), &err), 0);
	all = read_stream(stream, &n);
	assert_true(n >= 1);
	assert_int_equal(all[0].rq.op, REQ_PHASE);
	assert_string_equal(stream->info->phases[0], "boot");
	for (size_t i = 1; i < n; i++)
		describe(text + strlen(text), &all[i].rq, stream->info);
	assert_string_equal(text, expected);
	free_kept(all, n);
	stream->close(stream);
}

static void test_pages(void **state)
{
	assert_int_equal(import_text(state_up, RELEASE
		"10 0 0 1 PCP_ALLOC 1000 0 1 801 0/1 3 0\n"
		"10 0 0 1 PG_ALLOC 1000 0 1 nid0 801 140dca 140dca __folio_alloc\n"
		"10 0 0 1 PG_ALLOC 1010 4 0 nid0 801 cc0 dc0 pipe_write\n"
		"10 0 0 1 PG_FREE 1000 0\n"
		"10 0 0 1 PCP_FREE 1000 0 1 1 0/1 4 0 0\n"
		"10 0 0 1 PG_ALLOC 1000 0 0 nid0 801 dc0 dc0 get_zeroed_page\n"
		"10 0 0 1 PG_FREE 1010 4\n"
		"10 0 0 1 BUDDY_FREE 1010 4 0 4 0 0 1010 0/1\n"
		"10 0 0 1 PG_FREE 1803 0\n" /* boot memory */
		"10 0 0 1 PCP_FREE 1803 0 1 1 0/1 4 0 0\n"), 0);
	expect("page_alloc order0 gfp140dca by __folio_alloc 0.0\n"
	       "page_alloc order4 gfpcc0 by pipe_write 1.0\n"
	       "page_free 0.0\n"
	       "page_alloc order0 gfpdc0 by get_zeroed_page 0.1\n"
	       "page_free 1.0\n"
	       "page_release pfn1803 order0\n");
	assert_int_equal(result.events, 18);
	assert_int_equal(result.requests, 7);
	assert_int_equal(result.frees_without_alloc, 0);
	assert_int_equal(result.live_at_end, 1);
	assert_int_equal(result.unknown, 0);
}

static void test_machine(void **state)
{
	static const char start[] = "DUMP name=start rec=9 online_cpus=2 nodes=1\nPARAM min_free_kbytes=1951 x=1\n";
	static const char dmesg[] = "[    0.000000] Linux version 6.1.192 (someone) (gcc)\n";
	const struct kms_workload_info *info;
	struct kms_stream *stream;

	write_file(in_dir("state-start.txt"), start, strlen(start));
	write_file(in_dir("dmesg.txt"), dmesg, strlen(dmesg));
	assert_int_equal(import_text(state_up, RELEASE), 0);
	unlink(in_dir("state-start.txt"));
	unlink(in_dir("dmesg.txt"));
	assert_int_equal(trace_open(&stream, in_dir("out.kmt"), &err), 0);
	info = stream->info;
	assert_int_equal(info->nr_cpus, 2);
	assert_int_equal(info->nr_nodes, 1);
	assert_int_equal(info->min_free_kbytes, 1951);
	assert_string_equal(info->kernel, "Linux 6.1.192");
	assert_string_equal(info->allocator, "slub");
	assert_int_equal(info->nr_zones, 2);
	assert_int_equal(info->zones[0].present, 3998);
	assert_int_equal(info->zones[1].start_pfn, 0x1000);
	assert_int_equal(info->nr_free, 2);
	assert_int_equal(info->free[0].pfn, 0x1000);
	assert_int_equal(info->free[0].end, 0x1800);
	assert_int_equal(info->free[1].pfn, 0x1900);
	assert_int_equal(info->free[1].end, 0x1a00);
	stream->close(stream);
}

/* Frees in lists, with an interrupt that frees in between and one page that is freed alone. */
static void test_lists(void **state)
{
	assert_int_equal(import_text(state_up, RELEASE
		"1 0 0 7 PG_ALLOC 1000 0 0 nid0 801 cc0 cc0 a\n"
		"1 0 0 7 PG_ALLOC 1001 0 0 nid0 801 cc0 cc0 a\n"
		"1 0 0 7 PG_ALLOC 1002 0 0 nid0 801 cc0 cc0 a\n"
		"1 0 0 7 PG_ALLOC 1003 0 0 nid0 801 cc0 cc0 a\n"
		"1 0 0 7 PG_ALLOC 1004 0 0 nid0 801 cc0 cc0 a\n"
		"1 0 0 7 PG_FREE 1000 0\n"
		"1 0 0 7 PG_FREE 1001 0\n"
		"1 0 2 7 PG_FREE 1004 0\n" /* softirq */
		"1 0 2 7 PCP_FREE 1004 0 0 0 0/1 1 0 0\n"
		"1 0 0 7 PG_FREE 1002 0\n"
		"1 0 0 7 PG_FREE_BATCHED 1000 0\n"
		"1 0 0 7 PCP_FREE 1000 0 0 0 0/1 2 0 0\n"
		"1 0 0 7 PG_FREE_BATCHED 1001 1\n"
		"1 0 0 7 PCP_FREE 1001 0 0 0 0/1 3 0 0\n"
		"1 0 0 7 PG_FREE_BATCHED 1002 2\n"
		"1 0 0 7 PCP_FREE 1002 0 0 0 0/1 4 0 0\n"
		"1 0 0 7 PG_FREE 1003 0\n"
		"1 0 0 7 PG_FREE_BATCHED 1003 0\n"
		"1 0 0 7 PCP_FREE 1003 0 0 0 0/1 5 0 0\n"), 0);
	expect("page_alloc order0 gfpcc0 by a 0.0\n"
	       "page_alloc order0 gfpcc0 by a 1.0\n"
	       "page_alloc order0 gfpcc0 by a 2.0\n"
	       "page_alloc order0 gfpcc0 by a 3.0\n"
	       "page_alloc order0 gfpcc0 by a 4.0\n"
	       "page_free 4.0\n"
	       "page_free_list 0.0 1.0 2.0\n"
	       "page_free_list 3.0\n");
	assert_int_equal(result.live_at_end, 0);
}

static void test_bulk_pages(void **state)
{
	assert_int_equal(import_text(state_up, RELEASE
		"1 0 0 7 PCP_ALLOC 1005 0 0 801 0/1 9 0\n"
		"1 0 0 7 PG_ALLOC 1005 0 0 nid0 801 cc0 cc0 one\n"
		"1 0 0 7 PCP_ALLOC 1008 0 0 801 0/1 9 0\n"
		"1 0 4 0 PCP_ALLOC 1009 0 0 801 0/1 9 0\n"
		"1 0 4 0 PG_ALLOC 1009 0 0 nid0 801 cc0 cc0 idle\n"
		"1 0 0 7 PCP_ALLOC 1007 0 0 801 0/1 9 0\n"
		"1 0 0 7 PG_BULK 2 2 0 801 2dc2 vmalloc\n"
		"1 0 0 7 PG_FREE 1007 0\n"
		"1 0 0 7 PCP_FREE 1007 0 0 0 0/1 5 0 0\n"), 0);
	expect("page_alloc order0 gfpcc0 by one 0.0\n"
	       "page_alloc order0 gfpcc0 by idle 1.0\n"
	       "page_bulk gfp2dc2 by vmalloc 2.0 3.0\n"
	       "page_free 3.0\n");
}

/* alloc_pages_exact(): its tail goes back at once, the rest comes back page by page. */
static void test_exact_and_split(void **state)
{
	assert_int_equal(import_text(state_up, RELEASE
		"1 0 0 7 PG_ALLOC 1010 2 0 nid0 801 cc0 cc0 alloc_pages_exact\n"
		"1 0 0 7 PG_EXACT 1010 2 12000 3\n"
		"1 0 0 7 PG_FREE 1013 0\n"
		"1 0 0 7 BUDDY_FREE 1013 0 0 0 1 2 1013 0/1\n"
		"1 0 0 7 PG_ALLOC 1020 2 0 nid0 801 cc0 cc0 b\n"
		"1 0 0 7 PG_SPLIT 1020 2 splitter\n"
		"1 0 0 7 PG_FREE 1010 0\n"
		"1 0 0 7 PCP_FREE 1010 0 0 0 0/1 5 0 0\n"
		"1 0 0 7 PG_FREE 1022 1\n"
		"1 0 0 7 PCP_FREE 1022 1 0 3 0/1 5 0 0\n"
		"1 0 0 7 PG_FREE 1020 1\n"
		"1 0 0 7 PCP_FREE 1020 1 0 3 0/1 5 0 0\n"
		"1 0 0 7 PG_FREE 1011 0\n"
		"1 0 0 7 PCP_FREE 1011 0 0 0 0/1 5 0 0\n"
		"1 0 0 7 PG_FREE 1012 0\n"
		"1 0 0 7 PCP_FREE 1012 0 0 0 0/1 5 0 0\n"
		"1 0 0 7 PG_ALLOC 1030 0 0 nid0 801 cc0 cc0 b\n"), 0);
	expect("page_exact 12000B gfpcc0 by alloc_pages_exact 0.0\n"
	       "page_alloc order2 gfpcc0 by b 1.0\n"
	       "page_split by splitter 1.0\n"
	       "page_free_part +0 order0 0.0\n"
	       "page_free_part +2 order1 1.0\n"
	       "page_free_part +0 order1 1.0\n"
	       "page_free_part +1 order0 0.0\n"
	       "page_free_part +2 order0 0.0\n"
	       "page_alloc order0 gfpcc0 by b 0.1\n"); /* the slot freed last */
}

static void test_failed_and_large(void **state)
{
	assert_int_equal(import_text(state_up, RELEASE
		"1 0 0 7 PG_ALLOC -1 9 0 nid0 801 cc0 cc0 huge\n"
		"1 0 0 7 PG_ALLOC 1040 2 0 nid0 801 40cc0 40cc0 __kmalloc_large_node\n"
		"1 0 0 7 K_LARGE_ALLOC 1040000 8195 cc0 -1 kmalloc_large\n"
		"1 0 0 7 K_LARGE_ALLOC 0 4194305 dc0 -1 __kmalloc\n"
		"1 0 0 7 PG_ALLOC -1 10 0 nid0 801 cc0 cc0 __kmalloc_large_node\n"
		"1 0 0 7 K_LARGE_ALLOC 0 3000000 cc0 -1 __kmalloc\n"
		"1 0 0 7 K_LARGE_FREE 1040000 2 someone\n"
		"1 0 0 7 PG_FREE 1040 2\n"
		"1 0 0 7 PCP_FREE 1040 2 0 6 0/1 5 0 0\n"), 0);
	expect("page_alloc order9 gfpcc0 by huge 0.0\n"
	       "kmalloc 8195B gfpcc0 by kmalloc_large 1.0\n"
	       "kmalloc 4194305B gfpdc0 by __kmalloc 2.0\n"
	       "kmalloc 3000000B gfpcc0 by __kmalloc 3.0\n"
	       "kfree 1.0\n");
}

/* Slow paths: the slab's pages are the slab layer's own affair. */
static void test_slab(void **state)
{
	assert_int_equal(import_text(state_up, RELEASE
		"1 0 0 7 S_FAST_ALLOC kmalloc-64 1050040 cc0 -1 50 caller_a\n"
		"1 0 0 7 S_SLOW_BEGIN kmalloc-128 dc0 -1 100 caller_b\n"
		"1 0 2 7 S_FAST_ALLOC kmalloc-64 1050080 a20 -1 64 in_interrupt\n"
		"1 0 0 7 PCP_ALLOC 1060 0 0 801 0/1 9 0\n"
		"1 0 0 7 PG_ALLOC 1060 0 0 nid0 801 12cc0 12cc0 alloc_page_interleave\n"
		"1 0 0 7 S_NEW_SLAB kmalloc-128 1060 0 32 cc0 -1\n"
		"1 0 0 7 S_SLOW_ALLOC kmalloc-128 1060000 1060 -1 100\n"
		"1 0 0 7 S_FREE_FAST kmalloc-64 1050040 1050040 1\n"
		"1 0 0 7 S_FREE_SLOW kmalloc-128 1060000 1060000 1 0 0 1 1 0\n"
		"1 0 0 7 S_DISCARD kmalloc-128 1060 0\n"
		"1 0 0 7 S_FREE_SLAB kmalloc-128 1060 0\n"
		"1 0 0 7 PG_FREE 1060 0\n"
		"1 0 0 7 PCP_FREE 1060 0 0 0 0/1 5 0 0\n"
		"1 0 0 7 S_FREE_FAST kmalloc-64 1050fc0 1050fc0 1\n"), 0); /* never allocated */
	expect("kmalloc 50B gfpcc0 by caller_a 0.0\n"
	       "kmalloc 64B gfpa20 by in_interrupt 1.0\n"
	       "kmalloc 100B gfpdc0 by caller_b 2.0\n"
	       "kfree 0.0\n"
	       "kfree 2.0\n");
	assert_int_equal(result.slab_pages, 1);
	assert_int_equal(result.frees_without_alloc, 1);
	assert_int_equal(result.live_at_end, 1);
}

static void test_caches(void **state)
{
	assert_int_equal(import_text(state_up, RELEASE
		"1 0 c 0 PG_ALLOC 1060 0 0 nid0 1 12000 12000 allocate_slab\n"
		"1 0 c 0 S_NEW_SLAB kmem_cache_node 1060 0 64 0 0\n"
		"1 0 c 0 TEXT EARLY_NODE_ALLOC cache=ffff slabpfn=1060 obj=ffff888001060000 node=0\n"
		"1 0 c 0 TEXT CACHE_CREATE_REQ name=my size=48 align=8 flags=2000 useroffset=4 usersize=8 ctor=1\n"
		"1 0 c 0 S_FAST_ALLOC kmem_cache 1061000 dc0 -1 208 kmem_cache_create_usercopy\n"
		"1 0 c 0 S_FAST_ALLOC kmem_cache_node 1060040 cc0 0 64 __kmem_cache_create\n"
		"1 0 c 0 TEXT CACHE_NEW ffff888001061000 name=my refcount=1 object_size=48 size=48\n"
		"1 0 c 0 TEXT CACHE_CREATE_REQ name=twin size=44 align=0 flags=0 useroffset=0 usersize=0 ctor=0\n"
		"1 0 c 0 S_FAST_ALLOC kmalloc-32 1062000 cc0 -1 24 sysfs_slab_alias\n"
		"1 0 c 0 TEXT CACHE_ALIAS name=twin ptr=ffff888001061000 to=my refcount=2 object_size=48\n"
		"1 0 c 0 S_FAST_ALLOC my 1063000 cc0 -1 48 user\n"
		"1 0 c 0 S_FREE_FAST my 1063000 1063000 1\n"
		"1 0 c 0 TEXT CACHE_SHRINK ptr=ffff888001061000 name=my\n"
		"1 0 c 0 TEXT CACHE_DESTROY ptr=ffff888001061000 name=my refcount=2\n"
		"1 0 c 0 TEXT CACHE_DESTROY ptr=ffff888001061000 name=my refcount=1\n"
		"1 0 c 0 S_FREE_FAST kmem_cache 1061000 1061000 1\n"
		"1 0 c 0 S_FAST_ALLOC unseen 1063000 cc0 -1 72 user\n"), 0);
	expect("boot step0 order0\n"
	       "cache_create [0 my]\n"
	       "kmalloc 24B gfpcc0 by sysfs_slab_alias 0.0\n"
	       "cache_create [1 twin]\n"
	       "cache_alloc [0 my] gfpcc0 by user 1.0\n"
	       "cache_free [0 my] 1.0\n"
	       "cache_shrink [0 my]\n"
	       "cache_destroy [1 twin]\n"
	       "cache_destroy [0 my]\n"
	       "cache_create [2 unseen]\n"
	       "cache_alloc [2 unseen] gfpcc0 by user 1.1\n");
	assert_int_equal(result.slab_pages, 1);
}

static void test_slab_bulk(void **state)
{
	assert_int_equal(import_text(state_up, RELEASE
		"1 0 c 0 TEXT CACHE_CREATE_REQ name=node size=256 align=0 flags=0 useroffset=0 usersize=0 ctor=0\n"
		"1 0 c 0 TEXT CACHE_NEW ffff888001061000 name=node refcount=1 object_size=256\n"
		"1 0 4 1 S_BULK_BEGIN node 3 cc0 mas\n"
		"1 0 4 1 S_BULK_ALLOC node 1070f00 3 0\n"
		"1 0 0 1 S_SLOW_BEGIN node cc0 -1 256 mas\n"
		"1 0 0 1 PG_ALLOC 1071 0 0 nid0 801 12cc0 12cc0 allocate_slab\n"
		"1 0 0 1 S_NEW_SLAB node 1071 0 16 cc0 -1\n"
		"1 0 4 1 S_SLOW_ALLOC node 1071000 1071 -1 256\n"
		"1 0 4 1 S_BULK_ALLOC node 1071100 3 2\n"
		"1 0 0 1 S_BULK_FREE node 1071000 2 0\n"
		"1 0 0 1 S_BULK_FREE node 1070f00 2 1\n"
		"1 0 4 1 S_FREE_FAST node 1071000 1071000 1\n"
		"1 0 2 1 S_FAST_ALLOC node 1071000 a20 -1 256 irq\n" /* free again already */
		"1 0 4 1 S_FREE_SLOW node 1070f00 1070f00 1 0 1 0 0 15\n"
		"1 0 4 1 S_FREE_FAST node 1071100 1071100 1\n"
		"1 0 4 1 S_BULK_BEGIN node 2 cc0 mas\n"
		"1 0 4 1 S_BULK_ALLOC node 1071200 2 0\n"
		"1 0 0 1 S_SLOW_BEGIN node cc0 -1 256 mas\n"
		"1 0 0 1 S_SLOW_FAIL node cc0 -1\n"
		"1 0 0 1 S_BULK_FREE node 1071200 1 0\n"
		"1 0 4 1 S_FREE_FAST node 1071200 1071200 1\n"), 0);
	expect("cache_create [0 node]\n"
	       "cache_bulk [0 node] gfpcc0 by mas 0.0 1.0 2.0\n"
	       "free_bulk 1.0 0.0\n"
	       "cache_alloc [0 node] gfpa20 by irq 0.1\n"
	       "cache_free [0 node] 2.0\n"
	       "cache_bulk [0 node] gfpcc0 by mas 2.1\n"
	       "free_bulk 2.1\n");
}

/* Two CPUs on two nodes: slots stay with the CPU that freed them. */
static void test_two_cpus(void **state)
{
	const struct kms_workload_info *info;
	struct kms_stream *stream;

	assert_int_equal(import_text(state_smp, RELEASE
		"1 0 0 7 S_FAST_ALLOC kmalloc-64 1050040 cc0 -1 50 a\n"
		"1 0 8 7 PCP_HIGH_BATCH 0/1 60 15\n"
		"1 0 8 7 PCP_HIGH_BATCH 1/1 60 15\n"
		"1 1 0 8 S_FREE_SLOW kmalloc-64 1050040 1050040 1 0 1 0 0 15\n"
		"1 0 0 7 WMARK_SET 0/1 31 38 45\n"
		"1 0 0 7 S_FAST_ALLOC kmalloc-64 1050080 cc0 0 50 a\n"
		"1 1 0 8 S_FAST_ALLOC kmalloc-64 1050040 cc0 -1 50 a\n"
		"1 1 0 8 PG_ALLOC 2001 0 0 nid1 801 cc0 cc0 b\n"
		"1 0 0 7 PG_ALLOC 1001 0 0 nid0m 801 cc0 cc0 b\n"), 0);
	expect("kmalloc cpu0 50B gfpcc0 by a 0.0\n"
	       "boot cpu0 step1 order0\n"
	       "boot cpu1 step3 order1\n"
	       "kfree cpu1 0.0\n"
	       "boot cpu0 step2 order0\n"
	       "kmalloc cpu0 50B gfpcc0 node0 by a 1.0\n"
	       "kmalloc cpu1 50B gfpcc0 by a 0.1\n"
	       "page_alloc cpu1 order0 gfpcc0 node1 by b 2.0\n"
	       "page_alloc cpu0 order0 gfpcc0 node0 by b 3.0\n");
	assert_int_equal(trace_open(&stream, in_dir("out.kmt"), &err), 0);
	info = stream->info;
	assert_int_equal(info->nr_nodes, 2);
	assert_int_equal(info->cpu_node[0], 0);
	assert_int_equal(info->cpu_node[1], 1);
	assert_int_equal(info->nr_boot_steps, 3);
	stream->close(stream);
}

static void test_phases_and_time(void **state)
{
	struct kms_stream *stream;
	struct kept *all;
	size_t n;

	assert_int_equal(import_text(state_up,
		"1000000 0 c 0 TEXT MARK dump before_mem_init\n"
		"5 0 c 0 TEXT MARK init-start\n"
		"10 0 c 0 TEXT MARK phase fork begin\n"
		"10 0 9 3 S_FAST_ALLOC kmalloc-8 1050040 cc0 -1 5 a\n"
		"10 0 c 0 TEXT MARK phase end\n"
		"10 0 c 0 TEXT MARK phase dropcaches\n"
		"10 0 c 0 TEXT MARK bench kmalloc N=128\n"
		"10 0 c 0 TEXT MARK bench end\n"
		"10 0 c 0 TEXT MARK phase fork begin\n"), 0);
	expect("phase init\n"
	       "phase fork\n"
	       "kmalloc 5B gfpcc0 by a 0.0\n"
	       "phase after-fork\n"
	       "phase dropcaches\n"
	       "phase bench-kmalloc\n"
	       "phase after-bench\n"
	       "phase fork\n");
	assert_int_equal(trace_open(&stream, in_dir("out.kmt"), &err), 0);
	assert_int_equal(stream->info->nr_phases, 7);
	all = read_stream(stream, &n);
	assert_int_equal(all[0].rq.time, 0); /* time counts from the first line */
	assert_int_equal(all[1].rq.time, 5);
	assert_int_equal(all[3].rq.time, 25);
	assert_int_equal(all[3].rq.context, KMS_CTX_HARDIRQ | KMS_CTX_KTHREAD);
	assert_int_equal(stream->info->duration_ns, 75);
	free_kept(all, n);
	stream->close(stream);
}

/* Compaction moves an object's page; the object is freed at its new place. */
static void test_migration(void **state)
{
	assert_int_equal(import_text(state_up, RELEASE
		"1 0 0 7 PG_ALLOC 1000 0 1 nid0 801 cca cca a\n"
		"1 0 0 7 PG_ALLOC 1001 0 1 nid0 801 cca cca a\n"
		"1 0 8 20 ISOLATE_FREE 1300 1 1 0/1\n"
		"1 0 8 20 PG_SPLIT 1300 1 split_map_pages\n"
		"1 0 8 20 COMPACT_ALLOC 1300 1000\n"
		"1 0 8 20 PG_FREE 1000 0\n"
		"1 0 8 20 PCP_FREE 1000 0 1 1 0/1 5 0 0\n"
		"1 0 8 20 COMPACT_ALLOC 1301 1001\n"
		"1 0 8 20 COMPACT_FREE 1301\n"
		"1 0 8 20 PG_FREE 1301 0\n"
		"1 0 8 20 PCP_FREE 1301 0 1 1 0/1 5 0 0\n"
		"1 0 0 7 PG_FREE 1300 0\n"
		"1 0 0 7 PCP_FREE 1300 0 1 1 0/1 5 0 0\n"
		"1 0 0 7 PG_FREE 1001 0\n"
		"1 0 0 7 PCP_FREE 1001 0 1 1 0/1 5 0 0\n"), 0);
	expect("page_alloc order0 gfpcca by a 0.0\n"
	       "page_alloc order0 gfpcca by a 1.0\n"
	       "page_free 0.0\n"
	       "page_free 1.0\n");
	assert_int_equal(result.frees_without_alloc, 0);
}

/* Every line is a request's, left out under a name, or unknown. */
static void test_coverage(void **state)
{
	struct kms_stream *stream;
	u64 left_out = 0;

	assert_int_equal(import_text(state_up, RELEASE
		"1 0 0 7 RMQ_BULK 0/1 0 0 1 1\n"
		"1 0 0 7 PCP_ALLOC 1000 0 1 801 0/1 3 0\n"
		"1 0 0 7 PG_ALLOC 1000 0 1 nid0 801 cca cca a\n"
		"1 0 0 7 SOMETHING_NEW 1 2 3\n"
		"1 0 0 7 TEXT KSIZE n=1 ptr=0 ksize=8\n"), 0);
	assert_int_equal(result.events, 13);
	assert_int_equal(result.unknown, 1);
	assert_int_equal(trace_open(&stream, in_dir("out.kmt"), &err), 0);
	for (u32 i = 0; i < stream->info->nr_left_out; i++)
		left_out += stream->info->left_out[i].count;
	assert_int_equal(left_out, result.outcomes);
	assert_int_equal(result.outcomes, 11); /* all but the allocation and the unknown line */
	stream->close(stream);
}

static void fails(const char *state, const char *trace, const char *message)
{
	unlink(in_dir("out.kmt"));
	assert_int_equal(import_text(state, trace), KMS_EUSAGE);
	if (!strstr(err.text, message))
		fail_msg("expected '%s' in '%s'", message, err.text);
	assert_int_not_equal(access(in_dir("out.kmt"), F_OK), 0);
	assert_int_not_equal(access(in_dir("out.kmt.partial"), F_OK), 0);
}

static void test_bad_input(void **state)
{
	fails(state_up, "", "is empty");
	fails(state_up, "hello\n", "trace.txt:1: found 'hello', expected a decimal number");
	fails(state_up, "1 0 0 7 PG_ALLOC xyz 0 1 nid0 801 cca cca a\n", "trace.txt:1: found 'xyz', expected a hexadecimal number");
	fails(state_up, "1 0 0 7 PG_FREE 10\n", "trace.txt:1: the line ends early, expected a decimal number");
	fails(state_up, "1 0 0 7 PG_FREE 10 99\n", "order 99");
	fails(state_up, "1 0 0 7 PG_FREE fffffff 0\n", "page frame fffffff, but memory ends at 10000");
	fails(state_up, "1 5 0 7 PG_FREE 10 0\n", "CPU 5, but the state dumps tell of 1 CPUs");
	fails(state_up, "1 0 0 7 PG_BULK 5 5 0 1 2 x\n", "PG_BULK of 5 pages after 0 PCP_ALLOC lines");
	fails(state_up, "1 0 0 7 S_BULK_BEGIN x 99999 cc0 y\n", "bulk allocation of 99999 objects");
	fails(state_up, "1 0 0 7 L_ALLOC kmalloc-8 1000 cc0 -1 8\n", "the line ends early, expected a decimal number");
	fails(state_up, "1 0 0 7 O_KMALLOC 1000 x cc0 -1 y\n", "found 'x', expected a decimal number");
	fails("DUMP name=x online_cpus=1 nodes=1\n", "1 0 0 7 MARK x\n", "tell of 0 zones");
	fails("ZONE 0 garbage\n", "1 0 0 7 MARK x\n", "state-before_mem_init.txt:1: found \"ZONE 0 garbage\", expected ZONE node zone");
}

static void test_not_a_recording(void **state)
{
	struct kms_error e = { 0 };

	assert_int_equal(import_recording(in_dir("nothing"), in_dir("out.kmt"), &result, &e), KMS_EUSAGE);
	assert_non_null(strstr(e.text, "No such file"));
	e.code = 0;
	assert_int_equal(import_recording("/usr", in_dir("out.kmt"), &result, &e), KMS_EUSAGE);
	assert_non_null(strstr(e.text, "expected a directory with trace.txt"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pages),
		cmocka_unit_test(test_machine),
		cmocka_unit_test(test_lists),
		cmocka_unit_test(test_bulk_pages),
		cmocka_unit_test(test_exact_and_split),
		cmocka_unit_test(test_failed_and_large),
		cmocka_unit_test(test_slab),
		cmocka_unit_test(test_caches),
		cmocka_unit_test(test_slab_bulk),
		cmocka_unit_test(test_two_cpus),
		cmocka_unit_test(test_phases_and_time),
		cmocka_unit_test(test_migration),
		cmocka_unit_test(test_coverage),
		cmocka_unit_test(test_bad_input),
		cmocka_unit_test(test_not_a_recording),
	};

	return cmocka_run_group_tests_name("import_groundtruth", tests, make_dir, remove_dir);
}
