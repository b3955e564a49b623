// A site to look at: two hosts, three pools, people at work, some trouble. For the console's page tests and their pictures.
const HOUR = 3.6e6;
const id = (n) => String(n).padStart(8, '0').padEnd(32, 'ab12cd34');

export function world(now = Date.now()) {
    const report = (kvm) => ({items: [
        {name: 'cpu_virtualization', state: 'yes', reason: 'VT-x', remedy: ''},
        {name: 'slat', state: 'yes', reason: 'EPT is on', remedy: ''},
        {name: 'iommu', state: 'no', reason: 'no IOMMU groups', remedy: 'Needed only for passing devices through: intel_iommu=on or amd_iommu=on on the kernel\'s command line.'},
        {name: 'dev_kvm', state: kvm ? 'yes' : 'no', reason: kvm ? '/dev/kvm opens' : '/dev/kvm is missing', remedy: kvm ? '' : 'modprobe kvm_intel (or kvm_amd); virtualization may be off in the firmware.'},
        {name: 'nested', state: 'partly', reason: 'on, and this is a guest itself', remedy: ''},
        {name: 'ksm', state: 'no', reason: 'KSM is off; instant clones share their pages without it', remedy: 'To merge equal pages of other desktops: echo 1 > /sys/kernel/mm/ksm/run.'},
    ]});
    const host = (more) => ({
        name: 'attic', uri: 'qemu:///system', accel: 'kvm', accel_reason: '', memory_mib: 131072, free_memory_mib: 48200, free_disk_mib: 812000, state: 'up', reason: '',
        reason_text: '', heartbeat_ms: now - 3000, is_draining: false, cpus: 32, cpu_percent: 41.5, load: 12.4, pressure: {cpu: 2.1, memory: 0, io: 0.4}, report: report(true),
        desktops: 5, given: 4, sessions: 3, ...more,
    });
    const desktop = (n, more) => ({
        id: id(n), pool: 'office', host: 'attic', kind: 'floating', version: 3, lease: 'free', power: 'running', want: 'run', is_tainted: false, is_ready: true,
        maintenance: false, user: '', session: '', uuid: '', domain: `oriel-office-${n}`, vnc: '', rdp: '', has_password: false, reason: '', reason_text: '', attempts: 0,
        retry_ms: 0, created_ms: now - 5 * HOUR, changed_ms: now - n * 60000, ready_ms: now - 4 * HOUR, template: 'debian', template_version: 4, ...more,
    });
    const session = (n, more) => ({
        id: id(100 + n), user: 'anna', pool: 'office', desktop: id(n), desktop_version: 3, state: 'active', protocol: 'rdp', client: '192.0.2.14:51234', client_name: 'LAPTOP-7', ticket: '',
        gateway: 'gw1', conn: n, started_ms: now - n * HOUR, lease_until_ms: now + 60000, disconnected_ms: 0, ended_ms: 0, reason: '', stats: null,
        live: {at_ms: now - 2000, width_px: 1920, height_px: 1080, fps: 24.2, kbit_s: 3400, rtt_us: 18200, codec: 'h264'}, ...more,
    });
    const desktops = [
        desktop(1, {lease: 'in_use', user: 'anna', session: id(101), is_tainted: true}),
        desktop(2, {lease: 'in_use', user: 'bert', session: id(102), is_tainted: true, host: 'cellar'}),
        desktop(3, {pool: 'build', kind: 'dedicated', lease: 'disconnected', user: 'clara', session: id(103), domain: 'oriel-build-3'}),
        desktop(4, {}), desktop(5, {is_ready: false, power: 'starting'}),
        desktop(6, {power: 'failed', is_ready: false, reason: 'guest_start_failed', reason_text: 'The disk\'s base is gone: /var/lib/oriel/debian-4.qcow2', attempts: 3, host: 'cellar'}),
        desktop(7, {pool: 'lab', kind: 'static', host: '', domain: '', vnc: '10.0.0.7:5900', maintenance: true}),
    ];
    const sessions = [
        session(1, {}),
        session(2, {user: 'bert', client: '198.51.100.7:40112', client_name: '', protocol: 'vnc', live: {at_ms: now, width_px: 1366, height_px: 768, fps: 3.4, kbit_s: 120, rtt_us: 64000, codec: 'lossless'}}),
        session(3, {user: 'clara', pool: 'build', state: 'disconnected', disconnected_ms: now - 12 * 60000, reason: 'client_closed', live: undefined}),
        session(4, {user: 'dora', state: 'waiting', desktop: '', live: undefined, started_ms: now - 40000}),
    ];
    const pool = (name, more) => ({name, kind: 'floating', template: 'debian', max: 40, waiting: 0, problem: '', problem_text: '', desktops: {total: 5, ready: 1, suspended: 0, given: 2}, ...more});
    return {
        hosts: [host({}), host({name: 'cellar', accel: 'qemu', accel_reason: '/dev/kvm is missing', memory_mib: 32768, free_memory_mib: 3100, free_disk_mib: 40200, cpus: 8, cpu_percent: 88.2,
            load: 9.71, pressure: {cpu: 31.5, memory: 4.2, io: 12}, is_draining: true, report: report(false), desktops: 2, given: 1, sessions: 1})],
        desktops, sessions,
        pools: [pool('office', {waiting: 1}), pool('build', {kind: 'dedicated', max: 10, desktops: {total: 1, ready: 0, suspended: 0, given: 1}}),
            pool('lab', {kind: 'static', max: 0, template: '', desktops: {total: 1, ready: 0, suspended: 0, given: 0}})],
        alarms: [
            {reason: 'host_full', object: 'pool:office', text: 'cellar has 3.0 GiB free; one more desktop needs 4 GiB', since_ms: now - 2 * HOUR, seen_ms: now - 30000, count: 118},
            {reason: 'guest_start_failed', object: `desktop:${id(6)}`, text: 'The disk\'s base is gone: /var/lib/oriel/debian-4.qcow2', since_ms: now - 0.4 * HOUR, seen_ms: now - 60000, count: 3},
        ],
        quarantine: [{id: id(40), host: 'attic', pool: 'build', user: 'emil', uuid: '', domain: 'oriel-build-40', reason_text: 'The store has no desktop of that id.', verdict: '', seen_ms: now - 4 * HOUR}],
        audit: [
            {seq: 9, id: 'a9', time_ms: now - 60000, actor: 'broker', action: 'session.start', reason: '', object: `desktop:${id(1)}`, user: 'anna', client: '192.0.2.14', detail: '', count: 1},
            {seq: 8, id: 'a8', time_ms: now - 61000, actor: 'broker', action: 'desktop.claim', reason: '', object: `desktop:${id(1)}`, user: 'anna', client: '', detail: 'office', count: 1},
            {seq: 7, id: 'a7', time_ms: now - 4 * HOUR, actor: 'vmpool', action: 'desktop.ready', reason: '', object: `desktop:${id(1)}`, user: '', client: '', detail: '', count: 1},
        ],
        load: {at_ms: now, hosts: {up: 2, down: 0, draining: 1, cpus: 40, cpu_percent: 50.8, memory_mib: 163840, free_memory_mib: 51300},
            desktops: {total: 7, ready: 1, given: 3, suspended: 0, failed: 1}, sessions: {active: 2, disconnected: 1, waiting: 1}, pools: 3, alarms: 2, quarantined: 1, jobs: 0,
            latency: {count: 2, p50_us: 18200, p95_us: 64000}},
        history: history(now, 60),
    };
}

/** A busy hour, the same each time. */
function history(now, minutes) {
    const times = Array.from({length: minutes}, (_, i) => now - (minutes - 1 - i) * 60000);
    const wave = (base, size, step) => times.map((_, i) => Math.round((base + size * Math.sin(i / step) + (size / 4) * Math.sin(i * 1.7)) * 10) / 10);
    return {
        interval_s: 60, times_ms: times, cpu_percent: wave(45, 18, 9), memory_percent: wave(64, 5, 14), sessions: wave(22, 9, 16).map(Math.round),
        waiting: wave(1, 2, 7).map((value) => Math.max(0, Math.round(value))), latency_ms: wave(18, 6, 5), latency_p95_ms: wave(52, 14, 6),
    };
}

/** Sets the answers of a FakeConsole. @param {import('./fake_console.js').FakeConsole} server */
export function furnish(server, site = world()) {
    const one = (list, key, what) => list.forEach((row) => {
        server.answers[`GET /v1/${what}/${row[key]}`] = () => row;
    });
    Object.assign(server.answers, {
        'GET /v1/hosts': () => ({hosts: site.hosts}),
        'GET /v1/hosts/attic/doctor': () => ({checks: []}),
        'GET /v1/hosts/cellar/doctor': () => ({checks: [{area: 'clock', object: 'this host', state: 'ok', text: 'is kept by NTP', remedy: ''}]}),
        'GET /v1/pools': () => ({pools: site.pools}),
        'GET /v1/desktops': (_, url) => ({desktops: site.desktops.filter((row) => ['pool', 'host'].every((key) => !url.searchParams.get(key) || row[key] === url.searchParams.get(key)))}),
        'GET /v1/sessions': (_, url) => ({sessions: site.sessions.filter((row) => !url.searchParams.get('pool') || row.pool === url.searchParams.get('pool'))}),
        'GET /v1/watches': () => ({watches: []}),
        'GET /v1/alarms': () => ({alarms: site.alarms}),
        'GET /v1/quarantine': () => ({quarantine: site.quarantine}),
        'GET /v1/audit': () => ({audit: site.audit}),
        'GET /v1/load': () => site.history,
        'GET /v1/status': () => ({}),
        [`GET /v1/sessions/${site.sessions[0].id}/live`]: () => ({id: site.sessions[0].id, state: 'active', reason: '', sample: {
            seq: 4, at_ms: Date.now(), elapsed_ms: 1000, width_px: 1920, height_px: 1080, fps: 24.2, kbit_s: 3400, frames: 24, bytes: 425000, rtt_us: 18200, frames_total: 9, bytes_total: 9,
            encode: {count: 24, mean_us: 9000, p50_us: 8100, p95_us: 15200}, ack: {count: 24, mean_us: 19000, p50_us: 18000, p95_us: 31000},
            total: {count: 24, mean_us: 28000, p50_us: 26000, p95_us: 44000}, key: {count: 3, mean_us: 22000, p50_us: 21000, p95_us: 29000},
            kinds: {copy: {frames: 2, bytes: 900}, lossless: {frames: 4, bytes: 12000}, h264: {frames: 18, bytes: 412000}, refine: {frames: 0, bytes: 0}}}}),
    });
    one(site.hosts, 'name', 'hosts');
    one(site.desktops, 'id', 'desktops');
    one(site.sessions, 'id', 'sessions');
    server.load = site.load;
    return site;
}
