// A Personal Data Server and the PLC directory that it registers its accounts with, both the official ones, on free ports
// of loopback. Usage: node server.mjs DEPS
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import http from 'node:http';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';

const require = createRequire(path.join(path.resolve(process.argv[2]), 'package.json'));
// The SQLite that the server asks for would have to be compiled here; this one has its interface and comes ready for use.
require('libsql');
require.cache[require.resolve('better-sqlite3')] = require.cache[require.resolve('libsql')];
const { PDS, envToCfg, envToSecrets } = require('@atproto/pds');
const { PlcServer, Database } = require('@did-plc/server');

const folder = mkdtempSync(path.join(tmpdir(), 'keyfob-atprotoserver-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
for (const signal of ['SIGHUP', 'SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(0));
process.stdin.on('end', () => process.exit(0)).resume();

// Listening comes first: both must know their own port before they exist, and their own way to listen is on all interfaces.
const listen = async () => {
  const server = http.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { server, port: server.address().port };
};
const [directory, host] = [await listen(), await listen()];
const plc = `http://localhost:${directory.port}`;
directory.server.on('request', PlcServer.create({ db: Database.mock() }).app);

const secret = () => randomBytes(32).toString('hex');
const env = {
  // What permits http in its own address and in that of the directory.
  hostname: 'localhost',
  devMode: true,
  port: host.port,
  didPlcUrl: plc,
  inviteRequired: false,
  dataDirectory: folder,
  blobstoreDiskLocation: path.join(folder, 'blobs'),
  adminPassword: secret(),
  dpopSecret: secret(),
  jwtSecret: secret(),
  plcRotationKeyK256PrivateKeyHex: secret(),
};
const config = envToCfg(env);
const pds = await PDS.create(config, envToSecrets(env));
await pds.ctx.sequencer.start();
host.server.on('request', pds.app);

const create = async (name, password) => {
  const response = await fetch(`${config.service.publicUrl}/xrpc/com.atproto.server.createAccount`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ handle: `${name}.test`, email: `${name}@example.com`, password }),
  });
  const { did, handle, message } = await response.json();
  if (!response.ok) throw new Error(`no account for ${name}: ${message}`);
  return { did, handle, password };
};
const accounts = [await create('alice', 'wonderland'), await create('bob', 'builder')];
process.stdout.write(`${JSON.stringify({ pds: config.service.publicUrl, plc, accounts })}\n`);
