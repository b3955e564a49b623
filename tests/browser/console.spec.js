// The console's frame against a server that says what the test sets.
import {expect, test} from '@playwright/test';
import {expectAccessible} from './axe.js';
import {FakeConsole} from './fake_console.js';

/** @type {FakeConsole} */
let server;

test.beforeEach(async ({page}) => {
    server = new FakeConsole();
    await server.start();
    // A page that breaks its own Content-Security-Policy, or throws, fails.
    page.on('pageerror', (error) => expect(String(error)).toBe(''));
    page.on('console', (message) => expect(message.text()).not.toContain('Content Security Policy'));
});

test.afterEach(() => server.stop());

const open = (page, hash = '') => page.goto(`${server.url}/admin${hash}`);

test('who is not signed in signs in, and comes to the page that was asked for', async ({page}) => {
    server.isSignedIn = false;
    server.answers['POST /v1/login'] = () => {
        server.isSignedIn = true;
        return {name: 'root.admin'};
    };
    await open(page, '#/overview');
    await expectAccessible(page);
    await page.getByLabel('User name').fill('root.admin');
    await page.getByLabel('Password').fill('a good password');
    await page.keyboard.press('Enter');
    await expect(page.getByRole('heading', {level: 1, name: 'Overview'})).toBeVisible();
    await expect(page.getByText('Signed in as Rita Root (admin)')).toBeVisible();
    await expectAccessible(page);
});

test('a person without a role is told, and led to the portal', async ({page}) => {
    server.me.role = 'user';
    await open(page);
    await expect(page.getByRole('heading', {name: 'This console is for administrators'})).toBeVisible();
    await expect(page.getByRole('link', {name: 'My desktops'})).toHaveAttribute('href', '/');
    await expect(page.getByRole('navigation')).toHaveCount(0);
    expect(server.called('GET /v1/events')).toHaveLength(0);
    await expectAccessible(page);
});

test('a broken connection is said, and so is its return; the broker may be away meanwhile', async ({page}) => {
    await open(page);
    await expect.poll(() => server.streams.size).toBe(1);
    server.isDown = true;
    server.cut();
    await expect(page.getByText('Connection lost.')).toBeVisible();
    await expectAccessible(page);
    const tried = server.calls.length;
    await page.getByRole('button', {name: 'Try now'}).click();
    await expect.poll(() => server.calls.length).toBeGreaterThan(tried);
    server.isDown = false;
    await expect(page.getByText('Reconnected.')).toBeVisible();
    await expect(page.getByText('Connection lost.')).toHaveCount(0);
    await expect.poll(() => server.streams.size).toBe(1);
});

test('a login that ends leads to the sign-in, which says so', async ({page}) => {
    await open(page);
    await expect.poll(() => server.streams.size).toBe(1);
    server.isSignedIn = false;
    server.tell('ended', {code: 'access.revoked'});
    await expect(page.getByRole('heading', {name: 'Sign in'})).toBeVisible();
    await expect(page.getByText('Your access has changed.')).toBeVisible();
});

test('a login that ended while the connection was lost leads there too', async ({page}) => {
    await open(page);
    await expect.poll(() => server.streams.size).toBe(1);
    server.isSignedIn = false;
    server.cut();
    await expect(page.getByRole('heading', {name: 'Sign in'})).toBeVisible();
    await expect(page.getByText('Your sign-in has ended.')).toBeVisible();
});

test('a console that is left open does not grow', async ({page}) => {
    Object.assign(server.answers, {'GET /v1/load': () => ({interval_s: 60, times_ms: [], cpu_percent: [], memory_percent: [], sessions: [], waiting: [], latency_ms: [], latency_p95_ms: []}),
        'GET /v1/pools': () => ({pools: []}), 'GET /v1/hosts': () => ({hosts: []}), 'GET /v1/alarms': () => ({alarms: []})});
    await open(page, '#/overview');
    await expect.poll(() => server.streams.size).toBe(1);
    const devtools = await page.context().newCDPSession(page);
    /** As many events as come in hours; and what the page holds then. */
    const after = async (first, count) => {
        for (let i = first; i < first + count; i++) {
            server.tell('load', {at_ms: i, hosts: {up: 1, down: 0, draining: 0}, desktops: {total: i, ready: 0, given: 0, failed: 0}, sessions: {active: i, disconnected: 0, waiting: 0}, alarms: 0, quarantined: 0});
            server.tell('changed', {kinds: ['pools', 'hosts', 'alarms']});
        }
        await expect(page.getByRole('link', {name: `Sessions ${first + count - 1}`})).toBeVisible();
        await devtools.send('HeapProfiler.collectGarbage');
        return {heap: (await devtools.send('Runtime.getHeapUsage')).usedSize, nodes: await page.evaluate(() => document.querySelectorAll('*').length)};
    };
    await after(1, 500);
    const early = await after(501, 500);
    const late = await after(1001, 4000);
    expect(late.nodes).toBe(early.nodes);
    expect(late.heap - early.heap).toBeLessThan(1000 * 1000); // 250 bytes an event would be a leak of 4 MB a day
});

test('the keyboard alone: skip link, navigation, the heading of the page that opens', async ({page}) => {
    await open(page, '#/nowhere');
    await expect(page.getByRole('heading', {name: 'There is no such page.'})).toBeFocused();
    await page.reload();
    await page.evaluate(() => /** @type {HTMLElement} */ (document.activeElement).blur());
    await page.keyboard.press('Tab');
    await expect(page.getByRole('link', {name: 'Skip to content'})).toBeFocused();
    await page.keyboard.press('Enter');
    await expect(page.getByRole('main')).toBeFocused();
    const link = page.getByRole('navigation').getByRole('link', {name: 'Overview'});
    await link.focus();
    await page.keyboard.press('Enter');
    await expect(page.getByRole('heading', {level: 1, name: 'Overview'})).toBeFocused();
    await expect(link).toHaveAttribute('aria-current', 'page');
});

test('on a phone the navigation is a menu, and nothing is wider than the screen', async ({page}) => {
    await page.setViewportSize({width: 360, height: 740});
    await open(page);
    const menu = page.getByRole('button', {name: 'Menu'});
    const navigation = page.getByRole('navigation', {name: 'Administration'});
    await expect(navigation).toBeHidden();
    await menu.click();
    await expect(menu).toHaveAttribute('aria-expanded', 'true');
    await expect(navigation).toBeVisible();
    await expectAccessible(page);
    await navigation.getByRole('link', {name: 'Overview'}).press('Escape');
    await expect(navigation).toBeHidden();
    await expect(menu).toBeFocused();
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(360);
});
