// A desktop that is there already is added to a static pool: by the address of its display, or as a machine of libvirt.
import {html} from 'htm/preact';
import {useState} from 'preact/hooks';
import {post} from '../api.js';
import {Field} from '../parts.js';
import {FormButton} from './ask_form.js';
import {SelectField} from './form.js';
import {w} from './words.js';

const s = w.statics;

function Fields({wrong}) {
    const [by, setBy] = useState('vnc');
    const isMachine = by.startsWith('machine');
    const isRdp = by.endsWith('rdp');
    const plain = {autocomplete: 'off', autocapitalize: 'none', spellcheck: false};
    return html`<${SelectField} label=${s.by} name="by" value=${by} options=${Object.entries(s.ways)} onChange=${(event) => setBy(event.currentTarget.value)} autofocus />
        ${isMachine && html`<${Field} key="machine" label=${s.machine} name="machine" hint=${s.machineHint} wrong=${wrong.machine} ...${plain} />
            <${Field} key="uri" label=${s.uri} name="uri" hint=${s.uriHint} wrong=${wrong.uri} ...${plain} />`}
        ${by === 'vnc' && html`<${Field} key="vnc" label=${s.address} name="vnc" hint=${s.vncHint} wrong=${wrong.vnc} ...${plain} />`}
        ${isRdp && html`<${Field} key="rdp" label=${s.address} name="rdp" hint=${s.rdpHint} wrong=${wrong.rdp} ...${plain} />
            <${Field} key="user" label=${s.user} name="user" wrong=${wrong.user} ...${plain} />
            <${Field} key="domain" label=${s.domain} name="domain" hint=${s.domainHint} wrong=${wrong.domain} ...${plain} />`}
        ${by !== 'machine' && html`<${Field} key="password" label=${s.password} name="password" type="password" hint=${s.passwordHint} wrong=${wrong.password} autocomplete="new-password" />`}
        ${isRdp && html`<${Field} key="fingerprint" label=${s.fingerprint} name="fingerprint" hint=${s.fingerprintHint} wrong=${wrong.fingerprint} ...${plain} />`}`;
}

/** @param {{pool: string, onAdded: () => void}} props */
export function AddStaticDesktop({pool, onAdded}) {
    const act = async ({by: _, ...values}) => {
        await post('/v1/desktops', {pool, ...Object.fromEntries(Object.entries(values).filter(([, value]) => value !== ''))});
        onAdded();
        return s.added;
    };
    return html`<${FormButton} label=${s.add} submit=${w.add} act=${act}>${(wrong) => html`<${Fields} wrong=${wrong} />`}<//>`;
}
