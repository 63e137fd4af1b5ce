/*
 * step.h - a workload, request by request: forward, back, to the next slow path.
 *
 * step.c follows a run (sim/run/run.h: struct run_view) and stops it behind the
 * requests that are asked for; step_command.c understands the commands,
 * step_show.c shows a stop, step_screen.c fills a terminal. Going back starts
 * the run anew: the same requests give the same states.
 */
#ifndef SIM_TEACH_STEP_H
#define SIM_TEACH_STEP_H

#include <stdio.h>

#include "models/mm/inspect.h"
#include "sim/run/run.h"
#include "sim/teach/watch.h"
#include "workloads/request.h"

#define STEP_ZONES 16

/* The allocators at one moment, as far as a stop shows them. */
struct step_state {
	struct mm_zone_info zones[STEP_ZONES];
	struct mm_pcp_info pcp[STEP_ZONES]; /* of the CPU that makes the request */
	u32 nr_zones;
	struct mm_slab_map slab; /* that the request works on */
	bool has_slab;
};

enum step_goal { STEP_TO, STEP_SLOW, STEP_FIND };

struct step {
	const struct experiment_config *config;
	const char *config_json;
	struct store *store;
	const volatile int *interrupted;

	/* where it stands: behind this many requests; 0 before the first */
	u64 position, total;
	struct kms_request request; /* the last one carried out; refs are gone */
	const struct kms_workload_info *info; /* while the run lives */
	char phase[64];
	u64 address; /* physical, of what it got or gave back; ~0 none */
	struct watch_log log;
	struct step_state before, after;
	struct mm_cache_info cache; /* of the slab */
	char cache_name[64];
	double ghz;

	/* where it is to stop next */
	enum step_goal goal;
	u64 target;
	char find[64];

	/* the front end: called at every stop and at the end, sets the next goal, quit or restart */
	void (*stopped)(struct step *s, bool ended);
	void *front;
	bool quit, restart, listening;
	FILE *out;
	char answer[160]; /* what the last command has to say to its user, "" nothing */
};

/*
 * Follow the run until the front end quits. KMS_EUSAGE as run_experiment();
 * the run's rows in the store are the caller's to throw away.
 */
int step_run(struct step *s, struct kms_error *err);
void step_free(struct step *s);

/* Next goals. step_back(): from the start if n reaches there. */
void step_forward(struct step *s, u64 n);
void step_goto(struct step *s, u64 position);

/* ---- step_command.c ---- */

/*
 * One command: "n [N]", "b [N]", "goto N", "slow", "find WHAT", "show WHAT",
 * "help", "q". Returns whether the run goes on (or ends); false: another
 * command is wanted. KMS_EUSAGE in *err: not understood, with what would be.
 */
bool step_command(struct step *s, const char *text, struct kms_error *err);

/* ---- step_show.c: parts of a stop, as text ---- */
void step_show_request(const struct step *s, FILE *out);
void step_show_path(const struct step *s, FILE *out);
void step_show_lines(const struct step *s, FILE *out, u32 most);
void step_show_zone(const struct step *s, FILE *out);
void step_show_pcp(const struct step *s, FILE *out);
void step_show_slab(const struct step *s, FILE *out);

/* ---- front ends ---- */

/* Commands from text, ";" or new lines between them; errors end it. */
int step_script(struct step *s, const char *script, struct kms_error *err);
/* Full screen (ncurses); pre: stdin and stdout are a terminal. */
int step_screen(struct step *s, struct kms_error *err);

#endif
