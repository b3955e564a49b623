// noVNC 1.7.0 with our decoder, and every use of what it keeps private. The package is pinned exactly; this is the file to check when it moves.
import RFB from '@novnc/novnc';
import {H264Decoder, Picture} from './h264.js';

const ENCODING_H264 = 50;
const withoutH264 = new WeakSet();

const sendEncodings = RFB.messages.clientEncodings;
RFB.messages.clientEncodings = (sock, encodings) =>
    sendEncodings(sock, withoutH264.has(sock) ? encodings.filter((one) => one !== ENCODING_H264) : encodings);

/**
 * @param {HTMLElement} target
 * @param {WebSocket} socket not yet open
 * @param {HTMLTextAreaElement} keys has the focus in place of the canvas, so that input methods work
 * @param {{onFrame: () => void, onSoftware: () => void, onGiveUp: () => void}} hooks
 */
export function openRfb(target, socket, keys, hooks) {
    const rfb = new RFB(target, socket, {shared: true});
    const decoder = new H264Decoder({
        onKeyNeeded: () => requestWhole(rfb),
        onSoftware: hooks.onSoftware,
        onGiveUp: () => {
            withoutH264.add(rfb._sock);
            rfb._sendEncodings();
            requestWhole(rfb);
            hooks.onGiveUp();
        },
    });
    rfb._decoders[ENCODING_H264] = decoder;
    paintRegions(rfb._display);
    useDevicePixels(rfb);
    insistOnSize(rfb);
    countFrames(rfb, hooks.onFrame);
    rfb._keyboard._target = keys;
    rfb.focusOnClick = false;
    rfb._canvas.addEventListener('mousedown', () => keys.focus({preventScroll: true}));
    rfb.addEventListener('disconnect', () => decoder.close());
    return rfb;
}

function requestWhole(rfb) {
    if (rfb._rfbConnectionState === 'connected') {
        RFB.messages.fbUpdateRequest(rfb._sock, false, 0, 0, rfb._fbWidth, rfb._fbHeight);
    }
}

function paintRegions(display) {
    const draw = display.drawImage.bind(display);
    display.drawImage = (image, ...args) => {
        if (!(image instanceof Picture)) {
            draw(image, ...args);
            return;
        }
        const [, , width, height, x, y] = args;
        image.paint(display._drawCtx, x, y, width, height);
        for (const region of image.regions ?? [{x: 0, y: 0, w: width, h: height}]) {
            display._damage(x + region.x, y + region.y, region.w, region.h);
        }
    };
}

/** The desktop has the window's size in the screen's own pixels; noVNC counts in CSS pixels. */
function useDevicePixels(rfb) {
    const cssSize = rfb._screenSize.bind(rfb);
    const request = rfb._requestRemoteResize.bind(rfb);
    rfb._requestRemoteResize = () => {
        rfb._screenSize = () => {
            const size = cssSize();
            return {w: Math.floor(size.w * window.devicePixelRatio), h: Math.floor(size.h * window.devicePixelRatio)};
        };
        try {
            request();
        } finally {
            rfb._screenSize = cssSize;
        }
    };
    const updateScale = rfb._updateScale.bind(rfb);
    rfb._updateScale = () => {
        updateScale();
        if (!rfb.scaleViewport) {
            rfb._display.scale = 1 / window.devicePixelRatio;
        }
    };
}

/** A desktop that took a size of its own (it has just started) is asked for the window's: once for each of its sizes, so that one
 * which can't, or a person inside who wants another, has the last word. */
function insistOnSize(rfb) {
    const asked = new Set();
    const forget = () => asked.clear();
    const resize = rfb._resize.bind(rfb);
    rfb._resize = (width, height) => {
        resize(width, height);
        const size = `${width}x${height}`;
        if (!asked.has(size)) {
            asked.add(size);
            rfb._requestRemoteResize();
        }
    };
    window.addEventListener('resize', forget);
    rfb.addEventListener('disconnect', () => window.removeEventListener('resize', forget));
}

function countFrames(rfb, onFrame) {
    const update = rfb._framebufferUpdate.bind(rfb);
    rfb._framebufferUpdate = () => {
        const isWhole = update();
        if (isWhole) {
            onFrame();
        }
        return isWhole;
    };
}

/** Lets go of every key that the desktop thinks is down. */
export function releaseKeys(rfb) {
    rfb._keyboard._allKeysUp();
}

/** The size of the desktop in pixels. */
export function sizeOf(rfb) {
    return {width: rfb._fbWidth, height: rfb._fbHeight};
}

/** The canvas, for its name and role. @returns {HTMLCanvasElement} */
export function canvasOf(rfb) {
    return rfb._canvas;
}
