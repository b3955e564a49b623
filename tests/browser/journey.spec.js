// From an installation without a pool for her to a person at work in one, by the console alone; run by test_chain.py.
import {expect, test} from '@playwright/test';
import {expectAccessible} from './axe.js';
import {control} from './control.js';

test.use({viewport: {width: 1280, height: 900}});
test.setTimeout(320000);

const PASSWORD = process.env.ORIEL_PASSWORD;

/** @param {import('@playwright/test').Page} page */
async function signIn(page, address, name) {
    await page.goto(address);
    await page.getByLabel('User name').fill(name);
    await page.getByLabel('Password').fill(PASSWORD);
    await page.keyboard.press('Enter');
}

const goTo = (page, name) => page.getByRole('navigation', {name: 'Administration'}).getByRole('link', {name, exact: true}).click();

test('an administrator makes template, pool and user, and the user works', async ({browser}) => {
    const files = await control('admin');
    const admin = await (await browser.newContext({ignoreHTTPSErrors: true})).newPage();
    await signIn(admin, '/admin', 'rita');
    await expect(admin.getByRole('heading', {level: 1, name: 'Overview'})).toBeVisible();

    await goTo(admin, 'Templates');
    await admin.getByRole('button', {name: 'Register a disk image'}).click();
    const dialog = admin.getByRole('dialog');
    await dialog.getByLabel('Name').fill('second');
    await dialog.getByLabel('Disk image').fill(files.disk);
    await dialog.getByLabel('Memory').fill(String(files.memory_mib));
    await dialog.getByLabel('CPUs').fill('1');
    await dialog.getByText('Starts from a kernel outside of its disk').click();
    await dialog.getByLabel('Kernel', {exact: true}).fill(files.kernel);
    await dialog.getByLabel('Initial file system').fill(files.initrd);
    await dialog.getByLabel('Kernel\'s command line').fill(files.cmdline);
    await dialog.getByRole('button', {name: 'Add', exact: true}).click();
    await expect(admin.getByRole('heading', {level: 1, name: 'second'})).toBeVisible();
    await expect(admin.getByText('Ready', {exact: true}).first()).toBeVisible({timeout: 60000});

    await goTo(admin, 'Pools');
    await admin.getByRole('link', {name: 'Create a pool'}).click();
    await admin.getByLabel('Name').fill('lab');
    await admin.getByRole('button', {name: 'Next'}).click();
    await admin.getByLabel('Template', {exact: true}).selectOption('second');
    await admin.getByLabel('Begins').selectOption('cold');
    await admin.getByLabel('Desktops at most').fill('2');
    await admin.getByRole('button', {name: 'Next'}).click();
    await admin.getByRole('button', {name: 'Next'}).click();
    await admin.getByRole('button', {name: 'See what would change'}).click();
    await expect(dialog.getByText('pool lab', {exact: true})).toBeVisible();
    await expectAccessible(admin);
    await expect(dialog.getByText('template: second')).toBeVisible();
    await dialog.getByRole('button', {name: 'Apply'}).click();
    await expect(admin.getByRole('heading', {level: 1, name: 'lab'})).toBeVisible();

    await goTo(admin, 'Users');
    await admin.getByRole('button', {name: 'Add a user'}).click();
    await dialog.getByLabel('User name').fill('dora');
    await dialog.getByLabel('Password').fill(PASSWORD);
    await dialog.getByRole('button', {name: 'Add', exact: true}).click();
    await expect(admin.getByRole('heading', {level: 1, name: 'dora'})).toBeVisible();
    await admin.getByRole('button', {name: 'Let use a pool'}).click();
    await dialog.getByLabel('Pool').selectOption('lab');
    await dialog.getByRole('button', {name: 'Add', exact: true}).click();
    await expect(admin.getByRole('link', {name: 'lab'})).toBeVisible();

    const dora = await (await browser.newContext({ignoreHTTPSErrors: true})).newPage();
    await signIn(dora, '/', 'dora');
    await dora.getByRole('link', {name: 'Open in browser: lab'}).click();
    await expect(dora.locator('canvas')).toBeVisible({timeout: 120000});
    /** Colours in a row of the picture: the guest's test picture has many, a notice few. */
    const coloursOf = (page) => page.locator('canvas').evaluate((canvas) => {
        const row = canvas.getContext('2d').getImageData(0, Math.floor(canvas.height / 2), canvas.width, 1).data;
        return new Set(new Uint32Array(row.buffer)).size;
    }).catch(() => 0);
    await expect.poll(() => coloursOf(dora), {timeout: 120000}).toBeGreaterThan(100);

    await expect(admin.getByText('In use')).toBeVisible({timeout: 30000});

    // She is asked, and allows; then rita breaks the glass, and dora ends it.
    const notice = dora.locator('.notice');
    const session = async () => {
        await goTo(admin, 'Sessions');
        await admin.getByRole('link', {name: 'dora'}).click();
    };
    const look = async (why, isAsked = true) => {
        await admin.getByRole('button', {name: 'Look at it'}).click();
        await dialog.getByLabel('Why').fill(why);
        if (!isAsked) {
            await dialog.getByLabel('Without asking').check();
        }
        await dialog.getByRole('button', {name: 'Ask'}).click();
    };
    const show = async () => {
        const [page] = await Promise.all([admin.context().waitForEvent('page'), admin.getByRole('link', {name: 'Show the desktop'}).click()]);
        await expect(page.locator('canvas')).toBeVisible({timeout: 60000});
        await expect.poll(() => coloursOf(page), {timeout: 60000}).toBeGreaterThan(100);
        return page;
    };
    await session();
    await look('The printer.');
    await expect(notice).toContainText('asks to look at your desktop');
    await expect(notice).toContainText('The printer.');
    await dora.locator('canvas').click();
    await expect(async () => { // not before it can have been read
        await dora.keyboard.press('Control+Shift+F9');
        await expect(notice).toContainText('looks at your desktop', {timeout: 1000});
    }).toPass({timeout: 60000});
    const first = await show();
    await expect(first.getByRole('heading', {level: 1})).toHaveText('dora, lab: only looking');
    await expectAccessible(first);
    await first.getByRole('button', {name: 'Stop looking'}).click();
    await expect(notice).toHaveText('');
    await goTo(admin, 'Users');
    await admin.getByRole('link', {name: 'rita'}).click();
    await admin.getByText('without asking (break glass)').click();
    await admin.getByRole('button', {name: 'Save'}).click();
    await expect(admin.getByText('Saved').first()).toBeVisible();
    await admin.reload();
    await session();
    await look('Incident 4711.', false);
    await expect(notice).toContainText('without having asked');
    await expect(notice).toContainText('Incident 4711.');
    const second = await show();
    await dora.keyboard.press('Control+Shift+F10');
    await expect(second.getByRole('alert')).toContainText('watch.ended');
    await expect(notice).toHaveText('');
    await expectAccessible(admin);

    await goTo(admin, 'Audit');
    await expect(admin.getByText('user.add').first()).toBeVisible();
    await expect(admin.getByText('user:rita').first()).toBeVisible();
    for (const step of ['watch.ask', 'watch.grant', 'watch.begin', 'watch.break_glass', 'watch.end']) {
        await expect(admin.getByText(step, {exact: true}).first()).toBeVisible();
    }
    await expectAccessible(admin);
});
