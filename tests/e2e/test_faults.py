"""People and faults at random over real machines: nobody finds what another left, and nothing is left over.
ORIEL_FAULT_SECONDS is how long, until each kind of victim was struck, and with markers in clipboards, too (otherwise: 12, four kinds,
no clipboards); ORIEL_FAULT_SEED which run; the seed is printed. Under tests/store/with_postgres that server is the store, and is killed too."""
import os
import secrets
import unittest

import lib
import lib_faults
import lib_full


class Faults(lib_full.Case):
    def setUp(self):
        super().setUp()
        stack = self.stack
        self.seed = int(os.environ.get("ORIEL_FAULT_SEED") or secrets.randbelow(1 << 32))
        self.is_short = "ORIEL_FAULT_SECONDS" not in os.environ
        self.seconds = float(os.environ.get("ORIEL_FAULT_SECONDS") or 12)
        print(f"seed {self.seed}, {self.seconds:.0f} s", flush=True)
        stack.oriel("pool", "set", "main", "--spares", 0)
        stack.oriel("pool", "add", "fresh", "--kind", "floating", "--template", "tiny", "--spares", 1, "--max", 4,
                    "--clone-method", "auto", "--network", "nat")
        stack.oriel("pool", "add", "kept", "--kind", "dedicated", "--template", "tiny", "--spares", 0, "--max", 4,
                    "--clone-method", "cold")
        for user, pools in (("dave", ("fresh", "kept")), ("erin", ("fresh", "kept")), ("frank", ("fresh",))):
            stack.add_user(user, *pools)
        stack.start_web()

    def test_nobody_finds_what_another_left_and_nothing_is_left_over(self):
        sockets = set((self.stack.dir / "run").iterdir())
        run = lib_faults.Run(self, self.seed, not self.is_short)
        self.stack.wait_spare("fresh")  # and the golden image that it is a copy of
        run.everybody("fresh", "fresh", "fresh")
        run.go_on(self.seconds, 4 if self.is_short else len(run.faults))
        run.everybody("kept", "fresh", "fresh")
        if not self.is_short:
            run.everybody("fresh", "kept", "fresh")
        self.assertGreaterEqual(len(run.proved), 6, "markers that were left, and found in their own machine")
        run.wait_quiet()
        lib_faults.check_history(self, self.begin_seq)
        said = [""]

        def is_clean():
            said[0] = lib_faults.leaks(self.stack, sockets)
            return not said[0]

        try:
            lib.wait_for("nothing to be left over", is_clean, lib_faults.DEADLINE_S)
        except AssertionError as fault:
            raise AssertionError(f"{fault}: {said[0]}") from None
        for path in lib_faults.files_of(self.stack.dir / "images") | lib_faults.files_of(self.stack.memory_dir):
            users = {user for user, _, _ in lib_faults.markers_in(path)}
            owner = [row["user"] for row in self.stack.desktops(pool="kept") if row["domain"] == path.stem]
            self.assertLessEqual(users, set(owner), f"{path} has somebody's marker")
        print(f"seed {self.seed}: {run.count}, {len(run.proved)} sessions left markers, {run.searches} searches", flush=True)


if __name__ == "__main__":
    unittest.main()
