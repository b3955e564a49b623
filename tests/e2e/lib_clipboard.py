"""People's clipboards: each has a screen of its own, and in the tiny guest is an agent that is a few lines of shell."""
import os
import subprocess

import lib

# VDI chunks and agent messages (spice/vd_agent.h) by dd and printf: whatever text is offered is asked for, kept in the
# shell's memory, and offered back. Capabilities: text on demand (bit 5), and grabs with serials (17), without which
# QEMU's D-Bus display hears of none.
AGENT = r"""bb=/bin/busybox; $bb mkdir -p /run
[ -e /run/agent ] && $bb kill -0 "$($bb cat /run/agent)" 2>/dev/null && exit
$bb rm -f /run/announced
for port in /sys/class/virtio-ports/*; do
    [ "$($bb cat "$port/name")" = com.redhat.spice.0 ] && dev=/dev/${port##*/}
done
word() { for at in 0 8 16 24; do printf "\\$(printf %o $(($1 >> at & 255)))"; done; }
take() { $bb dd bs=1 count="$1" <&3 2>/dev/null; }
words() { take "$1" | $bb od -An -v -tu4; }
tell() { { word 1; word $(($2 + 20)); word 1; word "$1"; word 0; word 0; word "$2"; $bb cat; } >&3; }
talk() {
    exec 3<>"$dev"
    { word 0; word $((1 << 5 | 1 << 17)); } | tell 6 8
    >/run/announced
    while set -- $(words 28) && [ $# = 7 ]; do
        case $4 in
            4) take 4; text="seen: $(take $(($7 - 4)))"; { word "$serial"; word 1; } | tell 7 8 ;;
            7) set -- $(words "$7"); serial=$(($1 + 1)); word 1 | tell 8 4 ;;
            8) take 4; { word 1; printf %s "$text"; } | tell 4 $((4 + ${#text})) ;;
            *) take "$7" ;;
        esac
    done
}
talk </dev/null >/dev/null 2>&1 &
echo $! >/run/agent
for _ in $($bb seq 100); do [ -e /run/announced ] && break; $bb usleep 100000; done"""


class Clipboard:
    def __init__(self, case, owner):
        case.start_screen("800x600")
        self.case, self.owner, self.display = case, owner, case.display_name

    def copy(self, text):
        """xclip stays as the selection's owner until the desktop's text replaces it."""
        path = self.case.dir / f"copied-{self.owner}"
        path.write_text(text)
        return self.case.start(f"xclip-{self.owner}", "xclip", "-selection", "clipboard", "-t", "UTF8_STRING", "-quiet", "-i", path,
                               env={"DISPLAY": self.display})

    def paste(self):
        try:
            done = subprocess.run(["xclip", "-selection", "clipboard", "-t", "UTF8_STRING", "-o"], capture_output=True, timeout=3,
                                  check=False, env={**os.environ, "DISPLAY": self.display})
        except subprocess.TimeoutExpired:
            return b""  # a desktop's that is not there any more
        return done.stdout

    def is_through(self, text):
        """Whether the desktop's agent took the text, and gave it back. xclip ends when the desktop's text replaces its own; copied
        again only until then, as xfreerdp gives nothing to who pastes while an offer is on its way."""
        for _ in range(3):
            xclip = self.copy(text)
            try:
                lib.wait_for("the desktop to offer the text", lambda one=xclip: one.poll() is not None, 10)
                return lib.wait_for("the text to come back", lambda: self.paste() == f"seen: {text}".encode(), 30)
            except AssertionError:
                continue
            finally:
                self.case.end(xclip)
        return False
