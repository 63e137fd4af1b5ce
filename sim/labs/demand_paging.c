/*
 * demand_paging.c - lab "demand-paging": memory asked for and never touched,
 * memory touched at once, and what happens when there is none left.
 */
#include "sim/labs/user_space.h"

#include <stdlib.h>

enum { DAEMON, HOG };
#define HOPELESS (1ull << 24) /* blocks */

struct outcome {
	u64 blocks, faults, resident_most;
	u64 free_before, free_after;
	u32 killed; /* 1 + process; 0: nobody */
};

static double mib(u64 pages)
{
	return (double)(pages * KIT_PAGE) / (1 << 20);
}

static void progress(FILE *data, u64 asked, u64 resident, u64 free)
{
	fprintf(data, "%.3f\t%.3f\t%.3f\n", mib(asked), mib(resident), mib(free));
}

/* The daemon's pages, all in use; it is what else lives on this machine. */
static int start_daemon(struct user_space *u, u64 pages, struct kms_error *err)
{
	bool alive;
	int rc = user_map(u, DAEMON, pages, err);

	for (u64 i = 0; i < pages && !rc; i++)
		rc = user_touch(u, DAEMON, i, &alive, err);
	return rc;
}

/* Blocks of so many pages until `most` or until somebody is killed. */
static int hog(struct user_space *u, u64 block, u64 most, bool touch, FILE *data, u64 every, struct outcome *o,
	       struct kms_error *err)
{
	struct process *p = &u->process[HOG];
	bool alive = true;
	int rc = 0;

	for (o->blocks = 0; o->blocks < most && alive && !u->kills && !rc; o->blocks++) {
		if (o->blocks % every == 0)
			progress(data, p->asked, p->resident, kit_free_page_count());
		rc = user_map(u, HOG, block, err);
		for (u64 i = 0; i < block && touch && alive && !rc; i++)
			rc = user_touch(u, HOG, o->blocks * block + i, &alive, err);
	}
	o->resident_most = p->most_resident;
	o->blocks -= u->kills && o->blocks; /* the last one did not come to its end */
	if (u->kills)
		progress(data, p->asked, o->resident_most, u->free_at_kill);
	progress(data, p->asked, p->resident, kit_free_page_count());
	return rc;
}

static int attempt(struct lab_run *r, bool touch, u64 most, FILE *data, struct outcome *o, struct kms_error *err)
{
	u64 block = (u64)lab_param(r, "block_pages"), every = (u64)lab_param(r, "dot_every");
	struct user_space u;
	struct kit k;
	int rc;

	*o = (struct outcome){.blocks = 0};
	lab_sandbox_reset(r);
	rc = kit_open(&k, r, err);
	if (rc)
		return rc;
	user_open(&u, &k);
	rc = start_daemon(&u, (u64)lab_param(r, "daemon_pages"), err);
	o->free_before = kit_free_page_count();
	if (!rc)
		rc = hog(&u, block, most, touch, data, every ? every : 1, o, err);
	o->free_after = kit_free_page_count();
	o->faults = u.process[HOG].faults;
	for (u32 i = 0; i < MOST_PROCESSES; i++)
		o->killed = u.process[i].killed ? i + 1 : o->killed;
	fputs("\n\n", data);
	user_close(&u);
	return rc;
}

static void row(struct lab_run *r, const char *what, u64 block, const struct outcome *o)
{
	static const char *const who[] = {"nobody", "the other process", "this process"};

	kit_row(r, "%s\t%llu\t%llu MiB\t%llu MiB\t%llu\t%s", what, (unsigned long long)o->blocks,
		(unsigned long long)(o->blocks * block * KIT_PAGE >> 20),
		(unsigned long long)(o->resident_most * KIT_PAGE >> 20), (unsigned long long)o->faults, who[o->killed]);
}

static void check(struct lab_run *r, u64 block, const struct outcome *idle, const struct outcome *busy)
{
	u64 last = busy->faults - busy->blocks * block; /* faults of the block in which it ended */

	lab_value(r, "block_bytes", "bytes", (double)(block * KIT_PAGE));
	lab_value(r, "faults_per_block", "faults", (double)block);
	lab_value(r, "idle_resident", "pages", (double)idle->resident_most);
	lab_value(r, "busy_blocks", "blocks", (double)busy->blocks);
	lab_value(r, "busy_resident", "pages", (double)busy->resident_most);
	lab_check(r, "untouched memory: pages resident", (double)idle->resident_most, 0);
	lab_check(r, "... minor faults", (double)idle->faults, 0);
	lab_check(r, "... free memory that it took", (double)(idle->free_before - idle->free_after), 0);
	lab_check(r, "... and nobody is killed", idle->killed, 0);
	lab_check(r, "touched memory ends in a kill, of the process with most pages", busy->killed, HOG + 1);
	lab_check_that(r, last >= 1 && last <= block, "every page touched is one minor fault");
	lab_check(r, "the pages it had are what it was given", (double)busy->resident_most, (double)(busy->faults - 1));
	lab_check_that(r, busy->blocks * block <= busy->free_before, "it cannot have had more than was free");
	lab_check_that(r, busy->free_after >= busy->resident_most, "killed, it gives its memory back");
	lab_check_book(r, "a block is 8,192 bytes", (double)(block * KIT_PAGE), 8192);
	lab_check_book(r, "minor faults of a block that is touched", (double)block, 2);
}

static int draw(struct lab_run *r, const char *data, struct kms_error *err)
{
	static const char commands[] =
		"set xlabel 'memory asked for (MiB)'\nset ylabel 'MiB'\nset yrange [0:*]\nset grid\nset key center right\n"
		"plot 'demand-paging-memory.tsv' index 0 using 1:2 with linespoints pt 4 ps 0.6 pi 8 lw 2 title 'resident, not touched',"
		" '' index 1 using 1:2 with linespoints pt 7 ps 0.6 pi 4 lw 2 title 'resident, touched',"
		" '' index 1 using 1:3 with lines dt 2 lw 1.5 title 'free memory, touched'\n";

	return lab_picture(r, "memory", "Asked for and resident: with and without touching", data, commands, err);
}

static int both(struct lab_run *r, FILE *data, struct outcome *idle, struct outcome *busy, struct kms_error *err)
{
	static const char *const headings[] = {"memory is", "blocks", "asked for", "resident at most", "minor faults", "killed"};
	u64 block = (u64)lab_param(r, "block_pages");
	int rc;

	fputs("# asked for (MiB)\tresident (MiB)\tfree (MiB)\n", data);
	lab_table_begin(r, "attempts", headings, 6);
	rc = attempt(r, false, (u64)lab_param(r, "idle_blocks"), data, idle, err);
	if (!rc)
		row(r, "not touched", block, idle);
	if (!rc)
		rc = attempt(r, true, HOPELESS, data, busy, err);
	if (!rc)
		row(r, "touched", block, busy);
	lab_table_end(r);
	return rc;
}

static int run(struct lab_run *r, struct kms_error *err)
{
	struct outcome idle, busy;
	char *data = NULL;
	size_t bytes;
	FILE *out = open_memstream(&data, &bytes);
	int rc = out ? both(r, out, &idle, &busy, err) : kms_fail(err, KMS_EFAIL, "out of memory");

	if (out && fclose(out) && !rc)
		rc = kms_fail(err, KMS_EFAIL, "out of memory");
	if (!rc) {
		check(r, (u64)lab_param(r, "block_pages"), &idle, &busy);
		rc = draw(r, data, err);
	}
	free(data);
	lab_sandbox_reset(r);
	return rc;
}

const struct lab lab_demand_paging = {.name = "demand-paging", .run = run};
