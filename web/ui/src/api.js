// The broker's API, as docs/api.md has it, through oriel-web.
import {t} from './strings.js';

/**
 * application/problem+json (RFC 9457) as docs/api.md has it.
 * @typedef {{code: string, detail: string, audit?: string, errors?: {field: string, text: string}[], current?: any}} Problem
 */

/** What is told of a failed call. fields: by name what is wrong with it; current: the object as somebody else left it (412). */
export class ApiError extends Error {
    /** @param {number} status @param {Problem} problem @param {number} retryAfter seconds @param {string} etag of current */
    constructor(status, problem, retryAfter = 0, etag = '') {
        super(problem.detail);
        this.status = status;
        this.code = problem.code;
        this.audit = problem.audit ?? '';
        this.current = problem.current ?? null;
        this.etag = etag;
        this.retryAfter = retryAfter;
        this.fields = Object.fromEntries((problem.errors ?? []).map((one) => [one.field, one.text]));
    }
}

/** What the whole page must do when the login is over; set by the page. */
export const onSignedOut = {call: () => {}};

/** The only place that reads errors. @param {Response} response @param {any} answer */
function faultOf(response, answer) {
    const problem = answer?.code ? answer : {code: `http_${response.status}`, detail: t.errors.server};
    return new ApiError(response.status, problem, Number(response.headers.get('retry-after')) || 0, response.headers.get('etag') ?? '');
}

/**
 * @param {string} method
 * @param {string} path below /api
 * @param {object} [body]
 * @param {string} [etag] change only what still is as this said
 * @returns {Promise<{value: any, etag: string}>}
 */
export async function send(method, path, body, etag = '') {
    let response;
    const headers = {...(method === 'GET' ? {} : {'content-type': 'application/json'}), ...(etag ? {'if-match': etag} : {})};
    try {
        response = await fetch(`/api${path}`, {
            method, credentials: 'same-origin', cache: 'no-store', redirect: 'error', headers,
            ...(method === 'GET' ? {} : {body: JSON.stringify(body ?? {})}),
        });
    } catch {
        throw new ApiError(0, {code: 'network', detail: t.errors.network});
    }
    const answer = await response.json().catch(() => null);
    if (response.ok) {
        return {value: answer ?? {}, etag: response.headers.get('etag') ?? ''};
    }
    const fault = faultOf(response, answer);
    if (response.status === 401 && path !== '/v1/login' && fault.code !== 'auth_failed') {
        onSignedOut.call();
    }
    throw fault;
}

export const call = async (method, path, body) => (await send(method, path, body)).value;
export const get = (path) => call('GET', path);
export const post = (path, body) => call('POST', path, body);
export const patch = (path, body, etag) => send('PATCH', path, body, etag);
export const del = (path, body) => call('DELETE', path, body);

/** "/v1/x" and {a: 1, b: ''} become "/v1/x?a=1". @param {string} path @param {Record<string, any>} values */
export function withQuery(path, values) {
    const known = Object.entries(values).filter(([, value]) => value !== '' && value !== null && value !== undefined);
    return known.length > 0 ? `${path}?${new URLSearchParams(known.map(([name, value]) => [name, String(value)]))}` : path;
}

/** Rows of a list from the first on, page by page, until there are so many or nobody wants them. @param {string} path @param {string} key @param {number} count */
export async function getRows(path, key, count, query = {}, isWanted = () => true) {
    let rows = [];
    let after = '';
    do {
        const answer = await get(withQuery(path, after ? {...query, after, limit: 1000} : query));
        rows = rows.concat(answer[key] ?? []);
        after = answer.next ?? '';
    } while (after && rows.length < count && isWanted());
    return {rows, next: after};
}

/** A picture, or null where there is none now. @param {string} path */
export async function getPicture(path) {
    const response = await fetch(`/api${path}`, {credentials: 'same-origin', cache: 'no-store', redirect: 'error'}).catch(() => null);
    return response?.ok ? response.blob() : null;
}

/** One of several desktops of a pool has its number behind the pool's name. @param {{pool: string, slot: number}} desktop */
export const seatOf = (desktop) => (desktop.slot > 1 ? `${desktop.pool}:${desktop.slot}` : desktop.pool);
/** @param {string} seat */
export const pathOf = (seat) => encodeURIComponent(seat).replace('%3A', ':');
/** @param {string} seat */
export const desktopPath = (seat) => `/v1/me/desktops/${pathOf(seat)}`;
