// The pages of the console: by name in the address, in the order of the navigation.
import {Alarms} from './alarms.js';
import {Audit} from './audit.js';
import {Certificates} from './certificates.js';
import {Desktops, Quarantine} from './desktops.js';
import {Groups} from './groups.js';
import {Hosts} from './hosts.js';
import {Jobs} from './jobs.js';
import {Overview} from './overview.js';
import {Pools} from './pools.js';
import {Sessions} from './sessions.js';
import {Site} from './site.js';
import {Templates} from './templates.js';
import {Tokens} from './tokens.js';
import {Users} from './users.js';

/** @type {{name: string, group: 'machines'|'people'|'site', role: 'viewer'|'operator'|'admin', View: any}[]} role: the least that sees it */
export const pages = [
    {name: 'overview', group: 'machines', role: 'viewer', View: Overview},
    {name: 'sessions', group: 'machines', role: 'viewer', View: Sessions},
    {name: 'desktops', group: 'machines', role: 'viewer', View: Desktops},
    {name: 'pools', group: 'machines', role: 'viewer', View: Pools},
    {name: 'templates', group: 'machines', role: 'viewer', View: Templates},
    {name: 'hosts', group: 'machines', role: 'viewer', View: Hosts},
    {name: 'jobs', group: 'machines', role: 'viewer', View: Jobs},
    {name: 'quarantine', group: 'machines', role: 'viewer', View: Quarantine},
    {name: 'users', group: 'people', role: 'admin', View: Users},
    {name: 'groups', group: 'people', role: 'admin', View: Groups},
    {name: 'alarms', group: 'site', role: 'viewer', View: Alarms},
    {name: 'audit', group: 'site', role: 'viewer', View: Audit},
    {name: 'tokens', group: 'people', role: 'viewer', View: Tokens},
    {name: 'certificates', group: 'site', role: 'viewer', View: Certificates},
    {name: 'site', group: 'site', role: 'admin', View: Site},
];
