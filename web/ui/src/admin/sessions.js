// Sessions: who, from where, how it runs, live; messages, disconnecting, logging off.
import {html} from 'htm/preact';
import {useEffect, useRef, useState} from 'preact/hooks';
import {get, post} from '../api.js';
import {Fault} from '../parts.js';
import {t} from '../strings.js';
import {ask} from './confirm.js';
import {useList, useObject} from './data.js';
import {FilterBy, History} from './desktops.js';
import {Facts, PageHead, Panel, State} from './detail.js';
import {SelectField, TextField} from './form.js';
import {bytes, millis, moment, since} from './format.js';
import {load} from './live.js';
import {may} from './me.js';
import {go, href} from './route.js';
import {a} from './strings.js';
import {DataTable} from './table.js';
import {Watches} from './watching.js';

/** More are not asked for anew just for their numbers. */
const FEW_ROWS = 200;

const LIVE_MS = 2000;
const MESSAGE_BYTES = 200;
const path = (id) => `/v1/sessions/${encodeURIComponent(id)}`;
const short = (id) => id.slice(0, 8);
const kindOf = (state) => ({active: 'ok', waiting: 'warn', disconnected: 'info'}[state] ?? 'idle');
const rate = (kbit) => t.desktop.meters.rate(Math.round(kbit));
const fps = (value) => (value >= 10 ? String(Math.round(value)) : value.toFixed(1));
const StateOf = ({state}) => html`<${State} kind=${kindOf(state)}>${a.session.states[state] ?? state}<//>`;

/** Asks for the text of a message. */
function message(title, where, more = {}) {
    const values = {text: '', ...more};
    ask({
        title, label: a.session.send, done: a.session.sent,
        children: html`<${TextField} label=${a.session.messageText} hint=${a.session.messageHint} rows=${2} maxlength=${MESSAGE_BYTES} required autofocus
            onInput=${(event) => {
                values.text = event.currentTarget.value;
            }} />`,
        act: () => post(where, {...values, text: values.text.trim()}),
    });
}

const disconnect = (session) => ask({
    title: a.session.disconnectTitle(session.user), text: a.session.disconnectText, label: a.session.disconnect, isDangerous: true,
    act: () => post(`${path(session.id)}/close`), done: a.session.disconnected(session.user),
});
const logOff = (session) => ask({
    title: a.session.logoffTitle(session.user), text: a.session.logoffText, label: a.session.logoff, isDangerous: true,
    affected: async () => [a.host.person(session.user, session.pool)],
    act: () => post(`${path(session.id)}/logoff`), done: a.session.loggedOff(session.user),
});

function Actions({session, isAlone = false}) {
    if (!may('operator') || session.state === 'ended') {
        return null;
    }
    const button = (words, act, isDangerous = false) => html`<button type="button" class=${`button ${isDangerous ? 'danger' : ''}`}
        aria-label=${`${words}: ${session.user}, ${session.pool}`} onClick=${act}>${words}</button>`;
    return html`<div class="row">
        ${session.state === 'active' && button(a.session.message, () => message(a.session.messageTitle(session.user), `${path(session.id)}/message`))}
        ${isAlone && session.state === 'active' && button(a.session.disconnect, () => disconnect(session))}
        ${button(a.session.logoff, () => logOff(session), true)}
    </div>`;
}

const live = (key) => (row) => row.live?.[key] ?? '';
const columns = [
    {key: 'user', label: a.session.user, cell: (row) => html`<a href=${href('sessions', row.id)}>${row.user}</a>`},
    {key: 'pool', label: a.session.pool},
    {key: 'state', label: a.session.state, value: (row) => a.session.states[row.state] ?? row.state, cell: (row) => html`<${StateOf} state=${row.state} />${row.guest_state === 'locked' && html` <span class="muted">${a.session.guests.locked}</span>`}`},
    {key: 'client', label: a.session.from, cell: (row) => html`${row.client || '–'}${row.client_name && html` <span class="muted">${row.client_name}</span>`}`},
    {key: 'protocol', label: a.session.protocol, value: (row) => a.session.protocols[row.protocol] ?? row.protocol},
    {key: 'codec', label: a.session.codec, value: live('codec'), cell: (row) => a.session.codecs[row.live?.codec ?? ''] ?? row.live?.codec},
    {key: 'fps', label: a.session.fps, isNumber: true, value: live('fps'), cell: (row) => (row.live ? fps(row.live.fps) : '–')},
    {key: 'rtt', label: a.session.latency, isNumber: true, value: live('rtt_us'), cell: (row) => (row.live ? millis(row.live.rtt_us) : '–')},
    {key: 'rate', label: a.session.rate, isNumber: true, value: live('kbit_s'), cell: (row) => (row.live ? rate(row.live.kbit_s) : '–')},
    {key: 'started_ms', label: a.session.since, isNumber: true, cell: (row) => since(row.started_ms)},
    {key: 'acts', label: t.logins.act, isAction: true, cell: (row) => html`<${Actions} session=${row} />`},
];

/** What a session says of itself, asked for while somebody looks. @param {string} id @param {boolean} isLive */
function useSample(id, isLive) {
    const [sample, setSample] = useState(/** @type {any} */ (null));
    useEffect(() => {
        if (!isLive) {
            setSample(null);
            return undefined;
        }
        let isOver = false;
        const look = () => document.visibilityState === 'visible' && get(`${path(id)}/live`).then((answer) => !isOver && setSample(answer.sample), () => {});
        look();
        const timer = setInterval(look, LIVE_MS);
        return () => {
            isOver = true;
            clearInterval(timer);
        };
    }, [id, isLive]);
    return sample;
}

const timeColumns = [
    {key: 'name', label: a.session.time},
    {key: 'p50_us', label: a.session.p50, isNumber: true, cell: (row) => millis(row.p50_us)},
    {key: 'p95_us', label: a.session.p95, isNumber: true, cell: (row) => millis(row.p95_us)},
    {key: 'count', label: a.session.count, isNumber: true},
];
const kindColumns = [
    {key: 'name', label: a.session.codec},
    {key: 'frames', label: a.session.frames, isNumber: true},
    {key: 'bytes', label: a.session.data, isNumber: true, cell: (row) => bytes(row.bytes)},
];

function Live({sample}) {
    const times = ['encode', 'ack', 'total', 'key'].map((name) => ({name: a.session[name], ...sample[name]}));
    const kinds = Object.entries(sample.kinds ?? {}).map(([name, one]) => ({name: a.session.codecs[name] ?? name, ...one}));
    return html`<${Facts} list=${[
        [a.session.size, `${sample.width_px} × ${sample.height_px}`], [a.session.fps, fps(sample.fps)],
        [a.session.latency, millis(sample.rtt_us)], [a.session.rate, rate(sample.kbit_s)],
    ]} />
    <${DataTable} caption=${a.session.live} list=${{rows: times}} columns=${timeColumns} rowKey="name" empty="" hasFind=${false} hasFoot=${false} order="" />
    <${DataTable} caption=${a.session.kinds} list=${{rows: kinds}} columns=${kindColumns} rowKey="name" empty="" hasFind=${false} hasFoot=${false} order="" />`;
}

function Session({id}) {
    const {value: session, error} = useObject(path(id), ['sessions']);
    const sample = useSample(id, session?.state === 'active');
    if (!session) {
        return html`<${PageHead} title=${short(id)} page="sessions" />${error ? html`<${Fault} error=${error} />` : html`<p class="muted">${t.loading}</p>`}`;
    }
    return html`<${PageHead} title=${a.host.person(session.user, session.pool)} page="sessions"><${Actions} session=${session} isAlone=${true} /><//>
        ${error && html`<${Fault} error=${error} />`}
        <div class="grid">
            <${Panel} title=${a.session.facts}><${Facts} list=${[
                [a.session.state, html`<${StateOf} state=${session.state} />`],
                [a.session.guest, a.session.guests[session.guest_state]],
                [a.session.user, may('admin') ? html`<a href=${href('users', session.user)}>${session.user}</a>` : session.user],
                [a.session.pool, html`<a href=${href('pools', session.pool)}>${session.pool}</a>`],
                [a.session.desktop, session.desktop && html`<a href=${href('desktops', session.desktop)}>${short(session.desktop)}</a>`],
                [a.session.from, session.client],
                [a.session.clientName, session.client_name],
                [a.session.protocol, a.session.protocols[session.protocol] ?? session.protocol],
                [a.session.gateway, session.gateway],
                [a.session.since, moment(session.started_ms)],
                [a.session.disconnectedSince, session.disconnected_ms > 0 && moment(session.disconnected_ms)],
                [a.session.ended, session.ended_ms > 0 && moment(session.ended_ms)],
                [a.session.reason, session.reason && html`<code>${session.reason}</code>`],
                [a.session.id, html`<code>${session.id}</code>`],
            ]} /><//>
            <${Panel} title=${a.session.live}>${sample ? html`<${Live} sample=${sample} />` : html`<p class="muted">${a.session.liveNone}</p>`}<//>
            <${Watches} session=${session} />
            <${History} object=${`session:${id}`} />
        </div>`;
}

/** To all, or to one pool's. */
function messageAll(pool) {
    const values = {text: ''};
    ask({
        title: a.session.messageAllTitle, label: a.session.send, text: pool ? `${a.session.messagePool} ${pool}` : '',
        children: html`<${TextField} label=${a.session.messageText} hint=${a.session.messageHint} rows=${2} maxlength=${MESSAGE_BYTES} required autofocus
            onInput=${(event) => {
                values.text = event.currentTarget.value;
            }} />`,
        act: () => post('/v1/messages', {text: values.text.trim(), ...(pool ? {pool} : {})}), done: a.session.sentTo,
    });
}

function List({query}) {
    const list = useList('/v1/sessions', 'sessions', ['sessions'], {pool: query.pool, user: query.user, all: query.all});
    const filter = (key) => (value) => go('sessions', '', Object.fromEntries(Object.entries({...query, [key]: value}).filter(([, one]) => one)));
    const first = useRef(true);
    useEffect(() => { // the numbers of each, as often as the overview's
        if (first.current) {
            first.current = false;
        } else if (document.visibilityState === 'visible' && (list.rows?.length ?? 0) <= FEW_ROWS) {
            list.reload();
        }
    }, [load.value?.at_ms]);
    return html`<${PageHead} title=${a.pages.sessions}>
            ${may('operator') && html`<button type="button" class="button" onClick=${() => messageAll(query.pool)}>${a.session.messageAll}</button>`}<//>
        <${DataTable} caption=${a.pages.sessions} list=${list} columns=${columns} empty=${a.session.none} filters=${html`
            <${FilterBy} label=${a.session.poolFilter} all=${a.session.allPools} path="/v1/pools" listKey="pools" value=${query.pool ?? ''} onChange=${filter('pool')} />
            <${SelectField} label=${a.session.stateFilter} value=${query.all ?? ''} options=${[['', a.session.living], ['1', a.session.all]]}
                onChange=${(event) => filter('all')(event.currentTarget.value)} />`} />`;
}

export const Sessions = ({name, query}) => (name ? html`<${Session} id=${name} />` : html`<${List} query=${query} />`);
