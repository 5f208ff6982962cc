# SPDX-License-Identifier: GPL-2.0-or-later
# A thin layer over meson: what is missing is installed, then meson does the work.

BUILD ?= build
MESON_FLAGS ?=
DESTDIR ?=
DEB ?= build-deb
SINCE ?=
export IOVKIT_BUILD := $(abspath $(BUILD))

all: setup $(BUILD)/build.ninja
	ninja -C $(BUILD)

$(BUILD)/build.ninja: | setup
	meson setup $(BUILD) $(MESON_FLAGS)

setup:
	@scripts/setup

demo: all
	tests/demo/run

test: all
	scripts/test $(BUILD)

# What one runs while working: all tests that boot no machine
check: all
	scripts/test $(BUILD) --suite unit --suite wire --no-suite guest

bench: all
	@scripts/setup --bench
	tests/bench/run

# All that merely repeats, IOVKIT_SOAK times as often as the tests do it
soak: all
	tests/soak/run $(BUILD)

# All documents as pages with a search, in $(BUILD)/docs/site/html
docs: all
	ninja -C $(BUILD) docs

# Debian packages, in $(DEB)
deb:
	@scripts/setup --deb
	scripts/deb $(DEB)

# What the libraries are to programs, beside those of SINCE: the last tag, if there is one yet
abi: all
	scripts/abi $(BUILD) $(SINCE) || [ $$? -eq 77 ]

install: all
	DESTDIR=$(DESTDIR) meson install --no-rebuild -C $(BUILD)
	[ -n "$(DESTDIR)" ] || [ "$$(id -u)" != 0 ] || ldconfig

clean:
	rm -rf $(BUILD)

.PHONY: all setup demo test check bench soak docs deb abi install clean
