// The images that desktops of a template begin as copies of: how far each is, and why one could not be made.
import {html} from 'htm/preact';
import {useEffect} from 'preact/hooks';
import {MOST_ROWS, useList} from './data.js';
import {Panel, State} from './detail.js';
import {mebibytes, moment} from './format.js';
import {href} from './route.js';
import {DataTable} from './table.js';
import {w} from './words.js';

const g = w.goldens;
const KINDS = {building: 'info', ready: 'ok', failed: 'problem', stale: 'idle'};
/** No event tells of their progress. */
const PAUSES_MS = {building: 2000, resting: 15000};

function GoldenState({one}) {
    const isBuilding = one.state === 'building';
    return html`<${State} kind=${KINDS[one.state] ?? 'idle'}>${g.states[one.state] ?? one.state}${isBuilding ? `, ${g.percent(one.percent)}` : ''}<//> ${one.text}`;
}

/** @param {{template: string}} props */
export function Goldens({template}) {
    const list = useList('/v1/goldens', 'goldens', ['templates', 'desktops', 'pools', 'alarms'], {}, MOST_ROWS);
    const rows = list.rows?.filter((one) => one.template === template) ?? null;
    const pause = rows?.some((one) => one.state === 'building') ? PAUSES_MS.building : PAUSES_MS.resting;
    useEffect(() => {
        const timer = setInterval(() => document.hidden || list.reload(), pause);
        return () => clearInterval(timer);
    }, [pause, template]);
    return html`<${Panel} title=${g.title} isWide>
        <${DataTable} caption=${g.title} list=${{...list, rows}} rowKey="id" order="created_ms" isDown hasFind=${false} empty=${g.none} emptyHint=${g.noneHint} columns=${[
            {key: 'state', label: w.state, value: (row) => g.states[row.state] ?? row.state, cell: (row) => html`<${GoldenState} one=${row} />`},
            {key: 'template_version', label: w.templates.version, isNumber: true},
            {key: 'method', label: g.method, value: (row) => g.methods[row.method] ?? row.method},
            {key: 'memory_mib', label: w.templates.memory, isNumber: true, cell: (row) => mebibytes(row.memory_mib)},
            {key: 'attempts', label: g.attempts, isNumber: true},
            {key: 'host', label: w.jobs.host, cell: (row) => html`<a href=${href('hosts', row.host)}>${row.host}</a>`},
            {key: 'created_ms', label: w.jobs.begun, cell: (row) => moment(row.created_ms)},
        ]} /><//>`;
}
