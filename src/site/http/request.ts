/** One HTTP exchange over a kept-alive connection: JSON in, JSON out. */
import { readFileSync } from 'node:fs';
import type { Agent as HttpAgent, IncomingHttpHeaders } from 'node:http';
import { LookError, UsageError } from '../../plan/errors.ts';
import { http, https } from '../builtins.ts';
import type { CloudAuth } from '../config/clouds.ts';

/** `idleMs`: nothing comes. `wholeMs`: from the request to the last byte of the answer, however steadily it drips. */
const LIMITS = { idleMs: 60_000, wholeMs: 300_000 };
const MAX_BODY_BYTES = 64 * 1024 * 1024;

export interface RawAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: unknown;
}

export interface RawRequest {
  readonly method: string;
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: unknown;
}

export interface HttpClient {
  /** @throws LookError with code `api-unreachable`; `api-cut` when the request was sent and the answer never came whole */
  send(place: string, request: RawRequest, onSent?: () => void): Promise<RawAnswer>;
  close(): void;
}

export function openHttpClient(tls: CloudAuth['tls'], limits = LIMITS): HttpClient {
  const read = (path: string) => {
    try {
      return readFileSync(path);
    } catch {
      throw new UsageError(`cannot read ${path}, which clouds.yaml names`, { code: 'file-unreadable' });
    }
  };
  const agents = new Map<string, HttpAgent>();
  // A write gets a connection of its own: on a kept one that the server is just closing (uWSGI does not announce it), nobody
  // could say whether the request arrived. A read that meets such a connection is simply asked again.
  const agentFor = (url: URL, keepAlive: boolean): HttpAgent => {
    const kind = `${url.protocol} ${keepAlive}`;
    const known = agents.get(kind);
    if (known !== undefined) return known;
    const agent =
      url.protocol === 'http:'
        ? new (http().Agent)({ keepAlive, maxSockets: 8 })
        : new (https().Agent)({
            keepAlive,
            maxSockets: 8,
            rejectUnauthorized: tls.verify,
            ...(tls.cacert === undefined ? {} : { ca: read(tls.cacert) }),
            ...(tls.cert === undefined ? {} : { cert: read(tls.cert) }),
            ...(tls.key === undefined ? {} : { key: read(tls.key) }),
          });
    agents.set(kind, agent);
    return agent;
  };
  return {
    async send(place, request, onSent) {
      if (request.method !== 'GET')
        return sendOne(place, request, agentFor(request.url, false), limits, onSent);
      try {
        return await sendOne(place, request, agentFor(request.url, true), limits, onSent);
      } catch (error) {
        if (!(error instanceof LookError) || error.code !== 'api-stale-connection') throw error;
        return sendOne(place, request, agentFor(request.url, false), limits, onSent);
      }
    },
    close() {
      for (const agent of agents.values()) agent.destroy();
    },
  };
}

function sendOne(
  place: string,
  { method, url, headers, body }: RawRequest,
  agent: HttpAgent,
  { idleMs, wholeMs }: typeof LIMITS,
  onSent?: () => void,
): Promise<RawAnswer> {
  const payload = body === undefined ? undefined : JSON.stringify(body);
  return new Promise((resolve, reject) => {
    let sent = false;
    const fail = (
      why: string,
      { stale = false, hint }: { stale?: boolean; hint?: string | undefined } = {},
    ) =>
      reject(
        new LookError(place, `${method} ${url.host}${url.pathname}: ${why}`, {
          code: stale ? 'api-stale-connection' : sent ? 'api-cut' : 'api-unreachable',
          hint,
        }),
      );
    const module = url.protocol === 'https:' ? https() : http();
    const request = module.request(
      url,
      {
        method,
        agent,
        timeout: idleMs,
        headers: {
          accept: 'application/json',
          'user-agent': 'expunge',
          ...headers,
          ...(payload === undefined
            ? {}
            : { 'content-type': 'application/json', 'content-length': String(Buffer.byteLength(payload)) }),
        },
      },
      (response) => {
        const chunks: Buffer[] = [];
        let size = 0;
        response.on('data', (chunk: Buffer) => {
          size += chunk.length;
          if (size > MAX_BODY_BYTES) request.destroy(new Error('the answer is larger than 64 MiB'));
          else chunks.push(chunk);
        });
        response.on('error', (error) => fail(error.message));
        response.on('end', () => {
          const text = Buffer.concat(chunks).toString('utf8');
          resolve({ status: response.statusCode ?? 0, headers: response.headers, body: parseBody(text) });
        });
      },
    );
    // Said before the line is cut: afterwards it would only be "aborted".
    const giveUp = (why: string) => {
      fail(why);
      request.destroy();
    };
    request.on('timeout', () => giveUp(`no answer in ${idleMs / 1000} s`));
    // Each byte starts the clock of `timeout` anew: one that drips would be waited for without an end.
    const whole = setTimeout(() => giveUp(`no whole answer in ${wholeMs / 1000} s`), wholeMs);
    request.on('close', () => clearTimeout(whole));
    request.on('error', (error: NodeJS.ErrnoException) => {
      const stale = request.reusedSocket && (error.code === 'ECONNRESET' || error.code === 'EPIPE');
      fail(error.code === undefined ? error.message : describe(error), { stale, hint: hintFor(error) });
    });
    request.on('finish', () => {
      sent = true;
      onSent?.();
    });
    request.end(payload);
  });
}

/** OpenSSL's names (`x509_txt.c`) as Node has them, for a chain that ends at nobody who is trusted. */
const UNKNOWN_AUTHORITY: ReadonlySet<string> = new Set([
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
]);
const NAME_AUTHORITY =
  "name who signed its certificate with cacert in clouds.yaml, or OS_CACERT: the system's own list is not read";

/** OpenSSL's reason when the first bytes that come are none of TLS. */
const NOT_TLS = 'wrong version number';

function hintFor({ code = '', message }: NodeJS.ErrnoException): string | undefined {
  if (UNKNOWN_AUTHORITY.has(code)) return NAME_AUTHORITY;
  return message.includes(NOT_TLS) ? 'its URL says https: does it speak http?' : undefined;
}

function describe(error: NodeJS.ErrnoException): string {
  // `write EPROTO …:error:0A00010B:SSL routines:…:wrong version number:…/tlsany_meth.c:77:` and a line's end.
  const tls = /:SSL routines:[^:]*:([^:]+):/.exec(error.message)?.[1];
  if (tls !== undefined) return `TLS: ${tls}`;
  if (error.code === 'ECONNREFUSED') return 'connection refused';
  if (error.code === 'ENOTFOUND') return 'no such host name';
  // Node 24 goes on with an option of its own, which whoever runs expunge cannot give.
  return error.message.replace(/; if the root CA is installed locally.*$/, '') || String(error.code);
}

/** A proxy's HTML error page is kept as text: the status tells what it is. */
function parseBody(text: string): unknown {
  if (text === '') return null;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
