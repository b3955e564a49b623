// The server's part of a page test, inside the browser driver: the built pages, and an API that says what the test sets.
import {readFile} from 'node:fs/promises';
import path from 'node:path';

export const WEB = process.env.ORIEL_WEB ?? new URL('../../build/release/web/dist', import.meta.url).pathname;
export const ORIGIN = 'https://oriel.test';
export const TYPES = {'.js': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml', '.html': 'text/html; charset=utf-8', '.txt': 'text/plain'};
// As oriel-web sends it: an inline script or style fails the test.
export const CSP = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; worker-src 'self'; "
    + "font-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

export const desktop = (more) => ({
    pool: 'office', kind: 'floating', maintenance: false, state: 'none', power: '', is_ready: false, session: '', started_ms: 0, waiting: 0, ready: 2,
    slot: 1, next_slot: 0, position: 0, eta_s: 0, problem_text: '', files_kept: false, thumbnails: true, has_thumbnail: false, protocol: '', watched_text: '', ...more,
});

export class FakePortal {
    constructor() {
        this.me = {name: 'anna', display: 'Anna Adams', role: 'user', has_password: true, has_totp: false, must_enrol: false, expires_ms: Date.now() + 3.6e6, idle_ms: 1.8e6};
        this.isSignedIn = true;
        this.desktops = [desktop({})];
        this.calls = [];
        this.answers = {};
        this.isDown = false;
        this.thumbnail = null;
    }

    /** @param {import('@playwright/test').Page} page */
    async serve(page) {
        await page.route(`${ORIGIN}/**`, (route) => this.answer(route));
    }

    called(what) {
        return this.calls.filter((call) => call.what === what);
    }

    async answer(route) {
        const request = route.request();
        const url = new URL(request.url());
        if (this.isDown) {
            return route.abort('connectionrefused');
        }
        return url.pathname.startsWith('/api/') ? this.answerApi(route, request, url.pathname.slice(4)) : this.answerFile(route, url.pathname);
    }

    async answerFile(route, name) {
        const file = name === '/' ? '/index.html' : name.startsWith('/desktop/') ? '/desktop.html' : name;
        try {
            const body = await readFile(path.join(WEB, path.normalize(file)));
            return await route.fulfill({body, contentType: TYPES[path.extname(file)], headers: {'content-security-policy': CSP}});
        } catch {
            return route.fulfill({status: 404, body: 'not found'});
        }
    }

    json(route, status, value, headers = {}) {
        return route.fulfill({status, headers: {'content-type': 'application/json', ...headers}, body: JSON.stringify(value)});
    }

    error(route, status, code, text, headers) {
        return this.json(route, status, {type: 'about:blank', title: text, status, detail: text, code, audit: '3f2a'}, headers);
    }

    async answerApi(route, request, api) {
        const what = `${request.method()} ${api}`;
        const body = request.postDataJSON();
        this.calls.push({what, body, headers: request.headers()});
        if (request.method() !== 'GET' && request.headers()['content-type'] !== 'application/json') {
            return this.error(route, 415, 'bad_type', 'Only application/json.');
        }
        const own = this.answers[what];
        if (own) {
            const [status, value, headers] = own(body);
            return this.json(route, status, value, headers);
        }
        if (!this.isSignedIn) {
            return this.error(route, 401, 'not_logged_in', 'Please sign in.');
        }
        if (api === '/v1/me/events') {
            const data = `retry: 500\nevent: desktops\ndata: ${JSON.stringify({desktops: this.desktops})}\n\n`;
            return route.fulfill({headers: {'content-type': 'text/event-stream'}, body: data});
        }
        if (api.endsWith('/thumbnail')) {
            return this.thumbnail ? route.fulfill({contentType: 'image/png', body: this.thumbnail}) : this.error(route, 404, 'none', 'none');
        }
        const known = {
            'GET /v1/me': () => this.me,
            'GET /v1/me/desktops': () => ({desktops: this.desktops}),
            'GET /v1/reasons': () => ({reasons: {taken_over: 'You connected to this desktop from another place.'}}),
            'POST /v1/logout': () => {
                this.isSignedIn = false;
                return {};
            },
        }[what];
        return known ? this.json(route, 200, known()) : this.error(route, 404, 'not_found', 'no such thing');
    }
}
