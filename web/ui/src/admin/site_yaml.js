// A site as YAML, read and written as the command line does (cli/yaml.c); a bundle of its own, loaded where somebody needs it.
import {Alias, Composer, Document, LineCounter, Parser, Scalar, isAlias, isMap, isScalar, isSeq, visit} from 'yaml';
import {yaml as y} from './words.js';

const MAX_NODES = 400000;
const MAX_DEPTH = 8;

/** What is wrong with a file. line: from 1 */
export class YamlFault extends Error {
    /** @param {number} line @param {number} column @param {string} text */
    constructor(line, column, text) {
        super(text);
        this.line = line;
        this.column = column;
    }
}

/** A plain word that means no text. @param {string} text */
function plain(text) {
    if (text === 'true' || text === 'false') {
        return text === 'true';
    }
    if (text === '' || text === 'null' || text === '~') {
        return null;
    }
    return text.length <= 18 && /^-?\d+$/.test(text) ? Number(text) : text;
}

class Reader {
    /** @param {Document} doc @param {LineCounter} lines */
    constructor(doc, lines) {
        this.doc = doc;
        this.lines = lines;
        this.nodes = 0;
    }

    /** @param {any} node @param {string} text @returns {never} */
    refuse(node, text) {
        const {line, col} = this.lines.linePos(node?.range?.[0] ?? 0);
        throw new YamlFault(line, col, text);
    }

    /** An alias stands for all of its anchor's nodes: the count bounds what a few lines can become. @param {any} node @param {number} depth */
    value(node, depth) {
        if (++this.nodes > MAX_NODES || depth > MAX_DEPTH) {
            this.refuse(node, y.tooMuch);
        }
        if (isAlias(node)) {
            return this.value(this.target(node), depth);
        }
        if (node?.tag) {
            this.refuse(node, y.tag);
        }
        if (isMap(node)) {
            return this.map(node, depth);
        }
        return isSeq(node) ? node.items.map((one) => this.value(one, depth + 1)) : node === null ? null : this.scalar(node);
    }

    /** @param {Alias} node */
    target(node) {
        return node.resolve(this.doc) ?? this.refuse(node, y.noAnchor(node.source));
    }

    scalar(node) {
        const text = String(node.value ?? '');
        if (text.includes('\0')) {
            this.refuse(node, y.nul);
        }
        return node.type === Scalar.PLAIN ? plain(text) : text;
    }

    map(node, depth) {
        const found = new Map();
        for (const {key, value} of node.items) {
            const name = isAlias(key) ? this.target(key) : key;
            if (!isScalar(name) || name.tag) {
                this.refuse(name ?? node, y.noName);
            }
            const text = String(name.value ?? '');
            if (found.has(text)) {
                this.refuse(name, y.twice);
            }
            found.set(text, this.value(value, depth + 1));
        }
        return Object.fromEntries(found);
    }
}

/** What is deeper than any site is refused before the composer, which calls itself, goes down there. @param {any} token @param {LineCounter} lines */
function expectFlat(token, lines) {
    const left = [{token, depth: 0}];
    for (let at = left.pop(); at; at = left.pop()) {
        if (at.depth > 2 * MAX_DEPTH) {
            const {line, col} = lines.linePos(at.token.offset);
            throw new YamlFault(line, col, y.tooMuch);
        }
        const inside = [at.token.value, ...(at.token.items ?? []).flatMap((one) => [one.key, one.value])];
        inside.filter((one) => one && typeof one === 'object').forEach((one) => left.push({token: one, depth: at.depth + 1}));
    }
}

/** @param {string} text @param {LineCounter} lines @returns {Document.Parsed[]} */
function parse(text, lines) {
    const tokens = [...new Parser(lines.addNewLine).parse(text)];
    tokens.forEach((token) => expectFlat(token, lines));
    const composer = new Composer({schema: 'failsafe', version: '1.2', uniqueKeys: false, prettyErrors: false, logLevel: 'silent'});
    return [...composer.compose(tokens, true, text.length)];
}

/**
 * The objects of a file, and the line of a place in it ("/pools/3/max"), or of the nearest thing around it.
 * @param {string} text @returns {{objects: any, lineOf: (place: string) => number}}
 */
export function read(text) {
    const lines = new LineCounter();
    const [doc, second] = parse(text, lines);
    const wrong = doc?.errors[0];
    if (wrong) {
        const {line, col} = lines.linePos(wrong.pos[0]);
        throw new YamlFault(line, col, wrong.message);
    }
    if (second) {
        const {line, col} = lines.linePos(second.range[0]);
        throw new YamlFault(line, col, y.second);
    }
    const reader = new Reader(doc, lines);
    const objects = doc?.contents ? reader.value(doc.contents, 0) : {};
    if (objects === null || typeof objects !== 'object' || Array.isArray(objects)) {
        throw new YamlFault(1, 1, y.noSections);
    }
    return {objects, lineOf: (place) => lineOf(doc, lines, place)};
}

/** @param {Document} doc @param {LineCounter} lines @param {string} place */
function lineOf(doc, lines, place) {
    let node = /** @type {any} */ (doc?.contents);
    let at = node?.range?.[0] ?? 0;
    for (const step of place.split('/').slice(1)) {
        node = isAlias(node) ? node.resolve(doc) : node;
        const pair = isMap(node) ? node.items.find((one) => isScalar(one.key) && String(one.key.value ?? '') === step) : null;
        const next = pair ? pair.value : isSeq(node) ? node.items[Number(step)] : undefined;
        if (next === undefined) {
            break;
        }
        at = (pair ? /** @type {any} */ (pair.key) : next)?.range?.[0] ?? at; // where its name stands, also when the value comes later
        node = next;
    }
    return lines.linePos(at).line;
}

/** Words that some reader of YAML takes for something else than a text. */
const AMBIGUOUS = /^(?:true|false|null|~|yes|no|on|off|y|n|[+\-.0-9eExX_:]*)$/i;

/** What read() gives back again as it was. @param {any} objects */
export function write(objects) {
    const doc = new Document(objects, {version: '1.2', aliasDuplicateObjects: false});
    visit(doc, {
        Scalar(_, node) {
            if (typeof node.value === 'string' && AMBIGUOUS.test(node.value)) {
                node.type = Scalar.QUOTE_SINGLE;
            }
        },
    });
    return doc.toString({lineWidth: 0, indentSeq: false, singleQuote: true});
}
