#include "cli/yaml.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <yaml.h>

#define PLACE_MAX 256
enum { MAX_NODES = 400000, MAX_DEPTH = 8 };

struct reader {
    yaml_document_t doc;
    json_t *lines;
    struct orl_err *err;
    unsigned nodes;
};

static json_t *fail(struct reader *reader, const yaml_node_t *node, const char *why)
{
    (void)orl_err_set(reader->err, ORL_E_INVAL, "%u: %s", (unsigned)node->start_mark.line + 1, why);
    return NULL;
}

/* A plain word that means no text. *ret_value NULL: it is a text. */
static bool read_plain(const char *text, json_t **ret_value)
{
    char *end = NULL;
    *ret_value = NULL;
    if (strcmp(text, "true") == 0 || strcmp(text, "false") == 0) {
        *ret_value = json_boolean(text[0] == 't');
    } else if (text[0] == '\0' || strcmp(text, "null") == 0 || strcmp(text, "~") == 0) {
        *ret_value = json_null();
    } else if (strlen(text) <= 18 && text[strspn(text, "-0123456789")] == '\0') {
        errno = 0;
        long long number = strtoll(text, &end, 10);
        *ret_value = *end == '\0' && errno == 0 ? json_integer(number) : NULL;
    }
    return *ret_value != NULL;
}

static json_t *read_scalar(struct reader *reader, const yaml_node_t *node)
{
    const char *text = (const char *)node->data.scalar.value;
    json_t *value = NULL;
    if (strlen(text) != node->data.scalar.length) {
        return fail(reader, node, "a text holds NUL");
    }
    if (node->data.scalar.style == YAML_PLAIN_SCALAR_STYLE && read_plain(text, &value)) {
        return value;
    }
    value = json_string(text);
    return value != NULL ? value : fail(reader, node, "not UTF-8");
}

/* libyaml gives a node without a tag the one of its kind. */
static bool has_tag(const yaml_node_t *node)
{
    const char *usual = node->type == YAML_SCALAR_NODE     ? YAML_DEFAULT_SCALAR_TAG
                        : node->type == YAML_SEQUENCE_NODE ? YAML_DEFAULT_SEQUENCE_TAG
                                                           : YAML_DEFAULT_MAPPING_TAG;
    return node->tag != NULL && strcmp((const char *)node->tag, usual) != 0;
}

static json_t *read_node(struct reader *reader, int id, const char *place, unsigned depth);

static json_t *read_list(
        struct reader *reader, const yaml_node_t *node, const char *place, unsigned depth)
{
    json_t *list = json_array();
    const yaml_node_item_t *item = node->data.sequence.items.start;
    for (unsigned i = 0; item < node->data.sequence.items.top; item++, i++) {
        char at[PLACE_MAX];
        (void)snprintf(at, sizeof(at), "%.200s/%u", place, i);
        json_t *value = read_node(reader, *item, at, depth + 1);
        if (value == NULL || json_array_append_new(list, value) < 0) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

static json_t *read_pair(struct reader *reader, const yaml_node_pair_t *pair, json_t *object,
        const char *place, unsigned depth)
{
    char at[PLACE_MAX];
    const yaml_node_t *key = yaml_document_get_node(&reader->doc, pair->key);
    const char *name = key->type == YAML_SCALAR_NODE ? (const char *)key->data.scalar.value : NULL;
    if (name == NULL) {
        return fail(reader, key, "a name is needed before the colon");
    }
    if (json_object_get(object, name) != NULL) {
        return fail(reader, key, "this name is there twice");
    }
    (void)snprintf(at, sizeof(at), "%.180s/%.64s", place, name);
    json_t *value = read_node(reader, pair->value, at, depth + 1);
    if (value != NULL && json_object_set_new(object, name, value) < 0) {
        return fail(reader, key, "not UTF-8");
    }
    if (value != NULL) { /* where its name stands, also when the value comes later */
        (void)json_object_set_new(
                reader->lines, at, json_integer((json_int_t)key->start_mark.line + 1));
    }
    return value;
}

static json_t *read_map(
        struct reader *reader, const yaml_node_t *node, const char *place, unsigned depth)
{
    json_t *object = json_object();
    const yaml_node_pair_t *pair = node->data.mapping.pairs.start;
    for (; pair < node->data.mapping.pairs.top; pair++) {
        if (read_pair(reader, pair, object, place, depth) == NULL) {
            json_decref(object);
            return NULL;
        }
    }
    return object;
}

/* An alias stands for all of its anchor's nodes: the count bounds what a few lines can become. */
static json_t *read_node(struct reader *reader, int id, const char *place, unsigned depth)
{
    const yaml_node_t *node = yaml_document_get_node(&reader->doc, id);
    if (++reader->nodes > MAX_NODES || depth > MAX_DEPTH) {
        return fail(reader, node, "too much, or too deep");
    }
    if (has_tag(node)) {
        return fail(reader, node, "tags are not known here");
    }
    (void)json_object_set_new(
            reader->lines, place, json_integer((json_int_t)node->start_mark.line + 1));
    switch (node->type) {
    case YAML_SCALAR_NODE:
        return read_scalar(reader, node);
    case YAML_SEQUENCE_NODE:
        return read_list(reader, node, place, depth);
    case YAML_MAPPING_NODE:
        return read_map(reader, node, place, depth);
    case YAML_NO_NODE:
        break;
    }
    return fail(reader, node, "not understood");
}

static int load(yaml_parser_t *parser, yaml_document_t *ret_doc, struct orl_err *err)
{
    if (!yaml_parser_load(parser, ret_doc)) {
        return orl_err_set(err, ORL_E_INVAL, "%u: %s", (unsigned)parser->problem_mark.line + 1,
                parser->problem != NULL ? parser->problem : "no YAML");
    }
    return 0;
}

/* What follows would be left out without a word. */
static int expect_end(yaml_parser_t *parser, struct orl_err *err)
{
    yaml_document_t more;
    int rc = load(parser, &more, err);
    if (rc < 0) {
        return rc;
    }
    const yaml_node_t *root = yaml_document_get_root_node(&more);
    if (root != NULL) {
        rc = orl_err_set(err, ORL_E_INVAL, "%u: a second document; a file has one",
                (unsigned)root->start_mark.line + 1);
    }
    yaml_document_delete(&more);
    return rc;
}

int orl_cli_yaml_read(
        const char *text, size_t len, json_t **ret_root, json_t **ret_lines, struct orl_err *err)
{
    struct reader reader = {.lines = json_object(), .err = err};
    yaml_parser_t parser;
    json_t *root = NULL;
    bool is_empty = false;
    if (len > ORL_CLI_YAML_MAX_BYTES || !yaml_parser_initialize(&parser)) {
        json_decref(reader.lines);
        return orl_err_set(err, ORL_E_LIMIT, "1: the file is too large");
    }
    yaml_parser_set_input_string(&parser, (const unsigned char *)(text != NULL ? text : ""), len);
    int rc = load(&parser, &reader.doc, err);
    if (rc == 0) {
        is_empty = yaml_document_get_root_node(&reader.doc) == NULL;
        root = is_empty ? json_object() : read_node(&reader, 1, "", 0);
        rc = root == NULL ? ORL_E_INVAL : 0;
        yaml_document_delete(&reader.doc);
        rc = rc < 0 || is_empty ? rc : expect_end(&parser, err);
    }
    if (rc == 0 && !json_is_object(root)) {
        rc = orl_err_set(err, ORL_E_INVAL, "1: sections are needed, as oriel export writes them");
    }
    yaml_parser_delete(&parser);
    if (rc < 0) {
        json_decref(root);
        json_decref(reader.lines);
        return rc;
    }
    *ret_root = root;
    *ret_lines = reader.lines;
    return 0;
}

unsigned orl_cli_yaml_line(const json_t *lines, const char *place)
{
    char at[PLACE_MAX];
    (void)snprintf(at, sizeof(at), "%s", place);
    for (;;) {
        const json_t *line = json_object_get(lines, at);
        char *slash = strrchr(at, '/');
        if (line != NULL) {
            return (unsigned)json_integer_value(line);
        }
        if (slash == NULL) {
            return 0;
        }
        *slash = '\0';
    }
}

/* ---- out ---- */

/* Words that some reader of YAML takes for something else than a text. */
static bool needs_quotes(const char *text)
{
    static const char *const words[] = {
            "true", "false", "null", "~", "yes", "no", "on", "off", "y", "n", NULL};
    for (unsigned i = 0; words[i] != NULL; i++) {
        if (strcasecmp(words[i], text) == 0) {
            return true;
        }
    }
    return text[0] == '\0' || text[strspn(text, "+-.0123456789eExX_:")] == '\0';
}

static int put_scalar(yaml_document_t *doc, const json_t *value)
{
    char number[32];
    const char *text = json_string_value(value);
    yaml_scalar_style_t style = YAML_PLAIN_SCALAR_STYLE;
    if (text != NULL && needs_quotes(text)) {
        style = YAML_SINGLE_QUOTED_SCALAR_STYLE;
    } else if (json_is_integer(value)) {
        (void)snprintf(number, sizeof(number), "%lld", (long long)json_integer_value(value));
        text = number;
    } else if (text == NULL) {
        text = json_is_true(value) ? "true" : json_is_false(value) ? "false" : "null";
    }
    return yaml_document_add_scalar(doc, NULL, (const yaml_char_t *)text, (int)strlen(text), style);
}

/* The node's id; 0: out of memory. */
static int put_node(yaml_document_t *doc, const json_t *value, unsigned depth)
{
    json_t *each = NULL;
    if (depth > MAX_DEPTH) {
        return 0;
    }
    if (json_is_array(value)) {
        int id = yaml_document_add_sequence(doc, NULL, YAML_ANY_SEQUENCE_STYLE);
        for (size_t i = 0; id != 0 && i < json_array_size(value); i++) {
            int child = put_node(doc, json_array_get(value, i), depth + 1);
            id = child != 0 && yaml_document_append_sequence_item(doc, id, child) ? id : 0;
        }
        return id;
    }
    if (json_is_object(value)) {
        const char *key;
        int id = yaml_document_add_mapping(doc, NULL, YAML_BLOCK_MAPPING_STYLE);
        json_object_foreach((json_t *)(uintptr_t)value, key, each)
        {
            json_t *name = json_string(key);
            int left = put_scalar(doc, name);
            int right = put_node(doc, each, depth + 1);
            json_decref(name);
            if (id == 0 || left == 0 || right == 0 ||
                    !yaml_document_append_mapping_pair(doc, id, left, right)) {
                return 0;
            }
        }
        return id;
    }
    return put_scalar(doc, value);
}

int orl_cli_yaml_write(const json_t *root, FILE *out, struct orl_err *err)
{
    yaml_emitter_t emitter;
    yaml_document_t doc;
    if (!yaml_emitter_initialize(&emitter)) {
        return orl_err_set(err, ORL_E_NOMEM, "out of memory");
    }
    yaml_emitter_set_output_file(&emitter, out);
    yaml_emitter_set_unicode(&emitter, 1);
    yaml_emitter_set_width(&emitter, -1);
    bool is_ok = yaml_emitter_open(&emitter) != 0 &&
                 yaml_document_initialize(&doc, NULL, NULL, NULL, 1, 1) != 0;
    if (is_ok && put_node(&doc, root, 0) == 0) {
        yaml_document_delete(&doc);
        is_ok = false;
    }
    is_ok = is_ok && yaml_emitter_dump(&emitter, &doc) != 0 && yaml_emitter_close(&emitter) != 0;
    yaml_emitter_delete(&emitter);
    return is_ok ? 0 : orl_err_set(err, ORL_E_NOMEM, "the YAML could not be written");
}
