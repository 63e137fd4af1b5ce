/*
 * list.h - circular doubly linked lists with the links inside the entries.
 *
 * The kernel's list interface: same names, same links written, so that the
 * hardware model sees the neighbours' cache lines being touched as they would
 * be. A head is a list_head that points to itself when the list is empty; all
 * links lie in simulated RAM.
 *
 * Links are read with READ_ONCE: whether a compiler would keep a link it has
 * just read is its own choice, and simulated results must not depend on it.
 */
#ifndef MODELS_MM_LIST_H
#define MODELS_MM_LIST_H

#include "models/mm/mm_types.h"

static inline void INIT_LIST_HEAD(struct list_head *head)
{
	WRITE_ONCE(head->next, head);
	WRITE_ONCE(head->prev, head);
}

/* Put entry between two neighbours; the forward link that readers follow is written last. */
static inline void __list_link(struct list_head *entry, struct list_head *before,
			       struct list_head *after)
{
	after->prev = entry;
	entry->next = after;
	entry->prev = before;
	WRITE_ONCE(before->next, entry);
}

static inline void list_add(struct list_head *entry, struct list_head *head)
{
	__list_link(entry, head, head->next);
}

static inline void list_add_tail(struct list_head *entry, struct list_head *head)
{
	__list_link(entry, head->prev, head);
}

static inline void __list_unlink(struct list_head *entry)
{
	struct list_head *after = READ_ONCE(entry->next), *before = READ_ONCE(entry->prev);

	after->prev = before;
	WRITE_ONCE(before->next, after);
}

static inline void list_del(struct list_head *entry)
{
	__list_unlink(entry);
	WRITE_ONCE(entry->next, LIST_POISON1);
	WRITE_ONCE(entry->prev, LIST_POISON2);
}

static inline void list_del_init(struct list_head *entry)
{
	__list_unlink(entry);
	INIT_LIST_HEAD(entry);
}

static inline void list_move(struct list_head *entry, struct list_head *head)
{
	__list_unlink(entry);
	list_add(entry, head);
}

static inline void list_move_tail(struct list_head *entry, struct list_head *head)
{
	__list_unlink(entry);
	list_add_tail(entry, head);
}

static inline bool list_empty(const struct list_head *head)
{
	return READ_ONCE(head->next) == head;
}

static inline bool list_is_singular(const struct list_head *head)
{
	return !list_empty(head) && head->next == head->prev;
}

/* Move all of list to the front (or the end) of head; list is left empty. */
static inline void __list_splice(struct list_head *list, struct list_head *before,
				 struct list_head *after)
{
	struct list_head *first = list->next, *last = list->prev;

	first->prev = before;
	before->next = first;
	last->next = after;
	after->prev = last;
	INIT_LIST_HEAD(list);
}

static inline void list_splice_init(struct list_head *list, struct list_head *head)
{
	if (!list_empty(list))
		__list_splice(list, head, head->next);
}

static inline void list_splice_tail_init(struct list_head *list, struct list_head *head)
{
	if (!list_empty(list))
		__list_splice(list, head->prev, head);
}

#define list_entry(ptr, type, member) container_of(ptr, type, member)
#define list_first_entry(head, type, member) list_entry(READ_ONCE((head)->next), type, member)
#define list_last_entry(head, type, member) list_entry(READ_ONCE((head)->prev), type, member)
#define list_next_entry(pos, member) list_entry(READ_ONCE((pos)->member.next), typeof(*(pos)), member)
#define list_prev_entry(pos, member) list_entry(READ_ONCE((pos)->member.prev), typeof(*(pos)), member)
#define list_first_entry_or_null(head, type, member)                                               \
	(list_empty(head) ? (type *)NULL : list_first_entry(head, type, member))

#define list_for_each(pos, head) for (pos = (head)->next; pos != (head); pos = pos->next)

#define list_for_each_entry(pos, head, member)                                                     \
	for (pos = list_first_entry(head, typeof(*pos), member); &pos->member != (head);           \
	     pos = list_next_entry(pos, member))

/* The same, when the body may unlink pos; next is a second cursor. */
#define list_for_each_entry_safe(pos, following, head, member)                                     \
	for (pos = list_first_entry(head, typeof(*pos), member),                                   \
	    following = list_next_entry(pos, member);                                              \
	     &pos->member != (head); pos = following, following = list_next_entry(following, member))

#endif
