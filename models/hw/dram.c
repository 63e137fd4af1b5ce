/*
 * dram.c - dram.h: simulated time and CPUs on one side, command clocks and queues on the other.
 */
#include "models/hw/dram.h"
#include "models/hw/dram_channel.h"
#include "sim/engine/engine.h"

#include <stdlib.h>
#include <string.h>

/* An access that the controller has not been given yet. */
struct dram_arrival {
	struct dram_request request;
	struct dram_place place;
};

/* What a channel is made of, for putting it back. */
struct dram_piece {
	void *at;
	size_t bytes;
};

enum { ENTRIES = 4, PIECES }; /* of the entries only those ever used */

struct dram_lane {
	struct dram_channel *channel;
	struct dram_arrival *arrivals; /* by time */
	u32 n, room;
	u64 time;     /* the channel has been let run up to here */
	u64 accesses; /* the next one's cookie */
	u64 wanted;   /* the read whose answer is looked for; ~0: none */
	struct dram_answer answer;
	/* The channel has been run on beyond `time` for an answer, taking some arrivals. */
	bool ahead;
	u64 ahead_time;
	u32 ahead_taken;
	struct dram_piece pieces[PIECES];
	u8 *copy; /* of the pieces */
};

/* ---- time ---- */

static u64 clock_at(const struct dram *dram, kms_ps ps)
{
	return (u64)(((unsigned __int128)ps * dram->clock_hz + KMS_PS_PER_S - 1) / KMS_PS_PER_S);
}

static kms_ps time_of(const struct dram *dram, u64 clock)
{
	return (kms_ps)(((unsigned __int128)clock * KMS_PS_PER_S + dram->clock_hz - 1) / dram->clock_hz);
}

/*
 * The controller's clock at which an access that comes at `ps` is accepted:
 * commands follow with the next one, which is the first not before ps.
 */
static u64 acceptance(const struct dram *dram, kms_ps ps)
{
	u64 clock = clock_at(dram, ps + dram->request);

	return clock ? clock - 1 : 0;
}

/* ---- the channel, run on and put back ---- */

static void keep(struct dram_lane *lane)
{
	u8 *to = lane->copy;

	lane->pieces[ENTRIES].bytes = lane->channel->used * sizeof(struct dram_entry);
	for (u32 i = 0; i < PIECES; to += lane->pieces[i++].bytes)
		memcpy(to, lane->pieces[i].at, lane->pieces[i].bytes);
}

static void put_back(struct dram_lane *lane)
{
	const u8 *from = lane->copy;

	lane->ahead = false;

	for (u32 i = 0; i < PIECES; from += lane->pieces[i++].bytes)
		memcpy(lane->pieces[i].at, from, lane->pieces[i].bytes);
}

static u64 next_event(const struct dram_channel *c)
{
	return c->next.at < c->refresh_at ? c->next.at : c->refresh_at;
}

static void run_to(struct dram_lane *lane, u64 clock)
{
	dram_channel_advance(lane->channel, clock);
	lane->time = clock;
}

/* Hand over what arrives up to `limit`, some being taken; how many are then. Ends early with the answer wanted. */
static u32 take_arrivals(struct dram_lane *lane, u32 taken, u64 limit)
{

	while (taken < lane->n && (lane->wanted != ~0ull || limit != DRAM_NEVER)) {
		struct dram_arrival *a = &lane->arrivals[taken];
		struct dram_request r = a->request;
		u64 next;

		r.at = dram_later(r.at, lane->time);
		if (r.at > limit)
			break;
		run_to(lane, r.at);
		if (limit == DRAM_NEVER && lane->wanted == ~0ull)
			break;
		if (dram_channel_submit(lane->channel, &r, &a->place)) {
			taken++;
			continue;
		}
		next = next_event(lane->channel);
		if (next > limit)
			break;
		run_to(lane, next);
	}
	return taken;
}

/* The channel is left as the answer found it: what comes next may well come later than that. */
static void find_answer(struct dram_lane *lane, u64 cookie)
{
	u64 time = lane->time;

	if (lane->ahead) {
		lane->time = lane->ahead_time;
	} else {
		keep(lane);
		lane->ahead_taken = 0;
	}
	lane->wanted = cookie;
	lane->ahead_taken = take_arrivals(lane, lane->ahead_taken, DRAM_NEVER);
	while (lane->wanted != ~0ull)
		run_to(lane, next_event(lane->channel));
	lane->ahead = true;
	lane->ahead_time = lane->time;
	lane->time = time;
}

static void drop_arrivals(struct dram_lane *lane, u32 n)
{
	lane->n -= n;
	memmove(lane->arrivals, lane->arrivals + n, lane->n * sizeof(*lane->arrivals));
}

/*
 * An access comes at `clock`, and none before `bound` can any more: was running
 * ahead right, too far, or is that not known yet?
 */
static void settle(struct dram_lane *lane, u64 clock, u64 bound)
{
	if (!lane->ahead)
		return;
	if (clock < lane->ahead_time) {
		put_back(lane);
	} else if (bound >= lane->ahead_time) {
		lane->ahead = false;
		lane->time = lane->ahead_time;
		drop_arrivals(lane, lane->ahead_taken);
	}
}

/* Nothing earlier can come any more: make it so. */
static void commit(struct dram_lane *lane, u64 clock)
{
	if (lane->ahead || clock <= lane->time)
		return;
	drop_arrivals(lane, take_arrivals(lane, 0, clock));
	run_to(lane, clock);
}

static void answered(void *arg, const struct dram_answer *answer)
{
	struct dram *dram = arg;
	struct dram_lane *lane = &dram->lanes[answer->cookie >> 56];

	if (answer->cookie != lane->wanted)
		return;
	lane->answer = *answer;
	lane->wanted = ~0ull;
}

/* ---- accesses ---- */

static void insert(struct dram_lane *lane, const struct dram_arrival *arrival)
{
	u32 i = lane->n++;

	if (i == lane->room) {
		struct dram_arrival *more = realloc(lane->arrivals, 2 * (size_t)i * sizeof(*more));

		if (!more)
			engine_stop(KMS_EFAIL, "out of host memory for waiting DRAM accesses");
		lane->arrivals = more;
		lane->room = 2 * i;
	}
	for (; i && lane->arrivals[i - 1].request.at > arrival->request.at; i--)
		lane->arrivals[i] = lane->arrivals[i - 1];
	lane->arrivals[i] = *arrival;
}

static struct dram_result read_result(const struct dram *dram, const struct dram_answer *a)
{
	static const u8 outcomes[] = {
		[DRAM_FOUND_OPEN] = DRAM_ROW_HIT,
		[DRAM_FOUND_CLOSED] = DRAM_ROW_MISS,
		[DRAM_FOUND_OTHER] = DRAM_ROW_CONFLICT,
		[DRAM_FORWARDED] = DRAM_ROW_HIT,
	};

	return (struct dram_result){time_of(dram, a->at) + dram->response, outcomes[a->found], a->refresh};
}

struct dram_result dram_access(struct dram *dram, u64 line_in_node, bool write, kms_ps at)
{
	struct dram_arrival arrival = {.request = {.address = line_in_node << DRAM_LINE_SHIFT,
						   .at = acceptance(dram, at), .write = write}};
	struct dram_lane *lane;
	u64 bound;

	dram_map_place(&dram->controller->map, arrival.request.address, &arrival.place);
	lane = &dram->lanes[arrival.place.channel];
	arrival.request.cookie = (u64)arrival.place.channel << 56 | lane->accesses++;
	bound = engine_running() ? acceptance(dram, engine_now()) : arrival.request.at;
	settle(lane, arrival.request.at, bound);
	commit(lane, bound);
	insert(lane, &arrival);
	if (write)
		return (struct dram_result){.done = at, .outcome = DRAM_POSTED};
	find_answer(lane, arrival.request.cookie);
	return read_result(dram, &lane->answer);
}

int dram_verify(const struct dram *dram, struct kms_error *err)
{
	return dram_controller_check(dram->controller, err);
}

/* ---- life ---- */

static int init_lane(struct dram_lane *lane, struct dram_channel *c, struct kms_error *err)
{
	size_t sum = 0, entries = c->limit[0] + c->limit[1] + c->nr_banks;
	struct dram_piece pieces[PIECES] = {
		{c, sizeof(*c)},
		{c->banks, c->nr_banks * sizeof(*c->banks)},
		{c->groups, c->nr_banks / c->banks_per_group * sizeof(*c->groups)},
		{c->ranks, c->config->ranks * sizeof(*c->ranks)},
		{c->entries, entries * sizeof(*c->entries)},
	};

	memcpy(lane->pieces, pieces, sizeof(pieces));
	for (u32 i = 0; i < PIECES; i++)
		sum += pieces[i].bytes;
	lane->channel = c;
	lane->wanted = ~0ull;
	lane->room = 64;
	lane->copy = malloc(sum);
	lane->arrivals = malloc(lane->room * sizeof(*lane->arrivals));
	if (!lane->copy || !lane->arrivals)
		return kms_fail(err, KMS_EFAIL, "not enough host memory for DRAM");
	return 0;
}

int dram_init(struct dram *dram, const struct dram_config *config, struct kms_error *err)
{
	int rc;

	memset(dram, 0, sizeof(*dram));
	dram->clock_hz = (u64)(config->clock_mhz * 1e6 + 0.5);
	dram->request = (kms_ps)(config->controller_ns * KMS_PS_PER_NS / 2 + 0.5);
	dram->response = (kms_ps)(config->controller_ns * KMS_PS_PER_NS + 0.5) - dram->request;
	rc = dram_controller_new(&dram->controller, config, answered, dram, err);
	if (rc)
		return rc;
	dram->lanes = calloc(dram->controller->nr_channels, sizeof(*dram->lanes));
	if (!dram->lanes)
		rc = kms_fail(err, KMS_EFAIL, "not enough host memory for DRAM");
	for (u32 i = 0; !rc && i < dram->controller->nr_channels; i++)
		rc = init_lane(&dram->lanes[i], &dram->controller->channels[i], err);
	if (rc)
		dram_exit(dram);
	return rc;
}

void dram_exit(struct dram *dram)
{
	for (u32 i = 0; dram->lanes && i < dram->controller->nr_channels; i++) {
		free(dram->lanes[i].arrivals);
		free(dram->lanes[i].copy);
	}
	free(dram->lanes);
	dram_controller_free(dram->controller);
	memset(dram, 0, sizeof(*dram));
}
