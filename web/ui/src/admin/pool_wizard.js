// A new pool, step by step; the last one says what would come of it.
import {html} from 'htm/preact';
import {useRef, useState} from 'preact/hooks';
import {Fault, Field} from '../parts.js';
import {t} from '../strings.js';
import {useObject} from './data.js';
import {PageHead, Panel} from './detail.js';
import {PlanDialog, planOf} from './plan.js';
import {changesOf, groupsOf, Settings} from './pool_settings.js';
import {go} from './route.js';
import {w} from './words.js';

const p = w.pools;
const KINDS = ['floating', 'dedicated', 'static'];
/** Which parts of the settings each step asks for; the first asks for name and kind. */
const STEPS = [[], ['clone', 'size'], ['machine', 'network'], ['time', 'access', 'channels', 'person']];

function Kind({name, setName, kind, setKind, wrong}) {
    return html`<${Field} label=${w.name} value=${name} onInput=${(event) => setName(event.currentTarget.value)} wrong=${wrong.name} autocomplete="off" autocapitalize="none" spellcheck=${false} required />
        <fieldset class="settings"><legend>${p.kind}</legend><div class="stack">${KINDS.map((one) => html`<label key=${one} class="choice">
            <input type="radio" name="kind" value=${one} checked=${one === kind} onChange=${() => setKind(one)} /> <span><strong>${p.kinds[one]}</strong> <span class="muted">${p.kindHints[one]}</span></span>
        </label>`)}</div></fieldset>`;
}

/** Where a field that the server refused is asked for. */
const stepOf = (kind, fields) => STEPS.findIndex((names) => groupsOf(kind).some((group) => names.includes(group.name) && group.settings.some(({key}) => fields[key])));

export function Wizard() {
    const defaults = useObject('/v1/pool-defaults', []);
    const [step, setStep] = useState(0);
    const [name, setName] = useState('');
    const [kind, setKind] = useState('floating');
    const [given, setGiven] = useState(/** @type {Record<string, any>} */ ({}));
    const [error, setError] = useState(/** @type {any} */ (null));
    const [shown, show] = useState(/** @type {any} */ (null));
    const head = useRef(/** @type {HTMLElement|null} */ (null));
    const base = defaults.value?.[kind];
    const groups = groupsOf(kind);
    const turn = (next) => {
        setError(null);
        setStep(next);
        head.current?.focus();
    };
    const take = (form) => {
        const here = groups.filter((group) => STEPS[step].includes(group.name));
        const all = {...given, ...changesOf(Object.fromEntries(new FormData(form)), {...base, ...given}, here)};
        setGiven(all);
        return all;
    };
    const back = (event) => {
        take(event.currentTarget.form);
        turn(step - 1);
    };
    const choose = (one) => {
        setKind(one);
        setGiven({});
    };
    const submit = async (event) => {
        event.preventDefault();
        const all = take(event.currentTarget);
        if (step + 1 < STEPS.length) {
            turn(step + 1);
            return;
        }
        const objects = {pools: [{name, kind, ...all}]};
        try {
            setError(null);
            show({objects, plan: await planOf(objects)});
        } catch (fault) {
            const wrong = fault.fields?.name || fault.fields?.kind ? 0 : stepOf(kind, fault.fields ?? {});
            setStep(wrong < 0 ? step : wrong);
            setError(fault);
        }
    };
    const wrong = error?.fields ?? {};
    return html`<${PageHead} title=${p.add} page="pools" />
        ${defaults.error ? html`<${Fault} error=${defaults.error} />` : !base ? html`<p class="muted">${t.loading}</p>` : html`<${Panel} title=${html`<span tabindex="-1" ref=${head}>${p.step(step + 1, STEPS.length, p.steps[step])}</span>`}>
            <form class="stack" onSubmit=${submit} novalidate>
                ${step === 0 ? html`<${Kind} name=${name} setName=${setName} kind=${kind} setKind=${choose} wrong=${wrong} />`
                    : html`<${Settings} key=${`${step}-${kind}`} kind=${kind} names=${STEPS[step]} values=${{...base, ...given}} defaults=${base} wrong=${wrong} />`}
                ${error && html`<${Fault} error=${error} />`}
                <div class="row end">
                    ${step > 0 && html`<button type="button" class="button" onClick=${back}>${p.before}</button>`}
                    <button class="button primary">${step + 1 < STEPS.length ? p.next : p.plan}</button>
                </div>
            </form>
        <//>`}
        ${shown && html`<${PlanDialog} body=${{objects: shown.objects}} first=${shown.plan} onClose=${() => show(null)} onDone=${() => go('pools', name)} />`}`;
}
