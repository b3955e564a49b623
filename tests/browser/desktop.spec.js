// The desktop page against a server that does what no real one does on demand.
import {expect, test} from '@playwright/test';
import {expectAccessible} from './axe.js';
import {FakePortal} from './fake_portal.js';
import {FakeRfb} from './fake_rfb.js';

let portal;
let rfb;
let tickets;

test.beforeEach(async ({page}) => {
    portal = new FakePortal();
    rfb = new FakeRfb();
    tickets = 0;
    portal.answers['POST /v1/me/desktops/office/open'] = () => {
        tickets++;
        return [200, {ticket: 't-0123456789abcdef', password: 'abcdefghijklmnop', expires_ms: Date.now() + 300000}];
    };
    await portal.serve(page);
    await rfb.serve(page);
    page.on('pageerror', (error) => expect(String(error)).toBe(''));
});

test.afterEach(() => rfb.stop());

const pixel = (page, x, y) => page.locator('canvas').evaluate((canvas, [px, py]) =>
    [...canvas.getContext('2d').getImageData(px < 0 ? canvas.width + px : px, py < 0 ? canvas.height + py : py, 1, 1).data.slice(0, 3)], [x, y]);

async function open(page) {
    await page.goto('/desktop/office');
    await expect(page.locator('canvas')).toBeVisible();
    await expect.poll(() => pixel(page, 2, 2)).toEqual([255, 0, 0]);
}

test('the picture fills the window in device pixels and follows its size', async ({browser}) => {
    const page = await browser.newPage({viewport: {width: 900, height: 640}, deviceScaleFactor: 2, ignoreHTTPSErrors: true});
    await portal.serve(page);
    await rfb.serve(page);
    await open(page);
    const bar = await page.locator('.bar').evaluate((element) => element.getBoundingClientRect().height);
    await expect.poll(() => rfb.sizes.at(-1)).toEqual([1800, Math.floor((640 - bar) * 2)]);
    expect(await page.locator('canvas').evaluate((canvas) => canvas.getBoundingClientRect().width)).toBeCloseTo(900, 0);
    expect(await pixel(page, -2, 2)).toEqual([0, 255, 0]);
    expect(await pixel(page, 2, -2)).toEqual([0, 0, 255]);
    await page.setViewportSize({width: 1001, height: 500});
    await expect.poll(() => rfb.sizes.at(-1)?.[0]).toBe(2002);
    await page.close();
});

test('keys go as scancodes, composed text as text, and Ctrl+Alt+Home gives the toolbar', async ({page}) => {
    await open(page);
    await expect(page.locator('textarea.keys')).toBeFocused();
    await page.keyboard.press('Shift+A');
    await expect.poll(() => rfb.keys.filter((key) => key.code === 0x1e)).toEqual([{down: true, keysym: 65, code: 0x1e}, {down: false, keysym: 65, code: 0x1e}]);
    await page.keyboard.insertText('é€ß日');
    await expect.poll(() => rfb.auxSeen.filter((one) => one[0] === 2).map((one) => Buffer.from(one.slice(1)).toString())).toEqual(['é€ß日']);
    await page.locator('canvas').click();
    await page.keyboard.type('ñ');
    await expect.poll(() => Buffer.from(rfb.auxSeen.at(-1).slice(1)).toString()).toBe('ñ');
    await page.keyboard.press('Tab');
    await expect(page.locator('textarea.keys')).toBeFocused();
    await page.keyboard.press('Control+Alt+Home');
    await expect(page.getByRole('button', {name: 'Full screen'})).toBeFocused();
    const down = new Set();
    for (const key of rfb.keys) {
        down[key.down ? 'add' : 'delete'](key.code);
    }
    expect([...down]).toEqual([]);
    expect(rfb.keys.some((key) => key.keysym === 0xff50)).toBe(false);
    await page.keyboard.press('Escape');
    await expect(page.locator('textarea.keys')).toBeFocused();
});

test('the whole toolbar works by keyboard, and has no fault that axe sees', async ({page}) => {
    await open(page);
    await expectAccessible(page);
    await page.keyboard.press('Control+Alt+Home');
    await page.keyboard.press('Tab');
    await page.keyboard.press('Tab');
    await expect(page.getByRole('button', {name: 'Keys'})).toBeFocused();
    await page.keyboard.press('Enter');
    await expect(page.getByRole('button', {name: 'Ctrl+Alt+Del'})).toBeFocused();
    await expectAccessible(page);
    rfb.keys.length = 0;
    await page.keyboard.press('Enter');
    await expect.poll(() => rfb.keys.map((key) => [key.code, key.down])).toEqual(
        [[0x1d, true], [0x38, true], [0xd3, true], [0xd3, false], [0x38, false], [0x1d, false]]);
    await expect(page.locator('textarea.keys')).toBeFocused();
    await page.getByRole('button', {name: 'Quality'}).click();
    await page.getByLabel('Saving').check();
    await expect.poll(() => rfb.auxSeen.at(-1)).toEqual([3, 2]);
    await page.keyboard.press('Escape');
    await expect(page.getByRole('button', {name: 'Quality'})).toBeFocused();
    await page.getByRole('button', {name: 'Connection'}).click();
    await expect(page.getByText('2.4 Mbit/s')).toBeVisible();
    await expect(page.getByText('12 ms', {exact: true})).toBeVisible();
    await expectAccessible(page);
    await page.getByRole('button', {name: 'Disconnect'}).click();
    await expect(page.getByRole('alert')).toContainText('You disconnected.');
    await expectAccessible(page);
});

test('what is written on the picture is said, too', async ({page}) => {
    await open(page);
    const said = page.locator('p.notice[role=status]');
    await expect(said).toHaveText('');
    rfb.sendNotice('Nobody has used this desktop for a while.');
    await expect(said).toHaveText('Nobody has used this desktop for a while.');
    await expectAccessible(page);
    rfb.sendNotice('');
    await expect(said).toHaveText('');
});

test('the clipboard goes both ways', async ({page, context}) => {
    await context.grantPermissions(['clipboard-read', 'clipboard-write'], {origin: 'https://oriel.test'});
    await open(page);
    await page.getByRole('button', {name: 'Clipboard'}).click();
    await page.getByLabel('Text for the desktop').fill('from here');
    await page.waitForTimeout(700); // the figures come meanwhile
    await page.getByRole('button', {name: 'Send to desktop'}).click();
    await expect.poll(() => rfb.cuts).toEqual(['from here']);
    await page.getByLabel('Share the clipboard by itself').click();
    await expect(page.getByLabel('Share the clipboard by itself')).toBeChecked();
    await expectAccessible(page);
    rfb.cut('from there');
    await expect(page.getByLabel('Text for the desktop')).toHaveValue('from there');
    await expect.poll(() => page.evaluate(() => navigator.clipboard.readText())).toBe('from there');
    await page.evaluate(() => navigator.clipboard.writeText('copied elsewhere'));
    await page.keyboard.press('Escape');
    await page.keyboard.press('Escape');
    await expect.poll(() => rfb.cuts.at(-1)).toBe('copied elsewhere');
});

test('a lost connection comes back with a new ticket; what an administrator ends stays ended', async ({page}) => {
    await open(page);
    rfb.refuse = 'session_crashed 3fa2b1';
    rfb.end('session_crashed 3fa2b1');
    await expect(page.getByText('Reason session_crashed, reference 3fa2b1')).toBeVisible();
    await expect(page.locator('canvas')).toHaveCount(0);
    await expectAccessible(page);
    await page.getByRole('button', {name: 'Try now'}).click(); // refused, too: the button is there again at each try
    rfb.refuse = null;
    await expect.poll(() => pixel(page, 2, 2).catch(() => null)).toEqual([255, 0, 0]);
    expect(tickets).toBe(rfb.connections);
    rfb.end('access.revoked 77aa');
    await expect(page.getByRole('alert')).toContainText('Your access has changed.');
    await expect(page.getByRole('alert')).toContainText('reference 77aa');
    const before = tickets;
    await page.waitForTimeout(1500);
    expect(tickets).toBe(before);
});

test('a server that falls silent is said to, and left for a new connection', async ({page}) => {
    await page.clock.install();
    await open(page);
    await expect.poll(() => rfb.statsSent).toBeGreaterThan(1); // before the first nobody can fall silent
    await page.clock.runFor(1000);
    rfb.hasStats = false;
    await page.waitForTimeout(400); // figures that are on their way
    const said = page.getByText('The desktop does not answer.');
    for (let second = 0; second < 10 && !(await said.isVisible()); second++) {
        await page.clock.runFor(1000);
        await said.waitFor({timeout: 600}).catch(() => {}); // to be drawn, also by a slow machine
    }
    await expect(said).toBeVisible();
    await expect(page.locator('.overlay')).toHaveCount(0);
    expect(tickets).toBe(1);
    for (let second = 0; second < 10 && tickets === 1; second++) {
        await page.clock.runFor(1000);
    }
    await expect.poll(() => tickets).toBe(2);
    await expect(page.locator('.overlay')).toHaveCount(0);
});

test('full screen is all of the screen; the toolbar slides away and comes back by its keys', async ({page}) => {
    await open(page);
    await page.getByRole('button', {name: 'Full screen'}).click();
    await page.mouse.move(300, 500);
    await expect.poll(() => rfb.sizes.at(-1)).toEqual([1280, 800]);
    const top = () => page.locator('.bar').evaluate((bar) => bar.getBoundingClientRect().bottom);
    await expect.poll(top).toBeLessThan(10);
    await page.keyboard.press('Control+Alt+Home');
    await expect.poll(top).toBeGreaterThan(30);
    await page.getByRole('button', {name: 'Leave full screen'}).click();
    await expect.poll(() => rfb.sizes.at(-1)[1]).toBeLessThan(800);
});

test('a login that is over leads back to the form', async ({page}) => {
    portal.answers['POST /v1/me/desktops/office/open'] = () => [401, {code: 'not_signed_in', detail: 'Please sign in.'}];
    await page.goto('/desktop/office');
    await expect(page.getByRole('link', {name: 'Sign in'})).toBeFocused();
});

test('broken H.264 asks for a key picture, then the desktop goes on without it', async ({page}) => {
    await open(page);
    expect(rfb.encodings).toContain(50);
    // A sequence header that the browser takes, a picture that it can't decode.
    const broken = Buffer.from('00000001 6742c014d99e9b808080a0 00000001 68ce3c80 00000001 65 ffffffffffffffffffffffffffffffff'.replaceAll(' ', ''), 'hex');
    for (let i = 0; i < 8 && rfb.encodings.includes(50); i++) {
        const before = rfb.wholeRequests;
        rfb.h264(broken);
        await expect.poll(() => rfb.wholeRequests, {timeout: 8000}).toBeGreaterThan(before);
    }
    expect(rfb.encodings).not.toContain(50);
    expect(rfb.encodings).toContain(7);
    expect(await pixel(page, 2, 2)).toEqual([255, 0, 0]);
    await expect(page.locator('.overlay')).toHaveCount(0);
});

test('who only looks waits for the answer, sends nothing, and is let in once', async ({page}) => {
    const row = {id: 'abc', user: 'berta', pool: 'office', state: 'asked'};
    portal.answers['GET /v1/watches/abc'] = () => [200, row];
    portal.answers['POST /v1/watches/abc/open'] = () => (row.state === 'granted'
        ? [200, {ticket: 't-0123456789abcdef', password: 'abcdefghijklmnop', expires_ms: Date.now() + 60000, user: 'berta', pool: 'office'}]
        : [410, {code: 'watch.refused', detail: 'They do not want it.'}]);
    await page.goto('/desktop/office#watch=abc');
    await expect(page.getByText('berta is asked whether you may look.')).toBeVisible();
    await expectAccessible(page);
    row.state = 'granted';
    await expect(page.locator('canvas')).toBeVisible();
    await expect.poll(() => pixel(page, 2, 2)).toEqual([255, 0, 0]);
    await expect(page.getByRole('heading', {level: 1})).toHaveText('berta, office: only looking');
    await expect(page.getByText('You only look')).toBeVisible();
    await expectAccessible(page);
    await page.locator('canvas').click();
    await page.keyboard.type('secret');
    await page.keyboard.insertText('é');
    await page.setViewportSize({width: 700, height: 500});
    await expect.poll(() => rfb.statsSent).toBeGreaterThan(1);
    expect(rfb.keys).toEqual([]);
    expect(rfb.sizes).toEqual([]);
    expect(rfb.auxSeen.filter((one) => one[0] === 2)).toEqual([]);
    await expect(page.getByRole('button', {name: 'Clipboard'})).toHaveCount(0);
    await page.getByRole('button', {name: 'Stop looking'}).click();
    await expect(page.getByText('You do not look any more.')).toBeVisible();
    await expect(page.getByRole('link', {name: 'Back to the console'}).last()).toBeFocused();
    await expect(page.getByRole('button', {name: 'Connect again'})).toHaveCount(0);
});

test('a no is said, and nothing is tried again', async ({page}) => {
    let opened = 0;
    portal.answers['GET /v1/watches/abc'] = () => [200, {id: 'abc', user: 'berta', pool: 'office', state: 'refused'}];
    portal.answers['POST /v1/watches/abc/open'] = () => {
        opened++;
        return [410, {code: 'watch.refused', title: 'They do not want it.', detail: 'They do not want it.', status: 410}];
    };
    await page.goto('/desktop/office#watch=abc');
    await expect(page.getByRole('alert')).toContainText('They do not want it.');
    await page.waitForTimeout(1500);
    expect(opened).toBe(1);
    expect(rfb.connections).toBe(0);
});
