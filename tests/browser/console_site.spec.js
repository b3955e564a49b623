// The console's pages of people, pools, templates, audit and the site, against a server that says what the test sets.
import {expect, test} from '@playwright/test';
import {expectAccessible} from './axe.js';
import {walk} from './console_walk.js';
import {FakeConsole} from './fake_console.js';
import {takePicture} from './picture.js';

/** @type {FakeConsole} */
let server;

const began = Date.now() - 3600000;
const user = (name, more = {}) => ({name, display: '', role: 'user', is_disabled: false, has_password: true, has_totp: false, max_desktops: 0, may_break_glass: false, created_ms: began, ...more});
const defaults = {
    template: '', template_version: 0, spares: 1, max: 10, memory_mib: 0, vcpus: 0, disconnect_timeout_s: 7200, clipboard: 'both', clipboard_max_bytes: 1048576, sound: true, thumbnails: true, maintenance: false,
    spares_suspended: 0, spare_max_age_s: 86400, schedule: '', forecast: false, clone_method: 'auto', cpu_shares: 0, cpu_cap_percent: 0, disk_iops: 0, disk_mib_s: 0, balloon_min_mib: 0, tpm: false,
    secure_boot: false, firmware: 'bios', autostart: false, network: 'isolated', network_name: '', display: 'auto', idle_timeout_s: 14400, max_session_s: 0, warn_first_s: 300, warn_last_s: 60,
    allowed_hours: '', allowed_from: '', max_per_user: 1, person: 'auto', home: 'none', home_size_mib: 0, home_target: '', on_assign: '', on_logoff: '', hook_deadline_s: 30,
};
const pool = (name, more = {}) => ({...defaults, name, kind: 'floating', template: 'debian', deleted: false, created_ms: began, problem: '', problem_text: '',
    retry_ms: 0, desktops: {total: 4, ready: 2, suspended: 0, given: 2}, waiting: 0, desktops_by_version: [{template: 'debian', version: 2, desktops: 4}],
    now: {spares: 2, suspended: 0, people_expected: 2.5}, ...more});
const template = {name: 'debian', version: 2, kind: 'disk', path: '/var/lib/oriel/debian.qcow2', state: 'ready', reason: '', reason_text: '', virtual_bytes: 21474836480, memory_mib: 2048, vcpus: 2,
    os: 'linux', has_hook: true, created_ms: began, versions: [{version: 1, state: 'ready', desktops: 0, file: '/var/lib/oriel/debian-1.qcow2', reason_text: ''}, {version: 2, state: 'ready', desktops: 4, file: '/var/lib/oriel/debian.qcow2', reason_text: ''}]};

const ID = '0123456789abcdef0123456789abcdef';
const job = (more = {}) => ({id: ID, kind: 'template.import', object: 'template:fresh', host: 'local', actor: 'user:root.admin', state: 'running', is_cancel_wanted: false, is_seal_wanted: false, progress_percent: 62,
    progress_text: 'converts it', result: null, reason: '', reason_text: '', created_ms: began, changed_ms: began + 1000, ...more});
const jobs = [job(), job({id: '1'.repeat(32), kind: 'template.build', object: 'template:debian', progress_text: 'is being installed: open its screen', progress_percent: 50}),
    job({id: '2'.repeat(32), state: 'failed', reason: 'image_refused', reason_text: 'the file is encrypted'}),
    job({id: '3'.repeat(32), kind: 'template.check', object: 'template:debian', state: 'done', progress_percent: 100,
        result: {worst: 'warn', items: [{item: 'boots', finding: 'ok', text: 'paints after 9 s', todo: ''}, {item: 'ssh_keys', finding: 'bad', text: 'host keys are in it', todo: 'Remove /etc/ssh/ssh_host_*.'}]}})];

const golden = (more = {}) => ({id: '4'.repeat(32), host: 'local', template: 'debian', template_version: 2, method: 'instant', machine: 'pc-q35-7.2', qemu: 7002000, memory_mib: 2048, vcpus: 2, state: 'building',
    percent: 40, text: 'boots', path: '/var/lib/oriel/golden', attempts: 1, created_ms: began, changed_ms: began, built_ms: 0, ...more});

test.beforeEach(async ({page}) => {
    server = new FakeConsole();
    await server.start();
    Object.assign(server.answers, {
        'GET /v1/users': () => ({users: [user('anna', {display: 'Anna Ahlers'}), user('bob', {role: 'operator', has_totp: true}), user('carol', {is_disabled: true})]}),
        'GET /v1/users/anna': () => [200, {...user('anna', {display: 'Anna Ahlers'}), groups: [{name: 'office', via: 'sales'}], pools: [{pool: 'desk', group: ''}, {pool: 'lab', group: 'office'}]}, {etag: '"1"'}],
        'GET /v1/groups': () => ({groups: [{name: 'office', display: 'All in the office', created_ms: began, user_count: 2, group_count: 1, pool_count: 1}]}),
        'GET /v1/groups/office': () => [200, {name: 'office', display: 'All in the office', created_ms: began, user_count: 2, group_count: 1, pool_count: 1, users: ['anna', 'bob'], groups: ['sales'], parents: [], pools: ['lab']}, {etag: '"1"'}],
        'GET /v1/pools': () => ({pools: [pool('desk'), pool('lab', {problem: 'template.missing', problem_text: 'The template\'s disk is missing.', waiting: 3})]}),
        'GET /v1/pools/desk': () => [200, pool('desk'), {etag: '"1"'}],
        'GET /v1/pool-defaults': () => ({floating: defaults, dedicated: {...defaults, disconnect_timeout_s: 0}, static: defaults}),
        'GET /v1/templates': () => ({templates: [template]}),
        'GET /v1/templates/debian': () => [200, template, {etag: '"1"'}],
        'GET /v1/goldens': () => ({goldens: [golden(), golden({id: '5'.repeat(32), state: 'failed', text: 'its guest has no agent', template_version: 1})]}),
        'GET /v1/jobs': () => ({jobs}),
        [`GET /v1/jobs/${jobs[1].id}`]: () => jobs[1],
        [`GET /v1/jobs/${jobs[3].id}`]: () => jobs[3],
        'GET /v1/entitlements': () => ({entitlements: [{user: '', group: 'office', pool: 'desk'}, {user: 'anna', group: '', pool: 'desk'}]}),
        'GET /v1/sessions': () => ({sessions: [{id: 's1', user: 'anna', pool: 'desk', desktop: 'd1', state: 'active', client: '192.0.2.7:4711', started_ms: began}]}),
        'GET /v1/desktops': () => ({desktops: []}),
        'GET /v1/audit': () => ({audit: [{seq: 2, id: 'a2', time_ms: began + 1000, actor: 'user:bob', action: 'pool.set', reason: '', object: 'pool:desk', user: '', client: '', detail: '{"spares":2}', count: 1},
            {seq: 1, id: 'a1', time_ms: began, actor: 'broker', action: 'login', reason: 'auth_failed', object: '', user: 'anna', client: '198.51.100.0/24', detail: '', count: 31}]}),
        'GET /v1/me/tokens': () => ({tokens: [{id: 't1', user: 'root.admin', label: 'backup', scope: 'viewer', created_ms: began, expires_ms: began + 90 * 86400000, used_ms: 0}]}),
        'GET /v1/tokens': () => ({tokens: [{id: 't2', user: 'bob', label: 'nightly', scope: 'operator', created_ms: began, expires_ms: began + 90 * 86400000, used_ms: began}]}),
        'GET /v1/site': () => [200, {contact: 'IT, room 12', notice: ''}, {etag: '"1"'}],
        'GET /v1/reasons': () => ({reasons: {}, list: [{code: 'auth_failed', text: 'Wrong name or password.', standard: 'Wrong name or password.', is_own: false}]}),
    });
    page.on('pageerror', (error) => expect(String(error)).toBe(''));
    page.on('console', (message) => expect(message.text()).not.toContain('Content Security Policy'));
});

test.afterEach(() => server.stop());

const open = (page, hash) => page.goto(`${server.url}/admin${hash}`);
test('each page: axe, keyboard, dialogs, the dark, a phone', async ({page}) => {
    test.setTimeout(480000);
    await walk(page, server, [
        ['users', '#/users', 'Anna Ahlers'], ['user', '#/users/anna', 'through sales'], ['groups', '#/groups', 'All in the office'], ['group', '#/groups/office', 'sales'],
        ['pools', '#/pools', 'desk'], ['pool', '#/pools/desk', 'Desktops at most'], ['pool-new', '#/pools?new=1', 'Step 1 of 4'], ['templates', '#/templates', 'debian'],
        ['template', '#/templates/debian', 'debian-1.qcow2'], ['jobs', '#/jobs', 'the file is encrypted'], ['job-check', `#/jobs/${jobs[3].id}`, 'host keys are in it'], ['job-build', `#/jobs/${jobs[1].id}`, 'build-debian'],
        ['audit', '#/audit', 'pool.set'], ['tokens', '#/tokens', 'nightly'], ['site', '#/site', 'auth_failed'],
    ]);
});

test('a static pool gets a desktop: a VNC server, an RDP server with its certificate, a machine of libvirt', async ({page}) => {
    server.answers['GET /v1/pools/room'] = () => [200, pool('room', {kind: 'static', template: '', desktops_by_version: []}), {etag: '"1"'}];
    server.answers['POST /v1/desktops'] = (body) => (body.vnc === 'nowhere'
        ? [400, {code: 'bad_request', detail: 'field \'vnc\' is no address', errors: [{field: 'vnc', text: 'is no address'}]}] : [201, {id: ID, audit: 'a'}]);
    await open(page, '#/pools/desk');
    await expect(page.getByRole('heading', {name: 'Desktops', exact: true})).toBeVisible();
    await expect(page.getByRole('button', {name: 'Add a desktop'})).toHaveCount(0); // floating
    await open(page, '#/pools/room');
    const button = page.getByRole('button', {name: 'Add a desktop'});
    const dialog = page.getByRole('dialog');
    const sent = () => server.called('POST /v1/desktops').at(-1).body;
    await button.focus();
    await page.keyboard.press('Enter');
    await expect(dialog.getByLabel('Its display')).toBeFocused();
    await expectAccessible(page);
    await dialog.getByLabel('Address').fill('nowhere');
    await dialog.getByRole('button', {name: 'Add', exact: true}).click();
    await expect(dialog.getByLabel('Address')).toHaveAccessibleDescription('is no address');
    await expect(dialog.getByLabel('Address')).toBeFocused();
    await dialog.getByLabel('Address').fill('192.0.2.7:5900');
    await dialog.getByLabel('Password there').fill('a secret');
    await page.keyboard.press('Enter');
    await expect(page.getByText('The desktop is added.').first()).toBeVisible();
    expect(sent()).toEqual({pool: 'room', vnc: '192.0.2.7:5900', password: 'a secret'});
    await button.click();
    await dialog.getByLabel('Its display').selectOption('An RDP server');
    await dialog.getByLabel('Address').fill('192.0.2.20:3389');
    await dialog.getByLabel('User there').fill('office');
    await dialog.getByLabel('Password there').fill('another');
    await dialog.getByLabel('Certificate’s SHA-256').fill('ab'.repeat(32));
    await expectAccessible(page);
    await dialog.getByRole('button', {name: 'Add', exact: true}).click();
    await expect(dialog).toHaveCount(0);
    expect(sent()).toEqual({pool: 'room', rdp: '192.0.2.20:3389', user: 'office', password: 'another', fingerprint: 'ab'.repeat(32)});
    await button.click();
    await dialog.getByLabel('Its display').selectOption('A machine of libvirt');
    await expect(dialog.getByLabel('Password there')).toHaveCount(0);
    await dialog.getByLabel('Machine').fill('web01');
    await expectAccessible(page);
    await dialog.getByRole('button', {name: 'Add', exact: true}).click();
    await expect(dialog).toHaveCount(0);
    expect(sent()).toEqual({pool: 'room', machine: 'web01'});
});

test('a template shows its golden images: how far one is, that it serves, why one failed', async ({page}) => {
    let rows = [golden(), golden({id: '5'.repeat(32), state: 'failed', text: 'its guest has no agent', template_version: 1, attempts: 3}), golden({id: '6'.repeat(32), template: 'other', text: 'of another one'})];
    server.answers['GET /v1/goldens'] = () => ({goldens: rows});
    await open(page, '#/templates/debian');
    const table = page.getByRole('table', {name: 'Golden images'});
    await expect(table.getByText('Being made, 40 %')).toBeVisible();
    await expect(table.getByRole('row', {name: /Failed/})).toContainText('its guest has no agent');
    await expect(table.getByText('of another one')).toHaveCount(0);
    await expectAccessible(page);
    rows = [golden({percent: 85, text: 'comes to rest'})];
    await expect(table.getByText('Being made, 85 %')).toBeVisible(); // asked for by itself
    rows = [golden({state: 'ready', percent: 100, text: ''})];
    await expect(table.getByText('Serves')).toBeVisible();
    await expect(table.getByText('Failed')).toHaveCount(0);
});

test('a pool that keeps homes shows whose, how large and where each is', async ({page}) => {
    server.answers['GET /v1/pools/kept'] = () => [200, pool('kept', {home: 'volume', home_size_mib: 10240}), {etag: '"1"'}];
    server.answers['GET /v1/homes'] = (_, url) => ({homes: url.searchParams.get('pool') !== 'kept' ? [] : [
        {id: '7'.repeat(32), user: 'anna', pool: 'kept', kind: 'volume', path: '/var/lib/oriel/homes/anna.qcow2', size_mib: 10240, desktop: ID, created_ms: began, used_ms: began},
        {id: '8'.repeat(32), user: 'bob', pool: 'kept', kind: 'volume', path: '/var/lib/oriel/homes/bob.qcow2', size_mib: 2048, desktop: '', created_ms: began, used_ms: 0}]});
    await open(page, '#/pools/kept');
    const table = page.getByRole('table', {name: 'Homes'});
    await expect(table.getByRole('row', {name: /anna/})).toContainText('10.0 GiB');
    await expect(table.getByRole('link', {name: ID.slice(0, 8)})).toHaveAttribute('href', `#/desktops/${ID}`);
    await expect(table.getByRole('link', {name: 'bob'})).toHaveAttribute('href', '#/users/bob');
    await expectAccessible(page);
    await open(page, '#/pools/desk'); // keeps none
    await expect(page.getByRole('heading', {name: 'Who may use it'})).toBeVisible();
    await expect(page.getByRole('heading', {name: 'Homes'})).toHaveCount(0);
});

test('an image is sent in pieces, over a lost one, and its job is shown; cancelled it says so', async ({page}) => {
    const size = 2.5 * 1024 * 1024;
    server.answers['POST /v1/templates/fresh/import'] = () => [202, {job: ID, upload: {path: `/upload/${ID}`, ticket: 'x'.repeat(52)}, audit: 'a'}];
    server.answers[`GET /v1/jobs/${ID}`] = () => job({state: 'waiting', progress_percent: 0, progress_text: ''});
    server.onPiece = (offset) => (offset > 0 && server.called(`PUT /upload/${ID}`).length === 2 ? [408, {code: 'upload_stopped', detail: 'the piece did not come whole', offset}] : null);
    await open(page, '#/templates');
    await page.getByRole('button', {name: 'Import an image'}).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Name').fill('fresh');
    await dialog.getByRole('button', {name: 'Import', exact: true}).click();
    await expect(dialog.getByText('Please choose a file.').first()).toBeVisible();
    await expectAccessible(page);
    await dialog.getByRole('button', {name: 'Cancel'}).click();
    await page.getByRole('button', {name: 'Import an image'}).click();
    await dialog.getByLabel('Name').fill('fresh');
    await dialog.getByLabel('File', {exact: true}).setInputFiles({name: 'disk.qcow2', mimeType: 'application/octet-stream', buffer: Buffer.alloc(size, 7)});
    await takePicture(page, 'template-import.png');
    await dialog.getByRole('button', {name: 'Import', exact: true}).click();
    await expect(page.getByRole('heading', {level: 1, name: 'Import an image'})).toBeVisible();
    await expect.poll(() => server.received?.length).toBe(size);
    const pieces = server.called(`PUT /upload/${ID}`);
    expect(pieces.map((one) => one.offset)).toEqual([0, 1048576, 1048576, 2097152]);
    expect(pieces.every((one) => one.headers.authorization === `Upload ${'x'.repeat(52)}` && !one.headers.cookie)).toBe(true);
    expect(server.called('POST /v1/templates/fresh/import')[0].body).toEqual({size_bytes: size, os: 'linux', memory_mib: 2048, vcpus: 2});
    server.answers[`POST /v1/jobs/${ID}/cancel`] = () => ({});
    await page.getByRole('button', {name: 'Cancel: Import an image'}).click();
    server.answers[`GET /v1/jobs/${ID}`] = () => job({state: 'cancelled'});
    await page.getByRole('dialog').getByRole('button', {name: 'Cancel', exact: true}).last().click();
    server.tell('changed', {kinds: ['jobs']});
    await expect(page.getByText('Cancelled')).toBeVisible();
});

test('an installation is begun from a file on the host, and sealed', async ({page}) => {
    server.answers['POST /v1/templates/debian/build'] = () => [202, {job: jobs[1].id, pool: 'build-debian', user: 'root.admin', audit: 'a'}];
    server.answers[`POST /v1/jobs/${jobs[1].id}/seal`] = () => ({audit: 'a'});
    await open(page, '#/templates/debian');
    await page.getByRole('button', {name: 'Install as new version'}).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Where the file is').selectOption('host');
    await dialog.getByLabel('Path on the host').fill('debian/netinst.iso');
    await dialog.getByRole('button', {name: 'Begin'}).click();
    await expect(page.getByText('or the desktop build-debian in the portal')).toBeVisible();
    await expect(page.getByRole('link', {name: 'Open its screen'})).toHaveAttribute('href', '/desktop/build-debian');
    expect(server.called('POST /v1/templates/debian/build')[0].body).toEqual({path: 'debian/netinst.iso', is_version: true, memory_mib: 2048, vcpus: 2, disk_mib: 20480});
    await page.getByRole('button', {name: 'Seal'}).click();
    await page.getByRole('dialog').getByRole('button', {name: 'Seal'}).click();
    await expect.poll(() => server.called(`POST /v1/jobs/${jobs[1].id}/seal`).length).toBe(1);
});

test('a user is added, and what the server refuses stands at its field', async ({page}) => {
    await open(page, '#/users');
    await page.getByRole('button', {name: 'Add a user'}).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('User name').fill('dora');
    await dialog.getByLabel('Password').fill('short');
    server.answers['POST /v1/users'] = () => [400, {code: 'bad_request', detail: 'A password has at least 8 characters.', errors: [{field: 'password', text: 'at least 8 characters'}]}];
    await dialog.getByRole('button', {name: 'Add', exact: true}).click();
    await expect(dialog.getByText('at least 8 characters', {exact: true})).toBeVisible();
    await expect(dialog.getByLabel('Password')).toBeFocused();
    await expectAccessible(page);
    await dialog.getByLabel('Password').fill('a good password');
    server.answers['POST /v1/users'] = (body) => [201, user(body.name)];
    server.answers['GET /v1/users/dora'] = () => [200, {...user('dora'), groups: [], pools: []}, {etag: '"1"'}];
    await dialog.getByRole('button', {name: 'Add', exact: true}).click();
    await expect(page.getByRole('heading', {level: 1, name: 'dora'})).toBeVisible();
    expect(server.called('POST /v1/users').at(-1)?.body).toEqual({name: 'dora', display: '', role: 'user', max_desktops: 0, password: 'a good password'});
});

test('of two who change one user the second is told what the first has changed, and what they typed stays', async ({page}) => {
    await open(page, '#/users/anna');
    await page.getByLabel('Full name').fill('Anna A.');
    server.answers['PATCH /v1/users/anna'] = () => [412, {code: 'changed', detail: 'Changed.', current: {...user('anna', {display: 'Anna Ahlers', role: 'viewer'})}}, {etag: '"2"'}];
    await page.getByRole('button', {name: 'Save'}).click();
    await expect(page.getByText('Somebody else has changed this meanwhile.')).toBeVisible();
    await expect(page.getByText('role is now viewer')).toBeVisible();
    await expect(page.getByLabel('Full name')).toHaveValue('Anna A.');
    server.answers['PATCH /v1/users/anna'] = (body) => [200, user('anna', body), {etag: '"3"'}];
    await page.getByRole('button', {name: 'Save'}).click();
    await expect(page.getByText('Saved.')).toBeVisible();
    expect(server.called('PATCH /v1/users/anna').map((call) => call.headers['if-match'])).toEqual(['"1"', '"2"']);
});

test('a pool is planned before it is changed; what has come between is shown, not overwritten', async ({page}) => {
    await open(page, '#/pools/desk');
    await page.getByLabel('Spares running').fill('3');
    const change = {op: 'change', kind: 'pool', name: 'desk', field: 'spares', from: 1, to: 3, affects: [{what: 'spares', count: 2, names: []}]};
    server.answers['POST /v1/plan'] = () => ({changes: [change], plan: 'one'});
    await page.getByRole('button', {name: 'See what would change'}).click();
    const dialog = page.getByRole('dialog');
    await expect(dialog.getByText('2 spares')).toBeVisible();
    await expectAccessible(page);
    await takePicture(page, 'pool-plan.png');
    expect(server.called('POST /v1/plan')[0].body).toEqual({objects: {pools: [{name: 'desk', kind: 'floating', spares: 3}]}});
    server.answers['POST /v1/apply'] = () => [412, {code: 'changed', detail: 'Changed.', current: {changes: [{...change, from: 2}], plan: 'two'}}];
    await dialog.getByRole('button', {name: 'Apply'}).click();
    await expect(dialog.getByText('this is the plan as it is now')).toBeVisible();
    server.answers['POST /v1/apply'] = () => ({changes: [change], audit: 'x'});
    server.answers['GET /v1/pools/desk'] = () => [200, pool('desk', {spares: 3}), {etag: '"2"'}];
    await dialog.getByRole('button', {name: 'Apply'}).click();
    await expect(page.getByText('Applied.')).toBeVisible();
    expect(server.called('POST /v1/apply').map((call) => call.body.plan)).toEqual(['one', 'two']);
    await expect(page.getByLabel('Spares running')).toHaveValue('3');
});

test('a plan with one wrong line names it at its field, and nothing is applied', async ({page}) => {
    await open(page, '#/pools/desk');
    await page.getByLabel('Spares running').fill('3');
    await page.getByLabel('Hours', {exact: true}).fill('mon-fri 8-26');
    const text = 'field \'allowed_hours\' must be like "mon-fri 08:00-18:00"';
    server.answers['POST /v1/plan'] = () => [400, {code: 'bad_request', title: text, detail: text, errors: [{field: '/pools/0/allowed_hours', text}]}];
    await page.getByRole('button', {name: 'See what would change'}).click();
    const wrong = page.getByLabel('Hours', {exact: true});
    await expect(wrong).toHaveAttribute('aria-invalid', 'true');
    await expect(page.getByText(text).first()).toBeVisible();
    await expect(page.getByLabel('Spares running')).not.toHaveAttribute('aria-invalid', 'true');
    await expect(page.getByRole('dialog')).toHaveCount(0);
    await expectAccessible(page);
    expect(server.called('POST /v1/plan')[0].body).toEqual({objects: {pools: [{name: 'desk', kind: 'floating', spares: 3, allowed_hours: 'mon-fri 8-26'}]}});
    // What was written is still there, and right once the line is.
    await wrong.fill('mon-fri 08:00-18:00');
    server.answers['POST /v1/plan'] = () => ({changes: [{op: 'change', kind: 'pool', name: 'desk', field: 'spares', from: 1, to: 3, affects: []}], plan: 'one'});
    await page.getByRole('button', {name: 'See what would change'}).click();
    await expect(page.getByRole('dialog').getByRole('button', {name: 'Apply'})).toBeVisible();
    expect(server.called('POST /v1/plan')[1].body.objects.pools[0]).toEqual({name: 'desk', kind: 'floating', spares: 3, allowed_hours: 'mon-fri 08:00-18:00'});
    expect(server.called('POST /v1/apply')).toEqual([]);
});

test('a group of ten thousand is shown in parts, and who asks to delete it is told how many and a few of them', async ({page}) => {
    const people = (prefix, count) => Array.from({length: count}, (_, i) => `${prefix}${String(i).padStart(5, '0')}`);
    const group = (name, more) => ({name, display: '', created_ms: 1760000000000, user_count: 0, group_count: 0, pool_count: 0, users: [], groups: [], parents: [], pools: [], ...more});
    server.answers['GET /v1/groups/office'] = () => [200, group('office', {users: people('p', 10000), groups: ['sales']}), {etag: '"1"'}];
    server.answers['GET /v1/groups/sales'] = () => [200, group('sales', {users: [...people('p', 10), ...people('s', 50)]}), {etag: '"1"'}];
    server.answers['DELETE /v1/groups/office'] = () => ({audit: 'a'});
    await open(page, '#/groups/office');
    const table = page.getByRole('table', {name: 'People'});
    await expect(table.locator('tbody tr')).toHaveCount(100);
    await page.getByRole('button', {name: 'Remove', exact: true}).click();
    const dialog = page.getByRole('dialog');
    await expect(dialog.getByText('Affected: 10050')).toBeVisible(); // who is in both is one person
    await expect(dialog.getByRole('listitem')).toHaveCount(21);
    await expect(dialog.getByText('p00000')).toBeVisible();
    await expect(dialog.getByText('and 10030 more')).toBeVisible();
    await expectAccessible(page);
    await dialog.getByRole('button', {name: 'Remove', exact: true}).click();
    await expect.poll(() => server.called('DELETE /v1/groups/office').length).toBe(1);
    await expect(dialog).toHaveCount(0);
});

test('a pool whose template has vanished says so, and so does the template; who may use it are people and groups', async ({page}) => {
    server.answers['GET /v1/pools/lab'] = () => [200, pool('lab', {problem: 'template.missing', problem_text: 'The template\'s disk is missing.', waiting: 3, forecast: true}), {etag: '"1"'}];
    server.answers['GET /v1/templates/debian'] = () => [200, {...template, state: 'missing', reason_text: '/var/lib/oriel/debian.qcow2 is not there'}, {etag: '"1"'}];
    server.answers['DELETE /v1/groups/office/pools/desk'] = () => ({});
    await open(page, '#/pools');
    await expect(page.getByRole('row').filter({hasText: 'lab'})).toContainText('Problem');
    await page.getByRole('link', {name: 'lab'}).click();
    await expect(page.getByRole('alert')).toContainText('The template\'s disk is missing.');
    await expect(page.getByText('2.5 people in this quarter of an hour')).toBeVisible();
    await page.getByRole('navigation', {name: 'Administration'}).getByRole('link', {name: 'Templates'}).click();
    await page.getByRole('link', {name: 'debian'}).click();
    await expect(page.getByText('File is missing').first()).toBeVisible();
    await open(page, '#/pools/desk');
    await expect(page.getByRole('row').filter({hasText: 'anna'})).toContainText('Person');
    await page.getByRole('button', {name: 'Take away: office'}).click();
    await page.getByRole('dialog').getByRole('button', {name: 'Take away'}).click();
    await expect.poll(() => server.called('DELETE /v1/groups/office/pools/desk').length).toBe(1);
});

test('a pool is made by the wizard with the keyboard alone', async ({page}) => {
    await open(page, '#/pools?new=1');
    await page.getByLabel('Name').focus();
    await page.keyboard.type('office');
    await page.keyboard.press('Enter');
    await expect(page.getByText('Step 2 of 4')).toBeFocused();
    await page.getByLabel('Desktops at most').focus();
    await page.keyboard.press('Control+A');
    await page.keyboard.type('20');
    await page.keyboard.press('Enter'); // goes on, not back
    await expect(page.getByText('Step 3 of 4')).toBeFocused();
    for (const step of ['Step 2 of 4', 'Step 1 of 4']) {
        await page.getByRole('button', {name: 'Back'}).focus();
        await page.keyboard.press('Enter');
        await expect(page.getByText(step)).toBeFocused();
    }
    for (const step of ['Step 2 of 4', 'Step 3 of 4', 'Step 4 of 4']) {
        await page.getByRole('button', {name: 'Next'}).focus();
        await page.keyboard.press('Enter');
        await expect(page.getByText(step)).toBeFocused();
    }
    server.answers['POST /v1/plan'] = () => ({changes: [{op: 'add', kind: 'pool', name: 'office', field: '', from: null, to: null, affects: []}], plan: 'one'});
    await page.getByRole('button', {name: 'See what would change'}).focus();
    await page.keyboard.press('Enter');
    await expect(page.getByRole('dialog').getByText('new')).toBeVisible();
    expect(server.called('POST /v1/plan')[0].body).toEqual({objects: {pools: [{name: 'office', kind: 'floating', template: 'debian', max: 20}]}});
    await page.keyboard.press('Escape');
    await expect(page.getByRole('dialog')).toHaveCount(0);
});

test('an answer that does not come, and a list that changes, take nothing from who is typing', async ({page}) => {
    await open(page, '#/users/anna');
    await page.getByLabel('Full name').fill('Anna A.');
    server.answers['GET /v1/users/anna'] = () => [503, {code: 'busy', detail: 'Busy.'}];
    await expect.poll(() => server.streams.size).toBe(1);
    server.tell('changed', {kinds: ['users']});
    await expect(page.getByText('Busy.')).toBeVisible();
    await expect(page.getByLabel('Full name')).toHaveValue('Anna A.');
    await page.getByRole('button', {name: 'Let use a pool'}).click();
    await page.getByRole('dialog').getByLabel('Pool').selectOption('lab');
    server.answers['GET /v1/pools'] = () => ({pools: [pool('alpha'), pool('desk'), pool('lab')]});
    server.tell('changed', {kinds: ['pools']});
    await expect(page.getByRole('dialog').getByRole('option', {name: 'alpha'})).toBeAttached();
    await expect(page.getByRole('dialog').getByLabel('Pool')).toHaveValue('lab');
});

test('who deletes a pool is told whom it affects, and types its name', async ({page}) => {
    await open(page, '#/pools/desk');
    await page.getByRole('button', {name: 'Remove'}).click();
    const dialog = page.getByRole('dialog');
    await expect(dialog.getByText('anna: session, active')).toBeVisible();
    await dialog.getByRole('button', {name: 'Remove'}).click({force: true});
    expect(server.called('DELETE /v1/pools/desk')).toHaveLength(0);
    await dialog.getByLabel('Type “desk” to confirm').fill('desk');
    server.answers['DELETE /v1/pools/desk'] = () => [202, {}];
    await dialog.getByRole('button', {name: 'Remove'}).click();
    await expect(page.getByRole('heading', {level: 1, name: 'Pools'})).toBeVisible();
});

test('a viewer sees settings and cannot change them; people and the site are not theirs', async ({page}) => {
    server.me.role = 'viewer';
    await open(page, '#/pools/desk');
    await expect(page.getByText('Desktops at most')).toBeVisible();
    await expect(page.getByRole('button', {name: 'Remove'})).toHaveCount(0);
    await expect(page.getByRole('button', {name: 'See what would change'})).toHaveCount(0);
    await expect(page.getByRole('navigation').getByRole('link', {name: 'Users'})).toHaveCount(0);
});

test('the audit is filtered by the server and exported as a file that a spreadsheet cannot run', async ({page}) => {
    await open(page, '#/audit?user=anna');
    await expect(page.getByText('auth_failed')).toBeVisible();
    expect(server.called('GET /v1/audit')[0].query).toEqual({user: 'anna'});
    const row = server.answers['GET /v1/audit']({}, /** @type {any} */ (null)).audit[1];
    server.answers['GET /v1/audit'] = () => ({audit: [{...row, detail: '=1+1'}]});
    const waiting = page.waitForEvent('download');
    await page.getByRole('button', {name: 'Export as CSV'}).click();
    const stream = await (await waiting).createReadStream();
    let text = '';
    for await (const part of stream) {
        text += part;
    }
    expect(text.split('\r\n')).toHaveLength(2);
    expect(text).toContain('"\'=1+1"');
});

test('a token is shown once, and not offered more than its person may', async ({page}) => {
    server.me.role = 'operator';
    await open(page, '#/tokens');
    await expect(page.getByText('nightly')).toHaveCount(0);
    await page.getByRole('button', {name: 'New token'}).click();
    const dialog = page.getByRole('dialog');
    await expect(dialog.getByLabel('It may').getByRole('option')).toHaveText(['look', 'look and act']);
    await dialog.getByLabel('What is it for').fill('report');
    await dialog.getByLabel('Your password').fill('password-root');
    server.answers['POST /v1/me/tokens'] = ({label, scope}) => [201, {id: 't3', label, scope, token: 'ort_0123456789'}];
    await dialog.getByRole('button', {name: 'Add', exact: true}).click();
    await expect(dialog.getByText('ort_0123456789')).toBeVisible();
    await expectAccessible(page);
    expect(server.called('POST /v1/me/tokens')[0].body).toEqual({label: 'report', scope: 'viewer', days: 90, password: 'password-root'});
    await dialog.getByRole('button', {name: 'Close'}).click();
    await expect(page.getByText('ort_0123456789')).toHaveCount(0);
});
