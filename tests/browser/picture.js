// The documents' pictures of the console: written only where ORIEL_PICTURES names a folder (docs/admin).
import {spawnSync} from 'node:child_process';
import {rm} from 'node:fs/promises';
import path from 'node:path';

/** @param {import('@playwright/test').Page} page @param {string} name */
export async function takePicture(page, name) {
    const folder = process.env.ORIEL_PICTURES;
    if (!folder) {
        return;
    }
    const target = path.join(folder, name);
    const whole = `${target}.whole.png`;
    await page.screenshot({path: whole, animations: 'disabled', fullPage: true});
    const done = spawnSync('convert', [whole, '-strip', '-dither', 'None', '-colors', '250', `PNG8:${target}`], {stdio: 'inherit'});
    await rm(whole);
    if (done.status !== 0) {
        throw new Error('ImageMagick could not write the picture');
    }
}
