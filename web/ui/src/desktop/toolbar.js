// The bar over the desktop. One panel is open at a time; Escape closes it, and from the bar goes back to the desktop.
import {html} from 'htm/preact';
import {useEffect, useId, useRef} from 'preact/hooks';
import {t} from '../strings.js';
import {qualities} from './aux.js';
import {Icon} from './icons.js';
import {combos, sendCombo} from './keys.js';

const d = t.desktop;

function Tool({name, label, onClick, pressed = null, expanded = null, controls = null, children = null, ...more}) {
    return html`<button type="button" class="tool" onClick=${onClick} aria-pressed=${pressed} aria-expanded=${expanded} aria-controls=${controls}
        aria-label=${label} title=${label} ...${more}><${Icon} name=${name} /><span class="tool-label">${children ?? label}</span></button>`;
}

/** A button and the panel that it opens. */
function Menu({name, label, ui, children, short = null}) {
    const id = useId();
    const box = useRef(/** @type {HTMLElement|null} */ (null));
    const isOpen = ui.panel.value === name;
    useEffect(() => {
        if (isOpen) {
            /** @type {HTMLElement|null} */ (box.current?.querySelector('.panel-box button, .panel-box input, .panel-box textarea, .panel-box dl'))?.focus();
        }
    }, [isOpen]);
    const onKey = (event) => {
        if (event.key === 'Escape' && isOpen) {
            event.stopPropagation();
            ui.panel.value = '';
            box.current?.querySelector('button')?.focus();
        }
    };
    return html`<div class="menu" ref=${box} onKeyDown=${onKey}>
        <${Tool} name=${name} label=${label} expanded=${String(isOpen)} controls=${id} onClick=${() => {
            ui.panel.value = isOpen ? '' : name;
        }}>${short}<//>
        ${isOpen && html`<div class="panel-box" id=${id} role="group" aria-label=${label}>${children}</div>`}
    </div>`;
}

function Keys({ui}) {
    return html`<${Menu} name="keys" label=${d.keys} ui=${ui}><ul class="choices">
        ${Object.keys(combos).map((name) => html`<li><button type="button" class="button plain" onClick=${() => {
            sendCombo(ui.rfb.value, name);
            ui.panel.value = '';
            ui.toDesktop();
        }}>${d.combos[name]}</button></li>`)}
    </ul><//>`;
}

function ClipboardPanel({ui}) {
    const clip = ui.clipboard;
    const isOff = ui.session.stats.value?.clipboard === false;
    return html`<${Menu} name="clipboard" label=${d.clipboard} ui=${ui}><div class="stack wide">
        ${isOff && html`<p class="small">${d.clip.off}</p>`}
        <div class="field"><label for="clip-text">${d.clip.text}</label>
            <textarea id="clip-text" rows="5" maxlength="1000000" value=${clip.text.value} onInput=${(event) => {
                clip.text.value = event.currentTarget.value;
            }}></textarea></div>
        <div class="row">
            <button type="button" class="button primary" disabled=${isOff} onClick=${() => clip.send(clip.text.value)}>${d.clip.send}</button>
            <button type="button" class="button" onClick=${() => clip.copy()}>${d.clip.copy}</button>
        </div>
        <label class="check"><input type="checkbox" checked=${clip.isAuto.value} disabled=${isOff}
            onChange=${(event) => clip.setAuto(event.currentTarget.checked)} /> <span>${d.clip.auto}<br /><span class="small muted">${d.clip.autoHint}</span></span></label>
        <p class="small muted" role="status">${clip.said.value ? d.clip[clip.said.value] : ''}</p>
    </div><//>`;
}

function Quality({ui}) {
    return html`<${Menu} name="quality" label=${d.quality} ui=${ui}><fieldset class="choices"><legend class="visually-hidden">${d.quality}</legend>
        ${Object.keys(qualities).map((name) => html`<label class="check"><input type="radio" name="quality" value=${name}
            checked=${ui.session.quality.value === name} onChange=${() => ui.session.setQuality(name)} /> <span>${d.qualities[name]}</span></label>`)}
    </fieldset><//>`;
}

function Meter({ui}) {
    const {stats, fps, decoding} = ui.session;
    const now = stats.value;
    const none = d.meters.none;
    const rows = [
        [d.meters.fps, d.meters.perSecond(fps.value)],
        [d.meters.latency, now?.rtt_ms === undefined ? none : d.meters.ms(Math.round(now.rtt_ms))],
        [d.meters.bandwidth, now?.kbit_s === undefined ? none : d.meters.rate(Math.round(now.kbit_s))],
        [d.meters.codec, [d.meters.codecs[now?.codec] ?? none, d.meters[decoding.value]].filter(Boolean).join(', ')],
        [d.meters.size, ui.size.value],
    ];
    return html`<${Menu} name="meter" label=${d.meter} ui=${ui} short=${now ? d.meters.short(fps.value, Math.round(now.rtt_ms ?? 0)) : d.meter}>
        <dl class="meter" tabindex="-1">${rows.map(([name, value]) => html`<dt>${name}</dt><dd>${value}</dd>`)}</dl><//>`;
}

export function Toolbar({ui}) {
    const phase = ui.session.state.value.phase;
    const isLive = phase === 'live';
    const hasTouch = navigator.maxTouchPoints > 0;
    const onKey = (event) => {
        if (event.key === 'Escape' && isLive) {
            ui.toDesktop();
        }
    };
    return html`<header class="bar" aria-label=${d.toolbar} onKeyDown=${onKey}>
        <a class="tool" href=${ui.watch ? '/admin#/sessions' : '/'} aria-label=${ui.watch ? d.watch.leave : d.back} title=${ui.watch ? d.watch.leave : d.back}><${Icon} name="back" /><span class="tool-label">${ui.watch ? d.watch.leave : d.back}</span></a>
        <h1>${ui.watch ? d.watch.title(ui.session.watched.value, ui.pool) : ui.pool}</h1>
        ${ui.watch ? html`<p class="hint" role="status">${isLive && d.watch.hint}</p>` : html`<p class="hint" aria-hidden="true">${isLive && (ui.said.value || (ui.hasKeyboard.value ? d.grabShort : d.freeShort))}</p>`}
        <p class="visually-hidden" role="status">${isLive && !ui.watch && (ui.said.value || (ui.wasGrabbed.value ? (ui.hasKeyboard.value ? d.grab : d.free) : ''))}</p>
        <div class="tools" role="group" aria-label=${d.toolbar} ref=${ui.tools} hidden=${!isLive}>
            <${Tool} name=${ui.isFull.value ? 'windowed' : 'fullscreen'} label=${ui.isFull.value ? d.windowed : d.fullscreen} onClick=${ui.toggleFull} />
            <${Tool} name="fit" label=${ui.isFit.value ? d.actual : d.fit} onClick=${ui.toggleFit} />
            ${!ui.watch && html`<${Keys} ui=${ui} />
            ${hasTouch && html`<${Tool} name="keys" label=${d.touch} onClick=${ui.toDesktop} />`}
            <${ClipboardPanel} ui=${ui} />
            <${Tool} name=${ui.isSoundOn.value ? 'sound' : 'mute'} label=${d.sound} pressed=${String(ui.isSoundOn.value)} onClick=${ui.toggleSound} />`}
            <${Quality} ui=${ui} />
            <${Meter} ui=${ui} />
            <${Tool} name="disconnect" label=${ui.watch ? d.watch.stop : d.disconnect} onClick=${() => ui.session.leave()} />
        </div>
    </header>`;
}
