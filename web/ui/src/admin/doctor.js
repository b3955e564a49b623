// What `oriel doctor` checks on a host, and what to do about each: bad ones first.
import {html} from 'htm/preact';
import {Fault} from '../parts.js';
import {useObject} from './data.js';
import {Panel, State} from './detail.js';
import {DataTable} from './table.js';
import {w} from './words.js';

const d = w.doctor;
const kinds = {ok: 'ok', warn: 'warn', bad: 'problem'};
const order = ['bad', 'warn', 'ok'];

const columns = [
    {key: 'state', label: w.state, cell: (row) => html`<${State} kind=${kinds[row.state] ?? 'idle'}>${d.states[row.state] ?? row.state}<//>`},
    {key: 'area', label: d.area},
    {key: 'object', label: d.object, cell: (row) => html`<span class="mono">${row.object}</span>`},
    {key: 'text', label: d.finding},
    {key: 'remedy', label: d.remedy, cell: (row) => row.remedy || d.noRemedy},
];

export function Doctor({host}) {
    const found = useObject(`/v1/hosts/${encodeURIComponent(host)}/doctor`, ['alarms']);
    const checks = found.value?.checks ?? [];
    const rows = checks.map((check, number) => ({...check, number})).sort((a, b) => order.indexOf(a.state) - order.indexOf(b.state) || a.number - b.number);
    const count = (state) => checks.filter((check) => check.state === state).length;
    return html`<${Panel} title=${d.title} isWide=${true} actions=${html`<button type="button" class="button" onClick=${found.reload}>${d.again}</button>`}>
        ${found.error && html`<${Fault} error=${found.error} />`}
        ${found.value && html`<p role="status">${d.sum(checks.length, count('bad'), count('warn'))}</p>
            <${DataTable} caption=${d.title} list=${{rows}} columns=${columns} rowKey="number" empty=${w.none} hasFind=${false} hasFoot=${false} order="" />`}
    <//>`;
}
