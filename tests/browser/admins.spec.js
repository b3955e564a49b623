// Administrators at consoles on the whole of Oriel: roles, two at once, a broker that goes and comes back, messages; run by test_chain.py.
import {readFile} from 'node:fs/promises';
import {expect, test} from '@playwright/test';
import {control} from './control.js';

test.describe.configure({mode: 'serial'});
test.setTimeout(180000);

/** @type {Record<string, import('@playwright/test').Page>} by name */
const people = {};

async function signIn(browser, name, address) {
    const page = await (await browser.newContext({ignoreHTTPSErrors: true})).newPage();
    page.on('pageerror', (error) => expect.soft(String(error)).toBe(''));
    await page.goto(address);
    await page.getByLabel('User name').fill(name);
    await page.getByLabel('Password').fill(process.env.ORIEL_PASSWORD);
    await page.keyboard.press('Enter');
    people[name] = page;
    return page;
}

const go = (page, hash) => page.evaluate((to) => {
    location.hash = to;
}, hash);

/** What the server says to a call that the page would not make. */
const call = (page, method, path, body = {}) => page.evaluate(async ([how, where, what]) => {
    const answer = await fetch(`/api${where}`, {method: how, headers: {'content-type': 'application/json'}, body: JSON.stringify(what)});
    const {code, detail} = await answer.json();
    return `${answer.status} ${code}: ${detail}`;
}, [method, path, body]);

test.beforeAll(() => control('roles'));

test('a viewer, an operator, an administrator: what each sees, and what each is refused', async ({browser}) => {
    const [vera, otto, ada] = await Promise.all(['vera', 'otto', 'ada'].map((name) => signIn(browser, name, '/admin#/hosts')));
    for (const page of [vera, otto, ada]) {
        await expect(page.getByRole('heading', {level: 1, name: 'Hosts'})).toBeVisible();
        await expect(page.getByRole('row').nth(1)).toBeVisible();
    }
    const links = (page) => page.getByRole('navigation', {name: 'Administration'}).getByRole('link');
    const drain = (page) => page.getByRole('button', {name: 'Drain'});
    await expect(drain(vera)).toHaveCount(0);
    await expect(drain(otto)).toHaveCount(1);
    await expect(drain(ada)).toHaveCount(1);
    for (const name of ['Users', 'Groups', 'Site']) {
        await expect(links(vera).filter({hasText: name})).toHaveCount(0);
        await expect(links(otto).filter({hasText: name})).toHaveCount(0);
        await expect(links(ada).filter({hasText: name})).toHaveCount(1);
    }
    expect(await call(vera, 'POST', '/v1/messages', {text: 'x'})).toMatch(/^403 not_allowed: .*operator/);
    expect(await call(vera, 'POST', '/v1/users', {name: 'x'})).toMatch(/^403 not_allowed: .*admin/);
    expect(await call(otto, 'POST', '/v1/users', {name: 'x'})).toMatch(/^403 not_allowed: .*admin/);
    expect(await call(otto, 'PATCH', '/v1/pools/film', {max: 1})).toMatch(/^403 not_allowed: .*admin/);
});

test('a host that is in use is not removed, and the console says why', async () => {
    const {ada} = people;
    await ada.getByRole('row').nth(1).getByRole('link').first().click();
    await ada.getByRole('button', {name: 'Remove'}).click();
    const dialog = ada.getByRole('dialog');
    await dialog.getByLabel('Type').fill(await ada.getByRole('heading', {level: 1}).textContent() ?? '');
    await dialog.getByRole('button', {name: 'Remove'}).click();
    await expect(dialog.getByRole('alert')).toContainText('Reason conflict');
    await ada.keyboard.press('Escape');
});

test('of two who write the site\'s words the second is told what the first wrote; the notice stands above the sign-in', async ({browser}) => {
    const {ada} = people;
    const asa = await signIn(browser, 'asa', '/admin#/site');
    await go(ada, '#/site');
    await expect(ada.getByLabel('Whom do I call')).toBeVisible();
    await asa.getByLabel('Notice above the sign-in').fill('On Sunday there are no desktops.');
    await ada.getByLabel('Whom do I call').fill('Help desk: 4711');
    await ada.getByRole('button', {name: 'Save', exact: true}).click();
    await expect(ada.getByText('Saved.')).toBeVisible();
    await asa.getByRole('button', {name: 'Save', exact: true}).click();
    await expect(asa.getByText('contact is now Help desk: 4711')).toBeVisible();
    await expect(asa.getByLabel('Notice above the sign-in')).toHaveValue('On Sunday there are no desktops.');
    await asa.getByLabel('Whom do I call').fill('Help desk: 4711');
    await asa.getByRole('button', {name: 'Save', exact: true}).click();
    await expect(asa.getByText('Saved.')).toBeVisible();
    const stranger = await (await browser.newContext({ignoreHTTPSErrors: true})).newPage();
    await stranger.goto('/');
    await expect(stranger.getByText('On Sunday there are no desktops.')).toBeVisible();
    await stranger.close();
});

test('a file with one wrong line changes nothing, and the line is named', async () => {
    const {ada} = people;
    await go(ada, '#/users');
    await expect(ada.getByRole('rowheader', {name: 'alice'})).toBeVisible();
    expect(await control('apply', {text: 'users:\n  - name: filed\npools:\n  - name: film\n    kind: static\n    max: lots\n'})).toContain(':6: pool film: field \'max\'');
    expect(await control('apply', {text: 'users:\n  - name: filed\npools:\n  - name: film\n    kind: static\n    max: 7\n'})).toContain('filed');
    await expect(ada.getByRole('rowheader', {name: 'filed'})).toBeVisible();
});

test('the site as a file goes from the console to the command line and back; a thousand people pass, too', async () => {
    const {ada} = people;
    await go(ada, '#/site');
    const panel = ada.getByRole('region', {name: 'The site as a file'});
    const dialog = ada.getByRole('dialog');
    const saved = ada.waitForEvent('download');
    await panel.getByRole('button', {name: 'Save as a file'}).click();
    const text = await readFile(await (await saved).path(), 'utf8');
    expect(await control('apply', {text})).toContain('"changes":[]');
    const look = async (file) => {
        await panel.getByLabel('File', {exact: true}).setInputFiles({name: 'site.yaml', mimeType: 'application/yaml', buffer: Buffer.from(file)});
        await panel.getByRole('button', {name: 'See what would change'}).click();
    };
    await look(text);
    await expect(dialog.getByText('Nothing would change.')).toBeVisible();
    await dialog.getByRole('button', {name: 'Close'}).click();
    await look(`users:\n${Array.from({length: 1000}, (_, i) => `- {name: crowd${i}, display: ${'One of many '.repeat(8)}}\n`).join('')}`);
    await expect(dialog.getByText('100 of 1000 rows')).toBeVisible();
    await dialog.getByRole('button', {name: 'Back to the file'}).click();
    await look('groups:\n- name: filed-staff\npools:\n- name: film\n  kind: static\n  max: lots\n');
    await expect(panel.getByRole('alert')).toContainText('site.yaml:6: pool film: field \'max\'');
    await look('groups:\n- name: filed-staff\n');
    await dialog.getByRole('button', {name: 'Apply'}).click();
    await expect(ada.getByText('Applied.')).toBeVisible();
    await go(ada, '#/groups');
    await expect(ada.getByRole('rowheader', {name: 'filed-staff'})).toBeVisible();
    await go(ada, '#/users');
});

test('a disk image that is sent becomes a template; what is none is refused, in words', async () => {
    const {ada} = people;
    const images = await control('images');
    for (const [name, file, end, words] of [['refused', images.bad, 'Failed', 'is not a disk image'], ['imported', images.good, 'Done', 'Made version']]) {
        await go(ada, '#/templates');
        await ada.getByRole('button', {name: 'Import an image'}).click();
        const dialog = ada.getByRole('dialog');
        await dialog.getByLabel('Name').fill(name);
        await dialog.getByLabel('File', {exact: true}).setInputFiles(file);
        await dialog.getByRole('button', {name: 'Import'}).click();
        await expect(ada.getByRole('heading', {level: 1, name: 'Import an image'})).toBeVisible();
        await expect(ada.getByText(end, {exact: true})).toBeVisible({timeout: 60000});
        await expect(ada.getByText(words)).toBeVisible();
    }
    await go(ada, '#/templates/imported');
    await expect(ada.getByText('Ready', {exact: true}).first()).toBeVisible({timeout: 60000});
    await go(ada, '#/users');
});

test('a message from the console stands in the session; who is disconnected reads why', async ({browser}) => {
    const {otto} = people;
    const alice = await signIn(browser, 'alice', '/');
    await alice.getByRole('link', {name: 'Open in browser: film'}).click();
    await expect(alice.locator('canvas')).toBeVisible({timeout: 60000});
    await go(otto, '#/sessions?pool=film');
    await otto.getByRole('button', {name: 'Message: alice, film'}).click();
    await expect(otto.getByLabel('Text')).toBeFocused();
    await otto.keyboard.type('The printer works again.');
    await otto.getByRole('dialog').getByRole('button', {name: 'Send'}).click();
    await expect(otto.getByText('Sent.', {exact: true})).toBeVisible();
    await expect(alice.getByText('The printer works again.')).toBeAttached();
    await otto.getByRole('row').filter({hasText: 'alice'}).getByRole('link').first().click();
    await otto.getByRole('button', {name: 'Disconnect'}).click();
    await otto.getByRole('dialog').getByRole('button', {name: 'Disconnect'}).click();
    await expect(otto.getByText('disconnected', {exact: true})).toBeVisible();
    await expect(alice.getByRole('alert')).toContainText('closed_by_admin');
});

test('the broker ends under open consoles: they say so, come back by themselves, and are up to date', async () => {
    const {ada, vera} = people;
    await control('end_broker');
    await expect(ada.getByText('Connection lost.')).toBeVisible();
    await expect(vera.getByText('Connection lost.')).toBeVisible();
    await control('start_broker', {settings: ['web_max_s=10']});
    await expect(ada.getByText('Reconnected.')).toBeVisible({timeout: 60000});
    await expect(vera.getByText('Reconnected.')).toBeVisible({timeout: 60000});
    await control('add_user', {name: 'later'});
    await expect(ada.getByRole('rowheader', {name: 'later'})).toBeVisible();
});

test('a login whose time is over ends an open console, in words', async ({browser}) => {
    const page = await signIn(browser, 'vera', '/admin#/alarms');
    await expect(page.getByText('Your sign-in has ended.')).toBeVisible({timeout: 60000});
    await expect(page.getByRole('heading', {name: 'Sign in'})).toBeVisible();
});
