// The pages of the console: by name in the address, in the order of the navigation.
import {Audit} from './audit.js';
import {Groups} from './groups.js';
import {Overview} from './overview.js';
import {Pools} from './pools.js';
import {Site} from './site.js';
import {Templates} from './templates.js';
import {Tokens} from './tokens.js';
import {Users} from './users.js';

/** @type {{name: string, group: 'machines'|'people'|'site', role: 'viewer'|'operator'|'admin', View: any}[]} role: the least that sees it */
export const pages = [
    {name: 'overview', group: 'machines', role: 'viewer', View: Overview},
    {name: 'pools', group: 'machines', role: 'viewer', View: Pools},
    {name: 'templates', group: 'machines', role: 'viewer', View: Templates},
    {name: 'users', group: 'people', role: 'admin', View: Users},
    {name: 'groups', group: 'people', role: 'admin', View: Groups},
    {name: 'audit', group: 'site', role: 'viewer', View: Audit},
    {name: 'tokens', group: 'people', role: 'viewer', View: Tokens},
    {name: 'site', group: 'site', role: 'admin', View: Site},
];
