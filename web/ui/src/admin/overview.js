// The state of everything at a glance: numbers that lead on, charts, what is wrong.
import {html} from 'htm/preact';
import {useEffect, useState} from 'preact/hooks';
import {get} from '../api.js';
import {Fault} from '../parts.js';
import {linkOf} from './alarms.js';
import {Chart} from './chart.js';
import {useList} from './data.js';
import {PageHead, Panel, State, Tile} from './detail.js';
import {SelectField} from './form.js';
import {percent, since} from './format.js';
import {hostState} from './hosts.js';
import {load} from './live.js';
import {href} from './route.js';
import {a} from './strings.js';
import {DataTable} from './table.js';

const SAMPLE_MS = 60000;

function Tiles({now}) {
    const {hosts, desktops, sessions} = now;
    return html`<div class="tiles">
        <${Tile} to=${href('sessions')} label=${a.overview.sessions} value=${sessions.active} hint=${a.overview.sessionsHint(sessions.disconnected)} />
        <${Tile} to=${href('sessions')} label=${a.overview.waiting} value=${sessions.waiting} hint=${a.overview.waitingHint} kind=${sessions.waiting > 0 ? 'warn' : ''} />
        <${Tile} to=${href('desktops')} label=${a.overview.desktops} value=${desktops.total} hint=${a.overview.desktopsHint(desktops.ready, desktops.given)} />
        ${desktops.failed > 0 && html`<${Tile} to=${href('desktops', '', {power: 'failed'})} label=${a.overview.failed} value=${desktops.failed} hint=${a.overview.failedHint} kind="problem" />`}
        <${Tile} to=${href('hosts')} label=${a.overview.hosts} value=${hosts.up} hint=${a.overview.hostsHint(hosts.down, hosts.draining)} kind=${hosts.down > 0 ? 'problem' : ''} />
        <${Tile} to=${href('alarms')} label=${a.overview.alarms} value=${now.alarms} hint=${a.overview.alarmsHint(now.alarms)} kind=${now.alarms > 0 ? 'problem' : ''} />
        ${now.quarantined > 0 && html`<${Tile} to=${href('quarantine')} label=${a.overview.quarantine} value=${now.quarantined} hint=${a.overview.quarantineHint} kind="warn" />`}
    </div>`;
}

/** The history, asked for anew each minute. @param {string} minutes */
function useHistory(minutes) {
    const [state, setState] = useState(/** @type {{history: any, error: any}} */ ({history: null, error: null}));
    useEffect(() => {
        let isOver = false;
        const ask = () => get(`/v1/load?minutes=${minutes}`).then((history) => !isOver && setState({history, error: null}),
            (error) => !isOver && setState((was) => ({...was, error})));
        ask();
        const timer = setInterval(ask, SAMPLE_MS);
        return () => {
            isOver = true;
            clearInterval(timer);
        };
    }, [minutes]);
    return state;
}

function Charts() {
    const [minutes, setMinutes] = useState('60');
    const {history, error} = useHistory(minutes);
    const times = (history?.times_ms ?? []).map((ms) => ms / 1000);
    const has = times.length > 0;
    const number = (value) => (value >= 10 ? String(Math.round(value)) : String(Math.round(value * 10) / 10));
    return html`<section aria-label=${a.overview.charts}>
        <div class="row between chart-bar"><h2>${a.overview.charts}</h2><div class="short"><${SelectField} label=${a.overview.span} value=${minutes}
            options=${Object.entries(a.overview.spans)} onChange=${(event) => setMinutes(event.currentTarget.value)} /></div></div>
        ${error && html`<${Fault} error=${error} />`}
        ${history && !has && html`<p class="muted">${a.overview.none}</p>`}
        ${has && html`<div class="grid">
            <${Chart} title=${a.overview.cpuTitle} times=${times} max=${100} format=${percent} series=${[{label: a.overview.cpu, values: history.cpu_percent}]} />
            <${Chart} title=${a.overview.memoryTitle} times=${times} max=${100} format=${percent} series=${[{label: a.overview.memory, values: history.memory_percent}]} />
            <${Chart} title=${a.overview.sessionsTitle} times=${times} format=${number}
                series=${[{label: a.overview.active, values: history.sessions}, {label: a.overview.waitingLine, values: history.waiting}]} />
            <${Chart} title=${a.overview.latencyTitle} times=${times} format=${(value) => `${number(value)} ms`}
                series=${[{label: a.overview.median, values: history.latency_ms}, {label: a.overview.slow, values: history.latency_p95_ms}]} />
        </div>
        ${times.length < Number(minutes) - 1 && html`<p class="small muted">${a.overview.history(times.length)}</p>`}`}
    </section>`;
}

const poolColumns = [
    {key: 'name', label: a.desktop.pool, cell: (row) => html`<a href=${href('pools', row.name)}>${row.name}</a>`},
    {key: 'ready', label: a.overview.ready, isNumber: true, value: (row) => row.desktops?.ready ?? 0},
    {key: 'given', label: a.overview.given, isNumber: true, value: (row) => row.desktops?.given ?? 0},
    {key: 'max', label: a.overview.max, isNumber: true, value: (row) => row.max ?? 0, cell: (row) => row.max || '–'},
    {key: 'waiting', label: a.overview.waiting, isNumber: true, value: (row) => row.waiting ?? 0},
    {key: 'problem', label: a.overview.problem, value: (row) => row.problem_text ?? '', cell: (row) => (row.problem ? html`<${State} kind="problem">${row.problem_text}<//>` : '–')},
];
const hostColumns = [
    {key: 'name', label: a.host.name, cell: (row) => html`<a href=${href('hosts', row.name)}>${row.name}</a>`},
    {key: 'state', label: a.host.state, value: (row) => hostState(row)[1], cell: (row) => html`<${State} kind=${hostState(row)[0]}>${hostState(row)[1]}<//>`},
    {key: 'cpu_percent', label: a.host.cpu, isNumber: true, cell: (row) => percent(row.cpu_percent)},
    {key: 'memory', label: a.host.memory, isNumber: true, value: (row) => (row.memory_mib > 0 ? 100 - (row.free_memory_mib / row.memory_mib) * 100 : 0),
        cell: (row) => percent(row.memory_mib > 0 ? 100 - (row.free_memory_mib / row.memory_mib) * 100 : null)},
];
const alarmColumns = [
    {key: 'object', label: a.alarm.object, cell: (row) => linkOf(row.object)},
    {key: 'text', label: a.alarm.what},
    {key: 'since_ms', label: a.alarm.since, cell: (row) => since(row.since_ms)},
];

export function Overview() {
    const pools = useList('/v1/pools', 'pools', ['pools', 'desktops', 'sessions']);
    const hosts = useList('/v1/hosts', 'hosts', ['hosts']);
    const alarms = useList('/v1/alarms', 'alarms', ['alarms']);
    const now = load.value;
    return html`<${PageHead} title=${a.pages.overview} />
        ${now?.sessions && html`<${Tiles} now=${now} />`}
        <${Charts} />
        <div class="grid">
            <${Panel} title=${a.overview.poolsPanel} isWide=${true}><${DataTable} caption=${a.overview.poolsPanel} list=${pools} columns=${poolColumns} rowKey="name"
                empty=${a.overview.noPools} hasFind=${false} hasFoot=${false} /><//>
            <${Panel} title=${a.overview.hostsPanel}><${DataTable} caption=${a.overview.hostsPanel} list=${hosts} columns=${hostColumns} rowKey="name"
                empty=${a.overview.noHosts} hasFind=${false} hasFoot=${false} /><//>
            <${Panel} title=${a.overview.alarmsPanel}><${DataTable} caption=${a.overview.alarmsPanel} list=${alarms} columns=${alarmColumns}
                rowKey=${(row) => `${row.reason} ${row.object}`} empty=${a.overview.noAlarms} hasFind=${false} hasFoot=${false} /><//>
        </div>`;
}
