// Numbers and times as people read them.

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];

/** @param {number} count */
export function bytes(count) {
    let unit = 0;
    let value = count;
    while (value >= 1024 && unit < UNITS.length - 1) {
        value /= 1024;
        unit++;
    }
    return `${value >= 100 || unit === 0 ? Math.round(value) : value.toFixed(1)} ${UNITS[unit]}`;
}

/** @param {number} count */
export const mebibytes = (count) => bytes(count * 1024 * 1024);

/** @param {number} seconds */
export function duration(seconds) {
    const s = Math.max(0, Math.round(seconds));
    if (s < 60) {
        return `${s} s`;
    }
    if (s < 3600) {
        return `${Math.floor(s / 60)} min`;
    }
    return s < 86400 ? `${Math.floor(s / 3600)} h ${Math.floor((s % 3600) / 60)} min` : `${Math.floor(s / 86400)} d ${Math.floor((s % 86400) / 3600)} h`;
}

/** @param {number} ms since 1970; 0: never */
export const since = (ms) => (ms > 0 ? duration((Date.now() - ms) / 1000) : '–');

/** @param {number} share of 100 */
export const percent = (share) => (share === null || share === undefined ? '–' : `${Math.round(share)} %`);

/** @param {number} us */
export const millis = (us) => (us > 0 ? `${us >= 10000 ? Math.round(us / 1000) : (us / 1000).toFixed(1)} ms` : '–');

/** @param {number} ms since 1970; 0: never */
export function moment(ms) {
    if (!(ms > 0)) {
        return '–';
    }
    const sameDay = new Date(ms).toDateString() === new Date().toDateString();
    return new Intl.DateTimeFormat(undefined, sameDay ? {timeStyle: 'medium'} : {dateStyle: 'medium', timeStyle: 'short'}).format(ms);
}
