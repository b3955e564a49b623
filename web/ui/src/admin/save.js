// Saving an object that somebody else may have changed meanwhile: the second is told what changed, and decides.
import {html} from 'htm/preact';
import {useState} from 'preact/hooks';
import {Notice} from '../parts.js';
import {toast} from './toasts.js';
import {w} from './words.js';

/** @param {any} value */
const words = (value) => (value === true ? w.yes : value === false ? w.no : value === '' || value === null || value === undefined ? w.none : String(value));

/**
 * value: what the form begins with; key: of the form, new when it begins anew. What somebody types stays when the object changes.
 * @param {any} object of useObject() @param {string[]} keys what the form changes
 */
export function useSave(object, keys) {
    const [base, setBase] = useState({value: object.value, etag: object.etag, key: 0});
    const [changed, setChanged] = useState(/** @type {[string, any][]} */ ([]));
    /** @param {(etag: string) => Promise<{value: any, etag: string}>} send */
    const act = async (send) => {
        try {
            const {value, etag} = await send(base.etag);
            setBase({value, etag, key: base.key + 1});
            setChanged([]);
            toast(w.saved);
            object.reload();
        } catch (fault) {
            if (fault.status !== 412 || !fault.current) {
                throw fault;
            }
            const news = keys.filter((key) => JSON.stringify(fault.current[key]) !== JSON.stringify(base.value[key]));
            setChanged(news.map((key) => [key, fault.current[key]]));
            setBase({...base, etag: fault.etag});
        }
    };
    return {act, changed, value: base.value, key: base.key};
}

/** What somebody else has changed. */
export function Changed({save}) {
    return save.changed.length > 0 && html`<${Notice} kind="warn" role="alert"><p>${w.stale}</p>
        <ul>${save.changed.map(([name, value]) => html`<li>${w.nowIs(name, words(value))}</li>`)}</ul><//>`;
}
