// A walk through pages of the console in one tab: what holds on each of them.
import {expect, test} from '@playwright/test';
import {expectAccessible} from './axe.js';
import {takePicture} from './picture.js';

/** What the Tab key comes to in the page's main part, in turn, each once. @param {import('@playwright/test').Page} page */
async function tabbed(page) {
    return page.evaluate(() => {
        const is = (element) => element.checkVisibility() && element.getClientRects().length > 0;
        const radios = new Set();
        return [...document.querySelectorAll('main :is(a[href], button, input, select, textarea, summary, [tabindex="0"])')].filter((element) => {
            if (!is(element) || element.disabled || element.tabIndex < 0) {
                return false;
            }
            if (element.type === 'radio') { // one of them is in the order
                const isFirst = !radios.has(element.name);
                radios.add(element.name);
                return isFirst;
            }
            return true;
        }).length;
    });
}

/** Tab reaches all of it, shows where it is, and is caught nowhere. @param {import('@playwright/test').Page} page */
async function expectByKeyboard(page) {
    const wanted = await tabbed(page);
    await page.evaluate(() => {
        const seen = new Set();
        window.walk = {seen, hidden: []};
        document.addEventListener('focusin', window.walk.listen = ({target}) => {
            if (target.closest('main') && target.tagName !== 'MAIN' && target.tagName !== 'H1') {
                const look = getComputedStyle(target);
                if (look.outlineStyle === 'none' && look.boxShadow === 'none') {
                    window.walk.hidden.push(target.outerHTML.slice(0, 80));
                }
                seen.add(target);
            }
        });
        /** @type {HTMLElement} */ (document.getElementById('content')).focus();
    });
    for (let i = 0; i < wanted; i++) {
        await page.keyboard.press('Tab');
    }
    const {count, hidden} = await page.evaluate(() => {
        document.removeEventListener('focusin', window.walk.listen);
        return {count: window.walk.seen.size, hidden: window.walk.hidden};
    });
    expect(hidden).toEqual([]);
    expect(count).toBe(wanted);
}

const SKIPPED = /^(Check again|Save as a file|Export as CSV|Show more|Show|Try again|Try now|Next|Back|Save|See what would change|Apply)$/;

/** Each dialog that a button of the page opens: axe finds nothing, Escape closes it, the button has the focus again. @param {import('@playwright/test').Page} page */
async function expectDialogs(page) {
    const seen = new Set();
    const buttons = page.locator('main button:not(.sort)');
    for (let i = 0; i < await buttons.count(); i++) {
        const words = (await buttons.nth(i).textContent() ?? '').trim();
        if (!seen.has(words) && !SKIPPED.test(words) && await buttons.nth(i).isVisible()) {
            seen.add(words);
            await buttons.nth(i).click();
            await expect(page.getByRole('dialog')).toBeVisible();
            await expect(page.getByRole('dialog')).not.toContainText('Looking up');
            await expectAccessible(page, {inside: 'dialog'});
            expect(await page.evaluate(() => document.querySelector('dialog')?.contains(document.activeElement))).toBe(true);
            await page.keyboard.press('Escape');
            await expect(page.getByRole('dialog')).toHaveCount(0);
            await expect(buttons.nth(i)).toBeFocused();
        }
    }
}

/**
 * pages: name of the picture, address, a text that is there when it is loaded.
 * @param {import('@playwright/test').Page} page @param {import('./fake_console.js').FakeConsole} server @param {[string, string, string][]} pages
 */
export async function walk(page, server, pages) {
    // As the broker does: a stream that says nothing for long counts as lost.
    const beat = setInterval(() => server.tell('load', server.load), 5000);
    try {
        await walkOn(page, server.url, pages);
    } finally {
        clearInterval(beat);
    }
}

async function walkOn(page, url, pages) {
    await page.goto(`${url}/admin${pages[0][1]}`);
    for (const [name, hash, text] of pages) {
        await test.step(name, async () => {
            await page.evaluate((to) => {
                location.hash = to;
            }, hash);
            await expect(page.getByRole('main').getByText(text).locator('visible=true').first()).toBeVisible();
            await expect(page.getByText('Loading…')).toHaveCount(0);
            await takePicture(page, `${name}.png`);
            await expectAccessible(page);
            await expectByKeyboard(page);
            await expectDialogs(page);
            await page.emulateMedia({colorScheme: 'dark'});
            await expectAccessible(page, {isStyle: true});
            if (name === 'overview') {
                await takePicture(page, 'overview-dark.png');
            }
            await page.emulateMedia({colorScheme: 'light'});
            await page.setViewportSize({width: 360, height: 740});
            expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(360);
            await expectAccessible(page, {isStyle: true});
            if (name === 'sessions') {
                await takePicture(page, 'sessions-phone.png');
            }
            await page.setViewportSize({width: 1280, height: 800});
        });
    }
}
