// The console's pages: what they show and do, each with axe, on a phone, and its picture for docs/admin.
import {expect, test} from '@playwright/test';
import {expectAccessible} from './axe.js';
import {furnish} from './console_world.js';
import {walk} from './console_walk.js';
import {FakeConsole} from './fake_console.js';

/** @type {FakeConsole} */
let server;
/** @type {any} */
let site;

test.beforeEach(async ({page}) => {
    server = new FakeConsole();
    site = furnish(server);
    await server.start();
    page.on('pageerror', (error) => expect(String(error)).toBe(''));
    page.on('console', (message) => expect(message.text()).not.toContain('Content Security Policy'));
});

test.afterEach(() => server.stop());

const open = (page, hash) => page.goto(`${server.url}/admin${hash}`);
const row = (page, text) => page.getByRole('row').filter({hasText: text});
const dialog = (page) => page.getByRole('dialog');

test('each page: axe, keyboard, dialogs, the dark, a phone', async ({page}) => {
    test.setTimeout(480000);
    await walk(page, server, [
        ['overview', '#/overview', 'CPU of all hosts'], ['hosts', '#/hosts', 'cellar'], ['host', '#/hosts/cellar', 'What this host can do'], ['desktops', '#/desktops', 'oriel-office-1'],
        ['desktop', `#/desktops/${site.desktops[0].id}`, 'desktop.claim'], ['quarantine', '#/quarantine', 'oriel-build-40'], ['sessions', '#/sessions', 'LAPTOP-7'],
        ['session', `#/sessions/${site.sessions[0].id}`, 'Key to picture'], ['alarms', '#/alarms', 'pool:office'],
    ]);
});

test('the overview follows the stream, and the charts have their numbers as a table', async ({page}) => {
    await open(page, '#/overview');
    await expect(page.getByRole('link', {name: 'Sessions 2 1 disconnected'})).toBeVisible();
    server.tell('load', {...site.load, sessions: {active: 31, disconnected: 4, waiting: 0}});
    await expect(page.getByRole('link', {name: 'Sessions 31 4 disconnected'})).toBeVisible();
    await expect(page.getByRole('img', {name: /CPU of all hosts\. CPU: \d+ %, at most \d+ %\./})).toBeVisible();
    await expect(page.locator('.plot canvas')).toHaveCount(4);
    const chart = page.getByRole('figure', {name: 'CPU of all hosts'});
    await chart.getByText('As a table').click();
    await expect(chart.getByRole('row')).toHaveCount(21);
    site.alarms = [];
    server.tell('changed', {kinds: ['alarms']});
    await expect(page.getByText('Nothing is wrong.')).toBeVisible();
    await page.getByLabel('Shown').selectOption('Six hours');
    await expect.poll(() => server.called('GET /v1/load').at(-1)?.query.minutes).toBe('360');
});

test('draining a host names who is on it, and the row follows', async ({page}) => {
    server.answers['POST /v1/hosts/attic/drain'] = () => {
        site.hosts[0].is_draining = true;
        return site.hosts[0];
    };
    await open(page, '#/hosts');
    await page.getByRole('button', {name: 'Drain: attic'}).click();
    await expect(dialog(page)).toContainText('anna in office');
    await expect(dialog(page)).toContainText('clara in build');
    await expect(dialog(page)).toContainText('no other host is in use');
    await expect(dialog(page)).not.toContainText('bert in office');
    await expectAccessible(page);
    await page.keyboard.press('Escape');
    expect(server.called('POST /v1/hosts/attic/drain')).toHaveLength(0);
    await page.getByRole('button', {name: 'Drain: attic'}).click();
    await dialog(page).getByRole('button', {name: 'Drain'}).click();
    await expect(page.getByText('attic is being emptied.')).toBeVisible();
    server.tell('changed', {kinds: ['hosts']});
    await expect(row(page, 'attic').getByText('draining')).toBeVisible();
});

test('a host is removed only when its name is typed; what the server refuses is said', async ({page}) => {
    server.answers['DELETE /v1/hosts/cellar'] = () => [409, {type: 'about:blank', title: 'Conflict', status: 409, code: 'conflict', detail: 'host cellar has 1 sessions', audit: '77aa'}];
    await open(page, '#/hosts/cellar');
    await expect(row(page, '/dev/kvm').getByText('modprobe kvm_intel')).toBeVisible();
    await page.getByRole('button', {name: 'Remove'}).click();
    const yes = dialog(page).getByRole('button', {name: 'Remove'});
    await expect(yes).toHaveAttribute('aria-disabled', 'true');
    await yes.click({force: true});
    expect(server.called('DELETE /v1/hosts/cellar')).toHaveLength(0);
    await dialog(page).getByLabel('Type “cellar” to confirm').fill('cellar');
    await yes.click();
    await expect(dialog(page).getByRole('alert')).toContainText('host cellar has 1 sessions');
    await expect(dialog(page).getByRole('alert')).toContainText('Reason conflict, reference 77aa');
});

test('desktops are filtered by the server, looked through and sorted here', async ({page}) => {
    await open(page, '#/desktops');
    await expect(page.getByText('7 rows')).toBeVisible();
    await page.getByLabel('Host').selectOption('cellar');
    await expect(page.getByText('2 rows')).toBeVisible();
    expect(server.called('GET /v1/desktops').at(-1).query).toEqual({host: 'cellar'});
    await expect(page).toHaveURL(/host=cellar/);
    await page.getByLabel('Find').fill('bert');
    await expect(page.getByText('1 row', {exact: true})).toBeVisible();
    await page.getByLabel('Find').fill('nobody at all');
    await expect(page.getByText('Nothing matches “nobody at all”.')).toBeVisible();
    await page.getByLabel('Find').fill('');
    await page.getByLabel('Host').selectOption('All hosts');
    await page.getByRole('button', {name: 'Person'}).click();
    await expect(page.getByRole('columnheader', {name: 'Person'})).toHaveAttribute('aria-sort', 'ascending');
    await page.getByRole('button', {name: 'Person'}).click();
    await expect(page.getByRole('row').nth(1)).toContainText('clara');
});

test('a desktop is reset after its person was named; recycling a dedicated one wants their name', async ({page}) => {
    const [office, , build] = site.desktops;
    server.answers[`POST /v1/desktops/${office.id}/reset`] = () => [202, office];
    server.answers[`DELETE /v1/desktops/${build.id}`] = () => [202, build];
    await open(page, `#/desktops/${office.id}`);
    await expect(row(page, 'desktop.claim')).toBeVisible();
    expect(server.called('GET /v1/audit').at(-1).query.object).toBe(`desktop:${office.id}`);
    await page.getByRole('button', {name: 'Hard reset'}).click();
    await expect(dialog(page)).toContainText('anna, who works on it now');
    await dialog(page).getByRole('button', {name: 'Hard reset'}).click();
    await expect(page.getByText('It is being reset.')).toBeVisible();
    await page.evaluate((hash) => {
        location.hash = hash;
    }, `#/desktops/${build.id}`);
    await page.getByRole('button', {name: 'Recycle'}).click();
    await dialog(page).getByLabel('Type “clara” to confirm').fill('clara');
    await dialog(page).getByRole('button', {name: 'Recycle'}).click();
    await expect(page.getByRole('heading', {level: 1, name: 'Desktops'})).toBeVisible();
    expect(server.called(`DELETE /v1/desktops/${build.id}`)[0].query).toEqual({force: '1'});
});

test('sessions: a message, a log-off that names what is lost, numbers that follow', async ({page}) => {
    const [anna] = site.sessions;
    server.answers[`POST /v1/sessions/${anna.id}/message`] = () => ({shown: 1, skipped: 0});
    server.answers[`POST /v1/sessions/${anna.id}/logoff`] = () => anna;
    server.answers['POST /v1/messages'] = () => ({shown: 2, skipped: 0});
    await open(page, '#/sessions');
    await expect(row(page, 'anna')).toContainText('18 ms');
    anna.live.rtt_us = 90000;
    server.tell('load', {...site.load, at_ms: site.load.at_ms + 5000});
    await expect(row(page, 'anna')).toContainText('90 ms');
    await page.getByRole('button', {name: 'Message: anna, office'}).click();
    await dialog(page).getByLabel('Text').fill('Please save your work.');
    await dialog(page).getByRole('button', {name: 'Send'}).click();
    await expect(page.getByText('Sent.', {exact: true})).toBeVisible();
    expect(server.called(`POST /v1/sessions/${anna.id}/message`)[0].body).toEqual({text: 'Please save your work.'});
    await page.getByRole('button', {name: 'Log off: anna, office'}).click();
    await expect(dialog(page)).toContainText('A floating desktop is deleted');
    await dialog(page).getByRole('button', {name: 'Log off'}).click();
    await expect(page.getByText('anna is logged off.')).toBeVisible();
    await page.getByRole('button', {name: 'Message to all'}).click();
    await dialog(page).getByLabel('Text').fill('Maintenance at noon.');
    await dialog(page).getByRole('button', {name: 'Send'}).click();
    await expect(page.getByText('Sent to 2 sessions.')).toBeVisible();
});

test('looking at a desktop: asked with a reason, or without asking by whoever may, and ended', async ({page}) => {
    const [anna] = site.sessions;
    const watch = {id: 'w1', session: anna.id, user: 'anna', pool: 'office', watcher: 'root.admin', mode: 'consent', why: 'The printer.', state: 'asked', reason: '',
        created_ms: Date.now(), answered_ms: 0, begun_ms: 0, ended_ms: 0, url: ''};
    const watches = [];
    server.answers['GET /v1/watches'] = () => ({watches});
    server.answers[`POST /v1/sessions/${anna.id}/watch`] = (body) => {
        watches.unshift({...watch, mode: body.break_glass ? 'break_glass' : 'consent', why: body.why, id: `w${watches.length + 1}`});
        return [201, watches[0]];
    };
    server.answers['POST /v1/watches/w1/end'] = () => Object.assign(watches[0], {state: 'refused', reason: 'watch.ended'});
    await open(page, `#/sessions/${anna.id}`);
    await page.getByRole('button', {name: 'Look at it'}).click();
    await expect(dialog(page)).toContainText('They are asked in their session');
    await expect(dialog(page).getByLabel('Without asking')).toHaveCount(0); // not this account's
    await dialog(page).getByLabel('Why').fill('The printer.');
    await expectAccessible(page);
    await dialog(page).getByRole('button', {name: 'Ask'}).click();
    await expect(row(page, 'waiting for an answer')).toContainText('The printer.');
    await expect(page.getByRole('link', {name: 'Show the desktop'})).toHaveAttribute('href', '/desktop/office#watch=w1');
    expect(server.called(`POST /v1/sessions/${anna.id}/watch`)[0].body).toEqual({why: 'The printer.', break_glass: false});
    await page.getByRole('button', {name: 'End: root.admin'}).click();
    await expect(row(page, 'watch.ended')).toContainText('refused');
    server.me.may_break_glass = true;
    await page.reload();
    await page.getByRole('button', {name: 'Look at it'}).click();
    await dialog(page).getByLabel('Why').fill('Incident 4711.');
    await dialog(page).getByLabel('Without asking').check();
    await dialog(page).getByRole('button', {name: 'Ask'}).click();
    await expect(row(page, 'Incident 4711.')).toContainText('without asking');
    expect(server.called(`POST /v1/sessions/${anna.id}/watch`)[1].body).toEqual({why: 'Incident 4711.', break_glass: true});
    await expectAccessible(page);
});

test('an alarm says what to do, and is cleared by whoever may', async ({page}) => {
    server.answers['POST /v1/alarms/clear'] = () => ({});
    await open(page, '#/alarms');
    await expect(row(page, 'pool:office')).toContainText('Make room for one more desktop');
    await page.getByRole('button', {name: 'Clear: pool:office'}).click();
    await dialog(page).getByRole('button', {name: 'Clear'}).click();
    await expect(page.getByText('The alarm is cleared.')).toBeVisible();
    expect(server.called('POST /v1/alarms/clear')[0].body).toEqual({reason: 'host_full', object: 'pool:office'});
});

test('a viewer sees it all and is offered no deed', async ({page}) => {
    server.me.role = 'viewer';
    for (const hash of ['#/hosts', '#/hosts/attic', '#/sessions', '#/alarms', '#/quarantine', `#/desktops/${site.desktops[0].id}`]) {
        await open(page, hash);
        await expect(page.getByRole('table').first()).toBeVisible();
        await expect(page.getByRole('main').getByRole('button', {name: /Drain|Remove|Log off|Clear|Adopt|Reset|Recycle|Message/})).toHaveCount(0);
    }
});

test('ten thousand rows: the first page is shown, the next is fetched, sorting fetches all', async ({page}) => {
    const all = Array.from({length: 10000}, (_, n) => ({...site.desktops[3], id: `d${n}`.padEnd(32, '0'), domain: `oriel-many-${n}`}));
    server.answers['GET /v1/desktops'] = (_, url) => {
        const after = Number(url.searchParams.get('after') ?? 0);
        const limit = Number(url.searchParams.get('limit') ?? 200);
        const found = all.filter((one) => one.domain.includes(url.searchParams.get('q') ?? ''));
        const next = after + limit;
        return {desktops: found.slice(after, next), ...(next < found.length ? {next: String(next)} : {})};
    };
    await open(page, '#/desktops');
    await expect(page.getByText('100 rows, there are more')).toBeVisible();
    expect(server.called('GET /v1/desktops')).toHaveLength(1);
    await page.getByLabel('Find').fill('many-9999');
    await expect(page.getByText('1 row', {exact: true})).toBeVisible();
    await page.getByLabel('Find').fill('');
    await expect(page.getByText('100 rows, there are more')).toBeVisible();
    await page.getByRole('button', {name: 'Desktop', exact: true}).click();
    await expect(page.getByText('100 of 10000 rows')).toBeVisible();
    await page.getByRole('button', {name: 'Show more'}).click();
    await expect(page.getByText('200 of 10000 rows')).toBeVisible();
});

test('the keyboard alone drains a host', async ({page}) => {
    server.answers['POST /v1/hosts/attic/drain'] = () => site.hosts[0];
    await open(page, '#/hosts');
    await expect(page.getByRole('heading', {level: 1})).toBeFocused();
    for (let i = 0; i < 30; i++) {
        await page.keyboard.press('Tab');
        if (await page.evaluate(() => document.activeElement?.getAttribute('aria-label') === 'Drain: attic')) {
            break;
        }
    }
    await page.keyboard.press('Enter');
    await expect(dialog(page).getByRole('button', {name: 'Cancel'})).toBeFocused();
    await expect(dialog(page)).toContainText('anna in office');
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await expect(page.getByText('attic is being emptied.')).toBeVisible();
    await expect(page.getByRole('button', {name: 'Drain: attic'})).toBeFocused();
});
