/** A database over TLS: who signed its certificate, and whose it is. */
import { writeFileSync } from 'node:fs';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { TLSSocket } from 'node:tls';
import { expect, onTestFinished, test } from 'vitest';
import { isExpungeError } from '../../src/plan/errors.ts';
import { openConnection } from '../../src/site/sql/connections.ts';
import { parseDatabaseUrl } from '../../src/site/sql/url.ts';
import { makeCertificate } from '../support/certificate.ts';
import { tempFolder } from '../support/temp.ts';

function packet(sequence: number, content: Buffer): Buffer {
  return Buffer.concat([Buffer.from([content.length, 0, 0, sequence]), content]);
}

/** Protocol::HandshakeV10: PROTOCOL_41, SSL, SECURE_CONNECTION, PLUGIN_AUTH. */
const GREETING = packet(
  0,
  Buffer.concat([
    Buffer.from('\x0a8.0.0-fake\0\x01\0\0\0abcdefgh\0', 'latin1'),
    Buffer.from([0x00, 0x8a, 45, 2, 0, 0x08, 0x00, 21, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]),
    Buffer.from('abcdefghijkl\0mysql_native_password\0', 'latin1'),
  ]),
);
/** Protocol::SSLRequest, with the four bytes before it */
const SSL_REQUEST = 36;
const DENIED = packet(3, Buffer.from('\xff\x15\x04#28000Access denied', 'latin1'));

/** Greets, speaks TLS from then on, and refuses whoever logs in. */
async function startDatabase(certifiedFor: string) {
  const { key, cert } = makeCertificate(certifiedFor);
  const logins: string[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.write(GREETING);
    socket.on('readable', function upgrade() {
      // What came with the request is the client's first word in TLS, and stays in the buffer for it.
      if (socket.read(SSL_REQUEST) === null) return;
      socket.off('readable', upgrade);
      const secure = new TLSSocket(socket, { isServer: true, key, cert });
      secure.on('error', () => {});
      secure.once('data', (login) => {
        logins.push(login.toString('latin1'));
        secure.write(DENIED);
      });
    });
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const authority = join(tempFolder(), 'ca.pem');
  writeFileSync(authority, cert);
  return { port: (server.address() as AddressInfo).port, authority, logins };
}

/** What comes of it, and who was told a name and a password. */
async function logIn(host: string, certifiedFor: string, query: string) {
  const { port, authority, logins } = await startDatabase(certifiedFor);
  const url = `mysql+pymysql://nova:word@${host}:${port}/nova?${query.replace('CA', authority)}`;
  const error = await openConnection('database nova', parseDatabaseUrl('nova', url), true).catch(
    (e: unknown) => e,
  );
  if (!isExpungeError(error)) throw new Error(`no error of expunge: ${error}`);
  return { code: error.code, said: error.message, logins: logins.length };
}

test.each([
  ['its own name', 'localhost', 'localhost', 'ssl_ca=CA'],
  [
    'another name, which is not asked about',
    'localhost',
    'db.elsewhere',
    'ssl_ca=CA&ssl_check_hostname=false',
  ],
  ['another name, where only an address is known', '127.0.0.1', 'db.elsewhere', 'ssl_ca=CA'],
])('a certificate of %s: logs in', async (_, host, certifiedFor, query) => {
  expect(await logIn(host, certifiedFor, query)).toMatchObject({
    code: 'database-er-access-denied-error',
    logins: 1,
  });
});

test.each([
  ['another name', 'db.elsewhere', 'ssl_ca=CA', /db\.elsewhere/],
  ['another name, to be asked about', 'db.elsewhere', 'ssl_ca=CA&ssl_check_hostname=true', /db\.elsewhere/],
  ['nobody whom the system trusts', 'localhost', 'ssl_verify_cert=true', /self-signed/],
])('a certificate of %s: refused before anybody logs in', async (_, certifiedFor, query, why) => {
  const { code, said, logins } = await logIn('localhost', certifiedFor, query);
  expect(code).toMatch(/^database-/);
  expect(said).toMatch(why);
  expect(logins).toBe(0);
});
