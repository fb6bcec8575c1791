/** A key and a certificate for one host name, signed by itself: who takes it for an authority trusts it. Made anew each time, kept nowhere. */
import { generateKeyPairSync, sign } from 'node:crypto';

const INTEGER = 0x02;
const BIT_STRING = 0x03;
const OCTET_STRING = 0x04;
const OBJECT = 0x06;
const UTF8_STRING = 0x0c;
const UTC_TIME = 0x17;
const SEQUENCE = 0x30;
const SET = 0x31;
const DNS_NAME = 0x82;
const VERSION = 0xa0;
const EXTENSIONS = 0xa3;

/** X.690 8.1: tag, length, content. */
function der(tag: number, ...content: readonly Buffer[]): Buffer {
  const whole = Buffer.concat(content);
  const length =
    whole.length < 0x80
      ? Buffer.from([whole.length])
      : Buffer.from([0x82, whole.length >> 8, whole.length & 0xff]);
  return Buffer.concat([Buffer.from([tag]), length, whole]);
}

const object = (hex: string) => der(OBJECT, Buffer.from(hex, 'hex'));
/** 1.2.840.10045.4.3.2, ecdsa-with-SHA256 */
const algorithm = der(SEQUENCE, object('2a8648ce3d040302'));
/** 2.5.4.3, commonName */
const named = (name: string) =>
  der(SEQUENCE, der(SET, der(SEQUENCE, object('550403'), der(UTF8_STRING, Buffer.from(name)))));
/** 2.5.29.17, subjectAltName */
const forHost = (name: string) =>
  der(SEQUENCE, object('551d11'), der(OCTET_STRING, der(SEQUENCE, der(DNS_NAME, Buffer.from(name)))));
const at = (time: string) => der(UTC_TIME, Buffer.from(time));

/** RFC 5280 4.1, as little of it as TLS asks for. @returns PEM texts */
export function makeCertificate(host: string): { readonly key: string; readonly cert: string } {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  const body = der(
    SEQUENCE,
    der(VERSION, der(INTEGER, Buffer.from([2]))),
    der(INTEGER, Buffer.from([1])),
    algorithm,
    named(host),
    der(SEQUENCE, at('200101000000Z'), at('491231235959Z')),
    named(host),
    publicKey.export({ type: 'spki', format: 'der' }),
    der(EXTENSIONS, der(SEQUENCE, forHost(host))),
  );
  const signature = der(BIT_STRING, Buffer.from([0]), sign('sha256', body, privateKey));
  const base64 = der(SEQUENCE, body, algorithm, signature).toString('base64');
  return {
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    cert: `-----BEGIN CERTIFICATE-----\n${base64.replaceAll(/.{1,64}/g, '$&\n')}-----END CERTIFICATE-----\n`,
  };
}
