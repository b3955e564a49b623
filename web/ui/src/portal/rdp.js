import {regional} from '../regional.js';
import {html} from 'htm/preact';
import {useEffect, useState} from 'preact/hooks';
import {desktopPath, post, seatOf} from '../api.js';
import {CopyButton, Dialog, Fault, useCountdown} from '../parts.js';
import {t} from '../strings.js';

function download(name, text) {
    const link = document.createElement('a');
    link.href = URL.createObjectURL(new Blob([text], {type: 'application/x-rdp'}));
    link.download = name;
    link.click();
    URL.revokeObjectURL(link.href);
}

function Login({login}) {
    const seconds = useCountdown(login.expires_ms);
    return html`
        <p class="small muted">${seconds > 0 ? t.rdp.left(seconds) : t.rdp.expired}</p>
        <div class="stack">
            <div class="row"><button type="button" class="button primary" disabled=${seconds === 0}
                onClick=${() => download(login.filename, login.file)}>${t.rdp.download}</button></div>
            <p>${t.rdp.fileHint}</p>
            <div class="row copyable"><code>${login.password}</code><${CopyButton} text=${login.password} label=${t.rdp.copyWhat.password} /></div>
            <p>${t.rdp.command}</p>
            <div class="row copyable"><code>${login.command}</code><${CopyButton} text=${login.command} label=${t.rdp.copyWhat.command} /></div>
        </div>`;
}

/** A ticket for NLA, as a file and as a command line. */
export function RdpDialog({desktop, onClose}) {
    const [login, setLogin] = useState(null);
    const [error, setError] = useState(null);
    useEffect(() => {
        regional().then((settings) => post(`${desktopPath(seatOf(desktop))}/rdp`, settings)).then(setLogin, setError);
    }, []);
    return html`<${Dialog} title=${t.rdp.title(t.desktops.name(desktop.pool, desktop.slot))} onClose=${onClose}>
        <div class="stack">
            <p>${t.rdp.lead}</p>
            ${error && html`<${Fault} error=${error} />`}
            ${login ? html`<${Login} login=${login} />` : !error && html`<p class="muted" role="status">${t.loading}</p>`}
            <div class="row end"><button type="button" class="button" autofocus onClick=${onClose}>${t.close}</button></div>
        </div>
    <//>`;
}
