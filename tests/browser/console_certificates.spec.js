// The console's certificates and a host's checks: what is shown, an upload by files, a refusal at its field, two administrators.
import {expect, test} from '@playwright/test';
import {expectAccessible} from './axe.js';
import {furnish} from './console_world.js';
import {FakeConsole} from './fake_console.js';
import {takePicture} from './picture.js';

/** @type {FakeConsole} */
let server;
const DAY_MS = 86400000;
const print = (byte) => `sha256:${Array(32).fill(byte).join(':')}`;
const certificate = (service, more = {}) => ({service, is_connected: true, source: 'own', issuer: 'CN=attic', names: ['attic'], from_ms: Date.now() - DAY_MS, until_ms: Date.now() + 3000 * DAY_MS,
    days_left: 2999, fingerprint: print('ab'), chain_length: 1, is_self_signed: true, problem: '', port: service === 'rdp' ? 3389 : 443, other_port: service === 'rdp' ? 5900 : 0, ...more});
const signed = {source: 'uploaded', issuer: 'CN=Example CA, O=Example', names: ['desktops.example.org'], is_self_signed: false, chain_length: 2};

test.beforeEach(async ({page}) => {
    server = new FakeConsole();
    furnish(server);
    await server.start();
    Object.assign(server.answers, {
        'GET /v1/certificates/rdp': () => [200, certificate('rdp'), {etag: '"1"'}],
        'GET /v1/certificates/web': () => [200, certificate('web', {...signed, days_left: 12, until_ms: Date.now() + 12.5 * DAY_MS}), {etag: '"2"'}],
    });
    page.on('pageerror', (error) => expect(String(error)).toBe(''));
});

test.afterEach(() => server.stop());

const file = (name, text) => ({name, mimeType: 'application/x-pem-file', buffer: Buffer.from(text)});

test('a certificate is uploaded by its files; what is wrong stands at its field', async ({page}) => {
    let isGood = false;
    server.answers['PATCH /v1/certificates/rdp'] = () => (isGood ? [200, certificate('rdp', {...signed, fingerprint: print('cd')}), {etag: '"3"'}]
        : [400, {type: 'about:blank', title: 'No', status: 400, code: 'certificate.refused', detail: 'field \'key\' is not the key of this certificate',
            errors: [{field: 'key', text: 'field \'key\' is not the key of this certificate'}]}]);
    await page.goto(`${server.url}/admin#/certificates`);
    await expect(page.getByRole('heading', {level: 1, name: 'Certificates'})).toBeVisible();
    await expect(page.getByText('good for 12 more days')).toBeVisible();
    await expect(page.getByText('itself (self-signed): people are warned')).toBeVisible();
    await expectAccessible(page);
    await takePicture(page, 'certificates.png');
    await page.getByRole('button', {name: 'Upload another: RDP and VNC'}).click();
    const dialog = page.getByRole('dialog');
    await expectAccessible(page);
    await dialog.getByLabel('Certificate chain (PEM)').setInputFiles(file('chain.pem', 'CHAIN'));
    await dialog.getByLabel('Private key (PEM)').setInputFiles(file('key.pem', 'KEY'));
    await dialog.getByRole('button', {name: 'Use it from now on'}).click();
    await expect(dialog.getByLabel('Private key (PEM)')).toHaveAttribute('aria-invalid', 'true');
    expect(server.called('PATCH /v1/certificates/rdp')[0].body).toEqual({certificate: 'CHAIN', key: 'KEY'});
    isGood = true;
    await dialog.getByRole('button', {name: 'Use it from now on'}).click();
    await expect(page.getByText(`Shown from now on: ${print('cd')}`)).toBeVisible();
});

test('a viewer sees both and changes neither', async ({page}) => {
    server.me.role = 'viewer';
    await page.goto(`${server.url}/admin#/certificates`);
    await expect(page.getByText('good for 12 more days')).toBeVisible();
    await expect(page.getByRole('button', {name: /Upload/})).toHaveCount(0);
    await expect(page.getByRole('button', {name: /Back to its own/})).toHaveCount(0);
});

test('a host shows what oriel doctor finds, the bad first, with what to do', async ({page}) => {
    server.answers['GET /v1/hosts/cellar/doctor'] = () => ({checks: [
        {area: 'sockets', object: '/run/oriel/broker.sock', state: 'ok', text: 'is there', remedy: ''},
        {area: 'clock', object: 'this host', state: 'warn', text: 'nobody keeps it right', remedy: 'run chrony or systemd-timesyncd'},
        {area: 'certificates', object: 'portal', state: 'bad', text: 'has expired', remedy: 'oriel certificate set'},
    ]});
    await page.goto(`${server.url}/admin#/hosts/cellar`);
    await expect(page.getByText('3 checks: 1 bad, 1 to look at.')).toBeVisible();
    const checks = page.getByRole('table', {name: 'Checks'});
    await expect(checks.getByRole('row').nth(1)).toContainText('has expired');
    await expect(checks.getByRole('row').nth(1)).toContainText('oriel certificate set');
    await expectAccessible(page);
    await takePicture(page, 'host-checks.png');
});
