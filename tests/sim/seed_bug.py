#!/usr/bin/env python3
"""seed_bug.py NAME SOURCE_DIR OUT_DIR: copies of our files with one bug each put in, for the simulation to catch. A place
that is not there any more is left as it is, and said: the test of that bug then fails, not the build."""
import pathlib
import sys

# name: [(file, what is there, the bug)]
BUGS = {
    # The display is handed to whoever knows the desktop's id: neither version nor session is asked.
    "fence": [("vmpool/console_judge.c",
               "row->version != ask->version || row->session[0] == '\\0' ||\n"
               "            strcmp(row->session, ask->session) != 0",
               "row->session[0] == '\\0'")],
    # Whatever runs is anybody's.
    "double": [("store/desktop_move.c", "FROM desktop WHERE pool = $1 AND lease = 'free'\"  ",
                "FROM desktop WHERE pool = $1 AND lease <> 'ending'\"  "),
               ("store/desktop_move.c", "\" AND lease = 'free' AND power = 'running' AND is_ready = 1\");",
                "\" AND power = 'running' AND is_ready = 1\");"),
               ("store/session_life.c", "WHERE id = $2 AND version = $3\"\n                \" AND session = ''\");",
                "WHERE id = $2 AND version = $3\");")],
    # Who is refused is not told why.
    "silent": [("broker/login.c", "orl_conn_close(conn, refusal->reason, audit.text, refusal->text);",
                "orl_conn_close(conn, ORL_REASON_NONE, audit.text, refusal->text);")],
    # A floating desktop is free again when its session ends, as a static one is.
    "reuse": [("store/session_life.c",
               "lease == ORL_LEASE_ENDING && desktop->kind == ORL_POOL_STATIC &&",
               "lease == ORL_LEASE_ENDING && desktop->kind != ORL_POOL_DEDICATED &&"),
              ("store/desktop_move.c", "    if (!orl_desktop_move_is_legal(&a, &b)) {\n"
               "        return false;\n    }\n", "    (void)a;\n    (void)b;\n"),
              ("store/desktop_move.c",
               "    return from->lease != ORL_LEASE_ENDING || to->lease == ORL_LEASE_ENDING ||\n"
               "           to->want != ORL_WANT_DELETE;", "    return true;"),
              ("store/desktop_move.c", "to->user[0] = '\\0';",
               "to->user[0] = '\\0';\n        to->is_tainted = false;\n        to->want = ORL_WANT_RUN;")],
    # A machine whose removal failed counts as removed.
    "leak": [("vmpool/outcome.c",
              "    if (job->result < 0) {\n        count_failure(row, now_ms);\n"
              "        note(row, ORL_REASON_NOT_REMOVED, job->err.text);\n    } else if (",
              "    if ("),
             ("vmpool/pool_plan.c", "if (d->is_here || d->power != ORL_POWER_ABSENT) {",
              "if (d->power != ORL_POWER_ABSENT) {")],
    # Every machine on the host is ours.
    "stranger": [("vmpool/vm_meta.c", "return strcmp(meta->installation, installation) == 0;",
                  "return meta->installation[0] == installation[0] || true;")],
    # A home is looked up by its pool alone.
    "home": [("store/home.c", "WHERE user_name = $1 AND pool = $2 AND kind", "WHERE $1 <> '' AND pool = $2 AND kind")],
    # A home is free again while the machine that it was in still runs.
    "freed": [("store/home.c", "AND d.power NOT IN ('absent', 'stopped')", "AND d.lease <> 'ending'")],
    # What a restored store does not know is removed, also where somebody keeps their work on it.
    "sweep": [("vmpool/sweep.c", "bool is_kept = vm->meta.kind == ORL_VM_DEDICATED;", "bool is_kept = false;")],
    # An address that was kept for a machine which was never made stays kept.
    "address": [("vmpool/reservations.c", "if (is_due && !memo->is_busy && ended < AT_ONCE) {",
                 "if (is_due && memo->stray_since_ms > now_ms) {")],
    # A golden image's disk and memory go while machines still lie on them.
    "image": [("vmpool/golden_plan.c", "if (pass->in->copies[index] > 0) {", "if (pass->in->copies[index] > 1000) {")],
    # A desktop is shown before its guest knows its person.
    "letin": [("broker/assign.c",
               "if (desktop.person == ORL_PERSON_WANTED || desktop.person == ORL_PERSON_FAILED) {",
               "if (desktop.person == ORL_PERSON_FAILED) {")],
    # The end of an old connection ends what the new one has.
    "late": [("store/session_life.c", "if (conn != 0 && session.conn != conn) {",
              "if (conn != 0 && session.conn == 0) {"),
             # (Nor is the old one closed when the person comes by another: else nothing would come late.)
             ("broker/assign.c", "if (at.loser != NULL) {", "if (at.loser != NULL && !broker) {")],
}


def main():
    name, source, out = sys.argv[1], pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3])
    out.mkdir(parents=True, exist_ok=True)
    texts = {}
    for file, there, bug in BUGS[name]:
        text = texts.get(file) or (source / file).read_text()
        if text.count(there) != 1:
            print(f"seed_bug.py: {name}: {file} does not have this once any more:\n{there}", file=sys.stderr)
            sys.exit(1)
        texts[file] = text.replace(there, bug)
    for file, text in texts.items():
        path = out / pathlib.Path(file).name
        if not path.exists() or path.read_text() != text:
            path.write_text(text)


if __name__ == "__main__":
    main()
