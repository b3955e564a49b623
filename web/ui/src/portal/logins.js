import {html} from 'htm/preact';
import {useEffect, useRef, useState} from 'preact/hooks';
import {del, get} from '../api.js';
import {Fault, when} from '../parts.js';
import {t} from '../strings.js';

const BROWSERS = [[/Edg\//, 'Edge'], [/OPR\//, 'Opera'], [/Firefox\//, 'Firefox'], [/Chrome\//, 'Chromium'], [/Safari\//, 'Safari']];
const SYSTEMS = [[/Android/, 'Android'], [/iPhone|iPad/, 'iOS'], [/Windows/, 'Windows'], [/Mac OS X/, 'macOS'], [/Linux/, 'Linux']];

/** "Firefox, Linux" for a User-Agent; its own beginning where it is none that we know. @param {string} agent */
function nameOf(agent) {
    const known = [BROWSERS, SYSTEMS].map((list) => list.find(([pattern]) => /** @type {RegExp} */ (pattern).test(agent))?.[1]).filter(Boolean);
    return known.join(', ') || agent.slice(0, 40) || t.desktop.meters.none;
}

export function Logins() {
    const [logins, setLogins] = useState(/** @type {any[]|null} */ (null));
    const [error, setError] = useState(null);
    const [said, say] = useState('');
    const title = useRef(/** @type {HTMLElement|null} */ (null));
    const load = () => get('/v1/me/logins').then((answer) => setLogins(answer.logins), setError);
    useEffect(() => void load(), []);
    const end = async (login) => {
        try {
            await del(`/v1/me/logins/${login.id}`);
            say(t.logins.ended);
            title.current?.focus();
        } catch (fault) {
            setError(fault);
        }
        load();
    };
    return html`
        <h1 tabindex="-1" ref=${title}>${t.logins.title}</h1>
        <p class="muted">${t.logins.lead}</p>
        <p class=${said ? 'said' : 'visually-hidden'} role="status">${said}</p>
        ${error && html`<${Fault} error=${error} />`}
        ${logins === null ? !error && html`<p class="muted">${t.loading}</p>` : html`<div class="panel table-box">
            <table>
                <caption>${t.logins.caption}</caption>
                <thead><tr><th scope="col">${t.logins.client}</th><th scope="col">${t.logins.browser}</th><th scope="col">${t.logins.since}</th>
                    <th scope="col">${t.logins.used}</th><th scope="col"><span class="visually-hidden">${t.logins.act}</span></th></tr></thead>
                <tbody>${logins.map((login) => html`<tr key=${login.id}>
                    <th scope="row" data-label=${t.logins.client}>${login.client || t.desktop.meters.none}</th>
                    <td data-label=${t.logins.browser}>${nameOf(login.agent)}</td>
                    <td data-label=${t.logins.since}>${when(login.created_ms)}</td>
                    <td data-label=${t.logins.used}>${when(login.used_ms)}</td>
                    <td>${login.is_current ? html`<strong>${t.logins.here}</strong>`
                        : html`<button type="button" class="button" aria-label=${t.logins.endOf(login.client)} onClick=${() => end(login)}>${t.logins.end}</button>`}</td>
                </tr>`)}</tbody>
            </table>
        </div>`}`;
}
