// Reads and writes the site as a file beside the page: ten thousand people take seconds.
import {YamlFault, read, write} from './site_yaml.js';
import {yaml as y} from './words.js';

/** @type {(place: string) => number} of the file that was read last */
let lineOf = () => 0;

/** @param {File} file */
async function open(file) {
    const bytes = await file.arrayBuffer().catch(() => {
        throw new YamlFault(0, 0, y.gone);
    });
    let text;
    try {
        text = new TextDecoder('utf-8', {fatal: true}).decode(bytes);
    } catch {
        throw new YamlFault(1, 1, y.notUtf8);
    }
    const found = read(text);
    lineOf = found.lineOf;
    return found.objects;
}

/** @param {{write?: any, read?: File, places?: string[]}} what */
async function answer(what) {
    if (what.places) {
        return {lines: what.places.map(lineOf)};
    }
    return what.read ? {objects: await open(what.read)} : {text: write(what.write)};
}

onmessage = async ({data}) => {
    try {
        postMessage(await answer(data));
    } catch (fault) {
        postMessage({fault: {line: fault.line ?? 0, column: fault.column ?? 0, text: fault.message}});
    }
};
