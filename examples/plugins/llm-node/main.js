// botyard-llm-node: an llm plugin in JavaScript, without the SDK of Botyard. It repeats what
// it is told, where a real plugin would call a model. The comments of sdk/proto/botyard say
// what host and plugin owe each other.
'use strict';

const crypto = require('node:crypto');
const path = require('node:path');
const grpc = require('@grpc/grpc-js');
const loader = require('@grpc/proto-loader');
const health = require('grpc-health-check');

const protos = path.join(__dirname, '..', '..', '..', 'sdk', 'proto');
const definition = loader.loadSync(
  ['plugin', 'llm', 'fault'].map((name) => path.join(protos, 'botyard', name, 'v1', `${name}.proto`)),
  { includeDirs: [protos], keepCase: true, enums: String, longs: Number, defaults: true, oneofs: true });
const LLM = 'botyard.llm.v1.LLMService';
const instances = new Set();

// A google.rpc.Status of the code and message, with the fault as its only detail.
function details(code, message, fault) {
  const field = (number, bytes) => Buffer.concat([Buffer.from([number << 3 | 2]), length(bytes.length), bytes]);
  const length = (n) => Buffer.from(n < 128 ? [n] : [n & 127 | 128, n >> 7]);
  const any = Buffer.concat([
    field(1, Buffer.from('type.googleapis.com/botyard.fault.v1.Fault')), field(2, faults.serialize(fault)),
  ]);
  return Buffer.concat([Buffer.from([8, code]), field(2, Buffer.from(message)), field(3, any)]);
}

// The protobuf codec of a message, which proto-loader has only for those of methods.
const faults = (() => {
  const protobuf = require('protobufjs');
  const root = new protobuf.Root();
  root.resolvePath = (_, target) => path.isAbsolute(target) ? target : path.join(protos, target);
  const type = root.loadSync('botyard/fault/v1/fault.proto', { keepCase: true }).lookupType('botyard.fault.v1.Fault');
  return { serialize: (fault) => Buffer.from(type.encode(type.fromObject(fault)).finish()) };
})();

// An error that the host understands.
function failure(code, faultClass, message, path = []) {
  const metadata = new grpc.Metadata();
  metadata.set('grpc-status-details-bin', details(code, message, { class: faultClass, message, path }));
  return { code, details: message, metadata };
}

function checkInstance(request) {
  if (!instances.has(request.call?.instance)) {
    throw failure(grpc.status.NOT_FOUND, 'CLASS_UNKNOWN_INSTANCE', 'unknown instance');
  }
}

const plugin = {
  GetInfo: () => ({
    kind: 'llm', name: 'node', version: '1.0.0',
    services: [LLM, 'botyard.plugin.v1.PluginService', 'grpc.health.v1.Health'],
    config_schema: Buffer.from(JSON.stringify({ type: 'object', additionalProperties: false })),
  }),
  Configure: ({ request }) => { instances.add(request.instance); return {}; },
  Release: ({ request }) => { instances.delete(request.instance); return {}; },
};

async function chat(call) {
  checkInstance(call.request);
  const { messages } = call.request;
  if (messages.length === 0) {
    throw failure(grpc.status.INVALID_ARGUMENT, 'CLASS_INVALID', 'there is no message', ['messages']);
  }
  for (const [m, message] of messages.entries()) {
    for (const [p, part] of message.parts.entries()) { // what the model cannot take is refused, and never left out
      if (part.part !== 'text') {
        throw failure(grpc.status.UNIMPLEMENTED, 'CLASS_UNSUPPORTED', 'only texts are taken', ['messages', `${m}`, 'parts', `${p}`]);
      }
    }
  }
  const words = messages.at(-1).parts.map((part) => part.text).join(' ').split(' ');
  for (const [i, word] of words.entries()) {
    if (call.cancelled) return;
    const text = i === 0 ? word : ' ' + word;
    if (!call.write({ part: { text } })) {
      await new Promise((resolve) => { call.once('drain', resolve); call.once('cancelled', resolve); });
    }
  }
  const usage = { input_tokens: messages.length, output_tokens: words.length };
  call.write({ finish: { reason: 'REASON_STOP', model: 'repeat', usage } });
}

function main() {
  if (process.env.BOTYARD_PLUGIN !== 'c4f0a1f6-botyard') {
    console.error('this is a plugin of botyard, which starts it');
    process.exit(1);
  }
  for (const name of ['SIGTERM', 'SIGINT', 'SIGHUP']) process.on(name, () => {}); // standard input says when to end
  let input = Buffer.alloc(0);
  let secret;
  process.stdin.on('data', (chunk) => {
    if (secret) return;
    input = Buffer.concat([input, chunk]);
    if (input.includes('\n')) serve(secret = input.subarray(0, input.indexOf('\n')));
  });
}

function serve(secret) {
  const known = (call) => {
    const got = Buffer.from(String(call.metadata.get('botyard-secret')[0] ?? ''));
    if (got.length !== secret.length || !crypto.timingSafeEqual(got, secret)) {
      throw { code: grpc.status.UNAUTHENTICATED, details: "not the host's secret" };
    }
  };
  const unary = (answer) => (call, done) => {
    try { known(call); done(null, answer(call)); } catch (e) { done(e); }
  };
  const stream = (answer) => async (call) => {
    try { known(call); await answer(call); call.end(); } catch (e) { call.emit('error', e); }
  };
  const server = new grpc.Server({ 'grpc.max_receive_message_length': 64 << 20, 'grpc.max_send_message_length': 64 << 20 });
  server.addService(definition['botyard.plugin.v1.PluginService'], Object.fromEntries(Object.entries(plugin).map(([name, answer]) => [name, unary(answer)])));
  server.addService(definition[LLM], { Chat: stream(chat) });
  server.addService(health.service, { check: unary(() => ({ status: 'SERVING' })) });
  const socket = path.join(process.env.PLUGIN_UNIX_SOCKET_DIR, 'socket');
  server.bindAsync(`unix:${socket}`, grpc.ServerCredentials.createInsecure(), (error) => {
    if (error) throw error;
    console.log(`1|1|unix|${socket}|grpc|`);
  });
  process.stdin.on('end', () => {
    setTimeout(() => process.exit(0), 3000); // calls at work have so long to finish
    server.tryShutdown(() => process.exit(0));
  });
}

main();
