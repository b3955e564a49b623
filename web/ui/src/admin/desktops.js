// Desktops: state and history of each, what can be done with it; and the quarantine.
import {html} from 'htm/preact';
import {del, post} from '../api.js';
import {Fault, Notice} from '../parts.js';
import {t} from '../strings.js';
import {ask} from './confirm.js';
import {useList, useObject} from './data.js';
import {Facts, PageHead, Panel, State} from './detail.js';
import {SelectField} from './form.js';
import {moment, since} from './format.js';
import {load} from './live.js';
import {may} from './me.js';
import {go, href} from './route.js';
import {a} from './strings.js';
import {DataTable} from './table.js';

const short = (id) => id.slice(0, 8);
const path = (id) => `/v1/desktops/${encodeURIComponent(id)}`;
/** What people know it by. */
const nameOf = (desktop) => desktop.domain || short(desktop.id);

/** @returns {['ok'|'info'|'warn'|'problem'|'idle', string]} */
function powerOf(desktop) {
    const word = a.desktop.powers[desktop.power] ?? desktop.power;
    if (desktop.power === 'failed') {
        return ['problem', word];
    }
    if (desktop.power === 'running') {
        return desktop.is_ready ? ['ok', a.desktop.ready] : ['info', a.desktop.notReady];
    }
    return [['stopped', 'suspended', 'absent'].includes(desktop.power) ? 'idle' : 'info', word];
}

const Power = ({desktop}) => html`<${State} kind=${powerOf(desktop)[0]}>${powerOf(desktop)[1]}<//>`;

/** Who would notice. */
const people = async (desktop) => (!desktop.user ? [] : [desktop.session ? a.desktop.inUseBy(desktop.user) : a.desktop.belongsTo(desktop.user)]);

const DEEDS = {
    start: {path: 'start'}, stop: {path: 'stop', isDangerous: true}, restart: {path: 'restart', isDangerous: true}, reset: {path: 'reset', isDangerous: true},
};

function doIt(what, desktop) {
    const name = nameOf(desktop);
    const isRecycle = what === 'recycle';
    ask({
        title: a.desktop.titles[what](name), text: a.desktop.texts[what], label: a.desktop[what], done: a.desktop.done[what],
        affected: what === 'start' ? undefined : () => people(desktop), isDangerous: isRecycle || DEEDS[what].isDangerous,
        typeName: isRecycle && desktop.kind === 'dedicated' ? desktop.user || name : undefined,
        act: () => (isRecycle ? del(`${path(desktop.id)}?force=1`).then(() => go('desktops')) : post(`${path(desktop.id)}/${DEEDS[what].path}`)),
    });
}

const maintain = (desktop, on) => ask({
    title: `${on ? a.desktop.maintain : a.desktop.unmaintain}: ${nameOf(desktop)}`, text: on ? a.desktop.maintenanceNote : '',
    label: on ? a.desktop.maintain : a.desktop.unmaintain, affected: on ? () => people(desktop) : undefined,
    act: () => post(`${path(desktop.id)}/maintenance`, {on}), done: on ? a.desktop.done.maintainOn : a.desktop.done.maintainOff,
});

function Actions({desktop}) {
    if (!may('operator')) {
        return null;
    }
    const isOurs = desktop.kind !== 'static';
    const isOn = desktop.power === 'running';
    const isGiven = Boolean(desktop.user) && desktop.lease !== 'ending';
    const button = (what, isDangerous = false) => html`<button type="button" class=${`button ${isDangerous ? 'danger' : ''}`}
        onClick=${() => doIt(what, desktop)}>${a.desktop[what]}</button>`;
    return html`
        ${isOurs && ['stopped', 'failed', 'suspended'].includes(desktop.power) && button('start')}
        ${isOurs && isOn && isGiven && button('restart')}
        ${isOurs && isOn && isGiven && button('reset', true)}
        ${isOurs && isOn && button('stop')}
        <button type="button" class="button" onClick=${() => maintain(desktop, !desktop.maintenance)}>${desktop.maintenance ? a.desktop.unmaintain : a.desktop.maintain}</button>
        ${isOurs && button('recycle', true)}`;
}

const historyColumns = [
    {key: 'time_ms', label: a.desktop.time, cell: (row) => html`<span class="nowrap">${moment(row.time_ms)}</span>`},
    {key: 'action', label: a.desktop.action},
    {key: 'actor', label: a.desktop.actor},
    {key: 'user', label: a.desktop.user, cell: (row) => row.user || '–'},
    {key: 'reason', label: a.desktop.result, cell: (row) => row.reason || a.desktop.ok},
    {key: 'detail', label: a.desktop.detail, cell: (row) => row.detail || '–'},
];

/** The audit's rows of one object, newest first. */
export function History({object}) {
    const list = useList('/v1/audit', 'audit', ['audit'], {object});
    return html`<${Panel} title=${a.desktop.history} isWide=${true}><${DataTable} caption=${a.desktop.history} list=${list} columns=${historyColumns}
        order="time_ms" isDown=${true} empty=${a.desktop.historyNone} hasFind=${false} /><//>`;
}

function Desktop({id}) {
    const {value: desktop, error} = useObject(path(id), ['desktops', 'sessions']);
    if (!desktop) {
        return html`<${PageHead} title=${short(id)} page="desktops" />${error ? html`<${Fault} error=${error} />` : html`<p class="muted">${t.loading}</p>`}`;
    }
    return html`<${PageHead} title=${nameOf(desktop)} page="desktops"><${Actions} desktop=${desktop} /><//>
        ${error && html`<${Fault} error=${error} />`}
        ${desktop.reason && html`<${Notice} kind=${desktop.power === 'failed' ? 'danger' : 'warn'} role="status"><span>${desktop.reason_text || desktop.reason}</span>
            <span class="code">${t.code(desktop.reason)}</span><//>`}
        ${desktop.maintenance && html`<${Notice} kind="info">${a.desktop.maintenanceNote}<//>`}
        <div class="grid">
            <${Panel} title=${a.desktop.facts} isWide=${true}><${Facts} list=${[
                [a.desktop.power, html`<${Power} desktop=${desktop} />`],
                [a.desktop.lease, a.desktop.leases[desktop.lease] ?? desktop.lease],
                [a.session.guest, a.session.guests[desktop.guest_state]],
                [a.desktop.user, desktop.user && may('admin') ? html`<a href=${href('users', desktop.user)}>${desktop.user}</a>` : desktop.user || a.desktop.nobody],
                [a.desktop.session, desktop.session && html`<a href=${href('sessions', desktop.session)}>${short(desktop.session)}</a>`],
                [a.desktop.pool, html`<a href=${href('pools', desktop.pool)}>${desktop.pool}</a> (${a.desktop.kinds[desktop.kind] ?? desktop.kind})`],
                [a.desktop.host, desktop.host && html`<a href=${href('hosts', desktop.host)}>${desktop.host}</a>`],
                [a.desktop.template, desktop.template && html`<a href=${href('templates', desktop.template)}>${desktop.template}</a>, ${a.desktop.templateVersion(desktop.template_version)}`],
                [a.desktop.address, desktop.vnc || [desktop.machine, desktop.rdp].filter(Boolean).join(', ')],
                [a.desktop.attempts, desktop.attempts > 0 && desktop.attempts],
                [a.desktop.made, moment(desktop.created_ms)],
                [a.desktop.changed, moment(desktop.changed_ms)],
                [a.desktop.id, html`<code>${desktop.id}</code>`],
            ]} /><//>
            <${History} object=${`desktop:${id}`} />
        </div>`;
}

const columns = [
    {key: 'id', label: a.desktop.id, value: nameOf, cell: (row) => html`<a href=${href('desktops', row.id)}>${nameOf(row)}</a>`},
    {key: 'pool', label: a.desktop.pool},
    {key: 'user', label: a.desktop.user, cell: (row) => row.user || '–'},
    {key: 'lease', label: a.desktop.lease, value: (row) => a.desktop.leases[row.lease] ?? row.lease},
    {key: 'power', label: a.desktop.power, value: (row) => powerOf(row)[1], cell: (row) => html`<${Power} desktop=${row} />`},
    {key: 'host', label: a.desktop.host, cell: (row) => row.host || '–'},
    {key: 'problem', label: a.desktop.problem, value: (row) => row.reason_text || (row.maintenance ? a.desktop.maintenance : ''), cell: (row) => row.reason_text || (row.maintenance ? a.desktop.maintenance : '–')},
    {key: 'changed_ms', label: a.desktop.changed, isNumber: true, cell: (row) => since(row.changed_ms)},
];

/** A choice among names that a list has. */
export function FilterBy({label, all, path: where, listKey, value, onChange}) {
    const list = useList(where, listKey, [listKey]);
    const names = (list.rows ?? []).map((one) => one.name);
    return html`<${SelectField} label=${label} value=${value} options=${[['', all], ...[...new Set([...names, ...(value ? [value] : [])])].map((name) => [name, name])]}
        onChange=${(event) => onChange(event.currentTarget.value)} />`;
}

function List({query}) {
    const list = useList('/v1/desktops', 'desktops', ['desktops'], {pool: query.pool, host: query.host, lease: query.lease, power: query.power});
    const filter = (key) => (value) => go('desktops', '', Object.fromEntries(Object.entries({...query, [key]: value}).filter(([, one]) => one)));
    const count = load.value?.quarantined ?? 0;
    return html`<${PageHead} title=${a.pages.desktops}>${count > 0 && html`<a class="button" href=${href('quarantine')}>${a.desktop.quarantine(count)}</a>`}<//>
        <${DataTable} caption=${a.pages.desktops} list=${list} columns=${columns} empty=${a.desktop.none} emptyHint=${a.desktop.noneHint} filters=${html`
            <${FilterBy} label=${a.desktop.poolFilter} all=${a.desktop.allPools} path="/v1/pools" listKey="pools" value=${query.pool ?? ''} onChange=${filter('pool')} />
            <${FilterBy} label=${a.desktop.hostFilter} all=${a.desktop.allHosts} path="/v1/hosts" listKey="hosts" value=${query.host ?? ''} onChange=${filter('host')} />
            <${SelectField} label=${a.desktop.lease} value=${query.lease ?? ''} options=${[['', a.desktop.anyLease], ...Object.entries(a.desktop.leases)]} onChange=${(event) => filter('lease')(event.currentTarget.value)} />
            <${SelectField} label=${a.desktop.power} value=${query.power ?? ''} options=${[['', a.desktop.anyPower], ...Object.entries(a.desktop.powers)]} onChange=${(event) => filter('power')(event.currentTarget.value)} />`} />`;
}

export const Desktops = ({name, query}) => (name ? html`<${Desktop} id=${name} />` : html`<${List} query=${query} />`);

const judge = (row, verdict) => ask({
    title: a.quarantine[`${verdict}Title`](row.domain), text: verdict === 'adopt' ? a.quarantine.adoptText(row.user) : a.quarantine.purgeText,
    label: a.quarantine[verdict], isDangerous: verdict === 'purge', typeName: verdict === 'purge' ? row.domain : undefined,
    affected: async () => (row.user ? [a.desktop.belongsTo(row.user)] : []),
    act: () => post(`${path(row.id)}/${verdict}`), done: verdict === 'adopt' ? a.quarantine.adopted : a.quarantine.purged,
});

const quarantineColumns = [
    {key: 'domain', label: a.quarantine.machine},
    {key: 'pool', label: a.quarantine.pool, cell: (row) => row.pool || '–'},
    {key: 'user', label: a.quarantine.user, cell: (row) => row.user || '–'},
    {key: 'host', label: a.quarantine.host},
    {key: 'reason_text', label: a.quarantine.why},
    {key: 'seen_ms', label: a.quarantine.seen, cell: (row) => since(row.seen_ms)},
    {key: 'verdict', label: a.quarantine.verdict, value: (row) => a.quarantine.verdicts[row.verdict] ?? row.verdict},
    {key: 'acts', label: t.logins.act, isAction: true, cell: (row) => may('operator') && html`<div class="row">
        <button type="button" class="button" onClick=${() => judge(row, 'adopt')} aria-label=${`${a.quarantine.adopt}: ${row.domain}`}>${a.quarantine.adopt}</button>
        <button type="button" class="button danger" onClick=${() => judge(row, 'purge')} aria-label=${`${a.quarantine.purge}: ${row.domain}`}>${a.quarantine.purge}</button></div>`},
];

export function Quarantine() {
    const list = useList('/v1/quarantine', 'quarantine', ['quarantine']);
    return html`<${PageHead} title=${a.pages.quarantine} page="desktops" lead=${a.quarantine.lead} />
        <${DataTable} caption=${a.pages.quarantine} list=${list} columns=${quarantineColumns} empty=${a.quarantine.none} hasFind=${(list.rows?.length ?? 0) > 8} />`;
}
