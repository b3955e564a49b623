/* The handlers that the table of routes names; each answers its request exactly once. */
#ifndef ORL_BROKER_API_HANDLERS_H
#define ORL_BROKER_API_HANDLERS_H
#include "broker/api.h"

void orl_api_users_list(struct orl_http_req *req, const struct orl_api_args *args);
void orl_api_users_add(struct orl_http_req *req, const struct orl_api_args *args);
void orl_api_users_get(struct orl_http_req *req, const struct orl_api_args *args);
void orl_api_users_change(struct orl_http_req *req, const struct orl_api_args *args);
void orl_api_users_remove(struct orl_http_req *req, const struct orl_api_args *args);

void orl_api_groups_list(struct orl_http_req *req, const struct orl_api_args *args);
void orl_api_groups_add(struct orl_http_req *req, const struct orl_api_args *args);
void orl_api_groups_get(struct orl_http_req *req, const struct orl_api_args *args);
void orl_api_groups_change(struct orl_http_req *req, const struct orl_api_args *args);
void orl_api_groups_remove(struct orl_http_req *req, const struct orl_api_args *args);
void orl_api_groups_members(struct orl_http_req *req, const struct orl_api_args *args);
void orl_api_groups_add_member(struct orl_http_req *req, const struct orl_api_args *args);
void orl_api_groups_drop_user(struct orl_http_req *req, const struct orl_api_args *args);
void orl_api_groups_drop_group(struct orl_http_req *req, const struct orl_api_args *args);
void orl_api_groups_drop_pool(struct orl_http_req *req, const struct orl_api_args *args);

void orl_api_pools_list(struct orl_http_req *req, const struct orl_api_args *args);
void orl_api_pools_add(struct orl_http_req *req, const struct orl_api_args *args);
void orl_api_pools_get(struct orl_http_req *req, const struct orl_api_args *args);
void orl_api_pools_change(struct orl_http_req *req, const struct orl_api_args *args);
void orl_api_pools_defaults(struct orl_http_req *req, const struct orl_api_args *args);
void orl_api_pools_remove(struct orl_http_req *req, const struct orl_api_args *args);

void orl_api_templates_list(struct orl_http_req *req, const struct orl_api_args *args);
void orl_api_templates_add(struct orl_http_req *req, const struct orl_api_args *args);
void orl_api_templates_get(struct orl_http_req *req, const struct orl_api_args *args);
void orl_api_templates_change(struct orl_http_req *req, const struct orl_api_args *args);
void orl_api_templates_remove(struct orl_http_req *req, const struct orl_api_args *args);
void orl_api_templates_add_version(struct orl_http_req *req, const struct orl_api_args *args);
void orl_api_templates_remove_version(struct orl_http_req *req, const struct orl_api_args *args);

void orl_api_templates_check(struct orl_http_req *req, const struct orl_api_args *args);
void orl_api_templates_import(struct orl_http_req *req, const struct orl_api_args *args);
void orl_api_templates_build(struct orl_http_req *req, const struct orl_api_args *args);
void orl_api_jobs_seal(struct orl_http_req *req, const struct orl_api_args *args);
void orl_api_jobs_list(struct orl_http_req *req, const struct orl_api_args *args);
void orl_api_jobs_get(struct orl_http_req *req, const struct orl_api_args *args);
void orl_api_jobs_cancel(struct orl_http_req *req, const struct orl_api_args *args);

void orl_api_entitlements_list(struct orl_http_req *req, const struct orl_api_args *args);
void orl_api_entitlements_add(struct orl_http_req *req, const struct orl_api_args *args);
void orl_api_entitlements_remove(struct orl_http_req *req, const struct orl_api_args *args);

void orl_api_desktops_list(struct orl_http_req *req, const struct orl_api_args *args);
void orl_api_desktops_add(struct orl_http_req *req, const struct orl_api_args *args);
void orl_api_desktops_get(struct orl_http_req *req, const struct orl_api_args *args);
void orl_api_desktops_remove(struct orl_http_req *req, const struct orl_api_args *args);
void orl_api_desktops_start(struct orl_http_req *req, const struct orl_api_args *args);
void orl_api_desktops_stop(struct orl_http_req *req, const struct orl_api_args *args);
void orl_api_desktops_restart(struct orl_http_req *req, const struct orl_api_args *args);
void orl_api_desktops_reset(struct orl_http_req *req, const struct orl_api_args *args);
void orl_api_desktops_maintenance(struct orl_http_req *req, const struct orl_api_args *args);
void orl_api_quarantine_list(struct orl_http_req *req, const struct orl_api_args *args);
void orl_api_desktops_adopt(struct orl_http_req *req, const struct orl_api_args *args);
void orl_api_desktops_purge(struct orl_http_req *req, const struct orl_api_args *args);

void orl_api_sessions_list(struct orl_http_req *req, const struct orl_api_args *args);
void orl_api_sessions_get(struct orl_http_req *req, const struct orl_api_args *args);
void orl_api_sessions_live(struct orl_http_req *req, const struct orl_api_args *args);
void orl_api_sessions_logoff(struct orl_http_req *req, const struct orl_api_args *args);
void orl_api_sessions_close(struct orl_http_req *req, const struct orl_api_args *args);
void orl_api_sessions_message(struct orl_http_req *req, const struct orl_api_args *args);
void orl_api_messages_send(struct orl_http_req *req, const struct orl_api_args *args);

void orl_api_tickets_list(struct orl_http_req *req, const struct orl_api_args *args);
void orl_api_tickets_add(struct orl_http_req *req, const struct orl_api_args *args);
void orl_api_tickets_remove(struct orl_http_req *req, const struct orl_api_args *args);

void orl_api_tokens_list(struct orl_http_req *req, const struct orl_api_args *args);
void orl_api_tokens_add(struct orl_http_req *req, const struct orl_api_args *args);
void orl_api_tokens_remove(struct orl_http_req *req, const struct orl_api_args *args);
void orl_api_me_tokens_list(struct orl_http_req *req, const struct orl_api_args *args);
void orl_api_me_tokens_add(struct orl_http_req *req, const struct orl_api_args *args);
void orl_api_me_tokens_remove(struct orl_http_req *req, const struct orl_api_args *args);

void orl_api_goldens_list(struct orl_http_req *req, const struct orl_api_args *args);
void orl_api_homes_list(struct orl_http_req *req, const struct orl_api_args *args);
void orl_api_homes_get(struct orl_http_req *req, const struct orl_api_args *args);
void orl_api_homes_remove(struct orl_http_req *req, const struct orl_api_args *args);
void orl_api_alarms_list(struct orl_http_req *req, const struct orl_api_args *args);
void orl_api_alarms_clear(struct orl_http_req *req, const struct orl_api_args *args);
void orl_api_certificates_list(struct orl_http_req *req, const struct orl_api_args *args);
void orl_api_certificates_get(struct orl_http_req *req, const struct orl_api_args *args);
void orl_api_certificates_change(struct orl_http_req *req, const struct orl_api_args *args);
void orl_api_certificates_reset(struct orl_http_req *req, const struct orl_api_args *args);
void orl_api_audit_list(struct orl_http_req *req, const struct orl_api_args *args);
void orl_api_audit_verify(struct orl_http_req *req, const struct orl_api_args *args);
void orl_api_audit_get(struct orl_http_req *req, const struct orl_api_args *args);
void orl_api_hosts_list(struct orl_http_req *req, const struct orl_api_args *args);
void orl_api_hosts_get(struct orl_http_req *req, const struct orl_api_args *args);
void orl_api_hosts_doctor(struct orl_http_req *req, const struct orl_api_args *args);
void orl_api_hosts_drain(struct orl_http_req *req, const struct orl_api_args *args);
void orl_api_hosts_undrain(struct orl_http_req *req, const struct orl_api_args *args);
void orl_api_hosts_remove(struct orl_http_req *req, const struct orl_api_args *args);
void orl_api_events(struct orl_http_req *req, const struct orl_api_args *args);
void orl_api_load(struct orl_http_req *req, const struct orl_api_args *args);
void orl_api_login(struct orl_http_req *req, const struct orl_api_args *args);
void orl_api_logout(struct orl_http_req *req, const struct orl_api_args *args);
void orl_api_me_get(struct orl_http_req *req, const struct orl_api_args *args);
void orl_api_me_password(struct orl_http_req *req, const struct orl_api_args *args);
void orl_api_me_totp_new(struct orl_http_req *req, const struct orl_api_args *args);
void orl_api_me_totp_confirm(struct orl_http_req *req, const struct orl_api_args *args);
void orl_api_me_totp_remove(struct orl_http_req *req, const struct orl_api_args *args);
void orl_api_me_logins(struct orl_http_req *req, const struct orl_api_args *args);
void orl_api_me_logins_end(struct orl_http_req *req, const struct orl_api_args *args);
void orl_api_me_events(struct orl_http_req *req, const struct orl_api_args *args);
void orl_api_me_desktops_list(struct orl_http_req *req, const struct orl_api_args *args);
void orl_api_me_desktops_open(struct orl_http_req *req, const struct orl_api_args *args);
void orl_api_me_desktops_rdp(struct orl_http_req *req, const struct orl_api_args *args);
void orl_api_me_desktops_restart(struct orl_http_req *req, const struct orl_api_args *args);
void orl_api_me_desktops_start(struct orl_http_req *req, const struct orl_api_args *args);
void orl_api_me_desktops_unwatch(struct orl_http_req *req, const struct orl_api_args *args);
void orl_api_me_desktops_logoff(struct orl_http_req *req, const struct orl_api_args *args);
void orl_api_me_desktops_thumbnail(struct orl_http_req *req, const struct orl_api_args *args);
void orl_api_sessions_watch(struct orl_http_req *req, const struct orl_api_args *args);
void orl_api_watches_list(struct orl_http_req *req, const struct orl_api_args *args);
void orl_api_watches_get(struct orl_http_req *req, const struct orl_api_args *args);
void orl_api_watches_open(struct orl_http_req *req, const struct orl_api_args *args);
void orl_api_watches_end(struct orl_http_req *req, const struct orl_api_args *args);
void orl_api_logins_list(struct orl_http_req *req, const struct orl_api_args *args);
void orl_api_logins_end(struct orl_http_req *req, const struct orl_api_args *args);
void orl_api_reasons(struct orl_http_req *req, const struct orl_api_args *args);
void orl_api_reasons_change(struct orl_http_req *req, const struct orl_api_args *args);
void orl_api_reasons_reset(struct orl_http_req *req, const struct orl_api_args *args);
void orl_api_site_get(struct orl_http_req *req, const struct orl_api_args *args);
void orl_api_site_change(struct orl_http_req *req, const struct orl_api_args *args);

void orl_api_doctor(struct orl_http_req *req, const struct orl_api_args *args);
void orl_api_export(struct orl_http_req *req, const struct orl_api_args *args);
void orl_api_plan(struct orl_http_req *req, const struct orl_api_args *args);
void orl_api_apply(struct orl_http_req *req, const struct orl_api_args *args);
void orl_api_status(struct orl_http_req *req, const struct orl_api_args *args);
void orl_api_metrics(struct orl_http_req *req, const struct orl_api_args *args);

#endif
