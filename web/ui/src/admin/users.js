// People: their accounts, roles, groups, what they may use.
import {html} from 'htm/preact';
import {del, patch, post} from '../api.js';
import {Fault, Field, Notice} from '../parts.js';
import {t} from '../strings.js';
import {FormButton} from './ask_form.js';
import {ask} from './confirm.js';
import {MOST_ROWS, useList, useObject} from './data.js';
import {Facts, PageHead, Panel, State} from './detail.js';
import {CheckField, Form, SelectField} from './form.js';
import {moment} from './format.js';
import {Changed, useSave} from './save.js';
import {go, href} from './route.js';
import {a} from './strings.js';
import {DataTable} from './table.js';
import {w} from './words.js';

const u = w.users;
const roles = Object.entries(u.roles);
const pathOf = (name) => `/v1/users/${encodeURIComponent(name)}`;

/** @param {any} user */
const UserState = ({user}) => html`<${State} kind=${user.is_disabled ? 'problem' : 'ok'}>${user.is_disabled ? u.disabled : u.enabled}<//>`;

const columns = [
    {key: 'name', label: u.name, cell: (row) => html`<a href=${href('users', row.name)}>${row.name}</a>`},
    {key: 'display', label: w.display},
    {key: 'role', label: u.role, value: (row) => a.role[row.role]},
    {key: 'is_disabled', label: w.state, value: (row) => (row.is_disabled ? u.disabled : u.enabled), cell: (row) => html`<${UserState} user=${row} />`},
    {key: 'has_totp', label: u.factor, value: (row) => (row.has_totp ? w.yes : w.no)},
    {key: 'max_desktops', label: u.max, isNumber: true, cell: (row) => row.max_desktops || u.noLimit},
    {key: 'created_ms', label: w.created, cell: (row) => moment(row.created_ms)},
];

function UserList() {
    const list = useList('/v1/users', 'users', ['users']);
    const add = async ({name, display, password, role, max_desktops: max}) => {
        await post('/v1/users', {name, display, role, max_desktops: Number(max), ...(password ? {password} : {})});
        go('users', name);
        return w.added(name);
    };
    return html`<${PageHead} title=${u.title}>
        <${FormButton} label=${u.add} submit=${w.add} act=${add} isPrimary>${(wrong) => html`
            <${Field} label=${u.name} name="name" hint=${u.nameHint} wrong=${wrong.name} autocomplete="off" autocapitalize="none" spellcheck=${false} autofocus />
            <${Field} label=${w.display} name="display" wrong=${wrong.display} autocomplete="off" />
            <${Field} label=${u.password} name="password" type="password" hint=${u.passwordHint} wrong=${wrong.password} autocomplete="new-password" />
            <${SelectField} label=${u.role} name="role" options=${roles} value="user" wrong=${wrong.role} />
            <${Field} label=${u.max} name="max_desktops" type="number" min="0" max="1000" defaultValue="0" hint=${u.maxHint} wrong=${wrong.max_desktops} />`}<//>
    <//>
    <${DataTable} caption=${u.title} list=${list} columns=${columns} rowKey="name" empty=${u.empty} emptyHint=${u.emptyHint} />`;
}

function Account({user}) {
    const save = useSave(user, ['display', 'role', 'is_disabled', 'max_desktops', 'may_break_glass']);
    const act = (values) => save.act((etag) => patch(pathOf(user.value.name), {
        display: values.display, role: values.role, is_disabled: values.is_disabled === 'on', max_desktops: Number(values.max_desktops),
        may_break_glass: values.may_break_glass === 'on',
        ...(values.password ? {password: values.password} : {}),
    }, etag));
    const one = save.value;
    return html`<${Panel} title=${u.settings}>
        <${Facts} list=${[[w.created, moment(one.created_ms)], [u.factor, one.has_totp ? w.yes : w.no]]} />
        <${Changed} save=${save} />
        <${Form} key=${save.key} act=${act} label=${w.save}>${(wrong) => html`
            <${Field} label=${w.display} name="display" defaultValue=${one.display} wrong=${wrong.display} autocomplete="off" />
            <${SelectField} label=${u.role} name="role" options=${roles} value=${one.role} wrong=${wrong.role} />
            <${Field} label=${u.max} name="max_desktops" type="number" min="0" max="1000" defaultValue=${one.max_desktops} hint=${u.maxHint} wrong=${wrong.max_desktops} />
            <${Field} label=${u.newPassword} name="password" type="password" hint=${u.newPasswordHint} wrong=${wrong.password} autocomplete="new-password" />
            <${CheckField} label=${u.glass} hint=${u.glassHint} name="may_break_glass" defaultChecked=${one.may_break_glass} wrong=${wrong.may_break_glass} />
            <${CheckField} label=${u.disable} name="is_disabled" defaultChecked=${one.is_disabled} />`}<//>
    <//>`;
}

function Groups({user}) {
    const groups = user.value.groups ?? [];
    return html`<${Panel} title=${u.groups}>
        ${groups.length === 0 ? html`<p class="muted">${u.noGroups}</p>` : html`<ul class="plain-list">${groups.map((one) => html`<li key=${one.name}>
            <a href=${href('groups', one.name)}>${one.name}</a> ${one.via && html`<span class="muted">${u.via(one.via)}</span>`}</li>`)}</ul>`}
    <//>`;
}

function Pools({user}) {
    const {name} = user.value;
    const rows = user.value.pools ?? [];
    const add = async ({pool}) => {
        await post('/v1/entitlements', {user: name, pool});
        user.reload();
        return w.saved;
    };
    const revoke = ({pool}) => ask({
        title: u.revokeAsk(name, pool), text: u.revokeText, label: u.revoke, isDangerous: true,
        act: () => del(`/v1/entitlements/${encodeURIComponent(name)}/${encodeURIComponent(pool)}`).then(user.reload),
    });
    return html`<${Panel} title=${u.pools} actions=${html`<${FormButton} label=${u.entitle} submit=${w.add} act=${add}>${(wrong) => html`<${PoolField} wrong=${wrong.pool} />`}<//>`}>
        <${DataTable} caption=${u.pools} list=${{rows}} rowKey=${(row) => `${row.pool}/${row.group}`} empty=${u.noPools} hasFind=${false} columns=${[
            {key: 'pool', label: u.pool, cell: (row) => html`<a href=${href('pools', row.pool)}>${row.pool}</a>`},
            {key: 'group', label: w.groups.group, value: (row) => (row.group ? u.by(row.group) : u.directly)},
            {key: 'act', label: w.act, isAction: true, cell: (row) => !row.group && html`<button type="button" class="button" aria-label=${`${u.revoke}: ${row.pool}`} onClick=${() => revoke(row)}>${u.revoke}</button>`},
        ]} />
    <//>`;
}

/** One of the pools that there are. */
export function PoolField({wrong = ''}) {
    const {rows} = useList('/v1/pools', 'pools', ['pools'], {}, MOST_ROWS);
    return html`<${SelectField} label=${u.pool} name="pool" options=${(rows ?? []).map((one) => [one.name, one.name])} wrong=${wrong} />`;
}

function Sessions({name}) {
    const list = useList('/v1/sessions', 'sessions', ['sessions'], {user: name});
    return html`<${Panel} title=${u.sessions} isWide>
        <${DataTable} caption=${u.sessions} list=${list} empty=${u.noSessions} hasFind=${false} columns=${[
            {key: 'pool', label: u.pool}, {key: 'state', label: w.state, value: (row) => t.desktops.states[row.state] ?? row.state},
            {key: 'client', label: u.from}, {key: 'started_ms', label: u.since, cell: (row) => moment(row.started_ms)},
        ]} />
    <//>`;
}

function User({name}) {
    const user = useObject(pathOf(name), ['users', 'groups', 'entitlements']);
    const one = user.value;
    const resetTotp = () => ask({
        title: u.resetTotpAsk(name), text: u.resetTotpText, label: u.resetTotp, isDangerous: true,
        act: () => patch(pathOf(name), {reset_totp: true}).then(user.reload),
    });
    const remove = () => ask({
        title: u.removeAsk(name), text: u.removeText, label: w.remove, isDangerous: true, typeName: name, done: w.removed(name),
        act: () => del(pathOf(name)).then(() => go('users')),
    });
    return html`<${PageHead} title=${name} page="users" lead=${one?.display ?? ''}>
        ${one && html`<${UserState} user=${one} />`}
        ${one?.has_totp && html`<button type="button" class="button" onClick=${resetTotp}>${u.resetTotp}</button>`}
        ${one && html`<button type="button" class="button danger" onClick=${remove}>${w.remove}</button>`}
    <//>
    ${user.error && html`<${Fault} error=${user.error} />`}
    ${!one ? !user.error && html`<${Notice} kind="info">${t.loading}<//>` : html`<div class="grid">
        <${Account} user=${user} /><${Pools} user=${user} /><${Groups} user=${user} /><${Sessions} name=${name} /></div>`}`;
}

export function Users({name}) {
    return name ? html`<${User} name=${name} />` : html`<${UserList} />`;
}
