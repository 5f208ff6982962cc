// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What identifies a site, replaced in a record.
 *
 * MAC addresses, UUIDs and WWNs are told by their form, wherever they are: in contents, in targets of
 * links, in paths, in names of interfaces (enx525400123456).  Serial numbers have none, so files that
 * hold one are read before anything is replaced.  Each gets the next number of its kind, in the
 * same form: nothing leads back, and what was equal is.
 *
 * IP addresses keep what routes need of them: two with so many first bits in common have as many in
 * common afterwards, as each bit is turned or not by a choice that was made by chance for the bits
 * before it.  The first octet stays, and with it which are private, local or of everybody.
 */
#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <linux/pci_regs.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/pci/pci_config.h"
#include "base/sysroot/paths.h"
#include "cli/record.h"

#define WORD_SIZE 96
#define SERIAL_SIZE 8

/**
 * struct record_names - what was replaced by what
 * @host: name of the host, "" for none
 * @given: object of "KIND TEXT" to the number that it got
 * @serials: set of serial numbers
 * @lengths: those that any of them has
 * @bits: object of the first bits of addresses to whether the next is turned
 * @path: of the last entry
 * @data: of the last entry
 */
struct record_names {
	char host[WORD_SIZE];
	struct json_object *given;
	struct json_object *serials;
	bool lengths[WORD_SIZE];
	struct json_object *bits;
	char *path;
	char *data;
	size_t size;
};

struct record_names *record_names_new(const char *host)
{
	struct record_names *names = calloc(1, sizeof(*names));

	if (!names)
		return NULL;
	snprintf(names->host, sizeof(names->host), "%s", host ? host : "");
	names->given = json_object_new_object();
	names->serials = json_object_new_object();
	names->bits = json_object_new_object();
	return names;
}

void record_names_free(struct record_names *names)
{
	if (!names)
		return;
	json_object_put(names->given);
	json_object_put(names->serials);
	json_object_put(names->bits);
	free(names->path);
	free(names->data);
	free(names);
}

/* The number of a text among those of its kind, from 1 on */
static unsigned int number_of(struct record_names *names, const char *kind, const char *text, size_t length)
{
	char key[WORD_SIZE * 2], last[WORD_SIZE];
	struct json_object *number;
	unsigned int next;

	snprintf(key, sizeof(key), "%s %.*s", kind, (int)length, text);
	for (char *at = key; *at; at++)
		*at = (char)tolower((unsigned char)*at);
	if (json_object_object_get_ex(names->given, key, &number))
		return (unsigned int)json_object_get_int(number);
	snprintf(last, sizeof(last), "%s", kind);
	next = (unsigned int)json_object_get_int(json_object_object_get(names->given, last)) + 1;
	json_object_object_add(names->given, last, json_object_new_int((int)next));
	json_object_object_add(names->given, key, json_object_new_int((int)next));
	return next;
}

static bool is_hex(const char *text, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (!isxdigit((unsigned char)text[i]))
			return false;
	}
	return true;
}

static bool is_word(char character)
{
	return isalnum((unsigned char)character) || character == '_';
}

/* Write a number into the digits of a text, from the last on; what is no digit stays. */
static void put_number(char *text, size_t length, unsigned int number)
{
	for (char *at = text + length; at-- > text; number >>= 4) {
		while (at > text && !isxdigit((unsigned char)*at))
			at--;
		if (isxdigit((unsigned char)*at))
			*at = "0123456789abcdef"[number & 15];
	}
}

/* Zeros alone, or nothing but f: no address at all, or everybody's. */
static bool is_nobody(const char *text, size_t length)
{
	size_t zeros = 0, ones = 0, digits = 0;

	for (size_t i = 0; i < length; i++) {
		digits += isxdigit((unsigned char)text[i]) != 0;
		zeros += text[i] == '0';
		ones += text[i] == 'f' || text[i] == 'F';
	}
	return zeros == digits || ones == digits;
}

/* As a MAC address that nobody was given: locally administered */
static void put_mac(struct record_names *names, char *text, size_t length)
{
	char digits[WORD_SIZE] = "";
	size_t count = 0;

	if (is_nobody(text, length))
		return;
	/* One is the same with colons and without, as in the name of an interface. */
	for (size_t i = 0; i < length && count < sizeof(digits) - 1; i++) {
		if (isxdigit((unsigned char)text[i]))
			digits[count++] = text[i];
	}
	put_number(text, length, number_of(names, "mac", digits, count));
	text[1] = '2';
}

/* "52:54:00:12:34:56", or more octets, as those of InfiniBand; its length, 0 for none. */
static size_t mac_at(const char *text)
{
	size_t octets = 0;

	while (is_hex(text + 3 * octets, 2) && !isxdigit((unsigned char)text[3 * octets + 2])) {
		octets++;
		if (text[3 * octets - 1] != ':')
			break;
	}
	return octets == 6 || octets == 8 || octets == 20 ? 3 * octets - 1 : 0;
}

static size_t uuid_at(const char *text)
{
	static const size_t parts[] = { 8, 4, 4, 4, 12 };
	size_t length = 0;

	for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++) {
		if ((i && text[length++] != '-') || !is_hex(text + length, parts[i]))
			return 0;
		length += parts[i];
	}
	return is_word(text[length]) ? 0 : length;
}

/* What stands before digits that are a MAC address or a WWN */
static const struct {
	const char *text;
	const char *kind;
	size_t least;
	size_t most;
} leads[] = {
	{ "enx", "mac", 12, 12 },  { "wlx", "mac", 12, 12 },   { "wwx", "mac", 12, 12 },
	{ "wwn-0x", "wwn", 8, 64 }, { "eui.", "wwn", 8, 64 },   { "naa.", "wwn", 8, 64 },
};

/* The length of what stands before such digits, and theirs; 0 for none. */
static size_t lead_at(const char *text, const char **kind, size_t *digits)
{
	for (size_t i = 0; i < sizeof(leads) / sizeof(*leads); i++) {
		const size_t length = strlen(leads[i].text);

		if (strncmp(text, leads[i].text, length))
			continue;
		for (*digits = 0; isxdigit((unsigned char)text[length + *digits]);)
			++*digits;
		*kind = leads[i].kind;
		return *digits >= leads[i].least && *digits <= leads[i].most ? length : 0;
	}
	return 0;
}

/* The longest of the known words at @text: a serial number, the name of the host; 0 for none. */
static size_t known_at(const struct record_names *names, const char *text, const char **kind)
{
	size_t length = strlen(names->host);
	char word[WORD_SIZE];

	if (length >= 3 && !strncmp(text, names->host, length) && !is_word(text[length])) {
		*kind = "host";
		return length;
	}
	*kind = "serial";
	snprintf(word, sizeof(word), "%s", text);
	for (length = strlen(word); length; word[--length] = '\0') {
		if (names->lengths[length] && !is_word(text[length]) &&
		    json_object_object_get_ex(names->serials, word, NULL))
			return length;
	}
	return 0;
}

/* Write what stands for @length bytes at @text; how many were read, 0 for what stays. */
static size_t replace_at(struct record_names *names, char *text, FILE *out)
{
	const char *kind;
	size_t digits, length = uuid_at(text);

	if (length) {
		put_number(text, length, number_of(names, "uuid", text, length));
	} else if ((length = mac_at(text))) {
		put_mac(names, text, length);
	} else if ((length = lead_at(text, &kind, &digits))) {
		if (!strcmp(kind, "mac"))
			put_mac(names, text + length, digits);
		else
			put_number(text + length, digits, number_of(names, kind, text + length, digits));
		length += digits;
	} else if ((length = known_at(names, text, &kind))) {
		fprintf(out, "%s-%u", kind, number_of(names, kind, text, length));
		return length;
	}
	fwrite(text, 1, length, out);
	return length;
}

/* A text with all that is told by its form or is known; @text is changed; the caller frees it. */
static char *replace_text(struct record_names *names, char *text, size_t length, size_t *size)
{
	char *result = NULL;
	FILE *out = open_memstream(&result, size);
	bool is_inside = false;

	if (!out)
		return NULL;
	for (size_t i = 0; i < length;) {
		size_t used = is_inside ? 0 : replace_at(names, text + i, out);

		if (!used)
			fputc(text[i], out);
		used += !used;
		i += used;
		is_inside = is_word(text[i - 1]) || text[i - 1] == ':';
	}
	return fclose(out) ? NULL : result;
}

/* Addresses */

static bool is_turned(struct record_names *names, const char *before)
{
	struct json_object *turned;
	unsigned char chance = 0;

	if (!json_object_object_get_ex(names->bits, before, &turned)) {
		if (getrandom(&chance, 1, 0) != 1)
			abort();
		turned = json_object_new_boolean(chance & 1);
		json_object_object_add(names->bits, before, turned);
	}
	return json_object_get_boolean(turned);
}

static void turn_bits(struct record_names *names, char family, unsigned char *address, unsigned int from,
		      unsigned int bits)
{
	char before[2 + 128] = { family };
	unsigned int i;

	for (i = 0; i < bits; i++) {
		const unsigned char mask = 0x80 >> i % 8;
		const bool bit = address[i / 8] & mask;

		if (i >= from && is_turned(names, before))
			address[i / 8] ^= mask;
		before[1 + i] = bit ? '1' : '0';
	}
}

static void clear_bits(unsigned char *address, unsigned int from, unsigned int bits)
{
	for (unsigned int i = from; i < bits; i++)
		address[i / 8] &= (unsigned char)~(0x80 >> i % 8);
}

/* Loopback, multicast and those of no host stay. */
static void turn_ipv4(struct record_names *names, unsigned char *address, unsigned int prefix)
{
	const bool is_link_local = address[0] == 169 && address[1] == 254;

	if (address[0] && address[0] != 127 && address[0] < 224)
		turn_bits(names, '4', address, is_link_local ? 16 : 8, 32);
	clear_bits(address, prefix, 32);
}

static void turn_ipv6(struct record_names *names, unsigned char *address, unsigned int prefix)
{
	if (address[0] && address[0] != 0xff)
		turn_bits(names, '6', address, address[0] == 0xfe ? 64 : 8, 128);
	clear_bits(address, prefix, 128);
}

/* The octets of so many hexadecimal digits, in the order of the text or, of a number, of memory */
static bool read_hex(const char *text, unsigned char *octets, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (!is_hex(text + 2 * i, 2) || sscanf(text + 2 * i, "%2hhx", &octets[i]) != 1)
			return false;
	}
	return true;
}

static void write_hex(char *text, const unsigned char *octets, size_t count)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < count; i++) {
		text[2 * i] = digits[octets[i] >> 4];
		text[2 * i + 1] = digits[octets[i] & 15];
	}
}

/* A field of /proc/net/route, of eight digits: the address as a number */
static void turn_field4(struct record_names *names, char *field, unsigned int prefix)
{
	unsigned char address[4];
	char text[9] = "";
	uint32_t number;

	if (!is_hex(field, 8))
		return;
	memcpy(text, field, 8);
	number = (uint32_t)strtoul(text, NULL, 16);
	memcpy(address, &number, sizeof(address));
	turn_ipv4(names, address, prefix);
	memcpy(&number, address, sizeof(number));
	snprintf(text, sizeof(text), "%08X", number);
	memcpy(field, text, 8);
}

static void turn_field6(struct record_names *names, char *field, unsigned int prefix)
{
	unsigned char address[16];

	if (!read_hex(field, address, sizeof(address)))
		return;
	turn_ipv6(names, address, prefix);
	write_hex(field, address, sizeof(address));
}

/* Where the fields of a line begin; how many there are. */
static size_t split(char *line, char *fields[], size_t most)
{
	size_t count = 0;

	while (count < most) {
		line += strspn(line, " \t");
		if (!*line)
			break;
		fields[count++] = line;
		line += strcspn(line, " \t");
	}
	return count;
}

/* "eth0 0002000A 0100000A 0003 0 0 0 00FFFFFF 0 0 0" */
static void turn_route4(struct record_names *names, char *line)
{
	char *fields[8];
	uint32_t mask;

	if (split(line, fields, 8) < 8 || !is_hex(fields[1], 8))
		return;
	mask = (uint32_t)strtoul(fields[7], NULL, 16);
	turn_field4(names, fields[1], (unsigned int)__builtin_popcount(mask));
	turn_field4(names, fields[2], 32);
}

/* "20010db8... 40 0000... 00 fe80... 00000400 ...": destination, source and gateway */
static void turn_route6(struct record_names *names, char *line)
{
	char *fields[5];

	if (split(line, fields, 5) < 5)
		return;
	turn_field6(names, fields[0], (unsigned int)strtoul(fields[1], NULL, 16));
	turn_field6(names, fields[2], (unsigned int)strtoul(fields[3], NULL, 16));
	turn_field6(names, fields[4], 128);
}

static void turn_address6(struct record_names *names, char *line)
{
	turn_field6(names, line, 128);
}

static void turn_lines(struct record_names *names, char *text,
		       void (*turn)(struct record_names *names, char *line))
{
	for (char *line = text, *end; *line; line = end + 1) {
		end = line + strcspn(line, "\n");
		if (!*end) {
			turn(names, line);
			return;
		}
		*end = '\0';
		turn(names, line);
		*end = '\n';
	}
}

/* "   |-- 10.0.2.15", "  +-- 10.0.2.0/24 2 0 2": addresses of a text, with their prefix */
static char *turn_dotted(struct record_names *names, const char *text, size_t *size)
{
	char *result = NULL, quad[INET_ADDRSTRLEN];
	FILE *out = open_memstream(&result, size);
	unsigned char address[4];

	if (!out)
		return NULL;
	while (*text) {
		const size_t length = strspn(text, "0123456789.");

		snprintf(quad, sizeof(quad), "%.*s", (int)length, text);
		if (length < sizeof(quad) && inet_pton(AF_INET, quad, address) == 1) {
			turn_ipv4(names, address, text[length] == '/' ?
				  (unsigned int)strtoul(text + length + 1, NULL, 10) : 32);
			fputs(inet_ntop(AF_INET, address, quad, sizeof(quad)), out);
			text += length;
		} else {
			fwrite(text, 1, length + !length, out);
			text += length + !length;
		}
	}
	return fclose(out) ? NULL : result;
}

/* Files by what they hold */

static bool ends_with(const char *path, const char *end)
{
	const size_t length = strlen(path), wanted = strlen(end);

	return length >= wanted && !strcmp(path + length - wanted, end);
}

/* Device Serial Number, PCIe Base 6.0 section 7.9.3 */
static void replace_dsn(struct record_names *names, char *data, size_t length)
{
	struct iov_config config = { .length = length < IOV_CONFIG_SIZE ? length : IOV_CONFIG_SIZE };
	unsigned int at, number;
	char text[2 * SERIAL_SIZE + 1] = "";
	unsigned char *serial;

	memcpy(config.bytes, data, config.length);
	if (iov_config_scan(&config))
		return;
	at = iov_config_find(&config, PCI_EXT_CAP_ID_DSN, true);
	if (!at || at + 4 + SERIAL_SIZE > config.length)
		return;
	serial = (unsigned char *)data + at + 4;
	write_hex(text, serial, SERIAL_SIZE);
	if (is_nobody(text, strlen(text)))
		return;
	number = number_of(names, "dsn", text, strlen(text));
	memset(serial, 0, SERIAL_SIZE);
	serial[0] = (unsigned char)number;
	serial[1] = (unsigned char)(number >> 8);
	serial[SERIAL_SIZE - 1] = 0x02;
}

/* The last word of a command line that holds a guest's name is that: "web" or "guest=web,..." */
static char *replace_guest(struct record_names *names, const char *data, size_t length, size_t *size)
{
	const size_t first = strnlen(data, length) + 1, option = first < length ?
			     strnlen(data + first, length - first) + 1 : 0;
	const char *name = data + first + option;
	char *result = NULL;
	FILE *out = open_memstream(&result, size);

	if (!out)
		return NULL;
	fwrite(data, 1, first < length ? first + option : length, out);
	if (first + option < length) {
		name += strncmp(name, "guest=", strlen("guest=")) ? 0 : strlen("guest=");
		fprintf(out, "guest-%u", number_of(names, "guest", name, strcspn(name, ",")));
		fputc('\0', out);
	}
	return fclose(out) ? NULL : result;
}

static bool is_serial(const char *path)
{
	return ends_with(path, "/serial");
}

void record_names_learn(struct record_names *names, const struct record_entry *entry)
{
	char serial[WORD_SIZE];

	if (entry->type != RECORD_FILE || !is_serial(entry->path))
		return;
	snprintf(serial, sizeof(serial), "%.*s", (int)strcspn(entry->data, " \n"), entry->data);
	if (strlen(serial) < 4)
		return;
	json_object_object_add(names->serials, serial, NULL);
	names->lengths[strlen(serial)] = true;
}

/* Files whose form tells where in them identities are; NULL for all others */
static char *replace_formed(struct record_names *names, const struct record_entry *entry, char *copy,
			    size_t *size)
{
	if (!strcmp(entry->path, IOV_PATH_LOCAL4))
		return turn_dotted(names, copy, size);
	if (ends_with(entry->path, "/cmdline") && strcmp(entry->path, IOV_PATH_CMDLINE))
		return replace_guest(names, entry->data, entry->length, size);
	return NULL;
}

static void replace_in_place(struct record_names *names, const struct record_entry *entry, char *copy)
{
	if (ends_with(entry->path, "/config"))
		replace_dsn(names, copy, entry->length);
	else if (!strcmp(entry->path, IOV_PATH_ROUTE4))
		turn_lines(names, copy, turn_route4);
	else if (!strcmp(entry->path, IOV_PATH_ROUTE6))
		turn_lines(names, copy, turn_route6);
	else if (!strcmp(entry->path, IOV_PATH_ADDRESS6))
		turn_lines(names, copy, turn_address6);
	else if (ends_with(entry->path, "/phys_switch_id") && entry->length > 2)
		put_number(copy, strcspn(copy, "\n"),
			   number_of(names, "switch", copy, strcspn(copy, "\n")));
}

/* Binary tables have no texts of ours, and addresses that look like one are none. */
static bool is_text(const struct record_entry *entry)
{
	return strlen(entry->data) == entry->length;
}

static char *new_data(struct record_names *names, const struct record_entry *entry, size_t *size)
{
	_cleanup_free_ char *copy = malloc(entry->length + 1);
	char *formed;

	if (!copy)
		return NULL;
	memcpy(copy, entry->data, entry->length + 1);
	formed = replace_formed(names, entry, copy, size);
	if (formed)
		return formed;
	replace_in_place(names, entry, copy);
	if (is_text(entry))
		return replace_text(names, copy, entry->length, size);
	*size = entry->length;
	formed = copy;
	copy = NULL;
	return formed;
}

int record_names_replace(struct record_names *names, struct record_entry *entry)
{
	_cleanup_free_ char *path = strdup(entry->path);
	size_t size;

	free(names->data);
	free(names->path);
	names->data = new_data(names, entry, &entry->length);
	names->path = path ? replace_text(names, path, strlen(path), &size) : NULL;
	if (!names->data || !names->path)
		return -ENOMEM;
	entry->data = names->data;
	entry->path = names->path;
	return 0;
}
