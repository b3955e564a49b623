// Who uses the console, and what they may do.
import {signal} from '@preact/signals';

const RANKS = ['user', 'viewer', 'operator', 'admin'];

export const me = signal(/** @type {any} */ (undefined)); // undefined: not known yet; null: nobody is signed in

/** @param {'viewer'|'operator'|'admin'} role the least that is needed */
export const may = (role) => RANKS.indexOf(me.value?.role) >= RANKS.indexOf(role);
