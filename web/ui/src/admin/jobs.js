// What hosts were asked to do that takes a while: how far it is, how it ended, and why.
import {html} from 'htm/preact';
import {post} from '../api.js';
import {Fault, Notice} from '../parts.js';
import {t} from '../strings.js';
import {linkOf} from './alarms.js';
import {ask} from './confirm.js';
import {useList, useObject} from './data.js';
import {Facts, PageHead, Panel, State} from './detail.js';
import {bytes, moment, since} from './format.js';
import {may} from './me.js';
import {href} from './route.js';
import {DataTable} from './table.js';
import {cancelJob, uploads} from './upload.js';
import {w} from './words.js';

const m = w.jobs;
const KINDS = {waiting: 'info', queued: 'info', running: 'info', done: 'ok', failed: 'problem', cancelled: 'idle'};
const FINDINGS = {ok: 'ok', warn: 'warn', bad: 'problem', unknown: 'idle'};
const INSTALLS_FROM = 50; // per cent: the ISO is there
const NAME_MAX = 63;
/** The pool that shows what is being installed, as broker/build.c names it. */
const poolOf = (job) => `build-${job.object.split(':')[1]}`.slice(0, NAME_MAX);
const isLive = (job) => ['waiting', 'queued', 'running'].includes(job.state);

export const JobState = ({job}) => html`<${State} kind=${KINDS[job.state] ?? 'idle'}>${m.states[job.state] ?? job.state}<//>`;

/** How far it is, in the browser's own figures while the file goes from here. */
export function Progress({job}) {
    const mine = uploads.value[job.id];
    if (!isLive(job)) {
        return job.state === 'failed' ? html`${job.reason_text} <code class="muted">${job.reason}</code>` : '';
    }
    const percent = mine ? Math.floor((mine.sent / mine.size) * 50) : job.progress_percent;
    const words = mine && mine.sent < mine.size ? m.sending(bytes(mine.sent), bytes(mine.size))
        : job.is_cancel_wanted ? m.ending : m.texts[job.progress_text] ?? (job.progress_text || m.states[job.state]);
    return html`<div class="progress"><span class="small" role="status">${words}</span>
        <progress max="100" value=${percent} aria-label=${m.progress}>${percent} %</progress></div>`;
}

const cancel = (job) => ask({title: m.cancelAsk(m.kinds[job.kind] ?? job.kind), text: m.cancelText, label: m.cancel, isDangerous: true, act: () => cancelJob(job.id)});
const seal = (job) => ask({title: m.sealAsk, text: m.sealText, label: m.seal, act: () => post(`/v1/jobs/${job.id}/seal`), done: m.sealed});

/** What can be done with it. */
export function JobActs({job}) {
    const isInstalled = job.kind === 'template.build' && job.state === 'running' && !job.is_seal_wanted && job.progress_percent >= INSTALLS_FROM;
    return isLive(job) && html`<div class="row">
        ${isInstalled && html`<a class="button" href=${`/desktop/${poolOf(job)}`} target="_blank" rel="noopener">${m.open}</a>`}
        ${isInstalled && may('admin') && html`<button type="button" class="button" onClick=${() => seal(job)}>${m.seal}</button>`}
        ${may('operator') && !job.is_cancel_wanted && html`<button type="button" class="button" aria-label=${`${m.cancel}: ${m.kinds[job.kind] ?? job.kind}`} onClick=${() => cancel(job)}>${m.cancel}</button>`}
    </div>`;
}

const columns = [
    {key: 'kind', label: m.kind, value: (row) => m.kinds[row.kind] ?? row.kind, cell: (row) => html`<a href=${href('jobs', row.id)}>${m.kinds[row.kind] ?? row.kind}</a>`},
    {key: 'object', label: m.object, cell: (row) => linkOf(row.object)},
    {key: 'state', label: w.state, value: (row) => m.states[row.state], cell: (row) => html`<${JobState} job=${row} />`},
    {key: 'progress_percent', label: m.progress, cell: (row) => html`<${Progress} job=${row} />`},
    {key: 'created_ms', label: m.begun, isNumber: true, cell: (row) => since(row.created_ms)},
    {key: 'act', label: w.act, isAction: true, cell: (row) => html`<${JobActs} job=${row} />`},
];

/** Those of one object. @param {{object: string, title: string}} props */
export function JobsOf({object, title}) {
    const list = useList('/v1/jobs', 'jobs', ['jobs'], {object, limit: 20});
    return html`<${Panel} title=${title} isWide>
        <${DataTable} caption=${title} list=${{...list, isWhole: true}} columns=${columns.filter(({key}) => key !== 'object')} rowKey="id" order="created_ms" isDown hasFind=${false} empty=${m.none} /><//>`;
}

/** What a template's check found. */
function Findings({result}) {
    return html`<${Panel} title=${m.findings} isWide>
        <${DataTable} caption=${m.findings} list=${{rows: result.items}} rowKey="item" hasFind=${false} empty=${w.none} columns=${[
            {key: 'item', label: m.item, value: (row) => m.items[row.item] ?? row.item},
            {key: 'finding', label: m.finding, cell: (row) => html`<${State} kind=${FINDINGS[row.finding] ?? 'idle'}>${m.found[row.finding] ?? row.finding}<//>`},
            {key: 'text', label: m.what},
            {key: 'todo', label: m.todo},
        ]} /><//>`;
}

function Job({id}) {
    const object = useObject(`/v1/jobs/${encodeURIComponent(id)}`, ['jobs']);
    const job = object.value;
    const name = job && (m.kinds[job.kind] ?? job.kind);
    return html`<${PageHead} title=${name ?? m.title} page="jobs">${job && html`<${JobState} job=${job} /><${JobActs} job=${job} />`}<//>
        ${object.error && html`<${Fault} error=${object.error} />`}
        ${!job ? !object.error && html`<${Notice} kind="info">${t.loading}<//>` : html`<div class="grid">
            <${Panel} title=${m.facts}>
                <${Facts} list=${[[m.object, linkOf(job.object)], [m.host, job.host], [m.by, job.actor], [m.begun, moment(job.created_ms)], [m.changed, moment(job.changed_ms)],
                    [m.version, job.result?.version]]} />
                <${Progress} job=${job} />
                ${job.kind === 'template.build' && job.state === 'running' && !job.is_seal_wanted && html`<${Notice} kind="info">${m.buildHint(poolOf(job))}<//>`}
            <//>
            ${job.result?.items && html`<${Findings} result=${job.result} />`}</div>`}`;
}

function JobList() {
    const list = useList('/v1/jobs', 'jobs', ['jobs']);
    return html`<${PageHead} title=${m.title} />
        <${DataTable} caption=${m.title} list=${list} columns=${columns} rowKey="id" order="created_ms" isDown hasFind=${false} empty=${m.none} emptyHint=${m.noneHint} />`;
}

export const Jobs = ({name}) => (name ? html`<${Job} id=${name} />` : html`<${JobList} />`);
