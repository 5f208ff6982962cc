/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The files of the page, which the build makes arrays of. */
#ifndef IOV_CLI_WEB_ASSETS_H
#define IOV_CLI_WEB_ASSETS_H

extern const char web_page_html[];
extern const char web_page_css[];
extern const char web_page_js[];

#endif
