/*
 * json.c - JSON text into nodes that know their line and column.
 *
 * cJSON reads the values; it says neither where a value stands nor what is
 * wrong with a text, and it lets several things pass that JSON does not allow.
 * So a strict scanner goes over the text first, reports syntax errors and
 * records the offset of every key and value; cJSON's tree is then laid over
 * the recorded one, member by member.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/config/internal.h"

struct scanner {
	struct cfg *cfg;
	const struct cfg_doc *doc;
	const char *s;
	size_t at, len;
	int depth;
};

static size_t columns_before(const struct cfg_doc *doc, size_t at)
{
	size_t start = at, n = 1;

	while (start && doc->text[start - 1] != '\n')
		start--;
	for (; start < at; start++)
		n += ((u8)doc->text[start] & 0xc0) != 0x80;
	return n;
}

/* From the place asked for last, in either direction. */
void cfg_line_column(const struct cfg_doc *doc, size_t at, size_t *line, size_t *column)
{
	size_t end = at < doc->len ? at : doc->len, i = 0;
	bool other_line = false;

	*line = *column = 1;
	if (doc->mark && doc->mark[1]) {
		i = doc->mark[0];
		*line = doc->mark[1];
		*column = doc->mark[2];
	}
	for (; i < end; i++) {
		bool newline = doc->text[i] == '\n';

		*line += newline;
		*column = newline ? 1 : *column + (((u8)doc->text[i] & 0xc0) != 0x80);
	}
	for (; i > end; i--) {
		bool newline = doc->text[i - 1] == '\n';

		*line -= newline;
		other_line |= newline;
		*column -= ((u8)doc->text[i - 1] & 0xc0) != 0x80;
	}
	if (other_line)
		*column = columns_before(doc, end);
	if (doc->mark) {
		doc->mark[0] = end;
		doc->mark[1] = *line;
		doc->mark[2] = *column;
	}
}

/* What stands at the scanner's position, for a message. */
static void found(const struct scanner *sc, char *buf, size_t n)
{
	size_t len = 0;
	const char *p = sc->s + sc->at;

	if (sc->at >= sc->len) {
		snprintf(buf, n, "the end of the text");
		return;
	}
	while (sc->at + len < sc->len && (isalnum((u8)p[len]) || strchr("_-+.", p[len]) != NULL) &&
	       p[len])
		len++;
	if (len > 1)
		cfg_quote(buf, n, p, len);
	else if (*p == '\n' || *p == '\r')
		snprintf(buf, n, "the end of the line");
	else if (isprint((u8)*p))
		snprintf(buf, n, "'%c'", *p);
	else
		snprintf(buf, n, "byte 0x%02x", (u8)*p);
}

static int syntax(struct scanner *sc, const char *expected)
{
	struct cfg_node here = {.doc = sc->doc, .at = sc->at};
	char what[120];
	const char *hint = "";

	found(sc, what, sizeof(what));
	if (sc->at < sc->len) {
		char c = sc->s[sc->at];

		if (c == '/' || c == '#')
			hint = " (JSON has no comments)";
		else if (c == '\'')
			hint = " (strings stand in double quotes)";
		else if (c == '}' || c == ']')
			hint = " (no comma after the last one)";
		if ((c == '}' || c == ']') && strncmp(expected, "a value", 7) &&
		    strncmp(expected, "a key", 5))
			hint = "";
	}
	return cfg_error(sc->cfg, &here, POINT_VALUE, NULL, "syntax error: expected %s, found %s%s",
			 expected, what, hint);
}

static void skip_space(struct scanner *sc)
{
	while (sc->at < sc->len && strchr(" \t\r\n", sc->s[sc->at]) && sc->s[sc->at])
		sc->at++;
}

static bool take(struct scanner *sc, char c)
{
	if (sc->at >= sc->len || sc->s[sc->at] != c)
		return false;
	sc->at++;
	return true;
}

size_t cfg_utf8_length(const char *s, size_t n)
{
	const u8 *p = (const u8 *)s;
	size_t len = p[0] < 0x80                   ? 1
		     : p[0] >= 0xc2 && p[0] < 0xe0 ? 2
		     : (p[0] & 0xf0) == 0xe0       ? 3
		     : p[0] >= 0xf0 && p[0] < 0xf5 ? 4
						   : 0;

	if (!len || len > n)
		return 0;
	for (size_t i = 1; i < len; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] >= 0xa0) ||
	    (p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] >= 0x90))
		return 0;
	return len;
}

static int hex4(const struct scanner *sc, size_t at)
{
	int value = 0;

	if (at + 4 > sc->len)
		return -1;
	for (size_t i = at; i < at + 4; i++) {
		if (!isxdigit((u8)sc->s[i]))
			return -1;
		value = value * 16 +
			(isdigit((u8)sc->s[i]) ? sc->s[i] - '0' : (sc->s[i] | 32) - 'a' + 10);
	}
	return value;
}

/* After "\u": one code unit, or two that make one character. */
static int scan_unicode(struct scanner *sc)
{
	int first = hex4(sc, sc->at), second;

	if (first < 0)
		return syntax(sc, "four hexadecimal digits after \\u");
	if (first == 0)
		return syntax(sc, "a character other than \\u0000");
	sc->at += 4;
	if (first < 0xd800 || first > 0xdfff)
		return 0;
	if (first > 0xdbff)
		return syntax(sc, "the first half of a surrogate pair before the second");
	if (sc->at + 6 > sc->len || sc->s[sc->at] != '\\' || sc->s[sc->at + 1] != 'u')
		return syntax(sc, "the second half of a surrogate pair (\\udc00 to \\udfff)");
	second = hex4(sc, sc->at + 2);
	if (second < 0xdc00 || second > 0xdfff)
		return syntax(sc, "the second half of a surrogate pair (\\udc00 to \\udfff)");
	sc->at += 6;
	return 0;
}

static int scan_escape(struct scanner *sc)
{
	if (take(sc, 'u'))
		return scan_unicode(sc);
	if (sc->at >= sc->len || !strchr("\"\\/bfnrt", sc->s[sc->at]) || !sc->s[sc->at])
		return syntax(sc, "one of \" \\ / b f n r t u after the backslash");
	sc->at++;
	return 0;
}

/* At the opening quote. */
static int scan_string(struct scanner *sc)
{
	sc->at++;
	while (sc->at < sc->len) {
		u8 c = (u8)sc->s[sc->at];
		size_t n;

		if (c == '"') {
			sc->at++;
			return 0;
		}
		if (c == '\\') {
			sc->at++;
			if (scan_escape(sc))
				return KMS_EUSAGE;
			continue;
		}
		if (c < 0x20)
			return syntax(sc, "the closing '\"' of the string");
		n = cfg_utf8_length(sc->s + sc->at, sc->len - sc->at);
		if (!n)
			return syntax(sc, "UTF-8");
		sc->at += n;
	}
	return syntax(sc, "the closing '\"' of the string");
}

static bool scan_digits(struct scanner *sc)
{
	size_t start = sc->at;

	while (sc->at < sc->len && isdigit((u8)sc->s[sc->at]))
		sc->at++;
	return sc->at > start;
}

static int scan_number(struct scanner *sc)
{
	take(sc, '-');
	if (take(sc, '0')) {
		if (sc->at < sc->len && isdigit((u8)sc->s[sc->at]))
			return syntax(sc, "no digit after a leading 0");
	} else if (!scan_digits(sc)) {
		return syntax(sc, "a digit");
	}
	if (take(sc, '.') && !scan_digits(sc))
		return syntax(sc, "a digit after the decimal point");
	if (take(sc, 'e') || take(sc, 'E')) {
		if (!take(sc, '+'))
			take(sc, '-');
		if (!scan_digits(sc))
			return syntax(sc, "a digit in the exponent");
	}
	return 0;
}

static int scan_word(struct scanner *sc, const char *word)
{
	size_t n = strlen(word);

	if (sc->len - sc->at < n || memcmp(sc->s + sc->at, word, n) ||
	    (sc->at + n < sc->len && (isalnum((u8)sc->s[sc->at + n]) || sc->s[sc->at + n] == '_')))
		return syntax(sc, "a value");
	sc->at += n;
	return 0;
}

static struct cfg_node *scan_value(struct scanner *sc);

/* One member of an object or element of an array; the key, if any, is scanned here. */
static struct cfg_node *scan_child(struct scanner *sc, bool object)
{
	struct cfg_node *child;
	size_t key_at = sc->at;

	if (object) {
		if (sc->at >= sc->len || sc->s[sc->at] != '"') {
			syntax(sc, "a key in double quotes");
			return NULL;
		}
		if (scan_string(sc))
			return NULL;
		skip_space(sc);
		if (!take(sc, ':')) {
			syntax(sc, "':' after the key");
			return NULL;
		}
		skip_space(sc);
	}
	child = scan_value(sc);
	if (child)
		child->key_at = key_at;
	return child;
}

/* After the opening bracket. */
static int scan_children(struct scanner *sc, struct cfg_node *node, char close)
{
	struct cfg_node **tail = &node->child;
	bool object = close == '}';

	if (++sc->depth > CFG_MAX_DEPTH)
		return syntax(sc, "at most 64 levels of nesting");
	skip_space(sc);
	while (node->child || !take(sc, close)) {
		*tail = scan_child(sc, object);
		if (!*tail)
			return KMS_EUSAGE;
		tail = &(*tail)->next;
		skip_space(sc);
		if (take(sc, close))
			break;
		if (!take(sc, ','))
			return syntax(sc, object ? "',' or '}'" : "',' or ']'");
		skip_space(sc);
	}
	sc->depth--;
	return 0;
}

static struct cfg_node *scan_value(struct scanner *sc)
{
	struct cfg_node *node = cfg_alloc(sc->cfg, sizeof(*node));
	char c = sc->at < sc->len ? sc->s[sc->at] : 0;
	int rc;

	if (!node)
		return NULL;
	node->doc = sc->doc;
	node->at = sc->at;
	if (c == '{' || c == '[') {
		sc->at++;
		rc = scan_children(sc, node, c == '{' ? '}' : ']');
	} else if (c == '"') {
		rc = scan_string(sc);
	} else if (c == '-' || isdigit((u8)c)) {
		rc = scan_number(sc);
	} else if (c == 't' || c == 'f' || c == 'n') {
		rc = scan_word(sc, c == 't' ? "true" : c == 'f' ? "false" : "null");
	} else {
		rc = syntax(sc, "a value");
	}
	node->end = sc->at;
	return rc ? NULL : node;
}

static int cmp_key(const void *a, const void *b)
{
	const struct cfg_node *x = *(struct cfg_node *const *)a, *y = *(struct cfg_node *const *)b;
	int order = strcmp(x->key, y->key);

	return order ? order : x->key_at < y->key_at ? -1 : 1;
}

/* Of the members that repeat a key, complain about the one that stands first in the text. */
static int check_duplicates(struct cfg *cfg, const struct cfg_node *object, const struct cfg_at *at)
{
	const struct cfg_node *first = NULL, *second = NULL;
	size_t n = cfg_length(object), line, column, i = 0;
	struct cfg_node **sorted;
	char quoted[80];

	if (n < 2)
		return 0;
	sorted = cfg_alloc(cfg, n * sizeof(struct cfg_node *));
	if (!sorted)
		return KMS_EFAIL;
	for (struct cfg_node *child = object->child; child; child = child->next)
		sorted[i++] = child;
	qsort(sorted, n, sizeof(struct cfg_node *), cmp_key);
	for (i = 1; i < n; i++) {
		if (!strcmp(sorted[i - 1]->key, sorted[i]->key) &&
		    (!second || sorted[i]->key_at < second->key_at)) {
			first = sorted[i - 1];
			second = sorted[i];
		}
	}
	if (!second)
		return 0;
	cfg_line_column(first->doc, first->key_at, &line, &column);
	return cfg_error(cfg, second, POINT_KEY, at, "duplicate key %s, first given on line %zu",
			 cfg_quote(quoted, sizeof(quoted), second->key, strlen(second->key)), line);
}

/* Lay cJSON's values over the scanner's positions. */
static int attach(struct cfg *cfg, struct cfg_node *node, const cJSON *item,
		  const struct cfg_at *up)
{
	struct cfg_node *child = node->child;
	long index = 0;

	node->item = item;
	node->type = item->type & 0xff;
	node->key = item->string;
	for (const cJSON *c = item->child; c; c = c->next, child = child->next, index++) {
		struct cfg_at at = {up, c->string, index};

		if (!child || attach(cfg, child, c, &at))
			return KMS_EUSAGE;
	}
	if (child)
		return KMS_EUSAGE;
	return node->type == cJSON_Object ? check_duplicates(cfg, node, up) : 0;
}

/* A name that cannot break the line of a message. */
static char *printable(struct cfg *cfg, const char *name)
{
	size_t n = 4 * strlen(name) + 4;
	char *quoted = cfg_alloc(cfg, n + 12);

	if (!quoted)
		return NULL;
	cfg_quote(quoted, n + 12, name, strlen(name));
	quoted[strlen(quoted) - 1] = 0;
	return quoted + 1;
}

struct cfg_doc *cfg_doc_new(struct cfg *cfg, enum doc_kind kind, const char *name, const char *dir,
			    const char *text, size_t len)
{
	struct cfg_doc *doc;

	if (kind != DOC_DEFAULT && cfg->nr_docs >= CFG_MAX_DOCS) {
		kms_fail(cfg->err, KMS_EUSAGE, "%s: more than %d files and settings",
			 name, CFG_MAX_DOCS);
		return NULL;
	}
	doc = cfg_alloc(cfg, sizeof(*doc));
	if (!doc)
		return NULL;
	doc->kind = kind;
	doc->name = printable(cfg, name);
	doc->dir = cfg_strndup(cfg, dir, strlen(dir));
	doc->text = cfg_strndup(cfg, text, len);
	if (!doc->name || !doc->dir || !doc->text)
		return NULL;
	doc->len = len;
	if (kind != DOC_DEFAULT)
		doc->mark = cfg_alloc(cfg, 3 * sizeof(*doc->mark));
	doc->next = cfg->docs;
	cfg->docs = doc;
	cfg->nr_docs += kind != DOC_DEFAULT; /* as many as there are elements of arrays */
	return doc;
}

struct cfg_node *cfg_parse(struct cfg *cfg, struct cfg_doc *doc)
{
	struct scanner sc = {.cfg = cfg, .doc = doc, .s = doc->text, .len = doc->len};
	struct cfg_node *root;

	if (doc->len >= 3 && !memcmp(doc->text, "\xef\xbb\xbf", 3))
		sc.at = 3;
	skip_space(&sc);
	root = scan_value(&sc);
	if (!root)
		return NULL;
	skip_space(&sc);
	if (sc.at < sc.len) {
		syntax(&sc, "the end of the text");
		return NULL;
	}
	doc->root = cJSON_ParseWithLength(doc->text, doc->len);
	if (!doc->root || attach(cfg, root, doc->root, NULL)) {
		/* attach() has reported duplicates; anything else is a disagreement of the two
		 * readers */
		kms_fail(cfg->err, KMS_EUSAGE, "%s: cannot be read as JSON", doc->name);
		return NULL;
	}
	return root;
}

struct cfg_node *cfg_member(const struct cfg_node *object, const char *key)
{
	for (struct cfg_node *child = object ? object->child : NULL; child; child = child->next)
		if (child->key && !strcmp(child->key, key))
			return child;
	return NULL;
}

size_t cfg_length(const struct cfg_node *node)
{
	size_t n = 0;

	for (const struct cfg_node *child = node->child; child; child = child->next)
		n++;
	return n;
}
