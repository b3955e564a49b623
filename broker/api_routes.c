#include "broker/api_handlers.h"

#define GET ORL_HTTP_GET
#define POST ORL_HTTP_POST
#define PATCH ORL_HTTP_PATCH
#define DELETE ORL_HTTP_DELETE
#define ADMIN ORL_HTTP_ADMIN

const struct orl_api_route orl_api_routes[] = {
        {GET, "/v1/users", ADMIN, orl_api_users_list},
        {POST, "/v1/users", ADMIN, orl_api_users_add},
        {GET, "/v1/users/NAME", ADMIN, orl_api_users_get},
        {PATCH, "/v1/users/NAME", ADMIN, orl_api_users_change},
        {DELETE, "/v1/users/NAME", ADMIN, orl_api_users_remove},
        {GET, "/v1/pools", ADMIN, orl_api_pools_list},
        {POST, "/v1/pools", ADMIN, orl_api_pools_add},
        {GET, "/v1/pools/NAME", ADMIN, orl_api_pools_get},
        {PATCH, "/v1/pools/NAME", ADMIN, orl_api_pools_change},
        {DELETE, "/v1/pools/NAME", ADMIN, orl_api_pools_remove},
        {GET, "/v1/templates", ADMIN, orl_api_templates_list},
        {POST, "/v1/templates", ADMIN, orl_api_templates_add},
        {GET, "/v1/templates/NAME", ADMIN, orl_api_templates_get},
        {PATCH, "/v1/templates/NAME", ADMIN, orl_api_templates_change},
        {DELETE, "/v1/templates/NAME", ADMIN, orl_api_templates_remove},
        {GET, "/v1/entitlements", ADMIN, orl_api_entitlements_list},
        {POST, "/v1/entitlements", ADMIN, orl_api_entitlements_add},
        {DELETE, "/v1/entitlements/USER/POOL", ADMIN, orl_api_entitlements_remove},
        {GET, "/v1/desktops", ADMIN, orl_api_desktops_list},
        {POST, "/v1/desktops", ADMIN, orl_api_desktops_add},
        {GET, "/v1/desktops/ID", ADMIN, orl_api_desktops_get},
        {DELETE, "/v1/desktops/ID", ADMIN, orl_api_desktops_remove},
        {POST, "/v1/desktops/ID/start", ADMIN, orl_api_desktops_start},
        {POST, "/v1/desktops/ID/stop", ADMIN, orl_api_desktops_stop},
        {POST, "/v1/desktops/ID/delete", ADMIN, orl_api_desktops_remove},
        {POST, "/v1/desktops/ID/maintenance", ADMIN, orl_api_desktops_maintenance},
        {POST, "/v1/desktops/ID/adopt", ADMIN, orl_api_desktops_adopt},
        {POST, "/v1/desktops/ID/purge", ADMIN, orl_api_desktops_purge},
        {GET, "/v1/quarantine", ADMIN, orl_api_quarantine_list},
        {GET, "/v1/sessions", ADMIN, orl_api_sessions_list},
        {GET, "/v1/sessions/ID", ADMIN, orl_api_sessions_get},
        {POST, "/v1/sessions/ID/logoff", ADMIN, orl_api_sessions_logoff},
        {POST, "/v1/sessions/ID/close", ADMIN, orl_api_sessions_close},
        {GET, "/v1/tickets", ADMIN, orl_api_tickets_list},
        {POST, "/v1/tickets", ADMIN, orl_api_tickets_add},
        {DELETE, "/v1/tickets/ID", ADMIN, orl_api_tickets_remove},
        {GET, "/v1/audit", ADMIN, orl_api_audit_list},
        {GET, "/v1/audit/ID", ADMIN, orl_api_audit_get},
        {GET, "/v1/hosts", ADMIN, orl_api_hosts_list},
        {GET, "/v1/status", ADMIN, orl_api_status},
        {GET, "/metrics", ADMIN, orl_api_metrics},
        {0, NULL, ORL_HTTP_NOBODY, NULL},
};
