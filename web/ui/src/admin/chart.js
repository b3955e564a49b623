// A line over time by uPlot, with its last and largest values in words and the whole as a table.
import {html} from 'htm/preact';
import {useEffect, useId, useRef} from 'preact/hooks';
import uPlot from 'uplot';
import {theme} from '../theme.js';
import {moment} from './format.js';
import {a} from './strings.js';

const HEIGHT = 160;
/** Steps of the time's axis: whole minutes, as the samples are. */
const MINUTES = [1, 2, 5, 10, 15, 30, 60, 120, 180, 240, 360, 720].map((minutes) => minutes * 60);
const TABLE_ROWS = 24;
const LINES = ['--line-1', '--line-2', '--line-3'];
const DASHES = [[], [6, 3], [2, 3]];

const clock = new Intl.DateTimeFormat(undefined, {hour: '2-digit', minute: '2-digit', hourCycle: 'h23'});
const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

function plotOf(box, times, series, format, max) {
    const axis = {stroke: colour('--muted'), grid: {stroke: colour('--grid'), width: 1}, ticks: {show: false}, font: '11px system-ui'};
    return new uPlot({
        width: Math.max(200, box.clientWidth), height: HEIGHT, legend: {show: false}, cursor: {y: false, points: {size: 6}},
        padding: [8, 8, 0, 0],
        scales: {y: {range: (_, _low, high) => [0, max || Math.max(1, high * 1.15)]}},
        axes: [{...axis, space: 70, size: 24, incrs: MINUTES, values: (_, values) => values.map((value) => clock.format(value * 1000))}, {...axis, size: 52, space: 32, values: (_, values) => values.map((value) => format(value))}],
        series: [{}, ...series.map((one, i) => ({label: one.label, stroke: colour(LINES[i]), dash: DASHES[i], width: 2, points: {show: false}}))],
    }, [times, ...series.map((one) => one.values)], box);
}

const lastOf = (values) => values.findLast((value) => value !== null && value !== undefined) ?? null;
const most = (values) => values.reduce((top, value) => Math.max(top, value ?? 0), 0);

function AsTable({title, times, series, format}) {
    const step = Math.max(1, Math.ceil(times.length / TABLE_ROWS));
    const rows = times.map((time, i) => ({time, i})).filter(({i}) => (times.length - 1 - i) % step === 0).reverse();
    return html`<details class="small"><summary>${a.chart.table}</summary><div class="table-box"><table class="data">
        <caption class="visually-hidden">${title}</caption>
        <thead><tr><th scope="col">${a.chart.time}</th>${series.map((one) => html`<th scope="col" class="number">${one.label}</th>`)}</tr></thead>
        <tbody>${rows.map(({time, i}) => html`<tr key=${time}><th scope="row" data-label=${a.chart.time}>${moment(time * 1000)}</th>
            ${series.map((one) => html`<td class="number" data-label=${one.label}>${one.values[i] === null ? '–' : format(one.values[i])}</td>`)}</tr>`)}</tbody>
    </table></div></details>`;
}

/**
 * times: seconds since 1970. series: at most three; null: not known then. max: of the scale, 0: by the values.
 * @param {{title: string, times: number[], series: {label: string, values: (number|null)[]}[], format: (value: number) => string, max?: number}} props
 */
export function Chart({title, times, series, format, max = 0}) {
    const box = useRef(/** @type {HTMLElement|null} */ (null));
    const plot = useRef(/** @type {any} */ (null));
    const id = useId();
    const data = [times, ...series.map((one) => one.values)];
    useEffect(() => {
        const dark = matchMedia('(prefers-color-scheme: dark)');
        const element = box.current;
        const make = () => {
            plot.current?.destroy();
            plot.current = plotOf(element, times, series, format, max);
        };
        const resized = new ResizeObserver(() => plot.current?.setSize({width: Math.max(200, element.clientWidth), height: HEIGHT}));
        make();
        resized.observe(element);
        dark.addEventListener('change', make);
        return () => {
            dark.removeEventListener('change', make);
            resized.disconnect();
            plot.current?.destroy();
            plot.current = null;
        };
    }, [theme.value]);
    useEffect(() => plot.current?.setData(data), [times, JSON.stringify(data.map((one) => one.at(-1))), times.length]);
    const words = series.map((one) => {
        const now = lastOf(one.values);
        return a.chart.words(one.label, now === null ? '–' : format(now), now === null ? '–' : format(most(one.values)));
    });
    return html`<figure class="chart panel" aria-labelledby=${id}>
        <figcaption id=${id}><strong>${title}</strong></figcaption>
        <ul class="key">${series.map((one, i) => html`<li class=${`line-${i + 1}`}>${words[i]}</li>`)}</ul>
        <div class="plot" ref=${box} role="img" aria-label=${`${title}. ${words.join(' ')}`}></div>
        <${AsTable} title=${title} times=${times} series=${series} format=${format} />
    </figure>`;
}
