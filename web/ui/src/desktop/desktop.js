// The desktop page: one desktop, its toolbar, and what is said when it is not there.
import {signal} from '@preact/signals';
import {html, render} from 'htm/preact';
import {useEffect, useRef} from 'preact/hooks';
import {t} from '../strings.js';
import {Clipboard} from './clipboard.js';
import {listenKeys} from './keys.js';
import {releaseKeys} from './novnc_private.js';
import {Overlay} from './overlay.js';
import {Session} from './session.js';
import {Sound} from './sound.js';
import {Toolbar} from './toolbar.js';

const FIT_KEY = 'oriel.fit';

/** Everything that the toolbar shows and does. @param {string} pool @param {string} watch @param {HTMLElement} screen @param {HTMLTextAreaElement} keys */
function makeUi(pool, watch, screen, keys) {
    const sound = new Sound();
    const ui = {
        pool,
        watch,
        rfb: signal(/** @type {any} */ (null)),
        panel: signal(''),
        isFull: signal(false),
        isFit: signal(localStorage.getItem(FIT_KEY) !== 'actual'),
        isSoundOn: signal(false),
        hasKeyboard: signal(false),
        wasGrabbed: signal(false),
        size: signal(''),
        said: signal(''),
        tools: {current: /** @type {HTMLElement|null} */ (null)},
        session: /** @type {Session} */ (null),
        clipboard: /** @type {Clipboard} */ (null),
        toDesktop: () => {
            ui.panel.value = '';
            keys.focus({preventScroll: true});
        },
        toggleFit: () => {
            ui.isFit.value = !ui.isFit.value;
            localStorage.setItem(FIT_KEY, ui.isFit.value ? 'fit' : 'actual');
            applyFit();
        },
        toggleFull: () => (document.fullscreenElement ? document.exitFullscreen() : document.documentElement.requestFullscreen()),
        toggleSound: async () => {
            ui.said.value = '';
            if (sound.isOn) {
                sound.stop();
            } else {
                await sound.start().catch(() => {
                    sound.stop();
                    ui.said.value = t.desktop.soundFailed;
                });
            }
            ui.isSoundOn.value = sound.isOn;
            ui.session.helloAgain();
        },
    };
    const applyFit = () => {
        const rfb = ui.rfb.value;
        if (rfb) {
            rfb.scaleViewport = ui.isFit.value;
            rfb.resizeSession = ui.isFit.value && !watch;
        }
    };
    const showSize = () => {
        const {width, height} = ui.session.size;
        ui.size.value = width > 0 ? `${width} × ${height}` : t.desktop.meters.none;
    };
    ui.session = new Session(pool, watch, screen, keys, {
        onRfb: (rfb) => {
            ui.rfb.value = rfb;
            rfb.background = 'transparent';
            rfb.viewOnly = Boolean(watch); // the session and the console drop what would come all the same
            applyFit();
            rfb.addEventListener('clipboard', (event) => ui.clipboard.onDesktop(event.detail.text));
        },
        onFormat: (codec, channels, rate) => sound.onFormat(codec, channels, rate),
        onSound: (ms, data) => sound.onSound(ms, data),
        soundCodecs: () => sound.codecs,
    });
    ui.clipboard = new Clipboard(() => ui.rfb.value, keys);
    setInterval(showSize, 1000);
    listenKeys(keys, {
        onText: (text) => !watch && ui.session.aux?.text(text),
        onKey: (keysym, code) => ui.rfb.value?.sendKey(keysym, code),
        onLeave: () => {
            if (ui.rfb.value) {
                releaseKeys(ui.rfb.value);
            }
            /** @type {HTMLElement|null} */ (ui.tools.current?.querySelector('button'))?.focus();
        },
    });
    keys.addEventListener('focus', () => {
        ui.hasKeyboard.value = true;
        ui.wasGrabbed.value = true;
        ui.panel.value = '';
    });
    keys.addEventListener('blur', () => {
        ui.hasKeyboard.value = false;
        if (ui.rfb.value) {
            releaseKeys(ui.rfb.value);
        }
    });
    document.addEventListener('fullscreenchange', () => {
        ui.isFull.value = Boolean(document.fullscreenElement);
        if (ui.isFull.value) {
            navigator.keyboard?.lock?.().catch(() => {});
            ui.toDesktop();
        } else {
            navigator.keyboard?.unlock?.();
        }
    });
    return ui;
}

function Page({ui}) {
    return html`<div class=${`page ${ui.isFull.value ? 'is-full' : ''}`}>
        <${Toolbar} ui=${ui} />
        <main class="place"><${Stage} ui=${ui} /><${Overlay} session=${ui.session} /></main>
    </div>`;
}

/** Holds the elements that Preact must not touch. */
function Stage({ui}) {
    const box = useRef(/** @type {HTMLElement|null} */ (null));
    useEffect(() => box.current?.replaceChildren(...ui.elements), []);
    const isLive = ui.session.state.value.phase === 'live';
    useEffect(() => {
        if (isLive && !ui.panel.value) {
            ui.toDesktop();
        }
    }, [isLive]);
    return html`<div class="stage" ref=${box} role="application" aria-label=${t.desktop.canvas(ui.pool)} inert=${!isLive}></div>`;
}

const watch = location.hash.startsWith('#watch=') ? location.hash.slice('#watch='.length) : '';
const pool = decodeURIComponent(location.pathname.replace(/^\/desktop\//, ''));
const screen = Object.assign(document.createElement('div'), {className: 'screen'});
const keys = Object.assign(document.createElement('textarea'), {className: 'keys', autocapitalize: 'off', autocomplete: 'off', spellcheck: false});
keys.setAttribute('aria-label', t.desktop.canvas(pool));
keys.setAttribute('autocorrect', 'off');
document.title = `${t.desktop.title(pool)} · ${t.product}`;
const ui = Object.assign(makeUi(pool, watch, screen, keys), {elements: [keys, screen]});
render(html`<${Page} ui=${ui} />`, /** @type {HTMLElement} */ (document.getElementById('app')));
ui.session.open();
