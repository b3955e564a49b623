// The pages of the console: by name in the address, in the order of the navigation.
import {Overview} from './overview.js';

/** @type {{name: string, group: 'machines'|'people'|'site', role: 'viewer'|'operator'|'admin', View: any}[]} role: the least that sees it */
export const pages = [
    {name: 'overview', group: 'machines', role: 'viewer', View: Overview},
];
