// Pools: the list, and one pool with its settings, people and what runs of it.
import {html} from 'htm/preact';
import {useState} from 'preact/hooks';
import {del, get, getRows, patch, post} from '../api.js';
import {Fault, Field, Notice} from '../parts.js';
import {t} from '../strings.js';
import {FormButton} from './ask_form.js';
import {ask} from './confirm.js';
import {MOST_ROWS, useList, useObject} from './data.js';
import {Facts, PageHead, Panel, State} from './detail.js';
import {Form} from './form.js';
import {moment} from './format.js';
import {Homes} from './homes.js';
import {may} from './me.js';
import {PlanDialog, planOf} from './plan.js';
import {changesOf, groupsOf, Settings} from './pool_settings.js';
import {Wizard} from './pool_wizard.js';
import {go, href} from './route.js';
import {AddStaticDesktop} from './static_desktop.js';
import {DataTable} from './table.js';
import {w} from './words.js';

const p = w.pools;
const pathOf = (name) => `/v1/pools/${encodeURIComponent(name)}`;

function PoolState({pool}) {
    const [kind, words] = pool.deleted ? ['warn', p.deleting] : pool.problem ? ['problem', p.problem] : pool.maintenance ? ['warn', p.maintenance] : ['ok', p.open];
    return html`<${State} kind=${kind}>${words}<//>`;
}

const columns = [
    {key: 'name', label: w.name, cell: (row) => html`<a href=${href('pools', row.name)}>${row.name}</a>`},
    {key: 'kind', label: p.kind, value: (row) => p.kinds[row.kind]},
    {key: 'template', label: p.template},
    {key: 'total', label: p.desktops, isNumber: true, value: (row) => row.desktops.total, cell: (row) => `${row.desktops.total} / ${row.max}`},
    {key: 'ready', label: p.ready, isNumber: true, value: (row) => row.desktops.ready},
    {key: 'given', label: p.given, isNumber: true, value: (row) => row.desktops.given},
    {key: 'waiting', label: p.waiting, isNumber: true, cell: (row) => row.waiting || ''},
    {key: 'state', label: p.state, value: (row) => row.problem || (row.maintenance ? p.maintenance : p.open), cell: (row) => html`<${PoolState} pool=${row} />`},
];

function PoolList() {
    const list = useList('/v1/pools', 'pools', ['pools', 'desktops', 'sessions']);
    return html`<${PageHead} title=${p.title}>
        ${may('admin') && html`<a class="button primary" href=${href('pools', '', {new: '1'})}>${p.add}</a>`}
    <//>
    <${DataTable} caption=${p.title} list=${list} columns=${columns} rowKey="name" empty=${p.empty} emptyHint=${p.emptyHint} />`;
}

/** Whose sessions and own desktops there are: the people who would notice. */
async function whoHas(pool) {
    const [sessions, desktops] = await Promise.all([
        getRows('/v1/sessions', 'sessions', MOST_ROWS, {pool}), getRows('/v1/desktops', 'desktops', MOST_ROWS, {pool}),
    ]);
    const used = new Set(sessions.rows.map((session) => session.desktop));
    const own = desktops.rows.filter((one) => one.user && !used.has(one.id));
    return [...sessions.rows.map((one) => p.affected.session(one.user, one.state)), ...own.map((one) => p.affected.desktop(one.user, one.id.slice(0, 8)))];
}

function PoolSettings({pool}) {
    const defaults = useObject('/v1/pool-defaults', []);
    const [base, setBase] = useState(pool.value);
    const [shown, show] = useState(/** @type {any} */ (null));
    const {name, kind} = base;
    const names = groupsOf(kind);
    const act = async (values) => {
        const objects = {pools: [{name, kind, ...changesOf(values, base, names)}]};
        show({objects, plan: await planOf(objects)});
    };
    const done = async () => {
        show(null);
        setBase((await get(pathOf(name))));
        pool.reload();
    };
    return html`<${Panel} title=${p.settings} isWide>
        <${Form} key=${JSON.stringify(base)} act=${act} label=${p.plan}>${(wrong) => html`
            <${Settings} kind=${kind} names=${names.map((one) => one.name)} values=${base} defaults=${defaults.value?.[kind]} wrong=${wrong} />`}<//>
        ${shown && html`<${PlanDialog} body=${{objects: shown.objects}} first=${shown.plan} onClose=${() => show(null)} onDone=${done} />`}
    <//>`;
}

/** For those who may not change them. */
function PoolFacts({pool}) {
    const one = pool.value;
    const shown = (value) => (value === true ? w.yes : value === false ? w.no : value);
    return html`<${Panel} title=${p.settings}><${Facts} list=${groupsOf(one.kind).flatMap(({settings}) => settings.map(({key, label}) => [label, shown(one[key])]))} /><//>`;
}

/** People, and groups of them. */
function People({name}) {
    const list = useList('/v1/entitlements', 'entitlements', ['entitlements', 'users', 'groups'], {pool: name});
    const button = (label, key, words) => html`<${FormButton} label=${label} submit=${w.add} act=${async (values) => {
        await post('/v1/entitlements', {[key]: values[key], pool: name});
        list.reload();
        return w.saved;
    }}>${(wrong) => html`<${Field} label=${words} name=${key} wrong=${wrong[key]} autocomplete="off" autocapitalize="none" spellcheck=${false} autofocus />`}<//>`;
    const take = ({user, group}) => ask({
        title: w.users.revokeAsk(user || group, name), text: group ? w.groups.outText : w.users.revokeText, label: w.users.revoke, isDangerous: true,
        act: () => del(group ? `/v1/groups/${encodeURIComponent(group)}/pools/${encodeURIComponent(name)}` : `/v1/entitlements/${encodeURIComponent(user)}/${encodeURIComponent(name)}`).then(list.reload),
    });
    return html`<${Panel} title=${p.people} actions=${may('admin') && html`${button(p.addPerson, 'user', w.users.name)}${button(p.addGroup, 'group', w.groups.group)}`}>
        <${DataTable} caption=${p.people} list=${list} rowKey=${(row) => `${row.user}/${row.group}`} empty=${p.nobody} hasFind=${!list.isWhole || (list.rows?.length ?? 0) > 20} order="" columns=${[
            {key: 'who', label: w.name, value: (row) => row.user || row.group,
                cell: (row) => (may('admin') ? html`<a href=${href(row.user ? 'users' : 'groups', row.user || row.group)}>${row.user || row.group}</a>` : row.user || row.group)},
            {key: 'kind', label: p.kind, value: (row) => (row.user ? p.person : w.groups.group)},
            {key: 'act', label: w.act, isAction: true, cell: (row) => may('admin')
                && html`<button type="button" class="button" aria-label=${`${w.users.revoke}: ${row.user || row.group}`} onClick=${() => take(row)}>${w.users.revoke}</button>`},
        ]} /><//>`;
}

/** What the schedule, and the forecast, ask for at this moment. */
const outlook = ({forecast, now}) => [
    [p.sparesNow, p.sparesOf(now.spares, now.suspended)], [p.expected, forecast && p.expectedOf(now.people_expected)],
];

function Summary({pool}) {
    const one = pool.value;
    return html`<${Panel} title=${p.desktops} actions=${one.kind === 'static' && may('admin') && html`<${AddStaticDesktop} pool=${one.name} onAdded=${pool.reload} />`}>
        ${one.problem && html`<${Notice} kind="danger"><span>${one.problem_text}</span><span class="code">${one.problem}</span><//>`}
        <${Facts} list=${[
            [p.kind, p.kinds[one.kind]], [p.desktops, html`<a href=${href('desktops', '', {pool: one.name})}>${one.desktops.total} / ${one.max}</a>`],
            [p.ready, String(one.desktops.ready)], [p.given, String(one.desktops.given)], [p.waiting, one.waiting || ''], ...(one.now && one.kind !== 'static' ? outlook(one) : []), [w.created, moment(one.created_ms)],
        ]} />
        <${DataTable} caption=${p.versions} list=${{rows: one.desktops_by_version ?? []}} rowKey="version" hasFind=${false} empty=${w.none} columns=${[
            {key: 'template', label: p.template}, {key: 'version', label: w.templates.version, isNumber: true}, {key: 'desktops', label: p.desktops, isNumber: true},
        ]} />
    <//>`;
}

function Pool({name}) {
    const pool = useObject(pathOf(name), ['pools', 'desktops', 'sessions']);
    const one = pool.value;
    const maintenance = () => ask({
        title: `${one.maintenance ? p.endMaintenance : p.startMaintenance}: ${name}`, text: one.maintenance ? '' : p.maintenanceText,
        label: one.maintenance ? p.endMaintenance : p.startMaintenance, affected: one.maintenance ? undefined : () => whoHas(name),
        act: () => patch(pathOf(name), {maintenance: !one.maintenance}).then(pool.reload),
    });
    const remove = () => ask({
        title: p.removeAsk(name), text: p.removeText, label: w.remove, isDangerous: true, typeName: name, done: w.removed(name),
        affected: () => whoHas(name), act: () => del(pathOf(name)).then(() => go('pools')),
    });
    return html`<${PageHead} title=${name} page="pools">
        ${one && html`<${PoolState} pool=${one} />`}
        ${one && may('admin') && html`<button type="button" class="button" onClick=${maintenance}>${one.maintenance ? p.endMaintenance : p.startMaintenance}</button>
            <button type="button" class="button danger" onClick=${remove}>${w.remove}</button>`}
    <//>
    ${pool.error && html`<${Fault} error=${pool.error} />`}
    ${!one ? !pool.error && html`<p class="muted">${t.loading}</p>` : html`<div class="grid">
        <${Summary} pool=${pool} /><${People} name=${name} />
        ${may('admin') ? html`<${PoolSettings} pool=${pool} />` : html`<${PoolFacts} pool=${pool} />`}
        ${(one.home ?? 'none') !== 'none' && html`<${Homes} pool=${name} />`}</div>`}`;
}

export function Pools({name, query}) {
    return name ? html`<${Pool} name=${name} />` : query.new && may('admin') ? html`<${Wizard} />` : html`<${PoolList} />`;
}
