// Groups of people: who is in, which pools they may use.
import {html} from 'htm/preact';
import {del, get, patch, post} from '../api.js';
import {Fault, Field, Notice} from '../parts.js';
import {t} from '../strings.js';
import {FormButton} from './ask_form.js';
import {ask} from './confirm.js';
import {useList, useObject} from './data.js';
import {PageHead, Panel} from './detail.js';
import {Form} from './form.js';
import {moment} from './format.js';
import {go, href} from './route.js';
import {Changed, useSave} from './save.js';
import {DataTable} from './table.js';
import {PoolField} from './users.js';
import {w} from './words.js';

const g = w.groups;
const KINDS = ['groups', 'users', 'entitlements'];
const pathOf = (name, ...more) => ['/v1/groups', ...[name, ...more].map(encodeURIComponent)].join('/');

const columns = [
    {key: 'name', label: w.name, cell: (row) => html`<a href=${href('groups', row.name)}>${row.name}</a>`},
    {key: 'display', label: w.display},
    {key: 'user_count', label: g.people, isNumber: true},
    {key: 'group_count', label: g.groups, isNumber: true},
    {key: 'pool_count', label: g.pools, isNumber: true},
    {key: 'created_ms', label: w.created, cell: (row) => moment(row.created_ms)},
];

function GroupList() {
    const list = useList('/v1/groups', 'groups', KINDS);
    const add = async ({name, display}) => {
        await post('/v1/groups', {name, display});
        go('groups', name);
        return w.added(name);
    };
    return html`<${PageHead} title=${g.title}>
        <${FormButton} label=${g.add} submit=${w.add} act=${add} isPrimary>${(wrong) => html`
            <${Field} label=${w.name} name="name" wrong=${wrong.name} autocomplete="off" autocapitalize="none" spellcheck=${false} autofocus />
            <${Field} label=${w.display} name="display" wrong=${wrong.display} autocomplete="off" />`}<//>
    <//>
    <${DataTable} caption=${g.title} list=${list} columns=${columns} rowKey="name" empty=${g.empty} emptyHint=${g.emptyHint} />`;
}

/** Names with a button to take each out. */
function Names({title, names, page, empty, add, onOut}) {
    return html`<${Panel} title=${title} actions=${add}>
        <${DataTable} caption=${title} list=${{rows: names.map((name) => ({name}))}} rowKey="name" empty=${empty} hasFind=${names.length > 20} columns=${[
            {key: 'name', label: w.name, cell: (row) => html`<a href=${href(page, row.name)}>${row.name}</a>`},
            {key: 'act', label: w.act, isAction: true,
                cell: (row) => html`<button type="button" class="button" aria-label=${`${g.out}: ${row.name}`} onClick=${() => onOut(row.name)}>${g.out}</button>`},
        ]} />
    <//>`;
}

function Settings({group}) {
    const save = useSave(group, ['display']);
    const act = ({display}) => save.act((etag) => patch(pathOf(group.value.name), {display}, etag));
    const {parents} = group.value;
    return html`<${Panel} title=${g.settings}>
        ${parents?.length > 0 && html`<p>${g.parents}: ${parents.map((name, i) => html`${i > 0 && ', '}<a href=${href('groups', name)}>${name}</a>`)}</p>`}
        <${Changed} save=${save} />
        <${Form} key=${save.key} act=${act} label=${w.save}>${(wrong) => html`<${Field} label=${w.display} name="display" defaultValue=${save.value.display} wrong=${wrong.display} autocomplete="off" />`}<//>
    <//>`;
}

function Inside({group}) {
    const {name, users, groups, pools} = group.value;
    const added = (promise) => promise.then(() => {
        group.reload();
        return w.saved;
    });
    const out = (who, part) => ask({
        title: g.outAsk(who, name), text: g.outText, label: g.out, isDangerous: true, act: () => del(pathOf(name, part, who)).then(group.reload),
    });
    const addButton = (label, key, words) => html`<${FormButton} label=${label} submit=${w.add} act=${(values) => added(post(`${pathOf(name)}/members`, {[key]: values[key]}))}>
        ${(wrong) => html`<${Field} label=${words} name=${key} wrong=${wrong[key]} autocomplete="off" autocapitalize="none" spellcheck=${false} autofocus />`}<//>`;
    return html`
        <${Names} title=${g.people} names=${users ?? []} page="users" empty=${g.noPeople} add=${addButton(g.addPerson, 'user', g.person)} onOut=${(who) => out(who, 'users')} />
        <${Names} title=${g.groups} names=${groups ?? []} page="groups" empty=${g.noGroups} add=${addButton(g.addGroup, 'group', g.group)} onOut=${(who) => out(who, 'groups')} />
        <${Names} title=${g.pools} names=${pools ?? []} page="pools" empty=${g.noPools} onOut=${(pool) => out(pool, 'pools')}
            add=${html`<${FormButton} label=${g.addPool} submit=${w.add} act=${({pool}) => added(post('/v1/entitlements', {group: name, pool}))}>
                ${(wrong) => html`<${PoolField} wrong=${wrong.pool} />`}<//>`} />`;
}

/** Those in it, and those in the groups in it. */
async function peopleIn({users, groups}) {
    const children = await Promise.all((groups ?? []).map((child) => get(pathOf(child))));
    return [...new Set([users ?? [], ...children.map((child) => child.users ?? [])].flat())];
}

function Group({name}) {
    const group = useObject(pathOf(name), KINDS);
    const remove = () => ask({
        title: g.removeAsk(name), text: g.removeText, label: w.remove, isDangerous: true, done: w.removed(name),
        affected: () => peopleIn(group.value),
        act: () => del(pathOf(name)).then(() => go('groups')),
    });
    return html`<${PageHead} title=${name} page="groups" lead=${group.value?.display ?? ''}>
        ${group.value && html`<button type="button" class="button danger" onClick=${remove}>${w.remove}</button>`}
    <//>
    ${group.error && html`<${Fault} error=${group.error} />`}
    ${!group.value ? !group.error && html`<${Notice} kind="info">${t.loading}<//>`
        : html`<div class="grid"><${Settings} group=${group} /><${Inside} group=${group} /></div>`}`;
}

export function Groups({name}) {
    return name ? html`<${Group} name=${name} />` : html`<${GroupList} />`;
}
