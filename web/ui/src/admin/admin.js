// The console: sign in, navigation, the page that the address names, the connection's state.
import {html, render} from 'htm/preact';
import {useEffect, useRef, useState} from 'preact/hooks';
import {get, onSignedOut, post} from '../api.js';
import {Notice} from '../parts.js';
import {Login} from '../portal/login.js';
import {reasons, t} from '../strings.js';
import {setTheme, theme, themes} from '../theme.js';
import {Questions} from './confirm.js';
import {connection, load, retryNow, startLive, stopLive} from './live.js';
import {may, me} from './me.js';
import {pages} from './pages.js';
import {href, route} from './route.js';
import {a} from './strings.js';
import {Toasts} from './toasts.js';

const GROUPS = ['machines', 'people', 'site'];

function Brand() {
    return html`<a class="brand" href=${href('overview')}><svg class="logo" viewBox="0 0 32 32" aria-hidden="true"><rect width="32" height="32" rx="7" />
        <path d="M7 24V13l5-5h8l5 5v11zM12 8v16M20 8v16M7 16h18" /></svg><span>${t.product}</span></a>`;
}

function Masthead({isOpen, onMenu, onSignOut, menuRef}) {
    return html`<header class="masthead">
        <button type="button" class="button menu-button" ref=${menuRef} aria-expanded=${isOpen ? 'true' : 'false'} aria-controls="nav" onClick=${onMenu}>${a.menu}</button>
        <${Brand} />
        ${me.value && html`<div class="who"><span class="small">${t.nav.you(me.value.display || me.value.name)} (${a.role[me.value.role] ?? me.value.role})</span>
            <a class="button plain" href="/">${a.portal}</a>
            <button type="button" class="button" onClick=${onSignOut}>${t.nav.signOut}</button></div>`}
    </header>`;
}

function Navigation({isOpen, onLeave}) {
    const {page} = route.value;
    const alarms = load.value?.alarms ?? 0;
    return html`<nav id="nav" class=${isOpen ? 'side open' : 'side'} aria-label=${a.nav} onKeyDown=${(event) => event.key === 'Escape' && onLeave()}>
        ${GROUPS.map((group) => {
            const list = pages.filter((one) => one.group === group && may(one.role));
            return list.length > 0 && html`<p class="small muted" id=${`nav-${group}`}>${a.groups[group]}</p>
                <ul aria-labelledby=${`nav-${group}`}>${list.map(({name}) => html`<li><a href=${href(name)} aria-current=${name === page ? 'page' : null}>${a.pages[name]}
                    ${name === 'alarms' && alarms > 0 && html`<span class="count">${alarms}</span>`}</a></li>`)}</ul>`;
        })}
        <label class="small theme">${t.theme.label} <select class="compact" value=${theme.value} onChange=${(event) => setTheme(event.currentTarget.value)}>
            ${themes.map((name) => html`<option value=${name} selected=${name === theme.value}>${t.theme[name]}</option>`)}
        </select></label>
    </nav>`;
}

/** The place is always there, so that a change in it is said aloud. */
function Connection() {
    const state = connection.value;
    return html`<div class="connection" role="status">
        ${state === 'lost' && html`<div class="notice warn"><div class="row"><span>${a.live.lost}</span>
            <button type="button" class="button" onClick=${retryNow}>${a.live.now}</button></div></div>`}
        ${state === 'back' && html`<div class="notice ok">${a.live.back}</div>`}
    </div>`;
}

function Main() {
    const {page, name} = route.value;
    const found = pages.find((one) => one.name === page && may(one.role));
    const [first] = useState(`${page}/${name}`);
    useEffect(() => {
        get('/v1/me').then((answer) => { // somebody is here: the login lives on; and the role may be another
            me.value = answer;
        }, () => {});
    }, [page, name]);
    useEffect(() => {
        document.title = `${name ? `${name} · ` : ''}${a.pages[page] ?? a.title} · ${t.product}`;
        if (`${page}/${name}` !== first || document.activeElement === document.body) {
            /** @type {HTMLElement|null} */ (document.querySelector('main h1'))?.focus({preventScroll: true});
            window.scrollTo(0, 0);
        }
    }, [page, name]);
    return html`<main id="content" tabindex="-1">
        <${Connection} />
        ${found ? html`<${found.View} key=${`${page}/${name}`} name=${name} query=${route.value.query} />` : html`<h1 tabindex="-1">${a.noPage}</h1>`}
    </main>`;
}

function NotAllowed() {
    return html`<main id="content" tabindex="-1"><h1>${a.notAllowed}</h1><p>${a.notAllowedHint}</p>
        <p><a class="button primary" href="/">${a.portal}</a></p></main>`;
}

function Console({onSignOut}) {
    const [isOpen, setOpen] = useState(false);
    const menu = useRef(/** @type {HTMLElement|null} */ (null));
    useEffect(() => setOpen(false), [route.value]);
    const leave = () => {
        setOpen(false);
        menu.current?.focus();
    };
    return html`
        <${Masthead} isOpen=${isOpen} onMenu=${() => setOpen(!isOpen)} onSignOut=${onSignOut} menuRef=${menu} />
        <div class="below"><${Navigation} isOpen=${isOpen} onLeave=${leave} /><${Main} /></div>`;
}

function App() {
    const [ended, setEnded] = useState('');
    const [error, setError] = useState('');
    const start = () => get('/v1/me').then((answer) => {
        setError('');
        me.value = answer;
    }, (fault) => {
        if (fault.status === 401) {
            me.value = null;
        } else {
            setError(fault.message);
            setTimeout(start, 3000);
        }
    });
    /** @param {string} words why, if it was not the person's wish */
    const over = (words) => {
        stopLive();
        setEnded(words);
        me.value = null;
    };
    useEffect(() => {
        onSignedOut.call = () => me.value && over(t.login.ended);
        start();
    }, []);
    const isAllowed = may('viewer');
    useEffect(() => {
        if (isAllowed) {
            startLive((code) => over(reasons[code] ?? t.login.ended));
            return stopLive;
        }
        document.title = `${a.title} · ${t.product}`;
        return undefined;
    }, [isAllowed, me.value?.name]);
    const signOut = () => post('/v1/logout').then(() => over(''), () => over(''));
    const skip = (event) => {
        event.preventDefault();
        document.getElementById('content')?.focus();
    };
    return html`
        <a class="skip" href="#content" onClick=${skip}>${t.skip}</a>
        ${isAllowed ? html`<${Console} onSignOut=${signOut} />` : html`<header class="masthead"><${Brand} /></header>
            ${me.value === undefined ? html`<main id="content" tabindex="-1"><h1 class="visually-hidden">${a.title}</h1>
                ${error ? html`<${Notice} kind="warn">${error}<//>` : html`<p class="muted">${t.loading}</p>`}</main>`
            : me.value ? html`<${NotAllowed} />`
            : html`<${Login} ended=${ended} onLogin=${() => {
                setEnded('');
                start();
            }} />`}`}
        <${Questions} />
        <${Toasts} />`;
}

render(html`<${App} />`, /** @type {HTMLElement} */ (document.getElementById('app')));
