/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A reader for the flat JSON objects of traces: strings, numbers, booleans and
 * lists of strings. Written from the format's description, not from the
 * writer, so that each checks the other.
 */
#include "tests/checkers/trace_reader.h"

#include <stdlib.h>
#include <string.h>

#define TEXT_MAX 512

struct reader {
    struct log *log;
    const char *at;
    const char *end;
    struct trace_error *error;
};

/* The fields of one line, as far as they have been seen. */
struct fields {
    char member[TEXT_MAX], group[TEXT_MAX], type[TEXT_MAX], view[TEXT_MAX], id[TEXT_MAX];
    char service[TEXT_MAX], hash[TEXT_MAX];
    char seed[TEXT_MAX];
    uint64_t time, agreed_time;
    size_t members, members_count, survivors, survivors_count, votes, votes_count;
    bool tie_breaker, primary, has_time, has_primary, has_members;
};

static bool fail(struct reader *reader, const char *text)
{
    snprintf(reader->error->text, sizeof(reader->error->text), "%s", text);
    return false;
}

static void skip_space(struct reader *reader)
{
    while (reader->at < reader->end && (*reader->at == ' ' || *reader->at == '\t' ||
                                        *reader->at == '\r' || *reader->at == '\n'))
        reader->at++;
}

static bool take(struct reader *reader, char c)
{
    skip_space(reader);
    if (reader->at == reader->end || *reader->at != c)
        return false;
    reader->at++;
    return true;
}

static bool take_word(struct reader *reader, const char *word)
{
    size_t length = strlen(word);

    skip_space(reader);
    if ((size_t)(reader->end - reader->at) < length || memcmp(reader->at, word, length) != 0)
        return false;
    reader->at += length;
    return true;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

/* What follows a backslash, as one byte; names have nothing beyond ASCII escaped. */
static bool take_escape(struct reader *reader, char *out)
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    const char *found;
    int value = 0;

    if (reader->at == reader->end)
        return false;
    found = memchr(from, *reader->at, sizeof(from) - 1);
    if (found) {
        *out = to[found - from];
        reader->at++;
        return true;
    }
    if (*reader->at++ != 'u' || reader->end - reader->at < 4)
        return false;
    for (int i = 0; i < 4; i++) {
        int digit = hex_digit(*reader->at++);

        if (digit < 0)
            return false;
        value = 16 * value + digit;
    }
    *out = (char)value;
    return value > 0 && value < 0x80;
}

static bool take_string(struct reader *reader, char text[TEXT_MAX])
{
    size_t length = 0;

    if (!take(reader, '"'))
        return fail(reader, "a string is missing");
    while (reader->at < reader->end && *reader->at != '"') {
        char c = *reader->at++;

        if (c == '\\' && !take_escape(reader, &c))
            return fail(reader, "bad escape in a string");
        if (c == '\0')
            return fail(reader, "NUL in a string");
        if (length == TEXT_MAX - 1)
            return fail(reader, "a string is too long");
        text[length++] = c;
    }
    text[length] = '\0';
    return take(reader, '"') || fail(reader, "a string does not end");
}

static bool take_number(struct reader *reader, uint64_t *value)
{
    const char *start;

    skip_space(reader);
    start = reader->at;
    for (*value = 0; reader->at < reader->end && *reader->at >= '0' && *reader->at <= '9';
         reader->at++) {
        unsigned digit = (unsigned)(*reader->at - '0');

        if (*value > (UINT64_MAX - digit) / 10)
            return fail(reader, "a number is too large");
        *value = *value * 10 + digit;
    }
    return reader->at > start || fail(reader, "a number is missing");
}

static bool take_bool(struct reader *reader, bool *value)
{
    *value = take_word(reader, "true");
    return *value || take_word(reader, "false") || fail(reader, "true or false is missing");
}

/* A list of members' names goes to the log's lists. */
static bool take_members(struct reader *reader, size_t *first, size_t *count)
{
    char name[TEXT_MAX];

    *first = reader->log->lists.count;
    *count = 0;
    if (!take(reader, '['))
        return fail(reader, "a list is missing");
    if (take(reader, ']'))
        return true;
    do {
        if (!take_string(reader, name))
            return false;
        list_add(&reader->log->lists, names_number(&reader->log->members, name));
        ++*count;
    } while (take(reader, ','));
    return take(reader, ']') || fail(reader, "a list does not end");
}

static bool take_votes(struct reader *reader, struct fields *fields)
{
    uint64_t votes;

    fields->votes = reader->log->lists.count;
    fields->votes_count = 0;
    if (!take(reader, '['))
        return fail(reader, "a list is missing");
    do {
        if (!take_number(reader, &votes))
            return false;
        list_add(&reader->log->lists, (uint32_t)votes);
        fields->votes_count++;
    } while (take(reader, ','));
    return take(reader, ']') || fail(reader, "a list does not end");
}

/* A value that nobody here knows: a scalar or a flat list. */
static bool skip_value(struct reader *reader)
{
    char text[TEXT_MAX];

    if (take(reader, '[')) {
        if (take(reader, ']'))
            return true;
        do {
            if (!skip_value(reader))
                return false;
        } while (take(reader, ','));
        return take(reader, ']') || fail(reader, "a list does not end");
    }
    if (take(reader, '"')) {
        reader->at--;
        return take_string(reader, text);
    }
    skip_space(reader);
    for (size_t i = 0; reader->at < reader->end; i++, reader->at++) {
        if (strchr(",]} \t", *reader->at))
            return i > 0 || fail(reader, "a value is missing");
    }
    return fail(reader, "a value is missing");
}

static bool take_field(struct reader *reader, const char *key, struct fields *fields)
{
    if (strcmp(key, "t") == 0)
        return fields->has_time = take_number(reader, &fields->time);
    if (strcmp(key, "m") == 0)
        return take_string(reader, fields->member);
    if (strcmp(key, "g") == 0)
        return take_string(reader, fields->group);
    if (strcmp(key, "e") == 0)
        return take_string(reader, fields->type);
    if (strcmp(key, "v") == 0)
        return take_string(reader, fields->view);
    if (strcmp(key, "id") == 0)
        return take_string(reader, fields->id);
    if (strcmp(key, "s") == 0)
        return take_string(reader, fields->service);
    if (strcmp(key, "h") == 0)
        return take_string(reader, fields->hash);
    if (strcmp(key, "time") == 0)
        return take_number(reader, &fields->agreed_time);
    if (strcmp(key, "seed") == 0)
        return take_string(reader, fields->seed);
    if (strcmp(key, "primary") == 0)
        return fields->has_primary = take_bool(reader, &fields->primary);
    if (strcmp(key, "members") == 0)
        return fields->has_members = take_members(reader, &fields->members, &fields->members_count);
    if (strcmp(key, "votes") == 0)
        return take_votes(reader, fields);
    if (strcmp(key, "tie_breaker") == 0)
        return take_bool(reader, &fields->tie_breaker);
    if (strcmp(key, "survivors") == 0)
        return take_members(reader, &fields->survivors, &fields->survivors_count);
    return skip_value(reader);
}

static bool take_object(struct reader *reader, struct fields *fields)
{
    char key[TEXT_MAX];

    memset(fields, 0, sizeof(*fields));
    if (!take(reader, '{'))
        return fail(reader, "not an object");
    do {
        if (!take_string(reader, key))
            return false;
        if (!take(reader, ':'))
            return fail(reader, "':' is missing");
        if (!take_field(reader, key, fields))
            return false;
    } while (take(reader, ','));
    if (!take(reader, '}'))
        return fail(reader, "the object does not end");
    skip_space(reader);
    return reader->at == reader->end || fail(reader, "something follows the object");
}

/* ---- From fields to a record ---------------------------------------------- */

/* Digits up to the end of the text. */
static bool parse_number(const char *text, unsigned base, uint64_t *value)
{
    const char *c = text;

    for (*value = 0; *c; c++) {
        int digit = hex_digit(*c);

        if (digit < 0 || (unsigned)digit >= base || *value > (UINT64_MAX - (unsigned)digit) / base)
            return false;
        *value = *value * base + (unsigned)digit;
    }
    return c > text;
}

static bool parse_view(struct reader *reader, char *text, struct record *record)
{
    char *dot = strchr(text, '.');
    uint64_t epoch;

    if (!dot)
        return fail(reader, "a view is no <epoch>.<proposer>");
    *dot = '\0';
    if (!parse_number(text, 10, &epoch) || epoch == 0 || epoch > UINT32_MAX ||
        !parse_number(dot + 1, 16, &record->proposer))
        return fail(reader, "a view is no <epoch>.<proposer>");
    record->epoch = (uint32_t)epoch;
    return true;
}

static bool parse_service(struct reader *reader, const char *text, struct record *record)
{
    static const char *const names[] = {"fifo", "causal", "agreed", "safe", "unordered"};

    for (unsigned i = 0; i < sizeof(names) / sizeof(*names); i++) {
        if (strcmp(text, names[i]) == 0) {
            record->service = (enum record_service)i;
            return true;
        }
    }
    return fail(reader, "unknown service");
}

static bool parse_id(struct reader *reader, struct fields *fields, struct record *record)
{
    char *colon = strrchr(fields->id, ':');

    if (!colon)
        return fail(reader, "a message's id is no <sender>:<n>");
    *colon = '\0';
    if (!parse_number(colon + 1, 10, &record->number) || record->number == 0)
        return fail(reader, "a message's id is no <sender>:<n>");
    record->sender = names_number(&reader->log->members, fields->id);
    return record->epoch != 0 || fail(reader, "a message without a view");
}

static bool parse_message(struct reader *reader, struct fields *fields, struct record *record)
{
    if (!parse_id(reader, fields, record))
        return false;
    if (!parse_number(fields->hash, 16, &record->hash) || strlen(fields->hash) != 16)
        return fail(reader, "a hash is not 16 hexadecimal digits");
    if (*fields->seed && !parse_number(fields->seed, 16, &record->seed))
        return fail(reader, "a seed is not hexadecimal digits");
    return parse_service(reader, fields->service, record);
}

static int parse_type(const char *text)
{
    static const char *const names[] = {"send",    "deliver", "view",  "blocked",
                                        "leaving", "leave",   "crash", "stable"};

    for (int i = 0; i < (int)(sizeof(names) / sizeof(*names)); i++) {
        if (strcmp(text, names[i]) == 0)
            return i;
    }
    return -1;
}

static bool add_record(struct reader *reader, struct fields *fields)
{
    struct record record;
    int type = parse_type(fields->type);

    memset(&record, 0, sizeof(record));
    if (!fields->has_time || !*fields->member || !*fields->group || !*fields->type)
        return fail(reader, "t, m, g or e is missing");
    if (type < 0)
        return true; /* a kind of event that came after this reader */
    record.type = (enum record_type)type;
    record.time = fields->time;
    record.agreed_time = fields->agreed_time;
    if (*fields->view && !parse_view(reader, fields->view, &record))
        return false;
    if ((record.type == RECORD_SEND || record.type == RECORD_DELIVER) &&
        !parse_message(reader, fields, &record))
        return false;
    if (record.type == RECORD_STABLE && !parse_id(reader, fields, &record))
        return false;
    if (record.type == RECORD_VIEW) {
        if (!fields->has_members || !fields->has_primary || record.epoch == 0)
            return fail(reader, "a view without v, members or primary");
        if (fields->votes_count != 0 && fields->votes_count != fields->members_count)
            return fail(reader, "a view has not as many votes as members");
        record.votes = fields->votes;
        record.votes_count = fields->votes_count;
        record.tie_breaker = fields->tie_breaker;
        record.primary = fields->primary;
        record.members = fields->members;
        record.members_count = fields->members_count;
        record.survivors = fields->survivors;
        record.survivors_count = fields->survivors_count;
    }
    record.member = names_number(&reader->log->members, fields->member);
    record.group = names_number(&reader->log->groups, fields->group);
    log_add(reader->log, &record);
    return true;
}

bool trace_read_line(struct log *log, const char *line, size_t size, struct trace_error *error)
{
    struct reader reader = {log, line, line + size, error};
    struct fields fields;

    return take_object(&reader, &fields) && add_record(&reader, &fields);
}

bool trace_read_file(struct log *log, const char *path, struct trace_error *error)
{
    FILE *file = fopen(path, "r");
    char *line = NULL;
    size_t room = 0;
    bool ok = file != NULL;

    error->line = 0;
    snprintf(error->text, sizeof(error->text), "cannot open the file");
    while (ok) {
        size_t length = 0;
        int c = 0;

        while ((c = getc(file)) != EOF && c != '\n') {
            line = memory_grow(line, length, &room, 1);
            line[length++] = (char)c;
        }
        if (c == EOF)
            break;
        error->line++;
        ok = length == 0 || trace_read_line(log, line, length, error);
    }
    if (ok && ferror(file)) {
        ok = false;
        error->line = 0;
        snprintf(error->text, sizeof(error->text), "cannot read the file");
    }
    if (file)
        fclose(file);
    free(line);
    return ok;
}
