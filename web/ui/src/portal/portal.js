// The portal: sign in, my desktops, my account, my sign-ins.
import {html, render} from 'htm/preact';
import {useEffect, useState} from 'preact/hooks';
import {get, onSignedOut, post} from '../api.js';
import {Notice} from '../parts.js';
import {reasons, t} from '../strings.js';
import {setTheme, theme, themes} from '../theme.js';
import {Account} from './account.js';
import {Desktops} from './desktops.js';
import {startLive, stopLive} from './live.js';
import {Login} from './login.js';
import {Logins} from './logins.js';

const views = {desktops: Desktops, account: Account, logins: Logins};
const viewOf = () => (location.hash.slice(1) in views ? location.hash.slice(1) : 'desktops');

function Logo() {
    return html`<svg class="logo" viewBox="0 0 32 32" aria-hidden="true"><rect width="32" height="32" rx="7" />
        <path d="M7 24V13l5-5h8l5 5v11zM12 8v16M20 8v16M7 16h18" /></svg>`;
}

function Masthead({me, view, onSignOut}) {
    return html`<header class="masthead">
        <a class="brand" href="/#desktops"><${Logo} /><span>${t.product}</span></a>
        ${me && html`<nav aria-label=${t.nav.label}><ul>
            ${Object.keys(views).map((name) => html`<li><a href=${`#${name}`} aria-current=${name === view ? 'page' : null}>${t.nav[name]}</a></li>`)}
            ${me.role !== 'user' && html`<li><a href="/admin">${t.nav.admin}</a></li>`}
        </ul></nav>
        <div class="who"><span class="small">${t.nav.you(me.display || me.name)}</span>
            <button type="button" class="button" onClick=${onSignOut}>${t.nav.signOut}</button></div>`}
    </header>`;
}

function Footer() {
    return html`<footer>
        <label class="small">${t.theme.label} <select class="compact" value=${theme.value} onChange=${(event) => setTheme(event.currentTarget.value)}>
            ${themes.map((name) => html`<option value=${name} selected=${name === theme.value}>${t.theme[name]}</option>`)}
        </select></label>
        <a class="small" href=${LICENCES_URL}>${t.footer.licences}</a>
    </footer>`;
}

/** The main area: what the address says, with the focus on its heading after a change. */
function Main({view, me, onChange}) {
    const View = views[view];
    const [first] = useState(view);
    useEffect(() => {
        document.title = `${t.nav[view]} · ${t.product}`;
        if (view !== first || document.activeElement === document.body) {
            /** @type {HTMLElement|null} */ (document.querySelector('main h1'))?.focus({preventScroll: true});
        }
    }, [view]);
    return html`<main id="content" tabindex="-1"><${View} key=${view} me=${me} onChange=${onChange} /></main>`;
}

function App() {
    const [me, setMe] = useState(/** @type {any} */ (undefined));
    const [ended, setEnded] = useState('');
    const [error, setError] = useState('');
    const [view, setView] = useState(viewOf());
    const load = () => get('/v1/me').then((answer) => {
        setError('');
        setMe(answer);
    }, (fault) => {
        if (fault.status === 401) {
            setMe(null);
        } else {
            setError(fault.message);
            setTimeout(load, 3000);
        }
    });
    /** @param {string} words why, if it was not the person's wish */
    const over = (words) => {
        stopLive();
        setEnded(words);
        setMe(null);
    };
    useEffect(() => {
        onSignedOut.call = () => setMe((was) => {
            if (was) {
                setEnded(t.login.ended);
                stopLive();
            }
            return null;
        });
        const onHash = () => setView(viewOf());
        window.addEventListener('hashchange', onHash);
        load();
        return () => window.removeEventListener('hashchange', onHash);
    }, []);
    useEffect(() => {
        if (me) {
            startLive((code) => over(reasons[code] ?? t.login.ended));
            return stopLive;
        }
        document.title = `${t.login.title} · ${t.product}`;
        return undefined;
    }, [me?.name]);
    const signOut = () => post('/v1/logout').then(() => over(''), () => over(''));

    return html`
        <a class="skip" href="#content" onClick=${(event) => {
            event.preventDefault();
            document.getElementById('content')?.focus();
        }}>${t.skip}</a>
        <${Masthead} me=${me} view=${view} onSignOut=${signOut} />
        ${me === undefined ? html`<main id="content" tabindex="-1"><h1 class="visually-hidden">${t.product}</h1>
            ${error ? html`<${Notice} kind="warn">${error}<//>` : html`<p class="muted">${t.loading}</p>`}</main>`
            : me ? html`<${Main} view=${view} me=${me} onChange=${load} />`
            : html`<${Login} ended=${ended} onLogin=${() => {
                setEnded('');
                load();
            }} />`}
        <${Footer} />`;
}

render(html`<${App} />`, /** @type {HTMLElement} */ (document.getElementById('app')));
