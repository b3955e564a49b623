// Builds the pages: node build.mjs OUT. Hashed names under OUT/assets, a .gz beside each file, no inline code.
import {build} from 'esbuild';
import {createHash} from 'node:crypto';
import {mkdir, readFile, readdir, rm, writeFile} from 'node:fs/promises';
import path from 'node:path';
import {gzipSync} from 'node:zlib';

const root = import.meta.dirname ?? path.dirname(new URL(import.meta.url).pathname);
const out = path.resolve(process.argv[2] ?? path.join(root, 'dist'));
const source = (name) => path.join(root, 'src', name);

const options = {
    bundle: true, minify: true, format: 'esm', target: ['es2022'], charset: 'utf8', legalComments: 'none', write: false,
    logLevel: 'warning', outdir: out, nodePaths: [path.join(root, 'node_modules')],
};

async function write(name, data) {
    await writeFile(path.join(out, name), data);
    await writeFile(path.join(out, `${name}.gz`), gzipSync(data, {level: 9}));
}

async function asset(name, data) {
    const {name: stem, ext} = path.parse(name);
    const hash = createHash('sha256').update(data).digest('hex').slice(0, 12);
    const hashed = `assets/${stem}-${hash}${ext}`;
    await write(hashed, data);
    return `/${hashed}`;
}

async function bundle(entry, define = {}) {
    const result = await build({...options, entryPoints: [source(entry)], define});
    return asset(path.basename(entry), Buffer.from(result.outputFiles[0].contents));
}

async function licences() {
    const lock = JSON.parse(await readFile(path.join(root, 'package-lock.json'), 'utf8'));
    const texts = ['Parts of these pages are other people\'s work. Their sources are on the npm registry under the names given.\n'];
    for (const [folder, about] of Object.entries(lock.packages)) {
        if (folder === '' || about.dev || about.optional) {
            continue;
        }
        const files = (await readdir(path.join(root, folder))).filter((name) => /^(licen[sc]e|copying)/i.test(name));
        texts.push(`==== ${folder.replace('node_modules/', '')} ${about.version} (${about.license})\n`);
        for (const name of files) {
            texts.push(await readFile(path.join(root, folder, name), 'utf8'));
        }
    }
    texts.push(`==== Mozilla Public License 2.0\n`, await readFile(path.join(root, 'node_modules/@novnc/novnc/docs/LICENSE.MPL-2.0'), 'utf8'));
    return texts.join('\n');
}

async function page(name, values) {
    const text = await readFile(source(name), 'utf8');
    await write(name, text.replace(/\{\{(\w+)\}\}/g, (whole, key) => {
        if (!(key in values)) {
            throw new Error(`${name}: nothing for ${whole}`);
        }
        return values[key];
    }));
}

await rm(out, {recursive: true, force: true});
await mkdir(path.join(out, 'assets'), {recursive: true});
const worklet = await bundle('desktop/sound_worklet.js');
const siteWorker = await bundle('admin/site_worker.js');
const icon = await asset('favicon.svg', await readFile(source('favicon.svg')));
const about = await asset('licences.txt', Buffer.from(await licences()));
const theme = await bundle('theme_early.js');
const define = {LICENCES_URL: JSON.stringify(about), WORKLET_URL: JSON.stringify(worklet), SITE_WORKER_URL: JSON.stringify(siteWorker)};
await page('index.html', {icon, theme, style: await bundle('portal/portal.css'), script: await bundle('portal/portal.js', define)});
await page('desktop.html', {icon, theme, style: await bundle('desktop/desktop.css'), script: await bundle('desktop/desktop.js', define)});
await page('admin.html', {icon, theme, style: await bundle('admin/admin.css'), script: await bundle('admin/admin.js', define)});
