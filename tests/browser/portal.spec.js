// The portal against a server that says what the test sets.
import {expect, test} from '@playwright/test';
import {expectAccessible} from './axe.js';
import {FakePortal, ORIGIN, desktop} from './fake_portal.js';

let portal;

test.beforeEach(async ({page}) => {
    portal = new FakePortal();
    await portal.serve(page);
    // A page that breaks its own Content-Security-Policy, or throws, fails.
    page.on('pageerror', (error) => expect(String(error)).toBe(''));
    page.on('console', (message) => expect(message.text()).not.toContain('Content Security Policy'));
});

async function signIn(page, code) {
    await page.getByLabel('User name').fill('anna');
    await page.getByLabel('Password').fill('a good password');
    await page.keyboard.press('Enter');
    if (code) {
        await page.getByLabel('Code from your authenticator app').fill(code);
        await page.keyboard.press('Enter');
    }
}

test('a login asks for the code where the server wants one, and says why it was refused', async ({page}) => {
    portal.isSignedIn = false;
    portal.answers['POST /v1/login'] = (body) => {
        if (!body.code) {
            return [401, {code: 'second_factor', detail: 'A code is needed.'}];
        }
        if (body.code !== '123456') {
            return [401, {code: 'auth_failed', detail: 'The user name or the password is wrong.', audit: '77fe01'}];
        }
        portal.isSignedIn = true;
        return [200, {name: 'anna'}];
    };
    await page.goto('/');
    await expectAccessible(page);
    await page.getByRole('button', {name: 'Sign in'}).click();
    await expect(page.getByText('Enter your user name.')).toBeVisible();
    await expect(page.getByLabel('User name')).toBeFocused();
    await signIn(page, '000000');
    await expect(page.getByRole('alert')).toContainText('The user name or the password is wrong.');
    await expect(page.getByRole('alert')).toContainText('Reason auth_failed, reference 77fe01');
    await expectAccessible(page);
    await page.getByLabel('Code from').fill('123456');
    await page.keyboard.press('Enter');
    await expect(page.getByRole('heading', {level: 1, name: 'My desktops'})).toBeVisible();
    expect(portal.called('POST /v1/login').at(-1).body).toEqual({user: 'anna', password: 'a good password', code: '123456'});
});

test('a delayed login counts down', async ({page}) => {
    portal.isSignedIn = false;
    portal.answers['POST /v1/login'] = () => [429, {code: 'auth_delayed', detail: 'Too many failed logins.'}, {'retry-after': '2'}];
    await page.goto('/');
    await signIn(page);
    await expect(page.getByText('You can try again in')).toBeVisible();
    await expect(page.getByText('You can try again now.')).toBeVisible();
});

test('cards say state, kind and problem; what cannot be done is not offered', async ({page}) => {
    portal.desktops = [
        desktop({pool: 'office', state: 'active', power: 'running', started_ms: Date.now() - 4e6, has_thumbnail: true}),
        desktop({pool: 'build', kind: 'dedicated', files_kept: true, power: 'stopped'}),
        desktop({pool: 'lab', kind: 'static', files_kept: true, maintenance: true}),
        desktop({pool: 'design', kind: 'dedicated', files_kept: true, power: 'failed', problem_text: 'The desktop could not be started.'}),
    ];
    portal.thumbnail = Buffer.from('iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==', 'base64');
    await page.goto('/');
    const card = (name) => page.getByRole('listitem').filter({has: page.getByRole('heading', {name})});
    await expect(card('office').getByText('In use')).toBeVisible();
    await expect(card('office').getByRole('img')).toHaveJSProperty('naturalWidth', 1);
    await expect(card('build').getByRole('button', {name: 'Start'})).toBeVisible();
    await expect(card('build').getByRole('button', {name: 'Log off'})).toHaveCount(0);
    await expect(card('lab').getByText('Under maintenance')).toBeVisible();
    await expect(card('lab').getByRole('link')).toHaveCount(0);
    await expect(card('design').getByText('The desktop could not be started.')).toBeVisible();
    await expectAccessible(page);
    await page.emulateMedia({colorScheme: 'dark'});
    await expectAccessible(page);
});

test('a card says before its desktop is opened that its files are deleted, unless the pool keeps homes', async ({page}) => {
    portal.desktops = [desktop({pool: 'office'}), desktop({pool: 'homes', files_kept: true}), desktop({pool: 'own', kind: 'dedicated', files_kept: true})];
    await page.goto('/');
    const card = (name) => page.getByRole('listitem').filter({has: page.getByRole('heading', {name})});
    await expect(card('office').getByText('Files on it are deleted when you log off.')).toBeVisible();
    await expect(page.getByRole('link', {name: 'Open in browser: office'})).toHaveAccessibleDescription('Files on it are deleted when you log off.');
    await expect(page.getByText('Files on it are deleted when you log off.')).toHaveCount(1);
    await expect(page.getByRole('link', {name: 'Open in browser: homes'})).toHaveAccessibleDescription('');
    await expect(card('own').getByText('Your own desktop')).toBeVisible();
    await expectAccessible(page);
    portal.desktops = [desktop({pool: 'office', files_kept: true})]; // its pool got a home
    await expect(page.getByText('Files on it are deleted when you log off.')).toHaveCount(0);
});

test('who waits sees a place in the queue and when to expect a desktop', async ({page}) => {
    portal.desktops = [desktop({state: 'waiting', waiting: 40, position: 12, eta_s: 170})];
    await page.goto('/');
    const card = page.getByRole('listitem').filter({has: page.getByRole('heading', {name: 'office'})});
    await expect(card.getByText('You are number 12 of 40 who wait.')).toBeVisible();
    await expect(card.getByText('Your desktop is expected in about 3 minutes.')).toBeVisible();
    await expectAccessible(page);
    portal.desktops = [desktop({state: 'waiting', waiting: 29, position: 1, eta_s: 9})];
    await expect(card.getByText('You are the next to get a desktop.')).toBeVisible();
    await expect(card.getByText('Your desktop is expected in a few seconds.')).toBeVisible();
});

test('whoever is looked at reads who looks, and ends it', async ({page}) => {
    portal.desktops = [desktop({state: 'active', power: 'running', watched_text: 'Olga Operator (olga) looks at your desktop.'})];
    portal.answers['POST /v1/me/desktops/office/unwatch'] = () => {
        portal.desktops = [desktop({state: 'active', power: 'running'})];
        return [200, {ended: 1}];
    };
    await page.goto('/');
    await expect(page.getByText('Olga Operator (olga) looks at your desktop.')).toBeVisible();
    await expectAccessible(page);
    await page.getByRole('button', {name: 'Stop being watched: office'}).click();
    await expect(page.getByText('Nobody looks at office any longer.')).toBeVisible();
    await expect(page.getByText('Olga Operator')).toHaveCount(0);
    expect(portal.called('POST /v1/me/desktops/office/unwatch')).toHaveLength(1);
});

test('several desktops of a pool are cards of their own, and another can be opened', async ({page}) => {
    portal.desktops = [desktop({state: 'active', power: 'running', next_slot: 3}), desktop({slot: 2, state: 'disconnected', power: 'running', next_slot: 3})];
    portal.answers['POST /v1/me/desktops/office:2/logoff'] = () => [200, {}];
    await page.goto('/');
    await expect(page.getByRole('heading', {name: 'office (2)'})).toBeVisible();
    await expect(page.getByRole('link', {name: 'Open in browser: office (2)'})).toHaveAttribute('href', '/desktop/office:2');
    await expect(page.getByRole('link', {name: 'Open another: office'})).toHaveCount(1);
    await expect(page.getByRole('link', {name: 'Open another: office'})).toHaveAttribute('href', '/desktop/office:3');
    await expectAccessible(page);
    const second = page.getByRole('listitem').filter({has: page.getByRole('heading', {name: 'office (2)'})});
    await second.getByRole('button', {name: 'Log off'}).click();
    await page.getByRole('dialog').getByRole('button', {name: 'Log off'}).click();
    await expect(page.getByText('You are logged off from office (2).')).toBeVisible();
    expect(portal.called('POST /v1/me/desktops/office:2/logoff')).toHaveLength(1);
});

test('log off names what is lost, and the list follows the server', async ({page}) => {
    portal.desktops = [desktop({state: 'disconnected', power: 'running'})];
    portal.answers['POST /v1/me/desktops/office/logoff'] = () => {
        portal.desktops = [desktop({})];
        return [200, {}];
    };
    await page.goto('/');
    const button = page.getByRole('button', {name: 'Log off'});
    await button.click();
    const dialog = page.getByRole('dialog', {name: 'Log off from office?'});
    await expect(dialog).toContainText('Everything on this desktop is deleted');
    await expectAccessible(page);
    await page.keyboard.press('Escape');
    await expect(dialog).toHaveCount(0);
    await expect(button).toBeFocused();
    await button.click();
    await dialog.getByRole('button', {name: 'Log off'}).click();
    await expect(page.getByText('You are logged off from office.')).toBeVisible();
    await expect(page.getByText('Not started')).toBeVisible();
    expect(portal.called('POST /v1/me/desktops/office/logoff')).toHaveLength(1);
});

test('an RDP login can be downloaded and copied', async ({page, context}) => {
    await context.grantPermissions(['clipboard-read', 'clipboard-write'], {origin: ORIGIN});
    portal.answers['POST /v1/me/desktops/office/rdp'] = () => [200, {
        filename: 'office.rdp', file: 'full address:s:desk.example.org\r\n', command: 'xfreerdp3 /v:desk.example.org /u:t-0123456789abcdef',
        user: 't-0123456789abcdef', password: 'abcdefghijklmnop', expires_ms: Date.now() + 299000,
    }];
    await page.goto('/');
    await page.getByRole('button', {name: 'Use an RDP program'}).click();
    await expect(page.getByText(/Valid for 4:5\d more minutes/)).toBeVisible();
    await expectAccessible(page);
    const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', {name: 'Download .rdp file'}).click()]);
    expect(download.suggestedFilename()).toBe('office.rdp');
    await page.getByRole('button', {name: 'Copy command'}).click();
    await expect(page.getByText('Copied')).toBeVisible();
    expect(await page.evaluate(() => navigator.clipboard.readText())).toBe('xfreerdp3 /v:desk.example.org /u:t-0123456789abcdef');
});

test('password and second factor are changed on the account page; the secret is drawn here', async ({page}) => {
    portal.answers['POST /v1/me/password'] = (body) => (body.old === 'right' ? [200, {}] : [401, {code: 'auth_failed', detail: 'The password is wrong.'}]);
    portal.answers['POST /v1/me/totp'] = (body) => (body.password === 'right' ? [200, {secret: 'JBSWY3DPEHPK3PXP', uri: 'otpauth://totp/Oriel:anna?secret=JBSWY3DPEHPK3PXP&issuer=Oriel'}] : [401, {code: 'auth_failed', detail: 'The password is wrong.'}]);
    portal.answers['POST /v1/me/totp/confirm'] = () => {
        portal.me.has_totp = true;
        return [200, {}];
    };
    await page.goto('/#account');
    await page.getByLabel('Present password').fill('wrong');
    await page.getByLabel('New password', {exact: true}).fill('new one');
    await page.getByLabel('New password again').fill('other');
    await page.getByRole('button', {name: 'Change password'}).click();
    await expect(page.getByText('The two new passwords differ.')).toBeVisible();
    await page.getByLabel('New password again').fill('new one');
    await page.getByRole('button', {name: 'Change password'}).click();
    await expect(page.getByRole('alert')).toContainText('The password is wrong.');
    await page.getByLabel('Present password').fill('right');
    await page.getByRole('button', {name: 'Change password'}).click();
    await expect(page.getByText('Your password is changed.')).toBeVisible();
    await page.getByRole('button', {name: 'Set up'}).click();
    await expect(page.getByText('Enter your present password.')).toBeVisible();
    await page.getByLabel('Your password, to set it up').fill('right');
    await page.getByRole('button', {name: 'Set up'}).click();
    await expect(page.getByRole('img', {name: 'QR code'})).toBeVisible();
    await expect(page.getByText('JBSW Y3DP EHPK 3PXP')).toBeVisible();
    await expectAccessible(page);
    await page.getByLabel('Code that the app shows').fill('123456');
    await page.getByRole('button', {name: 'Turn on'}).click();
    await expect(page.getByText('The second factor is on.')).toBeVisible();
    await expect(page.getByRole('button', {name: 'Turn off'})).toBeVisible();
});

test('other sign-ins are listed and ended', async ({page}) => {
    const logins = [{id: '1', client: '192.0.2.17', agent: 'Firefox', created_ms: Date.now() - 1e6, used_ms: Date.now(), is_current: true},
        {id: '2', client: '2001:db8::17', agent: 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/150.0.0.0 Safari/537.36', created_ms: Date.now() - 1e8, used_ms: Date.now() - 5e7, is_current: false}];
    portal.answers['GET /v1/me/logins'] = () => [200, {logins}];
    portal.answers['DELETE /v1/me/logins/2'] = () => [200, logins.splice(1) && {}];
    await page.goto('/#logins');
    await expect(page.getByRole('row')).toHaveCount(3);
    await expectAccessible(page);
    await expect(page.getByText('Chromium, Linux')).toBeVisible();
    await page.getByRole('button', {name: 'Sign out 2001:db8::17'}).click();
    await expect(page.getByText('Signed out there.')).toBeVisible();
    await expect(page.getByRole('row')).toHaveCount(2);
});

test('a server that is away is said, and found again; a login that ends leads to the form', async ({page}) => {
    await page.goto('/');
    await expect(page.getByRole('heading', {name: 'office'})).toBeVisible();
    portal.isDown = true;
    await expect(page.getByText('Not connected. What you see may be old.')).toBeVisible();
    portal.isDown = false;
    await page.getByRole('button', {name: 'Try again now'}).click();
    await expect(page.getByText('Not connected.')).toHaveCount(0);
    portal.isSignedIn = false;
    await expect(page.getByText('Your sign-in has ended.')).toBeVisible();
});

test('everything is reached by the keyboard alone', async ({page}) => {
    portal.desktops = [desktop({state: 'active', power: 'running'})];
    await page.goto('/');
    await expect(page.getByRole('heading', {name: 'office'})).toBeVisible();
    await page.locator('body').click({position: {x: 1, y: 790}});
    const seen = [];
    for (let i = 0; i < 14; i++) {
        await page.keyboard.press('Tab');
        seen.push(await page.evaluate(() => document.activeElement?.getAttribute('aria-label') ?? document.activeElement?.textContent?.trim().slice(0, 30)));
    }
    for (const name of ['Skip to content', 'Desktops', 'Account', 'Sign-ins', 'Sign out', 'Open in browser: office', 'Use an RDP program', 'Restart', 'Log off']) {
        expect(seen).toContain(name);
    }
    await page.getByRole('link', {name: 'Account'}).focus();
    await page.keyboard.press('Enter');
    await expect(page.getByRole('heading', {level: 1, name: 'Account'})).toBeFocused();
});

test('at 320 pixels nothing is cut off; dark is remembered; forced colours and no motion work', async ({page}) => {
    portal.desktops = [desktop({state: 'active', power: 'running'}), desktop({pool: 'a-pool-with-a-very-long-name-that-must-wrap-somewhere'})];
    await page.setViewportSize({width: 320, height: 640});
    for (const view of ['desktops', 'account', 'logins']) {
        await page.goto(`/#${view}`);
        await expect(page.getByRole('heading', {level: 1})).toBeVisible();
        expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(320);
    }
    await page.getByLabel('Appearance').selectOption('dark');
    await page.reload();
    expect(await page.evaluate(() => getComputedStyle(document.body).backgroundColor)).toBe('rgb(18, 22, 29)');
    await page.goto('/#desktops');
    await page.emulateMedia({forcedColors: 'active', reducedMotion: 'reduce'});
    const state = page.locator('.state').first();
    await expect(state).toHaveCSS('border-top-style', 'solid');
    await expect(page.locator('.card').first()).toHaveCSS('transition-duration', '0s');
});
