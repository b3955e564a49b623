// A list as a table: sorted, filtered, a hundred rows at a time; a row is a card on a phone.
import {html} from 'htm/preact';
import {useEffect, useId, useState} from 'preact/hooks';
import {Fault} from '../parts.js';
import {t} from '../strings.js';
import {a} from './strings.js';

const ROWS = 100;
const FIND_MS = 250;

/**
 * @typedef {object} Column
 * @property {string} key
 * @property {string} label
 * @property {(row: any) => string|number} [value] what is sorted and looked through; row[key] otherwise
 * @property {(row: any) => any} [cell] what is shown; the value otherwise
 * @property {boolean} [isNumber]
 * @property {boolean} [isAction] buttons: neither sorted nor looked through
 */

const valueOf = (column, row) => (column.value ? column.value(row) : row[column.key]) ?? '';

function compare(one, other) {
    return typeof one === 'number' && typeof other === 'number' ? one - other : String(one).localeCompare(String(other), undefined, {numeric: true});
}

/** @param {any[]} rows @param {Column[]} columns @param {{key: string, isDown: boolean}} order */
function sorted(rows, columns, order) {
    const column = columns.find((one) => one.key === order.key);
    if (!column) {
        return rows;
    }
    const sign = order.isDown ? -1 : 1;
    return [...rows].sort((one, other) => sign * compare(valueOf(column, one), valueOf(column, other)));
}

function matching(rows, columns, text) {
    const wanted = text.toLowerCase();
    return wanted === '' ? rows : rows.filter((row) => columns.some((column) => !column.isAction && String(valueOf(column, row)).toLowerCase().includes(wanted)));
}

function Head({columns, order, onOrder}) {
    return html`<thead><tr>${columns.map((column) => html`<th scope="col" class=${column.isNumber ? 'number' : ''}
        aria-sort=${column.isAction || order.key !== column.key ? null : order.isDown ? 'descending' : 'ascending'}>
        ${column.isAction ? html`<span class="visually-hidden">${column.label}</span>` : html`<button type="button" class="sort" onClick=${() => onOrder(column.key)}>
            ${column.label}<span class="arrow" aria-hidden="true">${order.key !== column.key ? '' : order.isDown ? ' ▼' : ' ▲'}</span></button>`}
    </th>`)}</tr></thead>`;
}

function Row({row, columns}) {
    return html`<tr>${columns.map((column, i) => {
        const inside = column.cell ? column.cell(row) : valueOf(column, row);
        const look = [column.isNumber && 'number', column.isAction && 'acts'].filter(Boolean).join(' ');
        return i === 0 ? html`<th scope="row" class=${look} data-label=${column.label}>${inside}</th>`
            : html`<td class=${look} data-label=${column.isAction ? null : column.label}>${inside}</td>`;
    })}</tr>`;
}

/** What is above a table: a text to look for, the order where there is no head to press, more filters. */
function Bar({columns, order, onOrder, onFind, find, filters, hasFind}) {
    const id = useId();
    return html`<div class="table-bar">
        ${hasFind && html`<div class="field find"><label for=${id}>${a.table.find}</label>
            <input id=${id} type="search" value=${find} onInput=${(event) => onFind(event.currentTarget.value)} autocomplete="off" spellcheck=${false} /></div>`}
        ${filters}
        <div class="field phone"><label for=${`${id}-sort`}>${a.table.sort}</label>
            <select id=${`${id}-sort`} value=${order.key} onChange=${(event) => onOrder(event.currentTarget.value)}>
                ${columns.filter((one) => !one.isAction).map((one) => html`<option value=${one.key} selected=${one.key === order.key}>${one.label}</option>`)}
            </select></div>
    </div>`;
}

/**
 * list: of useList(), or {rows}. empty: words where there is nothing at all.
 * @param {{caption: string, list: any, columns: Column[], rowKey?: string|((row: any) => string), empty: string, emptyHint?: any, order?: string,
 *     isDown?: boolean, filters?: any, hasFind?: boolean, hasFoot?: boolean}} props
 */
export function DataTable({caption, list, columns, rowKey = 'id', empty, emptyHint = '', order: first = columns[0].key, isDown = false, filters = null, hasFind = true, hasFoot = true}) {
    const [order, setOrder] = useState({key: first, isDown});
    const [find, setFind] = useState('');
    const [count, setCount] = useState(ROWS);
    useEffect(() => {
        const timer = setTimeout(() => list.find?.(find), FIND_MS);
        return () => clearTimeout(timer);
    }, [find]);
    const onOrder = (key) => {
        setOrder((was) => ({key, isDown: was.key === key ? !was.isDown : false}));
        list.all?.();
    };
    const keyOf = typeof rowKey === 'function' ? rowKey : (row) => row[rowKey];
    const isWhole = list.isWhole ?? true;
    const found = list.rows && sorted(isWhole ? matching(list.rows, columns, find) : list.rows, columns, order);
    const more = () => {
        setCount(count + ROWS);
        if (found && found.length < count + ROWS && !isWhole) {
            list.more();
        }
    };
    return html`<div class="table-part">
        ${list.error && html`<${Fault} error=${list.error} />`}
        ${(filters || hasFind) && html`<${Bar} columns=${columns} order=${order} onOrder=${onOrder} onFind=${setFind} find=${find} filters=${filters} hasFind=${hasFind} />`}
        ${found === null ? !list.error && html`<p class="muted" role="status">${t.loading}</p>`
            : found.length === 0 ? html`<div class="nothing"><p>${find ? a.table.none(find) : empty}</p>${!find && emptyHint && html`<p class="muted">${emptyHint}</p>`}</div>`
            : html`<div class="table-box"><table class="data">
                <caption class="visually-hidden">${caption}</caption>
                <${Head} columns=${columns} order=${order} onOrder=${onOrder} />
                <tbody>${found.slice(0, count).map((row) => html`<${Row} key=${keyOf(row)} row=${row} columns=${columns} />`)}</tbody>
            </table></div>`}
        ${hasFoot && found && found.length > 0 && html`<div class="row table-foot"><p class="small muted" role="status">${a.table.shown(Math.min(count, found.length), found.length, isWhole)}</p>
            ${(found.length > count || !isWhole) && html`<button type="button" class="button" onClick=${more}>${a.table.more}</button>`}</div>`}
    </div>`;
}
