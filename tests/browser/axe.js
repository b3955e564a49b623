import AxeBuilder from '@axe-core/playwright';
import {expect} from '@playwright/test';

/** No fault of WCAG 2.2 A and AA that axe can see. @param {import('@playwright/test').Page} page */
export async function expectAccessible(page) {
    // What fades in has its colours only when it is there.
    await page.evaluate(() => Promise.all(document.getAnimations()
        .filter((one) => one.effect?.getComputedTiming().endTime !== Infinity)
        .map((one) => one.finished.catch(() => null))));
    const {violations, passes} = await new AxeBuilder({page}).withTags(['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']).analyze();
    expect(violations.map((one) => `${one.id}: ${one.nodes.map((node) => node.target).join(', ')}`)).toEqual([]);
    expect(passes.length).toBeGreaterThan(5);
}
