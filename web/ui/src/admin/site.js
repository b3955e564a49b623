// The site's own words: whom to call, a notice, texts of reasons.
import {html} from 'htm/preact';
import {call, del, patch} from '../api.js';
import {Dialog, Fault, Field, Notice} from '../parts.js';
import {t} from '../strings.js';
import {useState} from 'preact/hooks';
import {ask} from './confirm.js';
import {useList, useObject} from './data.js';
import {PageHead, Panel, State} from './detail.js';
import {Form, TextField} from './form.js';
import {Changed, useSave} from './save.js';
import {SiteFile} from './site_file.js';
import {DataTable} from './table.js';
import {toast} from './toasts.js';
import {w} from './words.js';

const s = w.site;
const pathOf = (code) => `/v1/reasons/${encodeURIComponent(code)}`;

function Words({site}) {
    const save = useSave(site, ['contact', 'notice']);
    const act = ({contact, notice}) => save.act((etag) => patch('/v1/site', {contact, notice}, etag));
    return html`<${Panel} title=${s.words}>
        <${Changed} save=${save} />
        <${Form} key=${save.key} act=${act} label=${w.save}>${(wrong) => html`
            <${Field} label=${s.contact} name="contact" defaultValue=${save.value.contact} hint=${s.contactHint} wrong=${wrong.contact} autocomplete="off" />
            <${TextField} label=${s.notice} name="notice" defaultValue=${save.value.notice} hint=${s.noticeHint} wrong=${wrong.notice} />`}<//>
    <//>`;
}

function Reasons() {
    const list = useList('/v1/reasons', 'list', ['site']);
    const [edited, edit] = useState(/** @type {any} */ (null));
    const close = () => edit(null);
    const save = async ({text}) => {
        await call('PATCH', pathOf(edited.code), {text});
        close();
        toast(w.saved);
        list.reload();
    };
    const reset = (row) => ask({title: `${s.reset}: ${row.code}`, text: row.standard, label: s.reset, act: () => del(pathOf(row.code)).then(list.reload)});
    return html`<${Panel} title=${s.reasons} isWide>
        <p class="muted">${s.reasonsLead}</p>
        <${DataTable} caption=${s.reasons} list=${list} rowKey="code" empty=${w.none} columns=${[
            {key: 'code', label: s.code, cell: (row) => html`<span class="mono">${row.code}</span>`},
            {key: 'text', label: s.text},
            {key: 'is_own', label: w.state, value: (row) => (row.is_own ? s.own : s.ours), cell: (row) => html`<${State} kind=${row.is_own ? 'info' : 'idle'}>${row.is_own ? s.own : s.ours}<//>`},
            {key: 'act', label: w.act, isAction: true, cell: (row) => html`<div class="row">
                <button type="button" class="button" aria-label=${`${w.change}: ${row.code}`} onClick=${() => edit(row)}>${w.change}</button>
                ${row.is_own && html`<button type="button" class="button" aria-label=${`${s.reset}: ${row.code}`} onClick=${() => reset(row)}>${s.reset}</button>`}</div>`},
        ]} />
        ${edited && html`<${Dialog} title=${`${s.edit}: ${edited.code}`} onClose=${close}>
            <${Form} act=${save} label=${w.save} onCancel=${close}>${(wrong) => html`
                <${TextField} label=${s.text} name="text" defaultValue=${edited.text} hint=${s.editHint(edited.standard)} wrong=${wrong.text} autofocus />`}<//>
        <//>`}
    <//>`;
}

export function Site() {
    const site = useObject('/v1/site', ['site']);
    return html`<${PageHead} title=${s.title} lead=${s.lead} />
        ${site.error && html`<${Fault} error=${site.error} />`}
        ${!site.value ? !site.error && html`<${Notice} kind="info">${t.loading}<//>`
            : html`<div class="grid"><${Words} site=${site} /><${SiteFile} /><${Reasons} /></div>`}`;
}
