// Plan before apply: what a change would do, and to whom; then it is done, or nothing is.
import {html} from 'htm/preact';
import {useEffect, useState} from 'preact/hooks';
import {post} from '../api.js';
import {Dialog, Fault, Notice} from '../parts.js';
import {t} from '../strings.js';
import {DataTable} from './table.js';
import {toast, toastFault, useGone} from './toasts.js';
import {w} from './words.js';

const p = w.pools;
/** @param {any} value of a setting; of a new object all that is said of it */
function words(value) {
    if (value !== null && typeof value === 'object') {
        return Object.entries(value).filter(([key]) => key !== 'name').map(([key, one]) => `${key}: ${words(one)}`).join(', ');
    }
    return value === '' || value === null || value === undefined ? '–' : value === true ? w.yes : value === false ? w.no : String(value);
}

/** @param {{what: string, count: number, names: string[]}[]} list */
const affected = (list) => (list ?? []).map(({what, count, names}) => {
    const more = count - (names?.length ?? 0);
    return `${count} ${p.affectsWhat[what] ?? what}${names?.length > 0 ? `: ${names.join(', ')}${more > 0 ? ', …' : ''}` : ''}`;
}).join('; ');

const columns = [
    {key: 'name', label: w.name, value: (row) => `${row.kind} ${row.name}`},
    {key: 'field', label: p.field, cell: (row) => (row.op === 'change' ? row.field : html`<strong>${p.ops[row.op]}</strong>`)},
    {key: 'from', label: p.from, value: (row) => words(row.from)},
    {key: 'to', label: p.to, value: (row) => words(row.to)},
    {key: 'affects', label: p.affects, value: (row) => affected(row.affects)},
];

/** A refused field is "/pools/0/max"; forms know it as "max". */
function named(fault) {
    if (fault.fields) {
        fault.fields = Object.fromEntries(Object.entries(fault.fields).map(([path, text]) => [path.split('/').at(-1), text]));
    }
    return fault;
}

/** What would change by these objects. @param {any} objects */
export const planOf = (objects) => post('/v1/plan', {objects}).catch((fault) => {
    throw named(fault);
});

const LOST = 20;
/** Who is thrown out, because they may not use the pool any more. @param {{lost: {user: string, pool: string}[]}} props */
const Lost = ({lost}) => html`<${Notice} kind="warn"><span>${p.lost(lost.length)}</span>
    <ul>${lost.slice(0, LOST).map(({user, pool}) => html`<li>${p.lostOne(user, pool)}</li>`)}${lost.length > LOST && html`<li>…</li>`}</ul><//>`;

/**
 * body: what POST /v1/plan was sent; first: what it answered; onRefused: hears of a fault that is in the body.
 * @param {{body: any, first: any, backLabel?: string, onClose: () => void, onDone: () => void, onRefused?: (fault: any) => void}} props
 */
export function PlanDialog({body, first, backLabel = p.backToForm, onClose, onDone, onRefused}) {
    const [plan, setPlan] = useState(first);
    const [isStale, setStale] = useState(false);
    const [error, setError] = useState(/** @type {any} */ (null));
    const [busy, setBusy] = useState(false);
    useEffect(() => setPlan(first), [first]);
    const isGone = useGone();
    const rows = plan.changes.map((change, i) => ({...change, id: i}));
    const act = async (event) => {
        event.preventDefault();
        if (busy) {
            return;
        }
        setBusy(true);
        setError(null);
        try {
            await post('/v1/apply', {...body, plan: plan.plan});
            toast(p.applied);
            onDone();
            return;
        } catch (fault) {
            if (isGone.current) {
                toastFault(fault);
                return;
            }
            if (fault.status === 412 && fault.current) {
                setPlan(fault.current);
                setStale(true);
            } else if (onRefused && Object.keys(fault.fields ?? {}).length > 0) {
                onRefused(fault);
                return;
            } else {
                setError(fault);
            }
        }
        setBusy(false);
    };
    return html`<${Dialog} title=${p.planTitle} onClose=${onClose} class="broad"><form class="stack" onSubmit=${act}>
        ${isStale && html`<${Notice} kind="warn" role="alert">${p.planStale}<//>`}
        ${rows.length === 0 ? html`<p>${p.nothing}</p>` : html`<${DataTable} caption=${p.planTitle} list=${{rows}} columns=${columns} empty=${p.nothing} hasFind=${false} />`}
        ${plan.lost?.length > 0 && html`<${Lost} lost=${plan.lost} />`}
        ${error && html`<${Fault} error=${error} />`}
        <div class="row end"><button type="button" class="button" autofocus onClick=${onClose}>${rows.length === 0 ? t.close : backLabel}</button>
            ${rows.length > 0 && html`<button class="button primary" aria-disabled=${busy ? 'true' : null}>${p.apply}</button>`}</div>
    </form><//>`;
}
