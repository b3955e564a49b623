import {html} from 'htm/preact';
import {useEffect, useRef, useState} from 'preact/hooks';
import {ApiError, get, post} from '../api.js';
import {Fault, Field, Notice, useCountdown} from '../parts.js';
import {t} from '../strings.js';

function Wait({untilMs}) {
    const seconds = useCountdown(untilMs);
    return html`<p class="small" aria-live="off">${seconds > 0 ? t.login.wait(seconds) : t.login.retry}</p>`;
}

/** @param {{ended: string, onLogin: () => void}} props */
export function Login({ended, onLogin}) {
    const [step, setStep] = useState('password');
    const [busy, setBusy] = useState(false);
    const [wrong, setWrong] = useState(/** @type {Record<string, string>} */ ({}));
    const [error, setError] = useState(/** @type {ApiError|null} */ (null));
    const [waitUntil, setWaitUntil] = useState(0);
    const known = useRef({user: '', password: ''});
    const first = useRef(/** @type {HTMLInputElement|null} */ (null));
    useEffect(() => first.current?.focus(), [step]);
    const [site, setSite] = useState({contact: '', notice: ''});
    useEffect(() => void get('/v1/site').then(setSite, () => {}), []);

    const submit = async (event) => {
        event.preventDefault();
        const data = Object.fromEntries(new FormData(event.currentTarget));
        if (step === 'password') {
            known.current = {user: String(data.user).trim(), password: String(data.password)};
        }
        const missing = {
            ...(known.current.user ? {} : {user: t.login.needUser}),
            ...(known.current.password ? {} : {password: t.login.needPassword}),
            ...(step === 'code' && !/^\d{6}$/.test(String(data.code).trim()) ? {code: t.login.needCode} : {}),
        };
        setWrong(missing);
        if (Object.keys(missing).length > 0) {
            event.currentTarget.elements[Object.keys(missing)[0]].focus();
            return;
        }
        setBusy(true);
        setError(null);
        try {
            await post('/v1/login', {...known.current, ...(step === 'code' ? {code: String(data.code).trim()} : {})});
            known.current.password = '';
            onLogin();
        } catch (fault) {
            setBusy(false);
            if (fault.code === 'second_factor' && step === 'password') {
                setStep('code');
                return;
            }
            setError(fault);
            setWaitUntil(fault.retryAfter > 0 ? Date.now() + fault.retryAfter * 1000 : 0);
            first.current?.select();
        }
    };
    const restart = () => {
        known.current = {user: '', password: ''};
        setError(null);
        setStep('password');
    };

    return html`<main id="content" class="login" tabindex="-1">
        <div class="login-box">
            <h1>${t.login.title}</h1>
            <p class="muted">${t.login.lead}</p>
            ${site.notice && html`<${Notice} kind="info">${site.notice}<//>`}
            ${ended && !error && html`<${Notice} kind="info">${ended}<//>`}
            ${error && html`<${Fault} error=${error} />`}
            ${waitUntil > 0 && html`<${Wait} untilMs=${waitUntil} />`}
            <form class="stack" onSubmit=${submit} novalidate aria-busy=${busy}>
                ${step === 'password' ? html`
                    <${Field} key="user" label=${t.login.user} name="user" autocomplete="username" autocapitalize="none" spellcheck=${false}
                        wrong=${wrong.user} inputRef=${first} maxlength="200" required />
                    <${Field} key="password" label=${t.login.password} name="password" type="password" autocomplete="current-password"
                        wrong=${wrong.password} maxlength="1000" required />` : html`
                    <${Field} key="code" label=${t.login.code} hint=${t.login.codeHint} name="code" inputmode="numeric" autocomplete="one-time-code"
                        wrong=${wrong.code} inputRef=${first} maxlength="10" required />`}
                <button class="button primary" disabled=${busy}>${busy ? t.login.busy : step === 'code' ? t.login.confirm : t.login.submit}</button>
                ${step === 'code' && html`<button type="button" class="button plain" onClick=${restart}>${t.login.other}</button>`}
            </form>
            ${site.contact && html`<p class="small muted">${site.contact}</p>`}
        </div>
    </main>`;
}
