// From an installation without a pool for her to a person at work in one, by the console alone; run by test_chain.py.
import {expect, test} from '@playwright/test';
import {expectAccessible} from './axe.js';
import {control} from './control.js';

test.use({viewport: {width: 1280, height: 900}});
test.setTimeout(240000);

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
    const colours = () => dora.locator('canvas').evaluate((canvas) => {
        const row = canvas.getContext('2d').getImageData(0, Math.floor(canvas.height / 2), canvas.width, 1).data;
        return new Set(new Uint32Array(row.buffer)).size;
    }).catch(() => 0);
    await expect.poll(colours, {timeout: 120000}).toBeGreaterThan(100);

    await expect(admin.getByText('In use')).toBeVisible({timeout: 30000});
    await goTo(admin, 'Audit');
    await expect(admin.getByText('user.add').first()).toBeVisible();
    await expect(admin.getByText('user:rita').first()).toBeVisible();
    await expectAccessible(admin);
});
