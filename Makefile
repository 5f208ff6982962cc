# SPDX-License-Identifier: GPL-2.0-or-later
# A thin layer over meson: what is missing is installed, then meson does the work.

BUILD ?= build
MESON_FLAGS ?=
DESTDIR ?=
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

bench: all
	@scripts/setup --bench
	tests/bench/run

# How often iovd is replaced under the traffic of each front end
SOAK ?= 200
soak: all
	tests/soak/restart $(BUILD)/cli/iov $(BUILD)/vhost-user/iovd $(SOAK)
	tests/lab/lab exec --timeout 1800 --topology minimal --memory 3G -- tests/lab/migrate.sh

install: all
	DESTDIR=$(DESTDIR) meson install --no-rebuild -C $(BUILD)
	[ -n "$(DESTDIR)" ] || [ "$$(id -u)" != 0 ] || ldconfig

clean:
	rm -rf $(BUILD)

.PHONY: all setup demo test bench soak install clean
