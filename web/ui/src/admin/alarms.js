// What is wrong now, and what to do about each, as docs/operations.md has it.
import {html} from 'htm/preact';
import {post} from '../api.js';
import {t} from '../strings.js';
import {ask} from './confirm.js';
import {useList} from './data.js';
import {PageHead} from './detail.js';
import {since} from './format.js';
import {may} from './me.js';
import {href} from './route.js';
import {a} from './strings.js';
import {DataTable} from './table.js';

const PAGES = {host: 'hosts', pool: 'pools', desktop: 'desktops', template: 'templates', session: 'sessions'};

/** Where "host:NAME" is looked at; a template's has its version behind a slash. */
export function linkOf(object) {
    const [kind, name = ''] = object.split(/:(.*)/s);
    const page = PAGES[kind];
    const words = /^[0-9a-f]{32}$/.test(name) ? `${kind}:${name.slice(0, 8)}` : object;
    return page ? html`<a href=${href(page, kind === 'template' ? name.split('/')[0] : name)}>${words}</a>` : words;
}

/** By reason and kind of object, else by reason. */
function remedyOf({reason, object}) {
    const kind = object.split(':')[0];
    return a.alarm.remedies[`${reason} ${kind}`] ?? a.alarm.remedies[reason] ?? a.alarm.remedies.other;
}

const clear = (alarm) => ask({
    title: a.alarm.clearTitle, text: a.alarm.clearTexts[alarm.reason] ?? a.alarm.clearText, label: a.alarm.clear, isDangerous: alarm.reason === 'sweep_stopped',
    act: () => post('/v1/alarms/clear', {reason: alarm.reason, object: alarm.object}), done: a.alarm.cleared,
});

const columns = [
    {key: 'object', label: a.alarm.object, cell: (row) => linkOf(row.object)},
    {key: 'text', label: a.alarm.what, cell: (row) => html`${row.text} <code class="muted">${row.reason}</code>`},
    {key: 'remedy', label: a.alarm.remedy, value: remedyOf},
    {key: 'since_ms', label: a.alarm.since, isNumber: true, cell: (row) => since(row.since_ms)},
    {key: 'seen_ms', label: a.alarm.seen, isNumber: true, cell: (row) => since(row.seen_ms)},
    {key: 'count', label: a.alarm.count, isNumber: true},
    {key: 'acts', label: t.logins.act, isAction: true, cell: (row) => may('operator')
        && html`<button type="button" class="button" onClick=${() => clear(row)} aria-label=${`${a.alarm.clear}: ${row.object}`}>${a.alarm.clear}</button>`},
];

export function Alarms() {
    const list = useList('/v1/alarms', 'alarms', ['alarms']);
    return html`<${PageHead} title=${a.pages.alarms} />
        <${DataTable} caption=${a.pages.alarms} list=${list} columns=${columns} rowKey=${(row) => `${row.reason} ${row.object}`} order="since_ms"
            empty=${a.alarm.none} hasFind=${(list.rows?.length ?? 0) > 8} />`;
}
