// The whole site as a file: saved, read, refused at its line, planned, applied; against a server that says what the test sets.
import {readFile} from 'node:fs/promises';
import {expect, test} from '@playwright/test';
import {parse} from 'yaml';
import {expectAccessible} from './axe.js';
import {FakeConsole} from './fake_console.js';

/** @type {FakeConsole} */
let server;

/** With texts that a reader of YAML could take for something else. */
const site = {
    site: {contact: 'Grüße: 4711 # x', notice: ''}, reasons: [{code: 'pool_full', text: 'All are in use.\nRoom 2.14 has some.'}],
    users: [{name: '007', display: 'no', is_disabled: false, max_desktops: 4294967295}, {name: 'on', display: '- x'}, {name: '0x10', display: 'it\'s "it"'}, {name: '1e3', display: 'a: b'}],
    groups: [], pools: [{name: 'desk', allowed_hours: '08:00', spares: 0, schedule: '~'}],
};
const change = {op: 'change', kind: 'pool', name: 'desk', field: 'spares', from: 1, to: 3, affects: [{what: 'sessions', count: 2, names: ['anna', 'bob']}]};

test.beforeEach(async ({page}) => {
    server = new FakeConsole();
    await server.start();
    Object.assign(server.answers, {
        'GET /v1/site': () => [200, {contact: 'IT, room 12', notice: ''}, {etag: '"1"'}],
        'GET /v1/reasons': () => ({reasons: {}, list: []}),
        'GET /v1/export': () => site,
    });
    page.on('pageerror', (error) => expect(String(error)).toBe(''));
    page.on('console', (message) => expect(message.text()).not.toContain('Content Security Policy'));
    await page.goto(`${server.url}/admin#/site`);
});

test.afterEach(() => server.stop());

const panel = (page) => page.getByRole('region', {name: 'The site as a file'});

/** @param {import('@playwright/test').Page} page @param {string|Buffer} text */
async function look(page, text) {
    await panel(page).getByLabel('File', {exact: true}).setInputFiles({name: 'site.yaml', mimeType: 'application/yaml', buffer: Buffer.from(text)});
    await panel(page).getByRole('button', {name: 'See what would change'}).click();
}

test('what is saved says what the server has, and is read back as it was', async ({page}) => {
    const waits = page.waitForEvent('download');
    await panel(page).getByRole('button', {name: 'Save as a file'}).click();
    const download = await waits;
    expect(download.suggestedFilename()).toBe('site.yaml');
    const text = await readFile(await download.path(), 'utf8');
    expect(parse(text)).toEqual(site);
    expect(parse(text, {version: '1.1'})).toEqual(site);
    expect(text).toContain('\nusers:\n- name: \'007\'\n  display: \'no\'\n  is_disabled: false\n'); // as the command line writes it
    server.answers['POST /v1/plan'] = () => ({changes: [], lost: [], plan: 'none'});
    await look(page, text);
    await expect(page.getByRole('dialog').getByText('Nothing would change.')).toBeVisible();
    expect(server.called('POST /v1/plan')[0].body).toEqual({objects: site});
    await page.getByRole('dialog').getByRole('button', {name: 'Close'}).click();
    await expect(panel(page).getByRole('button', {name: 'See what would change'})).toBeFocused();
});

test('a file is looked at, whom it touches is shown, then it is applied; what has come between is shown first', async ({page}) => {
    server.answers['POST /v1/plan'] = () => ({changes: [change], lost: [{user: 'carol', pool: 'lab'}], plan: 'one'});
    await panel(page).getByLabel('Its lists are complete').check();
    await look(page, 'pools:\n- {name: desk, spares: 3}\n');
    const dialog = page.getByRole('dialog');
    await expect(dialog.getByText('2 sessions: anna, bob')).toBeVisible();
    await expect(dialog.getByText('carol, in pool lab')).toBeVisible();
    await expectAccessible(page, {inside: 'dialog'});
    expect(server.called('POST /v1/apply')).toEqual([]);
    server.answers['POST /v1/apply'] = () => [412, {code: 'changed', detail: 'Changed.', current: {changes: [{...change, from: 2}], lost: [], plan: 'two'}}];
    await dialog.getByRole('button', {name: 'Apply'}).click();
    await expect(dialog.getByText('Meanwhile something else has changed')).toBeVisible();
    await expect(dialog.getByText('carol, in pool lab')).toHaveCount(0);
    server.answers['POST /v1/apply'] = () => ({changes: [change], audit: 'x'});
    await dialog.getByRole('button', {name: 'Apply'}).click();
    await expect(page.getByText('Applied.')).toBeVisible();
    const objects = {pools: [{name: 'desk', spares: 3}]};
    expect(server.called('POST /v1/plan').map((call) => call.body)).toEqual([{objects, prune: true}]);
    expect(server.called('POST /v1/apply').map((call) => call.body)).toEqual([{objects, prune: true, plan: 'one'}, {objects, prune: true, plan: 'two'}]);
});

test('what the server refuses is named by its line, and nothing is applied', async ({page}) => {
    const text = 'pool lab: field \'max_session_s\' must be a number from 0 to 31536000';
    server.answers['POST /v1/plan'] = () => [400, {code: 'bad_request', detail: text, errors: [{field: '/pools/1/max_session_s', text}]}];
    await look(page, '# ours\npools:\n- name: desk\n\n- name: lab\n  max_session_s: -1\n');
    await expect(panel(page).getByRole('alert')).toContainText(`site.yaml:6: ${text}`);
    await expect(panel(page).getByRole('alert')).toContainText('Nothing was changed.');
    await expect(panel(page).getByLabel('File', {exact: true})).toBeFocused();
    await expectAccessible(page, {inside: 'main'});
    await page.setViewportSize({width: 360, height: 740});
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(360);
    await expectAccessible(page, {isStyle: true});
    await page.setViewportSize({width: 1280, height: 800});
    // What only shows when it is applied is named, too.
    const late = 'user anna still has a session';
    server.answers['POST /v1/plan'] = () => ({changes: [change], lost: [], plan: 'one'});
    server.answers['POST /v1/apply'] = () => [409, {code: 'conflict', detail: late, errors: [{field: '/users', text: late}]}];
    await look(page, '# ours\nusers: []\n');
    await page.getByRole('dialog').getByRole('button', {name: 'Apply'}).click();
    await expect(panel(page).getByRole('alert')).toContainText(`site.yaml:2: ${late}`);
    await expect(page.getByRole('dialog')).toHaveCount(0);
    // What is no fault of the file is told as ever.
    server.answers['POST /v1/plan'] = () => [503, {code: 'busy', detail: 'Others plan and apply. Please try again.'}];
    await look(page, 'users: []\n');
    await expect(panel(page).getByRole('alert')).toContainText('Others plan and apply.');
});

test('what is no site in YAML is refused with line and column before anything is sent', async ({page}) => {
    const refused = [
        ['a: 1\nb: [1\nc: 2\n', 'site.yaml:3:1: '], ['a: 1\nb: 2\na: 3\n', 'site.yaml:3:1: this name is there twice'], ['- a\n', 'site.yaml:1:1: sections are needed'],
        ['? [x]\n: 1\n', 'site.yaml:1:3: a name is needed'], ['a: {b: {c: {d: {e: {f: {g: {h: {i: 1}}}}}}}}\n', 'too much, or too deep'], ['['.repeat(100000), 'too much, or too deep'],
        ['a: "\\0"\n', 'site.yaml:1:4: a text holds NUL'], [Buffer.from([0x61, 0x3a, 0xff]), 'site.yaml:1:1: not UTF-8'], ['a: [*b]\n', 'site.yaml:1:5: '],
        ['a: &a [x,x]\nb: &b [*a,*a]\nc: &c [*c]\n', 'site.yaml:3:8: too much, or too deep'], ['a: 1\nb: !!int "5"\n', 'site.yaml:2:10: tags'], ['a: 1\n---\nb: 2\n', 'site.yaml:2:1: a second document'],
    ];
    for (const [text, told] of refused) {
        await look(page, text);
        await expect(panel(page).getByRole('alert')).toContainText(String(told));
    }
    const file = panel(page).getByLabel('File', {exact: true});
    await look(page, Buffer.alloc(4 * 1024 * 1024 + 1, '#'));
    await expect(panel(page).getByText('The file is over 4 MiB.')).toBeVisible();
    await expect(panel(page).getByRole('alert')).toHaveCount(0);
    await expect(file).toBeFocused();
    await file.setInputFiles([]);
    await panel(page).getByRole('button', {name: 'See what would change'}).click();
    await expect(panel(page).getByText('Please choose a file.')).toBeVisible();
    expect(server.called('POST /v1/plan')).toEqual([]);
});

test('words mean what they mean to the command line, and it is said what is being done', async ({page}) => {
    let answer = (_) => {};
    const answered = new Promise((done) => {
        answer = done;
    });
    await page.route('**/api/v1/plan', async (route) => {
        await answered;
        await route.continue();
    });
    server.answers['POST /v1/plan'] = () => ({changes: [], lost: [], plan: 'none'});
    await look(page, 'a: yes\nb: on\nc: 0123\nd: "5"\ne: -3\nf: 1e3\ng: 0x10\nh: True\ni: true\nj: ~\nk:\nl: 08:00\nm: 1-2\nn: "true"\no: &o [x]\np: *o\n<<: {q: 1}\n');
    await expect(panel(page).getByRole('status').filter({hasText: 'Finds out what would change'})).toBeVisible();
    await panel(page).getByRole('button', {name: 'See what would change'}).click({force: true}); // once is enough
    answer();
    await expect(page.getByRole('dialog')).toBeVisible();
    expect(server.called('POST /v1/plan').map((call) => call.body.objects)).toEqual([
        {a: 'yes', b: 'on', c: 123, d: '5', e: -3, f: '1e3', g: '0x10', h: 'True', i: true, j: null, k: null, l: '08:00', m: '1-2', n: 'true', o: ['x'], p: ['x'], '<<': {q: 1}}]);
});
