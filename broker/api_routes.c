#include "broker/api_handlers.h"

#define GET ORL_HTTP_GET
#define POST ORL_HTTP_POST
#define PATCH ORL_HTTP_PATCH
#define DELETE ORL_HTTP_DELETE
#define ADMIN ORL_HTTP_ADMIN

const struct orl_api_route orl_api_routes[] = {
        {GET, "/v1/users", ADMIN, orl_api_users_list, NULL},
        {POST, "/v1/users", ADMIN, orl_api_users_add, NULL},
        {GET, "/v1/users/NAME", ADMIN, orl_api_users_get, NULL},
        {PATCH, "/v1/users/NAME", ADMIN, orl_api_users_change, NULL},
        {DELETE, "/v1/users/NAME", ADMIN, orl_api_users_remove, NULL},
        {GET, "/v1/pools", ADMIN, orl_api_pools_list, NULL},
        {POST, "/v1/pools", ADMIN, orl_api_pools_add, NULL},
        {GET, "/v1/pools/NAME", ADMIN, orl_api_pools_get, NULL},
        {PATCH, "/v1/pools/NAME", ADMIN, orl_api_pools_change, NULL},
        {DELETE, "/v1/pools/NAME", ADMIN, orl_api_pools_remove, NULL},
        {GET, "/v1/templates", ADMIN, orl_api_templates_list, NULL},
        {POST, "/v1/templates", ADMIN, orl_api_templates_add, NULL},
        {GET, "/v1/templates/NAME", ADMIN, orl_api_templates_get, NULL},
        {PATCH, "/v1/templates/NAME", ADMIN, orl_api_templates_change, NULL},
        {DELETE, "/v1/templates/NAME", ADMIN, orl_api_templates_remove, NULL},
        {GET, "/v1/entitlements", ADMIN, orl_api_entitlements_list, "user pool"},
        {POST, "/v1/entitlements", ADMIN, orl_api_entitlements_add, NULL},
        {DELETE, "/v1/entitlements/USER/POOL", ADMIN, orl_api_entitlements_remove, NULL},
        {GET, "/v1/desktops", ADMIN, orl_api_desktops_list, "pool user host"},
        {POST, "/v1/desktops", ADMIN, orl_api_desktops_add, NULL},
        {GET, "/v1/desktops/ID", ADMIN, orl_api_desktops_get, NULL},
        {DELETE, "/v1/desktops/ID", ADMIN, orl_api_desktops_remove, "force"},
        {POST, "/v1/desktops/ID/start", ADMIN, orl_api_desktops_start, NULL},
        {POST, "/v1/desktops/ID/stop", ADMIN, orl_api_desktops_stop, NULL},
        {POST, "/v1/desktops/ID/delete", ADMIN, orl_api_desktops_remove, "force"},
        {POST, "/v1/desktops/ID/maintenance", ADMIN, orl_api_desktops_maintenance, NULL},
        {POST, "/v1/desktops/ID/adopt", ADMIN, orl_api_desktops_adopt, NULL},
        {POST, "/v1/desktops/ID/purge", ADMIN, orl_api_desktops_purge, NULL},
        {GET, "/v1/quarantine", ADMIN, orl_api_quarantine_list, NULL},
        {GET, "/v1/sessions", ADMIN, orl_api_sessions_list, "all user pool"},
        {GET, "/v1/sessions/ID", ADMIN, orl_api_sessions_get, NULL},
        {POST, "/v1/sessions/ID/logoff", ADMIN, orl_api_sessions_logoff, NULL},
        {POST, "/v1/sessions/ID/close", ADMIN, orl_api_sessions_close, NULL},
        {GET, "/v1/tickets", ADMIN, orl_api_tickets_list, "user"},
        {POST, "/v1/tickets", ADMIN, orl_api_tickets_add, NULL},
        {DELETE, "/v1/tickets/ID", ADMIN, orl_api_tickets_remove, NULL},
        {GET, "/v1/audit", ADMIN, orl_api_audit_list,
                "since_ms until_ms limit before_seq reason user action object"},
        {GET, "/v1/audit/ID", ADMIN, orl_api_audit_get, NULL},
        {GET, "/v1/hosts", ADMIN, orl_api_hosts_list, NULL},
        {GET, "/v1/hosts/NAME", ADMIN, orl_api_hosts_get, NULL},
        {GET, "/v1/status", ADMIN, orl_api_status, NULL},
        {GET, "/metrics", ADMIN, orl_api_metrics, NULL},
        {0, NULL, ORL_HTTP_NOBODY, NULL, NULL},
};
