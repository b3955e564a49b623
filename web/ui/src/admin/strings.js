// Every word of the console, as ../strings.js has the portal's.

/** @param {number} count @param {string} one @param {string} many */
const plural = (count, one, many) => `${count} ${count === 1 ? one : many}`;

export const a = {
    title: 'Administration',
    again: 'Try again',
    done: 'Done.',
    back: 'Back',
    menu: 'Menu',
    nav: 'Administration',
    portal: 'My desktops',
    notAllowed: 'This console is for administrators',
    notAllowedHint: 'Your account has no part in running this site. Your desktops are in the portal.',
    noPage: 'There is no such page.',
    needs: {viewer: 'viewer', operator: 'operator', admin: 'admin'},
    role: {user: 'person', viewer: 'viewer', operator: 'operator', admin: 'admin'},

    pages: {
        overview: 'Overview', pools: 'Pools', templates: 'Templates', users: 'Users', groups: 'Groups', audit: 'Audit', tokens: 'Access tokens', site: 'Site',
    },
    groups: {machines: 'Desktops', people: 'People', site: 'Site'},

    live: {
        lost: 'Connection lost. What you see may be old; trying to reconnect…',
        back: 'Reconnected. Everything is up to date.',
        now: 'Try now',
    },
    toast: {label: 'News', close: 'Close'},
    confirm: {
        looking: 'Looking up who is affected…',
        nobody: 'Nobody is affected.',
        affected: (count) => `Affected: ${count}`,
        more: (count) => `and ${count} more`,
        type: (name) => `Type “${name}” to confirm`,
    },
    table: {
        find: 'Find',
        sort: 'Sort by',
        more: 'Show more',
        none: (text) => `Nothing matches “${text}”.`,
        shown: (shown, all, isWhole) => (isWhole ? shown === all ? plural(all, 'row', 'rows') : `${shown} of ${all} rows` : `${shown} rows, there are more`),
    },
    chart: {
        table: 'As a table',
        time: 'Time',
        words: (label, now, top) => `${label}: ${now}, at most ${top}.`,
    },
};
