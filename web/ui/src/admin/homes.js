// Whose files a pool keeps: how large a home may be, and which desktop has it now.
import {html} from 'htm/preact';
import {useList} from './data.js';
import {Panel} from './detail.js';
import {mebibytes, moment} from './format.js';
import {may} from './me.js';
import {href} from './route.js';
import {DataTable} from './table.js';
import {w} from './words.js';

const h = w.homes;

/** @param {{pool: string}} props */
export function Homes({pool}) {
    const list = useList('/v1/homes', 'homes', ['pools', 'desktops', 'sessions'], {pool});
    return html`<${Panel} title=${h.title} isWide>
        <p class="small muted">${h.backup}</p>
        <${DataTable} caption=${h.title} list=${list} rowKey="id" hasFind=${false} order="" empty=${h.none} columns=${[
            {key: 'user', label: h.owner, cell: (row) => (may('admin') ? html`<a href=${href('users', row.user)}>${row.user}</a>` : row.user)},
            {key: 'kind', label: h.kind, value: (row) => h.kinds[row.kind] ?? row.kind},
            {key: 'size_mib', label: h.size, isNumber: true, cell: (row) => (row.size_mib ? mebibytes(row.size_mib) : '–')},
            {key: 'desktop', label: h.desktop, cell: (row) => (row.desktop ? html`<a href=${href('desktops', row.desktop)}>${row.desktop.slice(0, 8)}</a>` : '–')},
            {key: 'used_ms', label: h.used, cell: (row) => moment(row.used_ms)},
            {key: 'path', label: w.templates.file, cell: (row) => html`<span class="mono">${row.path}</span>`},
        ]} /><//>`;
}
