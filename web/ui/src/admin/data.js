// Lists and objects of the API, kept as the server has them.
import {useEffect, useRef, useState} from 'preact/hooks';
import {getRows, send} from '../api.js';
import {useChanges} from './live.js';

export const MOST_ROWS = 20000;
/** Long lists are asked for anew less often. */
const pauseFor = (count) => (count <= 200 ? 1000 : count <= 1000 ? 3000 : 10000);

/**
 * A list, a part of it at first. kinds: the events that make it old. count: how many rows are wanted from the beginning.
 * @param {string} path @param {string} key @param {string[]} kinds @param {Record<string, any>} query
 */
export function useList(path, key, kinds, query = {}, count = 1) {
    const [state, setState] = useState(/** @type {{rows: any[]|null, next: string, error: any}} */ ({rows: null, next: '', error: null}));
    const [find, setFind] = useState('');
    const wanted = useRef(count);
    const turn = useRef(0);
    const isBusy = useRef(false);
    const isAsked = useRef(false);
    const filters = JSON.stringify({...query, q: find});
    const latest = useRef({path, filters});
    latest.current = {path, filters};
    /** One at a time; who asks meanwhile gets one more after it. */
    const load = async () => {
        isAsked.current = true;
        if (isBusy.current) {
            return;
        }
        isBusy.current = true;
        while (isAsked.current) {
            isAsked.current = false;
            const mine = turn.current;
            const isCurrent = () => mine === turn.current;
            try {
                const {rows, next} = await getRows(latest.current.path, key, wanted.current, JSON.parse(latest.current.filters), isCurrent);
                if (isCurrent()) {
                    setState({rows, next, error: null});
                }
            } catch (error) {
                if (isCurrent()) {
                    setState((was) => ({...was, error}));
                }
            }
        }
        isBusy.current = false;
    };
    useEffect(() => {
        wanted.current = count;
        load();
        return () => {
            turn.current++;
        };
    }, [path, filters]);
    useChanges(kinds, load, pauseFor(state.rows?.length ?? 0));
    const isWhole = state.next === '';
    return {
        ...state, isWhole, reload: load,
        /** One page more. */
        more: () => {
            wanted.current = (state.rows?.length ?? 0) + 1;
            return load();
        },
        /** All of it: to be sorted, for example. */
        all: () => {
            wanted.current = MOST_ROWS;
            return isWhole ? undefined : load();
        },
        /** The server looks for a text in names; what is here whole is looked through here. @param {string} text */
        find: (text) => setFind(isWhole && find === '' ? '' : text),
    };
}

/** One object, with the ETag that a change of it needs. @param {string} path empty: none @param {string[]} kinds */
export function useObject(path, kinds) {
    const [state, setState] = useState(/** @type {{value: any, etag: string, error: any}} */ ({value: null, etag: '', error: null}));
    const turn = useRef(0);
    const load = async () => {
        const mine = ++turn.current;
        try {
            const {value, etag} = path ? await send('GET', path) : {value: null, etag: ''};
            if (mine === turn.current) {
                setState({value, etag, error: null});
            }
        } catch (error) {
            if (mine === turn.current) {
                setState((was) => ({...was, error}));
            }
        }
    };
    useEffect(() => {
        setState({value: null, etag: '', error: null});
        load();
        return () => {
            turn.current++;
        };
    }, [path]);
    useChanges(kinds, load);
    return {...state, reload: load};
}
