// The whole site as a YAML file, as `oriel export` writes and `oriel apply` reads it: saved, and looked at before it is applied.
import {html} from 'htm/preact';
import {useEffect, useRef, useState} from 'preact/hooks';
import {get, post} from '../api.js';
import {Fault, Field, Notice} from '../parts.js';
import {Panel} from './detail.js';
import {CheckField} from './form.js';
import {PlanDialog} from './plan.js';
import {toastFault, useGone} from './toasts.js';
import {w} from './words.js';

const f = w.siteFile;
const MAX_BYTES = 4 * 1024 * 1024; // of the API, and of `oriel apply`
const PLAN_BYTES = 200; // which plan it is

/** What reads and writes YAML, beside the page. */
function startWorker() {
    const worker = new Worker(SITE_WORKER_URL, {type: 'module'});
    /** @param {object} what @returns {Promise<any>} */
    const ask = (what) => new Promise((done) => {
        worker.onmessage = ({data}) => done(data);
        worker.onerror = () => done({fault: {line: 0, column: 0, text: f.noWorker}});
        worker.postMessage(what);
    });
    return {ask, end: () => worker.terminate()};
}

/** @param {string} text */
function download(text) {
    const url = URL.createObjectURL(new Blob([text], {type: 'application/yaml'}));
    Object.assign(document.createElement('a'), {href: url, download: 'site.yaml'}).click();
    setTimeout(() => URL.revokeObjectURL(url), 0);
}

function Save() {
    const [busy, setBusy] = useState(false);
    const [error, setError] = useState(/** @type {any} */ (null));
    const isGone = useGone();
    const save = async () => {
        if (busy) {
            return;
        }
        setBusy(true);
        setError(null);
        const worker = startWorker();
        try {
            const {text, fault} = await worker.ask({write: await get('/v1/export')});
            if (fault) {
                throw Object.assign(new Error(fault.text), {code: 'yaml'});
            }
            download(text);
        } catch (fault) {
            (isGone.current ? toastFault : setError)(fault);
        }
        worker.end();
        setBusy(false);
    };
    return html`<div class="row"><button type="button" class="button" aria-disabled=${busy ? 'true' : null} onClick=${save}>${f.save}</button>
            <span class="small muted" role="status">${busy ? f.saving : ''}</span></div>
        ${error && html`<${Fault} error=${error} />`}`;
}

/** "site.yaml:12: TEXT" for each fault that the server found in the file; none: it is about something else. */
async function placed(fault, name, worker) {
    const places = Object.keys(fault.fields ?? {}).filter((place) => place.startsWith('/'));
    const {lines} = places.length > 0 ? await worker.ask({places}) : {lines: []};
    return places.map((place, i) => `${name}:${lines[i]}: ${fault.fields[place]}`);
}

const inFile = (name, {line, column, text}) => [name, line, column].filter(Boolean).join(':') + `: ${text}`;

function Apply() {
    const [doing, setDoing] = useState('');
    const [wrong, setWrong] = useState('');
    const [faults, setFaults] = useState(/** @type {string[]} */ ([]));
    const [error, setError] = useState(/** @type {any} */ (null));
    const [shown, show] = useState(/** @type {any} */ (null));
    const worker = useRef(/** @type {any} */ (null));
    const input = useRef(/** @type {HTMLInputElement|null} */ (null));
    const isGone = useGone();
    useEffect(() => () => worker.current?.end(), []);

    const refused = async (fault, name) => {
        const list = await placed(fault, name, worker.current);
        setFaults(list);
        setError(list.length > 0 ? null : fault);
    };
    /** @returns {Promise<boolean>} whether there is a plan */
    const look = async (file, isPruning) => {
        setDoing(f.reading);
        const {objects, fault} = await worker.current.ask({read: file});
        if (fault) {
            setFaults([inFile(file.name, fault)]);
            return false;
        }
        setDoing(f.planning);
        const body = {objects, ...(isPruning ? {prune: true} : {})};
        if (new Blob([JSON.stringify(body)]).size > MAX_BYTES - PLAN_BYTES) {
            setWrong(f.tooLarge);
            return false;
        }
        try {
            show({body, name: file.name, plan: await post('/v1/plan', body)});
            return true;
        } catch (problem) {
            await refused(problem, file.name);
            return false;
        }
    };
    const submit = async (event) => {
        event.preventDefault();
        if (doing) {
            return;
        }
        const values = new FormData(event.currentTarget);
        const file = /** @type {File} */ (values.get('file'));
        setFaults([]);
        setError(null);
        setWrong(!file?.name ? f.noFile : file.size > MAX_BYTES ? f.tooLarge : '');
        if (!file?.name || file.size > MAX_BYTES) {
            input.current?.focus();
            return;
        }
        worker.current?.end();
        worker.current = startWorker();
        const isPlanned = await look(file, values.get('prune') !== null);
        if (isGone.current) {
            return;
        }
        setDoing('');
        if (!isPlanned) {
            input.current?.focus();
        }
    };
    const close = () => show(null);
    const onRefused = async (fault) => {
        close();
        await refused(fault, shown.name);
    };
    return html`<form class="stack" onSubmit=${submit} novalidate aria-busy=${doing !== ''}>
        <${Field} label=${f.file} name="file" type="file" accept=".yaml,.yml,application/yaml" hint=${f.fileHint} wrong=${wrong} inputRef=${input} />
        <${CheckField} label=${f.prune} name="prune" hint=${f.pruneHint} />
        ${faults.length > 0 && html`<${Notice} kind="danger"><span>${f.refused}</span><ul>${faults.map((text) => html`<li class="mono">${text}</li>`)}</ul><//>`}
        ${error && html`<${Fault} error=${error} />`}
        <div class="row end"><span class="small muted" role="status">${doing}</span>
            <button class="button primary" aria-disabled=${doing ? 'true' : null}>${w.pools.plan}</button></div>
    </form>
    ${shown && html`<${PlanDialog} body=${shown.body} first=${shown.plan} backLabel=${f.back} onClose=${close} onDone=${close} onRefused=${onRefused} />`}`;
}

export function SiteFile() {
    return html`<${Panel} title=${f.title}>
        <p class="muted">${f.lead}</p>
        <${Save} />
        <h3>${f.apply}</h3>
        <${Apply} />
    <//>`;
}
