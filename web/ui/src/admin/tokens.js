// Personal access tokens: one's own, and for administrators everybody's.
import {html} from 'htm/preact';
import {useState} from 'preact/hooks';
import {del, post} from '../api.js';
import {CopyButton, Dialog, Field, Notice} from '../parts.js';
import {t} from '../strings.js';
import {ask} from './confirm.js';
import {useList} from './data.js';
import {PageHead, Panel} from './detail.js';
import {Form, SelectField} from './form.js';
import {moment} from './format.js';
import {may, me} from './me.js';
import {DataTable} from './table.js';
import {w} from './words.js';

const k = w.tokens;
const RANKS = /** @type {const} */ (['viewer', 'operator', 'admin']);

function columnsOf(path, list) {
    const remove = (row) => ask({
        title: k.removeAsk(row.label), text: k.removeText, label: k.revoke, isDangerous: true, act: () => del(`${path}/${row.id}`).then(list.reload),
    });
    return [
        {key: 'label', label: k.label},
        {key: 'scope', label: k.scope, value: (row) => k.scopes[row.scope] ?? row.scope},
        {key: 'created_ms', label: w.created, cell: (row) => moment(row.created_ms)},
        {key: 'expires_ms', label: k.expires, cell: (row) => moment(row.expires_ms)},
        {key: 'used_ms', label: k.used, cell: (row) => (row.used_ms ? moment(row.used_ms) : k.never)},
        {key: 'act', label: w.act, isAction: true,
            cell: (row) => html`<button type="button" class="button" aria-label=${`${k.revoke}: ${row.label}`} onClick=${() => remove(row)}>${k.revoke}</button>`},
    ];
}

/** A form first, then what it made: the only time that it is shown. */
function New({onClose, onMade}) {
    const [made, setMade] = useState('');
    const act = async ({label, scope, days, password}) => {
        const {token} = await post('/v1/me/tokens', {label, scope, days: Number(days), password});
        setMade(token);
        onMade();
    };
    return html`<${Dialog} title=${made ? k.made : k.add} onClose=${onClose}>
        ${made ? html`<div class="stack"><${Notice} kind="warn">${k.madeText}<//>
            <p class="mono token">${made}</p>
            <div class="row end"><${CopyButton} text=${made} label=${k.copy} /><button type="button" class="button primary" onClick=${onClose}>${t.close}</button></div></div>`
        : html`<${Form} act=${act} label=${w.add} onCancel=${onClose}>${(wrong) => html`
            <${Field} label=${k.label} name="label" wrong=${wrong.label} autocomplete="off" autofocus />
            <${SelectField} label=${k.scope} name="scope" options=${RANKS.filter(may).map((name) => [name, k.scopes[name]])} value="viewer" wrong=${wrong.scope} />
            <${Field} label=${k.days} name="days" type="number" min="1" max="366" defaultValue="90" hint=${k.daysHint} wrong=${wrong.days} />
            <${Field} label=${k.password} name="password" type="password" autocomplete="current-password" wrong=${wrong.password} required />`}<//>`}
    <//>`;
}

function Everybodys() {
    const list = useList('/v1/tokens', 'tokens', ['tokens']);
    return html`<${Panel} title=${k.everyones} isWide>
        <${DataTable} caption=${k.everyones} list=${list} empty=${k.empty} columns=${[{key: 'user', label: k.person}, ...columnsOf('/v1/tokens', list)]} />
    <//>`;
}

export function Tokens() {
    const [isOpen, setOpen] = useState(false);
    const list = useList('/v1/me/tokens', 'tokens', ['tokens']);
    return html`<${PageHead} title=${k.title} lead=${k.lead}><button type="button" class="button primary" onClick=${() => setOpen(true)}>${k.add}</button><//>
        <${Panel} title=${`${k.mine}: ${me.value?.name}`} isWide><${DataTable} caption=${k.mine} list=${list} empty=${k.empty} hasFind=${false} columns=${columnsOf('/v1/me/tokens', list)} /><//>
        ${may('admin') && html`<${Everybodys} />`}
        ${isOpen && html`<${New} onClose=${() => setOpen(false)} onMade=${list.reload} />`}`;
}
