// Templates: what desktops are cloned from, in versions, and which pools use them.
import {html} from 'htm/preact';
import {useState} from 'preact/hooks';
import {ApiError, del, patch, post} from '../api.js';
import {Fault, Field, Notice} from '../parts.js';
import {t} from '../strings.js';
import {FormButton} from './ask_form.js';
import {ask} from './confirm.js';
import {MOST_ROWS, useList, useObject} from './data.js';
import {PageHead, Panel, State} from './detail.js';
import {Form, SelectField} from './form.js';
import {bytes, mebibytes, moment} from './format.js';
import {Goldens} from './goldens.js';
import {JobsOf} from './jobs.js';
import {may} from './me.js';
import {go, href} from './route.js';
import {Changed, useSave} from './save.js';
import {DataTable} from './table.js';
import {startUpload} from './upload.js';
import {w} from './words.js';

const m = w.templates;
const KINDS = {ready: 'ok', checking: 'info', missing: 'problem', corrupt: 'problem'};
const SYSTEMS = [['linux', m.linux], ['windows', m.windows]];
const pathOf = (name, version = '') => `/v1/templates/${encodeURIComponent(name)}${version && `/versions/${version}`}`;

const TemplateState = ({one}) => html`<${State} kind=${KINDS[one.state] ?? 'idle'}>${m.states[one.state] ?? one.state}<//>`;

/** A file of this computer, or one that lies on the host. */
function SourceFields({wrong}) {
    const [where, setWhere] = useState('here');
    return html`<${SelectField} label=${m.source} name="where" value=${where} options=${[['here', m.sourceHere], ['host', m.sourceHost]]} onChange=${(event) => setWhere(event.currentTarget.value)} />
        ${where === 'here' ? html`<${Field} label=${m.file} name="file" type="file" hint=${m.fileHint} wrong=${wrong.size_bytes} />`
            : html`<${Field} label=${m.onHost} name="path" hint=${m.onHostHint} wrong=${wrong.path} autocomplete="off" spellcheck=${false} />`}`;
}

/** Asks for a job that makes a template of a file; kind: 'import' or 'build', name: '' asks for one. */
function FromFile({kind, name = '', label, isPrimary = false}) {
    const isBuild = kind === 'build';
    const act = async ({name: typed, where, file, path, os, memory_mib: memory, vcpus, disk_mib: disk}) => {
        const isHere = where === 'here';
        if (isHere && !(file?.size > 0)) {
            throw new ApiError(0, {code: 'bad_request', detail: m.noFile, errors: [{field: 'size_bytes', text: m.noFile}]});
        }
        const which = name || typed;
        const begun = await post(`${pathOf(which)}/${kind}`, {
            ...(isHere ? {size_bytes: file.size} : {path}), ...(name ? {is_version: true} : {os}), memory_mib: Number(memory), vcpus: Number(vcpus), ...(isBuild ? {disk_mib: Number(disk)} : {}),
        });
        if (isHere) {
            startUpload(file, begun);
        }
        go('jobs', begun.job);
        return m.begun(which);
    };
    return html`<${FormButton} label=${label} title=${isBuild ? m.buildTitle : m.importTitle} submit=${isBuild ? m.buildSubmit : m.importSubmit} act=${act} isPrimary=${isPrimary}>${(wrong) => html`
        <p>${isBuild ? m.buildText : m.importText}</p>
        ${!name && html`<${Field} label=${w.name} name="name" wrong=${wrong.name} autocomplete="off" autocapitalize="none" spellcheck=${false} autofocus />`}
        <${SourceFields} wrong=${wrong} />
        ${isBuild && html`<${Field} label=${m.disk} name="disk_mib" type="number" min="16" defaultValue="20480" hint=${m.diskHint} wrong=${wrong.disk_mib} />`}
        ${!name && html`<${SelectField} label=${m.os} name="os" options=${SYSTEMS} value="linux" wrong=${wrong.os} />`}
        <${Field} label=${m.memory} name="memory_mib" type="number" min="16" defaultValue="2048" hint=${m.memoryHint} wrong=${wrong.memory_mib} />
        <${Field} label=${m.vcpus} name="vcpus" type="number" min="1" defaultValue="2" wrong=${wrong.vcpus} />`}<//>`;
}

const columns = [
    {key: 'name', label: w.name, cell: (row) => html`<a href=${href('templates', row.name)}>${row.name}</a>`},
    {key: 'version', label: m.version, isNumber: true},
    {key: 'state', label: w.state, value: (row) => m.states[row.state], cell: (row) => html`<${TemplateState} one=${row} />`},
    {key: 'os', label: m.os, value: (row) => m[row.os] ?? row.os},
    {key: 'memory_mib', label: m.memory, isNumber: true, cell: (row) => mebibytes(row.memory_mib)},
    {key: 'vcpus', label: m.vcpus, isNumber: true},
    {key: 'virtual_bytes', label: m.size, isNumber: true, cell: (row) => (row.virtual_bytes ? bytes(row.virtual_bytes) : '–')},
    {key: 'has_hook', label: m.hook, value: (row) => (row.has_hook ? w.yes : w.no)},
];

function TemplateList() {
    const list = useList('/v1/templates', 'templates', ['templates']);
    const add = async ({name, path, memory_mib: memory, vcpus, os, ...own}) => {
        const boot = Object.fromEntries(Object.entries(own).filter(([, value]) => value !== ''));
        await post('/v1/templates', {name, ...(path ? {path} : {}), memory_mib: Number(memory), vcpus: Number(vcpus), os, ...boot});
        go('templates', name);
        return w.added(name);
    };
    return html`<${PageHead} title=${m.title}>
        ${may('admin') && html`<${FromFile} kind="import" label=${m.import} isPrimary /><${FromFile} kind="build" label=${m.build} />`}
        ${may('admin') && html`<${FormButton} label=${m.add} submit=${w.add} act=${add}>${(wrong) => html`
            <${Field} label=${w.name} name="name" wrong=${wrong.name} autocomplete="off" autocapitalize="none" spellcheck=${false} autofocus />
            <${Field} label=${m.path} name="path" hint=${m.pathHint} wrong=${wrong.path} autocomplete="off" spellcheck=${false} />
            <${SelectField} label=${m.os} name="os" options=${SYSTEMS} value="linux" wrong=${wrong.os} />
            <${Field} label=${m.memory} name="memory_mib" type="number" min="1" defaultValue="2048" hint=${m.memoryHint} wrong=${wrong.memory_mib} />
            <${Field} label=${m.vcpus} name="vcpus" type="number" min="1" defaultValue="2" wrong=${wrong.vcpus} />
            <details><summary>${m.kernels}</summary><div class="stack">
                <${Field} label=${m.kernel} name="kernel" wrong=${wrong.kernel} autocomplete="off" spellcheck=${false} />
                <${Field} label=${m.initrd} name="initrd" wrong=${wrong.initrd} autocomplete="off" spellcheck=${false} />
                <${Field} label=${m.cmdline} name="cmdline" wrong=${wrong.cmdline} autocomplete="off" spellcheck=${false} /></div></details>`}<//>`}
    <//>
    <${DataTable} caption=${m.title} list=${list} columns=${columns} rowKey="name" empty=${m.empty} emptyHint=${m.emptyHint} />`;
}

function Settings({template}) {
    const save = useSave(template, ['memory_mib', 'vcpus', 'os']);
    const act = ({memory_mib: memory, vcpus, os}) => save.act((etag) => patch(pathOf(template.value.name), {memory_mib: Number(memory), vcpus: Number(vcpus), os}, etag));
    return html`<${Panel} title=${m.settings}>
        <${Changed} save=${save} />
        <${Form} key=${save.key} act=${act} label=${w.save}>${(wrong) => html`
            <${SelectField} label=${m.os} name="os" options=${SYSTEMS} value=${save.value.os} wrong=${wrong.os} />
            <${Field} label=${m.memory} name="memory_mib" type="number" min="1" defaultValue=${save.value.memory_mib} hint=${m.memoryHint} wrong=${wrong.memory_mib} />
            <${Field} label=${m.vcpus} name="vcpus" type="number" min="1" defaultValue=${save.value.vcpus} wrong=${wrong.vcpus} />`}<//>
    <//>`;
}

function Versions({template}) {
    const {name, versions} = template.value;
    const add = async ({path}) => {
        await post(`${pathOf(name)}/versions`, {path});
        template.reload();
        return w.saved;
    };
    const remove = (version) => ask({
        title: m.removeVersionAsk(name, version), text: m.removeText, label: w.remove, isDangerous: true, act: () => del(pathOf(name, version)).then(template.reload),
    });
    const actions = may('admin') && html`<${FromFile} kind="import" name=${name} label=${m.importVersion} /><${FromFile} kind="build" name=${name} label=${m.buildVersion} /><${FormButton} label=${m.addVersion} submit=${w.add} act=${add}>${(wrong) => html`
        <p>${m.versionText(name)}</p><${Field} label=${m.path} name="path" hint=${m.pathHint} wrong=${wrong.path} autocomplete="off" spellcheck=${false} autofocus />`}<//>`;
    return html`<${Panel} title=${m.versions} actions=${actions} isWide>
        <${DataTable} caption=${m.versions} list=${{rows: versions ?? []}} rowKey="version" order="version" isDown hasFind=${false} empty=${w.none} columns=${[
            {key: 'version', label: m.version, isNumber: true},
            {key: 'state', label: w.state, value: (row) => m.states[row.state], cell: (row) => html`<${TemplateState} one=${row} /> ${row.reason_text}`},
            {key: 'desktops', label: m.desktops, isNumber: true},
            {key: 'file', label: m.file, cell: (row) => html`<span class="mono">${row.file}</span>`},
            {key: 'act', label: w.act, isAction: true, cell: (row) => may('admin') && html`<button type="button" class="button" aria-label=${`${w.remove}: ${row.version}`} onClick=${() => remove(row.version)}>${w.remove}</button>`},
        ]} />
    <//>`;
}

function UsedBy({name}) {
    const pools = useList('/v1/pools', 'pools', ['pools'], {}, MOST_ROWS);
    const rows = pools.rows?.filter((one) => one.template === name) ?? null;
    return html`<${Panel} title=${m.usedBy}>
        <${DataTable} caption=${m.usedBy} list=${{...pools, rows}} rowKey="name" hasFind=${false} empty=${m.nobody} columns=${[
            {key: 'name', label: m.pools, cell: (row) => html`<a href=${href('pools', row.name)}>${row.name}</a>`},
            {key: 'template_version', label: m.version, value: (row) => (row.template_version ? m.pinned(row.template_version) : m.newest)},
            {key: 'desktops', label: m.desktops, isNumber: true, value: (row) => row.desktops.total},
        ]} />
    <//>`;
}

function Template({name}) {
    const template = useObject(pathOf(name), ['templates', 'desktops']);
    const one = template.value;
    const remove = () => ask({
        title: m.removeAsk(name), text: m.removeText, label: w.remove, isDangerous: true, typeName: name, done: w.removed(name),
        act: () => del(pathOf(name)).then(() => go('templates')),
    });
    const check = () => ask({title: m.checkAsk(name), text: m.checkText, label: m.check, done: m.checking, act: () => post(`${pathOf(name)}/check`).then((begun) => go('jobs', begun.job))});
    return html`<${PageHead} title=${name} page="templates" lead=${one ? `${m.version} ${one.version}, ${moment(one.created_ms)}` : ''}>
        ${one && html`<${TemplateState} one=${one} />`}
        ${one && may('operator') && html`<button type="button" class="button" onClick=${check}>${m.check}</button>`}
        ${one && may('admin') && html`<button type="button" class="button danger" onClick=${remove}>${w.remove}</button>`}
    <//>
    ${template.error && html`<${Fault} error=${template.error} />`}
    ${!one ? !template.error && html`<${Notice} kind="info">${t.loading}<//>` : html`<div class="grid">
        ${may('admin') && html`<${Settings} template=${template} />`}<${UsedBy} name=${name} /><${Versions} template=${template} />
        <${Goldens} template=${name} />
        <${JobsOf} object=${`template:${name}`} title=${m.jobs} /></div>`}`;
}

export function Templates({name}) {
    return name ? html`<${Template} name=${name} />` : html`<${TemplateList} />`;
}
