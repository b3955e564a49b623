// Where in the console we are: "#/pools/office?tab=policy" is page "pools", name "office", query {tab: "policy"}.
import {signal} from '@preact/signals';

/** @param {string} hash */
function parse(hash) {
    const [path, query = ''] = hash.replace(/^#\/?/, '').split('?');
    const [page = '', ...rest] = path.split('/').map((part) => {
        try {
            return decodeURIComponent(part);
        } catch {
            return part;
        }
    });
    return {page: page || 'overview', name: rest.join('/'), query: Object.fromEntries(new URLSearchParams(query))};
}

export const route = signal(parse(location.hash));

window.addEventListener('hashchange', () => {
    route.value = parse(location.hash);
});

/** The address of a page, of one object there, with filters. @param {string} page @param {string} [name] @param {Record<string, string>} [query] */
export function href(page, name = '', query = {}) {
    const filters = new URLSearchParams(query).toString();
    return `#/${page}${name ? `/${encodeURIComponent(name)}` : ''}${filters ? `?${filters}` : ''}`;
}

/** @param {string} page @param {string} [name] */
export const go = (page, name = '', query = {}) => {
    location.hash = href(page, name, query);
};
