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
 * iov_fail - record an error
 * @iov: context
 * @error: negative errno value, handed back
 * @format: printf format of one line: the input by name, what was expected,
 *	what to do next
 *
 * Replaces the message of an earlier error.
 *
 * Return: @error.
 */
int iov_fail(struct iov *iov, int error, const char *format, ...)
	__attribute__((format(printf, 3, 4), cold));

/**
 * iov_error_message - the message of the last iov_fail()
 * @iov: context
 *
 * Return: one line, valid until the next failure; "" before the first.
 */
const char *iov_error_message(const struct iov *iov);

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
