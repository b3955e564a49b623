// Hosts: what they can, with remedies; how busy they are; emptying and forgetting them.
import {html} from 'htm/preact';
import {del, getRows, post} from '../api.js';
import {Fault} from '../parts.js';
import {t} from '../strings.js';
import {ask} from './confirm.js';
import {MOST_ROWS, useList, useObject} from './data.js';
import {Facts, Gauge, PageHead, Panel, State} from './detail.js';
import {Doctor} from './doctor.js';
import {mebibytes, percent, since} from './format.js';
import {may} from './me.js';
import {go, href} from './route.js';
import {a} from './strings.js';
import {DataTable} from './table.js';

const SILENT_MS = 30000;

/** @returns {['ok'|'warn'|'problem', string]} */
export function hostState(host) {
    if (host.state !== 'up') {
        return ['problem', a.host.down];
    }
    if (Date.now() - host.heartbeat_ms > SILENT_MS) {
        return ['problem', a.host.silent];
    }
    return host.is_draining ? ['warn', a.host.draining] : ['ok', a.host.up];
}

const used = (host) => (host.memory_mib > 0 ? 100 - (host.free_memory_mib / host.memory_mib) * 100 : 0);
const StateOf = ({host}) => html`<${State} kind=${hostState(host)[0]}>${hostState(host)[1]}<//>`;

/** Whose desktops are on it. @param {string} host @returns {Promise<string[]>} */
async function peopleOn(host) {
    const {rows} = await getRows('/v1/desktops', 'desktops', MOST_ROWS, {host});
    return rows.filter((one) => one.user).map((one) => a.host.person(one.user, one.pool));
}

/** Also everybody who comes, where it is the last one that is used. @param {string} host @returns {Promise<string[]>} */
async function whomDrainAffects(host) {
    const [{rows}, people] = await Promise.all([getRows('/v1/hosts', 'hosts', MOST_ROWS), peopleOn(host)]);
    const hasOther = rows.some((one) => one.name !== host && one.state === 'up' && !one.is_draining);
    return hasOther ? people : [a.host.drainLast, ...people];
}

const path = (name) => `/v1/hosts/${encodeURIComponent(name)}`;
const drain = (name) => ask({
    title: a.host.drainTitle(name), text: a.host.drainText, affected: () => whomDrainAffects(name), label: a.host.drain, isDangerous: true,
    act: () => post(`${path(name)}/drain`), done: a.host.drained(name),
});
const undrain = (name) => ask({
    title: a.host.undrainTitle(name), text: a.host.undrainText, label: a.host.undrain, act: () => post(`${path(name)}/undrain`), done: a.host.undrained(name),
});
const remove = (name) => ask({
    title: a.host.removeTitle(name), text: a.host.removeText, affected: () => peopleOn(name), typeName: name, label: a.host.remove, isDangerous: true,
    act: () => del(path(name)).then(() => go('hosts')), done: a.host.removed(name),
});

function Actions({host, isAlone = false}) {
    return html`<div class="row">
        ${may('operator') && (host.is_draining ? html`<button type="button" class="button" onClick=${() => undrain(host.name)} aria-label=${`${a.host.undrain}: ${host.name}`}>${a.host.undrain}</button>`
            : html`<button type="button" class="button" onClick=${() => drain(host.name)} aria-label=${`${a.host.drain}: ${host.name}`}>${a.host.drain}</button>`)}
        ${isAlone && may('admin') && html`<button type="button" class="button danger" onClick=${() => remove(host.name)}>${a.host.remove}</button>`}
    </div>`;
}

const columns = [
    {key: 'name', label: a.host.name, cell: (row) => html`<a href=${href('hosts', row.name)}>${row.name}</a>`},
    {key: 'state', label: a.host.state, value: (row) => hostState(row)[1], cell: (row) => html`<${StateOf} host=${row} />`},
    {key: 'accel', label: a.host.accel, value: (row) => a.host.accels[row.accel] ?? row.accel},
    {key: 'cpus', label: a.host.cpus, isNumber: true},
    {key: 'cpu_percent', label: a.host.cpu, isNumber: true, cell: (row) => percent(row.cpu_percent)},
    {key: 'load', label: a.host.load, isNumber: true, cell: (row) => (row.load ?? 0).toFixed(2)},
    {key: 'memory', label: a.host.memory, isNumber: true, value: used, cell: (row) => `${percent(used(row))} of ${mebibytes(row.memory_mib)}`},
    {key: 'free_disk_mib', label: a.host.disk, isNumber: true, cell: (row) => mebibytes(row.free_disk_mib)},
    {key: 'acts', label: t.logins.act, isAction: true, cell: (row) => html`<${Actions} host=${row} />`},
];

const reportColumns = [
    {key: 'name', label: a.host.ability, value: (row) => a.host.items[row.name] ?? row.name.replaceAll('_', ' ')},
    {key: 'state', label: a.host.state, cell: (row) => html`<${State} kind=${{yes: 'ok', no: 'problem', partly: 'warn'}[row.state] ?? 'idle'}>${a.host.abilities[row.state] ?? row.state}<//>`},
    {key: 'reason', label: a.host.finding},
    {key: 'remedy', label: a.host.remedy, cell: (row) => row.remedy || a.host.noRemedy},
];

function Host({name}) {
    const {value: host, error} = useObject(path(name), ['hosts', 'desktops', 'sessions']);
    if (!host) {
        return html`<${PageHead} title=${name} page="hosts" />${error ? html`<${Fault} error=${error} />` : html`<p class="muted">${t.loading}</p>`}`;
    }
    const pressures = Object.entries(host.pressure ?? {});
    return html`<${PageHead} title=${name} page="hosts"><${Actions} host=${host} isAlone=${true} /><//>
        ${error && html`<${Fault} error=${error} />`}
        <div class="grid">
            <${Panel} title=${a.host.state}><${Facts} list=${[
                [a.host.state, html`<${StateOf} host=${host} />`],
                ['', host.reason_text],
                [a.host.accel, `${a.host.accels[host.accel] ?? host.accel}${host.accel_reason ? ` (${host.accel_reason})` : ''}`],
                [a.host.desktops, html`<a href=${href('desktops', '', {host: name})}>${host.desktops}</a>`],
                [a.host.given, host.given],
                [a.host.sessions, host.sessions],
                [a.host.disk, mebibytes(host.free_disk_mib)],
                [a.host.uri, html`<code>${host.uri}</code>`],
                [a.host.heard, since(host.heartbeat_ms)],
            ].filter(([label, value]) => label !== '' || value)} /><//>
            <${Panel} title=${a.host.load}>
                <${Gauge} label=${a.host.cpu} share=${host.cpu_percent} words=${`${percent(host.cpu_percent)} of ${host.cpus}`} />
                <${Gauge} label=${a.host.memory} share=${used(host)} words=${`${mebibytes(host.memory_mib - host.free_memory_mib)} of ${mebibytes(host.memory_mib)}`} />
                <${Facts} list=${[[a.host.load, (host.load ?? 0).toFixed(2)],
                    ...pressures.map(([what, share]) => [`${a.host.pressure} ${a.host.pressures[what] ?? what}`, `${share.toFixed(1)} %`])]} />
            <//>
            <${Panel} title=${a.host.report} isWide=${true}><${DataTable} caption=${a.host.report} list=${{rows: host.report?.items ?? []}} columns=${reportColumns}
                rowKey="name" empty=${a.host.reportNone} hasFind=${false} hasFoot=${false} order="" /><//>
            <${Doctor} host=${name} />
        </div>`;
}

function List() {
    const list = useList('/v1/hosts', 'hosts', ['hosts']);
    return html`<${PageHead} title=${a.pages.hosts} />
        <${DataTable} caption=${a.pages.hosts} list=${list} columns=${columns} rowKey="name" empty=${a.host.none} emptyHint=${a.host.noneHint} hasFind=${(list.rows?.length ?? 0) > 8} />`;
}

export const Hosts = ({name}) => (name ? html`<${Host} name=${name} />` : html`<${List} />`);
