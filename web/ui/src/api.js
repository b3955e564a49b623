// The people's API of the broker, as docs/api.md has it, through oriel-web.
import {t} from './strings.js';

/**
 * application/problem+json (RFC 9457) as docs/api.md has it.
 * @typedef {{code: string, detail: string, audit?: string, errors?: {field: string, text: string}[], current?: any}} Problem
 */

export class ApiError extends Error {
    /** @param {number} status @param {Problem} problem @param {number} retryAfter seconds */
    constructor(status, problem, retryAfter = 0) {
        super(problem.detail);
        this.status = status;
        this.code = problem.code;
        this.audit = problem.audit ?? '';
        this.fields = problem.errors ?? [];
        this.current = problem.current ?? null;
        this.retryAfter = retryAfter;
    }
}

/** What the whole page must do when the login is over; set by the portal. */
export const onSignedOut = {call: () => {}};

/**
 * @param {string} method
 * @param {string} path below /api
 * @param {object} [body]
 */
export async function call(method, path, body) {
    let response;
    try {
        response = await fetch(`/api${path}`, {
            method, credentials: 'same-origin', cache: 'no-store', redirect: 'error',
            ...(method === 'GET' ? {} : {headers: {'content-type': 'application/json'}, body: JSON.stringify(body ?? {})}),
        });
    } catch {
        throw new ApiError(0, {code: 'network', detail: t.errors.network});
    }
    const answer = await response.json().catch(() => null);
    if (response.ok) {
        return answer ?? {};
    }
    const problem = answer?.code ? answer : {code: `http_${response.status}`, detail: t.errors.server};
    if (response.status === 401 && path !== '/v1/login' && problem.code !== 'auth_failed') {
        onSignedOut.call();
    }
    throw new ApiError(response.status, problem, Number(response.headers.get('retry-after')) || 0);
}

export const get = (path) => call('GET', path);
export const post = (path, body) => call('POST', path, body);
export const del = (path, body) => call('DELETE', path, body);

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
