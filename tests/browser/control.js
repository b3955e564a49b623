/** Asks tests/browser/test_chain.py. @param {string} name @param {object} [body] */
export async function control(name, body = {}) {
    const response = await fetch(`${process.env.ORIEL_CONTROL}/${name}`, {method: 'POST', body: JSON.stringify(body)});
    const answer = await response.json();
    if (!response.ok) {
        throw new Error(`${name}: ${answer}`);
    }
    return answer;
}
