// Journeys through the whole of Oriel; run by test_chain.py. One person, one browser, one after the other.
import {expect, test} from '@playwright/test';
import {expectAccessible} from './axe.js';
import {control} from './control.js';

test.describe.configure({mode: 'serial'});

/** @type {import('@playwright/test').Page} */
let page;
const BAR = '.bar';
const SIZE = {width: 1024, height: 768};

/** In the page, before its own code: tells what the video decoder gave, and can break what it gets. */
function watchDecoder() {
    if (!window.isSecureContext) {
        return; // the browser's own page of an error
    }
    const seen = {loudest: 0, pictures: 0, corner: null, breakNext: 0, errors: 0};
    window.oriel = seen;
    const canvas = new OffscreenCanvas(64, 64);
    const context = canvas.getContext('2d', {willReadFrequently: true});
    const listen = AudioNode.prototype.connect;
    AudioNode.prototype.connect = function connect(to, ...more) {
        if (to instanceof AudioDestinationNode) {
            const meter = new AnalyserNode(this.context, {fftSize: 1024});
            const samples = new Float32Array(1024);
            listen.call(this, meter);
            setInterval(() => {
                meter.getFloatTimeDomainData(samples);
                seen.loudest = Math.max(seen.loudest, ...samples);
            }, 50);
        }
        return listen.call(this, to, ...more);
    };
    window.VideoDecoder = class extends VideoDecoder {
        constructor(init) {
            super({
                output: (frame) => {
                    if (frame.codedWidth > 200) {
                        seen.pictures++;
                        context.drawImage(frame, 0, 0, 64, 64, 0, 0, 64, 64);
                        seen.corner = [...context.getImageData(16, 16, 1, 1).data.slice(0, 3)];
                    }
                    init.output(frame);
                },
                error: (error) => {
                    seen.errors++;
                    init.error(error);
                },
            });
        }

        decode(chunk) {
            if (seen.breakNext > 0 && chunk.byteLength > 100) {
                seen.breakNext--;
                const data = new Uint8Array(chunk.byteLength);
                chunk.copyTo(data);
                data.fill(0xff, data.length / 2);
                super.decode(new EncodedVideoChunk({type: chunk.type, timestamp: chunk.timestamp, data: data.subarray(0, data.length - 7)}));
                this.close();
                throw new Error('broken on purpose');
            }
            super.decode(chunk);
        }
    };
}

async function setDesktopSize(width, height) {
    const bar = await page.locator(BAR).evaluate((element) => Math.ceil(element.getBoundingClientRect().height));
    await page.setViewportSize({width, height: height + bar});
}

/** How many pixels of the canvas differ from the guest's picture; -1 while the size is another. */
async function differing(size) {
    const {rgb, rows} = await control('picture', {size: `${size.width}x${size.height}`});
    return page.locator('canvas').evaluate((canvas, [text, width, height, count]) => {
        if (canvas.width !== width || canvas.height !== height) {
            return -1;
        }
        const wanted = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
        const is = canvas.getContext('2d').getImageData(0, 0, width, count).data;
        let bad = 0;
        for (let i = 0, j = 0; i < is.length; i += 4, j += 3) {
            bad += is[i] !== wanted[j] || is[i + 1] !== wanted[j + 1] || is[i + 2] !== wanted[j + 2] ? 1 : 0;
        }
        return bad;
    }, [rgb, size.width, size.height, rows]).catch(() => -2);
}

const expectGuest = (size, timeout = 30000) => expect.poll(() => differing(size), {timeout}).toBe(0);

/** The colours that the VNC desktop gave its corner, one for each key. */
const stamps = async () => Array.from((await control('events')).matchAll(/colour=(\w{6})/g), (found) => found[1]);

test.beforeAll(async ({browser}) => {
    const context = await browser.newContext({viewport: {width: 1024, height: 813}, ignoreHTTPSErrors: true,
        locale: 'pt-BR', timezoneId: 'America/Sao_Paulo'});
    await context.grantPermissions(['clipboard-read', 'clipboard-write']);
    page = await context.newPage();
    await page.addInitScript(watchDecoder);
    page.on('pageerror', (error) => expect.soft(String(error)).toBe(''));
});

test('a wrong password is refused in words, the right one shows the desktops', async () => {
    await page.goto('/');
    await page.getByLabel('User name').fill('alice');
    await page.getByLabel('Password').fill('wrong');
    await page.keyboard.press('Enter');
    await expect(page.getByRole('alert')).toContainText('auth_failed');
    await page.getByLabel('Password').fill(process.env.ORIEL_PASSWORD);
    await page.keyboard.press('Enter');
    await expect(page.getByRole('heading', {name: 'main'})).toBeVisible();
    await expect(page.getByRole('heading', {name: 'film'})).toBeVisible();
    const [cookie] = await page.context().cookies();
    expect(cookie).toMatchObject({name: '__Host-oriel', httpOnly: true, secure: true, sameSite: 'Strict', path: '/'});
    await expectAccessible(page);
});

test('the guest is shown, every pixel of it, in the window\'s size', async () => {
    await page.getByRole('link', {name: 'Open in browser: main'}).click();
    await expect(page.locator('canvas')).toBeVisible({timeout: 60000});
    await setDesktopSize(SIZE.width, SIZE.height);
    await expectGuest(SIZE, 60000);
    await setDesktopSize(800, 600);
    await expectGuest({width: 800, height: 600});
    await setDesktopSize(SIZE.width, SIZE.height);
    await expectGuest(SIZE);
    await expectAccessible(page);
});

test('the guest has the browser\'s language and time zone', async () => {
    const line = 'session user=alice uid=\\d+ locale=pt_BR timezone=America/Sao_Paulo keyboard=.*';
    await expect.poll(() => control('heard', {line}), {timeout: 20000}).toBe(1);
});

test('the portal shows a small picture of it, to its person', async () => {
    const portal = await page.context().newPage();
    await portal.goto('/');
    const picture = portal.getByRole('img', {name: 'Preview of main'});
    await expect(picture).toBeVisible({timeout: 20000});
    await expect.poll(() => picture.evaluate((image) => image.naturalWidth)).toBeGreaterThan(100);
    const stranger = await portal.evaluate(() => fetch('/api/v1/me/desktops/main/thumbnail', {credentials: 'omit'}).then((answer) => answer.status));
    expect(stranger).toBe(401);
    await portal.close();
});

test('keys and the pointer arrive in the guest', async () => {
    await expect.poll(async () => {
        await page.mouse.move(40 + Math.random() * 50, 200);
        return control('heard', {line: 'pointer \\d+ \\d+'});
    }).toBeGreaterThan(0);
    await expect.poll(async () => {
        await page.keyboard.press('z');
        return control('heard', {line: 'key 44 up'});
    }, {timeout: 60000}).toBeGreaterThan(0);
    await page.keyboard.press('Control+Alt+Home');
    await expect(page.getByRole('button', {name: 'Full screen'})).toBeFocused();
    expect(await control('heard', {line: 'key 102 down'})).toBe(0);
    await page.keyboard.press('Escape');
});

for (const [what, name] of [['session process', 'kill_session'], ['gateway', 'kill_gateway']]) {
    test(`the ${what} is killed: the page says so and comes back to the same desktop`, async () => {
        await control(name);
        await expect(page.locator('.overlay')).toBeVisible();
        await expect(page.locator('.overlay')).toHaveCount(0, {timeout: 40000});
        await expectGuest(SIZE, 40000);
        expect(await control('state', {pool: 'main'})).toBe('active');
    });
}

test('disconnect leaves the desktop running', async () => {
    await page.getByRole('button', {name: 'Disconnect'}).click();
    await expect(page.getByRole('alert')).toContainText('You disconnected.');
    await expect.poll(() => control('state', {pool: 'main'}), {timeout: 20000}).toBe('disconnected');
    await page.getByRole('link', {name: 'Back to my desktops'}).click();
    const card = page.getByRole('listitem').filter({has: page.getByRole('heading', {name: 'main'})});
    await expect(card.getByText('Running, not connected')).toBeVisible();
});

test('moving pictures come as H.264 in the right colours', async () => {
    await page.goto('/desktop/film');
    await expect.poll(() => page.evaluate(() => window.oriel.pictures), {timeout: 30000}).toBeGreaterThan(10);
    await page.keyboard.press('Control+Alt+Home');
    await page.getByRole('button', {name: 'Connection'}).click();
    await expect(page.locator('.meter')).toContainText('H.264');
    await page.keyboard.press('Escape');
    await page.keyboard.press('Escape');
    for (let i = 0; i < 6; i++) {
        const before = (await stamps()).length;
        await page.keyboard.press('a');
        await expect.poll(async () => (await stamps()).length).toBeGreaterThan(before);
        const wanted = (await stamps()).at(-1);
        const near = (colour) => Math.max(...[0, 2, 4].map((at, n) => Math.abs(parseInt(wanted.slice(at, at + 2), 16) - colour[n])));
        await expect.poll(async () => near(await page.evaluate(() => window.oriel.corner)), {message: `decoded as ${wanted}`}).toBeLessThanOrEqual(6);
        await expect.poll(async () => near(await page.locator('canvas').evaluate((canvas) =>
            [...canvas.getContext('2d').getImageData(16, 16, 1, 1).data.slice(0, 3)])), {message: `painted as ${wanted}`}).toBeLessThanOrEqual(6);
    }
});

test('a decoder that fails is given a key picture and goes on', async () => {
    for (let i = 0; i < 2; i++) {
        await page.evaluate(() => {
            window.oriel.breakNext = 1;
        });
        await expect.poll(() => page.evaluate(() => window.oriel.breakNext)).toBe(0);
        const before = await page.evaluate(() => window.oriel.pictures);
        await expect.poll(() => page.evaluate(() => window.oriel.pictures)).toBeGreaterThan(before + 5);
    }
    await expect(page.locator('.overlay')).toHaveCount(0);
});

test('text that no key has is typed, and the clipboard goes both ways', async () => {
    await page.keyboard.insertText('é€');
    await expect.poll(async () => (await control('events')).match(/sym=0x(00e9|20ac|10020ac)\b/g) ?? []).toContain('sym=0x00e9');
    await page.getByRole('button', {name: 'Clipboard'}).click();
    await page.getByLabel('Text for the desktop').fill('héllo wörld €');
    await page.getByRole('button', {name: 'Send to desktop'}).click();
    await expect.poll(() => control('events')).toMatch(/cut utf8 len=\d+ text=héllo wörld €/);
    await control('copy', {text: 'grüße ✓'});
    await expect(page.getByLabel('Text for the desktop')).toHaveValue('grüße ✓');
    await page.keyboard.press('Escape');
});

test('sound plays after a click', async () => {
    await page.getByRole('button', {name: 'Sound'}).click();
    await expect(page.getByRole('button', {name: 'Sound'})).toHaveAttribute('aria-pressed', 'true');
    await expect.poll(() => page.evaluate(() => window.oriel.loudest)).toBeGreaterThan(0.05);
});

test('what an administrator takes away ends at once, with its reason', async () => {
    await control('disable');
    await expect(page.getByRole('alert')).toContainText('access.revoked', {timeout: 6000});
    await page.getByRole('link', {name: 'Sign in'}).click();
    await expect(page.getByRole('heading', {name: 'Sign in'})).toBeVisible();
});
