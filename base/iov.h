/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The library context: one handle for the host's root directory, the log
 * callback and the message of the last error.
 *
 * Every function of libiov returns 0 or a negative errno value; objects come
 * out through the first parameter.  A function that fails leaves a one-line
 * message in the context, see iov_error_message().
 *
 * Threads: a context and what was opened from it belong to one thread at a
 * time.  Two contexts never share state.
 */
#ifndef IOV_BASE_IOV_H
#define IOV_BASE_IOV_H

#ifdef __cplusplus
extern "C" {
#endif

struct iov;

/**
 * iov_log_fn - receives each log line
 * @arg: the log_arg of struct iov_options
 * @level: syslog level, LOG_ERR to LOG_DEBUG
 * @message: one line without its newline, valid during the call
 */
typedef void iov_log_fn(void *arg, int level, const char *message);

/**
 * struct iov_options - how a context is opened
 * @root: directory that stands for the host's "/"; NULL means "/"
 * @log: log callback, NULL for silence
 * @log_arg: passed to @log
 */
struct iov_options {
	const char *root;
	iov_log_fn *log;
	void *log_arg;
};

/**
 * iov_open - open a context
 * @out: receives the context; the caller closes it with iov_close()
 * @options: NULL for the running host without logging
 *
 * Return: 0, -ENOMEM, or what opening the root directory gave.
 */
int iov_open(struct iov **out, const struct iov_options *options);

/**
 * iov_close - close a context
 * @iov: NULL is allowed
 */
void iov_close(struct iov *iov);

/**
 * enum iov_failure - what kind of failure an error is
 * @IOV_FAILURE_OTHER: it could not be done; the kernel, a driver or iovd refused
 * @IOV_FAILURE_INPUT: what was asked for is wrong
 * @IOV_FAILURE_GUARD: a guard refused, the host is unchanged
 * @IOV_FAILURE_ABSENT: what was named is not there: a device, group, port or bridge
 * @IOV_FAILURE_DAEMON: iovd does not answer
 *
 * An errno value does not tell: EINVAL is what we say of a wrong argument, and what a
 * driver says of a right one.
 */
enum iov_failure {
	IOV_FAILURE_OTHER,
	IOV_FAILURE_INPUT,
	IOV_FAILURE_GUARD,
	IOV_FAILURE_ABSENT,
	IOV_FAILURE_DAEMON,
};

/* Longest message of an error, with its NUL. */
#define IOV_MESSAGE_SIZE 4096

/**
 * iov_fail - record an error that we found
 * @iov: context
 * @error: negative errno value, handed back; says what kind of failure it is: -EINVAL
 *	is wrong input, -ENODEV and -ENOENT are absence, -ECANCELED is a guard,
 *	-ECONNREFUSED is iovd
 * @format: printf format of one line: the input by name, what was expected,
 *	what to do next; its arguments may be parts of the message that it replaces
 *
 * Replaces the message of an earlier error.
 *
 * Return: @error.
 */
int iov_fail(struct iov *iov, int error, const char *format, ...)
	__attribute__((format(printf, 3, 4), cold));

/**
 * iov_told - record an error that somebody else told: the kernel, a driver, a library
 * @iov: context
 * @error: what was told, as a negative errno value, handed back
 * @format: as of iov_fail()
 *
 * Whatever @error is, the failure is IOV_FAILURE_OTHER.
 *
 * Return: @error.
 */
int iov_told(struct iov *iov, int error, const char *format, ...)
	__attribute__((format(printf, 3, 4), cold));

/**
 * iov_fail_as - record an error of a known kind
 * @iov: context
 * @failure: its kind; iov_failure() for an earlier one that is put in other words
 * @error: negative errno value, handed back
 * @format: as of iov_fail()
 *
 * Return: @error.
 */
int iov_fail_as(struct iov *iov, enum iov_failure failure, int error, const char *format, ...)
	__attribute__((format(printf, 4, 5), cold));

/**
 * iov_failure - the kind of the last failure
 * @iov: context
 * @error: what the function that failed returned
 *
 * Return: its kind, IOV_FAILURE_OTHER for an @error that nobody recorded.
 */
enum iov_failure iov_failure(const struct iov *iov, int error);

/**
 * iov_error_message - the message of the last iov_fail()
 * @iov: context
 *
 * Return: one line, valid until the next failure; "" before the first.
 */
const char *iov_error_message(const struct iov *iov);

/**
 * iov_forget_error - there was no failure yet
 * @iov: context
 *
 * For who has to know whether what he calls next says why it fails: where there is no memory
 * some do not.
 */
void iov_forget_error(struct iov *iov);

/**
 * struct iov_field - what a log line is about, for who looks for it in a journal
 * @name: as the fields of journald: capital letters, digits and underscores, "IOV_PORT"
 * @value: text
 *
 * Lists of them end with a NULL @name; one whose @value is NULL is left out.
 */
struct iov_field {
	const char *name;
	const char *value;
};

/**
 * iov_log_fields - what the line is about that the log callback is being called with
 *
 * Return: a list that is valid during the call; NULL for none.
 */
const struct iov_field *iov_log_fields(void);

/**
 * iov_log_with - iov_log() of a line that has fields
 * @iov: context
 * @level: syslog level
 * @fields: list, or NULL
 * @format: printf format of one line without a newline
 */
void iov_log_with(struct iov *iov, int level, const struct iov_field *fields, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/**
 * iov_log - write a line to the log callback
 * @iov: context
 * @level: syslog level
 * @format: printf format of one line without a newline
 */
void iov_log(struct iov *iov, int level, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

#ifdef __cplusplus
}
#endif

#endif
