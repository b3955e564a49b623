import {html} from 'htm/preact';
import {useRef, useState} from 'preact/hooks';
import qrcode from 'qrcode-generator';
import {del, post} from '../api.js';
import {CopyButton, Fault, Field, Notice} from '../parts.js';
import {t} from '../strings.js';

/** What a form's submission did: the notice above it. */
function useOutcome() {
    const [outcome, set] = useState(/** @type {{error?: any, text?: string, wrong?: Record<string, string>}} */ ({}));
    const notice = outcome.error ? html`<${Fault} error=${outcome.error} />` : outcome.text ? html`<${Notice} kind="ok">${outcome.text}<//>` : null;
    return {wrong: outcome.wrong ?? {}, notice, set};
}

function Password() {
    const {wrong, notice, set} = useOutcome();
    const submit = async (event) => {
        event.preventDefault();
        const form = event.currentTarget;
        const data = Object.fromEntries(new FormData(form));
        const bad = {
            ...(data.old ? {} : {old: t.account.needOld}),
            ...(data.new ? {} : {new: t.account.needNext}),
            ...(data.new && data.new !== data.repeat ? {repeat: t.account.differ} : {}),
        };
        set({wrong: bad});
        if (Object.keys(bad).length > 0) {
            form.elements[Object.keys(bad)[0]].focus();
            return;
        }
        try {
            await post('/v1/me/password', {old: data.old, new: data.new});
            form.reset();
            set({text: t.account.changed});
        } catch (error) {
            set({error});
        }
    };
    return html`<section class="panel" aria-labelledby="password-title">
        <h2 id="password-title">${t.account.password}</h2>
        ${notice}
        <form class="stack narrow" onSubmit=${submit} novalidate>
            <${Field} label=${t.account.old} name="old" type="password" autocomplete="current-password" wrong=${wrong.old} required />
            <${Field} label=${t.account.next} name="new" type="password" autocomplete="new-password" wrong=${wrong.new} required />
            <${Field} label=${t.account.repeat} name="repeat" type="password" autocomplete="new-password" wrong=${wrong.repeat} required />
            <div><button class="button primary">${t.account.change}</button></div>
        </form>
    </section>`;
}

/** Drawn here: the secret goes to nobody. */
function QrCode({text}) {
    const code = qrcode(0, 'M');
    code.addData(text);
    code.make();
    const count = code.getModuleCount();
    let path = '';
    for (let y = 0; y < count; y++) {
        for (let x = 0; x < count; x++) {
            path += code.isDark(y, x) ? `M${x + 4} ${y + 4}h1v1h-1z` : '';
        }
    }
    return html`<svg class="qr" role="img" aria-label=${t.account.qr} viewBox=${`0 0 ${count + 8} ${count + 8}`} shape-rendering="crispEdges">
        <rect width="100%" height="100%" fill="#fff" /><path d=${path} fill="#000" /></svg>`;
}

function Code({label, action, danger = false, onCode}) {
    const {wrong, notice, set} = useOutcome();
    const submit = async (event) => {
        event.preventDefault();
        const form = event.currentTarget;
        const code = String(new FormData(form).get('code')).trim();
        if (!/^\d{6}$/.test(code)) {
            set({wrong: {code: t.login.needCode}});
            form.elements.code.focus();
            return;
        }
        try {
            await onCode(code);
        } catch (error) {
            set({error});
            form.elements.code.select();
        }
    };
    return html`${notice}<form class="stack narrow" onSubmit=${submit} novalidate>
        <${Field} label=${label} name="code" inputmode="numeric" autocomplete="one-time-code" maxlength="10" wrong=${wrong.code} required />
        <div><button class=${`button ${danger ? 'danger' : 'primary'}`}>${action}</button></div>
    </form>`;
}

function SecondFactor({me, onChange}) {
    const [secret, setSecret] = useState(/** @type {{secret: string, uri: string}|null} */ (null));
    const {wrong, notice, set} = useOutcome();
    const title = useRef(/** @type {HTMLElement|null} */ (null));
    const finish = async (text) => {
        setSecret(null);
        set({text});
        await onChange();
        title.current?.focus();
    };
    const enrol = async (event) => {
        event.preventDefault();
        const form = event.currentTarget;
        const password = String(new FormData(form).get('password'));
        if (!password) {
            set({wrong: {password: t.account.needOld}});
            form.elements.password.focus();
            return;
        }
        try {
            setSecret(await post('/v1/me/totp', {password}));
            set({});
        } catch (error) {
            set({error});
            form.elements.password.select();
        }
    };
    const confirm = (code) => post('/v1/me/totp/confirm', {code}).then(() => finish(t.account.enrolled));
    const remove = (code) => del('/v1/me/totp', {code}).then(() => finish(t.account.removed));
    return html`<section class="panel" aria-labelledby="totp-title">
        <h2 id="totp-title" tabindex="-1" ref=${title}>${t.account.totp}</h2>
        ${notice}
        ${me.must_enrol && html`<${Notice} kind="warn">${t.account.mustEnrol}<//>`}
        <p>${me.has_totp ? t.account.totpOn : t.account.totpOff}</p>
        ${me.has_totp && html`<${Code} key="remove" label=${t.account.removeCode} action=${t.account.remove} danger=${true} onCode=${remove} />`}
        ${!me.has_totp && !secret && html`<form class="stack narrow" onSubmit=${enrol} novalidate>
            <${Field} label=${t.account.enrolPassword} name="password" type="password" autocomplete="current-password" wrong=${wrong.password} required />
            <div><button class="button">${t.account.enrol}</button></div>
        </form>`}
        ${!me.has_totp && secret && html`
            <p>${t.account.scan}</p>
            <${QrCode} text=${secret.uri} />
            <div class="row copyable"><span>${t.account.key}</span><code>${secret.secret.replace(/(.{4})(?=.)/g, '$1 ')}</code>
                <${CopyButton} text=${secret.secret} label=${`${t.rdp.copy}: ${t.account.key}`} /></div>
            <${Code} key="confirm" label=${t.account.confirmCode} action=${t.account.confirm} onCode=${confirm} />`}
    </section>`;
}

export function Account({me, onChange}) {
    return html`
        <h1 tabindex="-1">${t.account.title}</h1>
        <section class="panel" aria-label=${t.account.name}>
            <dl class="facts"><dt>${t.account.name}</dt><dd>${me.name}</dd>${me.display && html`<dt>${t.account.display}</dt><dd>${me.display}</dd>`}</dl>
        </section>
        ${me.has_password && html`<${Password} />`}
        <${SecondFactor} me=${me} onChange=${onChange} />`;
}
