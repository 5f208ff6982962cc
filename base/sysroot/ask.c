// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A child asks about one thing after the other and notes how far it came.  At the first that is not
 * answered it is left behind, and another asks about all others again: that is rare, and quick.
 */
#include "base/sysroot/ask.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/context.h"
#include "base/sysroot/left.h"
#include "base/sysroot/paths.h"
#include "base/sysroot/sysroot.h"
#include "base/sysroot/writer.h"

#define LOOK_MS 2000
/* For each further one: what holds up one holds up others, a port above it say. */
#define FURTHER_MS 200
/* Each further time would leave a child behind. */
#define SILENCE_MS 60000

/* The question, and behind it a name after the other, each with its NUL. */
static void ask_each(struct iov *iov, const char *question, size_t length, FILE *answer, size_t *done)
{
	struct iov_sys_question asked;

	memcpy(&asked, question, sizeof(asked));
	for (const char *name = question + sizeof(asked); name < question + length;
	     name += strlen(name) + 1) {
		iov_sys_asking(iov, "%s", name);
		asked.ask(iov, name, answer);
		++*done;
	}
}

static int make_questions(struct iov *iov, const char *question, size_t length, FILE *answer)
{
	ask_each(iov, question, length, answer, &iov->as_writer->done);
	return 0;
}

/* Of a call that is being made here already, whose progress is not that of the questions. */
static int make_questions_within(struct iov *iov, const char *question, size_t length, FILE *answer)
{
	size_t done = 0;

	ask_each(iov, question, length, answer, &done);
	return 0;
}

static int ask_child(struct iov *iov, const struct iov_sys_question *question,
		     const char *const *names, size_t count, char **answers, size_t *answered)
{
	_cleanup_free_ char *text = NULL;
	size_t length;
	FILE *file = open_memstream(&text, &length);

	if (!file)
		return -ENOMEM;
	fwrite(question, sizeof(*question), 1, file);
	for (size_t i = 0; i < count; i++)
		fwrite(names[i], strlen(names[i]) + 1, 1, file);
	if (fclose(file))
		return -ENOMEM;
	/* Who asks the child has a deadline already. */
	return writer_is_here(iov) ?
		       writer_make(iov, make_questions_within, text, length, answers, answered) :
		       writer_call(iov, make_questions, text, length, answers, answered);
}

static struct unanswered *find(const struct iov *iov, const struct iov_sys_question *question,
			       const char *name)
{
	for (size_t i = 0; i < iov->unanswered_count; i++) {
		struct unanswered *known = &iov->unanswered[i];

		if (known->why == question->why && (!name || !strcmp(known->name, name)) &&
		    (int64_t)monotonic_ms() < known->until)
			return known;
	}
	return NULL;
}

static int remember(struct iov *iov, const struct iov_sys_question *question, const char *name)
{
	struct unanswered *larger, *entry;
	char stack[256];

	larger = array_grow(iov->unanswered, iov->unanswered_count, sizeof(*larger));
	if (!larger)
		return -ENOMEM;
	iov->unanswered = larger;
	entry = &larger[iov->unanswered_count];
	entry->why = question->why;
	entry->until = (int64_t)monotonic_ms() + SILENCE_MS;
	entry->name = strdup(name);
	writer_stack(iov, stack, sizeof(stack));
	if (!entry->name ||
	    asprintf(&entry->message, "%s: the kernel does not tell %s%s%s", name, question->why,
		     *stack ? "; " : "", stack) < 0) {
		free(entry->name);
		return -ENOMEM;
	}
	iov->unanswered_count++;
	iov_log(iov, LOG_WARNING, "%s", entry->message);
	return 0;
}

/* Of @names those that may be asked; how many. */
static size_t choose(const struct iov *iov, const struct iov_sys_question *question,
		     const char *const *names, size_t count, const char **chosen)
{
	size_t n = 0;

	for (size_t i = 0; i < count; i++) {
		if (!iov->unanswered_count || !find(iov, question, names[i]))
			chosen[n++] = names[i];
	}
	return n;
}

/* What commands before this one found to be stuck, each time at the cost of a child. */
static int recall(struct iov *iov, const struct iov_sys_question *question, const char *const *names,
		  size_t count)
{
	struct left left;
	int error = 0;

	if (writer_is_here(iov) || !iov_sys_is_host(iov) || !iov_sys_exists(iov, IOV_PATH_LEFT))
		return 0;
	for (size_t i = 0; !error && i < count; i++) {
		if (find(iov, question, names[i]) ||
		    !left_find(iov, question->why, names[i], writer_timeout(iov), &left))
			continue;
		iov->stuck = left.pid;
		error = remember(iov, question, names[i]);
	}
	return error;
}

static int ask_all(struct iov *iov, const struct iov_sys_question *question,
		   const char *const *names, size_t count, char **answers, size_t *length)
{
	_cleanup_free_ const char **chosen = calloc(count + 1, sizeof(*chosen));
	const unsigned int full = iov->write_timeout;
	const int64_t waited = writer_timeout(iov);
	size_t n;
	int error;

	if (!chosen)
		return -ENOMEM;
	error = recall(iov, question, names, count);
	if (error)
		return error;
	n = choose(iov, question, names, count, chosen);
	while ((error = ask_child(iov, question, chosen, n, answers, length)) == -ETIMEDOUT) {
		/* Answered while the child was being given up: nobody is to blame, all are asked again. */
		const bool late = iov->done != iov->due || iov->done >= n;

		error = late ? 0 : remember(iov, question, chosen[iov->done]);
		if (error)
			return error;
		if (!late && iov->stuck && iov_sys_is_host(iov))
			left_note(iov, question->why, chosen[iov->done], waited,
				  iov->unanswered[iov->unanswered_count - 1].message);
		iov->write_timeout = late || iov->change_lock ? full : FURTHER_MS;
		n = choose(iov, question, names, count, chosen);
	}
	return error;
}

int iov_sys_ask(struct iov *iov, const struct iov_sys_question *question,
		const char *const *names, size_t count, char **answers, size_t *length)
{
	const unsigned int timeout = iov->write_timeout;
	const struct said said = iov->said;
	char *text = NULL;
	size_t answered;
	int error;

	if (!timeout && !iov->change_lock)
		iov->write_timeout = LOOK_MS;
	error = ask_all(iov, question, names, count, &text, &answered);
	iov->write_timeout = timeout;
	iov->said = said;
	if (error || !answers) {
		free(text);
		return error;
	}
	*answers = text;
	*length = answered;
	return 0;
}

int iov_sys_answered(struct iov *iov, const struct iov_sys_question *question, const char *name)
{
	const struct unanswered *known = find(iov, question, name);

	return known ? iov_told(iov, -ETIMEDOUT, "%s", known->message) : 0;
}
