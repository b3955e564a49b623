// Looking at somebody's desktop: asking for it, and who looks. The picture itself is the desktop page's (#watch=ID).
import {html} from 'htm/preact';
import {useEffect} from 'preact/hooks';
import {pathOf, post} from '../api.js';
import {ask} from './confirm.js';
import {useList} from './data.js';
import {Panel, State} from './detail.js';
import {CheckField, TextField} from './form.js';
import {moment} from './format.js';
import {may, me} from './me.js';
import {a} from './strings.js';
import {DataTable} from './table.js';

const w = a.session.watch;
const LOOK_MS = 2000;
const WHY_BYTES = 200;
const isOpen = (row) => row.state === 'asked' || row.state === 'granted' || row.state === 'active';
const kindOf = (state) => ({asked: 'warn', granted: 'warn', active: 'ok'}[state] ?? 'idle');

/** @param {{id: string, user: string}} session */
export function look(session, onDone = () => {}) {
    const values = {why: '', break_glass: false};
    ask({
        title: w.title(session.user), text: w.text, label: w.submit, done: w.done,
        children: html`<${TextField} label=${w.why} hint=${w.whyHint} rows=${2} maxlength=${WHY_BYTES} required onInput=${(event) => {
            values.why = event.currentTarget.value;
        }} />${me.value?.may_break_glass && html`<${CheckField} label=${w.glass} hint=${w.glassHint} onChange=${(event) => {
            values.break_glass = event.currentTarget.checked;
        }} />`}`,
        act: () => post(`/v1/sessions/${encodeURIComponent(session.id)}/watch`, {why: values.why.trim(), break_glass: values.break_glass}).then(onDone),
    });
}

function Acts({row, onDone}) {
    if (!may('operator') || !isOpen(row)) {
        return null;
    }
    const isMine = row.watcher === me.value?.name && row.state !== 'active';
    return html`<div class="row">
        ${isMine && html`<a class="button primary" href=${`/desktop/${pathOf(row.pool)}#watch=${row.id}`} target="_blank" rel="noopener">${w.open}</a>`}
        <button type="button" class="button" aria-label=${`${w.end}: ${row.watcher}`} onClick=${() => post(`/v1/watches/${row.id}/end`).then(onDone, onDone)}>${w.end}</button>
    </div>`;
}

/** Who looks at this session's desktop, or did. */
export function Watches({session}) {
    const list = useList('/v1/watches', 'watches', ['sessions'], {session: session.id});
    const hasOpen = (list.rows ?? []).some(isOpen);
    useEffect(() => {
        if (!hasOpen) {
            return undefined;
        }
        const timer = setInterval(() => document.visibilityState === 'visible' && list.reload(), LOOK_MS);
        return () => clearInterval(timer);
    }, [hasOpen]);
    const columns = [
        {key: 'watcher', label: w.watcher},
        {key: 'mode', label: w.mode, value: (row) => w.modes[row.mode] ?? row.mode},
        {key: 'state', label: w.state, value: (row) => w.states[row.state] ?? row.state, cell: (row) => html`<${State} kind=${kindOf(row.state)}>${w.states[row.state] ?? row.state}<//>`},
        {key: 'why', label: w.why},
        {key: 'created_ms', label: w.when, cell: (row) => moment(row.created_ms)},
        {key: 'reason', label: w.reason, cell: (row) => row.reason && html`<code>${row.reason}</code>`},
        {key: 'acts', label: a.session.watch.open, isAction: true, cell: (row) => html`<${Acts} row=${row} onDone=${list.reload} />`},
    ];
    const actions = may('operator') && session.state === 'active' && session.user !== me.value?.name
        && html`<button type="button" class="button" onClick=${() => look(session, list.reload)}>${w.look}</button>`;
    return html`<${Panel} title=${w.list} isWide actions=${actions || null}>
        <${DataTable} caption=${w.list} list=${list} columns=${columns} rowKey="id" order="created_ms" isDown empty=${w.none} hasFind=${false} />
    <//>`;
}
