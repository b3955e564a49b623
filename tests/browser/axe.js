import AxeBuilder from '@axe-core/playwright';
import {expect} from '@playwright/test';

const ALL = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
/** What a stylesheet can break where the elements are the same: in the dark, on a phone. */
const BY_STYLE = ['color-contrast', 'target-size', 'scrollable-region-focusable', 'aria-hidden-focus', 'label-title-only'];

/**
 * No fault of WCAG 2.2 A and AA that axe can see. isStyle: only what the style decides; inside: a selector, else the whole page.
 * @param {import('@playwright/test').Page} page
 */
export async function expectAccessible(page, {isStyle = false, inside = ''} = {}) {
    // What fades in has its colours only when it is there.
    await page.evaluate(() => Promise.all(document.getAnimations()
        .filter((one) => one.effect?.getComputedTiming().endTime !== Infinity)
        .map((one) => one.finished.catch(() => null))));
    const axe = isStyle ? new AxeBuilder({page}).withRules(BY_STYLE) : new AxeBuilder({page}).withTags(ALL);
    const {violations, passes} = await (inside ? axe.include(inside) : axe).analyze();
    expect(violations.map((one) => `${one.id}: ${one.nodes.map((node) => node.target).join(', ')}`)).toEqual([]);
    expect(passes.length).toBeGreaterThan(isStyle || inside ? 0 : 5);
}
