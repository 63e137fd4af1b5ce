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
enum { POINTS = 32 };	      /* a power of two */

/* The channel as it was at a time, some arrivals taken. */
struct dram_point {
	u64 time;
	u32 taken, used; /* used: entries */
	u8 *copy;	 /* of the pieces */
};

/*
 * The channel has been run on to `time` for the last answer. Behind it lie the
 * points to which it can be put back, by time; the first is not after the
 * bound, or the channel itself is not, and there is none.
 */
struct dram_lane {
	struct dram_channel *channel;
	struct dram_arrival *arrivals; /* by time; the first `taken` the channel has */
	u32 n, room, taken;
	u64 time;
	u64 bound;    /* no access comes before it any more */
	u64 accesses; /* the next one's cookie */
	u64 wanted;   /* the read whose answer is looked for; ~0: none */
	struct dram_answer answer;
	u32 first_point, nr_points;
	struct dram_point points[POINTS]; /* a ring */
	struct dram_piece pieces[PIECES];
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

static struct dram_point *point_at(struct dram_lane *lane, u32 i)
{
	return &lane->points[(lane->first_point + i) % POINTS];
}

static size_t piece_bytes(const struct dram_lane *lane, const struct dram_point *p, u32 i)
{
	return i == ENTRIES ? p->used * sizeof(struct dram_entry) : lane->pieces[i].bytes;
}

/* Make a point of the present; without room for more, of the last one. */
static void keep(struct dram_lane *lane)
{
	struct dram_point *p;
	u8 *to;

	if (lane->nr_points && point_at(lane, lane->nr_points - 1)->time == lane->time)
		return;
	lane->nr_points += lane->nr_points < POINTS;
	p = point_at(lane, lane->nr_points - 1);
	p->time = lane->time;
	p->taken = lane->taken;
	p->used = lane->channel->used;
	to = p->copy;
	for (u32 i = 0; i < PIECES; i++) {
		memcpy(to, lane->pieces[i].at, piece_bytes(lane, p, i));
		to += piece_bytes(lane, p, i);
	}
}

static void put_back(struct dram_lane *lane, const struct dram_point *p)
{
	const u8 *from = p->copy;

	lane->time = p->time;
	lane->taken = p->taken;
	for (u32 i = 0; i < PIECES; i++) {
		memcpy(lane->pieces[i].at, from, piece_bytes(lane, p, i));
		from += piece_bytes(lane, p, i);
	}
}

/* An access comes at `clock`: what happened after that must happen anew. */
static void rewind_to(struct dram_lane *lane, u64 clock)
{
	if (clock >= lane->time || !lane->nr_points)
		return;
	while (lane->nr_points > 1 && point_at(lane, lane->nr_points - 1)->time > clock)
		lane->nr_points--;
	put_back(lane, point_at(lane, lane->nr_points - 1));
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

/* Hand over the arrival after those taken; false: there is no room for it now. */
static bool take_arrival(struct dram_lane *lane)
{
	struct dram_arrival *a = &lane->arrivals[lane->taken];
	struct dram_request r = a->request;
	bool taken;

	r.at = dram_later(r.at, lane->time);
	taken = dram_channel_submit(lane->channel, &r, &a->place);
	lane->taken += taken;
	return taken;
}

/* Run on until the answer wanted is there. */
static void find_answer(struct dram_lane *lane, u64 cookie)
{
	keep(lane);
	lane->wanted = cookie;
	while (lane->wanted != ~0ull) {
		u64 next = next_event(lane->channel), at = DRAM_NEVER;

		if (lane->taken < lane->n)
			at = dram_later(lane->arrivals[lane->taken].request.at, lane->time);
		if (next <= at) {
			run_to(lane, next);
			continue;
		}
		run_to(lane, at);
		keep(lane);
		if (!take_arrival(lane))
			run_to(lane, next_event(lane->channel));
	}
}

/* With nothing to go back to: let time pass up to the bound. */
static void commit(struct dram_lane *lane)
{
	while (lane->taken < lane->n) {
		u64 at = dram_later(lane->arrivals[lane->taken].request.at, lane->time);

		if (at > lane->bound)
			break;
		run_to(lane, at);
		if (take_arrival(lane))
			continue;
		at = next_event(lane->channel);
		if (at > lane->bound)
			break;
		run_to(lane, at);
	}
	if (lane->time < lane->bound)
		run_to(lane, lane->bound);
}

/* The first n arrivals are in the past for good; moved out of the way not every time. */
static void drop_arrivals(struct dram_lane *lane, u32 n)
{
	if (n < lane->room / 2)
		return;
	lane->n -= n;
	lane->taken -= n;
	for (u32 i = 0; i < lane->nr_points; i++)
		point_at(lane, i)->taken -= n;
	memmove(lane->arrivals, lane->arrivals + n, lane->n * sizeof(*lane->arrivals));
}

/* Nothing earlier than the bound can come any more. */
static void settle(struct dram_lane *lane, u64 bound)
{
	lane->bound = dram_later(lane->bound, bound);
	if (lane->time <= lane->bound)
		lane->nr_points = 0;
	while (lane->nr_points > 1 && point_at(lane, 1)->time <= lane->bound) {
		lane->first_point = (lane->first_point + 1) % POINTS;
		lane->nr_points--;
	}
	if (!lane->nr_points)
		commit(lane);
	drop_arrivals(lane, lane->nr_points ? point_at(lane, 0)->taken : lane->taken);
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
	for (; i > lane->taken && lane->arrivals[i - 1].request.at > arrival->request.at; i--)
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

/* What is due in the engine before, other CPUs' accesses among it, can still send accesses. */
static u64 bound_of(const struct dram *dram, kms_ps since)
{
	kms_ps now = engine_running() ? engine_now() : since;

	return acceptance(dram, now < since ? now : since);
}

struct dram_result dram_access(struct dram *dram, u64 line_in_node, bool write, kms_ps at,
			       kms_ps since)
{
	struct dram_arrival arrival = {.request = {.address = line_in_node << DRAM_LINE_SHIFT,
						   .at = acceptance(dram, at), .write = write}};
	struct dram_lane *lane;

	dram_map_place(&dram->controller->map, arrival.request.address, &arrival.place);
	lane = &dram->lanes[arrival.place.channel];
	arrival.request.cookie = (u64)arrival.place.channel << 56 | lane->accesses++;
	arrival.request.at = dram_later(arrival.request.at, lane->bound);
	rewind_to(lane, arrival.request.at);
	settle(lane, bound_of(dram, since));
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
	lane->arrivals = malloc(lane->room * sizeof(*lane->arrivals));
	lane->points[0].copy = malloc(sum * POINTS);
	if (!lane->points[0].copy || !lane->arrivals)
		return kms_fail(err, KMS_EFAIL, "not enough host memory for DRAM");
	for (u32 i = 1; i < POINTS; i++)
		lane->points[i].copy = lane->points[0].copy + i * sum;
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
		free(dram->lanes[i].points[0].copy);
	}
	free(dram->lanes);
	dram_controller_free(dram->controller);
	memset(dram, 0, sizeof(*dram));
}
