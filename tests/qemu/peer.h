/* A peer that plays QEMU's D-Bus display, rightly or in one of many wrong manners: a D-Bus server by sd-bus, for a process of its
 * own. What it was called and what it did is told as text, "Press 16;ready;". */
#ifndef ORL_TESTS_QEMU_PEER_H
#define ORL_TESTS_QEMU_PEER_H

#define PEER_FRAME_PX 512
#define PEER_COLOUR 0x0a0b0c
#define PEER_SAMPLE 0x21 /* each byte that it plays */

enum peer_manner {
    RIGHT = 0,
    SILENT,      /* says nothing at all */
    REFUSES,     /* answers RegisterListener with an error */
    HALF,        /* stops in the middle of the listener's handshake */
    NO_QUESTION, /* sends a frame where its question belongs */
    FLOODS,      /* frames without end */
    SLOW,        /* looks whether calls come before it has answered one that wants it */
    MUTE,        /* answers nothing any more once its stream runs */
    LATE,        /* has no objects at the first call */
    DROPS_ONE, /* closes the first listener right after its handshake, as QEMU 7.2 does when another's end comes then */
    DROPS_ALL,
    ASKS_TWICE, /* as QEMU 10.0 does of who takes shared memory */
    SHARES,     /* and waits until that has come, before it does anything else */
    NO_FDS,     /* has never heard of passing them */
    SOUNDS, /* as QEMU 10.0: asks twice, has a sound card, and plays without end, a piece each 10 ms */
    SOUNDS_FAST, /* ... as fast as it goes */
    SOUNDS_SOON, /* has not seen yet that the former listener for sound is gone */
    SOUNDS_NOT,  /* stops in the middle of that listener's handshake */
    SOUNDS_OLD,  /* as QEMU 7.2 with an <audio> in its display: dies of such a listener */
};

/* Until the other end of fd goes; ends the process. notes: where it tells. */
_Noreturn void peer_play(int fd, enum peer_manner manner, int notes);

#endif
