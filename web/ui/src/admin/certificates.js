// The certificates that RDP clients and browsers are shown: what they are, another one by files, back to the program's own.
import {html} from 'htm/preact';
import {del, patch} from '../api.js';
import {Fault, Field, Notice} from '../parts.js';
import {t} from '../strings.js';
import {FormButton} from './ask_form.js';
import {ask} from './confirm.js';
import {useObject} from './data.js';
import {Facts, PageHead, Panel, State} from './detail.js';
import {may} from './me.js';
import {w} from './words.js';

const c = w.certificates;
const SOON_DAYS = 30;
const NOW_DAYS = 7;

/** @returns {['ok'|'warn'|'problem'|'idle', string]} */
function stateOf(one) {
    if (!one.source) {
        return ['idle', c.unknown];
    }
    if (one.problem || one.until_ms <= Date.now()) {
        return ['problem', one.problem ? c.broken : c.over];
    }
    const words = c.days(one.days_left);
    return [one.days_left < NOW_DAYS ? 'problem' : one.days_left < SOON_DAYS ? 'warn' : 'ok', words];
}

/** @param {File|undefined} file */
const textOf = (file) => (file ? file.text() : '');

function Upload({one, path, reload}) {
    const act = async ({certificate, key}) => {
        const {value} = await patch(path, {certificate: await textOf(certificate), key: await textOf(key)}, one.etag);
        reload();
        return c.done(value.fingerprint);
    };
    return html`<${FormButton} label=${`${c.upload}: ${c.services[one.value.service]}`} submit=${c.use} act=${act} isPrimary>${(wrong) => html`
        <p>${c.uploadLead}</p>
        <${Field} type="file" label=${c.certificate} name="certificate" accept=".pem,.crt,.cer" hint=${c.certificateHint} wrong=${wrong.certificate} autofocus />
        <${Field} type="file" label=${c.key} name="key" accept=".pem,.key" hint=${c.keyHint[one.value.service]} wrong=${wrong.key} />`}<//>`;
}

function Certificate({service}) {
    const path = `/v1/certificates/${service}`;
    const one = useObject(path, ['alarms', 'site']);
    const value = one.value;
    if (!value) {
        return html`<${Panel} title=${c.services[service]}>${one.error ? html`<${Fault} error=${one.error} />` : html`<p class="muted">${t.loading}</p>`}<//>`;
    }
    const reset = () => ask({title: c.resetAsk(c.services[service]), text: c.resetText, label: c.reset, isDangerous: true, act: () => del(path).then(one.reload), done: c.resetDone});
    const mayChange = may('admin') && value.is_connected && value.source !== 'setting';
    const [kind, words] = stateOf(value);
    return html`<${Panel} title=${c.services[service]}>
        <p class="muted">${c.leads[service]}</p>
        ${!value.is_connected && html`<${Notice} kind="warn">${c.away[service]}<//>`}
        ${value.problem && html`<${Notice} kind="danger">${value.problem}<//>`}
        ${value.source && html`<${Facts} list=${[
            [w.state, html`<${State} kind=${kind}>${words}<//>`],
            [c.until, new Date(value.until_ms).toLocaleString()],
            [c.names, value.names.join(', ') || w.none],
            [c.issuer, value.is_self_signed ? c.selfSigned : value.issuer],
            [c.source, c.sources[value.source]],
            [c.chain, String(value.chain_length)],
            [c.fingerprint, html`<code>${value.fingerprint}</code>`],
        ]} />`}
        ${value.source === 'setting' && html`<p class="muted">${c.setting}</p>`}
        ${mayChange && html`<div class="row"><${Upload} one=${one} path=${path} reload=${one.reload} />
            ${value.source === 'uploaded' && html`<button type="button" class="button" onClick=${reset} aria-label=${`${c.reset}: ${c.services[service]}`}>${c.reset}</button>`}</div>`}
    <//>`;
}

export function Certificates() {
    return html`<${PageHead} title=${c.title} lead=${c.lead} />
        <div class="grid"><${Certificate} service="rdp" /><${Certificate} service="web" /></div>`;
}
