// Debian's Chromium, no download. ORIEL_WEB: the built pages; ORIEL_URL: a running Oriel, for the journeys that need one.
import {defineConfig} from '@playwright/test';

export default defineConfig({
    testDir: '.',
    outputDir: process.env.ORIEL_BROWSER_OUT ?? '/tmp/oriel-browser-out',
    workers: 1,
    fullyParallel: false,
    retries: 0,
    reporter: [['list']],
    timeout: 90000,
    expect: {timeout: 25000},
    use: {
        baseURL: process.env.ORIEL_URL ?? 'https://oriel.test',
        ignoreHTTPSErrors: true,
        viewport: {width: 1280, height: 800},
        screenshot: 'only-on-failure',
        launchOptions: {
            executablePath: process.env.ORIEL_CHROMIUM ?? '/usr/bin/chromium',
            args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
                '--disable-component-update', '--disable-sync', '--autoplay-policy=user-gesture-required'],
        },
    },
});
