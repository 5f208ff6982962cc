/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The files of cli/map/, which the build makes arrays of. */
#ifndef IOV_CLI_MAP_ASSETS_H
#define IOV_CLI_MAP_ASSETS_H

/* A page with a mark where the model goes; what a drawing looks like, and does. */
extern const char map_page[];
extern const char map_drawing_css[];
extern const char map_drawing_js[];

#endif
