/*
 * protocol_system.c - protocol_system.h: a timing wheel of messages, and the checks.
 */
#include "models/hw/protocol_system.h"

#include <stdlib.h>
#include <string.h>

#include "sim/engine/rng.h"

enum { NO_NODE = 0, FIRST_NODES = 1024 };

static struct protocol_operation *op_of(struct protocol_system *s, u32 cpu, u32 line)
{
	return &s->ops[(size_t)line * s->config.cpus + cpu];
}

int protocol_system_new(struct protocol_system **out, const struct protocol_system_config *c,
			struct kms_error *err)
{
	struct protocol_system *s = calloc(1, sizeof(*s));
	size_t pairs = (size_t)c->cpus * c->lines;
	int rc;

	*out = NULL;
	if (!s)
		return kms_fail(err, KMS_EFAIL, "protocol: out of memory");
	s->config = *c;
	s->l1 = calloc(pairs, sizeof(*s->l1));
	s->ops = calloc(pairs, sizeof(*s->ops));
	s->homes = calloc(c->lines, sizeof(*s->homes));
	s->latest = calloc(c->lines, sizeof(*s->latest));
	s->queue = calloc(c->lines, sizeof(u32));
	s->queue_end = calloc(c->lines, sizeof(u32));
	s->flying = calloc(c->lines, sizeof(u32));
	s->room = calloc(c->lines, sizeof(u32));
	rc = interconnect_init(&s->net, &c->net, err);
	if (!rc && (!s->l1 || !s->ops || !s->homes || !s->latest || !s->queue || !s->queue_end ||
		    !s->flying || !s->room))
		rc = kms_fail(err, KMS_EFAIL, "protocol: out of memory");
	s->rng = rng_open(c->seed, "protocol.delay");
	for (size_t i = 0; i < pairs && !rc; i++)
		s->ops[i].event = PROTOCOL_EVENTS;
	for (u32 i = 0; i < c->lines && !rc; i++)
		s->homes[i].owner = -1;
	if (rc)
		protocol_system_free(s);
	else
		*out = s;
	return rc;
}

void protocol_system_free(struct protocol_system *s)
{
	free(s->l1);
	free(s->ops);
	free(s->homes);
	free(s->latest);
	free(s->queue);
	free(s->queue_end);
	free(s->flying);
	free(s->room);
	free(s->nodes);
	interconnect_exit(&s->net);
	gsl_rng_free(s->rng);
	free(s);
}

/* ---- messages under way ---- */

static u32 take_node(struct protocol_system *s)
{
	u32 node = s->free_node;

	if (node == NO_NODE) {
		u32 more = s->nr_nodes ? 2 * s->nr_nodes : FIRST_NODES;
		struct protocol_node *nodes = realloc(s->nodes, more * sizeof(*nodes));

		if (!nodes) {
			kms_fail(&s->error, KMS_EFAIL, "protocol: out of memory");
			return NO_NODE;
		}
		s->nodes = nodes;
		for (u32 i = more - 1; i > s->nr_nodes; i--) {
			s->nodes[i].next = s->free_node;
			s->free_node = i;
		}
		if (s->nr_nodes) {
			s->nodes[s->nr_nodes].next = s->free_node;
			s->free_node = s->nr_nodes;
		}
		s->nr_nodes = more;
		node = s->free_node;
	}
	s->free_node = s->nodes[node].next;
	return node;
}

static void append(struct protocol_system *s, u32 *first, u32 *last, u32 node)
{
	s->nodes[node].next = NO_NODE;
	if (*first == NO_NODE)
		*first = node;
	else
		s->nodes[*last].next = node;
	*last = node;
}

static u32 stop_of(const struct protocol_system *s, u32 agent, u32 line)
{
	return agent == PROTOCOL_HOME ? line % s->config.net.stops : agent % s->config.net.stops;
}

static void send(struct protocol_system *s, const struct protocol_message *m)
{
	u32 from = stop_of(s, m->from, m->line), to = stop_of(s, m->to, m->line);
	bool data = m->has_data || m->event == PE_DATA;
	u64 at = interconnect_send(&s->net, from, to, data ? 72 : 8, s->now) + 1, slot;
	u32 node = take_node(s);

	if (node == NO_NODE)
		return;
	if (s->config.jitter)
		at += gsl_rng_uniform_int(s->rng, s->config.jitter + 1);
	if (at - s->now >= PROTOCOL_WHEEL)
		at = s->now + PROTOCOL_WHEEL - 1;
	slot = at % PROTOCOL_WHEEL;
	s->nodes[node].m = *m;
	append(s, &s->wheel[slot], &s->wheel_end[slot], node);
	s->in_flight++;
	s->flying[m->line]++;
	s->messages++;
	s->sent[m->event]++;
	s->sent_data[m->event] += m->has_data;
}

static void send_all(struct protocol_system *s, const struct protocol_out *out)
{
	for (u32 i = 0; i < out->n; i++)
		send(s, &out->messages[i]);
}

/* ---- caches ---- */

static int impossible(struct protocol_system *s, u32 cpu, u32 line, u32 state, u32 event)
{
	return kms_fail(&s->error, KMS_EFAIL,
			"%s: line %u of CPU %u in state %s got event %u, which has no transition",
			protocol_names[s->config.kind], line, cpu, protocol_l1_name(state), event);
}

static void wrong_value(struct protocol_system *s, u32 cpu, u32 line, u32 word, u32 found, u32 least,
			u32 latest)
{
	kms_fail(&s->error, KMS_EFAIL,
		 "%s: CPU %u has write %u of word %u of line %u, expected %u to %u",
		 protocol_names[s->config.kind], cpu, found, word, line, least, latest);
}

/* The CPU's operation has its line: read or write the value. */
static void perform(struct protocol_system *s, u32 cpu, u32 line, enum protocol_done done)
{
	struct protocol_operation *op = op_of(s, cpu, line), finished;
	struct protocol_l1 *l1 = protocol_system_l1(s, cpu, line);
	u32 *latest = &s->latest[line][op->word], least = *latest;

	if (done == PROTOCOL_LOADED_STALE) {
		least = op->at_least;
		s->stale_loads++;
	}
	if (done != PROTOCOL_EVICTED && (l1->words[op->word] < least || l1->words[op->word] > *latest))
		wrong_value(s, cpu, line, op->word, l1->words[op->word], least, *latest);
	s->stores += done == PROTOCOL_STORED;
	s->loads += done == PROTOCOL_LOADED || done == PROTOCOL_LOADED_STALE;
	if (done == PROTOCOL_STORED)
		l1->words[op->word] = ++*latest;
	op->value = l1->words[op->word];
	finished = *op;
	op->event = PROTOCOL_EVENTS;
	s->outstanding[cpu]--;
	protocol_system_check(s, line);
	if (s->finished)
		s->finished(s->arg, cpu, line, &finished);
}

static enum protocol_done cache_event(struct protocol_system *s, u32 cpu, u32 event,
				      const struct protocol_message *m)
{
	struct protocol_l1 *l1 = protocol_system_l1(s, cpu, m->line);
	u8 before = l1->state;
	struct protocol_out out;
	enum protocol_done done;

	out.n = 0;
	done = protocol_l1_event(s->config.kind, l1, cpu, event, m, &out);
	s->transitions[before][event]++;
	send_all(s, &out);
	if (done == PROTOCOL_IMPOSSIBLE)
		impossible(s, cpu, m->line, before, event);
	else if (done != PROTOCOL_NOTHING && done != PROTOCOL_WAIT)
		perform(s, cpu, m->line, done);
	return done;
}

bool protocol_system_begin(struct protocol_system *s, u32 cpu, u32 line, enum protocol_event event,
			   u32 word)
{
	struct protocol_operation *op = op_of(s, cpu, line);
	struct protocol_message m = { .line = line };

	if (op->event != PROTOCOL_EVENTS ||
	    (s->config.mshrs && s->outstanding[cpu] == s->config.mshrs))
		return false;
	s->outstanding[cpu]++;
	*op = (struct protocol_operation){ .event = (u8)event, .word = (u8)word, .since = s->now,
					   .at_least = s->latest[line][word] };
	cache_event(s, cpu, event, &m);
	return true;
}

/* ---- homes ---- */

/* Room in the LLC for one more line: take one that is not busy from everybody. */
static void make_room(struct protocol_system *s)
{
	u32 n = s->config.lines, start = (u32)gsl_rng_uniform_int(s->rng, n);
	struct protocol_out out;

	for (u32 i = 0; i < n; i++) {
		u32 line = (start + i) % n;
		struct protocol_home *h = &s->homes[line];

		if (h->recalling)
			return; /* under way already */
		if (!h->present || protocol_home_busy(h))
			continue;
		out.n = 0;
		protocol_home_recall(h, line, &out);
		s->recalls++;
		s->present -= !h->present;
		send_all(s, &out);
		return;
	}
}

/* Stand in line for room; whether it is this line's turn. */
static bool my_turn(struct protocol_system *s, u32 line)
{
	u32 at = 0;

	while (at < s->nr_room && s->room[at] != line)
		at++;
	if (at == s->nr_room)
		s->room[s->nr_room++] = line;
	return !at;
}

/* Whether the LLC has the line or could bring it in; may begin to make room for it. */
static bool brought_in(struct protocol_system *s, u32 line)
{
	u32 limit = s->config.llc_lines;

	if (limit && !my_turn(s, line))
		return false;
	if (limit && s->present >= limit)
		make_room(s);
	if (limit && s->present >= limit)
		return false;
	if (limit)
		memmove(s->room, s->room + 1, --s->nr_room * sizeof(*s->room));
	protocol_home_fill(&s->homes[line]);
	s->present++;
	return true;
}

/*
 * Whether the home can take the message now. While other lines wait for room, one that is present
 * leaves between two of its requests: with requests always waiting it would else never be idle,
 * and the others would wait for ever.
 */
static bool home_ready(struct protocol_system *s, const struct protocol_message *m)
{
	struct protocol_home *h = &s->homes[m->line];

	if (!protocol_is_request(m->event))
		return true;
	if (protocol_home_busy(h))
		return false;
	if (h->present && s->nr_room && s->present >= s->config.llc_lines) {
		make_room(s);
		if (protocol_home_busy(h))
			return false;
	}
	return h->present || m->event == PE_PUT || brought_in(s, m->line);
}

static void home_take(struct protocol_system *s, const struct protocol_message *m)
{
	struct protocol_home *h = &s->homes[m->line];
	bool was_present = h->present;
	struct protocol_out out;

	out.n = 0;
	if (!protocol_home_event(s->config.kind, h, m, &out))
		kms_fail(&s->error, KMS_EFAIL, "%s: the home of line %u got event %u unasked",
			 protocol_names[s->config.kind], m->line, m->event);
	s->present -= was_present && !h->present;
	s->transactions += protocol_is_request(m->event);
	send_all(s, &out);
	protocol_system_check(s, m->line);
}

/* Requests that waited at a home, as long as it can take them. */
static void serve_queue(struct protocol_system *s, u32 line)
{
	while (s->queue[line] != NO_NODE && home_ready(s, &s->nodes[s->queue[line]].m)) {
		u32 node = s->queue[line];
		struct protocol_message m = s->nodes[node].m;

		s->queue[line] = s->nodes[node].next;
		s->nodes[node].next = s->free_node;
		s->free_node = node;
		s->in_flight--;
		s->flying[line]--;
		home_take(s, &m);
	}
}

static void home_message(struct protocol_system *s, u32 node)
{
	struct protocol_message m = s->nodes[node].m;
	u32 present = s->present;

	if (protocol_is_request(m.event)) {
		append(s, &s->queue[m.line], &s->queue_end[m.line], node);
	} else {
		s->nodes[node].next = s->free_node;
		s->free_node = node;
		s->in_flight--;
		s->flying[m.line]--;
		home_take(s, &m);
	}
	serve_queue(s, m.line);
	if (!s->config.llc_lines || (s->present >= present && protocol_home_busy(&s->homes[m.line])))
		return;
	for (u32 line = 0; line < s->config.lines; line++)
		serve_queue(s, line);
}

static void cache_message(struct protocol_system *s, u32 node)
{
	struct protocol_message m = s->nodes[node].m;

	s->nodes[node].next = s->free_node;
	s->free_node = node;
	s->in_flight--;
	s->flying[m.line]--;
	cache_event(s, m.to, m.event, &m);
}

int protocol_system_tick(struct protocol_system *s)
{
	u64 slot = ++s->now % PROTOCOL_WHEEL;
	u32 node = s->wheel[slot], next;

	s->wheel[slot] = NO_NODE;
	for (; node != NO_NODE; node = next) {
		next = s->nodes[node].next;
		if (s->nodes[node].m.to == PROTOCOL_HOME)
			home_message(s, node);
		else
			cache_message(s, node);
	}
	return s->error.code;
}

int protocol_system_drain(struct protocol_system *s)
{
	u64 end = s->now + PROTOCOL_WATCHDOG;

	while (s->in_flight && !s->error.code && s->now < end)
		protocol_system_tick(s);
	if (s->in_flight && !s->error.code)
		kms_fail(&s->error, KMS_EFAIL, "%s: %llu messages still wait after %u ticks",
			 protocol_names[s->config.kind], (unsigned long long)s->in_flight,
			 PROTOCOL_WATCHDOG);
	return s->error.code;
}

/* ---- invariants ---- */

static int broken(struct protocol_system *s, u32 line, const char *what)
{
	return kms_fail(&s->error, KMS_EFAIL, "%s: line %u at tick %llu: %s",
			protocol_names[s->config.kind], line, (unsigned long long)s->now, what);
}

static int check_quiet(struct protocol_system *s, u32 line, u64 holders, s32 owner, bool transient)
{
	const struct protocol_home *h = &s->homes[line];

	if (transient)
		return broken(s, line, "a transient state, but nothing is under way");
	if (h->holders != holders || (holders && !h->present))
		return broken(s, line, "the directory is not the union of the caches");
	if (h->owner != owner)
		return broken(s, line, "the directory names another owner than the caches");
	if (owner < 0 && h->present && memcmp(h->words, s->latest[line], sizeof(h->words)))
		return broken(s, line, "the LLC is stale, but nobody owns the line");
	if (!h->present && memcmp(h->memory, s->latest[line], sizeof(h->memory)))
		return broken(s, line, "memory is stale, but nobody has the line");
	return 0;
}

int protocol_system_check(struct protocol_system *s, u32 line)
{
	const struct protocol_l1 *l1 = protocol_system_l1(s, 0, line);
	u64 holders = 0, writers = 0;
	bool transient = false;
	s32 owner = -1, owners = 0;

	for (u32 cpu = 0; cpu < s->config.cpus; cpu++) {
		u32 state = l1[cpu].state;

		if (state == PS_I)
			continue;
		if (state >= PROTOCOL_STATES) {
			transient = true;
			continue;
		}
		holders |= 1ull << cpu;
		writers += protocol_writable(state);
		owners += protocol_owns(state);
		owner = protocol_owns(state) ? (s32)cpu : owner;
		if (memcmp(l1[cpu].words, s->latest[line], sizeof(l1[cpu].words)))
			return broken(s, line, "a readable copy is not the last write");
	}
	if (owners > 1 || (writers && (holders & (holders - 1))))
		return broken(s, line, "a writer beside other copies, or two owners");
	if (!s->flying[line])
		return check_quiet(s, line, holders, owner, transient);
	return s->error.code;
}

int protocol_system_check_all(struct protocol_system *s)
{
	for (u32 line = 0; line < s->config.lines; line++) {
		protocol_system_check(s, line);
		for (u32 cpu = 0; cpu < s->config.cpus; cpu++) {
			const struct protocol_operation *op = op_of(s, cpu, line);

			if (op->event != PROTOCOL_EVENTS && s->now - op->since > PROTOCOL_WATCHDOG)
				broken(s, line, "an operation without an answer (deadlock)");
		}
	}
	return s->error.code;
}
