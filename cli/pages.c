#include "cli/pages.h"

#include "cli/args.h"

#include <string.h>

enum { PAGES_MAX = 100000 };

static json_t *rows_of(json_t *root)
{
    const char *key = NULL;
    json_t *value = NULL;
    json_object_foreach(root, key, value)
    {
        if (json_is_array(value)) {
            return value;
        }
    }
    return NULL;
}

/* One page; *ret_page is NULL when it was refused. */
static int ask(const struct orl_cli_call *call, const char *next, struct orl_cli_answer *answer,
        json_t **ret_page, struct orl_err *err)
{
    struct orl_cli_call more = *call;
    int rc = orl_cli_path_query(more.path, "after", next)
                     ? 0
                     : orl_err_set(err, ORL_E_PROTO, "the list goes on where no request can");
    orl_buf_fini(&answer->body);
    rc = rc < 0 ? rc : orl_cli_request(&more, answer, err);
    if (rc < 0) {
        return rc;
    }
    *ret_page = json_loadb((const char *)answer->body.data, answer->body.len, 0, NULL);
    return *ret_page != NULL ? 0 : orl_err_set(err, ORL_E_PROTO, "a page of the list is no JSON");
}

int orl_cli_pages(const struct orl_cli_call *call, json_t *root, struct orl_cli_answer *answer,
        json_t **ret_refusal, struct orl_err *err)
{
    json_t *rows = rows_of(root);
    *ret_refusal = NULL;
    for (unsigned i = 0; i < PAGES_MAX && rows != NULL; i++) {
        char next[ORL_CLI_PATH_MAX + 1] = "";
        const char *at = json_string_value(json_object_get(root, "next"));
        orl_msg_text(next, sizeof(next), at != NULL ? at : "");
        (void)json_object_del(root, "next");
        if (next[0] == '\0') {
            return 0;
        }
        json_t *page = NULL;
        int rc = ask(call, next, answer, &page, err);
        if (rc == 0 && answer->status != 200) {
            *ret_refusal = page;
            return 0;
        }
        if (rc == 0 && json_array_extend(rows, rows_of(page)) < 0) {
            rc = orl_err_set(err, ORL_E_PROTO, "a page of the list has no rows");
        }
        if (rc == 0 && json_object_get(page, "next") != NULL) {
            (void)json_object_set(root, "next", json_object_get(page, "next"));
        }
        json_decref(page);
        if (rc < 0) {
            return rc;
        }
    }
    return 0;
}
