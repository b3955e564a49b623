// A pool's settings as fields: in which part of the form, of what kind, in which words. docs/api.md has what they mean.
import {html} from 'htm/preact';
import {Field} from '../parts.js';
import {CheckField, SelectField} from './form.js';
import {MOST_ROWS, useList} from './data.js';
import {w} from './words.js';

const options = (...names) => names.map((name) => [name, name]);
const number = (key, label, hint = '') => ({key, label, hint, type: 'number'});
const choice = (key, label, names, hint = '') => ({key, label, hint, type: 'choice', options: options(...names)});
const flag = (key, label, hint = '') => ({key, label, hint, type: 'flag'});
const text = (key, label, hint = '') => ({key, label, hint, type: 'text'});
const CLONES = ['floating', 'dedicated'];

/** @type {{name: string, kinds?: string[], settings: {key: string, label: string, hint: string, type: string, options?: string[][]}[]}[]} */
export const groups = [
    {name: 'size', settings: [
        number('max', 'Desktops at most'), number('spares', 'Spares running', 'Free desktops kept ready, so that nobody waits.'),
        number('spares_suspended', 'Spares suspended', 'Free desktops kept asleep: a second or two to wake.'),
        number('spare_max_age_s', 'Spare replaced after, seconds', '0: never.'),
        text('schedule', 'Schedule of spares', 'mon-fri 07:00-19:00 spares=20 suspended=5; ...'), flag('forecast', 'More spares when past weeks say so'),
    ]},
    {name: 'clone', kinds: CLONES, settings: [
        {key: 'template', label: 'Template', hint: '', type: 'template'}, number('template_version', 'Version of the template', '0: the newest that is good.'),
        choice('clone_method', 'Begins', ['auto', 'instant', 'restore', 'cold']),
    ]},
    {name: 'machine', kinds: CLONES, settings: [
        number('memory_mib', 'Memory, MiB', '0: the template\'s.'), number('vcpus', 'CPUs', '0: the template\'s.'), number('cpu_shares', 'CPU shares', '0: as all others.'),
        number('cpu_cap_percent', 'CPU limit, % of one', '0: none.'), number('disk_iops', 'Disk operations a second', '0: no limit.'), number('disk_mib_s', 'Disk MiB a second', '0: no limit.'),
        number('balloon_min_mib', 'Memory may shrink to, MiB', '0: never.'), choice('firmware', 'Firmware', ['bios', 'uefi']), flag('secure_boot', 'Secure boot'), flag('tpm', 'TPM 2.0'),
        flag('autostart', 'Start with the host'), choice('display', 'Screen is read by', ['auto', 'vnc', 'rdp']),
    ]},
    {name: 'network', kinds: CLONES, settings: [
        choice('network', 'Network', ['isolated', 'nat', 'routed', 'bridged', 'none'], 'Whatever it is, the host, its networks and other desktops are blocked.'),
        text('network_name', 'Bridge, or network of libvirt', 'For bridged.'),
    ]},
    {name: 'time', settings: [
        number('disconnect_timeout_s', 'Disconnected for, seconds', 'Then the session is over. 0: never.'), number('idle_timeout_s', 'Idle for, seconds', 'Then it is disconnected. 0: never.'),
        number('max_session_s', 'Session at most, seconds', '0: no limit.'), number('warn_first_s', 'First warning, seconds before'), number('warn_last_s', 'Last warning, seconds before'),
    ]},
    {name: 'access', settings: [
        text('allowed_hours', 'Hours', 'mon-fri 08:00-18:00; sat 09:00-12:00. Empty: always.'), text('allowed_from', 'Addresses', 'Addresses and ranges by commas. Empty: from everywhere.'),
        number('max_per_user', 'Desktops of one person', '1 to 16.'),
    ]},
    {name: 'channels', settings: [
        choice('clipboard', 'Clipboard', ['both', 'to_guest', 'to_client', 'none']), number('clipboard_max_bytes', 'Clipboard at most, bytes'), flag('sound', 'Sound'),
        flag('thumbnails', 'Small pictures at the portal', 'Of each person\'s own desktop, for them alone.'),
    ]},
    {name: 'person', kinds: CLONES, settings: [
        choice('person', 'Account in the guest', ['auto', 'off']), choice('home', 'Home', ['none', 'volume', 'nfs'], 'none: files are deleted with a floating desktop.'),
        number('home_size_mib', 'Home, MiB'), text('home_target', 'NFS server and path', 'SERVER:/PATH'), text('on_assign', 'Program at assign'), text('on_logoff', 'Program at log-off'),
        number('hook_deadline_s', 'Hook has, seconds'),
    ]},
];

/** What a form gave, as the API takes it: only what differs from `was`. @param {Record<string, any>} values @param {Record<string, any>} was */
export function changesOf(values, was, names) {
    const changes = {};
    for (const {settings} of names) {
        for (const {key, type} of settings) {
            const value = type === 'flag' ? values[key] === 'on' : type === 'number' ? Number(values[key]) : values[key];
            if ((type === 'flag' || values[key] !== undefined) && value !== was[key]) {
                changes[key] = value;
            }
        }
    }
    return changes;
}

function TemplateField({value, ...more}) {
    const {rows} = useList('/v1/templates', 'templates', ['templates'], {}, MOST_ROWS);
    const names = (rows ?? []).map((one) => one.name);
    return html`<${SelectField} options=${options(...new Set([...(value ? [value] : []), ...names]))} value=${value} ...${more} />`;
}

/** fallback: what a new pool has, said where this one differs. */
function Setting({setting, value, fallback, wrong}) {
    const {key, label, type} = setting;
    const differs = fallback !== undefined && fallback !== value && type !== 'template';
    const known = type === 'flag' ? (fallback ? w.yes : w.no) : fallback;
    const hint = [setting.hint, differs && (known === '' ? w.pools.defaultNone : w.pools.default(known))].filter(Boolean).join(' ');
    if (type === 'flag') {
        return html`<${CheckField} label=${label} name=${key} defaultChecked=${value} hint=${hint} wrong=${wrong} />`;
    }
    if (type === 'choice') {
        return html`<${SelectField} label=${label} name=${key} options=${setting.options} value=${value} hint=${hint} wrong=${wrong} />`;
    }
    if (type === 'template') {
        return html`<${TemplateField} label=${label} name=${key} value=${value} wrong=${wrong} />`;
    }
    const kind = type === 'number' ? {type: 'number', min: '0', step: '1', inputmode: 'numeric'} : {type: 'text', autocomplete: 'off', spellcheck: false};
    return html`<${Field} label=${label} name=${key} defaultValue=${value} hint=${hint} wrong=${wrong} ...${kind} />`;
}

/** Parts of the form for one kind of pool. @param {{kind: string, names: string[], values: any, defaults: any, wrong: Record<string, string>}} props */
export function Settings({kind, names, values, defaults, wrong}) {
    return groupsOf(kind).filter(({name}) => names.includes(name)).map(({name, settings}) => html`<fieldset key=${name} class="settings"><legend>${w.pools.groups[name]}</legend>
        <div class="grid">${settings.map((setting) => html`<${Setting} key=${setting.key} setting=${setting} value=${values[setting.key]} fallback=${defaults?.[setting.key]} wrong=${wrong[setting.key]} />`)}</div>
    </fieldset>`);
}

/** @param {string} kind */
export const groupsOf = (kind) => groups.filter((one) => !one.kinds || one.kinds.includes(kind));
