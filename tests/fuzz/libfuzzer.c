// SPDX-License-Identifier: GPL-2.0-or-later
/* A target for libFuzzer, https://llvm.org/docs/LibFuzzer.html; its names are not ours. */
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	fuzz_open();
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input input = {data, data + size};

	fuzz_target.run(&input);
	return 0;
}
