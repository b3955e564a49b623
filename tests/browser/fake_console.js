// The server's part of the console's tests, inside the browser driver: the built pages, an API that says what the test sets, and a
// stream of events that can break. On a port of its own: Playwright's routes cannot stream.
import {readFile} from 'node:fs/promises';
import http from 'node:http';
import path from 'node:path';
import {CSP, TYPES, WEB} from './fake_portal.js';

export class FakeConsole {
    constructor() {
        this.me = {name: 'root.admin', display: 'Rita Root', role: 'admin', has_password: true, has_totp: true, must_enrol: false};
        this.isSignedIn = true;
        this.isDown = false;
        /** @type {Record<string, (body: any, url: URL) => any>} "GET /v1/hosts": a value, or [status, value, headers] */
        this.answers = {};
        this.load = {};
        this.calls = [];
        this.streams = new Set();
        this.server = http.createServer((request, response) => this.answer(request, response).catch((error) => response.destroy(error)));
    }

    async start() {
        await new Promise((done) => this.server.listen(0, '127.0.0.1', () => done(null)));
        this.url = `http://127.0.0.1:${this.server.address().port}`;
    }

    async stop() {
        this.cut();
        this.server.closeAllConnections();
        await new Promise((done) => this.server.close(done));
    }

    /** Every open stream breaks. */
    cut() {
        this.streams.forEach((stream) => stream.destroy());
        this.streams.clear();
    }

    tell(event, data) {
        this.streams.forEach((stream) => stream.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`));
    }

    called(what) {
        return this.calls.filter((call) => call.what === what);
    }

    async answer(request, response) {
        const url = new URL(request.url, this.url);
        if (this.isDown && url.pathname.startsWith('/api/')) {
            this.calls.push({what: `${request.method} ${url.pathname.slice(4)}`});
            response.writeHead(503, {'content-type': 'application/problem+json'}).end('{"code":"busy","title":"The broker does not answer."}');
            return;
        }
        if (url.pathname.startsWith('/upload/')) {
            await this.takePiece(request, response, url);
            return;
        }
        if (!url.pathname.startsWith('/api/')) {
            await this.answerFile(response, url.pathname);
            return;
        }
        let text = '';
        for await (const part of request) {
            text += part;
        }
        this.answerApi(request, response, url, text ? JSON.parse(text) : null);
    }

    /** A piece of a file, as vmpool takes it: the next one, or a word of where to go on. */
    async takePiece(request, response, url) {
        const parts = [];
        for await (const part of request) {
            parts.push(part);
        }
        const piece = Buffer.concat(parts);
        const offset = Number(url.searchParams.get('offset'));
        this.calls.push({what: `PUT ${url.pathname}`, headers: request.headers, offset, length: piece.length});
        const told = this.onPiece?.(offset, piece);
        if (told) {
            this.json(response, ...told);
            return;
        }
        this.received = Buffer.concat([this.received ?? Buffer.alloc(0), piece]);
        this.json(response, 200, {offset: this.received.length});
    }

    async answerFile(response, name) {
        const file = name === '/' ? '/index.html' : name === '/admin' ? '/admin.html' : name;
        try {
            const body = await readFile(path.join(WEB, path.normalize(file)));
            response.writeHead(200, {'content-type': TYPES[path.extname(file)], 'content-security-policy': CSP}).end(body);
        } catch {
            response.writeHead(404).end('not found');
        }
    }

    json(response, status, value, headers = {}) {
        const type = status < 400 ? 'application/json' : 'application/problem+json';
        response.writeHead(status, {'content-type': type, ...headers}).end(JSON.stringify(value));
    }

    problem(response, status, code, detail) {
        this.json(response, status, {type: 'about:blank', title: detail, status, detail, code, audit: '3f2a'});
    }

    answerApi(request, response, url, body) {
        const api = url.pathname.slice(4);
        const what = `${request.method} ${api}`;
        this.calls.push({what, body, headers: request.headers, query: Object.fromEntries(url.searchParams)});
        const own = this.answers[what];
        if (own) {
            const told = own(body, url);
            const [status, value, headers] = Array.isArray(told) ? told : [200, told];
            this.json(response, status, value, headers);
        } else if (!this.isSignedIn) {
            this.problem(response, 401, 'not_logged_in', 'Please sign in.');
        } else if (api === '/v1/events') {
            response.writeHead(200, {'content-type': 'text/event-stream'});
            response.write(`event: load\ndata: ${JSON.stringify(this.load)}\n\n`);
            this.streams.add(response);
            response.on('close', () => this.streams.delete(response));
        } else if (what === 'GET /v1/me') {
            this.json(response, 200, this.me);
        } else if (what === 'POST /v1/logout') {
            this.isSignedIn = false;
            this.json(response, 200, {});
        } else {
            this.problem(response, 404, 'not_found', `There is no ${what}.`);
        }
    }
}
