/* A site's file, and what of it is written back. */
#include "cli/yaml.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    json_t *root = NULL;
    json_t *lines = NULL;
    json_t *again = NULL;
    json_t *again_lines = NULL;
    char *text = NULL;
    size_t len = 0;
    if (orl_cli_yaml_read((const char *)data, size, &root, &lines, NULL) < 0) {
        return 0;
    }
    (void)orl_cli_yaml_line(lines, "/pools/0/max");
    FILE *out = open_memstream(&text, &len);
    int rc = out != NULL ? orl_cli_yaml_write(root, out, NULL) : ORL_E_NOMEM;
    if (out != NULL) {
        (void)fclose(out);
    }
    if (rc == 0) {
        orl_assert(orl_cli_yaml_read(text, len, &again, &again_lines, NULL) == 0);
        orl_assert(json_equal(root, again));
        json_decref(again);
        json_decref(again_lines);
    }
    free(text);
    json_decref(root);
    json_decref(lines);
    return 0;
}
