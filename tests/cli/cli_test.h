/* What the tests of cli/ include. */
#ifndef ORL_TESTS_CLI_TEST_H
#define ORL_TESTS_CLI_TEST_H
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#endif
