// What an H.264 access unit (Annex B) says about itself: its profile, whether it is a key picture, and which regions of it count.
// The regions are in an SEI user_data_unregistered of our own session, docs/architecture.md, "H.264 in RFB".

const REGIONS_UUID = [0x6f, 0x72, 0x69, 0x65, 0x6c, 0x2d, 0x72, 0x65, 0x67, 0x69, 0x6f, 0x6e, 0x73, 0x00, 0x00, 0x01];
const NAL_IDR = 5;
const NAL_SEI = 6;
const NAL_SPS = 7;
const SEI_USER_DATA_UNREGISTERED = 5;
const MAX_REGIONS = 4096;

/**
 * @param {Uint8Array} data
 * @returns {Generator<Uint8Array>} each NAL unit without its start code
 */
function* nalUnits(data) {
    let begin = -1;
    for (let i = 0; i + 2 < data.length; i++) {
        if (data[i] === 0 && data[i + 1] === 0 && data[i + 2] === 1) {
            if (begin >= 0) {
                yield data.subarray(begin, data[i - 1] === 0 ? i - 1 : i);
            }
            begin = i + 3;
            i += 2;
        }
    }
    if (begin >= 0) {
        yield data.subarray(begin);
    }
}

/** Without the bytes that keep start codes out (H.264 7.4.1). @param {Uint8Array} nal */
function rawPayload(nal) {
    const raw = new Uint8Array(nal.length);
    let length = 0;
    let zeros = 0;
    for (let i = 1; i < nal.length; i++) {
        if (zeros >= 2 && nal[i] === 3) {
            zeros = 0;
            continue;
        }
        zeros = nal[i] === 0 ? zeros + 1 : 0;
        raw[length++] = nal[i];
    }
    return raw.subarray(0, length);
}

/** The regions that one SEI NAL unit lists, or null where it is another's. @param {Uint8Array} nal */
function regionsOf(nal) {
    const raw = rawPayload(nal);
    let at = 0;
    const number = () => {
        let value = 0;
        while (raw[at] === 0xff) {
            value += 255;
            at++;
        }
        return value + (raw[at++] ?? 0);
    };
    if (number() !== SEI_USER_DATA_UNREGISTERED) {
        return null;
    }
    const size = number();
    if (size < 18 || at + size > raw.length || !REGIONS_UUID.every((byte, i) => raw[at + i] === byte)) {
        return null;
    }
    const view = new DataView(raw.buffer, raw.byteOffset + at + 16, size - 16);
    const count = view.getUint16(0);
    if (count > MAX_REGIONS || 2 + count * 8 > view.byteLength) {
        return null;
    }
    return Array.from({length: count}, (_, i) => {
        const o = 2 + i * 8;
        return {x: view.getUint16(o), y: view.getUint16(o + 2), w: view.getUint16(o + 4), h: view.getUint16(o + 6)};
    });
}

/**
 * @param {Uint8Array} data
 * @returns {{isKey: boolean, codec: string, regions: {x: number, y: number, w: number, h: number}[]|null}} regions null: all of it
 */
export function readAccessUnit(data) {
    const unit = {isKey: false, codec: '', regions: null};
    for (const nal of nalUnits(data)) {
        const type = nal[0] & 0x1f;
        if (type === NAL_SEI && unit.regions === null) {
            unit.regions = regionsOf(nal);
        } else if (type === NAL_SPS && nal.length >= 4) {
            unit.codec = `avc1.${[...nal.subarray(1, 4)].map((byte) => byte.toString(16).padStart(2, '0')).join('')}`;
        } else if (type === NAL_IDR || type === 1) {
            unit.isKey ||= type === NAL_IDR;
            return unit; // the slice itself is the decoder's, and long
        }
    }
    return unit;
}
