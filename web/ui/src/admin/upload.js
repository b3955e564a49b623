// Files on their way to a host, in pieces; they go on while other pages of the console are looked at. A piece that gets lost is sent again.
import {signal} from '@preact/signals';
import {post} from '../api.js';

const PIECE_BYTES = 1024 * 1024;
const TRIES = 60;
const PAUSE_MS = 1000;

/** @typedef {{job: string, name: string, sent: number, size: number, error: string}} Upload */
/** By job. */
export const uploads = signal(/** @type {Record<string, Upload>} */ ({}));
/** @type {Map<string, AbortController>} */
const running = new Map();

const set = (job, changes) => {
    uploads.value = {...uploads.value, [job]: {...uploads.value[job], ...changes}};
};
const drop = (job) => {
    const {[job]: _, ...rest} = uploads.value;
    uploads.value = rest;
};
const warn = (event) => event.preventDefault();
const pause = () => new Promise((done) => setTimeout(done, PAUSE_MS));

/** What vmpool says of a piece; status 0: nobody answered. */
async function sendPiece(path, ticket, offset, blob, signal_) {
    try {
        const response = await fetch(`${path}?offset=${offset}`, {
            method: 'PUT', body: blob, headers: {authorization: `Upload ${ticket}`}, credentials: 'omit', cache: 'no-store', redirect: 'error', signal: signal_,
        });
        const answer = await response.json().catch(() => ({}));
        return {status: response.status, offset: answer.offset ?? 0, detail: answer.detail ?? ''};
    } catch {
        return {status: 0, offset, detail: ''};
    }
}

async function sendAll(file, job, upload, abort) {
    let offset = 0;
    let tries = 0;
    while (offset < file.size && !abort.aborted) {
        const answer = await sendPiece(upload.path, upload.ticket, offset, file.slice(offset, offset + PIECE_BYTES), abort);
        const isLost = [0, 408, 503].includes(answer.status) || (answer.status === 409 && answer.offset !== offset && answer.offset < file.size);
        if (answer.status === 200) {
            offset = answer.offset;
            tries = 0;
            set(job, {sent: offset});
        } else if (isLost && ++tries <= TRIES) {
            offset = answer.status === 409 || answer.status === 408 ? answer.offset : offset;
            await pause();
        } else if (!abort.aborted) {
            throw new Error(answer.detail);
        }
    }
}

/** begun: the answer of /v1/templates/NAME/import or build. @param {File} file @param {{job: string, upload: {path: string, ticket: string}}} begun */
export async function startUpload(file, begun) {
    const {job} = begun;
    const abort = new AbortController();
    running.set(job, abort);
    uploads.value = {...uploads.value, [job]: {job, name: file.name, sent: 0, size: file.size, error: ''}};
    addEventListener('beforeunload', warn);
    try {
        await sendAll(file, job, begun.upload, abort.signal);
    } catch {
        await post(`/v1/jobs/${job}/cancel`).catch(() => {}); // where it has not failed by itself, with its reason
    }
    running.delete(job);
    drop(job);
    if (running.size === 0) {
        removeEventListener('beforeunload', warn);
    }
}

/** Calls a job off, and what is sent for it. @param {string} job */
export async function cancelJob(job) {
    running.get(job)?.abort();
    await post(`/v1/jobs/${job}/cancel`);
}
