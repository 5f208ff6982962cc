/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cmocka with the headers that it wants in front of it. */
#ifndef IOV_TESTS_TEST_H
#define IOV_TESTS_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#endif
