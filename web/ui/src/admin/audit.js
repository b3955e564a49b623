// The audit: who did what, and what was refused; filtered by the server, exported as a file.
import {html} from 'htm/preact';
import {useState} from 'preact/hooks';
import {getRows} from '../api.js';
import {Field} from '../parts.js';
import {useList} from './data.js';
import {PageHead} from './detail.js';
import {Form, SelectField} from './form.js';
import {moment} from './format.js';
import {go, href} from './route.js';
import {DataTable} from './table.js';
import {toast, toastFault} from './toasts.js';
import {w} from './words.js';

const d = w.audit;
const MOST_EXPORTED = 100000;
const FIELDS = ['seq', 'id', 'time_ms', 'actor', 'action', 'reason', 'object', 'user', 'client', 'detail', 'count'];

/** "pool:office" leads to its page. */
function ObjectLink({name}) {
    const pages = {desktop: 'desktops', session: 'sessions', pool: 'pools', user: 'users', group: 'groups', host: 'hosts', template: 'templates'};
    const [kind, ...rest] = name.split(':');
    return pages[kind] && rest.length > 0 ? html`<a href=${href(pages[kind], rest.join(':'))}>${name}</a>` : name;
}

const columns = [
    {key: 'seq', label: d.time, cell: (row) => html`<time datetime=${new Date(row.time_ms).toISOString()}>${moment(row.time_ms)}</time>`},
    {key: 'actor', label: d.actor},
    {key: 'action', label: d.action},
    {key: 'object', label: d.object, cell: (row) => html`<${ObjectLink} name=${row.object} />`},
    {key: 'user', label: d.user},
    {key: 'reason', label: d.reason, cell: (row) => row.reason && html`<span class="state warn">${row.reason}</span>`},
    {key: 'client', label: d.client},
    {key: 'count', label: d.count, isNumber: true, cell: (row) => (row.count > 1 ? row.count : '')},
    {key: 'detail', label: d.detail, cell: (row) => html`<span class="detail">${row.detail}</span>`},
];

/** A spreadsheet must not take a text for a formula. @param {any} value */
function cell(value) {
    const text = String(value ?? '');
    return `"${(/^[=+\-@\t\r]/.test(text) ? `'${text}` : text).replaceAll('"', '""')}"`;
}

function download(rows) {
    const text = [FIELDS.join(','), ...rows.map((row) => FIELDS.map((name) => cell(row[name])).join(','))].join('\r\n');
    const url = URL.createObjectURL(new Blob([text], {type: 'text/csv'}));
    Object.assign(document.createElement('a'), {href: url, download: `oriel-audit-${new Date().toISOString().slice(0, 10)}.csv`}).click();
    setTimeout(() => URL.revokeObjectURL(url), 60000);
}

/** What the server is asked, of what the address has. */
function queryOf({user, action, object, reason, since, until}) {
    const ms = (text) => (Date.parse(text) > 0 ? Date.parse(text) : '');
    return {user, action, object, reason, since_ms: ms(since), until_ms: ms(until)};
}

function Filters({query}) {
    const show = async (values) => go('audit', '', Object.fromEntries(Object.entries(values).filter(([, value]) => value !== '')));
    return html`<details class="panel" open=${Object.keys(query).length > 0}><summary>${d.which}</summary>
        <${Form} act=${show} label=${d.apply}>${() => html`<div class="grid">
            <${Field} label=${d.filterUser} name="user" defaultValue=${query.user ?? ''} autocomplete="off" />
            <${Field} label=${d.filterAction} name="action" defaultValue=${query.action ?? ''} autocomplete="off" />
            <${Field} label=${d.filterObject} name="object" defaultValue=${query.object ?? ''} placeholder="pool:office" autocomplete="off" />
            <${SelectField} label=${d.reason} name="reason" options=${[['', d.all], ['any', d.refusals]]} value=${query.reason ?? ''} />
            <${Field} label=${d.since} name="since" type="datetime-local" defaultValue=${query.since ?? ''} />
            <${Field} label=${d.until} name="until" type="datetime-local" defaultValue=${query.until ?? ''} />
        </div>`}<//>
    </details>`;
}

export function Audit({query}) {
    const [busy, setBusy] = useState(false);
    const asked = queryOf(query);
    const list = useList('/v1/audit', 'audit', ['audit'], asked);
    const save = async () => {
        setBusy(true);
        try {
            const {rows} = await getRows('/v1/audit', 'audit', MOST_EXPORTED, {...asked, limit: 1000});
            download(rows);
            toast(d.exported(rows.length));
        } catch (fault) {
            toastFault(fault);
        }
        setBusy(false);
    };
    return html`<${PageHead} title=${d.title} lead=${d.lead}>
        <button type="button" class="button" aria-disabled=${busy ? 'true' : null} onClick=${() => !busy && save()}>${busy ? d.exporting : d.export}</button>
    <//>
    <${Filters} key=${JSON.stringify(query)} query=${query} />
    <${DataTable} caption=${d.title} list=${list} columns=${columns} empty=${d.empty} order="seq" isDown hasFind=${false} />`;
}
