// The keyboard of the desktop: a text area off the screen has the focus, so that input methods, dead keys and touch keyboards work;
// real keys go through noVNC as scancodes, composed text goes as text.

const XK = {BackSpace: 0xff08, Return: 0xff0d, Escape: 0xff1b, Print: 0xff61, Alt_L: 0xffe9, Control_L: 0xffe3, Shift_L: 0xffe1, Super_L: 0xffeb,
    Tab: 0xff09, Delete: 0xffff, F1: 0xffbe, F4: 0xffc1, F7: 0xffc4};

/** @type {Record<string, [number, string][]>} */
export const combos = {
    'ctrl-alt-del': [[XK.Control_L, 'ControlLeft'], [XK.Alt_L, 'AltLeft'], [XK.Delete, 'Delete']],
    super: [[XK.Super_L, 'MetaLeft']],
    'alt-tab': [[XK.Alt_L, 'AltLeft'], [XK.Tab, 'Tab']],
    'alt-f4': [[XK.Alt_L, 'AltLeft'], [XK.F4, 'F4']],
    'ctrl-esc': [[XK.Control_L, 'ControlLeft'], [XK.Escape, 'Escape']],
    'ctrl-shift-esc': [[XK.Control_L, 'ControlLeft'], [XK.Shift_L, 'ShiftLeft'], [XK.Escape, 'Escape']],
    escape: [[XK.Escape, 'Escape']],
    print: [[XK.Print, 'PrintScreen']],
    'ctrl-alt-f1': [[XK.Control_L, 'ControlLeft'], [XK.Alt_L, 'AltLeft'], [XK.F1, 'F1']],
    'ctrl-alt-f7': [[XK.Control_L, 'ControlLeft'], [XK.Alt_L, 'AltLeft'], [XK.F7, 'F7']],
};

/** Down in order, up in the other. */
export function sendCombo(rfb, name) {
    const keys = combos[name];
    for (const [keysym, code] of keys) {
        rfb.sendKey(keysym, code, true);
    }
    for (const [keysym, code] of [...keys].reverse()) {
        rfb.sendKey(keysym, code, false);
    }
}

/** Ctrl+Alt+Home leaves the desktop (WCAG 2.1.2); the same keys as in Microsoft's client. @param {KeyboardEvent} event */
const isLeaveChord = (event) => event.ctrlKey && event.altKey && event.code === 'Home';

/**
 * @param {HTMLTextAreaElement} area
 * @param {{onText: (text: string) => void, onKey: (keysym: number, code: string) => void, onLeave: () => void}} hooks
 */
export function listenKeys(area, hooks) {
    const stop = (event) => event.stopImmediatePropagation();
    const onKey = (event) => {
        if (isLeaveChord(event)) {
            event.preventDefault();
            stop(event);
            if (event.type === 'keydown') {
                hooks.onLeave();
            }
        } else if (event.isComposing || event.keyCode === 229) {
            stop(event); // the input method's
        }
    };
    const clear = () => {
        area.value = ' '; // something that a touch keyboard can delete
        area.setSelectionRange(1, 1);
    };
    area.addEventListener('keydown', onKey, {capture: true});
    area.addEventListener('keyup', onKey, {capture: true});
    area.addEventListener('compositionend', (event) => {
        if (event.data) {
            hooks.onText(event.data);
        }
        clear();
    });
    area.addEventListener('beforeinput', (event) => {
        if (event.inputType === 'deleteContentBackward') {
            hooks.onKey(XK.BackSpace, 'Backspace');
        } else if (event.inputType === 'insertLineBreak') {
            hooks.onKey(XK.Return, 'Enter');
        } else if (event.inputType === 'insertText' && !event.isComposing && event.data) {
            hooks.onText(event.data);
        } else {
            return;
        }
        event.preventDefault();
    });
    area.addEventListener('input', (event) => /** @type {InputEvent} */ (event).isComposing || clear());
    clear();
}
