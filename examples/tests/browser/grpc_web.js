// Google's client of gRPC-web, as it is published, and what generated code would be. `source` is its text.

const library = {};
new Function('exports', source)(library);
const {GrpcWebClientBase, MethodDescriptor} = library;

const utf8 = new TextEncoder();
// A field of protobuf: a number, or what has a length. All is shorter than 128 bytes.
const number = (field, value) => value < 128
    ? [field << 3, value]
    : [field << 3, value & 127 | 128, value >> 7];
const bytes = (field, value) => [field << 3 | 2, value.length, ...value];
const text = (field, value) => bytes(field, utf8.encode(value));

// What a message has, by the numbers of its fields; messages inside are left as they are.
const read = message => {
    const fields = {};
    for (let at = 0; at < message.length;) {
        const key = message[at++];
        let value = 0, shift = 0, more = true;
        for (; more; shift += 7) {
            value += (message[at] & 127) * 2 ** shift;
            more = message[at++] > 127;
        }
        if ((key & 7) === 2) {
            fields[key >> 3] = message.subarray(at, at + value);
            at += value;
        } else {
            fields[key >> 3] = value;
        }
    }
    return fields;
};

const usd = value => [...number(1, value), ...text(2, 'USD')];
const rent = value => new Uint8Array([...text(1, 'bob'), ...bytes(2, usd(value))]);
const receipt = message => {
    const fields = read(message);
    return {id: new TextDecoder().decode(fields[1]), left: read(fields[4])[1]};
};
const event = message => {
    const fields = read(message);
    return fields[2] ? receipt(fields[2]) : fields[3] ? 'ready' : 'gap';
};

const method = (name, type, decode) => new MethodDescriptor(
    `/stonework.payments.v2.Payments/${name}`, type, Uint8Array, Object, message => message, decode);
const alice = {authorization: 'Bearer alice'};

// One transfer, and all that a page may know of its answer.
const transfer = (format, message, metadata = {}) => new Promise(done => {
    const told = {};
    const call = new GrpcWebClientBase({format}).rpcCall(
        `${api}/stonework.payments.v2.Payments/Transfer`, message, {...alice, ...metadata},
        method('Transfer', 'unary', receipt), (error, receipt) => {
            if (error) {
                const {code, message, metadata} = error;
                done({code, message, metadata});
            } else {
                told.receipt = receipt;
            }
        });
    call.on('metadata', metadata => { told.metadata = metadata; });
    call.on('end', () => done(told));
});

// The first events of alice.
const watch = (count, whenReady) => new Promise((done, failed) => {
    const events = [];
    const stream = new GrpcWebClientBase({format: 'text'}).serverStreaming(
        `${api}/stonework.payments.v2.Payments/Watch`, new Uint8Array(), alice,
        method('Watch', 'server_streaming', event));
    stream.on('data', event => {
        events.push(event);
        if (event === 'ready') whenReady();
        if (events.length === count) {
            stream.cancel();
            done(events);
        }
    });
    stream.on('error', failed);
});
