// One desktop on this page, from the ticket to the last word: connects, notices when it is lost, connects again with a new ticket.
import {regional} from '../regional.js';
import {signal} from '@preact/signals';
import {desktopPath, get, post} from '../api.js';
import {reasons as ownReasons, t} from '../strings.js';
import {Aux} from './aux.js';
import {openRfb, sizeOf} from './novnc_private.js';

const FIRST_RETRY_MS = 500;
const LONGEST_RETRY_MS = 10000;
const GIVE_UP_MS = 300000;
const STEADY_MS = 10000; // connected this long, the next loss counts as the first
const SILENT_MS = 6000; // the figures come each second
const DEAD_MS = 12000;
const AUX_RETRY_MS = 2000;
const CLOSED_WITH_REASON = 4000;
const ASK_MS = 1000;
/** Reasons after which trying again by itself would be wrong: a person or an administrator wanted it, or it cannot help. */
const FINAL = new Set(['access.revoked', 'auth_failed', 'account_disabled', 'not_entitled', 'no_such_pool', 'pool_ambiguous', 'pool_maintenance',
    'taken_over', 'logged_off', 'disconnect_timeout', 'closed_by_admin', 'client_closed', 'client_unsupported', 'second_factor',
    'idle_timeout', 'max_session', 'outside_hours', 'address_not_allowed', 'pool_quota', 'user_quota', 'template_missing', 'template_corrupt', 'console_auth', 'console.certificate', 'console.ended', 'not_found']);

export class Session {
    /**
     * @param {string} pool
     * @param {string} watch id of a watch: somebody else's desktop, only to look at; empty: one's own
     * @param {HTMLElement} target
     * @param {HTMLTextAreaElement} keys
     * @param {{onRfb: (rfb: any) => void, onSound: (ms: number, data: Uint8Array) => void, soundCodecs: () => number,
     *          onFormat: (codec: number, channels: number, rate: number) => void}} hooks
     */
    constructor(pool, watch, target, keys, hooks) {
        this.pool = pool;
        this.watch = watch;
        this.watched = signal(''); // whose desktop
        this.target = target;
        this.keys = keys;
        this.hooks = hooks;
        /** phase: opening, asking, connecting, live, waiting, ended; text and code say why. */
        this.state = signal({phase: 'opening', text: '', code: '', audit: '', attempt: 0, retryAt: 0, isSilent: false});
        this.stats = signal(/** @type {any} */ (null));
        this.notice = signal(''); // what is written on the picture
        this.fps = signal(0);
        this.decoding = signal('');
        this.quality = signal('auto');
        this.rfb = null;
        this.aux = /** @type {Aux|null} */ (null);
        this.run = 0; // of the present attempt: what an earlier one still says is not heard
        this.attempt = 0;
        this.lostAt = 0;
        this.liveAt = 0;
        this.heardAt = 0;
        this.frames = 0;
        this.retryTimer = 0;
        this.words = ownReasons;
        get('/v1/reasons').then((answer) => Object.assign(this.words, answer.reasons), () => {});
        setInterval(() => this.everySecond(), 1000);
        window.addEventListener('offline', () => this.state.value.phase === 'live' && this.lose(this.run, 'offline', t.desktop.phases.offline));
        window.addEventListener('online', () => this.retryNow());
    }

    say(phase, more = {}) {
        this.state.value = {phase, text: '', code: '', audit: '', attempt: this.attempt, retryAt: 0, isSilent: false, ...more};
    }

    async open() {
        const run = ++this.run;
        clearTimeout(this.retryTimer);
        this.say('opening', {text: this.state.value.text, code: this.state.value.code, audit: this.state.value.audit});
        let ticket;
        try {
            ticket = this.watch ? await this.watchTicket(run) : await post(`${desktopPath(this.pool)}/open`, await regional());
        } catch (fault) {
            if (run !== this.run) {
                return;
            }
            if (fault.status === 401) {
                this.end(run, 'signed_out', t.desktop.signedOut, fault.audit);
            } else {
                this.lose(run, fault.code, fault.message, fault.audit, fault.retryAfter * 1000);
            }
            return;
        }
        if (run === this.run) {
            this.connect(run, ['binary', `oriel.${ticket.ticket}.${ticket.password}`]);
        }
    }

    /** Waits for the person's word. */
    async watchTicket(run) {
        const path = `/v1/watches/${encodeURIComponent(this.watch)}`;
        for (;;) {
            const row = await get(path);
            this.watched.value = row.user;
            if (row.state !== 'asked' || run !== this.run) {
                return post(`${path}/open`);
            }
            this.say('asking', {text: t.desktop.watch.asking(row.user)});
            await new Promise((resolve) => setTimeout(resolve, ASK_MS));
        }
    }

    connect(run, protocols) {
        this.say('connecting');
        const socket = new WebSocket(`wss://${location.host}/ws/desktop`, protocols);
        socket.addEventListener('close', (event) => {
            const [code, audit = ''] = event.code === CLOSED_WITH_REASON ? event.reason.split(' ') : ['connection_lost'];
            this.lose(run, code, this.words[code] ?? t.desktop.phases.lost, audit);
        });
        const rfb = openRfb(this.target, socket, this.keys, {
            onFrame: () => {
                this.frames++;
                this.heardAt = performance.now();
            },
            onSoftware: () => {
                this.decoding.value = 'software';
            },
            onGiveUp: () => {
                this.decoding.value = 'fallback';
            },
        });
        this.rfb = rfb;
        this.decoding.value = '';
        rfb.addEventListener('connect', () => {
            this.liveAt = performance.now();
            this.heardAt = this.liveAt;
            this.say('live');
            this.openAux(run, protocols);
            this.hooks.onRfb(rfb);
        });
        // Where noVNC itself gave up; a close of the socket has told its reason before.
        rfb.addEventListener('disconnect', () => setTimeout(() => this.lose(run, 'connection_lost', t.desktop.phases.lost), 1000));
    }

    openAux(run, protocols) {
        if (run !== this.run) {
            return;
        }
        this.aux?.close();
        this.stats.value = null;
        const aux = new Aux(protocols, {
            onOpen: () => {
                aux.hello(this.hooks.soundCodecs());
                aux.wantStats(true);
                if (this.quality.value !== 'auto') {
                    aux.quality(this.quality.value);
                }
            },
            onClose: () => setTimeout(() => this.aux === aux && this.openAux(run, protocols), AUX_RETRY_MS),
            onStats: (stats) => {
                this.stats.value = stats;
                this.heardAt = performance.now();
            },
            onNotice: (text) => { this.notice.value = text; },
            onFormat: this.hooks.onFormat,
            onSound: this.hooks.onSound,
        });
        this.aux = aux;
    }

    setQuality(name) {
        this.quality.value = name;
        this.aux?.quality(name);
    }

    /** Sound was turned on or off. */
    helloAgain() {
        this.aux?.hello(this.hooks.soundCodecs());
    }

    drop() {
        this.run++;
        clearTimeout(this.retryTimer);
        this.aux?.close();
        this.aux = null;
        const rfb = this.rfb;
        this.rfb = null;
        rfb?.disconnect();
    }

    lose(run, code, text, audit = '', waitMs = 0) {
        if (run !== this.run) {
            return;
        }
        const now = performance.now();
        const wasSteady = this.liveAt > 0 && now - this.liveAt > STEADY_MS;
        this.liveAt = 0;
        this.drop();
        if (wasSteady || this.attempt === 0) {
            this.attempt = 0;
            this.lostAt = now;
        }
        if (this.watch || FINAL.has(code)) { // whoever was let in was let in once
            this.say('ended', {code, text, audit});
            return;
        }
        if (now - this.lostAt > GIVE_UP_MS) {
            this.say('ended', {code, text: `${text} ${t.desktop.gaveUp}`, audit});
            return;
        }
        this.attempt++;
        const delay = Math.max(waitMs, Math.min(FIRST_RETRY_MS * 2 ** (this.attempt - 1), LONGEST_RETRY_MS) * (1 + Math.random() / 4));
        this.say('waiting', {code, text, audit, retryAt: Date.now() + delay});
        this.retryTimer = window.setTimeout(() => this.open(), delay);
    }

    end(run, code, text, audit = '') {
        if (run === this.run) {
            this.drop();
            this.attempt = 0;
            this.say('ended', {code, text, audit});
        }
    }

    /** The person's own wish. */
    leave() {
        this.end(this.run, '', this.watch ? t.desktop.watch.over : t.desktop.endedByYou);
    }

    retryNow() {
        if (this.state.value.phase === 'waiting') {
            this.open();
        }
    }

    again() {
        this.attempt = 0;
        this.say('opening');
        this.open();
    }

    everySecond() {
        this.fps.value = this.frames;
        this.frames = 0;
        const now = this.state.value;
        if (now.phase !== 'live' || !this.stats.value) {
            return;
        }
        const silence = performance.now() - this.heardAt;
        if (silence > DEAD_MS) {
            this.lose(this.run, 'no_answer', t.desktop.phases.silent);
        } else if (silence > SILENT_MS !== now.isSilent) {
            this.state.value = {...now, isSilent: !now.isSilent};
        }
    }

    get size() {
        return this.rfb ? sizeOf(this.rfb) : {width: 0, height: 0};
    }
}
